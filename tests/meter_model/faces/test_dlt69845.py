"""The meter through DL/T 698.45: every quantity, whole arrays, scalers, refusals, silence, blocks."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from meterwire.meter_model.faces.dlt69845.face import APDU_SIZE, LEAST_SIZE, Face69845
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand
from meterwire.protocols.dlt69845.address import ANY, Address, address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.dates import NOT_SPECIFIED
from meterwire.protocols.dlt69845.descriptors import Oad, ScalerUnit
from meterwire.protocols.dlt69845.enums import Dar, Unit698
from meterwire.protocols.dlt69845.link import EDITIONS, FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.selection import SelectorNewest
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.connect import (
    ConnectRequest,
    ConnectResult,
    ErrorKind,
    ReleaseRequest,
    ServerErrorResponse,
    SignatureSecurity,
    SymmetrySecurity,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES, Kind

LINK, APDU = codec(Link, 2021), codec(Apdu, 2021)
NUMBER = "000000000161"
ROWS = [row for row in QUANTITIES.values() if row.oad is not None]


class Wire:
    """A blocking line straight into a responder."""

    def __init__(self, responder):
        self.responder, self.time, self.waiting = responder, 0.0, b""

    def now(self):
        return self.time

    def write(self, octets):
        self.waiting += b"".join(answer.octets for answer in self.responder.receive(octets, self.time))

    def read(self, until):
        octets, self.waiting = self.waiting, b""
        self.time = self.time if octets else until
        return octets

    def pause(self, until):
        self.time = until

    def reconfigure(self, settings):
        pass

    def close(self):
        pass


@pytest.fixture
def model():
    return Meter()


@pytest.fixture
def connection(model):
    return Face69845(model).connect()


def framed(user, to=ANY, client=16, edition=2021, **control):
    flag, octets = to.wire(edition)
    bits = {"started_by_client": 1} | control
    octets = Link(FrameLength(), LinkControl(**bits), flag, octets, client, user)
    return codec(Link, edition).build(octets)


def ask(connection, body, **options):
    """The body of the answer to a request; exactly one answer is due."""
    user = body if isinstance(body, bytes) else APDU.build(Apdu.of(body))
    (answer,) = connection.receive(framed(user, **options), 0.0)
    return APDU.parse(LINK.parse(answer.octets).user).body


def data_of(connection, oad):
    """What a read of one attribute gives: its Data, or the DAR."""
    found = ask(connection, get.GetRequest(get.GetRequestNormal(Piid(number=9), Oad.of(oad)))).response
    assert (found.piid.number, found.result.oad) == (9, Oad.of(oad))
    return found.result.result.value


def truncated(value, exponent):
    return Decimal(int(value / Fraction(10) ** exponent)).scaleb(exponent)


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_quantity_reads_what_the_model_has(model, edition):
    """Each row with an OAD gives the model's value, cut off (never rounded) at the declared resolution."""
    client = Meter69845(Wire(Face69845(model, edition=edition).connect()), edition=edition)
    readings = client.read_many([row.name for row in ROWS])
    assert client.address == Address(NUMBER)
    for row, found in zip(ROWS, readings, strict=True):
        assert found.error is None, row.name
        value = model.read(row)
        if isinstance(value, Demand):
            assert found.time == value.time
            value = value.value
        if isinstance(value, Fraction):
            assert found.value == truncated(value, row.dlt69845.exponent), row.name
            assert found.unit == (row.unit or None)
        elif isinstance(value, dt.datetime):
            assert found.value == value.replace(microsecond=0)
        else:
            assert found.value == str(value).rstrip(), row.name


def test_negative_and_wide_values(model):
    """Truncation goes towards zero on both sides; what does not fit its type is refused, not cut."""
    row = next(row for row in ROWS if row.name == "current_a")
    taken = {"current_a": Decimal("-1.23456"), "voltage_a": Decimal(7000), "frequency": Decimal("-0.5")}
    client = Meter69845(Wire(Face69845(Meter(objects=taken)).connect()))
    assert client.read(row.name).value == Decimal("-1.234")
    assert client.read("voltage_a").error.code == Dar.OTHER
    assert client.read("frequency").error.code == Dar.OTHER


