"""Somebody else's DL/T 645 (PyPI dlt645, Apache-2.0) as client of our meter and as server of our client.

What differs by its fault is listed in docs/interop.md with the clause; the tests here pin what each side does.
"""

import datetime as dt
import re
import socket
from collections import Counter
from decimal import Decimal

import pytest

from meterwire.connect import connect
from meterwire.emulate import emulated
from meterwire.errors import MalformedError, Refused
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.device import Device
from meterwire.meter_model.inputs import Inputs
from meterwire.protocols.dlt645.client import Credentials
from meterwire.protocols.dlt645.frame import READ_LIMIT
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.quantities import QUANTITIES, Kind
from meterwire.transports.endpoint import Endpoint

dlt645 = pytest.importorskip("dlt645")

ADDRESS = "000000000161"
PLAIN = [Kind.ENERGY, Kind.VOLTAGE, Kind.CURRENT, Kind.POWER, Kind.POWER_FACTOR, Kind.FREQUENCY, Kind.MAX_DEMAND]


@pytest.fixture(scope="module")
def meter():
    """Our meter on TCP and on a pseudo-terminal."""
    urls = ["dlt645+tcp://127.0.0.1:0", "dlt645+pty:"]
    with emulated(Device.of_profile("three-phase"), urls, clock="frozen:2026-01-01T00:00:00") as served:
        yield served


def peer_over_tcp(meter):
    endpoint = Endpoint.parse(meter.emulation.urls[0])
    return dlt645.MeterClientService.new_tcp_client(endpoint.host, endpoint.port, 5.0)


def peer_over_pty(meter):
    path = Endpoint.parse(meter.emulation.urls[1]).place.split("?")[0]
    return dlt645.MeterClientService.new_rtu_client(path, 9600, 8, 1, "N", 5.0)


@pytest.fixture(scope="module", params=[peer_over_tcp, peer_over_pty], ids=["tcp", "pty"])
def peer(request, meter):
    client = request.param(meter)
    assert client.connect()
    client.set_address(bytes.fromhex(ADDRESS)[::-1].hex())  # it takes the digits as they are sent, low octet first
    yield client
    client.disconnect()


def known_to_both(peer):
    """Quantities that the peer's tables have too."""
    return [
        row
        for row in QUANTITIES.values()
        if row.di is not None and row.kind in PLAIN and peer.data_map.get(row.di) is not None
    ]


@pytest.fixture
def times_put_right(monkeypatch):
    """The peer takes times year first; they are sent low octet first like everything (docs/interop.md, 1)."""
    from dlt645.service.clientsvc import client_service

    as_it_is = client_service.bcd_to_time
    monkeypatch.setattr(client_service, "bcd_to_time", lambda octets: as_it_is(octets[::-1]))


def test_the_peer_reads_energy_variables_and_demand_from_our_meter(meter, peer, times_put_right):
    """Each number of the physics, as the peer decodes it: signs, digits, times of demands."""
    compared, wrong = Counter(), []
    with connect(meter.emulation.urls[0], address=ADDRESS) as client:
        readings = client.read_many([row.name for row in known_to_both(peer)])
    for row, expected in zip(known_to_both(peer), readings, strict=True):
        if expected.error is not None or (row.kind == Kind.MAX_DEMAND and expected.time is None):
            continue  # our meter has no such value, or no demand has been there yet: no date the peer could hold
        item = {0: peer.read_00, 1: peer.read_01, 2: peer.read_02}[row.di >> 24](row.di)
        value, when = (None, None) if item is None else (item.value, None)
        if row.kind == Kind.MAX_DEMAND and item is not None:
            value, when = item.value.value, item.value.time
        time = None if expected.time is None else expected.time.replace(tzinfo=None)
        if value is None or abs(Decimal(str(value)) - expected.value) > Decimal("1E-6"):
            wrong.append((row.name, value, expected.value))
        elif when != time:
            wrong.append((row.name, when, time))
        compared[row.kind] += 1
    assert wrong == []
    assert all(compared[kind] for kind in (Kind.ENERGY, Kind.VOLTAGE, Kind.CURRENT, Kind.POWER, Kind.MAX_DEMAND))
    assert sum(compared.values()) > 150


