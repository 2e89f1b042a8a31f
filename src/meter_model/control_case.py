"""The control surface, second part: the case, batteries and wiring of a meter, its limits, records and status.

{"op": "set", "what": "cover", "open": true}                 or "closed"; likewise "terminal-cover"
{"op": "set", "what": "magnet", "on": true}
{"op": "set", "what": "auxiliary", "on": true}               or "none": true for a meter that has none
{"op": "set", "what": "battery", "clock": 2.5, "outage": null}          volts; null: as new
{"op": "set", "what": "wiring", "phase": "b", "turned": true}           the current the wrong way round; or "right"
{"op": "set", "what": "wiring", "voltage": "reversed", "current": "normal"}         the order of the phases
{"op": "set", "what": "limit", "under_voltage_delay": 5}
{"op": "set", "what": "report", "items": ["voltage_a", "00100201"]}     values to tell unasked, by name or OAD
{"op": "set", "what": "report", "port": "F2010202", "octets": "6816"}   octets that came in at a port, to pass on
{"op": "get", "what": "status"}                              or inputs, limits, counts
{"op": "get", "what": "record", "name": "under_voltage_a"}   the records of that kind, the latest first
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final, Literal

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.events import EventRecord
from meterwire.meter_model.inputs import Inputs, Volts
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand
from meterwire.quantities import QUANTITIES

NOTED: Final = {
    "cover-open": {"cover_open": True},
    "cover-closed": {"cover_open": False},
    "terminal-cover-open": {"terminal_cover_open": True},
    "terminal-cover-closed": {"terminal_cover_open": False},
    "magnet-on": {"magnetic_field": True},
    "magnet-off": {"magnetic_field": False},
}
"""What happens at the case, by the name under which it is noted."""
_OAD: Final = re.compile(r"[0-9A-Fa-f]{8}")


class _Cover(msgspec.Struct, forbid_unknown_fields=True):
    open: bool = False
    closed: bool = False


class _Switch(msgspec.Struct, forbid_unknown_fields=True):
    on: bool


class _Auxiliary(msgspec.Struct, forbid_unknown_fields=True):
    on: bool | None = None
    none: bool = False


class _Battery(msgspec.Struct, forbid_unknown_fields=True):
    clock: Volts | msgspec.UnsetType | None = msgspec.UNSET
    outage: Volts | msgspec.UnsetType | None = msgspec.UNSET


class _Wiring(msgspec.Struct, forbid_unknown_fields=True):
    phase: str = ""
    turned: bool = False
    right: bool = False
    voltage: Literal["", "normal", "reversed"] = ""
    current: Literal["", "normal", "reversed"] = ""


class _Report(msgspec.Struct, forbid_unknown_fields=True):
    items: list[str | int] | str | int = ""
    port: str | int = ""
    octets: str | int = ""


class Case:
    """What can be done to the case of a meter, and asked about its events."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.setters: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "cover": lambda rest: self._cover("cover_open", rest),
            "terminal-cover": lambda rest: self._cover("terminal_cover_open", rest),
            "magnet": lambda rest: self.change(magnetic_field=msgspec.convert(rest, _Switch).on),
            "auxiliary": self._auxiliary,
            "battery": self._battery,
            "wiring": self._wiring,
            "limit": self._limit,
            "report": self._report,
        }
        self.getters: Mapping[str, Callable[[], Any]] = {
            "inputs": self._inputs,
            "wiring": self._wired,
            "limits": lambda: {name: float(value) for name, value in self.meter.events.limits.items()},
            "status": lambda: {
                "bits": sorted(self.meter.status.bits()),
                "functions": sorted(self.meter.status.functions()),
            },
            "counts": self._counts,
        }

    def change(self, **inputs: Any) -> dict[str, Any]:
        """Change inputs by name."""
        self.meter.change_inputs(msgspec.structs.replace(self.meter.inputs, **inputs))
        return self.meter.inputs.state()

    def note(self, name: str) -> None:
        """Something happens that is noted under this name; the case follows."""
        state = NOTED.get(name, {})
        inputs: Inputs = msgspec.structs.replace(self.meter.inputs, **state)
        if inputs == self.meter.inputs:
            self.meter.note_event(name)
        else:
            self.meter.change_inputs(inputs)
        if name == "button":
            self._press()

    def _press(self) -> None:
        """The one key: it wakes a meter without power, closes a relay that may be closed, and turns the display on."""
        if not self.meter.status.wake():
            self.meter.relay.press_button()
        self.meter.display.press()

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The records of a kind as JSON; raises LocalProtocolError."""
        return [_shown(record) for record in self.meter.events.records(kind)]

    def _report(self, rest: dict[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(rest, _Report)
        items = wanted.items if isinstance(wanted.items, list) else [wanted.items] if wanted.items != "" else []
        if bool(items) == (wanted.port != ""):
            raise LocalProtocolError("say what to report: items, or a port and octets")
        reports, parameters = self.meter.reports, self.meter.parameters
        if items:
            reports.tell(*map(_attribute, items))
        else:
            reports.pass_on(_attribute(wanted.port), _octets(str(wanted.octets)))
        allowed = bool(parameters["active_report"]) and bool(parameters["report_channel_count"])
        waits = {"waiting": len(reports.passed), "allowed": allowed}
        return waits if allowed else waits | {"to_allow": "write 43000800=true and 43000A00=[F2010201]"}

    def _inputs(self) -> dict[str, Any]:
        return self.meter.inputs.state()

    def _cover(self, name: str, rest: dict[str, Any]) -> Any:
        wanted = msgspec.convert(rest, _Cover)
        if wanted.open == wanted.closed:
            raise LocalProtocolError("a cover is either open or closed")
        return self.change(**{name: wanted.open})

    def _auxiliary(self, rest: dict[str, Any]) -> Any:
        wanted = msgspec.convert(rest, _Auxiliary)
        if wanted.none == (wanted.on is not None):
            raise LocalProtocolError("an auxiliary supply is on, off, or there is none")
        return self.change(auxiliary_supply=wanted.on)

    def _battery(self, rest: dict[str, Any]) -> Any:
        wanted = msgspec.convert(rest, _Battery)
        given = {"clock_battery": wanted.clock, "outage_battery": wanted.outage}
        return self.change(**{name: value for name, value in given.items() if value is not msgspec.UNSET})

    def _wiring(self, rest: dict[str, Any]) -> Any:
        wanted = msgspec.convert(rest, _Wiring)
        if wanted.turned and wanted.right:
            raise LocalProtocolError("a current is either turned or right")
        if wanted.turned or wanted.right:
            self.meter.turn_current(wanted.phase, wanted.turned)
        order = {name: text == "reversed" for name in ("voltage", "current") if (text := getattr(wanted, name))}
        if order:
            self.meter.exchange_phases(**order)
        return self._wired()

    def _wired(self) -> dict[str, Any]:
        circuit = self.meter.circuit
        names = {False: "normal", True: "reversed"}
        return {
            "turned": sorted(circuit.turned),
            "voltage": names[circuit.voltage_reversed],
            "current": names[circuit.current_reversed],
        }

    def _limit(self, rest: dict[str, Any]) -> Any:
        for name, value in rest.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
                raise LocalProtocolError(f"{name}: a number is needed")
        for name, value in rest.items():
            self.meter.events.set_limit(name, Fraction(str(value)))
        return self.getters["limits"]()

    def _counts(self) -> dict[str, Any]:
        events = self.meter.events
        counts = {kind: (events.count(kind), events.total(kind), events.active(kind)) for kind in events.kinds}
        return {
            kind: {"count": count, "seconds": total, "active": active}
            for kind, (count, total, active) in counts.items()
            if count or active
        }


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise LocalProtocolError(f"{text!r} is not hex octets") from None


def _attribute(item: str | int) -> str:
    """An OAD of eight hexadecimal digits, of a number or the name of a quantity; raises LocalProtocolError."""
    if isinstance(item, int):  # digits alone were taken for a number
        item = f"{item:08d}"
    row = QUANTITIES.get(item)
    if row is not None and row.oad is not None:
        return f"{row.oad:08X}"
    if not _OAD.fullmatch(item):
        raise LocalProtocolError(
            f"{item!r} is neither a quantity of DL/T 698.45 nor an OAD of eight hexadecimal digits"
        )
    return item.upper()


def _shown(record: EventRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "start": record.start.isoformat(),
        "end": None if record.end is None else record.end.isoformat(),
        "source": record.source,
        **{
            name: {key: _json(one) for key, one in getattr(record, name).items()}
            for name in ("before", "after", "during")
        },
    }


def _json(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, Demand):
        return {"value": float(value.value), "time": None if value.time is None else value.time.isoformat()}
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_json(one) for one in value]
    return value if isinstance(value, str | int | bool | None) else str(value)