def test_whole_arrays_are_their_elements(connection):
    """Index 0 gives all elements in order, an array or, where the standard says so, a structure."""
    energy = data_of(connection, "00100200")
    assert (energy.tag, len(energy.value)) == (1, 5)
    assert energy.value == tuple(data_of(connection, f"0010020{n}") for n in range(1, 6))
    assert [len(data_of(connection, oad).value) for oad in ("20000200", "20040200", "10100200")] == [3, 4, 5]
    versions, tariff = data_of(connection, "43000300"), data_of(connection, "400C0200")
    assert (versions.tag, len(versions.value)) == (2, 6)
    assert {element.tag for element in versions.value} == {10}
    assert (tariff.tag, [element.tag for element in tariff.value]) == (2, [17, 17, 17, 17, 18])


def test_scalers_and_high_precision(model, connection):
    """Attribute 3 declares what attribute 2 counts; attributes 4 and 5 of energy are two digits finer."""
    assert data_of(connection, "00100300") == Variant(89, ScalerUnit(-2, Unit698.KILOWATT_HOUR))
    assert data_of(connection, "20000300") == Variant(89, ScalerUnit(-1, Unit698.VOLT))
    assert data_of(connection, "200A0300") == Variant(89, ScalerUnit(-3, Unit698.NONE))
    assert data_of(connection, "00100500") == Variant(89, ScalerUnit(-4, Unit698.KILOWATT_HOUR))
    fine = data_of(connection, "00100401")
    assert fine == Variant(21, int(model.read("active_energy_import") * 10000))
    assert data_of(connection, "00000401").tag == 20
    assert data_of(connection, "00100100") == Variant(9, b"\x00\x10")
    for row in ROWS:
        counted = row.kind in (Kind.ENERGY, Kind.MAX_DEMAND, Kind.VOLTAGE, Kind.CURRENT, Kind.POWER)
        if counted and Oad.of(row.oad).attribute == 2:
            declared = data_of(connection, f"{row.oad >> 16:04X}0300").value
            assert (declared.scaler, declared.unit.symbol) == (row.dlt69845.scaler, row.dlt69845.unit)


@pytest.mark.parametrize(
    ("oad", "dar"),
    [
        ("99990200", Dar.OBJECT_UNDEFINED),
        ("50100200", Dar.OBJECT_UNDEFINED),
        ("00100206", Dar.OBJECT_UNAVAILABLE),
        ("00101F00", Dar.OBJECT_CLASS_INCONSISTENT),
        ("00100009", Dar.OBJECT_UNAVAILABLE),
        ("00100301", Dar.OBJECT_UNAVAILABLE),
        ("40000300", Dar.OBJECT_UNAVAILABLE),
        ("00104201", Dar.OBJECT_UNAVAILABLE),
    ],
)
def test_what_the_meter_has_not_is_refused(connection, oad, dar):
    """Unknown objects, attributes, elements and features get a DAR, not silence."""
    assert data_of(connection, oad) == dar


def test_a_demand_that_never_was_has_no_time():
    """A maximum of a meter without load has a time that is not specified."""

    class Idle(Meter):
        def read(self, quantity):
            return Demand(Fraction(0), None)

    found = data_of(Face69845(Idle()).connect(), "10100201")
    assert found == Variant(2, (Variant(6, 0), Variant(28, NOT_SPECIFIED)))


def test_single_phase_meter_ends_its_arrays():
    """Phases that the meter does not have are no elements."""
    connection = Face69845(Meter("single-phase")).connect()
    assert len(data_of(connection, "20000200").value) == 1
    assert data_of(connection, "20000202") == Dar.OBJECT_UNAVAILABLE


# ---------------------------------------------------------------- who is answered


@pytest.mark.parametrize("to", ["000000000161", "AAAAAAAAAAAA", "0000000001A1", "161"])
def test_own_address_and_wildcards_are_answered_with_the_true_address(connection, to):
    """The answer has flag 05H and the meter's own number, whatever it was called by."""
    request = APDU.build(Apdu.of(get.GetRequest(get.GetRequestNormal(Piid(), Oad.of("40010200")))))
    (answer,) = connection.receive(framed(request, address(to), client=7), 0.0)
    link = LINK.parse(answer.octets)
    assert (int(link.flag), address_in(link), link.client) == (0x05, Address(NUMBER), 7)
    assert (int(link.control), answer.durable) == (0xC3, False)


def test_wildcard_digits_under_a_plain_flag_are_answered(connection):
    """Real tools send flag 05H with AA x 6."""
    assert data_of_to(connection, Address("A" * 12))


def data_of_to(connection, to, **options):
    request = APDU.build(Apdu.of(get.GetRequest(get.GetRequestNormal(Piid(), Oad.of("40010200")))))
    return connection.receive(framed(request, to, **options), 0.0)


