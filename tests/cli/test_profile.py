"""`meterwire profile`: tables of what an emulated meter has stored, on stdout and in files."""

import csv
import io
import json
import subprocess
import sys
from datetime import datetime
from decimal import Decimal

import pytest

from meterwire.cli import profile_files
from meterwire.cli.main import run
from meterwire.emulate import emulated
from meterwire.errors import NoAnswer
from meterwire.meter_model.device import Device
from meterwire.meter_model.faces.dlt645.numbers import cut
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt645.profile_rows import Field, ProfileRow

DAY = 86_400


@pytest.fixture(scope="module")
def served():
    """A meter that has lived for three days and an hour."""
    listen = ["dlt645+tcp://127.0.0.1:0", "dlms+tcp://127.0.0.1:0"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as meter:
        meter.call(meter.emulation.meter.clock.step, 3 * DAY + 3_600)
        yield meter


def table(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Heading and rows."""
    reader = csv.DictReader(io.StringIO(text))
    return list(reader.fieldnames), list(reader)


def rows_of(served, *words, capsys) -> list[dict[str, str]]:
    """The rows of a command that ends well."""
    assert run(["profile", served.url("dlt645"), *words]) == 0
    return table(capsys.readouterr().out)[1]


def test_daily_freezes_are_those_of_the_meter(served, capsys):
    """One row a day, its values those of the model's rows, maximum demands with their times, the oldest first."""
    assert run(["profile", served.url("dlt645"), "day", "--address", "000000000161"]) == 0
    said = capsys.readouterr()
    heading, rows = table(said.out)
    assert heading[:2] == ["time", "forward active energy, total (kWh)"]
    assert [row["time"] for row in rows] == [f"2026-01-0{day}T00:00:00+08:00" for day in (2, 3, 4)]
    freezes = served.emulation.meter.freezes
    stored = served.call(lambda: [freezes.row("daily", number).values for number in (3, 2, 1)])
    for row, values in zip(rows, stored, strict=True):
        assert Decimal(row["forward active energy, total (kWh)"]) == cut(values["active_energy_import"], "XXXXXX.XX")
        demand = values["demand_active_import_max"]
        assert Decimal(row["forward active maximum demand, total (kW)"]) == cut(demand.value, "XX.XXXX")
        when = datetime.fromisoformat(row["forward active maximum demand, total, time"])
        assert when == demand.time.replace(second=0, microsecond=0)
        assert row["reverse active maximum demand, total, time"] == ""
    assert said.err == "reading freezes (day)\n3 rows, 2026-01-02T00:00:00+08:00 to 2026-01-04T00:00:00+08:00\n"


def test_hourly_freezes_by_time_and_number(served, capsys):
    """From, to, and the latest of them."""
    between = ["hour", "--from", "2026-01-02T05:00", "--to", "2026-01-02T09:59"]
    times = [row["time"][11:16] for row in rows_of(served, *between, capsys=capsys)]
    assert times == ["05:00", "06:00", "07:00", "08:00", "09:00"]
    times = [row["time"][11:16] for row in rows_of(served, *between, "--count", "2", capsys=capsys)]
    assert times == ["08:00", "09:00"]


def test_load_records_of_days_are_complete(served, capsys):
    """Every quarter of an hour, in many pages, as the model has stored them."""
    rows = rows_of(served, "load-2", capsys=capsys)
    profile = served.emulation.meter.load_profile
    stored = served.call(lambda: profile.rows(2))
    assert len(rows) == len(stored) == 3 * 96 + 4
    for row, one in zip(rows, stored, strict=True):
        assert datetime.fromisoformat(row["time"]) == one.time
        power = row["active and reactive power, active power (kW)"]
        assert Decimal(power) == cut(one.values["active_power"], "±XX.XXXX")


def test_all_classes_from_a_time_on(served, capsys):
    """One row has the columns of all six."""
    words = ["load", "--from", "2026-01-02T00:00:00+08:00", "--count", "3"]
    rows = rows_of(served, *words, capsys=capsys)
    assert [row["time"][11:16] for row in rows] == ["00:00", "00:15", "00:30"]
    assert "demands, active demand (kW)" in rows[0]
    assert "power factors, total" in rows[0]


def test_curves_have_the_values_of_the_records(served, capsys):
    """The same stored values, asked for in another way."""
    words = ["--from", "2026-01-02", "--to", "2026-01-02T12:00"]
    records = rows_of(served, "load-4", *words, capsys=capsys)
    points = rows_of(served, "curve-energy", *words, capsys=capsys)
    assert len(points) == len(records) == 49
    assert [list(row.values()) for row in points] == [[row["time"], *list(row.values())[2:]] for row in records]


def test_json_has_the_rows_and_the_file_as_well(served, tmp_path, capsys):
    """Named columns, the meter's time and ours."""
    file = tmp_path / "day.csv"
    assert run(["profile", served.url("dlt645"), "day", "--count", "1", "--json", "--csv", str(file)]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    ((row,), heading) = reversed(table(file.read_text("utf-8")))
    assert (found["item"], found["time"]) == ("0506FF01", row["time"])
    assert datetime.fromisoformat(found["read_at"]).tzinfo is not None
    assert list(found["columns"]) == heading[1:]
    assert {name: value or "" for name, value in found["columns"].items()} == {name: row[name] for name in heading[1:]}
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_stored_is_an_empty_table(served, capsys):
    """Not an error, but told."""
    assert run(["profile", served.url("dlt645"), "instant", "--csv", "-"]) == 0
    said = capsys.readouterr()
    assert said.out == "time\n"
    assert "no rows" in said.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["year"], "season-switch"),
        (["day", "--from", "yesterday"], "--from 'yesterday' is no time"),
        (["day", "--from", "2026-01-02", "--to", "2026-01-01"], "is before"),
        (["day", "--count", "0"], "rows are read"),
        (["curve-voltage"], "--from"),
        (["day", "--edition", "1997"], "1997"),
        (["day", "--json", "--csv", "-"], "either"),
        (["day", "--csv", "/nowhere/at/all.csv"], "cannot be written"),
    ],
)
def test_what_cannot_be_read_is_wrong_usage(served, words, why, capsys):
    """Exit code 2 with the reason, and nothing on stdout."""
    assert run(["profile", served.url("dlt645"), *words]) == 2
    said = capsys.readouterr()
    assert why in said.err
    assert said.out == ""


