"""Structures of Data as classes: `Basic.of(data)` takes one apart, `basic.data()` puts it together again.

A member is annotated with the tags that it may have on the line, the first of which is sent: `Annotated[int, 17]`. A
member that is a `Shape` is a structure, `tuple[Shape, ...]` or `tuple[Annotated[...], ...]` an array; `Variant` is
taken as it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Final, Self, get_args, get_origin, get_type_hints

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.dlt69845.data import DATA_NAMES
from meterwire.protocols.wire.nodes import Variant

_ARRAY: Final = 1
_STRUCTURE: Final = 2

U8 = Annotated[int, 17]
U16 = Annotated[int, 18]
ENUM = Annotated[int, 22]
FLAG = Annotated[bool, 3]
OCTETS = Annotated[bytes, 9]
SERVER = Annotated[bytes, 85]
"""A target server address (TSA): flag octet, then digits, high octet first."""


class Shape(msgspec.Struct, frozen=True):
    """A structure whose members are named and typed."""

    @classmethod
    def of(cls, data: Variant) -> Self:
        """From Data; raises MalformedError where a member is missing, or is of another type."""
        made: Self = _struct(cls).parse(data)
        return made

    def data(self) -> Variant:
        """As Data."""
        return _struct(type(self)).build(self)


class _Kind(msgspec.Struct, frozen=True):
    """How one member goes to Data and comes back."""

    name: str
    parse: Callable[[Variant], Any]
    build: Callable[[Any], Variant]


@cache
def _struct(cls: type[Shape]) -> _Kind:
    hints = get_type_hints(cls, include_extras=True)
    names = cls.__struct_fields__
    kinds = tuple(_kind(hints[name]) for name in names)

    def parse(data: Variant) -> Any:
        parts = _content(data, (_STRUCTURE,))
        if len(parts) != len(kinds):
            raise MalformedError(f"{len(parts)} members where {cls.__name__} has {len(kinds)}")
        return cls(*(kind.parse(part) for kind, part in zip(kinds, parts, strict=True)))

    def build(value: Any) -> Variant:
        return Variant(
            _STRUCTURE, tuple(kind.build(getattr(value, name)) for kind, name in zip(kinds, names, strict=True))
        )

    return _Kind(f"structure{{{','.join(kind.name for kind in kinds)}}}", parse, build)


def type_text(cls: type[Shape]) -> str:
    """The type as the tables of objects write it: `structure{unsigned,array<OAD>}`."""
    return _struct(cls).name


def _kind(hint: Any) -> _Kind:
    if hint is Variant:
        return _Kind("any", lambda data: data, lambda value: value)
    if get_origin(hint) is tuple:
        return _array(_kind(get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, Shape):
        return _struct(hint)
    tags = get_args(hint)[1:]
    return _Kind(DATA_NAMES[tags[0]], lambda data: _content(data, tags), lambda value: Variant(tags[0], value))


def _array(element: _Kind) -> _Kind:
    return _Kind(
        f"array<{element.name}>",
        lambda data: tuple(element.parse(one) for one in _content(data, (_ARRAY,))),
        lambda values: Variant(_ARRAY, tuple(element.build(one) for one in values)),
    )


def _content(data: Variant, tags: tuple[int, ...]) -> Any:
    if data.tag not in tags:
        wanted = " or ".join(DATA_NAMES[tag] for tag in tags)
        raise MalformedError(f"{DATA_NAMES.get(data.tag, f'tag {data.tag}')} where {wanted} belongs")
    return data.value
