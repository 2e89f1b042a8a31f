"""The reference: every layout as a construct object, read by construct alone and independent of the generated readers.

`construct_layout` gives it to people for their own programs; `ReferenceEngine` runs the stack on it
(`METERWIRE_CODEC=construct`), and tests hold the generated engine equal to it. construct's `compile` is never used:
it drops the length checks.
"""

# ruff: noqa: SLF001  construct's own protocol for subclasses is spelled with underscores

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import construct as c

from meterwire.errors import ChecksumError, LocalProtocolError, MalformedError
from meterwire.protocols.wire.declare import BitsInfo, MessageInfo, bits_info, info
from meterwire.protocols.wire.facts import end_matters, min_size, resolve, sizes, tail_size, target, width
from meterwire.protocols.wire.limits import LIMITS, Limits
from meterwire.protocols.wire.nodes import (
    REST,
    AxdrLength,
    Bcd,
    BitString,
    Bool,
    Chain,
    Check,
    Choice,
    Compact,
    Const,
    Described,
    Enum,
    Float,
    Lookup,
    Many,
    Masked,
    Maybe,
    Named,
    Node,
    Nothing,
    Octets,
    Record,
    Recur,
    Ref,
    Rest,
    Size,
    Sized,
    Tagged,
    Text,
    UInt,
    Variant,
)
from meterwire.protocols.wire.window import Reading, Window

if TYPE_CHECKING:  # the stubs make generic what is not generic at run time
    Construct = c.Construct[Any, Any]
    Adapter = c.Adapter[Any, Any, Any, Any]
    Subconstruct = c.Subconstruct[Any, Any, Any, Any]
else:
    Construct, Adapter, Subconstruct = c.Construct, c.Adapter, c.Subconstruct

_FAULTS = (
    c.ConstructError,
    struct.error,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)
"""What construct and Python raise where octets or values are wrong."""


# ------------------------------------------------------------------ the two doors


def construct_layout(layout: Any, edition: int | None = None, *, whole: bool = True) -> Construct:
    """The same message or layout as a construct object, interpreted, for use with construct's own `parse` and `build`.

    Args:
        layout: a message class, a bit field, or a node.
        edition: the edition of the standard where the layout differs between editions.
        whole: octets left over are an error; False lets something follow, as inside another construct.

    Raises:
        TypeError: the layout differs by edition and none was chosen.
    """
    return _Whole(_Lowering(edition).root(layout), whole=whole)


class ReferenceEngine:
    """The slow engine: everything goes through construct."""

    def __init__(self, layout: Any, edition: int | None = None) -> None:
        self._layout = _Lowering(edition).root(layout)

    def parse(self, octets: bytes, limits: Limits = LIMITS) -> Any:
        """The value of exactly these octets; raises MalformedError, ChecksumError where a check was what failed."""
        reading = Reading(Window(bytes(octets)), limits)
        try:
            return _read(self._layout, reading, "", whole=True)
        except _FAULTS as error:
            kind = ChecksumError if isinstance(error, c.ChecksumError) else MalformedError
            raise kind(_words(error), _path(error), reading.window.position) from error

    def stand_in(self, value: Any, octets: bytes) -> Any:
        """The message itself: the reference builds everything anew."""
        del octets
        return value

    def build(self, value: Any) -> bytes:
        """The octets of a value; raises LocalProtocolError where the layout cannot carry it."""
        out = io.BytesIO()
        try:
            self._layout._build(value, out, _context(), "")
        except _FAULTS as error:
            place = _path(error)
            raise LocalProtocolError(f"{place}: {_words(error)}" if place else _words(error)) from error
        return out.getvalue()


class _Whole(Subconstruct):
    """The root of what people are given: opens a reading over whatever stream construct brings."""

    def __init__(self, layout: Construct, *, whole: bool) -> None:
        super().__init__(layout)
        self._whole = whole

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        begin = c.stream_tell(stream, path)
        window = Window(c.stream_read_entire(stream, path), begin)
        limits = context.get("_params", context).get("limits", LIMITS)
        value = _read(self.subcon, Reading(window, limits), path, whole=self._whole)
        c.stream_seek(stream, window.position, 0, path)
        return value

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        del context
        self.subcon._build(obj, stream, _context(), path)
        return obj


def _context(reading: Reading | None = None) -> Any:
    """A context without fields. A reference sees the fields of its own message only, so each message has its own."""
    return c.Container(_reading=reading)