def test_dlms_has_the_same_days(served, capsys):
    """The same freezes through both dialects; what only one of them has is told in words."""
    assert run(["profile", served.url("dlms"), "day"]) == 0
    days = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert run(["profile", served.url("dlt645"), "day"]) == 0
    assert days == [line.split(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert run(["profile", served.url("dlms"), "curve-voltage"]) == 2
    assert "logical name" in capsys.readouterr().err


def test_nobody_there(tmp_path, capsys):
    """Exit code 1, and no file is left behind."""
    file = tmp_path / "day.csv"
    with emulated(Device.of_profile("three-phase"), ["dlt645+tcp://127.0.0.1:0"]) as meter:
        url = f"{meter.url('dlt645')}?timeout=0.05&tries=1"
        assert run(["profile", url, "day", "--address", "42", "--csv", str(file)]) == 1
    assert "no answer" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_meter_that_falls_silent_on_the_way(served, monkeypatch, capsys):
    """What had come is written, and the exit code says that it is not all."""
    read = Meter645._data

    def silent(self, edition, di, selection=b""):
        if di == 0x0504FF03:
            raise NoAnswer("no answer from it")
        return (yield from read(self, edition, di, selection))

    monkeypatch.setattr(Meter645, "_data", silent)
    assert run(["profile", served.url("dlt645"), "hour"]) == 1
    said = capsys.readouterr()
    assert len(table(said.out)[1]) == 2
    assert said.err.endswith("2 rows, and then no more: no answer from it\n")


# ---------------------------------------------------------------- tables and files

NINE, TEN = datetime(2026, 8, 15, 9), datetime(2026, 8, 15, 10)
ROWS = [
    ProfileRow("0", NINE, (Field("a", "kWh", Decimal("1.50")), Field("c", "", "odd"))),
    ProfileRow("0", TEN, (Field("a", "kWh", None), Field("b", "", TEN), Field("c", "", Decimal(7)))),
    ProfileRow("0", None, (Field("raw", "", b"\x01\xaa"), Field("d", "", [Decimal(1), None, "x"]))),
]


def test_rows_of_different_columns_make_one_table():
    """Every column once, in the order of the fullest row; what a row lacks is empty."""
    found = profile_files.table_of(ROWS)
    text = io.StringIO()
    profile_files.write_csv(found, text)
    assert text.getvalue().splitlines() == [
        "time,a (kWh),b,c,raw,d",
        "2026-08-15T09:00:00,1.50,,odd,,",
        "2026-08-15T10:00:00,,2026-08-15T10:00:00,7,,",
        ",,,,01AA,1  x",
    ]


def test_a_file_that_is_there_stays_until_the_new_one_is_complete(tmp_path):
    """An interrupted reading does not cost the last one."""
    file = tmp_path / "old.csv"
    file.write_text("old")
    with pytest.raises(KeyboardInterrupt), profile_files.destination(str(file)):
        raise KeyboardInterrupt
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("old.csv", "old")]
    with profile_files.destination(str(file)) as write:
        write(profile_files.table_of(ROWS))
    assert file.read_text().startswith("time,a (kWh)")


def test_parquet_without_pyarrow_is_refused_before_anything_is_read(served, tmp_path, monkeypatch, capsys):
    """With what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert run(["profile", served.url("dlt645"), "day", "--csv", str(tmp_path / "day.parquet")]) == 2
    assert "meterwire[columns]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_parquet_has_types(tmp_path):
    """Decimals, times, and text where a column has several sorts."""
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "rows.parquet"
    with profile_files.destination(str(file)) as write:
        write(profile_files.table_of(ROWS))
    assert str(parquet.read_schema(file).field("a (kWh)").type) == "decimal128(18, 2)"
    found = parquet.read_table(file).to_pydict()
    assert found["time"] == [NINE, TEN, None]
    assert found["a (kWh)"] == [Decimal("1.50"), None, None]
    assert found["c"] == ["odd", "7", None]
    assert list(found) == ["time", "a (kWh)", "b", "c", "raw", "d"]
    with profile_files.destination(str(file)) as write:
        write(profile_files.table_of([]))
    assert parquet.read_table(file).column_names == ["time"]


def test_nothing_of_this_is_imported_for_other_commands():
    """The command line stays quick to start."""
    code = "import meterwire.cli.main, sys; print([n for n in sys.modules if n.split('.')[0] in ('pyarrow', 'rich')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pyarrow" not in found.stdout
