"""The archive: which meters lie behind the concentrator, and how each is reached (6000)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.acquisition import Archived, Basic, NewBasic, NewExtended
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.wire.nodes import Variant

MOST: Final = 2000
"""Meters that the archive has room for."""


class Archive:
    """Meters by their number."""

    def __init__(self) -> None:
        self._units: dict[int, Archived] = {}
        self._by_address: dict[bytes, Archived] = {}

    def __len__(self) -> int:
        return len(self._units)

    def __iter__(self) -> Iterator[Archived]:
        return iter(sorted(self._units.values(), key=lambda unit: unit.number))

    def at(self, address: bytes) -> Archived | None:
        """The meter with an address, as a TSA has it; the flag octet does not matter. None where there is none."""
        return self._by_address.get(address[1:])

    def put(self, *units: Archived) -> None:
        """Add meters, all or none; what stood under their numbers is replaced.

        Raises:
            LocalProtocolError: there is no room, or a meter has another number already.
        """
        numbers = {unit.number for unit in units}
        if len(self._units.keys() | numbers) > MOST:
            raise LocalProtocolError(f"the archive has room for {MOST} meters")
        wanted = {unit.basic.address[1:]: unit for unit in units}
        if len(wanted) != len(units) or len(numbers) != len(units):
            raise LocalProtocolError("a meter or a number stands twice in what is to be added")
        for address in wanted:
            known = self._by_address.get(address)
            if known is not None and known.number not in numbers:
                raise LocalProtocolError(f"meter {address.hex()} is number {known.number} already")
        for number in numbers:
            self.delete(lambda unit, number=number: unit.number == number)  # type: ignore[misc]
        self._units |= {unit.number: unit for unit in units}
        self._by_address |= wanted

    def change(self, new: NewBasic | NewExtended) -> None:
        """Change one meter; raises LocalProtocolError where there is none of that number, or the address is taken."""
        unit = self._units.get(new.number)
        if unit is None:
            raise LocalProtocolError(f"there is no meter {new.number}")
        if isinstance(new, NewBasic):
            self.put(Archived(new.number, new.basic, unit.extended, unit.annex))
        else:
            self.put(Archived(new.number, unit.basic, new.extended, new.annex))

    def delete(self, meant: Callable[[Archived], bool]) -> int:
        """Take meters away; how many those were."""
        gone = [unit for unit in self._units.values() if meant(unit)]
        for unit in gone:
            del self._units[unit.number]
            self._by_address.pop(unit.basic.address[1:], None)
        return len(gone)

    def delete_number(self, number: int) -> int:
        """Take one away by its number."""
        return self.delete(lambda unit: unit.number == number)

    def delete_basic(self, basic: Basic) -> int:
        """Take one away by what is known of it."""
        return self.delete(lambda unit: unit.basic == basic)

    def delete_address(self, address: bytes, port: Oad) -> int:
        """Take one away by address and port."""
        return self.delete(lambda unit: unit.basic.address[1:] == address[1:] and unit.basic.port == port)

    def clear(self) -> None:
        """Take all away."""
        self._units.clear()
        self._by_address.clear()

    def meant(self, meters: Variant) -> list[Archived]:
        """The meters of a set (MS), by number."""
        test = test_of(meters)
        return [unit for unit in self if test(unit)]


def test_of(meters: Variant) -> Callable[[Archived], bool]:
    """Whether a meter belongs to a set (MS). Types of devices and logical devices (2021) are nobody's."""
    test, value = _TESTS.get(meters.tag, _nobody), meters.value
    return lambda unit: test(unit, value)


def _nobody(unit: Archived, value: Any) -> bool:
    del unit, value
    return False


_TESTS: Final[dict[int, Callable[[Archived, Any], bool]]] = {
    1: lambda *_: True,
    2: lambda unit, types: unit.basic.user_type in types,
    3: lambda unit, addresses: any(unit.basic.address[1:] == one[1:] for one in addresses),
    4: lambda unit, numbers: unit.number in numbers,
    5: lambda unit, regions: any(region.holds(unit.basic.user_type) for region in regions),
    6: lambda unit, regions: any(region.holds(unit.basic.address[1:], _bare) for region in regions),
    7: lambda unit, regions: any(region.holds(unit.number) for region in regions),
}


def _bare(address: Any) -> Any:
    return address[1:] if isinstance(address, bytes) else address
