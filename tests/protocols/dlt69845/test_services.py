"""The client's services against a scripted meter: every choice, its matching, its refusals, and what is never repeated."""

import asyncio
import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, OutcomeUnknown, Refused, SequenceError
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt69845 import selecting
from meterwire.protocols.dlt69845.client import AsyncMeter69845, Meter69845
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Omd, Road
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.services import action, get, proxied, report
from meterwire.protocols.dlt69845.services import set as setting
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.connect import ErrorKind, ReleaseNotification, ServerErrorResponse
from meterwire.protocols.dlt69845.services.proxy import InnerCommand
from meterwire.protocols.wire.nodes import Variant

from .script import APDU, LINK, TRUE, AsyncScript, Script, asked, number_of, reply

CLOCK, ENERGY, DAY = Oad.of("40000200"), Oad.of("00100200"), Oad.of("50040200")
NUMBER, TIME = Oad.of("20230200"), Oad.of("20210200")
TRIP = Omd.of("80008100")
WHEN = DateTimeS(2026, 1, 2, 0, 0, 0)
NOW = Variant(28, WHEN)
ITEM = setting.SetItem(CLOCK, NOW)
METHOD = action.ActionItem(TRIP, Variant(0, None))
RAW = Variant(6, 12345)
READ = ResultNormal(CLOCK, Variant(1, NOW))
RSD = "dlt69845.Rsd"


def meter(answer, **options):
    return Meter69845(Script(answer), **options)


def answering(make):
    """A meter whose answer's body is made from the request inside."""

    def answer(octets):
        link, body = asked(octets)
        return reply(link, make(body.request))

    return answer


# ---------------------------------------------------------------- SET and ACTION


def served_set(request, dar=Dar.SUCCESS):
    piid = number_of(request)
    if isinstance(request, setting.SetRequestNormal):
        return setting.SetResponse(setting.SetResponseNormal(piid, setting.SetResult(request.item.oad, dar)))
    if isinstance(request, setting.SetRequestNormalList):
        results = tuple(setting.SetResult(item.oad, dar) for item in request.items)
        return setting.SetResponse(setting.SetResponseNormalList(piid, results))
    results = tuple(setting.SetThenGetResult(setting.SetResult(i.item.oad, dar), READ) for i in request.items)
    return setting.SetResponse(setting.SetThenGetResponse(piid, results))


def served_action(request, dar=Dar.SUCCESS):
    piid = number_of(request)
    if isinstance(request, action.ActionRequestNormal):
        result = action.ActionResult(request.item.omd, dar, Variant(17, 7))
        return action.ActionResponse(action.ActionResponseNormal(piid, result))
    if isinstance(request, action.ActionRequestList):
        results = tuple(action.ActionResult(item.omd, dar) for item in request.items)
        return action.ActionResponse(action.ActionResponseList(piid, results))
    results = tuple(action.ActionThenGetResult(action.ActionResult(i.item.omd, dar), READ) for i in request.items)
    return action.ActionResponse(action.ActionThenGetResponse(piid, results))


def test_set_of_one_several_and_with_reading():
    """SET has three choices; the results are those of the items, in their order."""
    client = meter(answering(served_set))
    assert client.set([ITEM]) == (setting.SetResult(CLOCK, Dar.SUCCESS),)
    assert [result.result for result in client.set([ITEM, ITEM])] == [0, 0]
    (both,) = client.set_then_get([setting.SetThenGetItem(ITEM, CLOCK, 1)])
    assert (both.result.result, both.get) == (Dar.SUCCESS, READ)
    assert [asked(octets)[1].request.__class__.__name__ for octets in client.line.sent] == [
        "SetRequestNormal",
        "SetRequestNormalList",
        "SetThenGetRequest",
    ]


def test_action_of_one_several_and_with_reading():
    """ACTION has three choices, and a method may give something back."""
    client = meter(answering(served_action))
    assert client.act(METHOD) == Variant(17, 7)
    assert [result.omd for result in client.action([METHOD, METHOD])] == [TRIP, TRIP]
    (both,) = client.action_then_get([action.ActionThenGetItem(METHOD, CLOCK, 0)])
    assert (both.result.result, both.get) == (Dar.SUCCESS, READ)


