"""Things that are told apart by a number: tasks and schemes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.concentrator.kept import data_of, octets_of
from meterwire.protocols.dlt69845.shapes import Shape

T = TypeVar("T", bound=Shape)

MOST: Final = 255
"""Tasks, and schemes of a sort, that a concentrator has room for."""


class Numbered(Generic[T]):
    """A table of one shape, whose first member is its number.

    Args:
        shape: of the entries.
        changed: is told the numbers of entries that are new, different or gone.
    """

    def __init__(self, shape: type[T], changed: Callable[[set[int]], None] = lambda _: None) -> None:
        self.shape, self._changed = shape, changed
        self._entries: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter([self._entries[number] for number in sorted(self._entries)])

    def get(self, number: int) -> T | None:
        """The entry of a number, None where there is none."""
        return self._entries.get(number)

    def put(self, entries: Iterable[T]) -> None:
        """Add entries, all or none, in place of those of the same number; raises LocalProtocolError for too many."""
        new: dict[int, T] = {_number(entry): entry for entry in entries}
        if len(self._entries.keys() | new.keys()) > MOST:
            raise LocalProtocolError(f"there is room for {MOST} of them")
        different = {number for number, entry in new.items() if self._entries.get(number) != entry}
        self._entries |= new
        self._changed(different)

    def delete(self, numbers: Iterable[int]) -> None:
        """Take some away; those that are not there do not matter."""
        gone = {number for number in numbers if self._entries.pop(number, None) is not None}
        self._changed(gone)

    def clear(self) -> None:
        """Take all away."""
        self.delete(list(self._entries))

    def state(self) -> list[bytes]:
        """Everything, as octets of Data."""
        return [octets_of(entry.data()) for entry in self]

    def restore(self, state: Iterable[bytes]) -> None:
        """Take a saved state over."""
        self._entries = {_number(one): one for one in (self.shape.of(data_of(octets)) for octets in state)}


def _number(entry: Any) -> int:
    return int(getattr(entry, entry.__struct_fields__[0]))
