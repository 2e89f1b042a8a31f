"""Load records of the meter, as the client asks for them and as octets."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.client import Meter645
from meterwire.transports.memory import connected

from .dialect645 import ADDRESS, NO_DATA, NOON, OTHER, di, done, new_face, refused


@pytest.fixture(scope="module")
def face():
    """A meter that has recorded for two hours."""
    found = new_face()
    found.meter.clock.step(7_200)
    found.meter.advance()
    return found


def client(face) -> Meter645:
    return Meter645(connected(face.connect()), ADDRESS)


def test_the_earliest_records_of_all_classes(face):
    """Every quarter of an hour; the values are those of the model's rows."""
    records = client(face).read_load(count=3).value
    assert [record[1] for record in records] == ["26-03-04 12:15", "26-03-04 12:30", "26-03-04 12:45"]
    row = face.meter.load_profile.rows(4)[0]
    assert records[0][5][0] == Decimal(int(row.values["active_energy_import"] * 100)) / 100
    assert all(group is not None for group in records[0][2:])


def test_records_from_a_time_on_and_of_one_class(face):
    """The other groups are empty."""
    records = client(face).read_load(2, NOON + dt.timedelta(hours=1), 2).value
    assert [record[1] for record in records] == ["26-03-04 13:00", "26-03-04 13:15"]
    assert [group is not None for group in records[0][2:]] == [False, True, False, False, False, False]
    power = face.meter.load_profile.rows(2, NOON.replace(hour=13, second=0))[0].values["active_power"]
    assert records[0][3][0] == Decimal(int(power * 10_000)) / 10_000


def test_many_records_come_in_follow_up_frames(face):
    """Eight of them are longer than a frame."""
    assert len(client(face).read_load(count=99).value) == 8


def test_the_latest_and_none(face):
    """No record found: the identifier alone (L = 4)."""
    octets = done(face, 0x11, di("06010002"))
    assert octets[4:6] == b"\xa0\xa0"
    assert octets[7:12] == bytes.fromhex("0014040326")
    later = bytes.fromhex("0100000101") + b"\x30"
    assert done(face, 0x11, di("06000001") + later) == di("06000001")
    assert client(face).read_load(0, dt.datetime(2030, 1, 1)).value is None


@pytest.mark.parametrize("selection", ["", "00", "FF", "0A", "0101", "01006004032699"])
def test_selections_that_are_none_are_refused(face, selection):
    """How many, in BCD; for those from a time on, the time."""
    assert refused(face, 0x11, di("06000000") + bytes.fromhex(selection)) == OTHER
    assert refused(face, 0x11, di("06000001") + bytes.fromhex("01" + "006004032699"[: len(selection)])) == OTHER


def test_classes_that_are_none(face):
    """No data from the meter, and a word from the client before it asks."""
    assert refused(face, 0x11, di("06070000") + b"\x01") == NO_DATA
    assert refused(face, 0x11, di("06010003") + b"\x01") == NO_DATA
    for wrong in ({"number": 7}, {"count": 0}, {"count": 100}):
        with pytest.raises(LocalProtocolError):
            client(face).read_load(**wrong)