@pytest.mark.parametrize("dar", list(Dar)[1:])
def test_refusals_are_raised_in_words(dar):
    """Every reason is told: a write and a method that are refused raise it with its words."""
    with pytest.raises(Refused) as caught:
        meter(answering(lambda request: served_set(request, dar))).write(ITEM)
    assert caught.value.code == dar
    assert str(caught.value) == f"refused: {words(dar)}"
    assert words(dar).startswith(dar.name.lower().replace("_", " "))
    assert len(words(dar)) > len(dar.name)
    with pytest.raises(Refused, match=words(dar).split(":", maxsplit=1)[0]):
        meter(answering(lambda request: served_action(request, dar))).act(METHOD)


@pytest.mark.parametrize("change", ["set", "action", "set_then_get", "action_then_get", "proxy_set", "pass_through"])
def test_what_changes_is_never_repeated(change):
    """A lost answer to a write, a method or octets through a port is an unknown outcome after one request."""
    items = {
        "set": [ITEM],
        "action": [METHOD],
        "set_then_get": [setting.SetThenGetItem(ITEM, CLOCK, 0)],
        "action_then_get": [action.ActionThenGetItem(METHOD, CLOCK, 0)],
        "proxy_set": {"000000000042": [ITEM]},
    }
    client = meter(lambda octets: b"", patience=Patience(tries=5, timeout=1))
    arguments = [items[change]] if change in items else [b"\x68", Oad.of("F2010201")]
    with pytest.raises(OutcomeUnknown):
        getattr(client, change)(*arguments)
    assert len(client.line.sent) == 1


def test_answers_to_other_items_are_not_taken():
    """Results of what was not asked are somebody else's answer."""
    other = setting.SetResult(Oad.of("40010200"), Dar.SUCCESS)
    wrong = answering(
        lambda request: setting.SetResponse(setting.SetResponseNormal(number_of(request), other)),
    )
    with pytest.raises(OutcomeUnknown):
        meter(wrong, patience=Patience(timeout=1)).write(ITEM)
    with pytest.raises(LocalProtocolError, match="nothing to do"):
        meter(wrong).set([])


def test_errors_of_the_server_are_refusals():
    """ERROR-Response in place of an answer is told with its kind."""

    def answer(octets):
        link, body = asked(octets)
        return reply(link, ServerErrorResponse(number_of(body.request), ErrorKind.UNSUPPORTED))

    with pytest.raises(Refused, match="unsupported"):
        meter(answer).get_md5(CLOCK)


# ---------------------------------------------------------------- GET record, next, MD5


def record(rows, oad=DAY, columns=(TIME, ENERGY)):
    return ResultRecord(oad, len(columns), columns, Variant(1, tuple(rows)))


def row(day, *energies):
    return Variant(28, DateTimeS(2026, 1, day, 0, 0, 0)), Variant(1, tuple(Variant(6, e) for e in energies))


def in_blocks(blocks):
    """A meter whose answer comes in these blocks of records."""

    def made(request):
        block = request.block if isinstance(request, get.GetRequestNext) else 0
        last = block + 1 == len(blocks)
        return get.GetResponse(get.GetResponseNext(number_of(request), last, block + 1, Variant(2, blocks[block])))

    return answering(made)


def test_records_in_any_number_of_blocks_are_one_table():
    """Rows of 300 blocks are put together in order, and become columns with rates, units and aware times."""
    blocks = [(record([row(1 + at % 28, at, at + 1)]),) for at in range(300)]
    table = meter(in_blocks(blocks)).records("day", ["20210200", "00100200"])
    assert table.names == ("freeze time", "active_energy_import", "active_energy_import_rate_1")
    assert table.units == ("", "kWh", "kWh")
    assert len(table) == 300
    assert table["active_energy_import"] == tuple(Decimal(at).scaleb(-2) for at in range(300))
    assert table.times[1] == dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def test_tables_of_a_list_are_told_apart_across_blocks():
    """Two tables may be cut anywhere: a block may end one and begin the other."""
    hour = Oad.of("50030200")
    blocks = [
        (record([row(1, 1)]),),
        (record([row(2, 2)]), record([row(1, 9)], hour)),
        (record([row(2, 8), row(3, 7)], hour),),
    ]
    asked_for = [get.GetRecord(oad, selecting.all_rows(), (TIME, ENERGY)) for oad in (DAY, hour)]
    first, second = meter(in_blocks(blocks)).get_records(asked_for)
    assert [len(one.result.value) for one in (first, second)] == [2, 3]
    with pytest.raises(LocalProtocolError, match="each once"):
        meter(in_blocks(blocks)).get_records([asked_for[0]] * 2)


