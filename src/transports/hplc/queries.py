"""What the module answers to AFN 03H and AFN 10H: itself, its archive, its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.protocols.gdw376_2 import queries, routes
from meterwire.protocols.gdw376_2.codes import Denial, IdFormat, ModuleKind, Production, Role
from meterwire.protocols.gdw376_2.forwarding import MonitorAnswer
from meterwire.protocols.gdw376_2.functions import FUNCTIONS, Unknown
from meterwire.protocols.gdw376_2.unit import Unit
from meterwire.transports.hplc.denied import Denied
from meterwire.transports.hplc.settings import NODES

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module
    from meterwire.transports.hplc.network import Node

LONGEST_FRAME: Final = 2048
PACKET: Final = 1024
ROWS: Final = 64
"""Most rows of one answer."""
NID: Final = 0x000161
_FILED: Final = "200115"
_PROTOCOL: Final = "190801"
_BOTH_WAYS: Final = 3
_NO_RATE: Final = queries.Rate(kilo=0, rate=0)


def _version(module: Module, _: Unit) -> queries.Version:
    return queries.Version(module.settings.vendor, module.settings.chip, "01", "06", "26", module.version)


def _noise(module: Module, _: Unit) -> queries.Noise:
    loss = module.network.settings.loss
    return queries.Noise(queries.NoiseStrength(reserved=0, strength=min(15, round(loss * 15))))


def _heard(module: Module, asked: Unit) -> queries.HeardNodes:
    near = [node for node in module.network.nodes.values() if node.joined and node.level == 1]
    page = near[asked.value.start - 1 :][: min(asked.value.count, 16)] if asked.value.start else []
    rows = tuple(
        queries.HeardNode(
            node.address,
            queries.RelayQuality(quality=node.quality, relays=0),
            queries.HeardCount(reserved=0, count=1),
        )
        for node in page
    )
    return queries.HeardNodes(min(len(near), 0xFF), rows)


def _set(key: tuple[int, int], default: Any) -> Callable[[Module, Unit], Any]:
    """What the concentrator has set under a function, or the default."""
    return lambda module, _: module.parameters.get(key, default)


def _state(module: Module, _: Unit) -> queries.StateAndRates:
    state = queries.LocalState(reserved=0, channels=1, reading=_reading(module), feature=3, rates=0)
    return queries.StateAndRates(state, ())


def _reading(module: Module) -> int:
    return 2 if module.settings.module_leads else _BOTH_WAYS


def _broadcast_delay(module: Module, asked: Unit) -> MonitorAnswer:
    frame = asked.value.frame
    return MonitorAnswer(round(module.network.delay(len(frame))), asked.value.protocol, frame)


def running_mode(module: Module, _: Unit | None = None) -> queries.RunningMode:
    """What the module is and can do (03H F10)."""
    return queries.RunningMode(
        queries.ModeWays(reading=_reading(module), archive=1, routing=1, channel=2),
        queries.ModeDelays(
            channel_mode=0,
            broadcast_confirm=0,
            concentrator_switches=0,
            module_switches=1,
            broadcast_delay=1,
            monitor_delay=1,
            read_delay=1,
        ),
        queries.ModeChannels(outage=0, channels=1),
        queries.ModeRates(reserved=0, rates=0),
        0,
        round(min(module.settings.meter_seconds, 0xFF)),
        round(module.network.delay(0xFF)) + 1,
        LONGEST_FRAME,
        PACKET,
        round(module.settings.upgrade_seconds / 60) or 1,
        module.address,
        NODES,
        len(module.archive),
        _PROTOCOL,
        _FILED,
        _version(module, Unit(up=False, begins=True, afn=3, number=1)),
        (),
    )


def _index(_: Module, asked: Unit) -> queries.FunctionIndex:
    known = sum(
        1 << (number - 1) for afn, number in FUNCTIONS if afn == asked.value.function and is_served(afn, number)
    )
    return queries.FunctionIndex(asked.value.function, known.to_bytes(queries.BITMAP_OCTETS, "little"))


def _identifier(module: Module, _: Unit) -> queries.ModuleIdentifier:
    octets = bytes.fromhex(module.address)
    return queries.ModuleIdentifier(module.settings.vendor, len(octets), IdFormat.BCD, octets)


# ---------------------------------------------------------------- archive


def _count(module: Module, _: Unit) -> routes.NodeCount:
    return routes.NodeCount(len(module.archive), NODES)


def _page(rows: Sequence[Any], asked: Unit) -> Sequence[Any]:
    return rows[asked.value.start - 1 :][: min(asked.value.count, ROWS)] if asked.value.start else ()


def _row(module: Module, address: str) -> routes.Node:
    node = module.network.nodes.get(address)
    protocol = module.archive.get(address, 0)
    joined = node is not None and node.joined
    quality = node.quality if node is not None and joined else 0
    relays = node.level - 1 if node is not None and joined else 0
    phase = node.phases if node is not None and joined else 0
    state = routes.NodeState(reserved=0, protocol=protocol, phase=phase, quality=quality, relays=relays)
    return routes.Node(address, state)


def _nodes(chosen: Callable[[Module], Sequence[str]]) -> Callable[[Module, Unit], routes.Nodes]:
    def answer(module: Module, asked: Unit) -> routes.Nodes:
        addresses = chosen(module)
        return routes.Nodes(len(addresses), tuple(_row(module, one) for one in _page(addresses, asked)))

    return answer


def _unread(module: Module) -> list[str]:
    return [address for address in module.archive if address not in module.read]


def _relays(module: Module, asked: Unit) -> routes.Relays:
    node, found = module.node(asked.value.address), []
    while node.proxy is not None and node.proxy.address != module.network.cco.address:
        node = node.proxy
        found.append(_row(module, node.address))
    return routes.Relays(tuple(found))


def _route_state(module: Module, _: Unit) -> routes.RouteState:
    read = [address for address in module.archive if address in module.read]
    relayed = sum(1 for address in read if module.network.nodes[address].level > 1)
    learned = int(all(node.joined for node in module.network.nodes.values()))
    registering = int(module.clock.now() < module.registering_until)
    work = 2 if module.upgrade.running else 1 if registering else 0
    steps = (8, 8, 8) if not module.leading.working else (3, 3, 3)
    return routes.RouteState(
        routes.RunState(
            coding=0,
            reserved=0,
            event=int(module.reports.waiting),
            working=int(module.leading.working),
            learned=learned,
        ),
        len(module.archive),
        len(read),
        relayed,
        routes.RouteSwitches(work=work, reserved=0, area=0, event=1, register=registering, learning=1 - learned),
        _NO_RATE,
        (0, 0, 0),
        steps,
    )


def _modules(module: Module, asked: Unit) -> routes.NodeModules:
    addresses = list(module.archive)
    rows = tuple(
        routes.NodeModule(one, 0, module.settings.vendor, 6, IdFormat.BCD, bytes.fromhex(one))
        for one in _page(addresses, asked)
    )
    return routes.NodeModules(len(addresses), rows)


# ---------------------------------------------------------------- network


def _in_network(module: Module) -> list[Node]:
    network = module.network
    return [network.cco, *sorted((one for one in network.nodes.values() if one.joined), key=lambda one: one.tei)]


def _size(module: Module, _: Unit) -> routes.NetworkSize:
    return routes.NetworkSize(len(_in_network(module)))


def _topology(module: Module, asked: Unit) -> routes.Topology:
    nodes = _in_network(module)
    proxies = {node.proxy.address for node in nodes if node.proxy is not None}
    rows = tuple(
        routes.TopologyNode(
            node.address,
            node.tei,
            node.proxy.tei if node.proxy is not None else 0,
            routes.Place(role=_role(node, proxies), level=node.level),
        )
        for node in _page(nodes, asked)
    )
    return routes.Topology(len(nodes), asked.value.start, rows)


def _role(node: Node, proxies: set[str]) -> Role:
    if node.proxy is None:
        return Role.CCO
    return Role.PCO if node.address in proxies else Role.STA


def _dual_topology(module: Module, asked: Unit) -> routes.DualTopology:
    plain = _topology(module, asked)
    rows = tuple(
        routes.DualTopologyNode(
            one.address,
            routes.DualIdentity(module=0, tei=one.tei),
            one.proxy,
            routes.DualPlace(radio=0, role=one.place.role, level=one.place.level),
        )
        for one in plain.nodes
    )
    return routes.DualTopology(plain.total, plain.start, rows)


def _phases(module: Module, asked: Unit) -> routes.Phases:
    nodes = _in_network(module)[1:]
    rows = tuple(
        routes.NodePhase(
            node.address,
            routes.PhaseState(reserved=0, sequence=0, fault=0, three_phase=int(node.phases == 7), phases=node.phases),
        )
        for node in _page(nodes, asked)
    )
    return routes.Phases(len(nodes), asked.value.start, rows)


def _chip_id(address: str, device: int) -> bytes:
    """24 octets in the layout of the standard's example; vendor and model are made up."""
    head = bytes((0x01, 0x02, 0x9C, 0x01, 0xC1, 0xFB, device)) + b"MW" + b"01"
    body = head + bytes.fromhex(address)[-5:]
    return body + sum(body).to_bytes(8, "big")


