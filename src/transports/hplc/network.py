"""The power-line network: a tree that grows from the CCO, on one medium that all nodes share.

Every frame goes hop by hop; each try of a hop occupies the medium for its octets and may be lost. Nodes join at
beacons, look for a better proxy at route periods, fall out and come back. All chance comes from one seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from meterwire.transports.clock import VirtualClock
from meterwire.transports.hplc.settings import NetworkSettings

CCO_TEI: Final = 1
_ALL: Final = 7  # bits of phases A, B and C
_CANDIDATES: Final = 3
_OVERHEAD: Final = 16  # octets of frame control that every frame carries on the line (recalled)

Arrived = Callable[[bool], None]
"""Called when a frame has arrived, or was given up."""


class Node:
    """One station.

    Attributes:
        address: of the meter behind it.
        depth: the level it stands on while everything is well.
        tei: its identifier in the network, 0 while it has none.
        proxy: through whom it speaks, None while it has not joined; the CCO is the root.
        phases: bit set of phases A, B, C.
        powered: whether it has power.
        quality: of its link to the proxy, 1 worst to 15.
    """

    def __init__(self, address: str, depth: int, phases: int) -> None:
        self.address, self.depth, self.phases = address, depth, phases
        self.tei = 0
        self.proxy: Node | None = None
        self.powered = True
        self.jammed = 0.0
        self.candidates: list[Node] = []
        self.proxy_changes = 0

    @property
    def joined(self) -> bool:
        """Whether it and everybody on its way to the CCO are in the network."""
        node: Node | None = self
        while node is not None:
            if not node.powered or not node.tei:
                return False
            if node.tei == CCO_TEI:
                return True
            node = node.proxy
        return False

    @property
    def level(self) -> int:
        """Hops to the CCO; 0 is the CCO."""
        level, node = 0, self
        while node.proxy is not None:
            level, node = level + 1, node.proxy
        return level

    @property
    def quality(self) -> int:
        """Of the link to its proxy, 1 worst to 15."""
        return max(1, 15 - round(14 * self.jammed))


class Network:
    """All stations, the medium, and what happens on it.

    Args:
        address: of the CCO.
        addresses: of the meters.
        settings: what the network is like.
        clock: calendar of what is to happen.
        seed: of all chance.

    Attributes:
        octets, airtime: payload that has crossed the medium and the seconds it was occupied, every try counted.
        changed: is told of a node that joined (True) or fell out (False).
    """

    def __init__(
        self,
        address: str,
        addresses: Sequence[str],
        settings: NetworkSettings,
        clock: VirtualClock,
        seed: int | str = 0,
    ) -> None:
        self.settings, self.clock = settings, clock
        self._random = random.Random(f"{seed}/hplc")
        self.cco = Node(address, 0, _ALL)
        self.cco.tei = CCO_TEI
        self.nodes: dict[str, Node] = {}
        self.changed: Callable[[Node, bool], None] = _nobody
        self.octets, self.airtime = 0, 0.0
        self._free = 0.0
        self._next_tei = CCO_TEI
        self._noise = 0.0
        self._wanting: dict[str, Node] = {}
        self._layers: list[list[Node]] = [[self.cco]] + [[] for _ in range(settings.levels)]
        for place in self._places(addresses):
            self._enter(*place)

    # ------------------------------------------------------------ growing

    def _places(self, addresses: Iterable[str]) -> list[tuple[str, int]]:
        """Each meter on a level; every level has somebody before a deeper one has."""
        settings, places = self.settings, []
        for number, address in enumerate(addresses):
            if number < settings.levels:
                depth = number + 1
            elif settings.levels == 1 or self._random.random() < settings.near:
                depth = 1
            else:
                depth = self._random.randint(2, settings.levels)
            places.append((address, depth))
        return places

    def _enter(self, address: str, depth: int) -> None:
        phases = _ALL if self._random.random() < self.settings.three_phase else 1 << self._random.randrange(3)
        node = Node(address, depth, phases)
        self.nodes[address] = self._wanting[address] = node
        self._layers[depth].append(node)

    def start(self) -> None:
        """Power comes: nodes begin to join."""
        for node in self.nodes.values():
            above = self._layers[node.depth - 1]
            node.candidates = self._random.sample(above, min(_CANDIDATES, len(above)))
        now, settings = self.clock.now(), self.settings
        self.clock.at(now + settings.beacon_seconds, self._beacon)
        self.clock.at(now + settings.route_seconds, self._routes)

    def _beacon(self) -> None:
        for address, node in list(self._wanting.items()):
            if not node.powered:
                continue
            heard = [one for one in node.candidates if one.joined]
            if heard and self._random.random() < self.settings.join:
                self._join(node, heard[0])
                del self._wanting[address]
        self.clock.at(self.clock.now() + self.settings.beacon_seconds, self._beacon)

    def _join(self, node: Node, proxy: Node) -> None:
        if not node.tei:
            self._next_tei += 1
            node.tei = self._next_tei
        node.proxy = proxy
        self.changed(node, True)

    def _routes(self) -> None:
        """Route period: who has lost the way, or has a jammed link, takes another proxy."""
        for node in self.nodes.values():
            if not node.powered or node.proxy is None:
                continue
            if node.joined and not node.jammed:
                continue
            better = [one for one in node.candidates if one.joined and one is not node.proxy]
            if better:
                node.proxy, node.jammed = self._random.choice(better), 0.0
                node.proxy_changes += 1
        self.clock.at(self.clock.now() + self.settings.route_seconds, self._routes)

    def wire(self, address: str, phases: int) -> None:
        """Connect a node as its meter of 1 or 3 phases is; 0 leaves it where it is."""
        node = self.nodes[address]
        if phases == 3:
            node.phases = _ALL
        elif phases == 1 and node.phases == _ALL:
            node.phases = 1 << int(address) % 3

    # ------------------------------------------------------------ trouble

    def noise(self, loss: float, seconds: float) -> None:
        """A burst of noise: this much more is lost on every hop for so long."""
        self._noise = loss
        self.clock.at(self.clock.now() + seconds, lambda: setattr(self, "_noise", 0.0))

    @property
    def noise_now(self) -> float:
        """How much more is lost on every hop while there is a burst of noise."""
        return self._noise

    @property
    def noisy(self) -> bool:
        """Whether there is a burst of noise."""
        return self._noise > 0

    def jam(self, address: str, loss: float) -> None:
        """The link of one node to its proxy gets worse, until it takes another proxy."""
        self.nodes[address].jammed = loss

    def drop(self, address: str) -> None:
        """A node falls out of the network, and joins again when it can."""
        node = self.nodes[address]
        node.proxy = None
        self._wanting[address] = node
        self.changed(node, False)

    def power(self, addresses: Sequence[str], *, on: bool) -> list[str]:
        """Power of nodes fails or comes back; gives those whose last report reaches the CCO, in their order.

        Capacitors keep the whole way alive for that one report, so that who was in the network can tell. A node
        whose power comes back tells when it has joined.
        """
        nodes = [self.nodes[address] for address in addresses]
        telling = [] if on else [node for node in nodes if node.powered and node.joined]
        for node in nodes:
            if on and not node.powered:
                self._wanting[node.address] = node
            node.powered = on
        return [node.address for node in telling if self._random.random() < self.settings.last_gasp]

    # ------------------------------------------------------------ frames

    def send(self, node: Node, octets: int, arrived: Arrived) -> None:
        """A frame from the CCO to a node."""
        way = self._way(node)
        if way is None:
            arrived(False)
            return
        self._hop(way[::-1], octets, arrived)

    def back(self, node: Node, octets: int, arrived: Arrived) -> None:
        """A frame from a node to the CCO."""
        way = self._way(node)
        if way is None:
            arrived(False)
            return
        self._hop(way, octets, arrived)

    def _way(self, node: Node) -> list[Node] | None:
        """The nodes whose links to their proxies are crossed, deepest first."""
        if not node.joined:
            return None
        way, here = [], node
        while here.proxy is not None:
            way.append(here)
            here = here.proxy
        return way

    def _hop(self, links: Sequence[Node], octets: int, arrived: Arrived, tried: int = 0) -> None:
        """Cross the first link; the next when it has arrived."""
        if not links:
            arrived(True)
            return
        airtime = self.settings.hop_seconds + (octets + _OVERHEAD) / self.settings.octets_per_second
        begin = max(self.clock.now(), self._free)
        self._free = begin + airtime
        self.airtime += airtime
        self.octets += octets
        self.clock.at(self._free, partial(self._crossed, links, octets, arrived, tried + 1))

    def _crossed(self, links: Sequence[Node], octets: int, arrived: Arrived, tried: int) -> None:
        link = links[0]
        kept = (1 - self.settings.loss) * (1 - self._noise) * (1 - link.jammed)
        if not link.powered or link.proxy is None:
            arrived(False)
        elif self._random.random() < kept:
            self._hop(links[1:], octets, arrived)
        elif tried < self.settings.tries:
            self._hop(links, octets, arrived, tried)
        else:
            arrived(False)

    def delay(self, octets: int) -> float:
        """Seconds that a broadcast of so many octets takes to the deepest level, as the module estimates it."""
        deepest = max((node.depth for node in self.nodes.values()), default=1)
        return deepest * (self.settings.hop_seconds + (octets + _OVERHEAD) / self.settings.octets_per_second)


def _nobody(node: Node, joined: bool) -> None:
    del node, joined
