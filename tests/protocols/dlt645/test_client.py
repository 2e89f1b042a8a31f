"""The client by hand: every octet it sends, and everything a meter, a bus or an attacker may answer."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, MalformedError, NoAnswer, Refused, SequenceError
from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.dlt645.client import Meter645, Procedures
from meterwire.protocols.dlt645.frame import Frame, answering
from meterwire.protocols.dlt645.waiting import patience_for, seconds_to_answer
from meterwire.protocols.wire.codec import codec
from meterwire.quantities.reading import METER_ZONE, ReadingError

from .script import ADDRESS, Script, client, next_answer, read_answer, refused

ENERGY = 0x00010000
REQUEST = bytes.fromhex("68610100000000681104333334331416")  # published: req_pos_active_total
ANSWER = bytes.fromhex("6861010000000068910833333433593333338A16")  # published: rsp_pos_active_total, 0.26 kWh
EVENT_LOG = 0x03300201
REPORT = bytes.fromhex("000000000000000000000100AA01AA")  # published: notice_follow_status
NAME = "active_energy_import"


def read(meter: Meter645, item: str = NAME):
    return Procedures.read.steps(meter, item)


def data(meter: Meter645, di: int):
    return Procedures.read_data.steps(meter, di)


# ---------------------------------------------------------------- one item


def test_a_read_by_name_sends_the_published_request_and_understands_the_published_answer():
    """The whole way, against frames others have published."""
    script = Script([ANSWER])
    reading = script.run(read(client()))
    assert script.sent == [REQUEST]
    assert (reading.item, reading.quantity) == (NAME, NAME)
    assert (str(reading.value), reading.unit, reading.error) == ("0.26", "kWh", None)


def test_a_read_by_identifier_is_the_same_read():
    """Eight hex digits are a data identifier; a known one has the quantity's name and unit."""
    reading = Script([ANSWER]).run(read(client(), "00010000"))
    assert (reading.item, reading.quantity, reading.value, reading.unit) == ("00010000", NAME, Decimal("0.26"), "kWh")


def test_the_wake_up_octets_are_sent_by_default():
    """Sleeping meters and direction-switching adapters eat the first octets."""
    script = Script([ANSWER])
    script.run(read(Meter645(None, ADDRESS)))
    assert script.sent == [b"\xfe" * 4 + REQUEST]


@pytest.mark.parametrize("asked", ["AAAAAAAAAAAA", "AAAAAAAA0161", ADDRESS])
def test_wildcard_and_short_form_accept_the_real_address(asked):
    """The answer carries the meter's own address."""
    script = Script([ANSWER])
    assert script.run(read(client(asked))).value == Decimal("0.26")
    assert codec(Frame).parse(script.sent[0]).address == asked


def test_an_answer_in_single_octets_with_wake_up_octets():
    """Whatever pieces the line makes of it."""
    pieces = [bytes([octet]) for octet in b"\xfe" * 3 + ANSWER]
    assert Script(pieces).run(read(client())).value == Decimal("0.26")


OTHERS = {
    "echo": REQUEST,
    "another meter": read_answer(ENERGY, b"\x99" * 4, address="000000000162"),
    "another item": read_answer(0x00020000, b"\x99" * 4),
    "another function": next_answer(ENERGY, b"\x99" * 4, 1),
    "a refusal of something else": refused(0x14, b"\x04"),
    "wrong sum": ANSWER[:-2] + b"\x00\x16",
    "noise": b"\x00\x68\xff\x16\x68",
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_not_the_answer_is_passed_over(other):
    """Echoes, neighbours and noise on the bus change nothing."""
    script = Script([other, ANSWER])
    assert script.run(read(client())).value == Decimal("0.26")
    assert len(script.sent) == 1


def test_what_came_before_the_request_is_not_its_answer():
    """A late duplicate of an earlier answer to the same item must not be taken for the new one."""
    script = Script([ANSWER], before=(read_answer(ENERGY, b"\x99" * 4),))
    assert script.run(read(client())).value == Decimal("0.26")


def test_a_line_that_never_falls_silent_does_not_hold_the_client():
    """A babbling neighbour is waited for a bounded time only, even before the first request."""
    steps = read(client())
    step = next(steps)
    for _ in range(100):
        if step.__class__.__name__ == "Send":
            break
        step = steps.send((1.0, b"\x00" * 100))
    assert step.octets == REQUEST
    steps.close()


# ---------------------------------------------------------------- refusals and silence


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x02, "no requested data"),
        (0x06, "no requested data, password wrong or unauthorised"),
        (0x00, "no reason given"),
    ],
)
def test_an_abnormal_answer_is_a_refusal_with_its_error_word(word, text):
    """Bits combine; the code is the whole word."""
    with pytest.raises(Refused, match=text) as caught:
        Script([refused(0x11, bytes([word]))]).run(read(client()))
    assert int(caught.value.code) == word