def test_the_peer_loses_demands_by_its_order_of_times(meter, peer):
    """Without the repair it reads the minute as a year, and gives nothing; or another time."""
    with connect(meter.emulation.urls[0], address=ADDRESS) as client:
        right = client.read("demand_active_import_max").time.replace(tzinfo=None)
    item = peer.read_01(0x01010000)
    assert item is None or item.value.time != right


def test_the_peer_learns_the_address(meter, peer):
    """13H with the wildcard that it has to be given by hand."""
    peer.address = bytearray(b"\xaa" * 6)
    item = peer.read_address()
    assert item.value in (ADDRESS, bytes.fromhex(ADDRESS)[::-1].hex())
    assert bytes(peer.address) == bytes.fromhex(ADDRESS)[::-1]


# ---------------------------------------------------------------- their client changes our meter


@pytest.fixture
def programmable(meter):
    """The programming switch is on."""
    access = meter.emulation.meter.access
    meter.call(setattr, access, "programming", True)
    yield meter
    meter.call(setattr, access, "programming", False)


def test_the_peer_writes_and_clears(programmable, peer):
    """14H, 19H and 1BH: passwords, operator and identifiers in the same order on both sides."""
    held = programmable.emulation.meter
    before = held.events.count("event_clear"), held.events.count("demand_clear")
    peer.write_04(0x04000103, "30", "04000000")
    assert held.parameters["demand_period"] == 30
    peer.write_04(0x04000103, "15", "04000000")
    assert held.parameters["demand_period"] == 15
    assert peer.clear_event("02000000") is not None
    assert held.events.count("event_clear") == before[0] + 1


def test_the_peers_words_for_speeds_are_refused_where_they_have_more_than_one_bit(meter, peer):
    """It sends 16H, 32H and 64H for 4800, 9600 and 19200: hexadecimal digits of decimal weights."""
    for baud, understood in ((1200, True), (2400, True), (4800, False), (9600, False), (19200, False)):
        assert (peer.change_baud_rate(baud) is not None) == understood, baud


def test_the_peer_changes_passwords_under_an_identifier_that_is_none(programmable, peer):
    """40000C04H instead of 04000C05H: refused, and nothing is changed."""
    peer.set_password("04000000")
    before = programmable.emulation.meter.access.state()["passwords"]
    assert not peer.change_password("04000000", "04000000")
    assert programmable.emulation.meter.access.state()["passwords"] == before


def test_the_peers_broadcast_time_is_no_time_of_ours(meter, peer):
    """Sent year first, it is a moment far away, which no meter obeys."""
    held = meter.emulation.meter
    before = held.now()
    assert peer.broadcast_time_sync(before.replace(tzinfo=None) + dt.timedelta(seconds=100))
    peer.address = bytearray(bytes.fromhex(ADDRESS)[::-1])
    assert peer.read_02(0x02010100) is not None
    assert held.now() == before


# ---------------------------------------------------------------- events of our meter, their client

TROUBLE = {"03010201", "03010000", "03030301", "03090001", "03110001", "03300001", "03300401", "03300D01", "03300601"}
"""Records that the troubled meter has, and the totals of one kind."""


