"""What a concentrator is told to collect, and how: archive, schemes and tasks (objects 6000 to 6035).

Layouts of 6001, 6013, 6015 and 6017 are those of captured downloads; 6003, 6019, 601D, 6033 and 6035 are as published
firmware has them, and the numbers of methods too (DL/T 698.45-2017, annex A, acquisition classes).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from meterwire.protocols.dlt69845.data import Baud
from meterwire.protocols.dlt69845.dates import DateTimeS, Interval, IntervalUnit
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.selecting import ALL_METERS, column, tsa
from meterwire.protocols.dlt69845.shapes import ENUM, FLAG, OCTETS, SERVER, U8, U16, Shape
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from meterwire.protocols.dlt69845.address import Address

ARCHIVE, SEARCH, TASKS, SCHEMES = 0x6000, 0x6002, 0x6012, 0x6014
EVENT_SCHEMES, TRANSPARENT_SCHEMES, REPORT_SCHEMES = 0x6016, 0x6018, 0x601C
STATES, MONITORING = 0x6032, 0x6034
RECORDS: Final = Oad(TASKS, 3, 0)
"""The record table with everything that tasks have collected."""
METER: Final = Oad(0x202A, 2, 0)
"""Column of the records: the meter, as a TSA."""
STARTED, SUCCEEDED, STORED = (Oad(oi, 2, 0) for oi in (0x6040, 0x6041, 0x6042))
"""Columns of the records: when an acquisition began and succeeded, and the time it is stored under."""
RS485: Final = Oad(0xF201, 2, 1)
MODULE: Final = Oad(0xF209, 2, 1)
"""Ports of a concentrator: the first RS-485 port, and the module of the power-line network."""

OADS = tuple[Annotated[Oad, 81], ...]
TIME = Annotated[DateTimeS, 28]
TI = Annotated[Interval, 84]
METERS = Annotated[Any, 92]
COLUMN = Annotated[Any, 91]


class MeterProtocol(IntEnum):
    """What a meter of the archive speaks."""

    UNKNOWN = 0
    DLT645_1997 = 1
    DLT645_2007 = 2
    DLT69845 = 3
    CJT188 = 4


class SchemeKind(IntEnum):
    """What sort of scheme a task follows."""

    NORMAL = 1
    EVENT = 2
    TRANSPARENT = 3
    REPORT = 4
    SCRIPT = 5


class Collected(IntEnum):
    """What a normal scheme collects."""

    CURRENT = 0
    NTH_LAST = 1
    BY_FREEZE_TIME = 2
    BY_INTERVAL = 3


class StorageTime(IntEnum):
    """The time that a row is stored under (7 of later filings)."""

    UNDEFINED = 0
    TASK_START = 1
    DAY = 2
    """0:00 of the day."""
    DAY_BEFORE_END = 3
    """23:59 of the day before."""
    DAY_BEFORE = 4
    """0:00 of the day before."""
    MONTH = 5
    """0:00 of the first day of the month."""
    FREEZE = 6
    """That of the freeze that was read."""
    MONTH_BEFORE_END = 7
    """0:00 of the last day of the month before."""


class TaskState(IntEnum):
    """Whether a task is in use."""

    NORMAL = 1
    STOPPED = 2


class RunState(IntEnum):
    """How far a task has come."""

    WAITING = 0
    RUNNING = 1
    DONE = 2


# ---------------------------------------------------------------- archive


class Basic(Shape, frozen=True):
    """How a meter is reached (6001, basic information). Voltage and current in tenths."""

    address: SERVER
    baud: ENUM
    protocol: ENUM
    port: Annotated[Oad, 81]
    password: OCTETS
    rates: U8
    user_type: U8
    wiring: ENUM
    voltage: U16
    current: U16


class Extended(Shape, frozen=True):
    """Whose a meter is, and its transformers (6001, extended information)."""

    collector: SERVER
    asset: OCTETS
    voltage_ratio: U16
    current_ratio: U16


class Annex(Shape, frozen=True):
    """One attribute that is kept with a meter (6001, additional information)."""

    oad: Annotated[Oad, 81]
    value: Variant


class Archived(Shape, frozen=True):
    """One meter of the archive (6001)."""

    number: U16
    basic: Basic
    extended: Extended
    annex: tuple[Annex, ...]


class NewBasic(Shape, frozen=True):
    """What method 129 of the archive changes."""

    number: U16
    basic: Basic


class NewExtended(Shape, frozen=True):
    """What method 130 of the archive changes."""

    number: U16
    extended: Extended
    annex: tuple[Annex, ...]


class Found(Shape, frozen=True):
    """A meter that a search has found (6003; recalled)."""

    address: SERVER
    collector: SERVER
    protocol: ENUM
    phase: ENUM
    quality: U8
    time: TIME
    annex: tuple[Annex, ...]


# ---------------------------------------------------------------- schemes


class Way(Shape, frozen=True):
    """What is collected of a meter: `Collected`, and its parameter."""

    kind: U8
    parameter: Variant


class Scheme(Shape, frozen=True):
    """A normal acquisition scheme (6015)."""

    number: U8
    depth: U16
    way: Way
    columns: tuple[COLUMN, ...]
    meters: METERS
    storage: ENUM


class EventWay(Shape, frozen=True):
    """How events are collected: 0 at intervals, 2 when a meter tells of them, from an array of ROAD; 1 all of them."""

    kind: U8
    tables: Variant


class EventScheme(Shape, frozen=True):
    """An event acquisition scheme (6017)."""

    number: U8
    way: EventWay
    meters: METERS
    report: FLAG
    depth: U16


class Compared(Shape, frozen=True):
    """Which part of an answer is compared (6019; recalled)."""

    feature: U8
    start: U16
    length: U16


class Control(Shape, frozen=True):
    """What is done with the answer to frames that are passed on (6019; recalled)."""

    wait: FLAG
    timeout: U16
    compare: ENUM
    part: Compared


class PassedFrame(Shape, frozen=True):
    """A frame that is passed on to a meter (6019)."""

    number: U8
    octets: OCTETS


class Passing(Shape, frozen=True):
    """Frames for one meter (6019; recalled)."""

    number: U16
    meter: SERVER
    script_before: U16
    script_after: U16
    control: Control
    frames: tuple[PassedFrame, ...]


class TransparentScheme(Shape, frozen=True):
    """A transparent scheme (6019; recalled): frames that go to meters as they are."""

    number: U8
    contents: tuple[Passing, ...]
    depth: U16


class RecordReport(Shape, frozen=True):
    """A record table in a report: table, columns and rows."""

    table: Annotated[Oad, 81]
    columns: Annotated[Any, 96]
    rows: Annotated[Any, 90]


class ReportContent(Shape, frozen=True):
    """What is reported: 0 an attribute (OAD), 1 a `RecordReport`."""

    kind: U8
    what: Variant


class ReportScheme(Shape, frozen=True):
    """A report scheme (601D)."""

    number: U8
    channels: OADS
    timeout: TI
    attempts: U8
    content: ReportContent


# ---------------------------------------------------------------- tasks


class Clocks(Shape, frozen=True):
    """From when to when in a day."""

    from_hour: U8
    from_minute: U8
    to_hour: U8
    to_minute: U8


class Periods(Shape, frozen=True):
    """At which times of the day a task runs; which ends belong to them, as in a region."""

    bounds: ENUM
    clocks: tuple[Clocks, ...]


class Task(Shape, frozen=True):
    """A task (6013): which scheme is followed how often."""

    number: U8
    every: TI
    kind: ENUM
    scheme: U8
    start: TIME
    end: TIME
    delay: TI
    priority: Annotated[int, 22, 17]
    state: ENUM
    script_before: U16
    script_after: U16
    periods: Periods


class Monitored(Shape, frozen=True):
    """What a task has done the last time (6035)."""

    task: U8
    state: ENUM
    begun: TIME
    ended: TIME
    meters: U16
    succeeded: U16
    sent: U16
    received: U16


class MeterState(Shape, frozen=True):
    """How well a meter is reached (6033)."""

    address: SERVER
    relay_level: U8
    relay: OCTETS
    port: Annotated[Oad, 81]
    succeeded: TIME
    failures: U8
    phase: ENUM
    sequence: ENUM


class Methods(msgspec.Struct, frozen=True):
    """How entries come into an object and go: the numbers of its methods, several at a time."""

    oi: int
    add: int
    delete: int
    clear: int


METHODS: Final[dict[type[Shape], Methods]] = {
    Archived: Methods(ARCHIVE, 128, 131, 134),
    Scheme: Methods(SCHEMES, 127, 128, 129),
    EventScheme: Methods(EVENT_SCHEMES, 127, 128, 129),
    TransparentScheme: Methods(TRANSPARENT_SCHEMES, 127, 129, 130),
    ReportScheme: Methods(REPORT_SCHEMES, 127, 128, 129),
    Task: Methods(TASKS, 127, 128, 129),
}
SHAPES: Final[dict[tuple[int, int], type[Shape]]] = {
    **{(methods.oi, methods.add): shape for shape, methods in METHODS.items()},
    (ARCHIVE, 127): Archived,
    (ARCHIVE, 129): NewBasic,
    (ARCHIVE, 130): NewExtended,
}
"""What methods are given, by object and method: one of them, or an array of them."""

# ---------------------------------------------------------------- as people make them

_ALWAYS: Final = Periods(0, (Clocks(0, 0, 23, 59),))
_FOREVER: Final = DateTimeS(2099, 9, 9, 9, 9, 9)
_NOBODY: Final = tsa("000000000000")


def archived(
    number: int,
    address: str | Address,
    protocol: MeterProtocol = MeterProtocol.DLT69845,
    port: Oad = RS485,
    *,
    baud: Baud = Baud.B9600,
    password: bytes = bytes(6),
    user_type: int = 0,
) -> Archived:
    """A three-phase meter of the archive; `msgspec.structs.replace` changes what is not an argument."""
    basic = Basic(tsa(address), baud, protocol, port, password, 4, user_type, 3, 2200, 50)
    return Archived(number, basic, Extended(_NOBODY, bytes(6), 1, 1), ())


def scheme(
    number: int,
    columns: Iterable[str],
    way: Collected = Collected.CURRENT,
    parameter: Any = None,
    *,
    meters: Variant = ALL_METERS,
    storage: StorageTime = StorageTime.TASK_START,
    depth: int = 256,
) -> Scheme:
    """A normal scheme.

    Args:
        number: of the scheme, 0 to 255.
        columns: attributes as eight digits, or `TABLE(ATTRIBUTE,...)`.
        way: what is collected.
        parameter: how many back of `NTH_LAST`, the interval of `BY_INTERVAL`.
        meters: of which (MS).
        storage: what time a row is stored under.
        depth: rows that are kept of each meter.

    Raises:
        LocalProtocolError: a column is none.
    """
    data = Variant(0, None)
    if isinstance(parameter, Interval):
        data = Variant(84, parameter)
    elif parameter is not None:
        data = Variant(17, parameter)
    return Scheme(number, depth, Way(way, data), tuple(map(column, columns)), meters, storage)


def event_scheme(
    number: int, tables: Iterable[str], *, meters: Variant = ALL_METERS, report: bool = True, depth: int = 64
) -> EventScheme:
    """An event scheme: record tables with the columns wanted, `30110200(20220200,201E0200)`."""
    roads = tuple(Variant(82, road) for road in map(column, tables) if isinstance(road, Road))
    return EventScheme(number, EventWay(0, Variant(1, roads)), meters, report, depth)


def task(
    number: int,
    scheme: int,
    every: Interval,
    start: dt.datetime,
    *,
    kind: SchemeKind = SchemeKind.NORMAL,
    delay: Interval | None = None,
    priority: int = 2,
) -> Task:
    """A task that runs from a start on, all day long, for ever."""
    wait = delay or Interval(IntervalUnit.MINUTE, 0)
    state = TaskState.NORMAL
    return Task(number, every, kind, scheme, DateTimeS.of(start), _FOREVER, wait, priority, state, 0, 0, _ALWAYS)
