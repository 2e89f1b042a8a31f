"""Rows to columns: an array of equal structures, such as a load profile, as NumPy arrays.

When every row has the tags and lengths of the first, the octets are viewed through a structured data type made from
the first row, and each tag and length octet of all rows is compared at once. Rows that differ, such as those where
null-data stand for what did not change, go through the generated reader. Both ways give the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.codec import codec as codec_of
from meterwire.protocols.wire.facts import is_octet
from meterwire.protocols.wire.generated.described import axdr_length
from meterwire.protocols.wire.generated.reading import untext
from meterwire.protocols.wire.nodes import (
    AxdrLength,
    Bool,
    Choice,
    Compact,
    Float,
    Many,
    Named,
    Nothing,
    Octets,
    Rest,
    Sized,
    Text,
    UInt,
    Variant,
    node_of,
)
from meterwire.protocols.wire.tracer import Stop

if TYPE_CHECKING:  # NumPy takes longer to import than everything else together
    from numpy.typing import NDArray


class Columns(msgspec.Struct, frozen=True):
    """One array for each member of the rows, all of the same length.

    Numbers of one type are an array of that type; texts, octets, nulls, lists and mixtures an array of objects.
    """

    arrays: list[NDArray[Any]]
    rows: int

    def tolist(self) -> list[list[Any]]:
        """The columns as lists of plain Python values."""
        return [array.tolist() for array in self.arrays]


def columns(layout: Any, octets: bytes, offset: int = 0) -> Columns:
    """The columns of the array that fills the octets from the offset on.

    Args:
        layout: a tagged type that nests in itself, such as `dlms.Data`, or its codec.
        octets: an array of structures of equal length, or of simple values, which make one column.
        offset: where the array begins.

    Raises:
        MalformedError: the octets are no such array.
    """
    codec = layout if isinstance(layout, Codec) else codec_of(layout)
    try:
        found = _viewed(codec.layout, octets, offset)
    except (Stop, IndexError):
        found = None  # the reader of single values says what is wrong, and where
    if found is not None:
        return found
    try:
        return columns_of(codec.layout, codec.parse(octets[offset:]))
    except MalformedError as error:
        raise MalformedError(error.expected, error.path, offset + error.offset) from None


# ---------------------------------------------------------------- the fast way


class _Shape(msgspec.Struct, frozen=True):
    """One row: its octets, and where the tags and lengths lie that all rows must share, and what they are."""

    size: int
    cells: tuple[tuple[str, int], ...]
    readers: tuple[str, ...]
    places: NDArray[Any]
    shared: NDArray[Any]


_recent: dict[Any, _Shape] = {}
"""The shape last seen for each layout: the next answer of the same meter has it again."""


def _viewed(layout: Any, octets: bytes, p: int) -> Columns | None:
    """The columns; None where the layout, the first row or another one is nothing for this way."""
    cases = _cases(layout)
    if cases is None or not isinstance(cases.get(octets[p]), Many):
        return None
    rows, start = axdr_length(octets, p + 1, len(octets))
    shape = _recent.get(layout)
    if shape is not None and rows and start + rows * shape.size == len(octets):
        found = _view(shape, octets, rows, start)
        if found is not None:
            return found
    shape = _shape(cases, octets, start) if rows else None
    if shape is None or start + rows * shape.size != len(octets):
        return None
    _recent[layout] = shape
    return _view(shape, octets, rows, start)


def _shape(cases: dict[int, Any], octets: bytes, start: int) -> _Shape | None:
    """What the first row says of all; None where it holds what has to be read one by one."""
    import numpy as np  # noqa: PLC0415  see above

    shared, cells, readers = bytearray(), [], []
    p, members = start, 1
    if isinstance(cases.get(octets[p]), Many):
        members, p = axdr_length(octets, p + 1, len(octets))
        shared += b"\xff" * (p - start)
    for _ in range(members):
        plan = _cell(cases.get(octets[p]), octets, p)
        if plan is None:
            return None
        kind, reader, head, size = plan
        shared += b"\xff" * head + b"\0" * size
        cells.append((kind, p + head - start))
        readers.append(reader)
        p += head + size
    if p == start or p > len(octets):
        return None
    places = np.flatnonzero(np.frombuffer(bytes(shared), np.uint8))
    first = np.frombuffer(octets, np.uint8, p - start, start)
    return _Shape(p - start, tuple(cells), tuple(readers), places, first[places])


@lru_cache(maxsize=64)
def _cases(layout: Any) -> dict[int, Any] | None:
    """The layouts by tag octet of a type whose tag is one octet in front."""
    node = layout.body if isinstance(layout, Named) else layout
    if not isinstance(node, Choice) or node.into is None or not is_octet(node.tag):
        return None
    counted = {}
    for tag, case in node.cases.items():
        held = node_of(case)
        if not isinstance(held, Many) or isinstance(held.count, AxdrLength):
            counted[tag] = held
    return counted


def _cell(case: Any, octets: bytes, p: int) -> tuple[str, str, int, int] | None:
    """Data type, reader, octets of tag and length, octets of the value; None for what has to be read one by one."""
    if isinstance(case, UInt) and case.size in (1, 2, 4, 8):
        return f"{case.order}{'i' if case.signed else 'u'}{case.size}", "number", 1, case.size
    if isinstance(case, Float):
        return f"{case.order}f{case.size}", "number", 1, case.size
    if isinstance(case, Bool):
        return "u1", "bool", 1, 1
    if isinstance(case, Nothing):
        return "V0", "none", 1, 0
    if isinstance(case, Octets) and isinstance(case.size, int):
        return f"V{case.size}", "octets", 1, case.size
    if isinstance(case, Sized) and isinstance(case.length, AxdrLength):
        body = case.body
        if isinstance(body, (Octets, Text)) and isinstance(body.size, Rest):
            size, end = axdr_length(octets, p + 1, len(octets))
            if end + size > len(octets):
                return None
            reader = body.encoding if isinstance(body, Text) else "octets"
            return f"V{size}", reader, end - p, size
    return None


def _view(shape: _Shape, octets: bytes, rows: int, start: int) -> Columns | None:
    """The columns, None where a row differs from the shape in what must not change."""
    import numpy as np  # noqa: PLC0415  see above

    raw = np.frombuffer(octets, np.uint8, rows * shape.size, start).reshape(rows, shape.size)
    if (raw[:, shape.places] != shape.shared).any():
        return None
    records = np.frombuffer(octets, _record(shape.cells, shape.size), rows, start)
    arrays = [_column(records, f"f{place}", reader, rows) for place, reader in enumerate(shape.readers)]
    return Columns(arrays, rows)


@lru_cache(maxsize=256)
def _record(cells: tuple[tuple[str, int], ...], size: int) -> Any:
    import numpy as np  # noqa: PLC0415  see above

    names = [f"f{place}" for place in range(len(cells))]
    formats, offsets = [kind for kind, _ in cells], [offset for _, offset in cells]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})


def _column(records: Any, name: str, reader: str, rows: int) -> NDArray[Any]:
    import numpy as np  # noqa: PLC0415  see above

    if reader == "none":
        return np.full(rows, None, object)
    cells = records[name]
    if reader == "number":
        return np.asarray(cells, cells.dtype.newbyteorder("="))
    if reader == "bool":
        return np.asarray(cells, bool)
    if not cells.dtype.itemsize:
        return _objects([b"" if reader == "octets" else ""] * rows)
    if reader == "octets":
        return np.asarray(cells.astype(object))
    return _objects([untext(value, reader) for value in cells.tolist()])


# ---------------------------------------------------------------- the general way


def columns_of(layout: Any, value: Any) -> Columns:
    """The columns of an array that this layout has read; raises MalformedError where its rows are not equal."""
    layout = layout.layout if isinstance(layout, Codec) else layout
    rows = value.value if isinstance(value, Variant) else None
    if isinstance(rows, Compact):
        rows = rows.elements
    if not isinstance(rows, tuple):
        raise MalformedError("an array", "columns")
    kinds = {isinstance(row, Variant) and isinstance(row.value, tuple) for row in rows}
    if len(kinds) > 1:
        raise MalformedError("structures, or simple values, but not both", "columns")
    if kinds != {True}:
        return Columns([_typed(layout, rows)] if rows else [], len(rows))
    width = len(rows[0].value)
    if any(len(row.value) != width for row in rows):
        raise MalformedError(f"rows of {width} members", "columns")
    return Columns([_typed(layout, [row.value[place] for row in rows]) for place in range(width)], len(rows))


def _typed(layout: Any, cells: Sequence[Any]) -> NDArray[Any]:
    """Cells as an array of numbers where all are of one type of number, else as objects."""
    import numpy as np  # noqa: PLC0415  see above

    tags = {cell.tag for cell in cells}
    case = (_cases(layout) or {}).get(tags.pop()) if len(tags) == 1 else None
    plan = _cell(case, b"", 0) if isinstance(case, (UInt, Float, Bool)) else None
    if plan is None:
        return _objects([_plain(cell) for cell in cells])
    kind = np.dtype(bool if plan[1] == "bool" else plan[0]).newbyteorder("=")
    return np.array([cell.value for cell in cells], kind)


def _plain(value: Any) -> Any:
    """A value without its tags; what has members becomes a list."""
    while isinstance(value, Variant):
        value = value.value
    if isinstance(value, Compact):
        value = value.elements
    return [_plain(member) for member in value] if isinstance(value, tuple) else value


def _objects(values: list[Any]) -> NDArray[Any]:
    import numpy as np  # noqa: PLC0415  see above

    made = np.empty(len(values), object)
    made[:] = values
    return made
