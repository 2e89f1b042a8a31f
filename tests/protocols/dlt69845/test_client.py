"""The client against a scripted meter: matching, retries, blocks, refusals, and what it must ignore."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, MalformedError, NoAnswer, Refused, SequenceError
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt69845.address import Address, address, address_in
from meterwire.protocols.dlt69845.client import AsyncMeter69845, Meter69845
from meterwire.protocols.dlt69845.dates import Date, DateTimeS, Time
from meterwire.protocols.dlt69845.descriptors import Oad, ScalerUnit
from meterwire.protocols.dlt69845.enums import Dar, Unit698
from meterwire.protocols.dlt69845.link import Link
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal
from meterwire.protocols.dlt69845.services.connect import (
    ConnectResponse,
    ConnectResult,
    ErrorKind,
    FactoryVersion,
    ReleaseRequest,
    ReleaseResponse,
    ServerErrorResponse,
)
from meterwire.protocols.dlt69845.services.security import RefusedContent, SecurityResponse
from meterwire.protocols.wire.nodes import Variant

from .script import LINK, TRUE, AsyncScript, Script, asked, number_of, reply

ENERGY = "00100201"
RAW = Variant(6, 12345)
REACHED = DateTimeS(2026, 1, 2, 3, 4, 5)


def normal(request, value=RAW, oad=None):
    return get.GetResponse(
        get.GetResponseNormal(number_of(request), ResultNormal(oad or request.oad, Variant(1, value)))
    )


def obedient(octets):
    """A meter that has 123.45 of everything."""
    link, body = asked(octets)
    request = body.request
    if isinstance(request, get.GetRequestNormal):
        return reply(link, normal(request))
    results = tuple(ResultNormal(oad, Variant(1, Variant(6, 12345))) for oad in request.oads)
    return reply(link, get.GetResponse(get.GetResponseNormalList(number_of(request), results)))


def meter(answer, **options):
    return Meter69845(Script(answer), **options)


def test_read_by_name_gives_value_and_unit():
    """A name is asked for by its OAD, and the raw number gets the point and unit of its row."""
    client = meter(obedient)
    found = client.read("active_energy_import")
    assert (found.item, found.quantity) == ("active_energy_import", "active_energy_import")
    assert (found.value, found.unit, found.error) == (Decimal("123.45"), "kWh", None)
    assert asked(client.line.sent[0])[1].request.oad == Oad.of(ENERGY)


def test_read_by_descriptor_knows_the_row():
    """Eight hexadecimal digits are an OAD, with the name of its row where it has one."""
    found = meter(obedient).read(ENERGY.lower())
    assert (found.item, found.quantity, found.value) == (ENERGY, "active_energy_import", Decimal("123.45"))


def test_whole_arrays_are_lists():
    """Index 0 gives every element, scaled."""

    def answer(octets):
        link, body = asked(octets)
        return reply(link, normal(body.request, Variant(1, (Variant(18, 2200), Variant(18, 2199)))))

    found = meter(answer).read("20000200")
    assert (found.value, found.unit, found.quantity) == ([Decimal("220.0"), Decimal("219.9")], "V", None)


def test_maximum_demand_has_its_time():
    """A demand is a number and when it was reached, aware in the meter's zone; none was reached: no time."""

    def answer(octets, when=REACHED):
        link, body = asked(octets)
        return reply(link, normal(body.request, Variant(2, (Variant(6, 12345), Variant(28, when)))))

    found = meter(answer).read("demand_active_import_max")
    assert (found.value, found.unit) == (Decimal("1.2345"), "kW")
    assert found.time == dt.datetime(2026, 1, 1, 19, 4, 5, tzinfo=dt.UTC)
    never = meter(lambda o: answer(o, DateTimeS(0xFFFF, 255, 255, 255, 255, 255))).read("demand_active_import_max")
    assert (never.value, never.time) == (Decimal("1.2345"), None)