@pytest.fixture(scope="module")
def troubled():
    """A meter that lost voltages and power, was opened, programmed, and had its clock set."""
    clock = "frozen:2026-01-01T00:00:00"
    with emulated(Device.of_profile("three-phase"), ["dlt645+tcp://127.0.0.1:0"], clock=clock) as served:
        held = served.emulation.meter

        def trouble():
            for phase, voltage in (("b", 20.0), ("c", 300.0)):
                held.override_phase(phase, PhaseOverride(voltage=voltage))
                held.clock.step(900)
                held.override_phase(phase, None)
                held.clock.step(900)
            held.change_inputs(Inputs(cover_open=True))
            held.clock.step(900)
            held.change_inputs(Inputs())
            held.powered = False
            held.clock.step(900)
            held.powered = True
            held.clock.step(900)
            held.access.programming = True
            held.advance()

        served.call(trouble)
        who = Credentials("000000", 4, "12345678")
        with connect(served.emulation.urls[0], address=ADDRESS, credentials=who) as client:
            client.write("04000104", 3)
            client.write("04010000", [[1, "02-03"]])
            client.write("04000102", "05:00:00")
            client.clear_demand()
        yield served


@pytest.fixture
def fresh_peer(troubled):
    """A client of theirs that has not read anything yet."""
    client = peer_over_tcp(troubled)
    assert client.connect()
    client.set_address(bytes.fromhex(ADDRESS)[::-1].hex())
    yield client
    client.disconnect()


def scalars(value):
    """All values of a reading, in wire order."""
    if isinstance(value, list):
        for one in value:
            yield from scalars(one)
    else:
        yield value


def digits(value, layout: str) -> str:
    """The digits that the peer shows: as sent, high octet first, with the sign in the highest."""
    if isinstance(value, str):
        return re.sub("[^0-9]", "", value)
    if isinstance(value, int):
        return f"{value:02X}"
    number = str(abs(value)).replace(".", "").zfill(2 if "N" in layout else layout.count("X"))
    return f"{int(number[0]) + 8}{number[1:]}" if value.is_signed() else number


def as_the_peer_shows(value, items) -> list[object]:
    """A reading of ours in the peer's terms: pairs the wrong way round (docs/interop.md, 8), all else as digits."""
    found, shown = scalars(value), []
    for item in items:
        layout = item.data_format
        if "," in layout:
            count, minutes = next(found), next(found)
            shown.append((digits(minutes, "XXXXXX"), digits(count, "XXXXXX")))
        elif layout in ("MMDDNN", "YYMMDDNN", "hhmmNN"):
            number, time = next(found), next(found)
            shown.append(digits(time, layout) + digits(number, layout))
        else:
            shown.append(digits(next(found), layout))
    assert list(found) == []
    return shown


def shown_by(items) -> list[object]:
    return [getattr(item.value, "event", item.value) for item in items]


def test_the_peer_reads_the_events_of_our_meter(troubled, fresh_peer):
    """Totals and the last two records of every kind that it knows: each column of each, digit by digit."""
    wanted = [di for di in fresh_peer.data_map if di >> 24 == 3 and di & 0xFF < 3]
    with connect(troubled.emulation.urls[0], address=ADDRESS) as client:
        readings = client.read_many([f"{di:08X}" for di in wanted])
    assert {f"{di:08X}" for di in wanted} >= TROUBLE
    wrong, compared, filled = [], 0, set()
    for di, reading in zip(wanted, readings, strict=True):
        items = fresh_peer.read_03(di)
        if reading.error is not None or (identifier(di).octets or 0) > READ_LIMIT - 4:
            assert items is None, f"{di:08X}"  # no such kind; or follow-up frames, which it does not know
            continue
        expected = as_the_peer_shows(reading.value, items)
        if shown_by(items) != expected:
            wrong.append((f"{di:08X}", shown_by(items), expected))
        compared += 1
        if any(str(one).strip("(', 0)") for one in expected):
            filled.add(f"{di:08X}")
    assert wrong == []
    assert compared > 100
    assert filled >= TROUBLE


def test_the_peer_knows_a_day_schedule_record_of_two_tables(fresh_peer):
    """Twenty-eight slots; both sets of eight tables have 224."""
    assert sum(item.data_format == "hhmmNN" for item in fresh_peer.data_map[0x03300501]) == 28
    assert identifier(0x03300501).columns[2].count == 224


