"""`meterwire concentrator` and `serve --concentrator`: as people and programs meet them."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from meterwire.cli.concentrator_plan import plan_in
from meterwire.cli.main import run
from meterwire.emulate_concentrator import emulated_concentrator
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.area import Area, Meters
from meterwire.protocols.dlt69845 import acquisition as a

PLAN = """
[[meters]]
address = "000000000001"
protocol = "dlt645"
[[meters]]
address = "000000000101"
[[schemes]]
number = 1
columns = ["00100201"]
[[schemes]]
number = 2
columns = ["50020200(20000200)"]
way = "interval"
every = "15 minute"
storage = "freeze"
[[tasks]]
number = 1
scheme = 1
every = "1 minute"
start = 2026-01-01T00:00:00
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A concentrator with two meters that it does not know yet, two minutes to a second."""
    area = Area.of([Meters(count=1), Meters(protocol="dlt69845", first="000000000101", count=1)])
    with emulated_concentrator(area, ["dlt69845+tcp://127.0.0.1:0"], clock="x120:2026-01-01T00:00:00") as served:
        yield served.url()


@pytest.fixture
def plan(tmp_path):
    """The plan as a file."""
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def asked(capsys, *words):
    """What a command prints as JSON."""
    assert run(["concentrator", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_plan_is_entered_and_carried_out(url, plan, capsys, monkeypatch):
    """Protects the way of an installer: a plan goes in, and archive, tasks, meters and rows tell what comes of it."""
    monkeypatch.setenv("METERWIRE_PASSWORD", "00000000")
    assert run(["concentrator", url, "enter", str(plan)]) == 0
    assert "5 meters, schemes and tasks" in capsys.readouterr().out
    assert [(row["address"], row["protocol"]) for row in asked(capsys, url, "archive")] == [
        ("000000000001", "dlt645"),
        ("000000000101", "dlt69845"),
    ]
    until = time.monotonic() + 30
    while asked(capsys, url, "tasks")[0]["succeeded"] < 2:
        assert time.monotonic() < until, "the task has never run"
        time.sleep(0.1)
    rows = asked(capsys, url, "rows", "00100201")
    assert [row["meter"] for row in rows] == ["000000000001", "000000000101"]
    assert all(float(row["active_energy_import (kWh)"]) > 0 for row in rows)
    several = asked(capsys, url, "rows", "00100201", "--from", "2026-01-01", "--meter", "000000000101")
    assert {row["meter"] for row in several} == {"000000000101"}
    assert all(row["failures"] == 0 for row in asked(capsys, url, "meters"))


def test_meters_are_read_through_it(url, plan, capsys, monkeypatch):
    """Protects reading through a concentrator: one named meter, and the exit code where one has nothing."""
    monkeypatch.setenv("METERWIRE_PASSWORD", "00000000")
    run(["concentrator", url, "enter", str(plan)])
    capsys.readouterr()
    (found,) = asked(capsys, url, "read", "voltage_a", "--meter", "000000000101")
    assert (found["address"], found["unit"]) == ("000000000101", "V")
    assert run(["concentrator", url, "read", "voltage_a", "--meter", "000000000999"]) == 1
    assert "000000000999" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dlms+tcp://127.0.0.1:1", "archive"], "speaks dlt69845"),
        (["dlt69845+tcp://127.0.0.1:1", "secrets"], "there is no"),
        (["dlt69845+tcp://127.0.0.1:1", "rows"], "say what"),
        (["dlt69845+tcp://127.0.0.1:1", "enter"], "which plan"),
    ],
)
def test_wrong_words_are_told(words, said, capsys):
    """Protects people who mistype: 2, and what would be right."""
    assert run(["concentrator", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "[[meters]]\nadress = '1'",
        "[[schemes]]\nnumber = 1\ncolumns = ['energy']",
        "[[tasks]]\nnumber = 1\nscheme = 1\nevery = 'often'\nstart = 2026-01-01T00:00:00",
        "[[meters",
    ],
)
def test_a_wrong_plan_is_refused_before_anything_is_entered(text, tmp_path):
    """Protects concentrators from half a plan."""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(LocalProtocolError):
        plan_in(path)


def test_a_plan_says_what_python_says(plan):
    """Protects the words of plans: they are the shapes that are entered."""
    first, second, scheme, by_interval, task = plan_in(plan)
    assert first == a.archived(1, "000000000001", a.MeterProtocol.DLT645_2007)
    assert second == a.archived(2, "000000000101")
    assert scheme == a.scheme(1, ["00100201"])
    assert (by_interval.way.kind, by_interval.storage) == (a.Collected.BY_INTERVAL, a.StorageTime.FREEZE)
    assert (task.number, task.scheme, task.every.value) == (1, 1, 1)


def test_it_is_served_until_it_is_interrupted(tmp_path):
    """Protects `serve --concentrator`: endpoint and ready are printed, and it stops cleanly."""
    area = tmp_path / "area.toml"
    area.write_text('clock = "frozen:2026-01-01T00:00:00"\n[concentrator]\narchived = true\n[[meters]]\ncount = 2\n')
    command = [sys.executable, "-m", "meterwire", "serve", "--concentrator", str(area)]
    with subprocess.Popen(
        [*command, "--listen", "dlt69845+tcp://127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            listening = process.stdout.readline()
            assert process.stdout.readline().strip() == "ready"
            served = re.search(r"listening (\S+)", listening)[1]
            assert run(["concentrator", served, "archive"]) == 0
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)
