"""The meter behind DL/T 645: every quantity, long items, the broadcast time, refusals and silence."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, NoAnswer, Refused
from meterwire.meter_model.clock import VirtualClock
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.faces.dlt645.items import quantity_octets
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.storage import Storage
from meterwire.meter_model.values import Demand
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt645.client import AsyncMeter645, Meter645
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD, Frame, Function, answering, asking
from meterwire.protocols.dlt645.identifiers import decode
from meterwire.protocols.wire.codec import codec
from meterwire.quantities import QUANTITIES, Kind, quantity
from meterwire.transports.memory import aconnected, connected

NOON = dt.datetime(2026, 3, 4, 12, 0, 30)
ADDRESS = "000000000161"
LONG = 0x03300201
ROWS = [q for q in QUANTITIES.values() if q.di is not None]


def new_meter(**more) -> Meter:
    return Meter(clock=VirtualClock(NOON, frozen=True), **more)


@pytest.fixture(scope="module")
def meter() -> Meter:
    """A meter that no test of this module changes."""
    return new_meter()


def request(function: int, data: bytes = b"", address: str = ADDRESS) -> bytes:
    return codec(Frame).build(Frame(address, asking(function), data))


def asked(responder, octets: bytes) -> list[Frame]:
    """The frames that answer these octets."""
    return [codec(Frame).parse(a.octets.lstrip(b"\xfe")) for a in responder.receive(octets, 0.0)]


def truncated(value: Fraction, row) -> Decimal:
    """What a face may say: cut towards zero at the declared digits."""
    exponent = row.dlt645.exponent
    return Decimal(f"{int(value / Fraction(10) ** exponent)}E{exponent}")


# ---------------------------------------------------------------- reads through the client


def test_every_quantity_with_an_identifier_reads_as_the_model_says(meter):
    """No row of the table is forgotten, and none is rounded, shifted or confused with another."""
    client = Meter645(connected(Face645(meter).connect()), ADDRESS)
    wrong = []
    for row in ROWS:
        reading, value = client.read(row.name), meter.read(row)
        expected, when = value, None
        if isinstance(value, Demand):
            expected, when = truncated(value.value, row), value.time
        elif isinstance(value, Fraction):
            expected = truncated(value, row)
        elif row.kind == Kind.DATE_TIME:
            expected = value.replace(microsecond=0)
        elif row.kind == Kind.TIME:
            expected = value.replace(microsecond=0, tzinfo=None)
        if (reading.value, reading.time, reading.unit or "") != (expected, when, row.unit):
            wrong.append((row.name, reading, expected))
    assert wrong == []
    assert len(ROWS) > 100


async def test_the_client_for_asyncio_reads_the_same(meter):
    """One method list, two faces."""
    names = ["active_energy_import", "voltage_a", "date_time", "address"]
    awaited = await AsyncMeter645(aconnected(Face645(meter).connect())).read_many(names)
    assert awaited == Meter645(connected(Face645(meter).connect())).read_many(names)


def test_a_block_of_rates_ends_with_the_meters_last_rate(meter):
    """Total and four rates, whose total it is."""
    client = Meter645(connected(Face645(meter).connect()))
    block = client.read("0001FF00").value
    singles = client.read_many(["active_energy_import", *(f"active_energy_import_rate_{n}" for n in range(1, 5))])
    assert block == [reading.value for reading in singles]
    assert len(client.read("0101FF00").value) == 5


def test_a_block_of_phases_needs_all_its_items():
    """A single-phase meter refuses the block of three voltages rather than sending a shorter one."""
    three, single = new_meter(), new_meter(profile="single-phase")
    assert len(Meter645(connected(Face645(three).connect())).read("0201FF00").value) == 3
    client = Meter645(connected(Face645(single).connect()))
    assert client.read("voltage_a").value
    for item in ("voltage_b", "0201FF00"):
        with pytest.raises(Refused, match="no requested data"):
            client.read(item)


@pytest.mark.parametrize("limit", [6, 20, 200])
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 195, 196, 197, 202, 391, 392])
def test_long_items_arrive_whole_at_every_length_around_the_limits(meter, limit, length):
    """196 octets fit in the first frame and 195 in each that follows; nothing is lost at the seams."""
    octets = bytes(n % 251 for n in range(length))
    if limit == 6 and length > 2 + 255:
        with pytest.raises(LocalProtocolError):
            Face645(meter, fixed={LONG: octets}, limit=limit)
        return
    face = Face645(meter, fixed={LONG: octets}, limit=limit)
    assert Meter645(connected(face.connect())).read_data(LONG) == octets


def test_a_part_is_given_again_but_never_skipped(meter):
    """The answer to the last request may have been lost; any other number is not to be had."""
    responder = Face645(meter, fixed={LONG: bytes(range(250)) * 2}).connect()
    di = LONG.to_bytes(4, "little")
    (first,) = asked(responder, request(0x11, di))
    assert (first.control, len(first.data)) == (answering(0x11, follow_up=True), 200)
    (second,) = asked(responder, request(0x12, di + b"\x01"))
    assert asked(responder, request(0x12, di + b"\x01")) == [second]
    (skipped,) = asked(responder, request(0x12, di + b"\x03"))
    assert (skipped.control, skipped.data) == (answering(0x12, abnormal=True), b"\x02")
    (last,) = asked(responder, request(0x12, di + b"\x02"))
    assert last.control == answering(0x12)
    for wrong in (di + b"\x00", di + b"\x03", bytes(4) + b"\x01"):
        (answer,) = asked(responder, request(0x12, wrong))
        assert answer.control.abnormal


def test_a_new_read_ends_the_old_transfer_and_connections_do_not_share_one(meter):
    """Follow-up frames belong to the last item read on their own line."""
    face = Face645(meter, fixed={LONG: bytes(300)})
    one, other = face.connect(), face.connect()
    di = LONG.to_bytes(4, "little")
    asked(one, request(0x11, di))
    assert asked(other, request(0x12, di + b"\x01"))[0].control.abnormal
    asked(one, request(0x11, bytes.fromhex("00000100")))
    assert asked(one, request(0x12, di + b"\x01"))[0].control.abnormal


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize("address", [ADDRESS, WILDCARD, "AAAAAAAA0161", "AAAAAAAAAA61"])
def test_wildcards_that_mean_this_meter_are_answered_with_its_address(meter, address):
    """So a head-end learns who answered."""
    responder = Face645(meter).connect()
    for octets in (request(0x11, bytes.fromhex("00000100"), address), request(0x13, b"", address)):
        (answer,) = asked(responder, octets)
        assert (answer.address, answer.control.abnormal) == (ADDRESS, 0)


@pytest.mark.parametrize("address", ["000000000162", "AAAAAAAA0162", BROADCAST, "000000000000"])
@pytest.mark.parametrize("function", list(Function))
def test_other_addresses_and_broadcasts_are_met_with_silence(meter, address, function):
    """On a bus of many meters one wrong answer spoils another's."""
    assert asked(Face645(meter).connect(), request(function, bytes.fromhex("00000100"), address)) == []