@pytest.mark.parametrize(
    "options",
    [
        {"to": Address("000000000162")},
        {"to": address("group 000000000161")},
        {"to": address("broadcast")},
        {"to": Address(NUMBER, logic=1)},
        {"to": Address(NUMBER, logic=9)},
        {"to": ANY, "direction": 1},
        {"to": ANY, "started_by_client": 0},
        {"to": ANY, "fragment": 1},
        {"to": ANY, "function": 1},
        {"to": ANY, "function": 5},
    ],
)
def test_silence(connection, options):
    """Other addresses, groups and broadcasts, echoes, answers, fragments and other functions get no answer."""
    assert data_of_to(connection, **options) == []


def test_a_meter_without_power_is_silent(model, connection):
    """A dark meter does not speak, and is heard again afterwards."""
    model.powered = False
    assert data_of_to(connection, ANY) == []
    model.powered = True
    assert len(data_of_to(connection, ANY)) == 1


@pytest.mark.parametrize("edition", EDITIONS)
def test_scrambled_requests_are_answered_scrambled(model, edition):
    """SC of the answer is that of the request."""
    connection = Face69845(model, edition=edition).connect()
    request = APDU.build(Apdu.of(get.GetRequest(get.GetRequestNormal(Piid(), Oad.of("40010200")))))
    (answer,) = connection.receive(framed(request, edition=edition, scrambled=1), 0.0)
    link = codec(Link, edition).parse(answer.octets)
    assert link.control.scrambled == 1
    assert APDU.parse(link.user).body.response.result.result.value == Variant(9, bytes.fromhex(NUMBER))


def test_octet_by_octet_with_noise_between(connection):
    """Requests are found however they are cut, behind wake-up octets and noise; each is answered once."""
    request = framed(APDU.build(Apdu.of(get.GetRequest(get.GetRequestNormal(Piid(), Oad.of("40010200"))))))
    stream = b"\xfe" * 4 + request + b"\x68\x01\x16noise" + b"\xfe" + request
    answers = [answer for octet in stream for answer in connection.receive(bytes([octet]), 0.0)]
    answers += connection.idle(0.0)
    assert len(answers) == 2


# ---------------------------------------------------------------- services


def connect_request(mechanism, apdu_size=1024, receive_size=1024):
    return ConnectRequest(
        Piid(priority=1, number=3), 22, b"\xff" * 8, b"\xff" * 16, 1024, receive_size, 1, apdu_size, 100, mechanism
    )


@pytest.mark.parametrize(
    ("mechanism", "result"),
    [
        (Variant(0, None), ConnectResult.OK),
        (Variant(1, "00000000"), ConnectResult.OK),
        (Variant(1, "00000001"), ConnectResult.PASSWORD_WRONG),
        (Variant(1, b"\xff\xfe"), ConnectResult.PASSWORD_WRONG),
        (Variant(2, SymmetrySecurity(b"\x01" * 32, b"\x02" * 4)), ConnectResult.SYMMETRIC_DECRYPTION_FAILED),
        (Variant(3, SignatureSecurity(b"\x01" * 32, b"\x02" * 64)), ConnectResult.ASYMMETRIC_DECRYPTION_FAILED),
    ],
)
def test_connect(connection, mechanism, result):
    """No security and the right password are accepted; what needs a security chip has the result that says so."""
    found = ask(connection, connect_request(mechanism))
    assert (found.result, found.piid.number, found.piid.priority) == (result, 3, 1)
    assert found.protocol == bytes.fromhex("F3CE7FE580000000")
    assert found.proof is None
    assert found.factory.maker.strip()


def test_release(connection):
    """A release is confirmed."""
    found = ask(connection, ReleaseRequest(Piid(number=5)))
    assert (found.piid.number, int(found.result)) == (5, 0)


