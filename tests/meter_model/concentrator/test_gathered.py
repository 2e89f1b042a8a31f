"""What is kept of what was collected, and what a column that is asked for finds in it."""

import datetime as dt

from meterwire.meter_model.concentrator.archive import Archive
from meterwire.meter_model.concentrator.archive import test_of as belongs_to
from meterwire.meter_model.concentrator.gathered import NULL, Gathered, TaskRows, cell_of, covers
from meterwire.protocols.dlt69845.acquisition import archived
from meterwire.protocols.dlt69845.selecting import (
    ALL_METERS,
    NO_METERS,
    archives,
    archives_between,
    column,
    device_types,
    logical_device,
    meters_at,
    meters_between,
    user_types,
    user_types_between,
)
from meterwire.protocols.wire.nodes import Variant

WHEN = dt.datetime(2026, 1, 1)
ENERGY = Variant(1, (Variant(6, 100), Variant(6, 60), Variant(6, 40)))
COLUMNS = (column("00100200"), column("50040200(00100200,00200200)"))
CELLS = (ENERGY, Variant(2, (ENERGY, NULL)))


def row(meter, minute, cells=CELLS):
    """A row of a meter."""
    moment = WHEN + dt.timedelta(minutes=minute)
    return Gathered(meter, moment, moment, moment, moment, cells)


def test_columns_are_found_whole_in_part_and_not_at_all():
    """Protects answers to masters that ask for less than was collected, or for something else."""
    assert cell_of(COLUMNS, CELLS, column("00100200")) == ENERGY
    assert cell_of(COLUMNS, CELLS, column("00100202")) == Variant(6, 60)
    assert cell_of(COLUMNS, CELLS, column("00100209")) == NULL
    assert cell_of(COLUMNS, CELLS, column("50040200(00100201)")) == Variant(2, (Variant(6, 100),))
    assert cell_of(COLUMNS, CELLS, column("50040200(00200200,00300200)")) == Variant(2, (NULL, NULL))
    assert cell_of(COLUMNS, (NULL, NULL), column("50040200(00100200)")) == Variant(2, (NULL,))
    assert cell_of(COLUMNS, CELLS, column("50060200(00100200)")) == NULL
    assert covers(COLUMNS, column("50040200(00100201)"))
    assert not covers(COLUMNS, column("50040200(20000200)"))
    assert not covers(COLUMNS, column("00200200"))


def test_the_oldest_go_and_the_same_moment_is_one_row():
    """Protects memory, and masters from two rows of one moment."""
    rows = TaskRows(COLUMNS, depth=3)
    for minute in (0, 1, 2, 3, 3):
        rows.put(row(b"\x05A", minute))
    assert [one.moment.minute for one in rows] == [1, 2, 3]
    for minute in range(10):
        rows.mark_absent(b"\x05A", WHEN + dt.timedelta(hours=1, minutes=minute))
    assert rows.knows(b"\x05A", WHEN + dt.timedelta(hours=1, minutes=9))
    assert not rows.knows(b"\x05A", WHEN + dt.timedelta(hours=1))
    again = TaskRows.restored(rows.state())
    assert list(again) == list(rows)
    assert (again.columns, again.depth) == (rows.columns, 3)


def test_sets_of_meters():
    """Protects which meters a scheme, a selection or a proxy is about."""
    archive = Archive()
    archive.put(*(archived(number, f"{number:012d}", user_type=number % 4) for number in range(1, 11)))

    def numbers(meters):
        assert [unit for unit in archive if belongs_to(meters)(unit)] == archive.meant(meters)
        return [unit.number for unit in archive.meant(meters)]

    assert numbers(ALL_METERS) == list(range(1, 11))
    assert numbers(NO_METERS) == numbers(device_types(1)) == numbers(logical_device(0)) == []
    assert numbers(user_types(1, 2)) == [1, 2, 5, 6, 9, 10]
    assert numbers(user_types_between((2, 3))) == [2, 3, 6, 7, 10]
    assert numbers(meters_at("000000000003", "000000000099")) == [3]
    assert numbers(meters_between(("000000000003", "000000000005"))) == [3, 4, 5]
    assert numbers(archives(7, 8)) == [7, 8]
    assert numbers(archives_between((9, 20))) == [9, 10]
