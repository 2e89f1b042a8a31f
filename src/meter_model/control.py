"""The control surface of an emulated meter: what somebody at the meter could do, as JSON in and JSON out.

A request is an object with `op` and `what`; a reply is `{"ok": true, "value": ...}` or `{"ok": false, "error": "..."}`.

    {"op": "set", "what": "load", "kind": "constant", "active": [1000, 900, 1100], "reactive": 200}
    {"op": "set", "what": "phase", "phase": "b", "on": false}
    {"op": "set", "what": "phase", "phase": "a", "voltage": 250.0, "active": 0}   null gives a value back to the load
    {"op": "set", "what": "clock", "step": 900}    or "jump": ISO, "freeze": true, "run": true, "rate": 60, "drift": 20
    {"op": "set", "what": "power", "on": false}
    {"op": "set", "what": "programming", "on": true}              the switch under the sealed cover
    {"op": "set", "what": "fault", "link": "dlt645", "drop": 0.1}          without link: all; "clear": true clears first
    {"op": "set", "what": "misbehave", "silent": 1}              likewise; see `misbehaviour.py`
    {"op": "get", "what": "clock"}                              or load, phases, power, programming, relay, fault ...
    {"op": "get", "what": "quantity", "name": "voltage_a"}
    {"op": "event", "name": "cover-open"}

The case of the meter, its wiring, events and status: see `control_case.py`.

Operations are pure: whoever serves them decides where they come from, and runs them in the thread of the faces.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Protocol

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import control_line
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.clock import parse_time
from meterwire.meter_model.control_books import BooksControl
from meterwire.meter_model.control_case import Case
from meterwire.meter_model.control_line import SET_OR_GET, Request, set_or_get
from meterwire.meter_model.load import Load
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand, Value
from meterwire.quantities import quantity

LONGEST_STEP: Final = 20 * 366 * 86_400.0
"""Seconds of one step of the clock: more would keep the meter busy for a minute."""
EVENTS: Final = (
    "cover-open",
    "cover-closed",
    "terminal-cover-open",
    "terminal-cover-closed",
    "magnet-on",
    "magnet-off",
    "button",
)
"""What can be done to a meter's case and keys."""


class FaultSettings(Protocol):
    """The faults of one link, which can be changed while it is used."""

    def change(self, settings: Mapping[str, Any]) -> None:
        """Change some of them, all or none; raises LocalProtocolError."""

    def clear(self) -> None:
        """No faults at all."""

    def settings(self) -> dict[str, Any]:
        """What is set, as JSON."""


class _SetPhase(msgspec.Struct, forbid_unknown_fields=True):
    phase: str
    on: bool | msgspec.UnsetType = msgspec.UNSET
    voltage: float | msgspec.UnsetType | None = msgspec.UNSET
    active: float | msgspec.UnsetType | None = msgspec.UNSET
    reactive: float | msgspec.UnsetType | None = msgspec.UNSET


class _SetClock(msgspec.Struct, forbid_unknown_fields=True):
    freeze: bool = False
    run: bool = False
    rate: float | None = None
    jump: str = ""
    step: float = 0.0
    drift: float | None = None


