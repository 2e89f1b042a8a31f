"""Invariant: whatever comes back, a read ends in bounded time with a value or a documented error.

The octets are what the line delivers after each request, in pieces as they are cut at 00H.
"""

from fuzz.vectors import seeds
from meterwire.errors import MeterwireError
from meterwire.protocols.dialogue import Patience, Receive, Send
from meterwire.protocols.dlt645.client import Meter645, Procedures
from meterwire.protocols.dlt645.frame import Frame, answering
from meterwire.protocols.wire.codec import codec

NAME = "dlt645_client"

PATIENCE = Patience(tries=2, timeout=1.0)
PIECES = 16
"""Pieces looked at: each is delivered a dozen times."""
ITEMS = ["active_energy_import", "demand_active_import_max", "0001FF00", "03300201", "04001501", "06000001"]


def _answer(function: int, content: bytes, *, more: bool = False, abnormal: bool = False) -> bytes:
    return codec(Frame).build(Frame("000000000161", answering(function, abnormal=abnormal, follow_up=more), content))


SEEDS = [
    _answer(0x11, bytes.fromhex("0000010078563412")),
    _answer(0x11, bytes.fromhex("00FF010078563412"), more=True),
    _answer(0x11, bytes.fromhex("01023003") + bytes(196), more=True)
    + _answer(0x12, bytes.fromhex("01023003") + bytes(6) + b"\x01"),
    _answer(0x12, bytes.fromhex("01150004000000000000000000000100AA01AA01"), more=True),
    _answer(0x11, b"\x02", abnormal=True),
    *seeds("dlt645_and_376_2", lambda v: v["protocol"].startswith("dlt645")),
]


class NeverNow:
    """A line that is never touched: the dialogue is run by hand."""


def target(data: bytes) -> None:
    """Read several items; after each request the octets arrive again."""
    meter = Meter645(NeverNow(), "A" * 12, patience=PATIENCE)  # type: ignore[arg-type]  not used
    pieces = [data[at : at + 97] for at in range(0, len(data), 97)]
    for item in ITEMS:
        try:
            _run(Procedures.read.steps(meter, item), pieces)
        except MeterwireError:
            continue


def _run(steps, pieces: list[bytes]) -> None:
    now, waiting = 1.0, list(pieces[:PIECES])
    step = next(steps)
    try:
        for _ in range(100_000):
            octets = b""
            if isinstance(step, Send):
                waiting = list(pieces[:PIECES])
            elif isinstance(step, Receive) and step.until > now:
                if waiting:
                    octets = waiting.pop(0)
                    now += 0.001
                else:
                    now = step.until
            step = steps.send((now, octets))
    except StopIteration:
        return
    raise AssertionError("the dialogue does not end")
