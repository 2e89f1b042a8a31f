"""Invariant: whatever a concentrator sends, the module goes on, says nothing but frames, and no error leaves it.

The octets arrive in pieces with time between them, so that the network, readings and reports run meanwhile.
"""

from fuzz.vectors import seeds
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.gdw376_2.codes import MeterProtocol
from meterwire.protocols.gdw376_2.functions import FUNCTIONS, Unknown
from meterwire.protocols.gdw376_2.tunnel import framer
from meterwire.protocols.gdw376_2.unit import Unit
from meterwire.protocols.wire.framing import Frame
from meterwire.transports.hplc.meters import Behind
from meterwire.transports.hplc.module import Module
from meterwire.transports.hplc.settings import ModuleSettings, NetworkSettings

NAME = "gdw376_2_module"
PIECE = 61
_LIMIT = 4096
_SETTINGS = ModuleSettings(module_leads=True, merge_seconds=5.0, area_seconds=5.0, upgrade_seconds=5.0)
_NETWORK = NetworkSettings(beacon_seconds=4.0, join=1.0, levels=2)
_ADDRESSES = ("000000003304", "100000000005", "000000000001")

SEEDS = [
    *seeds("dlt645_and_376_2", lambda v: v["protocol"] == "gdw376.2"),
    *(
        Unit(up=False, begins=True, afn=row.afn, number=row.number).octets()
        for row in FUNCTIONS.values()
        if row.down is None and not isinstance(row.up, Unknown)
    ),
]


class _Parrot:
    """A meter that says what it hears."""

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        del now
        return [Answer(octets)]

    def idle(self, now: float) -> list[Answer]:
        del now
        return []


def target(data: bytes) -> None:
    """Let a concentrator say this to a module that has been up for a while."""
    behind = {address: Behind(MeterProtocol.DLT645_2007, _Parrot) for address in _ADDRESSES}
    connection = Module(behind, _SETTINGS, _NETWORK).connect()
    said, now = connection.run(0.0) + connection.run(10.0), 10.0
    for start in range(0, min(len(data), _LIMIT), PIECE):
        said += connection.receive(data[start : start + PIECE], now)
        now += 0.3
        said += connection.run(now)
    said += connection.idle(now) + connection.run(now + 30.0)
    octets = b"".join(answer.octets for answer in said)
    pieces = framer().receive(octets)
    assert all(isinstance(piece, Frame) for piece in pieces), "the module said something that is no frame"
