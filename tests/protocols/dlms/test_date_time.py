"""COSEM date-time: all octets are kept, and turned into a calendar time only where there is one (abuse case A11)."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.date_time import DEVIATION_UNSPECIFIED, ClockStatus, CosemDateTime

EAST = dt.timezone(dt.timedelta(hours=8))


def test_deviation_counts_from_local_time_to_utc():
    """-480 is +08:00: the sign that everybody gets wrong."""
    octets = bytes.fromhex("07EA01010400000000FE2000")
    found = CosemDateTime.of_octets(octets)
    assert found.deviation == -480
    assert found.calendar() == dt.datetime(2026, 1, 1, tzinfo=EAST)
    assert found.calendar().utcoffset() == dt.timedelta(hours=8)
    assert CosemDateTime.of_datetime(found.calendar()).octets == octets
    assert str(found) == "2026-01-01 00:00:00.00+08:00"


def test_an_unspecified_deviation_takes_the_zone_given():
    found = CosemDateTime.of_octets(bytes.fromhex("07EA0101040C0000FF8000FF"))
    assert found.deviation == DEVIATION_UNSPECIFIED
    assert found.calendar() == dt.datetime(2026, 1, 1, 12)
    assert found.calendar(EAST) == dt.datetime(2026, 1, 1, 12, tzinfo=EAST)
    assert CosemDateTime.of_datetime(dt.datetime(2026, 1, 1, 12)).deviation == DEVIATION_UNSPECIFIED


def test_dates_and_times_alone():
    date = CosemDateTime.of_octets(bytes.fromhex("07EA010104"))
    assert date.calendar_date() == dt.date(2026, 1, 1)
    assert date.date_octets == bytes.fromhex("07EA010104")
    time = CosemDateTime.of_octets(bytes.fromhex("173B3B63"))
    assert time.clock_time() == dt.time(23, 59, 59, 990_000)
    assert time.time_octets == bytes.fromhex("173B3B63")
    with pytest.raises(MalformedError):
        date.clock_time()
    with pytest.raises(MalformedError):
        time.calendar_date()


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("FFFF01010400000000FE2000", id="year wildcard"),
        pytest.param("07EAFF010400000000FE2000", id="month wildcard"),
        pytest.param("07EA01FF0400000000FE2000", id="day wildcard"),
        pytest.param("07EA010104FF000000FE2000", id="hour wildcard"),
        pytest.param("07EA0D010400000000FE2000", id="month 13"),
        pytest.param("07EAFD010400000000FE2000", id="end of daylight saving"),
        pytest.param("07EA01FE0400000000FE2000", id="last day"),
        pytest.param("07EA021E0400000000FE2000", id="30 February"),
        pytest.param("000001010400000000FE2000", id="year 0"),
        pytest.param("07EA01010418000000FE2000", id="hour 24"),
        pytest.param("07EA010104003C0000FE2000", id="minute 60"),
        pytest.param("07EA01010400000064FE2000", id="100 hundredths"),
        pytest.param("07EA010104000000007FFF00", id="deviation of three weeks"),
    ],
)
def test_what_is_no_moment_is_kept_and_refused_as_one(octets):
    octets = bytes.fromhex(octets)
    found = CosemDateTime.of_octets(octets)
    assert found.octets == octets
    assert str(found)
    with pytest.raises(MalformedError):
        found.calendar()


def test_seconds_may_be_left_out():
    assert CosemDateTime.of_octets(bytes.fromhex("07EA0101040000FFFFFE2000")).calendar().second == 0


@pytest.mark.parametrize("length", [0, 1, 3, 6, 11, 13])
def test_other_lengths_are_refused(length):
    with pytest.raises(MalformedError):
        CosemDateTime.of_octets(bytes(length))


@given(st.binary(min_size=12, max_size=12))
def test_all_octets_come_back(octets):
    """Whatever the octets: they are kept, shown, and either a calendar time or a documented error."""
    found = CosemDateTime.of_octets(octets)
    assert found.octets == octets
    assert str(found)
    try:
        moment = found.calendar()
    except MalformedError:
        return
    assert (moment.year, moment.month, moment.day) == (found.year, found.month, found.day)


@given(st.datetimes(timezones=st.just(EAST)))
def test_moments_come_back_to_the_hundredth(moment):
    back = CosemDateTime.of_octets(CosemDateTime.of_datetime(moment).octets).calendar()
    assert back == moment.replace(microsecond=moment.microsecond // 10_000 * 10_000)


def test_status_has_names():
    assert ClockStatus(0x81) == ClockStatus.DAYLIGHT_SAVING | ClockStatus.INVALID_VALUE