@pytest.mark.parametrize("octets", [b"", b"\x02\x00\x00"])
def test_an_abnormal_answer_of_the_wrong_size_is_still_a_refusal(octets):
    """The meter said no, however clumsily."""
    with pytest.raises(Refused, match="no reason given"):
        Script([refused(0x11, octets)]).run(read(client()))


def test_a_lost_answer_is_asked_for_again():
    """Reads are repeated."""
    script = Script([], [ANSWER])
    assert script.run(read(client())).value == Decimal("0.26")
    assert script.sent == [REQUEST, REQUEST]


def test_silence_says_whom_it_asked_and_what_to_check():
    """The error that users see most must tell them the next thing to do."""
    script = Script()
    with pytest.raises(NoAnswer) as caught:
        script.run(read(client()))
    assert str(caught.value) == "no answer from 000000000161 at 2400 8E1 after 3 tries: check parity and address"
    assert len(script.sent) == 3
    assert script.now == pytest.approx(100 + 3 * 5.0)


def test_silence_but_for_garbage_says_so():
    """A wrong parity looks like this."""
    with pytest.raises(NoAnswer, match="garbage came"):
        Script(*[[b"\xff\x00\x68" * 5]] * 3).run(read(client()))


def test_data_of_the_wrong_length_are_malformed():
    """A frame that is ours but does not hold the item is an error, never a value."""
    with pytest.raises(MalformedError):
        Script([read_answer(ENERGY, b"\x00" * 3)]).run(read(client()))


def test_data_that_are_no_digits_are_malformed():
    """Half a byte above 9 in a number."""
    with pytest.raises(MalformedError):
        Script([read_answer(ENERGY, b"\x0a\x00\x00\x00")]).run(read(client()))


def test_an_answer_without_an_identifier_is_malformed():
    """Two octets of data cannot name an item."""
    frame = codec(Frame).build(Frame(ADDRESS, answering(0x11), b"\x00\x00"))
    with pytest.raises(MalformedError):
        Script([frame]).run(read(client()))


# ---------------------------------------------------------------- follow-up frames


def test_parts_are_joined_without_identifier_and_number():
    """An item may be split anywhere: the real case is 196 and 6 octets of an event record."""
    whole = bytes(range(202))
    script = Script([read_answer(EVENT_LOG, whole[:196], more=True)], [next_answer(EVENT_LOG, whole[196:], 1)])
    assert script.run(data(client(), EVENT_LOG)) == whole
    assert codec(Frame).parse(script.sent[1]).data == bytes.fromhex("0102300301")


def test_numbers_count_up_and_a_lost_part_is_asked_for_by_its_own_number():
    """A retry must not skip a part."""
    script = Script(
        [read_answer(EVENT_LOG, b"a", more=True)],
        [next_answer(EVENT_LOG, b"b", 1, more=True)],
        [],
        [next_answer(EVENT_LOG, b"c", 2)],
    )
    assert script.run(data(client(), EVENT_LOG)) == b"abc"
    assert [codec(Frame).parse(sent).data[4:] for sent in script.sent] == [b"", b"\x01", b"\x02", b"\x02"]


def test_a_repeated_earlier_part_is_not_joined_twice():
    """A duplicate on the line would otherwise shift the whole record."""
    part = next_answer(EVENT_LOG, b"b", 1, more=True)
    script = Script([read_answer(EVENT_LOG, b"a", more=True)], [part], [part, next_answer(EVENT_LOG, b"c", 2)])
    assert script.run(data(client(), EVENT_LOG)) == b"abc"


