"""Somebody else's client and server of DL/T 698.45 over real TCP, and their codec against ours: dlt698 (PyPI)."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from meterwire import connect
from meterwire.emulate import emulated
from meterwire.errors import NoAnswer, Refused
from meterwire.meter_model.device import Device
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad as OurOad
from meterwire.protocols.dlt69845.link import Link
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.endpoint import Endpoint

dlt698 = pytest.importorskip("dlt698")
native = dlt698._native

ADDRESS = "000000000161"
LOCAL = native.ConnectionProfile.local_public
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "dlt69845.json").read_text("utf-8"))
DAY = 86_400


def session_options(**sizes):
    """Options of either end: our meter's address, the version that captures show."""
    agreed = {"version": 0x16, "protocol": [0xFF, 0xFF, 0xF8, 0, 0, 0, 0, 0], "timeout_seconds": 7200}
    return native.SessionOptions(
        server=native.ServerAddress(bytes=bytes.fromhex(ADDRESS)[::-1]),
        client_address=16,
        parameters=native.AssociationParameters(**agreed | sizes),
    )


def oad(text):
    ours = OurOad.of(text)
    return native.Oad(oi=ours.oi, attribute=ours.attribute, index=ours.index)


def ours(data):
    """A value of theirs as ours, by way of its octets."""
    return codec(DATA, 2021).parse(dlt698.encode_data(data))


def moment(*fields):
    """A date_time_s of theirs."""
    return dlt698.decode_data(codec(DATA, 2021).build(Variant(28, DateTimeS(*fields))))


def numbers(data, exponent):
    """The integers of an array."""
    return [Decimal(one.value).scaleb(exponent) for one in ours(data).value]


@pytest.fixture(scope="module")
def served():
    """Our meter after three days."""
    with emulated(
        Device.of_profile("three-phase"), ["dlt69845+tcp://127.0.0.1:0"], clock="frozen:2026-01-01T00:00:00"
    ) as meter:
        meter.call(meter.emulation.meter.clock.step, 3 * DAY + 3_600)
        yield meter


@pytest.fixture(scope="module")
def theirs(served):
    """Their client, connected to our meter."""
    endpoint = Endpoint.parse(served.url("dlt69845"))
    options = session_options(send_frame_bytes=2048, receive_frame_bytes=2048, apdu_bytes=0xFFFF)
    client = dlt698.Client(native.ClientOptions(protocol=options, login_timeout=5.0))
    client.connect_tcp(endpoint.host, endpoint.port, LOCAL)
    yield client
    client.close()


@pytest.fixture(scope="module")
def our_client(served):
    """Ours, connected to the same meter."""
    with connect(served.url("dlt69845"), address=ADDRESS) as client:
        yield client


# ---------------------------------------------------------------- their client, our meter


@pytest.mark.parametrize(
    ("text", "exponent"), [("00100200", -2), ("20000200", -1), ("20010200", -3), ("20040200", -1), ("200A0200", -3)]
)
def test_their_client_reads_our_meter(theirs, our_client, text, exponent):
    """GET: every element is the one that our client reads."""
    raw = our_client.get([OurOad.of(text)])[0].result.value
    assert numbers(theirs.get(oad(text)).data, exponent) == [Decimal(one.value).scaleb(exponent) for one in raw.value]


def test_their_client_reads_lists_and_refusals(theirs, our_client):
    """GET list: what is refused has its DAR, the others their values."""
    found = theirs.get_list([oad("00100201"), oad("00300200"), oad("FFFF0200")]).attributes
    expected = our_client.get([OurOad.of("00100201"), OurOad.of("00300200")])
    assert [ours(one.result) for one in found[:2]] == [one.result.value for one in expected]
    assert found[2].result == 4


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("50040200", native.SelectAll()),
        ("50040200", native.Selector9(previous=1)),
        ("50020200", native.SelectAll()),
        ("50020200", native.Selector10(latest=20, meters=native.AllMeters())),
        (
            "50030200",
            native.Selector2(
                attribute=oad("20210200"),
                begin=moment(2026, 1, 2, 0, 0, 0),
                end=moment(2026, 1, 3, 0, 0, 0),
                interval=native.Data.null(),
            ),
        ),
    ],
)
def test_their_client_reads_our_records(theirs, served, table, rows):
    """GET record by selector, in as many blocks as it takes: the rows are those that our client reads."""
    columns = ["20210200", "00100201"]
    record = native.GetRecord(attribute=oad(table), rows=rows, columns=[oad(text) for text in columns])
    found = theirs.get_record(record).result
    request = codec(Apdu, 2021).parse(
        dlt698._native.encode_apdu(native.GetRecordRequest(piid=1, list=False, records=[record]))
    )
    with connect(served.url("dlt69845"), address=ADDRESS) as client:
        (expected,) = client.get_records([request.body.request.record])
    assert [tuple(ours(cell) for cell in row) for row in found] == list(expected.result.value)
    assert len(found) > (0 if rows.__class__.__name__ == "Selector9" else 2)