def _read(layout: Any, reading: Reading, path: str, *, whole: bool) -> Any:
    value = layout._parsereport(reading.window, _context(reading), path)
    if whole and reading.window.left:
        raise c.TerminatedError(f"{reading.window.left} octets less", path=path)
    return value


def _words(error: BaseException) -> str:
    text = str(error)
    return (text.partition("\n")[2] if getattr(error, "path", None) is not None else text) or type(error).__name__


def _path(error: BaseException) -> str:
    """The path of construct in the form of the library's errors: `items[2].value`."""
    path = getattr(error, "path", None) or ""
    return path.removeprefix(" -> ").replace(" -> [", "[").replace(" -> ", ".")


# ------------------------------------------------------------------ lowering


class _Lowering:
    """One walk over a layout in one edition; messages and named layouts are made once, so that they may recur."""

    def __init__(self, edition: int | None) -> None:
        self.edition = edition
        self._made: dict[Any, Construct] = {}
        self._recurs: list[_Recur] = []

    def root(self, layout: Any) -> Construct:
        """The construct of a layout, with everything it reaches through recursion."""
        made = self.of(layout)
        while self._recurs:
            recur = self._recurs.pop()
            recur.subcon = self.of(recur.layout)
        return made

    def of(self, layout: Any) -> Construct:
        """The construct of one layout."""
        node = resolve(layout, self.edition)
        key = node.cls if isinstance(node, Record) else node
        if key not in self._made:
            self._made[key] = lower(node, self)
        return self._made[key]

    def named(self, layout: Any, name: str, doc: str = "") -> Construct:
        """The construct of a layout under a name, for the path of errors."""
        return c.Renamed(self.of(layout), newname=name, newdocs=doc)

    def recur(self, node: Recur) -> Construct:
        """A recursive reference; what it stands for is lowered when the walk is done."""
        made = _Recur(target(node), node.name)
        self._recurs.append(made)
        return made


@singledispatch
def lower(node: Node[Any], low: _Lowering) -> Construct:
    """The construct of one node."""
    del low
    raise TypeError(f"{type(node).__name__} is no node of the vocabulary")


def _value(ref: Ref, context: Any, path: str) -> int:
    """The value of an earlier field of the same message."""
    head, *rest = ref.name.split(".")
    found = context.get(head)
    for name in rest:
        found = getattr(found, name, None)
    if not isinstance(found, int):
        raise c.ValidationError(f"{ref.name} is {found!r}, no number", path=path)
    return found + ref.plus


def _length(size: Any) -> Callable[[Any, str], int | None]:
    """Length in octets or count in items, from the context; None is all that are there."""
    if isinstance(size, Ref):
        return lambda context, path: _value(size, context, path)
    fixed = None if isinstance(size, Rest) else int(size)
    return lambda _context, _path: fixed


# ------------------------------------------------------------------ numbers


@lower.register
def _(node: UInt, low: _Lowering) -> Construct:
    del low
    code = {1: "B", 2: "H", 4: "L", 8: "Q"}.get(node.size)
    if code is None:
        return c.BytesInteger(node.size, signed=node.signed, swapped=node.order == "<")
    return c.FormatField(node.order, code.lower() if node.signed else code)


@lower.register
def _(node: Float, low: _Lowering) -> Construct:
    del low
    return c.FormatField(node.order, "f" if node.size == 4 else "d")


class _Bool(Adapter):
    def __init__(self, true: int) -> None:
        super().__init__(c.Int8ub)
        self._true = true

    def _decode(self, obj: Any, context: Any, path: str) -> bool:
        del context, path
        return bool(obj)

    def _encode(self, obj: Any, context: Any, path: str) -> int:
        del context, path
        return self._true if obj else 0


@lower.register
def _(node: Bool, low: _Lowering) -> Construct:
    del low
    return _Bool(node.true)


class _Enum(Adapter):
    def __init__(self, node: Enum, base: Construct) -> None:
        super().__init__(base)
        self._names = {int(member): member for member in node.names}
        self._closed = node.closed

    def _decode(self, obj: Any, context: Any, path: str) -> Any:
        del context
        if self._closed and obj not in self._names:
            raise c.MappingError(f"{obj} has no name", path=path)
        return self._names.get(obj, obj)

    def _encode(self, obj: Any, context: Any, path: str) -> int:
        return int(self._decode(int(obj), context, path))


@lower.register
def _(node: Enum, low: _Lowering) -> Construct:
    return _Enum(node, low.of(node.base))


