"""How interface classes are written down: attributes and methods as data, with who may use them (IEC 62056-6-2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Any, Final, Protocol

import msgspec

from meterwire.meter_model.parameters import Author
from meterwire.meter_model.values import NotServed, Value
from meterwire.protocols.dlms.data import DATA, Tag
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import Quantity


class Level(IntEnum):
    """What a client may do: each level may do what those below it may."""

    PUBLIC = 0
    READER = 1
    MANAGEMENT = 2
    NOBODY = 3


MANAGEMENT_CLIENT: Final = 1
PUBLIC_CLIENT: Final = 16


def level_of(client: int) -> Level:
    """The level of a client: the public client reads, the management client does everything."""
    if client == MANAGEMENT_CLIENT:
        return Level.MANAGEMENT
    return Level.PUBLIC if client == PUBLIC_CLIENT else Level.READER


class Denied(Exception):  # noqa: N818  becomes a data access result before it leaves the face
    """An attribute or method cannot be had; `result` says why."""

    def __init__(self, result: DataAccessResult) -> None:
        super().__init__(result.name)
        self.result = result


class Rows(msgspec.Struct, frozen=True):
    """An array too long to be made at once: how many elements, and the elements one by one."""

    count: int
    elements: Iterable[Variant]


Given = Variant | Rows


data_octets: Final = codec(DATA).build
"""The encoded Data."""


def octets_of(data: Given) -> Iterator[bytes]:
    """The encoded Data piece by piece; of a long array never more than one element at a time."""
    if isinstance(data, Variant):
        yield data_octets(data)
        return
    yield bytes((Tag.ARRAY,)) + counted(data.count)
    for element in data.elements:
        yield data_octets(element)


def counted(count: int) -> bytes:
    """A count as A-XDR has it."""
    if count < 0x80:
        return bytes((count,))
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def whole(data: Given) -> Variant:
    """All elements at once."""
    return data if isinstance(data, Variant) else Variant(Tag.ARRAY, tuple(data.elements))


class Meter(Protocol):
    """What every object needs of a meter; profiles and settings are there where the meter has them."""

    @property
    def identity(self) -> Any:
        """Has `logical_device`, its number, `logical_device_name` and `secrets`."""

    @property
    def clock(self) -> Any:
        """Has `now()`, an aware time."""

    @property
    def shown(self) -> dict[Any, Any]:
        """What has been made of readings; gone as soon as they may differ."""

    def advance(self) -> None:
        """Up to the present second: before what is `shown` is looked at."""

    def read(self, quantity: Quantity) -> Value:
        """The value now; raises `NotServed`."""


class View(Protocol):
    """What an attribute may depend on: the meter, and the association that it is used through."""

    meter: Any
    level: Level
    client: int

    def objects(self) -> Iterable[CosemObject]:
        """The objects that can be seen."""

    def agreed(self, attribute: int) -> Variant:
        """What was agreed on, as an attribute of the association object."""

    @property
    def device(self) -> Any:
        """The face: what all clients share."""

    def author(self, item: str) -> Author:
        """Who changes something here."""

    def reply_to_hls(self, data: Variant) -> Variant:
        """The last step of high-level security; raises `Denied`."""


Give = Callable[["CosemObject", View], Given]
Select = Callable[["CosemObject", View, SelectiveAccess], Given]
Take = Callable[["CosemObject", View, Variant], None]
Run = Callable[["CosemObject", View, Variant], "Variant | None"]


class Attribute(msgspec.Struct, frozen=True):
    """One attribute of a class.

    Attributes:
        get: gives its value; None where it cannot be read by anybody.
        set: takes a new value, and raises `Denied` for one that does not fit.
        read: least level that reads it; likewise `write`.
        select: gives a part of it.
        selectors: numbers of the access selectors.
    """

    get: Give | None = None
    set: Take | None = None
    read: Level = Level.PUBLIC
    write: Level = Level.READER
    select: Select | None = None
    selectors: tuple[int, ...] = ()

    def mode(self, level: Level) -> int:
        """The access mode of the association view: 0 none, 1 read, 2 write, 3 both."""
        return (self.get is not None and level >= self.read) + 2 * (self.set is not None and level >= self.write)


class Method(msgspec.Struct, frozen=True):
    """One method of a class. Without `run` the class has it and this meter does not."""

    run: Run | None = None
    level: Level = Level.READER

    def permitted(self, level: Level) -> bool:
        """Whether a client of that level may invoke it."""
        return self.run is not None and level >= self.level


class CosemClass(msgspec.Struct, frozen=True):
    """One interface class as the meter implements it."""

    class_id: int
    version: int
    attributes: Mapping[int, Attribute]
    methods: Mapping[int, Method] = {}


class CosemObject(msgspec.Struct, frozen=True):
    """One instance.

    Attributes:
        row: the quantity that its value is, None for an object of DLMS/COSEM's own.
        detail: what else its class needs to know of it.
    """

    kind: CosemClass
    instance: bytes
    row: Quantity | None = None
    detail: Any = None

    def named(self, member: int) -> str:
        """An attribute or method of it, in the terms of the dialect."""
        return f"{self.kind.class_id}/{Obis(self.instance)}/{member}"

    def read(self, attribute: int, view: View, selection: SelectiveAccess | None = None) -> Given:
        """An attribute as Data; raises `Denied`."""
        found = self.kind.attributes.get(attribute)
        if found is None or found.get is None or view.level < found.read:
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        try:
            if selection is None:
                return found.get(self, view)
            if found.select is None or selection.selector not in found.selectors:
                raise Denied(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
            return found.select(self, view, selection)
        except NotServed:
            raise Denied(DataAccessResult.OBJECT_UNDEFINED) from None

    def write(self, attribute: int, view: View, data: Variant, selection: SelectiveAccess | None = None) -> None:
        """Set an attribute; raises `Denied`, and then nothing has changed."""
        found = self.kind.attributes.get(attribute)
        if found is None or found.set is None or view.level < found.write:
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        if selection is not None:
            raise Denied(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
        found.set(self, view, data)

    def act(self, method: int, view: View, data: Variant) -> Variant | None:
        """Invoke a method; raises `Denied`."""
        found = self.kind.methods.get(method)
        if found is None or not found.permitted(view.level):
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        if found.run is None:
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        return found.run(self, view, data)