def test_the_address_is_told():
    """13H, for a meter of any number."""
    other = new_meter(identity=Identity(number="202603040017"))
    assert Meter645(connected(Face645(other).connect())).read_address() == "202603040017"


def test_a_wrong_address_ends_as_no_answer(meter):
    """As the command line shows it."""
    line = connected(Face645(meter).connect())
    patience = Patience(2, 1.0, "000000000162 at 2400 8E1", "check parity and address")
    with pytest.raises(NoAnswer, match="no answer from 000000000162 at 2400 8E1 after 2 tries: check parity"):
        Meter645(line, "162", patience=patience).read("voltage_a")


# ---------------------------------------------------------------- refusals and silence

NOTHING, UNAUTHORISED, OTHER, BAUD = b"\x02", b"\x04", b"\x01", b"\x08"


@pytest.mark.parametrize(
    ("function", "data", "error"),
    [
        (0x11, bytes.fromhex("01013203"), NOTHING),
        (0x11, bytes.fromhex("00000100") + b"\x01", NOTHING),
        (0x11, b"\x00\x00", OTHER),
        (0x12, bytes.fromhex("0000010001"), NOTHING),
        (0x14, bytes.fromhex("010100040200000078563412" + "04010126"), UNAUTHORISED),
        (0x16, bytes.fromhex("30241299"), OTHER),
        (0x17, b"\x21", BAUD),
        (0x18, bytes.fromhex("030C0004") + bytes(8), UNAUTHORISED),
        (0x19, bytes(8), UNAUTHORISED),
        (0x1A, bytes(8), UNAUTHORISED),
        (0x1B, bytes(12), UNAUTHORISED),
        (0x1C, bytes.fromhex("04000000000000000F00000000010126"), OTHER),
        (0x1D, b"\x03", OTHER),
        (0x03, bytes(8), b"\x01\x00"),
        (0x01, b"\x10\x90", OTHER),
        (0x1F, b"", OTHER),
    ],
)
def test_what_is_not_served_is_refused_in_the_dialects_own_words(meter, function, data, error):
    """An error word that says why; two octets of it for the secure element."""
    (answer,) = asked(Face645(meter).connect(), request(function, data))
    assert (answer.address, answer.control, answer.data) == (ADDRESS, answering(function, abnormal=True), error)