class _Bits(Adapter):
    def __init__(self, declared: BitsInfo, cls: Any, base: Construct) -> None:
        super().__init__(base)
        self._make, self.docs = cls.of, declared.doc
        self._fixed = [part for part in declared.parts if part.fixed]

    def _decode(self, obj: Any, context: Any, path: str) -> Any:
        del context
        for part in self._fixed:
            if obj >> part.shift & part.mask != part.default:
                raise c.ConstError(f"{part.name} other than {part.default}", path=path)
        return self._make(obj)

    def _encode(self, obj: Any, context: Any, path: str) -> int:
        return int(self._decode(int(obj), context, path))


class _AxdrLength(Construct):
    def _parse(self, stream: Any, context: Any, path: str) -> int:
        del context
        first = c.stream_read(stream, 1, path)[0]
        if first < 0x80:
            return first
        if not 0x81 <= first <= 0x84:
            raise c.IntegerError(f"length octet {first:02X}H", path=path)
        return int.from_bytes(c.stream_read(stream, first - 0x80, path), "big")

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        del context
        if not 0 <= obj < 1 << 32:
            raise c.IntegerError(f"{obj} is no length", path=path)
        if obj >= 0x80:
            octets = obj.to_bytes((obj.bit_length() + 7) // 8, "big")
            stream.write(bytes((0x80 + len(octets),)) + octets)
        else:
            stream.write(bytes((obj,)))
        return obj


@lower.register
def _(node: AxdrLength, low: _Lowering) -> Construct:
    del node, low
    return _AxdrLength()


# ------------------------------------------------------------------ octets


class _Octets(Construct):
    """Octets as many as a number, an earlier field or the region says."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self._length = _length(size)

    def _parse(self, stream: Any, context: Any, path: str) -> bytes:
        length = self._length(context, path)
        return c.stream_read_entire(stream, path) if length is None else c.stream_read(stream, length, path)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        if not isinstance(obj, (bytes, bytearray, memoryview)):
            raise c.StringError(f"{obj!r} is no octets", path=path)
        length = self._length(context, path)
        c.stream_write(stream, bytes(obj), len(obj) if length is None else length, path)
        return obj


@lower.register
def _(node: Octets, low: _Lowering) -> Construct:
    del low
    return _Octets(node.size)


class _Chain(Construct):
    """Octets up to the first that is odd."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def _parse(self, stream: Any, context: Any, path: str) -> bytes:
        del context
        octets = b""
        while not octets or not octets[-1] & 1:
            if len(octets) == self._limit:
                raise c.RepeatError(f"at most {self._limit} octets", path=path)
            octets += c.stream_read(stream, 1, path)
        return octets

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        del context
        if not 0 < len(obj) <= self._limit or [octet & 1 for octet in obj] != [0] * (len(obj) - 1) + [1]:
            raise c.RepeatError(f"{obj!r} is no chain of at most {self._limit} octets", path=path)
        stream.write(bytes(obj))
        return obj


@lower.register
def _(node: Chain, low: _Lowering) -> Construct:
    del low
    return _Chain(node.limit)


class _Text(Adapter):
    def __init__(self, node: Text) -> None:
        super().__init__(_Octets(node.size))
        self._encoding = node.encoding

    def _decode(self, obj: Any, context: Any, path: str) -> str | bytes:
        del context, path
        octets = bytes(obj)
        try:
            return octets.decode(self._encoding)
        except UnicodeDecodeError:
            return octets

    def _encode(self, obj: Any, context: Any, path: str) -> Any:
        del context, path
        return obj.encode(self._encoding) if isinstance(obj, str) else obj


@lower.register
def _(node: Text, low: _Lowering) -> Construct:
    del low
    return _Text(node)


class _Bcd(Adapter):
    def __init__(self, node: Bcd) -> None:
        super().__init__(_Octets(node.size))
        self._turned = node.order == "<"
        self._digits = frozenset("0123456789" + node.also)

    def _decode(self, obj: Any, context: Any, path: str) -> str:
        del context
        digits = "".join(f"{octet:02X}" for octet in (reversed(obj) if self._turned else obj))
        if not self._digits.issuperset(digits):
            raise c.ValidationError(f"{digits} are not all digits", path=path)
        return digits

    def _encode(self, obj: Any, context: Any, path: str) -> bytes:
        del context
        if not self._digits.issuperset(obj) or len(obj) % 2:
            raise c.ValidationError(f"{obj!r} is no even number of digits", path=path)
        octets = bytes(int(obj[at : at + 2], 16) for at in range(0, len(obj), 2))
        return octets[::-1] if self._turned else octets


@lower.register
def _(node: Bcd, low: _Lowering) -> Construct:
    del low
    return _Bcd(node)


class _BitString(Construct):
    def __init__(self, bits: int | None) -> None:
        super().__init__()
        self._bits, self._count = bits, _AxdrLength()

    def _parse(self, stream: Any, context: Any, path: str) -> str:
        bits = self._count._parse(stream, context, path) if self._bits is None else self._bits
        octets = c.stream_read(stream, (bits + 7) // 8, path)
        return "".join(f"{octet:08b}" for octet in octets)[:bits]

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        if not isinstance(obj, str) or not {"0", "1"}.issuperset(obj):
            raise c.StringError(f"{obj!r} is no text of 0 and 1", path=path)
        if self._bits is None:
            self._count._build(len(obj), stream, context, path)
        elif len(obj) != self._bits:
            raise c.StringError(f"{len(obj)} bits, not {self._bits}", path=path)
        stream.write(bytes(int(obj[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(obj), 8)))
        return obj


@lower.register
def _(node: BitString, low: _Lowering) -> Construct:
    del low
    return _BitString(node.bits)


class _Nothing(Construct):
    def _parse(self, stream: Any, context: Any, path: str) -> None:
        """There is nothing to read."""

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        del stream, context
        if obj is not None:
            raise c.ValidationError(f"{obj!r} where nothing goes", path=path)
        return obj


@lower.register
def _(node: Nothing, low: _Lowering) -> Construct:
    del node, low
    return _Nothing()


@lower.register
def _(node: Const, low: _Lowering) -> Construct:
    del low
    return c.Const(node.raw)


# ------------------------------------------------------------------ composition


class _Sized(Subconstruct):
    """A length, then a body that fills exactly that many octets."""

    def __init__(self, length: Construct, body: Construct) -> None:
        super().__init__(body)
        self._length = c.Renamed(length, newname="length")

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        length, outer = self._length._parsereport(stream, context, path), stream.end
        if not 0 <= length <= stream.left:
            raise c.StreamError(f"{length} octets, {stream.left} are left", path=path)
        stream.end = stream.position + length
        value = self.subcon._parsereport(stream, context, path)
        _filled(stream, path)
        stream.end = outer
        return value

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        body = io.BytesIO()
        self.subcon._build(obj, body, context, path)
        self._length._build(len(body.getvalue()), stream, context, path)
        stream.write(body.getvalue())
        return obj


def _filled(window: Window, path: str) -> None:
    if window.left:
        raise c.TerminatedError(f"{window.left} octets more than the layout has", path=path)


@lower.register(Sized)
def _(node: Sized[Any], low: _Lowering) -> Construct:
    return _Sized(low.of(node.length), low.of(node.body))


class _Many(Subconstruct):
    """A count and that many items, or items to the end of the region; hopeless counts are refused at once."""

    def __init__(self, node: Many, low: _Lowering) -> None:
        super().__init__(low.of(node.item))
        self._fewest = min_size(node.item, low.edition)
        self._prefix = low.named(node.count, "count") if isinstance(node.count, Node) else None
        self._given = _length(0 if isinstance(node.count, Node) else node.count)

    def _count(self, stream: Any, context: Any, path: str) -> int | None:
        if self._prefix is None:
            return self._given(context, path)
        count: int = self._prefix._parsereport(stream, context, path)
        return count

    def _parse(self, stream: Any, context: Any, path: str) -> tuple[Any, ...]:
        count, reading = self._count(stream, context, path), context["_reading"]
        if count is None:
            return self._rest(stream, context, path)
        if count < 0 or count * self._fewest > stream.left or (count and not reading.afford(count)):
            raise c.RangeError(f"{count} items, {stream.left} octets are left", path=path)
        return tuple([self.subcon._parsereport(stream, context, f"{path} -> [{at}]") for at in range(count)])

    def _rest(self, stream: Any, context: Any, path: str) -> tuple[Any, ...]:
        items: list[Any] = []
        while stream.left > 0:
            before, here = stream.position, f"{path} -> [{len(items)}]"
            if not context["_reading"].afford(1, base=0):
                raise c.RangeError("fewer items", path=here)
            items.append(self.subcon._parsereport(stream, context, here))
            if stream.position == before:
                raise c.RangeError("items that take octets", path=here)
        return tuple(items)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        due = len(obj) if self._prefix is not None else self._given(context, path)
        if due is not None and due != len(obj):
            raise c.RangeError(f"{len(obj)} items, not {due}", path=path)
        if self._prefix is not None:
            self._prefix._build(len(obj), stream, context, path)
        for at, item in enumerate(obj):
            self.subcon._build(item, stream, context, f"{path} -> [{at}]")
        return obj


@lower.register
def _(node: Many, low: _Lowering) -> Construct:
    return _Many(node, low)


class _Maybe(Subconstruct):
    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        present = c.stream_read(stream, 1, path)[0]
        if present > 1:
            raise c.ValidationError(f"presence octet {present:02X}H", path=path)
        return self.subcon._parsereport(stream, context, path) if present else None

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        stream.write(b"\x00" if obj is None else b"\x01")
        if obj is not None:
            self.subcon._build(obj, stream, context, path)
        return obj


@lower.register(Maybe)
def _(node: Maybe[Any], low: _Lowering) -> Construct:
    return _Maybe(low.of(node.body))


class _Tagged(Subconstruct):
    def __init__(self, tag: int, body: Construct) -> None:
        super().__init__(_Sized(_AxdrLength(), body))
        self._tag = bytes((tag,))

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        if stream.peek() != self._tag[0]:
            return None
        c.stream_read(stream, 1, path)
        return self.subcon._parsereport(stream, context, path)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        if obj is not None:
            stream.write(self._tag)
            self.subcon._build(obj, stream, context, path)
        return obj


@lower.register
def _(node: Tagged, low: _Lowering) -> Construct:
    return _Tagged(node.tag, low.of(node.body))


class _Masked(Subconstruct):
    """The body is read in a window over the octets as they were before they were mapped, at the same positions."""

    def __init__(self, node: Masked[Any], body: Construct) -> None:
        super().__init__(body)
        self._up, self._when = node.up, node.when
        self._down = bytes(node.up.index(octet) for octet in range(256))

    def _plain(self, context: Any, path: str) -> bool:
        return self._when is not None and not _value(self._when, context, path)

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        if self._plain(context, path):
            return self.subcon._parsereport(stream, context, path)
        reading = context["_reading"]
        octets = stream.between(stream.position, stream.end)
        reading.window = Window(octets.translate(self._down), stream.position)
        value = self.subcon._parsereport(reading.window, context, path)
        stream.position = reading.window.position
        reading.window = stream
        return value

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        body = io.BytesIO()
        self.subcon._build(obj, body, context, path)
        octets = body.getvalue()
        stream.write(octets if self._plain(context, path) else octets.translate(self._up))
        return obj


@lower.register(Masked)
def _(node: Masked[Any], low: _Lowering) -> Construct:
    return _Masked(node, low.of(node.body))


class _Choice(Construct):
    def __init__(self, node: Choice, low: _Lowering) -> None:
        super().__init__()
        self._into = node.into
        self._cases = {tag: low.of(case) for tag, case in node.cases.items()}
        self._default = None if node.default is None else low.of(node.default)
        self._ref = node.tag if isinstance(node.tag, Ref) else None
        self._tag = low.named(node.tag, "tag") if isinstance(node.tag, Node) else None
        self._tags: dict[type, int] = {}
        if node.into is None and self._tag is not None:
            self._tags = _tags(node, low)

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        tag = self._referred(context, path) if self._tag is None else self._tag._parsereport(stream, context, path)
        value = self._case(tag, path)._parsereport(stream, context, path)
        return value if self._into is None else self._into(tag, value)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        tag, body = (obj.tag, obj.value) if self._into is not None else (self._tags.get(type(obj)), obj)
        if self._tag is None:
            due = self._referred(context, path)
            if self._into is not None and tag != due:
                raise c.SwitchError(f"the tag is {tag}, the field that names it says {due}", path=path)
            tag = due
        elif tag is None:
            raise c.SwitchError(f"{type(obj).__name__} is none of the cases", path=path)
        else:
            self._tag._build(tag, stream, context, path)
        self._case(tag, path)._build(body, stream, context, path)
        return obj

    def _referred(self, context: Any, path: str) -> int:
        assert self._ref is not None
        return _value(self._ref, context, path)

    def _case(self, tag: Any, path: str) -> Construct:
        case = self._cases.get(tag, self._default)
        if case is None:
            raise c.SwitchError(f"no layout for {tag}", path=path)
        return case


def _tags(node: Choice, low: _Lowering) -> dict[type, int]:
    """The tag that each type of value stands for, where the type is all that tells."""
    found: dict[type, int] = {}
    for tag, case in node.cases.items():
        body = resolve(case, low.edition)
        if not isinstance(body, Record) or body.cls in found:
            raise TypeError(f"the case {tag} of a choice without `into` is no message of its own")
        found[body.cls] = tag
    return found


@lower.register
def _(node: Choice, low: _Lowering) -> Construct:
    return _Choice(node, low)


class _Recur(Subconstruct):
    """One level of nesting deeper. What it stands for is filled in when the whole layout has been walked."""

    def __init__(self, layout: Any, name: str) -> None:
        super().__init__(c.Pass)
        self.layout, self.target_name = layout, name

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        reading = context["_reading"]
        if reading.depth < 1:
            raise c.ValidationError(f"{self.target_name} nested deeper than the limit", path=path)
        reading.depth -= 1
        value = self.subcon._parsereport(stream, _context(reading), path)
        reading.depth += 1
        return value

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        del context
        self.subcon._build(obj, stream, _context(), path)
        return obj


@lower.register
def _(node: Recur, low: _Lowering) -> Construct:
    return low.recur(node)


class _Apart(Subconstruct):
    """A layout that sees no field of the message it stands in."""

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        return self.subcon._parsereport(stream, _context(context["_reading"]), path)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        del context
        self.subcon._build(obj, stream, _context(), path)
        return obj


@lower.register(Named)
def _(node: Named[Any], low: _Lowering) -> Construct:
    return _Apart(low.of(node.body))


class _Lookup(Construct):
    """The table is asked when octets or values are there; what it names is lowered on first use."""

    def __init__(self, node: Lookup, edition: int | None) -> None:
        super().__init__()
        self._key, self._table, self._default = node.key, node.table, node.default
        self._edition = edition
        self._made: dict[int, tuple[Any, Construct]] = {}

    def _found(self, context: Any, path: str) -> Construct:
        layout = self._table.get(_value(self._key, context, path))
        layout = self._default if layout is None else layout
        if id(layout) not in self._made:
            self._made[id(layout)] = layout, _Apart(_Lowering(self._edition).root(layout))  # the layout keeps its id
        return self._made[id(layout)][1]

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        return self._found(context, path)._parsereport(stream, context, path)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        self._found(context, path)._build(obj, stream, context, path)
        return obj


@lower.register
def _(node: Lookup, low: _Lowering) -> Construct:
    return _Lookup(node, low.edition)


# ------------------------------------------------------------------ compact arrays


class _Described(Construct):
    """Description, length in octets, elements without their tags."""

    def __init__(self, node: Described, low: _Lowering) -> None:
        super().__init__()
        self._simple: Mapping[int, Construct] = {tag: low.of(case) for tag, case in node.cases.items()}
        self._array, self._structure = node.array, node.structure
        self._length, self._content = _AxdrLength(), _Sized(_AxdrLength(), _Octets(REST))

    def _parse(self, stream: Any, context: Any, path: str) -> Compact:
        description = self._description(stream, context, f"{path} -> description", context["_reading"].depth)
        length, outer, reading = self._length._parse(stream, context, path), stream.end, context["_reading"]
        if length > stream.left:
            raise c.StreamError(f"{length} octets, {stream.left} are left", path=path)
        stream.end = stream.position + length
        elements: list[Variant] = []
        while stream.left:
            before, here = stream.position, f"{path} -> [{len(elements)}]"
            if not reading.afford(1, base=0):
                raise c.RangeError("fewer elements", path=here)
            elements.append(self._element(description, stream, context, here))
            if stream.position == before:
                raise c.RangeError("elements that take octets", path=here)
        stream.end = outer
        return Compact(description, tuple(elements))

    def _description(self, stream: Any, context: Any, path: str, depth: int) -> Variant:
        tag = c.stream_read(stream, 1, path)[0]
        if tag not in (self._array, self._structure):
            if tag not in self._simple:
                raise c.SwitchError(f"no layout for {tag}", path=path)
            return Variant(tag, None)
        if depth < 1:
            raise c.ValidationError("described deeper than the limit", path=path)
        if tag == self._array:
            count = int.from_bytes(c.stream_read(stream, 2, path), "big")
            return Variant(tag, (count, self._description(stream, context, path, depth - 1)))
        count = self._length._parse(stream, context, path)
        if count > stream.left or (count and not context["_reading"].afford(count)):
            raise c.RangeError(f"{count} members, {stream.left} octets are left", path=path)
        return Variant(tag, tuple([self._description(stream, context, path, depth - 1) for _ in range(count)]))

    def _element(self, description: Variant, stream: Any, context: Any, path: str) -> Variant:
        tag = description.tag
        if tag in self._simple and tag not in (self._array, self._structure):
            return Variant(tag, self._simple[tag]._parsereport(stream, context, path))
        count = description.value[0] if tag == self._array else len(description.value)
        if count and not context["_reading"].afford(count):
            raise c.RangeError(f"{count} members", path=path)
        members = [self._element(member, stream, context, path) for member in self._members(description)]
        return Variant(tag, tuple(members))

    def _members(self, description: Variant) -> tuple[Variant, ...]:
        if description.tag == self._array:
            count, inner = description.value
            return (inner,) * int(count)
        members: tuple[Variant, ...] = description.value
        return members

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        self._put_description(obj.description, stream, context, path)
        content = io.BytesIO()
        for at, element in enumerate(obj.elements):
            before = content.tell()
            self._put_element(obj.description, element, content, context, f"{path} -> [{at}]")
            if content.tell() == before:
                raise c.RangeError("elements that take octets", path=f"{path} -> [{at}]")
        self._content._build(content.getvalue(), stream, context, path)
        return obj

    def _put_description(self, description: Variant, stream: Any, context: Any, path: str) -> None:
        tag = description.tag
        c.Int8ub._build(tag, stream, context, path)
        if tag == self._array:
            count, inner = description.value
            c.Int16ub._build(count, stream, context, path)
            self._put_description(inner, stream, context, path)
        elif tag == self._structure:
            self._length._build(len(description.value), stream, context, path)
            for member in description.value:
                self._put_description(member, stream, context, path)
        elif tag not in self._simple:
            raise c.SwitchError(f"no layout for {tag}", path=path)

    def _put_element(self, description: Variant, element: Variant, stream: Any, context: Any, path: str) -> None:
        if element.tag != description.tag:
            raise c.SwitchError(f"type {element.tag} where {description.tag} is described", path=path)
        if element.tag not in (self._array, self._structure):
            self._simple[element.tag]._build(element.value, stream, context, path)
            return
        members = self._members(description)
        if len(members) != len(element.value):
            raise c.RangeError(f"{len(element.value)} members where {len(members)} are described", path=path)
        for member, value in zip(members, element.value, strict=True):
            self._put_element(member, value, stream, context, path)


@lower.register
def _(node: Described, low: _Lowering) -> Construct:
    return _Described(node, low)


# ------------------------------------------------------------------ messages


@lower.register(Record)
def _(node: Record[Any], low: _Lowering) -> Construct:
    held = bits_info(node.cls)
    if held is not None:
        return _Bits(held, node.cls, low.of(held.base))
    declared = info(node.cls)
    if declared is None:
        raise TypeError(f"{node.cls!r} is declared neither as a message nor as a bit field")
    return _Message(declared, node.cls, low)


class _Message(Construct):
    """The fields in order: regions while reading; sizes patched, then checks computed, while building."""

    def __init__(self, declared: MessageInfo, cls: Any, low: _Lowering) -> None:
        super().__init__()
        self.docs, self._cls, self._fields = declared.doc, cls, declared.fields
        self._nodes = [resolve(f.node, low.edition) for f in declared.fields]
        self._layouts = [
            low.named(node.base if isinstance(node, (Size, Check)) else node, f.name, f.doc)
            for f, node in zip(declared.fields, self._nodes, strict=True)
        ]
        self._regions = sizes(declared)
        self._open = [end_matters(node, low.edition) for node in self._nodes]
        self._tails = [self._tail(place, low.edition) for place in range(len(self._nodes))]

    def _tail(self, place: int, edition: int | None) -> int:
        """Fewest octets of the fields that follow in the innermost region that is open when this field begins."""
        open_ = [last for at, (_, last) in self._regions.items() if at < place <= last]
        stop = min(open_) if open_ else len(self._fields) - 1
        return tail_size(self._fields[place + 1 : stop + 1], edition)

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        inner = _context(context["_reading"])
        begins: dict[str, int] = {}
        ends: list[tuple[int, int]] = []
        values: list[Any] = []
        for place, (f, node) in enumerate(zip(self._fields, self._nodes, strict=True)):
            begins[f.name], here = stream.position, f"{path} -> {f.name}"
            absent = isinstance(node, Check) and bool(node.guards) and stream.left <= self._tails[place]
            value: Any = None if absent else self._field(place, stream, inner, path)
            inner[f.name] = value
            if isinstance(node, Check) and not absent:
                self._verify(node, value, stream.between(begins[node.first], begins[f.name]), here)
            if isinstance(node, Size):
                ends.append((self._regions[place][1], stream.end))
                stream.end = self._end(node, value, begins.get(node.first, stream.position), stream, here)
            if not f.derived:
                values.append(value)
            while ends and ends[-1][0] == place:
                _filled(stream, here)
                stream.end = ends.pop()[1]
        return self._cls(*values)

    def _field(self, place: int, stream: Any, context: Any, path: str) -> Any:
        outer, tail = stream.end, self._tails[place] if self._open[place] else 0
        if tail > stream.left:
            raise c.StreamError(f"{stream.left} octets, {tail} are due", path=path)
        stream.end -= tail
        value = self._layouts[place]._parsereport(stream, context, path)
        stream.end = outer
        return value

    @staticmethod
    def _verify(node: Check, found: int, octets: bytes, path: str) -> None:
        due = node.digest(octets)
        if found != due:
            digits = 2 * (width(node.base) or 1)
            raise c.ChecksumError(f"check {found:0{digits}X}H, the octets give {due:0{digits}X}H", path=path)

    @staticmethod
    def _end(node: Size, value: Any, begin: int, stream: Any, path: str) -> int:
        size = value if isinstance(node.base, UInt) else value.size
        end: int = begin + size + node.plus + (node.round if size < node.least else 0)
        if not stream.position <= end <= stream.end:
            left = f"{stream.left} are left"
            raise c.StreamError(f"{end - stream.position} octets announced, {left}", path=path)
        return end

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        del context
        if type(obj) is not self._cls:
            raise c.ValidationError(f"{obj!r} is no {self._cls.__name__}", path=path)
        inner, out = _context(), io.BytesIO()
        begins: dict[str, int] = {}
        ends: dict[str, int] = {}
        for f, node, layout in zip(self._fields, self._nodes, self._layouts, strict=True):
            begins[f.name] = out.tell()
            value = None if f.derived else getattr(obj, f.name)
            if not f.derived:
                inner[f.name] = value
            if isinstance(node, (Size, Check)):
                out.write(bytes(width(node) or 0) if _stands(node, obj) else b"")
            else:
                layout._build(value, out, inner, path)
            ends[f.name] = out.tell()
        self._patch(obj, out, begins, ends, path)
        stream.write(out.getvalue())
        return obj

    def _patch(self, obj: Any, out: io.BytesIO, begins: dict[str, int], ends: dict[str, int], path: str) -> None:
        """Sizes first, then checks, both in order of the fields."""
        for kind in (Size, Check):
            for f, node, layout in zip(self._fields, self._nodes, self._layouts, strict=True):
                if not isinstance(node, kind) or not _stands(node, obj):
                    continue
                if isinstance(node, Size):
                    number = ends[node.last] - begins[node.first] - node.plus
                    number = _in_part(node, obj, f.name, number, f"{path} -> {f.name}")
                else:
                    number = node.digest(out.getvalue()[begins[node.first] : begins[f.name]])
                out.seek(begins[f.name])
                layout._build(number, out, _context(), path)
        out.seek(0, io.SEEK_END)


def _stands(node: Size | Check, obj: Any) -> bool:
    """Whether the field is there at all; a check that guards an empty field is not."""
    return isinstance(node, Size) or not node.guards or bool(getattr(obj, node.guards))


def _in_part(node: Size, obj: Any, name: str, number: int, path: str) -> int:
    """The number itself, or put into the part `size` of the bit field that the message carries."""
    held = bits_info(node.base)
    if held is None:
        if number < node.least:
            raise c.RangeError(f"{number} octets are fewer than {name} can say", path=path)
        return number - node.round if node.round <= number < node.round + node.least else number
    size = next(p for p in held.parts if p.name == "size")
    if not 0 <= number <= size.mask:
        raise c.RangeError(f"{number} octets are more than {size.bits} bits can say", path=path)
    return int(getattr(obj, name)) & ~(size.mask << size.shift) | number << size.shift