@pytest.mark.parametrize(
    ("item", "data", "value"),
    [
        ("address", Variant(9, bytes.fromhex("000000000161")), "000000000161"),
        ("manufacturer", Variant(10, "ABC \0"), "ABC"),
        ("frequency", Variant(18, 5000), Decimal("50.00")),
        ("current_a", Variant(5, -1234), Decimal("-1.234")),
        ("voltage_a", Variant(0, None), None),
        ("F1010200", Variant(22, 1), Decimal(1)),
        ("F1010200", Variant(3, True), "true"),
        ("F1010200", Variant(23, 1.5), Decimal("1.5")),
        ("00100300", Variant(89, ScalerUnit(-2, Unit698.KILOWATT_HOUR)), "10^-2 kWh"),
        ("43000400", Variant(26, Date(2025, 12, 31, 3)), dt.date(2025, 12, 31)),
        ("F1010200", Variant(27, Time(24, 0, 0)), "24:00:00"),
    ],
)
def test_values_by_type(item, data, value):
    """Texts, digits, signed numbers, and nothing, as plainly as the type allows."""

    def answer(octets):
        link, body = asked(octets)
        return reply(link, normal(body.request, data))

    assert meter(answer).read(item).value == value


def test_read_many_keeps_the_order_over_several_requests():
    """More items than one request takes are asked for in several; every item gets its own reading."""
    client = meter(obedient)
    names = ["voltage_a", ENERGY, "active_energy_import"] * 7
    found = client.read_many(names)
    assert [one.item for one in found] == names
    assert len(client.line.sent) == 2
    assert client.read_many([]) == []


def test_refused_items_do_not_spoil_the_others():
    """A DAR of one attribute is that item's error."""

    def answer(octets):
        link, body = asked(octets)
        results = (
            ResultNormal(body.request.oads[0], Variant(0, Dar.OBJECT_UNAVAILABLE)),
            ResultNormal(body.request.oads[1], Variant(1, Variant(18, 2200))),
            ResultNormal(body.request.oads[2], Variant(0, 77)),
        )
        return reply(link, get.GetResponse(get.GetResponseNormalList(number_of(body.request), results)))

    found = meter(answer).read_many(["12340200", "voltage_a", "voltage_b"])
    assert (found[0].error.code, found[0].value) == (6, None)
    assert found[0].error.text == "object unavailable: the object is there and has nothing of the kind"
    assert found[1].value == Decimal("220.0")
    assert (found[2].error.code, found[2].error.text) == (77, "dar 77")


def test_wildcard_learns_the_true_address():
    """Without an address whoever is there is asked, with flag 45H, and called by name from then on."""
    client = meter(obedient)
    client.read(ENERGY)
    client.read(ENERGY)
    first, second = (asked(octets)[0] for octets in client.line.sent)
    assert (int(first.flag), first.server) == (0x45, b"\xaa" * 6)
    assert address_in(second) == TRUE == client.address


def test_numbers_go_round_and_old_answers_are_ignored():
    """Each request has the next of 64 numbers; a late answer to an earlier one is not taken for this one."""
    kept = []

    def answer(octets):
        link, body = asked(octets)
        late, kept[:] = list(kept), [reply(link, normal(body.request, Variant(6, 99999)))]
        return [*late, reply(link, normal(body.request))]

    client = meter(answer, address="161")
    found = [client.read(ENERGY).value for _ in range(66)]
    assert set(found) == {Decimal("123.45")}
    numbers = [asked(octets)[1].request.piid.number for octets in client.line.sent]
    assert numbers == [(n + 1) % 64 for n in range(66)]


def test_what_is_not_the_answer_is_ignored():
    """Echo, noise, other meters, other clients, fragments, other objects and other services come first."""

    def answer(octets):
        link = LINK.parse(octets)
        if link.control.fragment:
            return  # the receipt for a piece
        link, body = asked(octets)
        right = normal(body.request)
        other = Link(link.length, link.control, link.flag, link.server, 99, link.user)
        yield octets
        yield b"\x68\x10\x00noise"
        yield reply(link, normal(body.request, Variant(6, 1)), Address("000000000162"))
        yield reply(other, normal(body.request, Variant(6, 2)))
        yield reply(link, b"\x00\x00\x85\x01", fragment=1)
        yield reply(link, normal(body.request, Variant(6, 3), Oad.of("00100202")))
        yield reply(link, ReleaseResponse(number_of(body.request), 0))
        yield reply(link, b"\x88\x01\xff")
        yield reply(link, right)[:9]
        yield reply(link, right)[9:]

    assert meter(answer, address="161").read(ENERGY).value == Decimal("123.45")