@pytest.mark.parametrize("function", [0x08, 0x13, 0x15])
def test_some_functions_have_no_abnormal_answer(meter, function):
    """Broadcast time, and both functions of the address."""
    assert asked(Face645(meter).connect(), request(function, b"\x01")) == []


def test_answers_of_other_meters_are_not_requests(meter):
    """A meter hears its neighbours' answers on the bus."""
    data = bytes.fromhex("00000100")
    for control in (answering(0x11), answering(0x11, abnormal=True)):
        assert asked(Face645(meter).connect(), codec(Frame).build(Frame(ADDRESS, control, data))) == []


def test_a_wrong_sum_is_met_with_silence_and_the_next_frame_with_its_answer(meter):
    """A damaged frame must not cost the one behind it."""
    good = request(0x11, bytes.fromhex("00000100"))
    bad = good[:-2] + bytes([good[-2] ^ 1, 0x16])
    assert len(asked(Face645(meter).connect(), bad + good)) == 1


@pytest.mark.parametrize("preamble", range(5))
def test_answers_begin_with_the_chosen_wake_up_octets(meter, preamble):
    """Vendors send none to four; clients must take them all."""
    (answer,) = Face645(meter, preamble=preamble).connect().receive(request(0x13, b"", WILDCARD), 0.0)
    assert answer.octets[: preamble + 1] == b"\xfe" * preamble + b"\x68"


@pytest.mark.parametrize("wrong", [{"preamble": 5}, {"limit": 5}, {"limit": 256}])
def test_a_face_that_cannot_be_is_the_callers_fault(meter, wrong):
    """Said when it is made, not when it is asked."""
    with pytest.raises(LocalProtocolError):
        Face645(meter, **wrong)


# ---------------------------------------------------------------- broadcast time


def broadcast(face: Face645, time: dt.datetime, address: str = BROADCAST) -> None:
    data = bytes.fromhex(time.strftime("%y%m%d%H%M%S"))[::-1]
    assert face.connect().receive(request(0x08, data, address), 0.0) == []


@pytest.mark.parametrize(
    ("step", "obeyed"),
    [
        (dt.timedelta(minutes=5), True),
        (-dt.timedelta(minutes=5), True),
        (dt.timedelta(seconds=301), False),
        (-dt.timedelta(seconds=301), False),
    ],
)
def test_the_time_is_set_by_five_minutes_and_no_more(step, obeyed):
    """And nobody is answered."""
    face = Face645(new_meter())
    broadcast(face, NOON + step)
    assert face.meter.clock.now().replace(tzinfo=None) == (NOON + step if obeyed else NOON)


