"""Invariant: whatever a module answers, a question ends in bounded time with a value or a documented error.

Questions, tables in pages, a meter through the tunnel and several meters at once.
"""

from collections.abc import Iterator

from fuzz.vectors import seeds
from meterwire.errors import MeterwireError
from meterwire.protocols.dialogue import Patience, Receive, Send, Steps
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.gdw376_2 import forwarding, queries, routes
from meterwire.protocols.gdw376_2.client import Module3762, Procedures
from meterwire.protocols.gdw376_2.codes import Denial, MeterProtocol
from meterwire.protocols.gdw376_2.tunnel import through
from meterwire.protocols.gdw376_2.unit import Unit

NAME = "gdw376_2_client"
PATIENCE = Patience(tries=2, timeout=1.0)
PIECES = 8
REPEATS = 3
"""How often the octets arrive in one conversation: a report that comes again whenever it is confirmed has no end."""
_STEPS = 2_000
_METER = bytes.fromhex("6804330000000068910833333433443333334A16")


def _up(afn: int, number: int, value: object, *, begins: bool = False, sequence: int = 1) -> bytes:
    return Unit(
        up=True, begins=begins, afn=afn, number=number, value=value, sequence=sequence,
        source="000000003304", destination="000000000000",
    ).octets()  # fmt: skip


SEEDS = [
    *seeds("dlt645_and_376_2", lambda v: v["protocol"] == "gdw376.2"),
    _up(0x00, 2, forwarding.Deny(Denial.METER_BUSY)),
    _up(0x03, 4, queries.PrimaryAddress("000000002401")),
    _up(0x06, 5, None, begins=True) + _up(0x10, 1, routes.NodeCount(1, 2)),
    _up(0x10, 2, routes.Nodes(2, (routes.Node("000000003304", routes.NodeState.of(0)),))),
    _up(0x13, 1, forwarding.MonitorAnswer(1, 2, _METER)),
    _up(0xF1, 1, forwarding.ConcurrentAnswer(2, _METER)),
    _up(0xF1, 1, forwarding.ConcurrentAnswer(2, b"")),
]


def _conversations() -> Iterator[Steps[object]]:
    module = Module3762(None, patience=PATIENCE)  # type: ignore[arg-type]  driven by hand

    def meter() -> Steps[object]:
        client = Meter645(None, "000000003304", patience=PATIENCE)  # type: ignore[arg-type]  see above
        return Meter645.read.steps(client, "00010000")

    yield Procedures.own_address.steps(module)
    yield Procedures.nodes.steps(module)
    yield Procedures.topology.steps(module)
    yield Procedures.listen.steps(module, 2.0)
    yield through(meter(), module.tunnel("000000003304", MeterProtocol.DLT645_2007))
    tunnels = [module.tunnel(f"{place:012d}", MeterProtocol.DLT645_2007, "concurrent") for place in (3304, 1)]
    yield Procedures.gather.steps(module, {tunnel: meter() for tunnel in tunnels})


def target(data: bytes) -> None:
    """Hold each conversation; the octets arrive after every request, with its sequence number and without."""
    pieces = [data[at : at + 97] for at in range(0, len(data), 97)][:PIECES]
    for steps in _conversations():
        try:
            _run(steps, pieces)
        except MeterwireError:
            continue


def _run(steps: Steps[object], pieces: list[bytes]) -> None:
    now, waiting, left = 1.0, list(pieces), REPEATS
    step = next(steps)
    try:
        for _ in range(_STEPS):
            octets = b""
            if isinstance(step, Send):
                if not waiting and left:
                    waiting, left = list(pieces), left - 1
            elif isinstance(step, Receive):
                if waiting:
                    octets = waiting.pop(0)
                else:
                    now = max(now, step.until)
            else:
                now = max(now, getattr(step, "until", now))
            now += 0.001
            step = steps.send((now, octets))
    except StopIteration:
        return
    finally:
        steps.close()
    raise AssertionError("the conversation has no end")
