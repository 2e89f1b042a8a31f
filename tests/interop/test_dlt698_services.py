"""The advanced services of somebody else's client over real TCP, on a concentrator of ours: dlt698 (PyPI)."""

import asyncio
import hashlib

import pytest

from meterwire.emulate_concentrator import emulated_concentrator
from meterwire.meter_model.area import Area, Meters
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad as OurOad
from meterwire.protocols.dlt69845.selecting import tsa
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.endpoint import Endpoint

dlt698 = pytest.importorskip("dlt698")
native = dlt698._native
OWN, OF_698, OF_645 = "000000008001", "000000000101", "000000000001"
REFUSED, DONE = 15, 0


def oad(text):
    found = OurOad.of(text)
    return native.Oad(oi=found.oi, attribute=found.attribute, index=found.index)


def target(address):
    return native.Tsa(value=tsa(address))


def ours(data):
    return codec(DATA, 2021).parse(dlt698.encode_data(data))


@pytest.fixture(scope="module")
def url():
    """A concentrator that knows a meter of each dialect, over midnight."""
    area = Area.of(
        [Meters(profile="three-phase", count=1), Meters(profile="three-phase", protocol="dlt69845", first=OF_698)],
        concentrator={"archived": True},
    )
    with emulated_concentrator(area, ["dlt69845+tcp://127.0.0.1:0"], clock="frozen:2026-01-02T00:30:00") as served:
        yield served.url()


def exchanged(url, *requests):
    """What their client is answered to requests of its advanced kind."""
    endpoint = Endpoint.parse(url)
    agreed = {"version": 0x16, "protocol": [0xFF, 0xFF, 0xF8, 0, 0, 0, 0, 0], "timeout_seconds": 7200}
    options = native.SessionOptions(
        server=native.ServerAddress(bytes=bytes.fromhex(OWN)[::-1]),
        client_address=16,
        parameters=native.AssociationParameters(**agreed),
    )

    async def run():
        client = dlt698.AsyncClient(native.ClientOptions(protocol=options, login_timeout=5.0))
        try:
            await client.connect_tcp(endpoint.host, endpoint.port, native.ConnectionProfile.local_public)
            return [(await client.exchange(request)).message for request in requests]
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_md5_of_an_attribute(url):
    """GET MD5: over the Data as sent."""
    (answer,) = exchanged(url, native.GetMd5Request(attribute=oad("40010200")))
    expected = hashlib.md5(codec(DATA, 2021).build(Variant(9, bytes.fromhex(OWN)))).digest()
    assert bytes(answer.result) == expected


def test_set_and_action_with_a_reading_behind(url):
    """SET then GET, ACTION then GET: a public client is refused the one and given the other."""
    clock = dlt698.decode_data(codec(DATA, 2021).build(Variant(28, DateTimeS(2026, 1, 4, 1, 0, 30))))
    written = native.SetAttribute(attribute=oad("40000200"), value=clock)
    trip = native.ActionMethod(method=native.Omd(oi=0x8000, method=129, mode=0), parameter=native.Data.array([]))
    set_answer, act_answer = exchanged(
        url,
        native.SetThenGetRequest(items=[native.SetThenGet(set=written, read=oad("40010200"), delay_seconds=0)]),
        native.ActionThenGetRequest(items=[native.ActionThenGet(action=trip, read=oad("40010200"), delay_seconds=0)]),
    )
    assert set_answer.items[0].set.dar == REFUSED
    assert act_answer.items[0].action.dar == REFUSED
    for item in (set_answer.items[0], act_answer.items[0]):
        assert ours(item.read.result) == Variant(9, bytes.fromhex(OWN))


@pytest.mark.parametrize("address", [OF_698, OF_645])
def test_meters_are_read_through_the_concentrator(url, address):
    """PROXY 1 and 2, to a meter of each dialect."""
    wanted = native.ProxyGetTarget(server=target(address), timeout_seconds=10, items=[oad("00100200"), oad("40010200")])
    columns = [oad("20210200"), oad("00100200")]
    record = native.GetRecord(attribute=oad("50040200"), rows=native.Selector9(previous=1), columns=columns)
    read, rows = exchanged(
        url,
        native.ProxyRequest(timeout_seconds=30, payload=[wanted]),
        native.ProxyRequest(
            timeout_seconds=30, payload=native.ProxyRecordRequest(server=target(address), record=record)
        ),
    )
    energy, number = read.payload[0].items
    assert ours(number.result) == Variant(9, bytes.fromhex(address))
    assert len(ours(energy.result).value) == 5
    assert rows.payload.record.attribute == oad("50040200")


@pytest.mark.parametrize("address", [OF_698, OF_645])
def test_nobody_changes_meters_through_it_without_a_password(url, address):
    """PROXY 3 to 6: each thing is refused with its DAR, and what is read behind it is there."""
    value = native.Data.octet_string(b"\x00") if hasattr(native.Data, "octet_string") else native.Data.array([])
    written = native.SetAttribute(attribute=oad("40030200"), value=value)
    trip = native.ActionMethod(method=native.Omd(oi=0x8000, method=129, mode=0), parameter=native.Data.array([]))
    to = {"server": target(address), "timeout_seconds": 10}
    then_set = native.SetThenGet(set=written, read=oad("40010200"), delay_seconds=0)
    then_act = native.ActionThenGet(action=trip, read=oad("40010200"), delay_seconds=0)
    payloads = [
        [native.ProxySetTarget(items=[written], **to)],
        [native.ProxySetThenGetTarget(items=[then_set], **to)],
        [native.ProxyActionTarget(items=[trip], **to)],
        [native.ProxyActionThenGetTarget(items=[then_act], **to)],
    ]
    answers = exchanged(url, *(native.ProxyRequest(timeout_seconds=30, payload=payload) for payload in payloads))
    one, two, three, four = (answer.payload[0].items[0] for answer in answers)
    assert (one.dar, two.set.dar, three.dar, four.action.dar) == (REFUSED,) * 4


def test_a_frame_passes_through(url):
    """PROXY 7: a read of DL/T 645 comes back as the meter has answered it."""
    asked = bytes.fromhex("680100000000006811043333343300"[:-2])
    frame = asked + bytes([sum(asked) & 0xFF, 0x16])
    command = native.ProxyTransRequest(
        port=oad("F2010201"),
        communication=native.Comdcb(),
        response_timeout_seconds=5,
        byte_timeout_milliseconds=100,
        command=frame,
    )
    (answer,) = exchanged(url, native.ProxyRequest(timeout_seconds=30, payload=command))
    parsed = codec(Frame645).parse(bytes(answer.payload.result).lstrip(b"\xfe"))
    assert parsed.address == OF_645
