"""Declaring messages: a class that reads like the standard's table becomes a frozen record in the registry."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, TypeVar, cast, dataclass_transform

import msgspec

from meterwire.protocols.wire.nodes import Check, Const, Named, Node, Size, UInt, node_of

T = TypeVar("T")
C = TypeVar("C", bound=type)

_NO_DEFAULT: Any = msgspec.NODEFAULT
_PACKAGE = "meterwire.protocols."


class Field(msgspec.Struct, frozen=True, eq=False):
    """One field of a message: name, layout, the standard's word for it, its clause, and whether it carries a value."""

    name: str
    node: Node[Any]
    doc: str
    cite: str = ""
    default: Any = msgspec.field(default_factory=lambda: _NO_DEFAULT)

    @property
    def derived(self) -> bool:
        """Whether the octets follow from the other fields, so that the record has no such member."""
        node = self.node
        return isinstance(node, (Const, Check)) or (isinstance(node, Size) and isinstance(node.base, UInt))


class Part(msgspec.Struct, frozen=True, eq=False):
    """One part of a bit field: name, width, meaning, and the names of its values if it has any."""

    name: str
    bits: int
    doc: str
    names: type[enum.IntEnum] | None = None
    shift: int = 0
    default: int = 0
    fixed: bool = False

    @property
    def mask(self) -> int:
        """The part's bits, at bit 0."""
        return (1 << self.bits) - 1


class MessageInfo(msgspec.Struct, frozen=True, eq=False):
    """What every reader needs of a message: its registered name, fields in order of sending, and clause."""

    name: str
    fields: tuple[Field, ...]
    cite: str
    doc: str


class BitsInfo(msgspec.Struct, frozen=True, eq=False):
    """What every reader needs of a bit field: the integer that holds it and its parts, highest bit first."""

    name: str
    base: UInt
    parts: tuple[Part, ...]
    doc: str


REGISTRY: dict[str, Any] = {}
"""Every message class and named layout by its name, such as `dlt645.Frame`; what tests and documentation walk."""


class _Declared(msgspec.Struct, frozen=True, eq=False):
    """What `field` and `part` leave in the class body until `message` or `bits` picks it up."""

    what: Any
    doc: str
    cite: str = ""
    default: Any = msgspec.field(default_factory=lambda: _NO_DEFAULT)
    names: type[enum.IntEnum] | None = None
    fixed: bool = False


def field(layout: Node[T] | type[T], doc: str, *, cite: str = "", default: Any = _NO_DEFAULT) -> T:
    """A field that carries a value. `doc` is the standard's word for it."""
    return cast("T", _Declared(node_of(layout), doc, cite, default))


def hidden(layout: Node[Any], doc: str, *, cite: str = "") -> Any:
    """A field whose octets follow from the others: a constant, a size, a check."""
    return _Declared(layout, doc, cite)


def part(bits: int, doc: str, *, names: type[enum.IntEnum] | None = None, default: int = 0, fixed: bool = False) -> Any:
    """A part of a bit field, `bits` wide; the first part declared holds the highest bits.

    A `fixed` part always has its default value: octets with another one are malformed.
    """
    return _Declared(bits, doc, names=names, default=default, fixed=fixed)


def _declared(cls: type) -> list[tuple[str, _Declared]]:
    return [(name, value) for name, value in vars(cls).items() if isinstance(value, _Declared)]


def qualified(cls: type) -> str:
    """The registered name of a class: its dialect or package, a dot, its own name."""
    module = cls.__module__.removeprefix(_PACKAGE)
    return f"{module.split('.')[0]}.{cls.__name__}"


def register(name: str, layout: Any) -> None:
    """Enter a message or layout into the registry; a name stands for one declaration only."""
    if name in REGISTRY:
        raise TypeError(f"{name} is declared twice")
    REGISTRY[name] = layout


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def message(*, cite: str, registered: bool = True) -> Callable[[type[T]], type[T]]:
    """Make a class a message: a frozen record with the declared fields, known to every reader.

    Args:
        cite: standard and clause of the message as a whole.
        registered: False keeps it out of the registry, for declarations made by tests.
    """

    def make(cls: type[T]) -> type[T]:
        fields = tuple(Field(n, d.what, d.doc, d.cite, d.default) for n, d in _declared(cls))
        keep = {k: v for k, v in vars(cls).items() if not isinstance(v, _Declared) and k not in _DROPPED}
        keep["__wire__"] = MessageInfo(qualified(cls), fields, cite, (cls.__doc__ or "").strip())
        members = [(f.name, Any, f.default) for f in fields if not f.derived]
        made = msgspec.defstruct(
            cls.__name__, members, namespace=keep, frozen=True, gc=False, module=cls.__module__, kw_only=False
        )
        made.__doc__ = cls.__doc__
        if registered:
            register(qualified(cls), made)
        return cast("type[T]", made)

    return make


