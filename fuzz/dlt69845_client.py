"""Invariant: whatever comes back, a record read, a write and listening end in bounded time with a value or an error.

The octets are the APDU of every answer, in a frame that fits; its PIID is set to that of the request, so that the
answer is looked into.
"""

from fuzz.vectors import seeds
from meterwire.errors import MeterwireError
from meterwire.protocols.dialogue import Patience, Receive, Send
from meterwire.protocols.dlt69845.address import Address
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client import Meter69845, Procedures
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.link import FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.services import get, report
from meterwire.protocols.dlt69845.services import set as setting
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal, ResultRecord
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

NAME = "dlt69845_client"

PATIENCE = Patience(tries=1, timeout=1.0)
FLAG, SERVER = Address("000000000161").wire(2021)
PIID = 2
"""Where the PIID stands in an APDU with choices."""
LONGEST = 2000
"""Octets of an APDU that is looked at: each is delivered many times."""
BLOCKS = 40
"""Requests that are answered: an answer may go on for ever."""

DAY, TIME, ENERGY, CLOCK = (Oad.of(text) for text in ("50040200", "20210200", "00100200", "40000200"))
ACD = PiidAcd(number=1)
ROW = Variant(28, DateTimeS(2026, 1, 1, 0, 0, 0)), Variant(1, (Variant(6, 12345), Variant(6, 1)))
RECORD = ResultRecord(DAY, 2, (TIME, ENERGY), Variant(1, (ROW, ROW)))
RELATED = Variant(1, (Variant(2, (Variant(18, 1), Variant(81, ENERGY), Variant(18, 7))),))

SEEDS = [
    *(
        codec(Apdu, 2021).build(Apdu.of(body))
        for body in (
            get.GetResponse(get.GetResponseRecord(ACD, RECORD)),
            get.GetResponse(get.GetResponseNext(ACD, last=False, block=1, result=Variant(2, (RECORD,)))),
            get.GetResponse(get.GetResponseNext(ACD, last=True, block=2, result=Variant(2, (RECORD,)))),
            get.GetResponse(get.GetResponseNormal(ACD, ResultNormal(Oad.of("50040300"), Variant(1, RELATED)))),
            setting.SetResponse(setting.SetResponseNormal(ACD, setting.SetResult(CLOCK, 0))),
            report.ReportNotification(report.ReportRecordList(ACD, (RECORD,))),
            report.ReportNotification(report.ReportList(ACD, (ResultNormal(ENERGY, Variant(1, ROW[1])),))),
            report.ReportNotification(report.ReportTransparent(ACD, CLOCK, (b"\x68", b"\x16"))),
        )
    ),
    *seeds("dlt69845", lambda v: v["kind"] == "apdu"),
]

READS = (
    lambda meter: Procedures.records.steps(meter, "day"),
    lambda meter: Procedures.records.steps(meter, "day", ["20210200", "00100200"], last=2),
)
WRITES = (lambda meter: Procedures.write_text.steps(meter, "40000200", "2026-01-01T00:00:00"),)
LISTENS = (lambda meter: Procedures.listen.steps(meter, 1.0),)
EVERY = (*READS, *WRITES, *LISTENS)
BY_SERVICE = {b"\x85": READS, b"\x86": WRITES, b"\x88": LISTENS}
"""What looks at an answer of a service: nothing else looks further than its first octet."""


class NeverNow:
    """A line that is never touched: the dialogue is run by hand."""


def _framed(user: bytes, *, asked: bool) -> bytes:
    control = LinkControl(direction=1, started_by_client=int(asked))
    return codec(Link, 2021).build(Link(FrameLength(), control, FLAG, SERVER, 16, user))


def target(data: bytes) -> None:
    """Records, a write and a report, each answered by the same APDU."""
    data = data[:LONGEST]
    meter = Meter69845(NeverNow(), patience=PATIENCE)  # type: ignore[arg-type]  not used
    for begin in BY_SERVICE.get(data[:1], EVERY):
        try:
            _run(begin(meter), data)
        except MeterwireError:
            continue


def _run(steps, data: bytes) -> None:
    now, sends = 1.0, 0
    waiting = [_framed(data, asked=False)]
    step = next(steps)
    try:
        for _ in range(100_000):
            octets = b""
            if isinstance(step, Send) and sends < BLOCKS:
                sends += 1
                asked = codec(Link, 2021).parse(step.octets).user[PIID : PIID + 1]
                waiting = [_framed(data[:PIID] + asked + data[PIID + 1 :], asked=True)]
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
