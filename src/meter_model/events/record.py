"""The record of one event, and the memory of all events of one kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec

from meterwire.meter_model.energy import ROLL_OVER, SIGNED_ROLL_OVER
from meterwire.meter_model.events.detection import Detector
from meterwire.meter_model.events.kinds import DEPTH
from meterwire.meter_model.plain import plain_dict, revived_dict

Charge = tuple[int, ...]
"""Milliampere-seconds by phase, in all."""


class EventRecord(msgspec.Struct, frozen=True):
    """One event.

    Attributes:
        kind: name of its kind.
        number: how many there had been with it since the last clearing.
        start: when it was recognised: its condition had then held for its delay.
        end: likewise; None while it goes on, and for what has no duration.
        before: quantities at its start, and what the kind adds: `time`, `items`, old values of parameters.
        after: quantities at its end.
        during: growth of energies; `charge_total` and `charge_a` to `charge_c` in Ah, `peak` in per cent, `demand`.
        source: who did it: an operator's code, empty where nobody is known.
    """

    kind: str
    number: int
    start: dt.datetime
    end: dt.datetime | None = None
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    during: dict[str, Any] = {}
    source: str = ""

    def state(self) -> dict[str, Any]:
        """As builtins."""
        values = {name: plain_dict(getattr(self, name)) for name in ("before", "after", "during")}
        end = None if self.end is None else self.end.isoformat()
        return {"number": self.number, "start": self.start.isoformat(), "end": end, "source": self.source, **values}

    @staticmethod
    def of(kind: str, state: Mapping[str, Any]) -> EventRecord:
        """From builtins; raises ValueError, KeyError or TypeError."""
        return EventRecord(
            kind,
            int(state["number"]),
            dt.datetime.fromisoformat(state["start"]),
            None if state["end"] is None else dt.datetime.fromisoformat(state["end"]),
            revived_dict(state["before"]),
            revived_dict(state["after"]),
            revived_dict(state["during"]),
            str(state["source"]),
        )


class Memory(msgspec.Struct, gc=False):
    """All events of one kind.

    Attributes:
        detector: whether it goes on, and what may change that.
        count: how many there have been since the last clearing.
        total: seconds they took, without the one that goes on.
        begun: the second at which the one that goes on began; None for none.
        charge: at that second.
        peak: since then.
        records: the last ones, the latest first.
    """

    detector: Detector = msgspec.field(default_factory=Detector)
    count: int = 0
    total: int = 0
    begun: int | None = None
    charge: Charge = ()
    peak: Fraction = Fraction(0)
    records: list[EventRecord] = []

    def clear(self) -> None:
        """Forget everything; a condition that still holds is recognised anew."""
        self.detector = Detector()
        self.count = self.total = 0
        self.begun, self.charge, self.peak = None, (), Fraction(0)
        self.records.clear()

    def remember(self, record: EventRecord) -> None:
        """The latest record; the oldest makes room."""
        self.records = [record, *self.records[: DEPTH - 1]]

    def shift(self, seconds: int) -> None:
        """The clock has been set by so many seconds."""
        self.detector.shift(seconds)
        if self.begun is not None:
            self.begun += seconds

    def state(self) -> dict[str, Any]:
        """As builtins."""
        return {
            "detector": self.detector.state(),
            "count": self.count,
            "total": self.total,
            "begun": self.begun,
            "charge": list(self.charge),
            "peak": [self.peak.numerator, self.peak.denominator],
            "records": [record.state() for record in self.records],
        }

    @staticmethod
    def of(kind: str, state: Mapping[str, Any]) -> Memory:
        """From builtins; raises ValueError, KeyError or TypeError."""
        return Memory(
            msgspec.convert(state["detector"], Detector),
            int(state["count"]),
            int(state["total"]),
            state["begun"],
            tuple(map(int, state["charge"])),
            Fraction(*map(int, state["peak"])),
            [EventRecord.of(kind, one) for one in state["records"]][:DEPTH],
        )


def growth(before: Mapping[str, Any], after: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Fraction]:
    """By how much registers have grown, over a roll-over too."""
    found: dict[str, Fraction] = {}
    for name in names:
        first, last = before.get(name), after.get(name)
        if isinstance(first, Fraction) and isinstance(last, Fraction):
            found[name] = _over_zero(last - first, signed="combined" in name)
    return found


def _over_zero(change: Fraction, *, signed: bool) -> Fraction:
    if not signed:
        return change % ROLL_OVER
    if abs(change) * 2 > SIGNED_ROLL_OVER:
        change -= SIGNED_ROLL_OVER if change > 0 else -SIGNED_ROLL_OVER
    return change