@pytest.mark.parametrize(
    "blocks",
    [
        [(record([row(1, 1)], CLOCK),)],
        [(record([row(1, 1)]),), ()] + [()] * 3,
        [(record([row(1, 1)]), record([row(1, 1)], CLOCK))],
        [()],
    ],
)
def test_blocks_that_are_not_what_was_asked_for_are_an_error(blocks):
    """Foreign tables, empty blocks on the way and nothing at all end the reading, they do not become rows."""
    with pytest.raises(SequenceError):
        meter(in_blocks(blocks), patience=Patience(tries=1, timeout=1)).records("day", ["20210200", "00100200"])


def test_a_refused_block_ends_the_reading():
    """A block with a DAR is a refusal in words; a table keeps the rows that came until then, and says so."""

    def made(request):
        refused = Variant(0, Dar.DATA_BLOCK_NUMBER_INVALID)
        block = (record([row(1, 1)]),)
        result = refused if isinstance(request, get.GetRequestNext) else Variant(2, block)
        return get.GetResponse(get.GetResponseNext(number_of(request), False, 1, result))

    with pytest.raises(Refused, match="no data block of this number"):
        meter(answering(made)).get_records([get.GetRecord(DAY, selecting.all_rows(), (TIME, ENERGY))])
    table = meter(answering(made)).records("day", ["20210200", "00100200"])
    assert (len(table), table.error.code) == (1, Dar.DATA_BLOCK_NUMBER_INVALID)


def freezes(request):
    """A meter with seven daily freezes that knows selectors 0, 2 and 9, and what it stores."""
    piid = number_of(request)
    if isinstance(request, get.GetRequestNormal):
        related = Variant(1, (Variant(2, (Variant(18, 1), Variant(81, ENERGY), Variant(18, 7))),))
        return get.GetResponse(get.GetResponseNormal(piid, ResultNormal(request.oad, Variant(1, related))))
    wanted = request.record
    if wanted.rows.tag == 10:
        found = Variant(0, Dar.TYPE_UNMATCHED)
    else:
        days = range(1, 8)
        if wanted.rows.tag == 9:
            days = [8 - wanted.rows.value] if wanted.rows.value < 8 else []
        if wanted.rows.tag == 2:
            days = [d for d in days if wanted.rows.value.start.value.day <= d < wanted.rows.value.end.value.day]
        found = Variant(1, tuple((Variant(6, day), *row(day, day * 100)) for day in days))
    result = ResultRecord(wanted.oad, len(wanted.columns), wanted.columns, found)
    return get.GetResponse(get.GetResponseRecord(piid, result))


def test_columns_are_those_that_the_object_stores():
    """Without columns, number and time and the object's own associated attributes are asked for."""
    client = meter(answering(freezes))
    table = client.records("5004")
    assert table.names == ("freeze record number", "freeze time", "active_energy_import")
    assert table["active_energy_import"] == tuple(Decimal(f"{day}.00") for day in range(1, 8))
    assert asked(client.line.sent[1])[1].request.record.columns == (NUMBER, TIME, ENERGY)


def test_the_last_rows_come_even_from_a_meter_without_selector_10():
    """A meter that does not know "the newest n" is asked for them one by one; order and number stay the same."""
    table = meter(answering(freezes)).records("day", last=3)
    assert [when.day for when in table.times] == [5, 6, 7]
    assert len(meter(answering(freezes)).records("day", last=50)) == 7


def test_a_stretch_of_time_has_both_its_ends():
    """The selector excludes its second end; the client's end is included."""
    table = meter(answering(freezes)).records(
        "day", start=dt.datetime(2026, 1, 2), end=dt.datetime(2026, 1, 3, 23, 59, 59)
    )
    assert [when.day for when in table.times] == [2, 3]
    with pytest.raises(LocalProtocolError, match="one way"):
        meter(answering(freezes)).records("day", last=1, start=dt.datetime(2026, 1, 2))


