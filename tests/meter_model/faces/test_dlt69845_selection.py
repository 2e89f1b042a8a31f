"""Which rows selectors of DL/T 698.45 mean, against a selection written here in plain terms."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.meter_model.faces.dlt69845.selection import OwnRows, means, selected, tsa_of
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.dates import NOT_SPECIFIED, DateTimeS, Interval
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.selection import (
    Region,
    SelectorEqual,
    SelectorMoment,
    SelectorNewest,
    SelectorPeriod,
    SelectorRange,
)
from meterwire.protocols.wire.nodes import Variant

TIME, NUMBER, ENERGY = Oad.of("20210200"), Oad.of("20230200"), Oad.of("00100201")
OWN = tsa_of("201722043013")
EPOCH = dt.datetime(2026, 1, 30)
ALL, NONE, NULL = Variant(1, None), Variant(0, None), Variant(0, None)


class Row:
    """A number, a time, an energy; the time or the energy may be missing."""

    def __init__(self, number, minutes, energy):
        self.number, self.energy = number, energy
        self.time = None if minutes is None else EPOCH + dt.timedelta(minutes=minutes)

    def value(self, oad):
        found = {
            NUMBER: Variant(6, self.number),
            TIME: NULL if self.time is None else Variant(28, DateTimeS.of(self.time)),
            ENERGY: NULL if self.energy is None else Variant(6, self.energy),
        }
        return found.get(oad, NULL)


class Rows(OwnRows):
    time = TIME

    def __init__(self, rows):
        self.rows = rows

    def knows(self, oad):
        return oad in {TIME, NUMBER, ENERGY}

    def entries(self):
        return self.rows


def numbers(rows, tag, content=None):
    return [row.number for row in selected(Rows(rows), Variant(tag, content), OWN)]


def moment(minutes):
    return DateTimeS.of(EPOCH + dt.timedelta(minutes=minutes))


MINUTES = st.integers(0, 200).map(lambda n: n * 15)
TABLES = st.lists(st.tuples(st.none() | MINUTES, st.none() | st.integers(0, 30)), max_size=30).map(
    lambda rows: [Row(at + 1, *row) for at, row in enumerate(rows)]
)


@settings(max_examples=40, deadline=None)
@given(TABLES, MINUTES, MINUTES, st.integers(0, 90), st.sampled_from([1, 2, 5, 6, 7, 8]))
def test_times_from_to_in_steps(rows, start, end, step, tag):
    """The first end belongs to it, the second does not; of those, whole steps behind the first: 2, 6, 7 and 8 alike."""
    expected = [
        row.number
        for row in rows
        if row.time is not None
        and EPOCH + dt.timedelta(minutes=start) <= row.time < EPOCH + dt.timedelta(minutes=end)
        and (
            step == 0
            or (row.time - EPOCH - dt.timedelta(minutes=start)) % dt.timedelta(minutes=step) == dt.timedelta(0)
        )
    ]
    if tag == 1:
        found = numbers(rows, 1, SelectorEqual(TIME, Variant(28, moment(start))))
        expected = [row.number for row in rows if row.time == EPOCH + dt.timedelta(minutes=start)]
    elif tag == 2:
        interval = Variant(84, Interval(1, step)) if step else NULL
        content = SelectorRange(TIME, Variant(28, moment(start)), Variant(28, moment(end)), interval)
        found = numbers(rows, 2, content)
    elif tag == 5:
        found = numbers(rows, 5, SelectorMoment(moment(start), ALL))
        expected = [row.number for row in rows if row.time == EPOCH + dt.timedelta(minutes=start)]
    else:
        found = numbers(rows, tag, SelectorPeriod(moment(start), moment(end), Interval(1, step), ALL))
    assert found == expected


@settings(max_examples=40, deadline=None)
@given(TABLES, st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
def test_numbers_from_to_in_steps(rows, start, end, step):
    """Ranges of a column that is a number; rows without it are left out."""
    found = numbers(rows, 2, SelectorRange(ENERGY, Variant(18, start), Variant(6, end), Variant(17, step)))
    wanted = [row for row in rows if row.energy is not None and start <= row.energy < end]
    assert found == [row.number for row in wanted if not step or (row.energy - start) % step == 0]


@settings(max_examples=40, deadline=None)
@given(TABLES, st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 30)), max_size=4))
def test_several_ranges(rows, ranges):
    """Ranges of one column are alternatives; where two columns are named both must fit."""

    def asked(of_energy, low, high):
        if of_energy:
            return SelectorRange(ENERGY, Variant(6, low), Variant(6, high), NULL)
        return SelectorRange(NUMBER, Variant(6, low), Variant(6, high), NULL)

    energies = [(low, high) for of_energy, low, high in ranges if of_energy]
    serials = [(low, high) for of_energy, low, high in ranges if not of_energy]
    expected = [
        row.number
        for row in rows
        if (not energies or (row.energy is not None and any(low <= row.energy < high for low, high in energies)))
        and (not serials or any(low <= row.number < high for low, high in serials))
    ]
    assert numbers(rows, 3, tuple(asked(*one) for one in ranges)) == expected


@settings(max_examples=40, deadline=None)
@given(TABLES, st.integers(0, 35))
def test_counted_from_the_end(rows, count):
    """All, the n-th last, the newest n, and several selectors together without doubles, the oldest first."""
    everything = [row.number for row in rows]
    assert numbers(rows, 0) == everything
    nth = everything[-count : len(everything) - count + 1] if 1 <= count <= len(rows) else []
    assert numbers(rows, 9, count) == nth
    newest = everything[len(rows) - min(count, len(rows)) :]
    assert numbers(rows, 10, SelectorNewest(count, ALL)) == newest
    both = (Variant(9, count), Variant(9, 1), Variant(2, SelectorRange(NUMBER, Variant(6, 3), Variant(6, 5), NULL)))
    expected = sorted({*nth, *everything[-1:], *(n for n in everything if 3 <= n < 5)})
    assert numbers(rows, 11, both) == expected


def test_open_ends_and_months():
    """An end that is NULL or not specified is open; steps of months and years count in the calendar."""
    rows = [Row(at, at * 1440, at) for at in range(1, 80)]
    assert numbers(rows, 2, SelectorRange(TIME, NULL, Variant(28, moment(3 * 1440)), NULL)) == [1, 2]
    assert numbers(rows, 2, SelectorRange(TIME, Variant(28, moment(78 * 1440)), Variant(28, NOT_SPECIFIED), NULL)) == [
        78,
        79,
    ]
    monthly = SelectorRange(TIME, Variant(28, moment(2 * 1440)), NULL, Variant(84, Interval(4, 1)))
    times = {row.number: row.time for row in rows}
    assert [times[number].strftime("%m-%d") for number in numbers(rows, 2, monthly)] == ["02-01", "03-01", "04-01"]


@pytest.mark.parametrize(
    ("selector", "dar"),
    [
        (SelectorEqual(Oad.of("40000200"), Variant(6, 1)), Dar.OBJECT_UNAVAILABLE),
        (SelectorEqual(TIME, Variant(6, 1)), Dar.TYPE_UNMATCHED),
        (SelectorEqual(ENERGY, Variant(10, "1")), Dar.TYPE_UNMATCHED),
    ],
)
def test_a_selector_that_does_not_fit_is_refused(selector, dar):
    """A column that the table does not have, or a value of another kind, is an error and no empty answer."""
    with pytest.raises(Denied) as caught:
        numbers([Row(1, 15, 1)], 1, selector)
    assert caught.value.dar == dar


def test_which_meters_are_meant():
    """The own address in a set or in a region counts with its bounds; numbers and types of an archive mean nobody."""
    low, high = Variant(85, tsa_of("201722043013")), Variant(85, tsa_of("201722043014"))
    assert means(ALL, OWN)
    assert means(NONE, OWN)
    assert means(Variant(3, (tsa_of("000000000001"), OWN)), OWN)
    assert not means(Variant(3, (tsa_of("000000000001"),)), OWN)
    assert [means(Variant(6, (Region(bounds, low, high),)), OWN) for bounds in range(4)] == [True, False, True, False]
    assert [means(Variant(6, (Region(bounds, high, low),)), OWN) for bounds in range(4)] == [False] * 4
    assert not any(
        means(Variant(tag, content), OWN) for tag, content in ((2, (0,)), (4, (1,)), (5, ()), (7, ()), (8, (1,)))
    )
    assert means(Variant(9, 0), OWN)
    assert not means(Variant(9, 1), OWN)
    assert numbers([Row(1, 0, 1)], 10, SelectorNewest(1, Variant(4, (1,)))) == []


def test_nested_selectors_end():
    """Selectors within selectors are followed a few deep, then refused."""
    rsd = Variant(9, 1)
    for _ in range(20):
        rsd = Variant(11, (rsd,))
    with pytest.raises(Denied):
        selected(Rows([Row(1, 0, 1)]), rsd, OWN)


def test_selectors_are_bounded():
    """A request with hundreds of ranges is refused, because each is held against every row."""
    ranges = (SelectorRange(NUMBER, Variant(6, 0), Variant(6, 9), NULL),) * 300
    with pytest.raises(Denied) as caught:
        numbers([Row(1, 0, 1)], 3, ranges)
    assert caught.value.dar == Dar.SCOPE_OF_ACCESS_VIOLATED
    assert numbers([Row(1, 0, 1)], 3, ranges[:60]) == [1]