def test_a_part_from_the_future_is_a_sequence_error():
    """The meter lost count: what it has left out cannot be guessed."""
    with pytest.raises(SequenceError):
        Script([read_answer(EVENT_LOG, b"a", more=True)], [next_answer(EVENT_LOG, b"c", 2)]).run(
            data(client(), EVENT_LOG)
        )


def test_an_item_that_never_ends_ends():
    """255 follow-up frames and no more."""
    parts = ([next_answer(EVENT_LOG, b"x", n, more=True)] for n in range(1, 256))
    script = Script([read_answer(EVENT_LOG, b"x", more=True)], *parts)
    with pytest.raises(SequenceError, match="does not end"):
        script.run(data(client(), EVENT_LOG))
    assert len(script.sent) == 256


def test_a_refused_follow_up_is_a_refusal():
    """Half an item is no item."""
    with pytest.raises(Refused):
        Script([read_answer(EVENT_LOG, b"a", more=True)], [refused(0x12, b"\x02")]).run(data(client(), EVENT_LOG))


@pytest.mark.parametrize("still_more", [False, True])
def test_an_active_report_behind_a_complete_item(still_more):
    """Since 2014 "more follows" may mean that an event waits: the item is complete, the report is kept aside.

    Nor may the client loop where the meter goes on saying so.
    """
    meter = client()
    energy = read_answer(ENERGY, b"\x26\x00\x00\x00", more=True)
    script = Script([energy], [next_answer(0x04001501, REPORT, 1, more=still_more)])
    assert script.run(read(meter)).value == Decimal("0.26")
    assert meter.report == REPORT
    assert len(script.sent) == 2


def test_an_active_report_behind_the_last_part():
    """The same trap after real follow-up frames."""
    meter = client()
    script = Script(
        [read_answer(EVENT_LOG, b"a", more=True)],
        [next_answer(EVENT_LOG, b"b", 1, more=True)],
        [next_answer(0x04001501, REPORT, 2)],
    )
    assert script.run(data(meter, EVENT_LOG)) == b"ab"
    assert meter.report == REPORT


def test_the_report_of_an_earlier_item_does_not_linger():
    """The attribute speaks of the last item read."""
    meter = client()
    meter.report = REPORT
    Script([ANSWER]).run(read(meter))
    assert meter.report == b""


# ---------------------------------------------------------------- many items, address, time


def test_many_items_keep_their_order_and_their_errors():
    """One refused item and one malformed item do not take the others with them."""
    script = Script(
        [ANSWER],
        [refused(0x11, b"\x02")],
        [read_answer(0x02010100, b"\x0f\x22")],
        [read_answer(0x02010200, b"\x89\x22")],
    )
    readings = script.run(Procedures.read_many.steps(client(), [NAME, "current_a", "voltage_a", "voltage_b"]))
    assert [r.item for r in readings] == [NAME, "current_a", "voltage_a", "voltage_b"]
    assert [r.value for r in readings] == [Decimal("0.26"), None, None, Decimal("228.9")]
    assert readings[1].error == ReadingError(2, "no requested data")
    assert readings[1].quantity == "current_a"
    assert readings[2].error.code == "malformed"


def test_a_wrong_name_among_many_stops_before_anything_is_sent():
    """A typing mistake must not cost half a minute of bus time."""
    script = Script()
    with pytest.raises(LocalProtocolError, match="voltage_a"):
        script.run(Procedures.read_many.steps(client(), [NAME, "voltage_aa"]))
    assert script.sent == []


def test_a_quantity_that_645_does_not_know_is_said_to_be_so():
    """Not every row of the table has a data identifier."""
    from meterwire.quantities import QUANTITIES

    row = next(q for q in QUANTITIES.values() if q.di is None)
    with pytest.raises(LocalProtocolError, match="no data identifier"):
        Script().run(read(client(), row.name))


def test_the_address_is_asked_of_whoever_is_there():
    """13H goes to the wildcard, whatever address the client has (published: read_addr_request, qt_addr)."""
    script = Script([bytes.fromhex("FEFE681855600600006893064B88933933334116")])
    assert script.run(Procedures.read_address.steps(client())) == "000006605518"
    assert script.sent == [bytes.fromhex("68AAAAAAAAAAAA681300DF16")]