@pytest.mark.parametrize("wrong", ["days", "50", "XYZ0", "5004020000"])
def test_what_is_no_table_is_refused_before_anything_is_sent(wrong):
    """Neither an object nor a word of the freezes."""
    client = meter(answering(freezes))
    with pytest.raises(LocalProtocolError):
        client.records(wrong, last=1)
    assert not client.line.sent


def test_max_demands_events_and_roads_become_columns():
    """A demand is a value and its time; snapshots tell before and after; a ROAD gives its related attributes."""
    demand = Variant(2, (Variant(6, 5000), NOW))
    columns = (
        Oad.of("10100201"),
        Oad.of("00102201"),
        Oad.of("00108201"),
        Road(DAY, (ENERGY, TIME)),
        Oad.of("20200200"),
    )
    never = Variant(28, DateTimeS(0xFFFF, *(0xFF,) * 5))
    cells = (demand, RAW, RAW, Variant(2, (Variant(6, 1), NOW)), never)
    nothing = (Variant(0, None),) * 5
    made = ResultRecord(Oad.of("30110200"), 5, columns, Variant(1, (cells, nothing)))
    answer = answering(lambda request: get.GetResponse(get.GetResponseRecord(number_of(request), made)))
    table = meter(answer).records("3011", columns)
    when = dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    assert dict(zip(table.names, table.rows[0], strict=True)) == {
        "demand_active_import_max": Decimal("0.5000"),
        "demand_active_import_max, time": when,
        "active_energy_import, before": Decimal("123.45"),
        "active_energy_import, after": Decimal("123.45"),
        "forward (import) active energy": Decimal("0.01"),
        "freeze time": when,
        "event end time": None,
    }
    assert table.rows[1] == (None,) * 7


def test_md5():
    """The MD5 of an attribute, or why not."""

    def made(result):
        return answering(
            lambda request: get.GetResponse(get.GetResponseMd5(number_of(request), request.oad, result)),
        )

    assert meter(made(Variant(1, bytes(16)))).get_md5(CLOCK) == bytes(16)
    with pytest.raises(Refused, match="denied"):
        meter(made(Variant(0, Dar.READ_WRITE_DENIED))).get_md5(CLOCK)


# ---------------------------------------------------------------- PROXY


def proxies(request):
    """A concentrator with one meter behind it, which writes its address with another flag octet."""
    piid, name = number_of(request), type(request).__name__
    if name == "ProxyTransparent":
        return proxied.ProxyResponse(
            proxied.ProxyTransparentResponse(piid, request.port, Variant(1, request.octets[::-1]))
        )
    if name == "ProxyInner":
        results = tuple(proxied.InnerResult(one.device, Variant(1, one.octets)) for one in request.commands)
        return proxied.ProxyResponse(proxied.ProxyInnerResponse(piid, results))
    if name == "ProxyGetRequestRecord":
        found = record([row(1, 100)], columns=request.record.columns)
        return proxied.ProxyResponse(proxied.ProxyGetResponseRecord(piid, request.server, found))
    set_result, act_result = setting.SetResult(CLOCK, Dar.SUCCESS), action.ActionResult(TRIP, Dar.SUCCESS)
    layer, response, results = {
        "ProxyGetRequestList": (proxied.ProxiedGet, proxied.ProxyGetResponseList, READ),
        "ProxySetRequestList": (proxied.ProxiedSet, proxied.ProxySetResponseList, set_result),
        "ProxySetThenGetRequestList": (
            proxied.ProxiedSetThenGet,
            proxied.ProxySetThenGetResponseList,
            setting.SetThenGetResult(set_result, READ),
        ),
        "ProxyActionRequestList": (proxied.ProxiedAction, proxied.ProxyActionResponseList, act_result),
        "ProxyActionThenGetRequestList": (
            proxied.ProxiedActionThenGet,
            proxied.ProxyActionThenGetResponseList,
            action.ActionThenGetResult(act_result, READ),
        ),
    }[name]
    server = b"\x45" + request.servers[0].server[1:]
    return proxied.ProxyResponse(response(piid, (layer(server, (results,)),)))


