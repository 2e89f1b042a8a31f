"""What somebody could do to a network, and see of it, as JSON in and JSON out.

    {"op": "set", "what": "node", "address": "000000000003", "drop": true}       it falls out, and joins again
    {"op": "set", "what": "node", "address": "000000000003", "jam": 0.8}         so much more is lost on its link
    {"op": "set", "what": "node", "address": "000000000003", "phase": "b"}       or "abc": where it is connected
    {"op": "set", "what": "noise", "loss": 0.3, "seconds": 60}                   on every hop
    {"op": "set", "what": "band", "band": 2}                                     every node has to join anew
    {"op": "get", "what": "nodes"}                                               or network

Requests are done in the thread of the module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.gdw376_2.codes import Band
from meterwire.transports.hplc.module import Module
from meterwire.transports.hplc.network import Node

PHASES: Final[Mapping[str, int]] = {"a": 1, "b": 2, "c": 4, "abc": 7}
"""Bit sets of nodes by what a person calls them."""
_NAMES: Final = {bits: name for name, bits in PHASES.items()}
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _SetNode(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    drop: bool = False
    jam: Share | msgspec.UnsetType = msgspec.UNSET
    phase: Literal["a", "b", "c", "abc"] | msgspec.UnsetType = msgspec.UNSET


class _Noise(msgspec.Struct, forbid_unknown_fields=True):
    loss: Share
    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 60.0


class _Band(msgspec.Struct, forbid_unknown_fields=True):
    band: Band


class NetworkControl:
    """The part of the control surface of an area that is about its module and network.

    Args:
        module: the CCO.
    """

    def __init__(self, module: Module) -> None:
        self._module, self._network = module, module.network
        self.setters: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "node": self._set_node,
            "noise": self._set_noise,
            "band": self._set_band,
        }
        self.getters: Mapping[str, Callable[[], Any]] = {"nodes": self._nodes, "network": self._state}

    def node(self, address: str) -> Node:
        """A node by the address of its meter; raises LocalProtocolError."""
        found = self._network.nodes.get(address)
        if found is None:
            raise LocalProtocolError(f"there is no node {address!r}")
        return found

    def _set_node(self, rest: dict[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(rest, _SetNode)
        node = self.node(wanted.address)
        if wanted.phase is not msgspec.UNSET:
            node.phases = PHASES[wanted.phase]
        if wanted.jam is not msgspec.UNSET:
            self._network.jam(node.address, wanted.jam)
        if wanted.drop:
            self._network.drop(node.address)
        return _shown(node)

    def _set_noise(self, rest: dict[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(rest, _Noise)
        if not self._module.started:
            raise LocalProtocolError("the network is still: it begins when a concentrator connects")
        self._network.noise(wanted.loss, wanted.seconds)
        return self._state()

    def _set_band(self, rest: dict[str, Any]) -> dict[str, Any]:
        self._module.switch_band(msgspec.convert(rest, _Band).band)
        return self._state()

    def _nodes(self) -> list[dict[str, Any]]:
        return [_shown(node) for node in self._network.nodes.values()]

    def _state(self) -> dict[str, Any]:
        nodes = self._network.nodes.values()
        levels = Counter(node.level for node in nodes if node.joined)
        return {
            "nodes": len(nodes),
            "joined": sum(levels.values()),
            "powered": sum(node.powered for node in nodes),
            "levels": {str(level): count for level, count in sorted(levels.items())},
            "noise": self._network.noise_now,
            "band": int(self._module.band),
            "settings": msgspec.to_builtins(self._network.settings),
        }


def _shown(node: Node) -> dict[str, Any]:
    return {
        "address": node.address,
        "joined": node.joined,
        "powered": node.powered,
        "level": node.level if node.joined else None,
        "proxy": None if node.proxy is None else node.proxy.address,
        "phase": _NAMES.get(node.phases, str(node.phases)),
        "jam": node.jammed,
    }
