"""The whole state of a meter as builtins, part by part, and a meter that goes on from it.

Each part keeps its own `state()`; what is here is their order, and the parts that are spread over the meter. Nothing is
saved that a device file says anew at each start: profile, load models that are no values, link faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.inputs import Inputs
from meterwire.meter_model.load import Load

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.series import Series

State = dict[str, Any]

_BEFORE: Final = (
    "parameters",
    "access",
    "esam",
    "esam69845",
    "dlms_security",
    "dlms_push",
    "programming",
    "tariff",
    "relay",
)
"""Parts that the registers depend on, or that close a step of the ledger when they restore themselves."""
_AFTER: Final = ("files", "freezes", "load_profile", "credit", "voltage_quality", "events", "reports")
"""Parts that depend on the registers; events are last but one, because what restores itself may leave notes."""
_LATER: Final = frozenset({"esam69845", "dlms_security", "dlms_push", "files", "voltage_quality"})
"""Parts that a state of an older version lacks; they begin anew."""
_SERIES: Final = ("freezes", "load_profile")
_TOLD, _COLLECTED = "concentrator", "concentrator_rows"
_DAMAGED: Final = (KeyError, ValueError, TypeError, IndexError, AttributeError, msgspec.ValidationError)


def parts_of(meter: Meter) -> dict[str, Callable[[], Any]]:
    """The parts of a meter's state by name, each as a function that gives it."""
    own: dict[str, Callable[[], Any]] = {
        "identity": lambda: _identity(meter),
        "clock": meter.clock.state,
        "circuit": lambda: _circuit(meter),
        "ledger": meter.ledger_state,
    }
    if meter.concentrator is not None:
        own |= {_TOLD: meter.concentrator.state, _COLLECTED: meter.concentrator.rows_state}
    return own | {name: getattr(meter, name).state for name in (*_BEFORE, *_AFTER)}


def heads_of(meter: Meter) -> dict[str, Callable[[], Any]]:
    """As `parts_of`, but without the rows of `series_of`."""
    return parts_of(meter) | {name: partial(getattr(meter, name).state, rows=False) for name in _SERIES}


def series_of(meter: Meter) -> dict[str, Series]:
    """The rings whose rows are stored one by one, by part and name: `load_profile/1`."""
    return {f"{part}/{key}": series for part in _SERIES for key, series in getattr(meter, part).series.items()}


def assembled(heads: Mapping[str, Any], rows: Mapping[str, list[Any]]) -> State:
    """The parts with their rows again; what an older version stored in one piece is left as it is."""
    states = dict(heads)
    for part in _SERIES:
        for key, series in states.get(part, {}).get("series", {}).items():
            series.setdefault("rows", rows.get(f"{part}/{key}", []))
    return states


def marks_of(meter: Meter) -> dict[str, Any]:
    """For parts that are large: what differs as soon as their state does."""
    marks = {name: getattr(meter, name).mark for name in (*_SERIES, "files")}
    return marks if meter.concentrator is None else marks | {_COLLECTED: meter.concentrator.collecting.version}


def restore(meter: Meter, states: Mapping[str, Any]) -> None:
    """Let a new meter go on from a saved state, at the moment at which that was saved.

    Raises:
        LocalProtocolError: the state is another meter's, or none.
    """
    if states.get("identity") != _identity(meter):
        raise LocalProtocolError(f"the state is that of another meter: {_told(states.get('identity'))}")
    try:
        meter.begin_at(states["clock"])
        _restore_circuit(meter, states["circuit"])
        for name in _BEFORE:
            if name in states or name not in _LATER:
                getattr(meter, name).restore(states[name])
        meter.restore_ledger(states["ledger"])
        for name in _AFTER:
            if name in states or name not in _LATER:
                getattr(meter, name).restore(states[name])
        if meter.concentrator is not None and _TOLD in states:
            meter.concentrator.restore(states[_TOLD])
            meter.concentrator.restore_rows(states[_COLLECTED])
    except _DAMAGED as error:
        raise LocalProtocolError(f"the state cannot be read: {type(error).__name__}: {error}") from error


def _identity(meter: Meter) -> State:
    """What makes a meter the same one: its number may be written, its making may not."""
    profile = meter.made_as
    ratings = profile.ratings
    return {
        "profile": profile.name,
        "phases": profile.phases,
        "constants": [ratings.active_constant, ratings.reactive_constant],
        "seed": meter.seed,
        "number": meter.made_with_number,
    }


def _told(identity: Any) -> str:
    if not isinstance(identity, dict):
        return "nobody's"
    return ", ".join(f"{name} {value}" for name, value in identity.items())


def _circuit(meter: Meter) -> State:
    circuit = meter.circuit
    load = circuit.load
    return {
        "load": msgspec.to_builtins(load) if isinstance(load, Load) else None,
        "cut": sorted(circuit.cut),
        "turned": sorted(circuit.turned),
        "overrides": {phase: msgspec.structs.asdict(values) for phase, values in circuit.overrides.items()},
        "supplied": circuit.supplied,
        "connected": circuit.connected,
        "voltage_reversed": circuit.voltage_reversed,
        "current_reversed": circuit.current_reversed,
        "inputs": meter.inputs.state(),
    }


def _restore_circuit(meter: Meter, state: Mapping[str, Any]) -> None:
    circuit = meter.circuit
    if state["load"] is not None:
        circuit.load = msgspec.convert(state["load"], Load)
    circuit.cut, circuit.turned = frozenset(state["cut"]), frozenset(state["turned"])
    circuit.overrides = {phase: msgspec.convert(one, PhaseOverride) for phase, one in state["overrides"].items()}
    circuit.supplied, circuit.connected = bool(state["supplied"]), bool(state["connected"])
    circuit.voltage_reversed, circuit.current_reversed = state["voltage_reversed"], state["current_reversed"]
    meter.inputs = Inputs.of(state["inputs"])