def test_every_proxy():
    """PROXY 1 to 8: results by the address that was asked for, whatever flag octet comes back."""
    client, one = meter(answering(proxies)), "000000000042"
    assert client.proxy_get({one: [CLOCK], "000000000043": [CLOCK]}) == {one: (READ,)}
    assert client.proxy_record(one, get.GetRecord(DAY, selecting.newest(1), (TIME, ENERGY))).result.value == (
        row(1, 100),
    )
    assert client.proxy_set({one: [ITEM]})[one][0].result == Dar.SUCCESS
    assert client.proxy_set_then_get({one: [setting.SetThenGetItem(ITEM, CLOCK, 0)]})[one][0].get == READ
    assert client.proxy_action({one: [METHOD]})[one][0].omd == TRIP
    assert client.proxy_action_then_get({one: [action.ActionThenGetItem(METHOD, CLOCK, 0)]})[one][0].get == READ
    assert client.pass_through(b"\x01\x02", Oad.of("F2010201")) == b"\x02\x01"
    assert client.pass_inside([InnerCommand(1, 2, 3, b"\x04")])[0].result == Variant(1, b"\x04")
    with pytest.raises(LocalProtocolError, match="at least one"):
        client.proxy_get({})


# ---------------------------------------------------------------- REPORT


def reported(body, **control):
    """A frame of the meter that nobody asked for."""
    link = LINK.parse(reply(type("To", (), {"client": 16}), body))
    return reply(link, body, **({"started_by_client": 0} | control))


PIID = PiidAcd(number=9)
REPORTS = [
    (report.ReportList(PIID, (ResultNormal(Oad.of("00100201"), Variant(1, RAW)),)), report.ReceiptList),
    (report.ReportRecordList(PIID, (record([row(1, 100)]),)), report.ReceiptRecordList),
    (report.ReportTransparent(PIID, Oad.of("F2010201"), (b"\x68\x16",)), report.ReceiptTransparent),
    (report.ReportClientService(PIID, b"\x05"), report.ReceiptClientService),
]


@pytest.mark.parametrize(("body", "receipt"), REPORTS)
def test_reports_are_told_and_acknowledged(body, receipt):
    """Each report is answered at once with its own receipt under the meter's PIID; a repetition is told once."""
    client = meter(lambda octets: b"")
    frame = reported(report.ReportNotification(body))
    client.line.waiting += [frame, frame[:9], frame[9:]]
    found = client.listen(5, serve=lambda content: content + b"\x06")
    assert len(found) == 1
    assert len(client.line.sent) == 2
    link, answer = asked(client.line.sent[0])
    assert (link.control.direction, link.control.started_by_client) == (0, 0)
    assert isinstance(answer.receipt, receipt)
    assert answer.receipt.piid.number == 9
    one = found[0]
    assert one.address == TRUE
    if isinstance(body, report.ReportList):
        assert (one.readings[0].quantity, one.readings[0].value) == ("active_energy_import", Decimal("123.45"))
        assert answer.receipt.oads == (Oad.of("00100201"),)
    if isinstance(body, report.ReportRecordList):
        assert one.tables[0].rows[0][1] == Decimal("1.00")
        assert answer.receipt.oads == (DAY,)
    if isinstance(body, report.ReportTransparent):
        assert (str(one.port), one.frames) == ("F2010201", (b"\x68\x16",))
    if isinstance(body, report.ReportClientService):
        assert answer.receipt.content == b"\x05\x06"


def test_reports_that_come_while_something_is_read_are_kept():
    """A report between request and answer is acknowledged at once, and told when somebody listens."""

    def answer(octets):
        link, body = asked(octets)
        if hasattr(body, "request"):
            yield reported(report.ReportNotification(REPORTS[0][0]))
            yield reply(link, served_set(body.request))

    client = meter(answer)
    client.write(ITEM)
    assert [type(asked(octets)[1]).__name__ for octets in client.line.sent] == ["SetRequest", "ReportResponse"]
    (kept,) = client.listen(10, most=1)
    assert kept.readings[0].value == Decimal("123.45")
    assert client.line.time < 1
    assert client.listen(1) == []


def test_listening_ignores_what_is_no_report():
    """Answers, pieces, other meters and garbage are neither told nor acknowledged, and the time ends it."""
    body = report.ReportNotification(REPORTS[0][0])
    client = meter(lambda octets: b"", address="000000000042")
    client.line.waiting += [
        reported(body),
        reported(body, started_by_client=1),
        reported(body, fragment=1),
        b"\x68\x99\x16" * 20,
        reported(b"\x88\x07"),
    ]
    assert client.listen(2) == []
    assert client.line.sent == []
    assert client.line.time == pytest.approx(2, abs=0.1)