class _Switch(msgspec.Struct, forbid_unknown_fields=True):
    on: bool


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Control:
    """The control surface of one meter.

    Args:
        meter: what is controlled.
        links: fault settings by name of the link.
        manners: likewise how the meter misbehaves.
        commit: makes durable what has been done, before the reply is given.
    """

    def __init__(
        self,
        meter: Meter,
        links: Mapping[str, FaultSettings] | None = None,
        manners: Mapping[str, FaultSettings] | None = None,
        commit: Callable[[], None] | None = None,
    ) -> None:
        self.meter = meter
        self.links = {} if links is None else links
        self.manners = {} if manners is None else manners
        self._commit = commit
        self._case = Case(meter)
        books = BooksControl(meter)
        self._setters: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "load": self._set_load,
            "phase": self._set_phase,
            "clock": self._set_clock,
            "power": self._set_power,
            "programming": self._set_programming,
            "fault": lambda rest: self._set_link(self.links, "fault", rest),
            "misbehave": lambda rest: self._set_link(self.manners, "misbehave", rest),
            **self._case.setters,
            **books.setters,
        }
        self._getters: Mapping[str, Callable[[], Any]] = {
            "load": lambda: msgspec.to_builtins(self.meter.circuit.load),
            "phases": self._phases,
            "clock": self._clock,
            "power": lambda: {"on": self.meter.powered},
            "programming": self._programming,
            "relay": self._relay,
            "fault": lambda: {name: link.settings() for name, link in self.links.items()},
            "misbehave": lambda: {name: link.settings() for name, link in self.manners.items()},
            "identity": self._identity,
            "events": lambda: [
                {"time": event.time.isoformat(), "name": event.name} for event in self.meter.events.last(100)
            ],
            **self._case.getters,
            **books.getters,
        }

    def reply(self, line: bytes) -> bytes:
        """Answer one line of JSON with another; nothing is raised, whatever comes in."""
        return control_line.reply(line, self.do)

    def handle(self, request: Request) -> dict[str, Any]:
        """Do what a request says; nothing is raised: an error is a reply."""
        return control_line.handled(request, self.do)

    def do(self, request: Request) -> Any:
        """Do what a request says and give the value of the reply.

        Raises:
            LocalProtocolError: the request cannot be done; likewise msgspec.ValidationError.
            NotServed: this meter does not have the quantity.
        """
        value = self._do(request)
        if self._commit is not None and request.get("op") != "get":
            self._commit()
        return value

    def _do(self, request: Request) -> Any:
        self.meter.advance()
        rest = dict(request)
        operation, what = rest.pop("op", None), rest.pop("what", None)
        if operation == "event" and what is None:
            return self._event(rest)
        if operation == "get" and what == "quantity":
            return self._quantity(rest)
        if operation == "get" and what == "record":
            return self._case.records(msgspec.convert(rest, _Named).name)
        if operation in SET_OR_GET:
            return set_or_get(self._setters, self._getters, operation, what, rest)
        raise LocalProtocolError(f"op is one of set, get, event, not {operation!r}")

    # ------------------------------------------------------------ set

    def _set_load(self, rest: dict[str, Any]) -> Any:
        self.meter.set_load(msgspec.convert(rest, Load))
        return self._getters["load"]()

    def _set_phase(self, rest: dict[str, Any]) -> Any:
        wanted = msgspec.convert(rest, _SetPhase)
        phase, changes = wanted.phase, {}
        for name in ("voltage", "active", "reactive"):
            value = getattr(wanted, name)
            if value is not msgspec.UNSET:
                changes[name] = value
        self.meter.circuit.refuse_unknown(phase)
        if changes:
            old = self.meter.circuit.overrides.get(phase, PhaseOverride())
            new = msgspec.structs.replace(old, **changes)
            self.meter.override_phase(phase, None if new == PhaseOverride() else new)
        if wanted.on is not msgspec.UNSET:
            (self.meter.restore_phase if wanted.on else self.meter.cut_phase)(phase)
        return self._phases()

    def _set_clock(self, rest: dict[str, Any]) -> Any:
        wanted = msgspec.convert(rest, _SetClock)
        clock = self.meter.clock
        target = parse_time(wanted.jump) if wanted.jump else None
        if wanted.freeze and (wanted.run or wanted.rate is not None):
            raise LocalProtocolError("a clock is either frozen or runs")
        if not 0 <= wanted.step <= LONGEST_STEP:
            raise LocalProtocolError(f"a step is 0 to {LONGEST_STEP:.0f} seconds")
        if wanted.drift is not None:
            clock.set_drift(wanted.drift)
        if wanted.freeze:
            clock.freeze()
        elif wanted.run or wanted.rate is not None:
            clock.run(wanted.rate)
        if target is not None:
            clock.jump(target)
        if wanted.step:
            clock.step(wanted.step)
        return self._clock()

    def _set_power(self, rest: dict[str, Any]) -> Any:
        self.meter.powered = msgspec.convert(rest, _Switch).on
        return self._getters["power"]()

    def _set_programming(self, rest: dict[str, Any]) -> Any:
        self.meter.access.programming = msgspec.convert(rest, _Switch).on
        return self._programming()

    def _set_link(self, named: Mapping[str, FaultSettings], what: str, rest: dict[str, Any]) -> Any:
        name, clear = rest.pop("link", None), rest.pop("clear", False)
        if name is not None and (not isinstance(name, str) or name not in named):
            raise LocalProtocolError(f"no link is called {name!r}: {', '.join(named) or 'there is none'}")
        links = [named[name]] if name is not None else list(named.values())
        for link in links:
            if clear:
                link.clear()
            if rest:
                link.change(rest)
        return self._getters[what]()

    # ------------------------------------------------------------ get

    def _phases(self) -> dict[str, Any]:
        circuit, instant = self.meter.circuit, self.meter.instant
        return {
            phase: {
                "on": phase not in circuit.cut,
                "voltage": float(instant.voltage(number)),
                "current": float(instant.current(number)),
                "active": float(instant.active(number)),
                "reactive": float(instant.reactive(number)),
            }
            for number, phase in enumerate(circuit.phases)
        }

    def _programming(self) -> dict[str, Any]:
        access = self.meter.access
        return {"on": access.programming, "failures": access.failures, "locked": access.locked}

    def _relay(self) -> dict[str, Any]:
        relay = self.meter.relay
        return {
            "position": str(relay.position),
            "waiting": str(relay.waiting),
            "restores": relay.restores,
            "guarded": relay.guarded,
            "alarm": relay.alarm,
        }

    def _clock(self) -> dict[str, Any]:
        clock = self.meter.clock
        return {
            "now": clock.now().isoformat(),
            "frozen": clock.frozen,
            "rate": float(clock.rate),
            "drift": float(clock.drift),
        }

    def _identity(self) -> dict[str, Any]:
        identity = self.meter.identity
        return {
            "profile": self.meter.profile.name,
            "number": identity.number,
            "address": identity.address,
            "asset_number": identity.asset_number,
            "system_title": identity.system_title.hex().upper(),
            "logical_device": identity.logical_device,
        }

    def _quantity(self, rest: dict[str, Any]) -> dict[str, Any]:
        row = quantity(msgspec.convert(rest, _Named).name)
        return {"name": row.name, "unit": row.unit, **_plain(self.meter.read(row), row.decimals or 0)}

    def _event(self, rest: dict[str, Any]) -> dict[str, int]:
        name = msgspec.convert(rest, _Named).name
        if name not in EVENTS:
            raise LocalProtocolError(f"no event is called {name!r}: {', '.join(EVENTS)}")
        self._case.note(name)
        return {"count": self.meter.events.counts[name]}


def _plain(value: Value, decimals: int) -> dict[str, Any]:
    """A value as JSON: digits are kept as text, cut towards zero to the decimals of the row."""
    if isinstance(value, Demand):
        return {
            "value": _digits(value.value, decimals),
            "time": None if value.time is None else value.time.isoformat(),
        }
    if isinstance(value, Fraction):
        return {"value": _digits(value, decimals)}
    return {"value": value.isoformat() if isinstance(value, dt.date | dt.time) else value}


def _digits(value: Fraction, decimals: int) -> str:
    return str(Decimal(int(value * 10**decimals)).scaleb(-decimals))