def test_long_answers_come_in_blocks(model, connection):
    """What does not fit the size agreed comes in blocks that fit; the last one sent can be had again; the sum is whole."""
    ask(connection, connect_request(Variant(0, None), apdu_size=200))
    oads = tuple(Oad.of(text) for text in ("00100200", "10100200", "20000200", "10200200", "99990200") * 4)
    request = get.GetRequest(get.GetRequestNormalList(Piid(number=1), oads))
    block = ask(connection, request).response
    results = []
    while True:
        assert len(APDU.build(Apdu.of(get.GetResponse(block)))) <= 200
        results += block.result.value
        if block.last:
            break
        again = ask(connection, get.GetRequest(get.GetRequestNext(Piid(number=2), block.block - 1))).response
        assert again.result == block.result
        following = ask(connection, get.GetRequest(get.GetRequestNext(Piid(number=2), block.block))).response
        assert following.block == block.block + 1
        block = following
    assert tuple(result.oad for result in results) == oads
    beyond = ask(connection, get.GetRequest(get.GetRequestNext(Piid(number=2), block.block))).response
    assert beyond.result == Variant(0, Dar.DATA_BLOCK_NUMBER_INVALID)
    fresh = Face69845(model).connect()
    unasked = ask(fresh, get.GetRequest(get.GetRequestNext(Piid(number=2), 1))).response
    assert unasked.result == Variant(0, Dar.NOT_IN_FRAMED_TRANSFER)


def test_a_client_that_takes_little_still_gets_every_attribute(connection):
    """A size below any attribute is raised to one that every attribute fits in."""
    ask(connection, connect_request(Variant(0, None), apdu_size=1, receive_size=0))
    for row in ROWS:
        whole = Oad.of(row.oad & 0xFFFFFF00)
        found = ask(connection, get.GetRequest(get.GetRequestNormal(Piid(), whole)))
        assert isinstance(found.response, get.GetResponseNormal)
        assert len(APDU.build(Apdu.of(found))) <= LEAST_SIZE < APDU_SIZE


def test_client_and_meter_agree_on_blocks(model):
    """The client puts blocks together by itself."""
    wire = Wire(Face69845(model).connect())
    client = Meter69845(wire)
    ask(wire.responder, connect_request(Variant(0, None), apdu_size=150))
    names = [row.name for row in ROWS if row.kind == Kind.MAX_DEMAND][:16]
    assert all(found.error is None and found.value is not None for found in client.read_many(names))


def test_records_are_refused_in_their_own_form(connection):
    """A read of a record table gets a record answer with a DAR, for one table and for several."""
    table = get.GetRecord(Oad.of("50100200"), Variant(10, SelectorNewest(1, Variant(0, None))), (Oad.of("00100200"),))
    one = ask(connection, get.GetRequest(get.GetRequestRecord(Piid(number=4), table))).response
    assert one.record.result == Variant(0, Dar.OBJECT_UNDEFINED)
    several = ask(connection, get.GetRequest(get.GetRequestRecordList(Piid(number=4), (table, table)))).response
    assert [record.result.tag for record in several.records] == [0, 0]


@pytest.mark.parametrize(
    ("user", "kind", "number"),
    [
        ("0601030000", ErrorKind.UNPARSEABLE, 3),
        ("05018A40010200", ErrorKind.UNPARSEABLE, 10),
        ("", ErrorKind.UNPARSEABLE, 0),
        ("0307FF", ErrorKind.UNPARSEABLE, 7),
        ("0600", ErrorKind.UNPARSEABLE, 0),
        ("09010500000000", ErrorKind.UNSUPPORTED, 5),
        ("450104", ErrorKind.UNSUPPORTED, 4),
        ("FF", ErrorKind.UNSUPPORTED, 0),
    ],
)
def test_errors(connection, user, kind, number):
    """What cannot be parsed and what is not served get an ERROR-Response with the number of the request."""
    found = ask(connection, bytes.fromhex(user))
    assert isinstance(found, ServerErrorResponse)
    assert (found.error, found.piid.number) == (kind, number)


@pytest.mark.parametrize("user", ["08012701600000", "0800", "6E050200", "81"])
def test_answers_are_not_answered(connection, user):
    """What answers the meter gets no answer, so that two ends never talk for ever."""
    assert connection.receive(framed(bytes.fromhex(user)), 0.0) == []


def test_frames_beyond_the_size_are_noise(connection):
    """A frame longer than the meter takes is not answered, and does not block the next one."""
    assert connection.receive(framed(b"\x05" * 4000), 0.0) == []
    connection.idle(0.0)
    assert len(data_of_to(connection, ANY)) == 1


def test_refusal_reaches_the_client(model):
    """What the meter does not serve is an error of the item, or ends the call."""
    client = Meter69845(Wire(Face69845(model).connect()))
    assert client.read("99990200").error.code == 4
    identity = Identity(address="000000000999")
    other = Meter69845(Wire(Face69845(Meter(identity=identity)).connect()))
    assert other.read("address").value == "000000000999"