def test_the_meter_ends_the_connection():
    """A RELEASE-Notification is told, needs no receipt, and the client knows that it is not connected."""
    client = meter(lambda octets: b"")
    client.session.granted = object()
    client.line.waiting.append(reported(ReleaseNotification(PIID, WHEN, WHEN)))
    assert [one.released for one in client.listen(1)] == [True]
    assert client.granted is None
    assert client.line.sent == []


def test_asyncio_has_the_same_procedures():
    """One list of procedures serves both: a write, a table and a report are awaited."""
    served = answering(lambda request: served_set(request) if "Set" in type(request).__name__ else freezes(request))

    def answer(octets):
        return served(octets) if hasattr(asked(octets)[1], "request") else b""  # a receipt is not answered

    async def run():
        client = AsyncMeter69845(AsyncScript(answer))
        await client.write(ITEM)
        table = await client.records("day", last=1)
        client.line._line.waiting.append(reported(report.ReportNotification(REPORTS[2][0])))
        return table, await client.listen(1, most=1)

    table, reports = asyncio.run(run())
    assert len(table) == len(reports) == 1


# ---------------------------------------------------------------- selections


def test_every_selector_and_meter_set_can_be_built_and_read():
    """Each RSD 0 to 11 and MS 0 to 9 makes a request that reads back as it was made."""
    start, end = dt.datetime(2026, 1, 1), dt.datetime(2026, 2, 1)
    rows = [
        selecting.all_rows(),
        selecting.equal("20210200", start),
        selecting.between("20210200", start, end, selecting.every(15)),
        selecting.ranges(("20210200", start, end), ("20230200", 1, 5, None)),
        selecting.started_at(start),
        selecting.stored_at(start),
        selecting.started(start, end),
        selecting.stored(start, end, selecting.every(1, "day")),
        selecting.succeeded(start, end),
        selecting.nth_last(3),
        selecting.newest(7),
        selecting.any_of(selecting.nth_last(1), selecting.equal("20230200", -5)),
    ]
    meters = [
        selecting.NO_METERS,
        selecting.ALL_METERS,
        selecting.user_types(1, 2),
        selecting.meters_at("000000000042"),
        selecting.archives(1, 300),
        selecting.user_types_between((1, 9)),
        selecting.meters_between(("000000000001", "000000000099")),
        selecting.archives_between((1, 500)),
        selecting.device_types(4),
        selecting.logical_device(1),
    ]
    assert [one.tag for one in rows] == list(range(12))
    assert [one.tag for one in meters] == list(range(10))
    columns = selecting.columns("00100200", "50040200(00100200, 00200200)")
    for selection in [*rows, *(selecting.newest(1, one) for one in meters)]:
        client = meter(
            answering(lambda r: get.GetResponse(get.GetResponseRecord(number_of(r), record([], DAY, columns))))
        )
        client.get_records([get.GetRecord(DAY, selection, columns)])
        assert asked(client.line.sent[0])[1].request.record == get.GetRecord(DAY, selection, columns)


@pytest.mark.parametrize(
    "make",
    [
        lambda: selecting.nth_last(0),
        lambda: selecting.newest(256),
        lambda: selecting.any_of(selecting.all_rows()),
        lambda: selecting.every(1, "fortnight"),
        lambda: selecting.column("50040200(0010)"),
        lambda: selecting.columns(*["00100200"] * 256),
        lambda: selecting.data_of(object()),
        lambda: selecting.tsa("nobody"),
    ],
)
def test_selections_that_cannot_be_are_refused(make):
    """What no request can carry is refused where it is made."""
    with pytest.raises(LocalProtocolError):
        make()


@pytest.mark.parametrize(
    ("value", "tag"),
    [(None, 0), (True, 3), (-1, 5), (1, 6), (1 << 40, 21), (b"\x01", 9), ("text", 10), (dt.date(2026, 1, 1), 26)],
)
def test_python_values_become_data(value, tag):
    """Each natural type has its tag."""
    assert selecting.data_of(value).tag == tag
    assert APDU.parse(bytes.fromhex("0501014000020000")).service == 5