def _device(module: Module, node: Node) -> ModuleKind:
    if node is module.network.cco:
        return ModuleKind.CCO
    return ModuleKind.THREE_PHASE if node.phases == 7 else ModuleKind.SINGLE_PHASE


def _chips(module: Module, asked: Unit) -> routes.Chips:
    nodes = _in_network(module)
    rows = tuple(
        routes.Chip(node.address, device, _chip_id(node.address, device), module.upgrade.version_of(node.address))
        for node in _page(nodes, asked)
        for device in [_device(module, node)]
    )
    return routes.Chips(len(nodes), asked.value.start, rows)


def _production(module: Module, asked: Unit) -> routes.ProductionIdentifier:
    wanted = asked.value
    if wanted.address != module.address:
        module.node(wanted.address)
    if wanted.kind not in set(Production):
        raise Denied(Denial.WRONG_FORMAT)
    octets = _chip_id(wanted.address, int(wanted.device))
    if wanted.kind == Production.MODULE:
        octets = octets[11:22]
    return routes.ProductionIdentifier(wanted.device, wanted.address, wanted.kind, octets)


def _networks(module: Module, _: Unit) -> routes.Networks:
    return routes.Networks(0, NID, module.address, ())


def _radio_nodes(_: Module, __: Unit) -> routes.RadioNodes:
    return routes.RadioNodes(0, ())