def test_the_time_is_set_once_a_day_over_all_connections():
    """A second broadcast of the day is ignored, that of the next day obeyed."""
    face = Face645(new_meter())
    broadcast(face, NOON + dt.timedelta(minutes=1))
    broadcast(face, NOON + dt.timedelta(minutes=2))
    assert face.meter.clock.now().replace(tzinfo=None) == NOON + dt.timedelta(minutes=1)
    face.meter.clock.step(86400)
    broadcast(face, NOON + dt.timedelta(days=1, minutes=2))
    assert face.meter.clock.now().replace(tzinfo=None) == NOON + dt.timedelta(days=1, minutes=2)


def test_the_day_is_kept_with_the_meter(tmp_path):
    """A face that is made anew, and a meter that goes on from its state, have obeyed already."""
    meter, storage = new_meter(), Storage(tmp_path)
    storage.attach(meter)
    broadcast(Face645(meter), NOON + dt.timedelta(minutes=1))
    broadcast(Face645(meter), NOON + dt.timedelta(minutes=2))
    storage.close()
    again = new_meter()
    Storage(tmp_path).attach(again)
    broadcast(Face645(again), NOON + dt.timedelta(minutes=2))
    assert again.clock.now().replace(tzinfo=None) == NOON + dt.timedelta(minutes=1)


def test_a_refused_time_does_not_use_up_the_day():
    """Only an obeyed broadcast counts."""
    face = Face645(new_meter())
    broadcast(face, NOON + dt.timedelta(hours=1))
    broadcast(face, NOON + dt.timedelta(minutes=1))
    assert face.meter.clock.now().replace(tzinfo=None) == NOON + dt.timedelta(minutes=1)


def test_a_time_that_is_none_changes_nothing():
    """The 31st of February, or octets that are no digits."""
    face = Face645(new_meter())
    for data in (bytes.fromhex("000012310226"), b"\xff" * 6, bytes(5)):
        assert face.connect().receive(request(0x08, data, BROADCAST), 0.0) == []
    assert face.meter.clock.now().replace(tzinfo=None) == NOON


def test_the_client_sets_the_time_of_the_meter():
    """The two ends agree on the order of the octets."""
    face = Face645(new_meter())
    Meter645(connected(face.connect())).set_time(NOON + dt.timedelta(seconds=42))
    assert face.meter.clock.now().replace(tzinfo=None) == NOON + dt.timedelta(seconds=42)


# ---------------------------------------------------------------- octets of values


@settings(deadline=None)
@given(st.fractions(-3_000_000, 3_000_000, max_denominator=10**9))
def test_a_number_is_cut_towards_zero_or_not_sent_at_all(value):
    """What the digits cannot carry is sent as FFH, which reads as no value: never as another number."""
    for name in ("active_energy_combined", "active_energy_import", "active_power", "current_a"):
        row = quantity(name)
        sent = decode(row.di, quantity_octets(row, value))
        expected = truncated(value, row)
        signed = name != "active_energy_import"
        largest = Decimal("1000000" if not signed else {"active_power": "80", "current_a": "800"}.get(name, "800000"))
        fits = abs(expected) < largest and (signed or expected >= 0)
        assert sent == (expected if fits else None)


def test_a_demand_that_does_not_fit_keeps_its_time():
    """Only the number is missing."""
    row = quantity("demand_active_import_max")
    when = NOON.replace(hour=8, minute=15)
    assert decode(row.di, quantity_octets(row, Demand(Fraction(100), when))) == (None, "26-03-04 08:15")
    assert decode(row.di, quantity_octets(row, Demand(Fraction(0), None))) == (Decimal("0.0000"), "00-00-00 00:00")
