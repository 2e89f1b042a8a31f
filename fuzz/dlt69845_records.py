"""Invariant: whatever a client with the password asks of records and files, the meter answers within its bounds.

The octets are an APDU for a meter that has stored rows and events and takes a file. No exception leaves it, answers are
APDUs of the size agreed (but for a single row that is longer), and the blocks of a long answer are numbered in order.
"""

import datetime as dt
from typing import Any

from meterwire.meter_model.access import Authority
from meterwire.meter_model.clock import VirtualClock
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.faces.dlt69845.services import respond
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.dates import DateTimeS, Interval
from meterwire.protocols.dlt69845.descriptors import Oad, Omd, Road
from meterwire.protocols.dlt69845.selection import SelectorEqual, SelectorNewest, SelectorPeriod, SelectorRange
from meterwire.protocols.dlt69845.services import action, get
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

NAME = "dlt69845_records"
_APDU = codec(Apdu, 2021)
START = dt.datetime(2026, 1, 30, 22, 10)  # noqa: DTZ001  the meter's local time
_TIME, _NULL, _ALL = Oad.of("20210200"), Variant(0, None), Variant(1, None)


def _meter() -> Meter:
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    for phase in "ab":
        meter.cut_phase(phase)
        meter.clock.step(300)
        meter.restore_phase(phase)
        meter.clock.step(2 * 3600)
    meter.advance()
    for series in (*meter.freezes.series.values(), *meter.load_profile.series.values()):
        for row in series.rows:
            len(row.values)  # worked out here, so that each input is measured alone
    return meter


METER = _meter()
FACE = Face69845(METER)


def _moment(hours: int) -> DateTimeS:
    return DateTimeS.of(START + dt.timedelta(hours=hours))


def _requests() -> list[bytes]:
    low, high = _moment(2), _moment(9)
    selectors = (
        _NULL,
        Variant(1, SelectorEqual(_TIME, Variant(28, low))),
        Variant(2, SelectorRange(_TIME, Variant(28, low), Variant(28, high), Variant(84, Interval(1, 30)))),
        Variant(3, (SelectorRange(Oad.of("00100201"), Variant(6, 0), Variant(6, 10**6), Variant(6, 2)),)),
        Variant(6, SelectorPeriod(low, high, Interval(2, 1), _ALL)),
        Variant(9, 1),
        Variant(10, SelectorNewest(5, _ALL)),
        Variant(11, (Variant(9, 1), Variant(9, 2))),
    )
    columns = (_TIME, Oad.of("00100200"), Road(Oad.of("50020200"), (Oad.of("20000200"),)))
    tables = [get.GetRecord(Oad.of("50020200"), rows, columns) for rows in selectors]
    tables += [get.GetRecord(Oad.of(oad), _NULL, ()) for oad in ("50040200", "50050200", "30010600", "30120200")]
    asked: list[Any] = [get.GetRequestRecord(Piid(), table) for table in tables]
    asked += [get.GetRequestRecordList(Piid(), tuple(tables[-4:])), get.GetRequestNext(Piid(), 1)]
    return [_APDU.build(Apdu.of(get.GetRequest(one))) for one in asked]


def _orders() -> list[bytes]:
    texts = Variant(10, "a"), Variant(10, "b")
    file = Variant(2, (*texts, Variant(6, 1000), Variant(4, "111"), Variant(10, ""), Variant(22, 0)))
    check = Variant(2, (Variant(22, 0), Variant(9, b"")))
    added = Variant(2, (Variant(18, 1), Variant(81, Oad.of("20000200")), Variant(18, 10)))
    orders = (
        ("F0010700", Variant(2, (file, Variant(18, 512), check))),
        ("F0010800", Variant(2, (Variant(18, 0), Variant(9, bytes(512))))),
        ("F0010900", Variant(18, 0)),
        ("F0010400", _NULL),
        ("F0010A00", Variant(2, (Variant(17, 0), Variant(17, 0), Variant(6, 0), Variant(6, 9), Variant(18, 9)))),
        ("50040400", added),
        ("50040500", Variant(81, Oad.of("20000200"))),
        ("50040700", Variant(1, (added,))),
        ("50000300", Variant(18, 5)),
        ("30010100", Variant(15, 0)),
    )
    items = [action.ActionItem(Omd.of(omd), value) for omd, value in orders]
    return [_APDU.build(Apdu.of(action.ActionRequest(action.ActionRequestNormal(Piid(), one)))) for one in items]


SEEDS = _requests() + _orders()


def target(data: bytes) -> None:
    """One connection: the octets as an APDU, then the next blocks of its answer."""
    context = FACE.connect().context
    context.authority = Authority.PASSWORD
    answer = respond(context, data)
    for number in range(1, 4):
        if answer is None:
            return
        found = getattr(_APDU.parse(answer).body, "response", None)
        if not isinstance(found, get.GetResponseNext) or found.last:
            return
        assert found.block == number, "blocks out of order"
        following = get.GetRequest(get.GetRequestNext(Piid(), number))
        answer = respond(context, _APDU.build(Apdu.of(following)))