def test_their_client_reads_a_list_of_records(theirs):
    """GET record list: both tables, each with its rows."""
    made = [
        native.GetRecord(attribute=oad(table), rows=native.Selector9(previous=1), columns=[oad("20210200")])
        for table in ("50040200", "50030200")
    ]
    found = theirs.get_record_list(made).records
    assert [len(one.result) for one in found] == [1, 1]


def test_their_client_is_refused_what_needs_a_password(theirs):
    """SET and ACTION, each alone and in a list: their public connection may change nothing, and is told so."""
    clock = moment(2026, 1, 4, 1, 0, 30)
    assert theirs.set(oad("40000200"), clock) == 15
    written = theirs.set_list([native.SetAttribute(attribute=oad("40000200"), value=clock)] * 2)
    assert [one.dar for one in written.attributes] == [15, 15]
    trip = native.Omd(oi=0x8000, method=129, mode=0)
    assert theirs.action(trip, native.Data.array([])).dar == 15
    ran = theirs.action_list([native.ActionMethod(method=trip, parameter=native.Data.array([]))] * 2)
    assert [one.dar for one in ran.methods] == [15, 15]


def test_their_client_takes_no_other_version(served):
    """Difference 1: it refuses an answer to CONNECT whose version is not its own, 0010H where nothing else is said."""
    endpoint = Endpoint.parse(served.url("dlt69845"))
    client = dlt698.Client(native.ClientOptions(protocol=session_options(version=0x10), login_timeout=5.0))
    with pytest.raises(dlt698.Dlt698Error, match="agreement"):
        client.connect_tcp(endpoint.host, endpoint.port, LOCAL)
    client.close()


# ---------------------------------------------------------------- our client, their server


@pytest.fixture
def their_server():
    server = dlt698.Server(options=native.ServerOptions(protocol=session_options()))
    server.set(oad("00100200"), native.Data.array([native.Data.uint32(12345 + at) for at in range(5)]))
    server.start_tcp("127.0.0.1", 0, LOCAL)
    yield f"dlt69845+tcp://127.0.0.1:{server.local_port}?timeout=2&tries=1"
    server.close()


def test_our_client_reads_their_server(their_server):
    """CONNECT, GET, GET list with a refusal, RELEASE."""
    with connect(their_server, address=ADDRESS) as client:
        assert client.connect().version == 0x16
        assert client.read("active_energy_import").value == Decimal("123.45")
        whole, missing = client.read_many(["00100200", "voltage_a"])
        assert whole.value == [Decimal(12345 + at).scaleb(-2) for at in range(5)]
        assert missing.error.code == 4
        with pytest.raises(Refused, match="object undefined"):
            client.records("day", ["20210200"], last=2)
        with pytest.raises(Refused):
            client.write_text("40000200", "2026-01-01T00:00:00")
        with pytest.raises(Refused):
            client.act_text("43000100")
        client.release()


def test_their_server_answers_the_connected_alone(their_server):
    """Differences 2 and 3: a plain read without a connection is an error, and the wildcard address is not answered."""
    with connect(their_server, address=ADDRESS) as client, pytest.raises(Refused, match="unsupported"):
        client.read("active_energy_import")
    with connect(their_server) as client, pytest.raises(NoAnswer):
        client.read("active_energy_import")


# ---------------------------------------------------------------- their codec, every service


def apdus():
    """Every APDU of the vectors, by name."""
    for vector in VECTORS:
        if "apdu" in vector["expect"]:
            octets = bytes.fromhex(vector["hex"])
            yield vector["name"], octets if vector["kind"] == "apdu" else codec(Link, 2021).parse(octets).user


REFUSED = {"GET-Request-1#15": "PIID reserved bit"}
"""APDUs of the vectors that their codec does not take, by name, with what it says."""


@pytest.mark.parametrize(("name", "octets"), list(apdus()), ids=[name for name, _ in apdus()])
def test_their_codec_and_ours_mean_the_same(name, octets):
    """What we build of a capture, their codec reads and builds to the same octets: GET, SET, ACTION, PROXY, REPORT."""
    made = codec(Apdu, 2021).build(codec(Apdu, 2021).parse(octets))
    decode, encode = (
        (native.decode_security, native.encode_security)
        if made[0] in (0x10, 0x90)
        else (native.decode_apdu, native.encode_apdu)
    )
    if name in REFUSED:
        with pytest.raises(dlt698.Dlt698Error, match=REFUSED[name]):
            decode(made)
        return
    assert encode(decode(made)) == made


def test_their_codec_refuses_longer_forms_of_a_length():
    """Difference 5: a terminal sends the count 7 as 82 00 07; ours reads it, theirs does not."""
    octets = bytes.fromhex("0502018200010010020000")
    assert codec(Apdu, 2021).parse(octets).body.request.oads == (OurOad.of("00100200"),)
    with pytest.raises(dlt698.Dlt698Error):
        native.decode_apdu(octets)