def test_lost_answers_are_asked_for_again():
    """A read is sent three times; what came instead of an answer is told."""
    calls = []

    def answer(octets):
        calls.append(octets)
        return obedient(octets) if len(calls) == 3 else b"\x68\x11garbage"

    client = meter(answer)
    assert client.read(ENERGY).value == Decimal("123.45")
    assert calls == [calls[0]] * 3

    silent = meter(lambda _: b"garbage", address="161", patience=Patience(2, 1.0, "000000000161", "check parity"))
    with pytest.raises(NoAnswer, match=r"000000000161 after 2 tries; 14 octets of garbage .*: check parity"):
        silent.read(ENERGY)
    assert silent.line.time == pytest.approx(2.0, abs=0.1)


def test_blocks_are_put_together():
    """A long answer comes in blocks: each is fetched with the number of the last one, a repeated block is harmless."""
    blocks = {}

    def answer(octets):
        link, body = asked(octets)
        request = body.request
        if isinstance(request, get.GetRequestNormalList):
            results = [ResultNormal(oad, Variant(1, Variant(18, 2200 + n))) for n, oad in enumerate(request.oads)]
            blocks.update({1: results[:2], 2: results[2:3], 3: results[3:]})
            number = 1
        else:
            number = request.block + 1
        found = get.GetResponseNext(number_of(request), number == 3, number, Variant(1, tuple(blocks[number])))
        return reply(link, get.GetResponse(found))

    names = ["voltage_a", "voltage_b", "voltage_c", "voltage_a"]
    values = [one.value for one in meter(answer).read_many(names)]
    assert values == [Decimal("220.0"), Decimal("220.1"), Decimal("220.2"), Decimal("220.3")]


@pytest.mark.parametrize("fault", ["skips", "empty", "records", "short"])
def test_broken_blocks_are_the_meters_fault(fault):
    """Blocks that skip, hold nothing, hold something else or do not add up never become values; nor do they go on forever."""

    def answer(octets):
        link, body = asked(octets)
        request = body.request
        first = isinstance(request, get.GetRequestNormalList)
        results = (ResultNormal(Oad.of("20000201"), Variant(1, Variant(18, 2200))),)
        content = {"empty": Variant(1, ()), "records": Variant(2, ())}.get(fault, Variant(1, results))
        block = 1 if first else request.block + (2 if fault == "skips" else 1)
        last = fault == "short" or (not first and fault != "skips")
        return reply(link, get.GetResponse(get.GetResponseNext(number_of(request), last, block, content)))

    with pytest.raises(SequenceError):
        meter(answer).read_many(["voltage_a", "voltage_b"])


def test_refusals_of_the_whole_request():
    """ERROR-Response, a refusing block and a refusing SECURITY-Response end at once, with their reason."""

    def error(kind, number=None):
        def answer(octets):
            link, body = asked(octets)
            piid = number_of(body.request) if number is None else PiidAcd(number=number)
            return reply(link, ServerErrorResponse(piid, kind))

        return answer

    def block(octets):
        link, body = asked(octets)
        refusal = get.GetResponseNext(number_of(body.request), True, 1, Variant(0, Dar.HARDWARE_FAULT))
        return reply(link, get.GetResponse(refusal))

    def secured(octets):
        link, _ = asked(octets)
        return reply(link, SecurityResponse(RefusedContent(Dar.SECURITY_MISMATCH)))

    for answer, code in [
        (error(ErrorKind.UNSUPPORTED), ErrorKind.UNSUPPORTED),
        (error(ErrorKind.UNPARSEABLE, 0), ErrorKind.UNPARSEABLE),
        (block, Dar.HARDWARE_FAULT),
        (secured, Dar.SECURITY_MISMATCH),
    ]:
        client = meter(answer)
        with pytest.raises(Refused) as caught:
            client.read(ENERGY)
        assert caught.value.code == code
        assert len(client.line.sent) == 1
    with pytest.raises(NoAnswer):
        meter(error(ErrorKind.UNSUPPORTED, 63), patience=Patience(1, 1.0)).read(ENERGY)


