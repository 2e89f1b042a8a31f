"""The closed vocabulary of layouts: nodes are data, and every reader of a message walks the same tree of them.

There is no callback in a layout and `Ref` is the only expression. A new need is a new node with all its readers:
generated parse, trace and build, the construct reference, values, mutations and Markdown.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")
Order = Literal[">", "<"]


class Node(msgspec.Struct, Generic[T], frozen=True, eq=False):
    """One piece of a layout; T is the type of the value it carries. Each is only equal to itself."""


class Variant(msgspec.Struct, frozen=True, gc=False):
    """A value of a tagged type: the tag octet and what stands behind it."""

    tag: int
    value: Any


class Compact(msgspec.Struct, frozen=True, gc=False):
    """A compact array: the description of one element, and the elements as ordinary tagged values.

    `description` is a `Variant` tree: tag and None for a simple type, `(count, description)` for an array,
    a tuple of descriptions for a structure.
    """

    description: Variant
    elements: tuple[Any, ...]


class Ref(msgspec.Struct, frozen=True, eq=False):
    """The value of an earlier field of the same message, plus a constant: the only expression of the vocabulary."""

    name: str
    plus: int = 0


class Rest:
    """All octets up to the end of the enclosing region, less the fixed tail that follows."""

    def __repr__(self) -> str:
        return "REST"


REST = Rest()
Length = int | Ref | Rest


class UInt(Node[int], frozen=True, eq=False):
    """An integer of 1 to 8 octets, unsigned unless `signed`, high octet first unless `order` is `<`."""

    size: int
    order: Order = ">"
    signed: bool = False


class Float(Node[float], frozen=True, eq=False):
    """An IEEE 754 number of 4 or 8 octets."""

    size: Literal[4, 8]
    order: Order = ">"


class Bool(Node[bool], frozen=True, eq=False):
    """One octet, 0 is false; every other value is read as true, and true is sent as `true`."""

    true: int = 1


class Bcd(Node[str], frozen=True, eq=False):
    """Packed digits, two to an octet, as text with the highest digit first.

    `order` `<` means that the lowest octet is sent first. `also` names the upper-case hexadecimal digits that are
    let through beside 0 to 9, such as the A of a wildcard address.
    """

    size: Length
    order: Order = "<"
    also: str = ""


class Octets(Node[bytes], frozen=True, eq=False):
    """Octets, as many as `size` says."""

    size: Length


class Chain(Node[bytes], frozen=True, eq=False):
    """Octets of which only the last has its lowest bit set, `limit` at most (ISO/IEC 13239, address field)."""

    limit: int


class Text(Node["str | bytes"], frozen=True, eq=False):
    """Text of `size` octets. Octets that are not valid in `encoding` are kept as they are, as bytes."""

    size: Length
    encoding: Literal["ascii", "utf-8"] = "ascii"


class BitString(Node[str], frozen=True, eq=False):
    """Bits as a text of 0 and 1, the first bit is the highest of the first octet.

    Without `bits` an A-XDR length, counted in bits, stands in front (IEC 61334-6).
    """

    bits: int | None = None


class AxdrLength(Node[int], frozen=True, eq=False):
    """A length or count of A-XDR or BER: one octet below 80H, else 81H to 84H and that many octets.

    Forms longer than needed are read, because real meters send them; the shortest is sent.
    """


class Enum(Node[Any], frozen=True, eq=False):
    """A number with names. An unnamed number is kept as a plain int unless the enumeration is `closed`."""

    base: UInt
    names: type[enum.IntEnum]
    closed: bool = False


class Nothing(Node[None], frozen=True, eq=False):
    """No octets at all."""


class Const(Node[bytes], frozen=True, eq=False):
    """Octets that never change. Carries no value."""

    raw: bytes


class Size(Node[Any], frozen=True, eq=False):
    """How many octets lie between the start of field `first` and the end of field `last`, less `plus`.

    With a bit field as `base` its part called `size` holds the number, and the field carries a value (its other parts);
    with an integer as `base` it carries none. Patched when built, and the bound of everything between when read.
    An integer below `least`, where no message can be so short, has overflowed: it counts from 0 again behind its end.
    """

    base: Any
    first: str
    last: str = ""
    plus: int = 0
    least: int = 0

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "last", self.last or self.first)

    @property
    def round(self) -> int:
        """What an integer that has overflowed lacks; 0 where it cannot."""
        return 1 << 8 * self.base.size if self.least else 0


class Check(Node[int], frozen=True, eq=False):
    """A sum over the octets from the start of field `first` up to this field. Computed when built; carries no value.

    With `guards` it stands only where that field, the next one, is not empty (ISO/IEC 13239, header check sequence):
    it is read when more octets are left in the region than the fields behind it need.
    """

    base: UInt
    digest: Callable[[bytes], int]
    first: str
    guards: str = ""


class Sized(Node[T], frozen=True, eq=False):
    """A length in octets, then a body that fills exactly that many."""

    length: Node[int]
    body: Node[T]


class Many(Node["tuple[Any, ...]"], frozen=True, eq=False):
    """A count, then that many items. The count is a node, a reference, a number, or REST (as many as there are)."""

    count: Node[int] | Ref | Rest | int
    item: Any


class Maybe(Node["T | None"], frozen=True, eq=False):
    """A-XDR OPTIONAL: an octet 00 and nothing, or 01 and the body."""

    body: Any


class Choice(Node[Any], frozen=True, eq=False):
    """One of several layouts, named by a tag that is read first, or by an earlier field.

    With `into` the value is `into(tag, value)`. Without it each case is a message, whose type names the tag when built.
    """

    tag: Node[int] | Ref
    cases: Mapping[int, Any]
    into: type[Variant] | None = None
    default: Any = None

    def __post_init__(self) -> None:
        plain = {int(tag) if isinstance(tag, int) else tag: case for tag, case in self.cases.items()}
        msgspec.structs.force_setattr(self, "cases", plain)  # members of an enumeration cannot be written into source


class Tagged(Node[Any], frozen=True, eq=False):
    """An optional BER element: tag octet, length, body; None where the next octet is another one or there is none."""

    tag: int
    body: Any


class Masked(Node[T], frozen=True, eq=False):
    """A body whose octets were mapped through `up` when sent; offsets stay those of the octets on the wire."""

    up: bytes
    body: Any
    when: Ref | None = None


class Recur(Node[Any], frozen=True, eq=False):
    """A registered message or layout by its name, one level of nesting deeper; this is where depth is bounded."""

    name: str


class ByEdition(Node[Any], frozen=True, eq=False):
    """A layout that differs between editions of a standard; the codec is made for one of them."""

    cases: Mapping[int, Any]


class Lookup(Node[Any], frozen=True, eq=False):
    """A layout found in a table of data by the value of an earlier field, `default` where the table does not know it.

    The table only needs `get`, so that it may be expanded when asked.
    """

    key: Ref
    table: Mapping[int, Any]
    default: Any


class Described(Node[Compact], frozen=True, eq=False):
    """A compact array: a type description, a length in octets, then elements without their tags.

    `cases` names the simple types; `array` and `structure` are the tags that nest (IEC 62056-6-2, compact-array).
    """

    cases: Mapping[int, Any]
    array: int = 1
    structure: int = 2


class Named(Node[T], frozen=True, eq=False):
    """A layout registered under a name, so that it can refer to itself, without a class of its own."""

    name: str
    body: Node[T]
    doc: str
    cite: str

    def __repr__(self) -> str:
        return f"Named({self.name!r})"


class Record(Node[T], frozen=True, eq=False):
    """A message, or a bit field, inside a layout. Written by giving the class itself."""

    cls: type[T]

    def __post_init__(self) -> None:
        if not (hasattr(self.cls, "__wire__") or hasattr(self.cls, "__bits__")):
            raise TypeError(f"{self.cls!r} is declared neither as a message nor as a bit field")

    def __repr__(self) -> str:
        return f"Record({self.cls.__name__})"


def node_of(layout: Any) -> Node[Any]:
    """The node for what a declaration may write: a node, or a message class."""
    return layout if isinstance(layout, Node) else Record(layout)


U8, U16, U24, U32, U64 = UInt(1), UInt(2), UInt(3), UInt(4), UInt(8)
I8, I16, I32, I64 = UInt(1, signed=True), UInt(2, signed=True), UInt(4, signed=True), UInt(8, signed=True)
U16L, U32L = UInt(2, "<"), UInt(4, "<")
AXDR_LENGTH = AxdrLength()
NOTHING = Nothing()