def test_the_peer_reads_a_record_once(troubled, fresh_peer):
    """It puts text in the place of its record, and fails on it when it reads the item again."""
    assert fresh_peer.read_03(0x03110001) is not None
    assert fresh_peer.read_03(0x03110001) is None


# ---------------------------------------------------------------- our client, their server


@pytest.fixture(scope="module")
def their_meter():
    """Their server on TCP, with values set through its own interface."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = dlt645.MeterServerService.new_tcp_server("127.0.0.1", port, 5.0)
    server.set_address(bytes.fromhex(ADDRESS)[::-1].hex())
    assert server.set_00(0x00010000, 123456.78)
    assert server.set_00(0x00020100, 0.26)
    assert server.set_02(0x02010100, 230.5)
    assert server.set_02(0x02020200, 4.999)
    assert server.set_02(0x02030000, 1.2345)
    assert server.set_01(0x01010000, dlt645.Demand(5.1234, dt.datetime(2026, 8, 15, 10, 15)))
    assert server.set_03(0x03010000, [("000001", "000020"), ("000003", "000040"), ("000005", "000060")])
    assert server.set_03(0x03110000, ["000007"])
    assert server.set_03(0x03110001, ["260101120000", "260101121530"])
    assert server.set_03(0x03300401, ["12345678", "260101120000", "260101121500"])
    assert server.set_03(0x03300D01, ["260101120000", "260101121500", *["001234.56"] * 12])
    assert server.start()
    yield server, f"dlt645+tcp://127.0.0.1:{port}"
    server.stop()


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("active_energy_import", "123456.78"),
        ("active_energy_export_rate_1", "0.26"),
        ("voltage_a", "230.5"),
        ("current_b", "4.999"),
        ("active_power", "1.2345"),
        ("demand_active_import_max", "5.1234"),
    ],
)
def test_our_client_reads_their_meter(their_meter, item, value):
    """Energy, variables and demand, by name."""
    with connect(their_meter[1], address=ADDRESS) as client:
        reading = client.read(item)
    assert str(reading.value) == value
    assert (reading.time is not None) == item.startswith("demand")


def test_our_client_reads_a_time_of_theirs(their_meter):
    """Their server sends it in the standard's order, which their client does not read."""
    with connect(their_meter[1], address=ADDRESS) as client:
        assert f"{client.read('demand_active_import_max').time:%Y-%m-%d %H:%M}" == "2026-08-15 10:15"


def test_our_client_asks_them_for_what_they_do_not_have(their_meter):
    """A refusal in the standard's words."""
    with connect(their_meter[1], address=ADDRESS) as client, pytest.raises(Refused, match="no requested data"):
        client.read("00FE0000")


def test_their_meter_answers_to_addresses_that_are_not_its_own(their_meter):
    """With an error; on a bus it would spoil another meter's answer."""
    with connect(their_meter[1], address="000000000999") as client, pytest.raises(Refused, match="other"):
        client.read("voltage_a")


def test_our_client_reads_events_of_theirs(their_meter):
    """Counts, times, an operator; of pairs they send the second first."""
    with connect(their_meter[1], address=ADDRESS) as client:
        assert client.read("03110000").value == Decimal(7)
        assert client.read("03110001").value == ["26-01-01 12:00:00", "26-01-01 12:15:30"]
        assert client.read("03300401").value == ["12345678", "26-01-01 12:00:00", "26-01-01 12:15:00"]
        pairs = client.read("03010000").value
    assert pairs == [[Decimal(time), Decimal(count)] for count, time in ((1, 20), (3, 40), (5, 60))]


def test_their_records_with_numbers_are_no_records(their_meter):
    """Unset, each number has an octet too much; set, with a decimal point, they are refused."""
    with connect(their_meter[1], address=ADDRESS) as client:
        with pytest.raises(MalformedError, match="131 octets, not 166"):
            client.read("03010101")
        with pytest.raises(Refused, match="other"):
            client.read("03300D01")
        (reading,) = client.read_many(["03010101"])
    assert reading.error is not None
