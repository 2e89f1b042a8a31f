"""A served meter that is killed at any moment: nothing that it acknowledged is lost."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from decimal import Decimal

import pytest

from meterwire.errors import MeterwireError

KILLS = int(os.environ.get("METERWIRE_KILLS", "6"))


class Server:
    """`meterwire serve --state` as a process, with its control surface."""

    def __init__(self, folder, clock="frozen:2026-01-01T00:00:00", dialect="dlt645"):
        words = ["serve", "--state", str(folder), "--clock", clock, "--listen", f"{dialect}+tcp://127.0.0.1:0"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "meterwire", *words, "--control", "tcp://127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        places = {}
        for line in self.process.stdout:
            if line.strip() == "ready":
                break
            name, url = line.split()
            places[name] = url
        self.url = places["listening"]
        host, port = places["control"].removeprefix("tcp://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.file = self.socket.makefile("rwb")

    def send(self, **request):
        self.file.write(json.dumps(request).encode() + b"\n")
        self.file.flush()

    def reply(self):
        line = self.file.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def ask(self, **request):
        self.send(**request)
        reply = self.reply()
        assert reply["ok"], reply
        return reply["value"]

    def end(self, number):
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        self.file.close()
        self.socket.close()
        return self.process.returncode


def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path):
    """Protects the promise of --state: after kill -9 at random moments every acknowledged change is there."""
    chance = random.Random(KILLS)
    acknowledged = requested = 0
    energy = 0.0
    for _ in range(KILLS):
        server = Server(tmp_path)
        count = server.ask(op="get", what="counts").get("cover_open", {"count": 0})["count"]
        assert acknowledged <= count <= requested
        now = float(server.ask(op="get", what="quantity", name="active_energy_import")["value"])
        assert now >= energy
        acknowledged = requested = count
        if server.ask(op="get", what="inputs")["cover_open"]:
            server.ask(op="event", name="cover-closed")
        until = time.monotonic() + chance.uniform(0.05, 0.2)
        while time.monotonic() < until:
            requested += 1
            server.ask(op="event", name="cover-open")
            acknowledged += 1
            server.ask(op="set", what="clock", step=chance.randrange(1, 4000))
            energy = float(server.ask(op="get", what="quantity", name="active_energy_import")["value"])
            server.ask(op="event", name="cover-closed")
        requested += 1
        server.send(op="event", name="cover-open")  # whether this one counts nobody has been told
        time.sleep(chance.uniform(0, 0.01))
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
    assert acknowledged >= KILLS


def test_nothing_written_over_a_protocol_is_lost_by_a_kill(tmp_path):
    """Protects the answer to a write: it leaves after the commit, so what was answered survives kill -9."""
    import meterwire
    from meterwire.protocols.dlt645.credentials import Credentials

    chance, password = random.Random(KILLS), Credentials("000000")
    written = 0
    for _ in range(max(3, KILLS // 3)):
        server = Server(tmp_path)
        server.ask(op="set", what="programming", on=True)
        with meterwire.connect(server.url, address="000000000161") as client:
            found = int(client.read("04001401").value)
            assert found in {written, written + 1}
            written = found
            until = time.monotonic() + chance.uniform(0.05, 0.3)
            while time.monotonic() < until:
                client.write("04001401", Decimal(written + 1), password)
                written += 1
            killer = threading.Timer(chance.uniform(0, 0.01), server.process.kill)
            killer.start()
            with contextlib.suppress(MeterwireError):
                while True:
                    client.write("04001401", Decimal(written + 1), password)
                    written += 1
            killer.join()
        server.end(signal.SIGKILL)
    assert written > 3


def test_nothing_written_over_dlt69845_is_lost_by_a_kill(tmp_path):
    """Protects SET and ACTION likewise: parameters, the relay, and the record of who did it survive kill -9."""
    import meterwire

    chance = random.Random(KILLS)
    written = 0
    for _ in range(2):
        server = Server(tmp_path, dialect="dlt69845")
        with meterwire.connect(server.url, address="000000000161") as client:
            found = int(client.read("4500020C").value or 0) if written else 0
            assert found in {written, written + 1}
            written = found
            client.connect("00000000")
            client.act_text("80008100", "[{F2050201,0,0,false}]")
            until = time.monotonic() + chance.uniform(0.05, 0.3)
            while time.monotonic() < until:
                client.write_text("4500020C", f"long-unsigned:{written + 1}")
                written += 1
            killer = threading.Timer(chance.uniform(0, 0.01), server.process.kill)
            killer.start()
            with contextlib.suppress(MeterwireError):
                while True:
                    client.write_text("4500020C", f"long-unsigned:{written + 1}")
                    written += 1
            killer.join()
        server.end(signal.SIGKILL)
    server = Server(tmp_path)
    assert server.ask(op="get", what="relay")["position"] == "open"
    assert written > 2
    server.end(signal.SIGTERM)


def test_a_password_changed_over_dlms_is_not_lost_by_a_kill(tmp_path):
    """Protects what DLMS/COSEM acknowledges: a changed password and a removed object hold after kill -9, on every link."""
    import meterwire
    from meterwire.protocols.dlms.data import Tag
    from meterwire.protocols.wire.nodes import Variant

    association, changed = bytes((0, 0, 40, 0, 0, 255)), b"87654321"
    server = Server(tmp_path, dialect="dlms")
    with meterwire.connect(f"{server.url}?client=17", secret=b"12345678") as client:
        client.set(15, association, 7, Variant(Tag.OCTET_STRING, changed))
    server.end(signal.SIGKILL)
    for dialect in ("dlms", "dlms-hdlc"):
        server = Server(tmp_path, dialect=dialect)
        with meterwire.connect(f"{server.url}?client=17", secret=changed) as client:
            assert client.read("voltage_a").value > 0
        with pytest.raises(MeterwireError), meterwire.connect(f"{server.url}?client=17", secret=b"12345678") as client:
            client.read("voltage_a")
        server.end(signal.SIGKILL)


def test_a_clean_end_keeps_everything(tmp_path):
    """Protects restarts: clock, registers, loads and inputs go on where they were."""
    server = Server(tmp_path)
    server.ask(op="set", what="load", kind="constant", active=3000)
    server.ask(op="set", what="clock", step=36_000)
    server.ask(op="set", what="wiring", phase="b", turned=True)
    names = ("active_energy_import", "active_energy_export_phase_b", "demand_active_import_max", "date_time")
    before = [server.ask(op="get", what="quantity", name=name) for name in names]
    wiring = server.ask(op="get", what="wiring")
    assert server.end(signal.SIGTERM) == 0
    server = Server(tmp_path)
    assert [server.ask(op="get", what="quantity", name=name) for name in names] == before
    assert server.ask(op="get", what="wiring") == wiring
    assert server.end(signal.SIGINT) == 0


@pytest.mark.parametrize("octets", [b"no database", b"SQLite format 3\x00" + bytes(4000)])
def test_a_damaged_state_is_an_error_in_words(tmp_path, octets):
    """Protects people: a file that is none ends the command with a message and leaves the file alone."""
    (tmp_path / "meter.sqlite3").write_bytes(octets)
    words = ["serve", "--state", str(tmp_path), "--listen", "dlt645+tcp://127.0.0.1:0"]
    done = subprocess.run([sys.executable, "-m", "meterwire", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "meter.sqlite3" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "meter.sqlite3").read_bytes() == octets