_DROPPED = ("__dict__", "__weakref__", "__annotations__", "__doc__", "__module__", "__qualname__")


@dataclass_transform(frozen_default=True, field_specifiers=(part,))
def bits(base: UInt) -> Callable[[type[T]], type[T]]:
    """Make a class a bit field: an int whose parts are properties. `Control(direction=1)` makes one from parts.

    `Control.of(0x91)` makes one from the raw octets' number. Parts that are not given are their default.
    """

    def make(cls: type[T]) -> type[T]:
        shift, parts = 8 * base.size, []
        for name, declared in _declared(cls):
            shift -= declared.what
            parts.append(
                Part(name, declared.what, declared.doc, declared.names, shift, declared.default, declared.fixed)
            )
        if shift:
            raise TypeError(f"{cls.__name__}: the parts leave {shift} bits over")
        keep = {k: v for k, v in vars(cls).items() if not isinstance(v, _Declared) and k not in _DROPPED}
        keep |= {p.name: _PartOf(p) for p in parts}
        keep["__bits__"] = BitsInfo(qualified(cls), base, tuple(parts), (cls.__doc__ or "").strip())
        keep["__places__"] = {p.name: (p.shift, p.mask) for p in parts}
        keep["__default__"] = sum(p.default << p.shift for p in parts)
        keep["__doc__"] = cls.__doc__
        keep["__module__"] = cls.__module__
        return cast("type[T]", type(cls.__name__, (_BitField,), keep))

    return make


class _BitField(int):
    """An integer read as named parts, each worked out once: a field of one octet is shared by all who read it."""

    __bits__: BitsInfo
    __places__: dict[str, tuple[int, int]]
    __default__: int

    def __new__(cls, *values: int, **parts: int) -> _BitField:
        given = dict(zip(cls.__places__, values, strict=False)) | parts if values else parts
        raw = cls.__default__
        for name, value in given.items():
            if name not in cls.__places__:
                raise TypeError(f"{cls.__name__} has no part {name}")
            shift, mask = cls.__places__[name]
            if not 0 <= value <= mask:
                raise ValueError(f"{cls.__name__}.{name} is {value}, but has {mask.bit_length()} bits")
            raw = raw & ~(mask << shift) | value << shift
        return int.__new__(cls, raw)

    @classmethod
    def of(cls, raw: int) -> _BitField:
        """The bit field of this number."""
        return int.__new__(cls, raw)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: no {name} = {value!r}")

    def __repr__(self) -> str:
        shown = ", ".join(f"{p.name}={getattr(self, p.name)!r}" for p in self.__bits__.parts)
        return f"{type(self).__name__}({shown})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (int(self),)


class _PartOf:
    """A part of a bit field; what it finds is kept with the number, where it is found faster the next time."""

    def __init__(self, p: Part) -> None:
        self._name, self._shift, self._mask, self.__doc__ = p.name, p.shift, p.mask, p.doc
        self._table = {} if p.names is None else {int(member): member for member in p.names}

    def __get__(self, held: Any, owner: Any = None) -> Any:
        if held is None:
            return self
        raw = int(held) >> self._shift & self._mask
        found = held.__dict__[self._name] = self._table.get(raw, raw)
        return found


def named(name: str, body: Node[T], *, doc: str, cite: str) -> Named[T]:
    """Register a layout without a class of its own, such as a choice that nests in itself, under `dialect.Name`."""
    made = Named(name, body, doc, cite)
    register(name, made)
    return made


def info(layout: Any) -> MessageInfo | None:
    """The declaration of a message class, None for anything else."""
    return cast("MessageInfo | None", getattr(layout, "__wire__", None))


def bits_info(layout: Any) -> BitsInfo | None:
    """The declaration of a bit field class, None for anything else."""
    return cast("BitsInfo | None", getattr(layout, "__bits__", None))
