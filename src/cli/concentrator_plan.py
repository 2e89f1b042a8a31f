"""Plan files: what is entered in a concentrator, as TOML.

    [[meters]]
    address = "000000000161"
    protocol = "dlt645"
    port = "F2010201"

    [[schemes]]
    number = 1
    columns = ["50020200(00100200,20000200)"]
    way = "interval"
    every = "15 minute"
    storage = "freeze"

    [[tasks]]
    number = 1
    scheme = 1
    every = "15 minute"
    start = 2026-01-01T00:00:00

Meters are numbered as they come unless they say otherwise. Ways are current, last (with `back`), freeze and interval
(with `every`).
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845 import acquisition
from meterwire.protocols.dlt69845.acquisition import Collected, MeterProtocol, SchemeKind, StorageTime
from meterwire.protocols.dlt69845.dates import Interval
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.selecting import every
from meterwire.protocols.dlt69845.shapes import Shape

_PROTOCOLS: Final = {
    "dlt645-1997": MeterProtocol.DLT645_1997,
    "dlt645": MeterProtocol.DLT645_2007,
    "dlt69845": MeterProtocol.DLT69845,
}
_WAYS: Final[Mapping[str, Collected]] = {
    "current": Collected.CURRENT,
    "last": Collected.NTH_LAST,
    "freeze": Collected.BY_FREEZE_TIME,
    "interval": Collected.BY_INTERVAL,
}
_LARGEST: Final = 1 << 20


class _Meter(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    number: int = 0
    protocol: Literal["dlt645-1997", "dlt645", "dlt69845"] = "dlt69845"
    port: str = "F2010201"
    user_type: int = 0

    def shape(self, place: int) -> Shape:
        number = self.number or place
        return acquisition.archived(
            number, self.address, _PROTOCOLS[self.protocol], Oad.of(self.port), user_type=self.user_type
        )


class _Scheme(msgspec.Struct, forbid_unknown_fields=True):
    number: int
    columns: list[str]
    way: Literal["current", "last", "freeze", "interval"] = "current"
    every: str = ""
    back: int = 1
    storage: Literal["task_start", "day", "day_before_end", "day_before", "month", "freeze", "month_before_end"] = (
        "task_start"
    )
    depth: int = 256

    def shape(self, place: int) -> Shape:
        del place
        parameter = {"last": self.back, "interval": _interval(self.every) if self.way == "interval" else None}
        return acquisition.scheme(
            self.number,
            self.columns,
            _WAYS[self.way],
            parameter.get(self.way),
            storage=StorageTime[self.storage.upper()],
            depth=self.depth,
        )


class _Task(msgspec.Struct, forbid_unknown_fields=True):
    number: int
    scheme: int
    every: str
    start: dt.datetime
    delay: str = "0 minute"
    kind: Literal["normal", "event", "transparent", "report"] = "normal"
    priority: int = 2

    def shape(self, place: int) -> Shape:
        del place
        return acquisition.task(
            self.number,
            self.scheme,
            _interval(self.every),
            self.start,
            kind=SchemeKind[self.kind.upper()],
            delay=_interval(self.delay),
            priority=self.priority,
        )


class _Plan(msgspec.Struct, forbid_unknown_fields=True):
    meters: list[_Meter] = []
    schemes: list[_Scheme] = []
    tasks: list[_Task] = []


def plan_in(path: Path) -> tuple[Shape, ...]:
    """What a plan file says; raises LocalProtocolError."""
    try:
        text = path.read_bytes()[:_LARGEST].decode()
        plan = msgspec.convert(tomllib.loads(text), _Plan)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise LocalProtocolError(f"{path}: {error}") from error
    groups: tuple[list[Any], ...] = (plan.meters, plan.schemes, plan.tasks)
    return tuple(one.shape(place) for group in groups for place, one in enumerate(group, 1))


def _interval(text: str) -> Interval:
    number, _, unit = text.strip().partition(" ")
    if not number.isdecimal() or int(number) > 0xFFFF:
        raise LocalProtocolError(f"{text!r} is no interval such as 15 minute")
    return every(int(number), unit or "minute")
