"""The control surface of an emulated area: its supply and network, and behind an address each of its meters.

    {"op": "set", "what": "power", "on": false}                    of the whole area; the last reports reach the module
    {"op": "set", "what": "power", "on": true, "meters": ["000000000001"]}          or "phase": "b"
    {"op": "get", "what": "area"}                                  who is there, who has power
    {"op": "get", "meter": "000000000003", "what": "clock"}        everything a meter's own control surface does
    {"op": "set", "meter": "all", "what": "clock", "step": 86400}  to each in turn; the reply is an object by address

Nodes, noise and band: see `transports/hplc/control.py`; a meter: see `meter_model/control.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import control_line
from meterwire.meter_model.control import Control
from meterwire.meter_model.control_line import SET_OR_GET, Request, set_or_get
from meterwire.meter_model.meter import Meter
from meterwire.transports.hplc.control import NetworkControl
from meterwire.transports.hplc.module import Module

ALL: Final = "all"


class Controlled(Protocol):
    """The area, as its control surface needs it."""

    @property
    def module(self) -> Module:
        """The CCO."""

    @property
    def addresses(self) -> Sequence[str]:
        """Of all meters."""

    def meter(self, address: str) -> Meter:
        """The meter at an address; raises LocalProtocolError where there is none."""

    def power(self, addresses: Sequence[str], *, on: bool) -> None:
        """The power of meters and their nodes fails or comes back."""

    def power_phase(self, phase: str, *, on: bool) -> None:
        """One phase of the supply fails or comes back."""


class _Power(msgspec.Struct, forbid_unknown_fields=True):
    on: bool
    meters: list[str] | None = None
    phase: Literal["", "a", "b", "c"] = ""


class AreaControl:
    """The control surface of one area.

    Args:
        area: what is controlled.
        now: the time of the lines that the module is on.
    """

    def __init__(self, area: Controlled, now: Callable[[], float]) -> None:
        self._area, self._now = area, now
        network = NetworkControl(area.module)
        self._controls: dict[str, Control] = {}
        self._setters: Mapping[str, Callable[[dict[str, Any]], Any]] = {"power": self._set_power, **network.setters}
        self._getters: Mapping[str, Callable[[], Any]] = {"area": self._shown, **network.getters}

    def reply(self, line: bytes) -> bytes:
        """Answer one line of JSON with another; nothing is raised, whatever comes in."""
        return control_line.reply(line, self.do)

    def do(self, request: Request) -> Any:
        """Do what a request says and give the value of the reply; raises as `Control.do`."""
        self._area.module.catch_up(self._now())
        rest = dict(request)
        if "meter" in rest:
            return self._meter(rest.pop("meter"), rest)
        operation, what = rest.pop("op", None), rest.pop("what", None)
        if operation in SET_OR_GET:
            return set_or_get(self._setters, self._getters, operation, what, rest)
        raise LocalProtocolError(f"of an area, op is set or get, not {operation!r}; a meter has more: name it")

    def _meter(self, address: Any, request: Request) -> Any:
        if address == ALL:
            return {one: self._control(one).do(request) for one in self._area.addresses}
        return self._control(address).do(request)

    def _control(self, address: Any) -> Control:
        if not isinstance(address, str):
            raise LocalProtocolError("a meter is named by its twelve digits, as a text")
        meter = self._area.meter(address)
        if address not in self._controls:
            self._controls[address] = Control(meter)
        return self._controls[address]

    def _set_power(self, rest: dict[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(rest, _Power)
        if wanted.phase and wanted.meters is not None:
            raise LocalProtocolError("either a phase or meters")
        if wanted.phase:
            self._area.power_phase(wanted.phase, on=wanted.on)
        else:
            addresses = self._area.addresses if wanted.meters is None else wanted.meters
            for address in addresses:
                self._area.meter(address)  # all are known before anything happens
            self._area.power(addresses, on=wanted.on)
        return self._shown()

    def _shown(self) -> dict[str, Any]:
        module = self._area.module
        nodes = module.network.nodes.values()
        return {
            "module": module.address,
            "meters": len(self._area.addresses),
            "archived": len(module.archive),
            "joined": sum(node.joined for node in nodes),
            "powered": sum(node.powered for node in nodes),
        }