def test_the_time_is_sent_once_to_all_and_nothing_is_waited_for():
    """Published: bcast_time_rf. No meter answers, so waiting or repeating would be wrong."""
    script = Script()
    moment = datetime(2018, 1, 15, 11, 20, 4, tzinfo=METER_ZONE)
    script.run(Procedures.set_time.steps(client(), moment))
    assert script.sent == [bytes.fromhex("6899999999999968080637534448344B0916")]
    assert script.now == 100.0
    for same in (moment.astimezone(UTC), moment.replace(tzinfo=None)):
        again = Script()
        again.run(Procedures.set_time.steps(client(), same))
        assert again.sent == script.sent


# ---------------------------------------------------------------- values

VALUES = [
    ("demand_active_import_max", "563412" + "3008150826", (Decimal("12.3456"), "kW")),
    ("date", "06150826", (date(2026, 8, 15), None)),
    ("time", "325318", (time(18, 53, 32), None)),
    ("current_a", "994980", (Decimal("-4.999"), "A")),
    ("rated_voltage", "000056303232", ("220V", None)),
    ("voltage_a", "FFFF", (None, "V")),
    ("date", "06993226", ("26-32-99.06", None)),
]


@pytest.mark.parametrize(("item", "hexa", "expected"), VALUES, ids=lambda v: v if isinstance(v, str) else "")
def test_values_come_in_the_quantitys_unit_and_the_calendar(item, hexa, expected):
    """Signs, texts turned round, times of the calendar, and what says that there is no value."""
    from meterwire.protocols.dlt645.names import item as named

    octets = bytes.fromhex(hexa)
    reading = Script([read_answer(named(item).di, octets)]).run(read(client(), item))
    value, unit = expected
    assert reading.value == value
    if isinstance(value, Decimal):
        assert reading.unit == unit
        assert str(reading.value) == str(value)


def test_a_demand_carries_its_time():
    """The meter's local time, aware."""
    octets = bytes.fromhex("563412" + "3008150826")
    reading = Script([read_answer(0x01010000, octets)]).run(read(client(), "demand_active_import_max"))
    assert reading.time == datetime(2026, 8, 15, 8, 30, tzinfo=METER_ZONE)


def test_a_demand_that_never_was_has_no_time():
    """Zeros are no day of the calendar."""
    reading = Script([read_answer(0x01010000, bytes(8))]).run(read(client(), "demand_active_import_max"))
    assert (reading.value, reading.time) == (Decimal("0.0000"), None)


def test_a_block_is_a_list_in_its_unit():
    """Total and rates; demands with their times."""
    energy = Script([read_answer(0x0001FF00, bytes.fromhex("3412000078560000"))]).run(read(client(), "0001FF00"))
    assert (energy.value, energy.unit) == ([Decimal("12.34"), Decimal("56.78")], "kWh")
    demand = Script([read_answer(0x0101FF00, bytes.fromhex("5634123008150826"))]).run(read(client(), "0101FF00"))
    assert demand.value == [[Decimal("12.3456"), datetime(2026, 8, 15, 8, 30, tzinfo=METER_ZONE)]]


def test_octets_of_an_unknown_identifier_are_hex_digits():
    """Nothing is guessed about what no table describes."""
    reading = Script([read_answer(0xEE000001, b"\x12\xab")]).run(read(client(), "EE000001"))
    assert (reading.value, reading.unit, reading.quantity) == ("12AB", None, None)


def test_no_load_record_is_no_value():
    """91H with the identifier alone says that none was found."""
    assert Script([read_answer(0x06000001, b"")]).run(read(client(), "06000001")).value is None


# ---------------------------------------------------------------- waiting


def test_the_time_out_of_a_serial_line_is_the_time_of_the_octets_and_a_second():
    """2400 8E1 has 11 bits to an octet: 26 out and 216 back, 1.11 s, and 1 s for the meter and the adapter."""
    settings = LineSettings(2400, 8, "E", 1)
    assert seconds_to_answer(settings) == pytest.approx((26 + 216) * 11 / 2400 + 1)
    assert seconds_to_answer(settings, 16, 20) == pytest.approx(36 * 11 / 2400 + 1)


def test_the_words_of_silence_name_the_line():
    """They are part of the error that people read."""
    patience = patience_for(ADDRESS, LineSettings(2400, 8, "E", 1))
    assert (patience.peer, patience.hint) == ("000000000161 at 2400 8E1", "check parity and address")
    assert patience_for(ADDRESS).timeout == 10.0
