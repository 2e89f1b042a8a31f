"""Thirty-two meters on one bus: found by a scan, each read by its address, none taken for another."""

import asyncio
import threading
from contextlib import contextmanager
from decimal import Decimal

import pytest

from meterwire.connect import connect
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer, LineSettings, converse
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt645.search import Found, Search
from meterwire.protocols.listening import Attention
from meterwire.transports.bus import Bus
from meterwire.transports.echo import DropEcho
from meterwire.transports.filtering import wrap
from meterwire.transports.lines import open_line
from meterwire.transports.serve import serve

SHARING = ["000000000161", "990000000261", "000000000361", "000000001361", "000000051361"]
"""One low octet for all five, two octets for the last two."""
LOW_OCTETS = [f"{high}{low}" for high in range(7) for low in range(4) if f"{high}{low}" != "61"]
ADDRESSES = SHARING + [f"{place * 7919 % 10**10:010d}{octet}" for place, octet in enumerate(LOW_OCTETS, 1)]
ITEMS = ["active_energy_import", "meter_number", "voltage_a"]


@pytest.fixture(scope="module")
def meters():
    """By address, each with a reading of its own."""
    return {
        address: Meter(identity=Identity(number=address), given={"active_import": Decimal(1000 + 17 * place) / 4})
        for place, address in enumerate(ADDRESSES)
    }


def energies(meters):
    """What each meter has registered, as DL/T 645 tells it."""
    return {
        address: Decimal(int(meter.read("active_energy_import") * 100)).scaleb(-2) for address, meter in meters.items()
    }


def bus_of(meters, settings):
    """All meters on one bus, each with a delay of its own, 20 to 330 ms: some answers overlap, some follow."""
    bus = Bus()
    for place, meter in enumerate(meters.values()):
        bus.attach(Face645(meter).connect(), settings, delay=0.02 + 0.01 * (place * 11 % 32))
    return bus


@pytest.mark.parametrize("baud", [1200, 2400, 9600])
def test_all_are_found_and_read_at_the_pace_of_the_line(meters, baud):
    """Protects a real bus: echo, collisions, delays and transmission times, and every meter is found and read as itself."""
    settings = LineSettings(baud, 8, "E")
    bus = bus_of(meters, settings)
    echoes = DropEcho("on")
    line = wrap(bus.line(settings, echo="on"), echoes)
    search = Search(settings)
    found = converse(search.run(), line)
    assert sorted(found, key=lambda one: one.address) == [Found(address, 2007) for address in sorted(ADDRESSES)]
    assert search.tally.garbage > 0
    assert search.tally.echoed == 0
    assert echoes.dropped >= 16 * search.tally.asked
    wanted = energies(meters)
    assert len(set(wanted.values())) == len(ADDRESSES) == 32
    for address, energy in wanted.items():
        begun = bus.clock.now()
        readings = Meter645(line, address, settings=settings).read_many(ITEMS)
        assert [reading.error for reading in readings] == [None] * len(ITEMS)
        assert (readings[0].value, readings[1].value) == (energy, address)
        octets = len(ITEMS) * (20 + 20) + 4 + 6 + 2 - len(ITEMS)  # requests and answers but for the last stop bits
        assert bus.clock.now() - begun > settings.seconds(octets) + len(ITEMS) * 0.02


class Wires:
    """All meters behind one pseudo-terminal, which knows no time: what they send at once pulls the line low together.

    What the user sends comes back, as two-wire adapters give it back.
    """

    def __init__(self, meters):
        self._responders = [Face645(meter).connect() for meter in meters.values()]

    def receive(self, octets, now):
        return [Answer(octets), *self._together(responder.receive(octets, now) for responder in self._responders)]

    def idle(self, now):
        return self._together(responder.idle(now) for responder in self._responders)

    def _together(self, answers):
        sent = [b"".join(answer.octets for answer in each) for each in answers]
        line = [0xFF] * max(map(len, sent))
        for octets in sent:
            for place, octet in enumerate(octets):
                line[place] &= octet
        return [Answer(bytes(line))] if line else []


@contextmanager
def served(responder):
    """The path of a pseudo-terminal on which a responder is served in the background."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        line = asyncio.run_coroutine_threadsafe(serve("dlt645+pty:", lambda: responder), loop).result(10)
        yield line.endpoint.path
        asyncio.run_coroutine_threadsafe(line.aclose(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_all_are_found_and_read_over_a_pseudo_terminal(meters):
    """Protects the octets as the system carries them: all are found on a port and read there, behind its echo."""
    with served(Wires(meters)) as path:
        url = f"dlt645+serial://{path}?baud=9600&echo=on"
        line = open_line(url)
        patient = Attention(begin=0.12, quiet=0.02, most=5.0)  # what a pseudo-terminal carries comes in one piece
        found = converse(Search(years=[2007], attention=patient).run(), line)
        line.close()
        assert sorted(one.address for one in found) == sorted(ADDRESSES)
        for address, energy in energies(meters).items():
            with connect(url, address=address) as client:
                assert client.read("active_energy_import").value == energy
