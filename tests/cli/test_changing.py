"""`write`, `act` and reading many: what people type, what a meter does, what they are told."""

import json

import pytest

from meterwire.cli.main import run
from meterwire.emulate import emulated
from meterwire.meter_model.device import Device

URL = "dlt645+tcp://127.0.0.1:0"


@pytest.fixture
def served(monkeypatch):
    """A served meter whose programming switch is on, and the test password in the environment."""
    monkeypatch.setenv("METERWIRE_PASSWORD", "000000")
    with emulated(Device.of_profile("three-phase"), [URL], clock="frozen:2026-01-01T00:00:00") as meter:
        meter.call(setattr, meter.emulation.meter.access, "programming", True)
        yield meter


def meter_of(served):
    return served.emulation.meter


def test_items_are_written_by_value(served, capsys):
    """Numbers, times, flags, tables, octets; one line each."""
    words = ["04001401=7", "04000106=26-05-01 02:30", "04000601=0x09", "04000B02=15 12", "04000103=hex:30"]
    table = '04010001=[[4, "00:00"], [1, "08:00"]]'
    assert run(["write", served.url("dlt645"), *words, table, "--operator", "42"]) == 0
    assert capsys.readouterr().out.count("written") == 6
    held = meter_of(served).parameters
    assert (held["trip_delay"], held["active_combination"], held["demand_period"]) == (7, 9, 30)
    assert held["day_schedule_1_1"] == ((0, 4), (480, 1))
    assert meter_of(served).programming.last(1)[0].operator == "00000042"


def test_a_refused_item_ends_with_1_and_the_others_are_written(served, capsys):
    """In words."""
    assert run(["write", served.url("dlt645"), "04000103=0", "04001401=7", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["written"] for row in rows] == [False, True]
    assert rows[0]["error"] == "refused: other"


def test_a_wrong_password_is_told_in_words(served, capsys, monkeypatch, tmp_path):
    """From a file as well as from the environment; never from the command line."""
    file = tmp_path / "password"
    file.write_text("123456\n")
    assert run(["write", served.url("dlt645"), "04001401=7", "--password-file", str(file)]) == 1
    assert "password wrong or unauthorised" in capsys.readouterr().out
    monkeypatch.delenv("METERWIRE_PASSWORD")
    assert run(["write", served.url("dlt645"), "04001401=7"]) == 2
    assert "METERWIRE_PASSWORD" in capsys.readouterr().err
    assert run(["write", served.url("dlt645"), "04001401=7", "--password-file", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize(
    "item", ["04001401", "=5", "nothing=1", "04001401=many", "04000601=x", "04010001=[", "04001401=hex:0"]
)
def test_what_is_no_assignment_is_wrong_usage(served, item, capsys):
    """Exit code 2, and nothing written."""
    assert run(["write", served.url("dlt645"), item]) == 2
    assert meter_of(served).programming.count == 0
    assert capsys.readouterr().err.startswith("meterwire: ")


@pytest.mark.parametrize(
    ("words", "position"),
    [
        (["trip"], "open"),
        (["trip-then-close", "10"], "open"),
        (["permit-close"], "closed"),
        (["close"], "closed"),
        (["keep-power"], "closed"),
        (["alarm"], "closed"),
    ],
)
def test_orders_to_the_relay(served, words, position, capsys):
    """They hold for five minutes of the meter's own clock, whatever the computer's shows."""
    assert run(["act", served.url("dlt645"), *words, "--yes"]) == 0
    assert capsys.readouterr().out == f"{words[0]}: done\n"
    assert meter_of(served).relay.position == position


@pytest.mark.parametrize(
    "words",
    [
        ["trip"],
        ["close"],
        ["clear-demand"],
        ["clear-meter"],
        ["clear-events"],
        ["change-password", "4"],
        ["set-address", "7"],
    ],
)
def test_what_moves_clears_or_changes_keys_needs_yes(served, words, capsys):
    """And does nothing without it."""
    assert run(["act", served.url("dlt645"), *words]) == 2
    assert "--yes" in capsys.readouterr().err
    assert meter_of(served).relay.position == "closed"
    assert meter_of(served).programming.count == 0


def test_clearings_passwords_address_speed_and_the_rest(served, capsys, monkeypatch, tmp_path):
    """Each order once, through all layers."""
    url = served.url("dlt645")
    file = tmp_path / "new"
    file.write_text("111111")
    assert run(["act", url, "clear-demand", "--yes"]) == 0
    assert run(["act", url, "clear-events", "033000FF", "--level", "2", "--yes"]) == 0
    assert run(["act", url, "change-password", "4", "--new-password-file", str(file), "--yes"]) == 0
    assert run(["act", url, "clear-demand", "--yes"]) == 1
    assert run(["act", url, "clear-demand", "--password-file", str(file), "--yes"]) == 0
    assert run(["act", url, "clear-meter", "--level", "2", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("done\n")[-1])[0]["done"] is True
    assert run(["act", url, "change-baud", "9600", "--yes"]) == 0
    assert run(["act", url, "set-output", "rate-switch"]) == 0
    assert run(["act", url, "set-address", "202603040017", "--yes"]) == 0
    assert run(["act", url, "set-time"]) == 0
    held = meter_of(served).parameters
    assert (held["address"], held["baud_port_1"], held["output_signal"]) == ("202603040017", 9600, 2)
    assert meter_of(served).events.count("meter_clear") == 1


@pytest.mark.parametrize(
    "words",
    [[], ["dance"], ["trip", "5"], ["trip-then-close"], ["trip-then-close", "7"], ["set-output", "x"], ["change-baud", "x"],
     ["change-baud", "300"], ["clear-events", "zz"], ["change-password"], ["freeze", "1"]],
)  # fmt: skip
def test_orders_that_are_none_are_wrong_usage(served, words, capsys):
    """With what can be said instead."""
    assert run(["act", served.url("dlt645"), *words, "--yes"]) == 2
    assert capsys.readouterr().err.startswith("meterwire: ")


def test_a_refused_order_ends_with_1(served, capsys):
    """The reason in words."""
    meter_of(served).relay.guard(True)
    assert run(["act", served.url("dlt645"), "trip", "--yes"]) == 1
    assert "refused: other" in capsys.readouterr().err


def test_many_meters_are_read_and_one_that_fails_stops_nobody(served, capsys, tmp_path):
    """Each under its address; the exit code tells that one failed."""
    file = tmp_path / "addresses"
    file.write_text("161  # in the hall\n\n999\n000000000161\n")
    url = served.url("dlt645") + "?timeout=0.2&tries=1"
    assert run(["read", url, "voltage_a", "04000401", "--addresses", str(file), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["address"], "error" in row) for row in rows] == [
        ("161", False),
        ("161", False),
        ("999", True),
        ("999", True),
        ("000000000161", False),
        ("000000000161", False),
    ]
    assert run(["read", url, "voltage_a", "--addresses", str(file)]) == 1
    assert capsys.readouterr().out.split()[0] == "161:"
    file.write_text("# nobody\n")
    assert run(["read", url, "voltage_a", "--addresses", str(file)]) == 2


@pytest.mark.parametrize("edition", ["2007", "auto"])
def test_the_edition_can_be_said_or_found_out(served, capsys, edition):
    """A meter of 2007 is read either way."""
    assert run(["read", served.url("dlt645"), "voltage_a", "--edition", edition]) == 0
    assert capsys.readouterr().out.startswith("voltage_a")
    assert run(["read", served.url("dlt645"), "voltage_a", "--edition", "1984"]) == 2
