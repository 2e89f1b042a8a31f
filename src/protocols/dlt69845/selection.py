"""Which rows of a record table, and of which meters: RSD, MS, Region."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from meterwire.protocols.dlt69845.dates import DateTimeS, Interval
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.wire.declare import field, message, named
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    NOTHING,
    REST,
    U8,
    U16,
    ByEdition,
    Choice,
    Enum,
    Many,
    Octets,
    Recur,
    Sized,
    Variant,
)

DATA_NAME = "dlt69845.Data"

TSA = Sized(AXDR_LENGTH, Octets(REST))
"""Target server address (TSA): flag octet and address octets, high octet first, unlike the link frame's."""


class Bounds(IntEnum):
    """Which ends of a region belong to it."""

    FROM = 0
    """The first end only: [a, b)."""
    TO = 1
    """The second end only: (a, b]."""
    BOTH = 2
    NONE = 3


@message(cite="DL/T 698.45-2017, data types: Region")
class Region:
    """A stretch of values between two ends."""

    bounds: Bounds | int = field(Enum(U8, Bounds), "which ends belong to it")
    start: Variant = field(Recur(DATA_NAME), "first end")
    end: Variant = field(Recur(DATA_NAME), "second end")

    def holds(self, value: Any, key: Callable[[Any], Any] = lambda end: end) -> bool:
        """Whether a value belongs to it; `key` makes of an end what the value is. No end is none to be within."""
        try:
            low, high = key(self.start.value), key(self.end.value)
            above = value >= low if self.bounds in {Bounds.FROM, Bounds.BOTH} else value > low
            below = value <= high if self.bounds in {Bounds.TO, Bounds.BOTH} else value < high
        except TypeError:  # an end of another kind
            return False
        return bool(above and below)


_MS: dict[int, Any] = {
    0: NOTHING,
    1: NOTHING,
    2: Many(AXDR_LENGTH, U8),
    3: Many(AXDR_LENGTH, TSA),
    4: Many(AXDR_LENGTH, U16),
    5: Many(AXDR_LENGTH, Region),
    6: Many(AXDR_LENGTH, Region),
    7: Many(AXDR_LENGTH, Region),
}

METERS = named(
    "dlt69845.Ms",
    ByEdition(
        {
            2017: Choice(U8, _MS, into=Variant),
            2021: Choice(U8, {**_MS, 8: Many(AXDR_LENGTH, U16), 9: U8}, into=Variant),
        }
    ),
    doc="Meter set (MS): 0 none, 1 all, 2 user types, 3 addresses, 4 archive numbers, 5 to 7 regions of the same, "
    "8 device types and 9 logical device (both 2021).",
    cite="DL/T 698.45-2017, data types: MS",
)


_SETS = {
    0: "no meters",
    1: "all meters",
    2: "user types",
    3: "meters",
    4: "archive numbers",
    5: "user types",
    6: "meters",
    7: "archive numbers",
    8: "device types",
    9: "logical device",
}


def meters_text(meters: Variant) -> str:
    """A meter set (MS) in words."""
    found = meters.value if isinstance(meters.value, tuple) else () if meters.value is None else (meters.value,)
    parts = [one.hex().upper() if isinstance(one, bytes) else _region_text(one) for one in found]
    return f"{_SETS.get(meters.tag, f'set {meters.tag}')} {', '.join(parts)}".rstrip()


def _region_text(part: Any) -> str:
    if not isinstance(part, Region):
        return str(part)
    ends = (
        one.value.hex().upper() if isinstance(one.value, bytes) else str(one.value) for one in (part.start, part.end)
    )
    opened, closed = (
        "[("[int(part.bounds in {Bounds.TO, Bounds.NONE})],
        "])"[int(part.bounds in {Bounds.FROM, Bounds.NONE})],
    )
    return f"{opened}{', '.join(ends)}{closed}"


@message(cite="DL/T 698.45-2017, data types: RSD, selector 1")
class SelectorEqual:
    """Rows whose column has this value."""

    column: Oad = field(Oad, "column (OAD)")
    value: Variant = field(Recur(DATA_NAME), "value")


@message(cite="DL/T 698.45-2017, data types: RSD, selector 2")
class SelectorRange:
    """Rows whose column lies in a range: the first end belongs to it, the second does not."""

    column: Oad = field(Oad, "column (OAD)")
    start: Variant = field(Recur(DATA_NAME), "from, included")
    end: Variant = field(Recur(DATA_NAME), "to, excluded")
    step: Variant = field(Recur(DATA_NAME), "step, NULL for every row")


@message(cite="DL/T 698.45-2017, data types: RSD, selectors 4 and 5")
class SelectorMoment:
    """Rows of one moment of acquisition, of some meters."""

    time: DateTimeS = field(DateTimeS, "start (4) or storage (5) of the acquisition")
    meters: Variant = field(METERS, "meters (MS)")

    def __str__(self) -> str:
        return f"{self.time}, {meters_text(self.meters)}"


@message(cite="DL/T 698.45-2017, data types: RSD, selectors 6 to 8")
class SelectorPeriod:
    """Rows of a period of acquisition, of some meters: the first end belongs to it, the second does not."""

    start: DateTimeS = field(DateTimeS, "from, included: start (6), storage (7) or success (8) of the acquisition")
    end: DateTimeS = field(DateTimeS, "to, excluded")
    interval: Interval = field(Interval, "interval (TI)")
    meters: Variant = field(METERS, "meters (MS)")

    def __str__(self) -> str:
        return f"{self.start} to {self.end} every {self.interval}, {meters_text(self.meters)}"


@message(cite="DL/T 698.45-2017, data types: RSD, selector 10")
class SelectorNewest:
    """The newest rows of some meters."""

    count: int = field(U8, "how many")
    meters: Variant = field(METERS, "meters (MS)")

    def __str__(self) -> str:
        return f"the newest {self.count}, {meters_text(self.meters)}"


_RSD: dict[int, Any] = {
    0: NOTHING,
    1: SelectorEqual,
    2: SelectorRange,
    3: Many(AXDR_LENGTH, SelectorRange),
    4: SelectorMoment,
    5: SelectorMoment,
    6: SelectorPeriod,
    7: SelectorPeriod,
    8: SelectorPeriod,
    9: U8,
    10: SelectorNewest,
}

ROWS = named(
    "dlt69845.Rsd",
    ByEdition(
        {
            2017: Choice(U8, _RSD, into=Variant),
            2021: Choice(U8, {**_RSD, 11: Many(AXDR_LENGTH, Recur("dlt69845.Rsd"))}, into=Variant),
        }
    ),
    doc="Row selection descriptor (RSD): 0 all, 1 equal, 2 range, 3 several ranges, 4 and 5 a moment, 6 to 8 a period, "
    "9 the n-th last, 10 the newest, 11 several of these (2021).",
    cite="DL/T 698.45-2017, data types: RSD",
)
