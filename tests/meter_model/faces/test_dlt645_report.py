"""The active report of 2014 on the meter's side: D5, the extra frame, the status, its reset by hand and by time."""

import pytest

from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.faces.dlt645.report import FORGOTTEN_AFTER, NAMES, mode_bit
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt645.report import EVENTS, events
from meterwire.transports.memory import connected

from .dialect645 import NO_DATA, OTHER, asked, di, done, new_face, refused

ENERGY, STATUS, RESET = di("00010000"), di("04001501"), di("04001503")
EVERYTHING = (1 << 64) - 1
TRIPPED = bytes.fromhex("004000000000000000000000AA01AA")


def reporting(**more) -> Face645:
    face = new_face(**more)
    face.meter.parameters.set("active_report_mode", EVERYTHING & ~(1 << 48))  # but not that this was programmed
    return face


def test_without_a_mode_nothing_is_reported():
    """As a meter of 2007: D5 says that data follow, and nothing else."""
    face = new_face()
    face.meter.relay.trip()
    assert not asked(face, 0x11, ENERGY).control.follow_up
    assert done(face, 0x11, STATUS)[4:] == bytes(12) + b"\xaa\xaa"


def test_an_event_sets_d5_and_one_more_request_brings_the_status():
    """The answer to 12H has the identifier 04001501H, and D5 is 0."""
    face = reporting()
    assert not asked(face, 0x11, ENERGY).control.follow_up
    face.meter.relay.trip()
    connection = face.connect()
    frames = [
        asked(type("One", (), {"connect": lambda _: connection})(), function, data)
        for function, data in ((0x11, ENERGY), (0x12, ENERGY + b"\x01"), (0x12, ENERGY + b"\x01"))
    ]
    assert [frame.control.follow_up for frame in frames] == [1, 0, 0]
    assert frames[1].data == STATUS + TRIPPED + b"\x01"
    assert frames[2].data == frames[1].data


def test_the_client_reads_on_and_keeps_the_report():
    """Both ends of the trap: the item is whole, the report is told, nothing loops."""
    face = reporting()
    face.meter.relay.trip()
    client = Meter645(connected(face.connect()))
    assert client.read("active_energy_import").value is not None
    assert client.report == TRIPPED
    assert events(int.from_bytes(client.report[:12], "little")) == ["trip_success"]


@pytest.mark.parametrize("length", [10, 196, 197, 391, 392, 500])
def test_long_items_have_the_status_behind_their_last_part(length):
    """Wherever the item ends."""
    meter = Meter()
    octets = bytes(n % 251 for n in range(length))
    face = Face645(meter, fixed={0x03300201: octets})
    meter.parameters.set("active_report_mode", 1 << 14)
    meter.relay.trip()
    client = Meter645(connected(face.connect()))
    assert (client.read_data(0x03300201), client.report) == (octets, TRIPPED)


def test_the_status_read_by_itself_has_no_d5_and_counts():
    """Each event with how often it happened, ascending bits."""
    face = reporting()
    for _ in range(3):
        face.meter.relay.trip()
        face.meter.relay.close()
    frame = asked(face, 0x11, STATUS)
    assert frame.control.follow_up == 0
    assert frame.data[4:] == bytes.fromhex("00C0" + "00" * 10 + "AA0303AA")


def test_a_reset_forgets_what_has_bit_0_and_needs_no_password():
    """1 keeps, 0 clears; a reset is no programming."""
    face = reporting(programming=False)
    face.meter.relay.trip()
    face.meter.relay.close()
    noted = face.meter.programming.count
    nobody = bytes(8)
    assert done(face, 0x14, RESET + nobody + bytes.fromhex("FFBF" + "FF" * 10)) == b""
    assert done(face, 0x11, STATUS)[4:] == bytes.fromhex("0080" + "00" * 10 + "AA01AA")
    done(face, 0x14, RESET + nobody + bytes(12))
    assert not asked(face, 0x11, ENERGY).control.follow_up
    assert face.meter.programming.count == noted
    assert refused(face, 0x14, RESET + nobody + bytes(11)) == OTHER
    assert refused(face, 0x11, RESET) == NO_DATA


def test_what_has_been_read_is_forgotten_after_half_an_hour_and_what_came_since_is_not():
    """Without a reset."""
    face = reporting()
    face.meter.relay.trip()
    face.meter.clock.step(FORGOTTEN_AFTER + 60)
    assert asked(face, 0x11, ENERGY).control.follow_up, "nobody has read it yet"
    done(face, 0x11, STATUS)
    face.meter.clock.step(FORGOTTEN_AFTER - 1)
    assert asked(face, 0x11, ENERGY).control.follow_up
    face.meter.relay.close()
    face.meter.clock.step(1)
    assert done(face, 0x11, STATUS)[4:] == bytes.fromhex("0080" + "00" * 10 + "AA01AA")


def test_more_than_255_times_is_unknown():
    """FFH."""
    face = reporting()
    for _ in range(300):
        face.meter.reports.note("relay_trip")
    assert done(face, 0x11, STATUS)[4:] == bytes.fromhex("0040" + "00" * 10 + "AAFFAA")


def test_every_bit_has_events_of_the_meter_and_a_bit_of_the_mode():
    """The three tables agree; each bit can be reported alone."""
    assert set(NAMES) <= set(EVENTS)
    kinds = Meter().events.kinds
    known = {name for names in NAMES.values() for name in names}
    assert [name for name in known if name not in kinds] == []
    for bit, names in NAMES.items():
        face = new_face()
        face.meter.parameters.set("active_report_mode", 1 << mode_bit(bit))
        face.meter.reports.told(known)
        face.meter.reports.note(names[0])
        assert int.from_bytes(done(face, 0x11, STATUS)[4:16], "little") == 1 << bit