def _address(module: Module, _: Unit) -> queries.PrimaryAddress:
    return queries.PrimaryAddress(module.address)


QUERIES: Final[Mapping[tuple[int, int | None], Callable[[Module, Unit], Any]]] = {
    (0x03, 1): _version,
    (0x03, 2): _noise,
    (0x03, 3): _heard,
    (0x03, 4): _address,
    (0x03, 5): _state,
    (0x03, 6): lambda module, _: queries.Interference(int(module.network.noisy)),
    (0x03, 7): _set((0x05, 4), queries.MonitorTimeout(30)),
    (0x03, 8): _set((0x05, 5), queries.Radio(0, 0)),
    (0x03, 9): _broadcast_delay,
    (0x03, 10): running_mode,
    (0x03, 11): _index,
    (0x03, 12): _identifier,
    (0x03, 16): lambda module, _: queries.FrequencyBand(module.band),
    (0x03, 17): lambda _, __: queries.RadioBand(0, 0, 0),
    (0x03, 18): lambda _, __: queries.Encryption(0, 0, 0, 0),
    (0x03, 100): _set((0x05, 100), queries.FieldStrength(96)),
    (0x10, 1): _count,
    (0x10, 2): _nodes(lambda module: list(module.archive)),
    (0x10, 3): _relays,
    (0x10, 4): _route_state,
    (0x10, 5): _nodes(_unread),
    (0x10, 6): _nodes(lambda module: module.registered),
    (0x10, 7): _modules,
    (0x10, 9): _size,
    (0x10, 20): _dual_topology,
    (0x10, 21): _topology,
    (0x10, 31): _phases,
    (0x10, 40): _production,
    (0x10, 100): lambda _, __: routes.NetworkSize(0),
    (0x10, 101): _radio_nodes,
    (0x10, 111): _networks,
    (0x10, 112): _chips,
}
"""What each query is answered by."""


def is_served(afn: int, number: int) -> bool:
    """Whether the module knows a function: all of the table but those without a layout."""
    row = FUNCTIONS[afn, number]
    return not isinstance(row.down, Unknown)
