"""The command line with DL/T 698.45: tables, writes, orders, and objects that a province has added."""

import csv
import io
import json
import time

import msgspec
import pytest

from meterwire.cli.main import run
from meterwire.cli.meter import request
from meterwire.cli.profile_dlt69845 import name_of
from meterwire.emulate import emulated
from meterwire.meter_model.control import Control
from meterwire.meter_model.device import Device
from meterwire.meter_model.inputs import Inputs
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.stored_rows import heading_of

DAY = 86_400


@pytest.fixture(scope="module")
def served():
    """A meter that has lived for three days and an hour, through two dialects."""
    listen = ["dlt645+tcp://127.0.0.1:0", "dlt69845+tcp://127.0.0.1:0"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as meter:
        meter.call(meter.emulation.meter.clock.step, 3 * DAY + 3_600)
        yield meter


@pytest.fixture
def password(monkeypatch, served):
    """The test password in the environment, and the programming switch on."""
    monkeypatch.setenv("METERWIRE_PASSWORD", "00000000")
    served.call(setattr, served.emulation.meter.access, "programming", True)


def table(served, dialect, *words, capsys):
    """Heading and rows of a profile."""
    assert run(["profile", served.url(dialect), *words]) == 0
    lines = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    return lines[0], lines[1:]


@pytest.mark.parametrize(
    "words", [["day"], ["hour", "--count", "5"], ["load", "--from", "2026-01-02", "--to", "2026-01-02T06:00"]]
)
def test_tables_are_those_of_dlt645(served, words, capsys):
    """Every column that both dialects store has the same name, the same times and the same values in both."""
    heading, rows = table(served, "dlt69845", *words, capsys=capsys)
    other, expected = table(served, "dlt645", *words, capsys=capsys)
    shared = [name for name in heading if name in other]
    missing = [name for name in other if name not in heading and name != "state"]
    assert not missing
    assert len(shared) == len(heading)
    for name in shared:
        assert [row[heading.index(name)] for row in rows] == [row[other.index(name)] for row in expected], name


def test_tables_as_json_and_events(served, capsys):
    """JSON has the same columns with item and time; the records of an event are a table too."""
    assert run(["profile", served.url("dlt69845"), "day", "--count", "1", "--json"]) == 0
    said = capsys.readouterr()
    (row,) = json.loads(said.out)
    assert (row["item"], row["time"]) == ("50040200", "2026-01-04T00:00:00+08:00")
    assert row["columns"]["forward active energy, total (kWh)"]
    assert said.err == "reading records (day)\n1 row, 2026-01-04T00:00:00+08:00 to 2026-01-04T00:00:00+08:00\n"
    meter = served.emulation.meter
    served.call(meter.change_inputs, msgspec.structs.replace(meter.inputs, cover_open=True))
    assert run(["profile", served.url("dlt69845"), "301B"]) == 0
    assert capsys.readouterr().out.startswith("time,event record number,event end time,event source")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["days"], "is no record table"),
        (["day", "--edition", "1997"], "is for DL/T 645"),
        (["day", "--count", "0"], "1 to 255"),
        (["day", "--objects", "/nowhere"], "cannot be read"),
    ],
)
def test_wrong_profiles_are_told(served, words, reason, capsys):
    """Wrong usage ends with 2, in words."""
    assert run(["profile", served.url("dlt69845"), *words]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.usefixtures("password")
def test_attributes_are_written_by_value(served, capsys):
    """Typed by the table, or with the type in front; what the meter refuses is told in words with exit code 1."""
    assert run(["write", served.url("dlt69845"), "40000200=2026-01-04T01:00:30", "400D0200=unsigned:4"]) in (0, 1)
    said = capsys.readouterr().out
    assert "40000200  written" in said
    assert run(["write", served.url("dlt69845"), "00100201=1"]) == 1
    assert "denied" in capsys.readouterr().out
    assert run(["write", served.url("dlt69845"), "40000200=tomorrow"]) == 2
    assert "is no date_time_s" in capsys.readouterr().err


def test_a_wrong_password_is_told(served, tmp_path, capsys):
    """The connection is refused, and nothing is written."""
    file = tmp_path / "password"
    file.write_text("123456")
    assert run(["write", served.url("dlt69845"), "40000200=2026-01-04T01:00:30", "--password-file", str(file)]) == 1
    assert "password wrong" in capsys.readouterr().err


@pytest.mark.usefixtures("password")
def test_orders(served, capsys):
    """What moves the relay needs --yes; names, OMDs and method names do the same."""
    url = served.url("dlt69845")
    assert run(["act", url, "trip"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert run(["act", url, "trip", "--yes"]) == 0
    assert capsys.readouterr().out == "trip: done\n"
    assert run(["act", url, "close", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"command": "close", "done": True}]
    assert run(["act", url, "8000.trip", "[{F2050201,0,5,true}]", "--yes"]) == 0
    assert run(["act", url, "80008200", "[{F2050201,1}]", "--yes"]) == 0
    assert run(["act", url, "freeze"]) == 0
    assert run(["act", url, "set-time"]) == 0
    capsys.readouterr()
    for words in (["fly"], ["8000.fly"], ["close", "now"], []):
        assert run(["act", url, *words, "--yes"]) == 2
    assert "say what to do" in capsys.readouterr().err
    assert run(["act", url, "43007700", "NULL:", "--yes"]) == 1
    assert "refused" in capsys.readouterr().err


def test_objects_of_a_province(served, tmp_path, capsys):
    """A file of objects gives names in `decode` and types in `write`; a wrong one is refused with its line."""
    file = tmp_path / "province.csv"
    file.write_text("oi,name,type,scale,unit\nE001,oil temperature,long,-1,degC\n", encoding="utf-8")
    apdu = "85 01 01 E0 01 02 00 01 10 00 FB 00 00"
    assert run(["decode", apdu, "--dialect", "dlt69845", "--objects", str(file)]) == 0
    said = capsys.readouterr().out
    assert "oil temperature" in said
    assert "25.1 degC" in said
    assert run(["read", served.url("dlt69845"), "E0010200", "--objects", str(file)]) == 1
    assert "object undefined" in capsys.readouterr().out
    assert run(["read", served.url("dlt645"), "02010100", "--objects", str(file)]) == 2
    file.write_text("oi,name\nQQ,nothing\n")
    assert run(["decode", apdu, "--dialect", "dlt69845", "--objects", str(file)]) == 2
    assert "line 2" in capsys.readouterr().err


def test_whole_attributes_and_elements_are_read(served, capsys):
    """An array gives all its elements, an index one of them."""
    assert run(["read", served.url("dlt69845"), "00100200", "00100202", "active_energy_import_rate_1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["item"] for row in rows][:5] == [f"00100200[{place}]" for place in range(5)]
    assert rows[1]["value"] == rows[5]["value"] == rows[6]["value"]


def test_names_of_columns_without_a_counterpart_are_their_own():
    """An object that DL/T 645 has no data for keeps its own name."""
    assert name_of(heading_of(Oad.of("20260200")), "day") == "voltage unbalance"


def test_listens_to_reports(capsys):
    """Values, a record and octets of a port, which the control surface lets a meter say unasked; each is acknowledged."""
    listen = ["dlt69845+tcp://127.0.0.1:0?tag=60"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as meter:
        model = meter.emulation.meter
        control = Control(model)
        asked = json.dumps(request(["set", "report", "items=voltage_a"])).encode()
        assert json.loads(meter.call(control.reply, asked))["value"]["allowed"] is False
        meter.call(model.reports.settle, model.reports.passed[0])
        for name, value in (("active_report", 1), ("report_channel_count", 1)):
            meter.call(model.parameters.set, name, value)
        meter.call(model.reports.set_flag, "cover_open", 1)
        for asked in (
            request(["set", "report", "items=voltage_a,00100201,20000200"]),
            request(["set", "report", "port=F2010202", "octets=6816FF"]),
            request(["set", "cover", "open"]),
        ):
            assert json.loads(meter.call(control.reply, json.dumps(asked).encode()))["ok"]
        wrong = json.dumps({"op": "set", "what": "report", "items": ["nothing"]}).encode()
        assert not json.loads(meter.call(control.reply, wrong))["ok"]
        url = meter.url("dlt69845").partition("?")[0]
        assert run(["listen", url, "--count", "1", "--seconds", "20"]) == 0
        assert run(["listen", url, "--count", "2", "--seconds", "20", "--json"]) == 0
        for _ in range(100):  # the last receipt may still be on its way
            if not meter.call(lambda: model.reports.notices or model.reports.passed):
                break
            time.sleep(0.02)
        assert not model.reports.notices
        assert not model.reports.passed
    text, _, rest = capsys.readouterr().out.partition("{")
    assert "report from 000000000161 at 2026-01-01T00:00:00+08:00" in text
    assert "301B0200 cover open" in text
    values, octets = (json.loads(line) for line in ("{" + rest).splitlines())
    assert [one["quantity"] for one in values["readings"]] == ["voltage_a", "active_energy_import", None]
    assert len(values["readings"][2]["value"]) == 3
    assert (octets["port"], octets["frames"]) == ("F2010202", ["6816FF"])


def test_sends_and_runs_a_file(served, password, tmp_path, capsys):
    """send-file tells how much went; a second time nothing has to go; run-file makes it run."""
    image = bytes(range(256)) * 20
    file = tmp_path / "fw.bin"
    file.write_bytes(image)
    url = served.url("dlt69845")
    assert run(["act", url, "send-file", str(file)]) == 2
    assert run(["act", url, "send-file", str(file), "--yes"]) == 0
    assert run(["act", url, "send-file", str(file), "--yes"]) == 0
    out = capsys.readouterr().out
    assert "10 blocks sent, 5120 octets checked" in out
    assert "0 blocks sent" in out
    assert run(["act", url, "run-file", "2026-01-01T00:00:00", "--yes"]) == 0
    assert served.emulation.meter.files.program(0, len(image)) == image
    assert run(["act", url, "send-file", str(tmp_path / "none"), "--yes"]) == 2


def test_what_a_meter_tells_in_passing_is_shown(capsys):
    """An event that comes with the answer to a read stands on stderr, and the readings alone on stdout."""
    with emulated(Device.of_profile("three-phase"), ["dlt69845+tcp://127.0.0.1:0"], clock="frozen:2026-01-01") as meter:
        model = meter.emulation.meter
        meter.call(model.parameters.set, "follow_report", 1)
        meter.call(model.reports.set_flag, "cover_open", 1)
        meter.call(model.change_inputs, Inputs(cover_open=True))
        assert run(["read", meter.url("dlt69845"), "voltage_a", "--json"]) == 0
    found = capsys.readouterr()
    assert [one["item"] for one in json.loads(found.out)] == ["voltage_a"]
    assert "report in passing from 000000000161" in found.err
    assert "301B0200 cover open" in found.err
