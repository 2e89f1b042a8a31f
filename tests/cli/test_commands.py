"""The command line as people and programs meet it: results, exit codes, messages."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest

from meterwire.cli.main import run

SERVE = ["--listen", "dlms+tcp://127.0.0.1:0", "--listen", "dlt645+pty:", "--listen", "dlt69845+tcp://127.0.0.1:0"]
FROZEN = ["--profile", "three-phase", "--clock", "frozen:2026-01-01T00:00:00", "--seed", "1"]


def command(*words):
    return [sys.executable, "-m", "meterwire", *words]


class Server:
    """`meterwire serve` as a process."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            command("serve", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.strip() == "ready":
                break

    def url(self, dialect):
        return next(line.split()[1] for line in self.lines if line.startswith(f"listening {dialect}+"))

    @property
    def control(self):
        return next(line.split()[1] for line in self.lines if line.startswith("control "))

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=20)
        return self.process.returncode, out, errors


@pytest.fixture(scope="module")
def server():
    served = Server(*FROZEN, *SERVE, "--control", "tcp://127.0.0.1:0")
    yield served
    code, _, errors = served.stop()
    assert code == 0
    assert not errors


def test_every_endpoint_gives_the_same_value(server, capsys):
    """Protects the main promise on the command line: one meter, one number, whatever URL is read."""
    values = set()
    for dialect in ("dlms", "dlt645", "dlt69845"):
        assert run(["read", server.url(dialect), "active_energy_import", "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert {"item", "quantity", "value", "unit", "time"} <= set(row)
        assert row["item"] == row["quantity"] == "active_energy_import"
        assert isinstance(row["value"], str)
        assert "error" not in row
        values.add((row["value"], row["unit"]))
    assert len(values) == 1


def test_read_as_a_process_prints_json_and_nothing_else(server):
    """Protects programs that read our output: stdout is one JSON array."""
    url = server.url("dlms")
    done = subprocess.run(
        command("read", url, "voltage_a", "1-0:1.8.0", "--json"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["item"] for row in json.loads(done.stdout)] == ["voltage_a", "1-0:1.8.0"]


@pytest.mark.parametrize(
    ("dialect", "item", "code"),
    [("dlt645", "0001FE00", 2), ("dlt69845", "0FF00200", None), ("dlms", "3/1-0:99.98.0/2", 4)],
)
def test_a_refused_item_is_an_error_among_values(server, capsys, dialect, item, code):
    """Protects people who read many items: the failed one says why, the others are there, exit status 1."""
    assert run(["read", server.url(dialect), item, "voltage_a", "--json"]) == 1
    failed, fine = json.loads(capsys.readouterr().out)
    assert failed["value"] is None
    assert failed["error"]["text"]
    if code is not None:
        assert failed["error"]["code"] == code
    assert fine["value"]


def test_a_quantity_without_a_name_in_the_dialect_fails_alone(server, capsys):
    """Protects lists of quantities used for every dialect: what one of them cannot name is said, the rest is read."""
    assert run(["read", server.url("dlt69845"), "voltage_a", "date", "--json"]) == 1
    fine, failed = json.loads(capsys.readouterr().out)
    assert fine["value"]
    assert "no name" in failed["error"]["text"]


def test_for_people(server, capsys):
    """Protects the plain output: item, value and unit on one line."""
    assert run(["read", server.url("dlt645"), "voltage_a", "02020100"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"voltage_a +\d+\.\d V", lines[0])
    assert re.fullmatch(r"02020100 +\d+\.\d+ A", lines[1])


def test_trace_shows_frames(server, capsys):
    """Protects seeing what went over the wire: octets and the dissection, on stderr."""
    assert run(["read", server.url("dlt645"), "voltage_a", "--trace"]) == 0
    shown = capsys.readouterr().err
    assert "-> " in shown
    assert "<- " in shown
    assert "dlt645.Frame" in shown
    assert "checksum" in shown


def test_record_keeps_the_session(server, tmp_path, capsys):
    """Protects the recording: a pcapng whose frames decode."""
    assert run(["read", server.url("dlms"), "voltage_a", "--record", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("*.pcapng")
    capsys.readouterr()
    assert run(["decode", str(file), "--json"]) == 0
    frames = json.loads(capsys.readouterr().out)
    assert len(frames) >= 4
    assert {frame["dialect"] for frame in frames} == {"dlms"}


def test_the_meter_can_be_changed_while_it_is_read(server, capsys):
    """Protects the control surface: a phase goes, a phase comes back, and the reader sees it."""
    url = server.url("dlt69845")
    assert run(["meter", server.control, "set", "phase", "b", "off"]) == 0
    capsys.readouterr()
    assert run(["read", url, "voltage_b"]) == 0
    assert re.search(r"voltage_b +0\.0 V", capsys.readouterr().out)
    assert run(["meter", server.control, "set", "phase", "b", "on"]) == 0
    capsys.readouterr()
    assert run(["meter", server.control, "get", "clock", "--json"]) == 0
    (reply,) = json.loads(capsys.readouterr().out)
    assert reply["ok"]
    assert run(["meter", server.control, "set", "phase", "q", "off"]) != 0
    assert "q" in capsys.readouterr().err


def test_a_silent_line_is_said_in_words(capsys):
    """Protects people from tracebacks: who did not answer, at which settings, after how many tries, what to check."""
    ours, theirs = pty.openpty()
    try:
        path = os.ttyname(theirs)
        url = f"dlt645+serial://{path}?timeout=0.05"
        assert run(["read", url, "voltage_a", "--address", "000000000161"]) == 1
    finally:
        os.close(ours)
        os.close(theirs)
    said = capsys.readouterr()
    assert said.out == ""
    assert "no answer from 000000000161 at 2400 8E1 after 3 tries: check parity and address" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ["read", "dlt645+tcp://127.0.0.1", "voltage_a"],
        ["read", "nonsense", "voltage_a"],
        ["read", "dlms+tcp://127.0.0.1:1", "no_such_quantity"],
        ["read", "dlms+tcp://127.0.0.1:1"],
        ["serve"],
        ["serve", "--listen", "dlt645+tcp://127.0.0.1"],
        ["serve", "--listen", "dlms+tcp://127.0.0.1:0", "--profile", "steam"],
        ["nonsense"],
        ["read", "dlms+tcp://127.0.0.1:1", "voltage_a", "--no-such-option"],
        ["decode", "68zz"],
        ["meter", "tcp://127.0.0.1:1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(words, capsys):
    """Protects scripts: a mistake in the command is told from a meter that says no, and never shown as a traceback."""
    assert run(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("meterwire: ")
    assert "Traceback" not in said.err


def test_nobody_there_is_exit_1(capsys):
    """Protects scripts: a port that refuses is the peer's no, told with its place."""
    assert run(["read", "dlms+tcp://127.0.0.1:1", "voltage_a"]) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_serve_stops_cleanly_on_interrupt():
    """Protects terminals: SIGINT ends the server without noise."""
    served = Server(*FROZEN, "--listen", "dlms+tcp://127.0.0.1:0")
    code, out, errors = served.stop(signal.SIGINT)
    assert (code, out, errors) == (0, "", "")


def test_read_can_be_interrupted():
    """Protects terminals: an interrupted read is exit 130 without a traceback."""
    ours, theirs = pty.openpty()
    try:
        url = f"dlt645+serial://{os.ttyname(theirs)}?timeout=30"
        process = subprocess.Popen(command("read", url, "voltage_a"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.read(ours, 1)  # it has begun to ask
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in errors


def test_a_warning_off_loopback():
    """Protects people who put test secrets on a network: it is said loudly."""
    served = Server(*FROZEN, "--listen", "dlms+tcp://0.0.0.0:0")
    code, _, errors = served.stop()
    assert code == 0
    assert "WARNING" in errors
    assert "test secrets" in errors


def test_demo_agrees(capsys):
    """Protects the first thing a stranger sees: at least twenty quantities, equal through all dialects."""
    assert run(["demo"]) == 0
    shown = capsys.readouterr().out
    assert int(re.search(r"(\d+) of \d+ quantities read the same", shown)[1]) >= 20
    assert " NO" not in shown


def test_quantities_has_three_names(capsys):
    """Protects the table as people look things up in it."""
    assert run(["quantities", "active_energy_import", "--json"]) == 0
    row = next(r for r in json.loads(capsys.readouterr().out) if r["quantity"] == "active_energy_import")
    assert (row["di"], row["oad"], row["obis"]) == ("00010000", "00100201", "3/1-0:1.8.0/2")
    assert run(["quantities", "flux_capacitor"]) == 1


def test_help_imports_nothing_heavy():
    """Protects the start of the command: help needs neither asyncio nor numpy, construct, cryptography or serial."""
    code = "import sys; from meterwire.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {"numpy", "construct", "cryptography", "serial", "hypothesis", "meterwire.protocols.wire.codec"}
    for word in ("demo", "serve", "meter", "read", "decode", "quantities"):
        assert word in done.stdout