def test_an_answer_that_cannot_be_read_is_said_so():
    """A good frame from our meter whose answer is no APDU is a fault of the meter, not silence."""

    def answer(octets):
        return reply(asked(octets)[0], b"\x85\x01\x01\x00")

    with pytest.raises(MalformedError):
        meter(answer).read(ENERGY)


def test_connect_and_release():
    """A connection without security keeps what was granted; a refusal has the meter's reason."""
    result = ConnectResult.OK

    def answer(octets):
        link, body = asked(octets)
        if isinstance(body, ReleaseRequest):
            return reply(link, ReleaseResponse(PiidAcd(number=body.piid.number), 0))
        assert body.mechanism == Variant(0, None)
        factory = FactoryVersion("TOPS", "0102", "160731", "0102", "160731", "\0" * 8)
        sizes = (512, 512, 1, 2000, 7200)
        piid = PiidAcd(number=body.piid.number)
        return reply(link, ConnectResponse(piid, factory, 22, b"\xff" * 8, b"\xff" * 16, *sizes, result))

    client = meter(answer)
    client.release()
    assert client.line.sent == []
    assert client.connect().factory.maker == "TOPS"
    assert client.granted is not None
    assert client.granted.apdu_size == 2000
    client.release()
    assert client.granted is None
    result = ConnectResult.PASSWORD_WRONG
    with pytest.raises(Refused) as caught:
        client.connect()
    assert caught.value.code == ConnectResult.PASSWORD_WRONG


def test_scrambling_and_waking():
    """On request frames are scrambled, and woken with FEH; a scrambled answer is understood either way."""

    def answer(octets):
        link, body = asked(octets)
        return b"\xfe\xfe" + reply(link, normal(body.request), scrambled=1)

    client = meter(answer, scrambled=True, wake=4, edition=2021, client=7)
    assert client.read(ENERGY).value == Decimal("123.45")
    sent = client.line.sent[0]
    assert sent.startswith(b"\xfe\xfe\xfe\xfe\x68")
    assert (asked(sent)[0].control.scrambled, asked(sent)[0].client) == (1, 7)


@pytest.mark.parametrize("item", ["nonsense", "active_energy_import_settlement_1", "0010020", ""])
def test_items_that_do_not_exist_are_the_callers_fault(item):
    """A mistyped name, or one that the dialect has no object for, is refused before anything is sent."""
    client = meter(obedient)
    with pytest.raises(LocalProtocolError):
        client.read_many([ENERGY, item])
    assert client.line.sent == []


@pytest.mark.parametrize("text", ["broadcast", "group 1", "x"])
def test_addresses_nobody_answers_are_refused(text):
    """A client of a group would wait for ever."""
    with pytest.raises(LocalProtocolError):
        meter(obedient, address=text)
    assert meter(obedient, address=address("161")).address.digits == "161"


@pytest.mark.parametrize("options", [{"edition": 1999}, {"client": 256}, {"client": -1}])
def test_settings_that_do_not_exist_are_refused(options):
    """A client that could never send is not made."""
    with pytest.raises(LocalProtocolError):
        meter(obedient, **options)


async def test_the_same_with_asyncio():
    """The asyncio client has the same procedures."""
    client = AsyncMeter69845(AsyncScript(obedient))
    found = await client.read("voltage_a")
    assert found.value == Decimal("1234.5")
    assert [one.unit for one in await client.read_many(["voltage_a", "current_a"])] == ["V", "A"]
