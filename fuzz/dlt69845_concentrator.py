"""Invariant: whatever a master with the password tells a concentrator, it takes it whole or refuses it, and goes on.

The octets are the APDU of a connection that may change everything: no exception leaves the concentrator, each answer is
an APDU that a master can read and no longer than was agreed, and its tasks run afterwards, whatever they have become,
over meters of both dialects.
"""

import datetime as dt

from meterwire.emulate_concentrator import EmulatedConcentrator
from meterwire.meter_model.access import Authority
from meterwire.meter_model.area import Area, Meters
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.meter_model.faces.dlt69845.services import respond
from meterwire.protocols.dlt69845 import acquisition as a
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.selecting import columns, every, newest, tsa
from meterwire.protocols.dlt69845.services import action, get, proxy
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

NAME = "dlt69845_concentrator"
_APDU = codec(Apdu, 2021)
_AREA = Area.of(
    [Meters(count=1), Meters(protocol="dlt69845", first="000000000101", count=1)], concentrator={"archived": True}
)
_START = dt.datetime(2026, 1, 1, 0, 5)  # noqa: DTZ001  the concentrator's own time
_TASKS = (
    a.scheme(1, ["00100201", "50040200(00100200)"]),
    a.scheme(2, ["50020200(20000200)"], a.Collected.BY_INTERVAL, every(15)),
    a.task(1, 1, every(1), _START),
    a.task(2, 2, every(1), _START),
)
MADE = EmulatedConcentrator(_AREA, clock=f"frozen:{_START:%Y-%m-%dT%H:%M:%S}", base=lambda: 0.0, wall=lambda: 0.0)
for _table, _kind in ((MADE.concentrator.schemes, a.Scheme), (MADE.concentrator.tasks, a.Task)):
    _table.put(one for one in _TASKS if isinstance(one, _kind))
MADE.concentrator.run()
_STATE, _ROWS = MADE.concentrator.state(), MADE.concentrator.rows_state()


def _seeds() -> list[bytes]:
    piid, oads = Piid(), (Oad.of("00100200"), Oad.of("20000200"))
    entered = {
        "60008000": a.archived(9, "000000000009", a.MeterProtocol.DLT645_2007).data(),
        "60147F00": a.scheme(3, ["00200200"], a.Collected.NTH_LAST, 2).data(),
        "60167F00": a.event_scheme(1, ["30110200(20220200,201E0200)"]).data(),
        "601C7F00": a.ReportScheme(1, oads[:1], every(1), 3, a.ReportContent(0, Variant(81, oads[0]))).data(),
        "60127F00": a.task(3, 1, every(1), _START, kind=a.SchemeKind.EVENT).data(),
    }
    items = [action.ActionItem(Omd.of(omd), Variant(1, (data,))) for omd, data in entered.items()]
    rows = get.GetRecord(a.RECORDS, newest(2), columns("202A0200", "00100201", "50040200(00100200)"))
    servers = tuple(proxy.ProxyGet(tsa(place.address), 5, oads) for place in _AREA.places)
    bodies = [
        *(action.ActionRequest(action.ActionRequestNormal(piid, item)) for item in items),
        get.GetRequest(get.GetRequestRecord(piid, rows)),
        proxy.ProxyRequest(proxy.ProxyGetRequestList(piid, 60, servers)),
        proxy.ProxyRequest(
            proxy.ProxyGetRequestRecord(
                piid, 60, tsa("000000000101"), get.GetRecord(Oad.of("50040200"), newest(1), columns("20210200"))
            )
        ),
    ]
    return [_APDU.build(Apdu.of(body)) for body in bodies]


SEEDS = _seeds()
LARGEST = 1500
"""Octets of an APDU: what fits into a frame."""


def target(data: bytes) -> None:
    """One request of a master, and a run of whatever tasks there are then."""
    own = MADE.concentrator
    own.restore(_STATE)
    own.restore_rows(_ROWS)
    own.collecting.forget({task.number for task in own.tasks})
    context = Context(MADE.meter, 2021)
    context.authority = Authority.SECURED
    answer = respond(context, data[:LARGEST])
    if answer is not None:
        _APDU.parse(answer)
        assert len(answer) <= context.apdu_size + 64, "an answer longer than was agreed"
    own.run()
    assert own.state() is not None
