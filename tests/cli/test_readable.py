"""What people see of values that are no plain numbers: lists, structures, times, ports; and where options may stand."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from meterwire.cli.main import run
from meterwire.cli.output import rows, text_of
from meterwire.emulate import emulated
from meterwire.meter_model.device import Device
from meterwire.quantities.reading import Reading

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def url():
    with emulated(Device.of_profile("three-phase"), ["dlt69845+tcp://127.0.0.1:0"], clock="frozen:2026-01-01") as meter:
        yield meter.url("dlt69845")


def test_lists_keep_their_digits():
    """Nested lists, times and gaps in brackets, no Python in it."""
    assert text_of([Decimal("1.50"), None, [NOW, "a"]]) == "[1.50, -, [2026-01-01T00:00:00+00:00, a]]"
    assert text_of([]) == "[]"


def test_an_element_with_a_time_has_it_apart():
    """A maximum demand among others keeps value, unit and time; an empty list is still told of."""
    (row,) = rows(Reading("10100200", None, [[Decimal("1.5"), NOW]], "kW"), NOW)
    assert (row["item"], row["value"], row["time"]) == ("10100200[0]", "1.5", NOW.isoformat())
    (row,) = rows(Reading("40110200", None, [], None), NOW)
    assert (row["item"], row["value"]) == ("40110200", "[]")


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        ("F2010200", "F2010200[0]  [RS-485 1, 2400 bit/s 8E1, 0]"),
        ("50040300", "50040300[0]   [1, 00100200, 62]"),
        ("43000500", "43000500  []"),
        ("400A0200", "400A0200  ****-**-** **:**:**"),
        ("200D0600", "200D0600  10^-2 %"),
        ("10100200", "10100200[0]  "),
    ],
)
def test_structures_are_readable(url, item, shown, capsys):
    """Ports, columns of freezes, empty arrays, times that are not set, scalers."""
    assert run(["read", url, item]) == 0
    out = capsys.readouterr().out
    assert out.startswith(shown)
    assert "Decimal" not in out
    assert "datetime" not in out


@pytest.mark.parametrize(
    "words",
    [["--json", "voltage_a", "voltage_b"], ["voltage_a", "--json", "voltage_b"], ["voltage_a", "voltage_b", "--json"]],
)
def test_options_may_stand_anywhere(url, words, capsys):
    """Before, between and behind the items."""
    assert run(["read", url, *words]) == 0
    assert [one["item"] for one in json.loads(capsys.readouterr().out)] == ["voltage_a", "voltage_b"]


def test_options_of_write_and_act_too(url, monkeypatch, capsys):
    """Likewise for what changes a meter."""
    monkeypatch.setenv("METERWIRE_PASSWORD", "00000000")
    assert run(["write", url, "--json", "400E0200=9", "41030200=A7"]) == 0
    assert run(["act", url, "--yes", "freeze", "5"]) == 0
    assert "done" in capsys.readouterr().out
