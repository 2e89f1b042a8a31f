"""`meterwire scan`: what it tries, how long it says that takes, whom it finds, and what it advises when nobody is there."""

import asyncio
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from meterwire.cli.main import run
from meterwire.cli.scan_progress import LiveProgress, PlainProgress, progress
from meterwire.emulate import emulated
from meterwire.meter_model.device import Device
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer, LineSettings
from meterwire.protocols.dlt645.questions import BAUDS, attention_for
from meterwire.protocols.listening import Tally
from meterwire.scanning.plan import Trial, advice, estimate, estimate_search, stages
from meterwire.transports.bus import Bus
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.filtering import wrap
from meterwire.transports.serve import serve

ADDRESS = "000000000161"
QUICK = "timeout=0.15"


@pytest.fixture(scope="module")
def meter():
    """A served meter: a port that hears 1200 baud alone, and the other dialects."""
    listen = ["dlt645+pty:?baud=1200", "dlt645+tcp://127.0.0.1:0", "dlt69845+pty:", "dlms+tcp://127.0.0.1:0"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as served:
        yield served


def url(meter, dialect, options=QUICK, carrier=None):
    found = [
        Endpoint.parse(one)
        for one in meter.emulation.urls
        if one.startswith(f"{dialect}+") and (carrier is None or carrier in one)
    ]
    return str(Endpoint.parse(f"{dialect}+{found[0].transport}://{found[0].place}?{options}"))


def scanned(capsys, *words):
    """Exit code, the JSON, and what was said to people."""
    code = run(["scan", *words, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


class Responding:
    """Answers whatever ends like a frame."""

    def __init__(self, answer):
        self.answer = answer

    def receive(self, octets, now):
        return [Answer(self.answer(octets))] if octets.endswith(b"\x16") else []

    def idle(self, now):
        return []


@contextmanager
def port(answer):
    """A URL of a port on which every request is answered by a function."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        line = asyncio.run_coroutine_threadsafe(serve("dlt645+pty:", lambda: Responding(answer)), loop).result(10)
        yield f"dlt645+serial://{line.endpoint.path}?baud=2400&timeout=0.05"
        asyncio.run_coroutine_threadsafe(line.aclose(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


# ---------------------------------------------------------------- the plan


def test_speeds_and_parities_of_a_serial_port():
    """Protects the order: every speed of the standard with even parity first, the other parities only later."""
    first, later = stages(Endpoint.parse("dlt645+serial:///dev/ttyUSB0"), BAUDS)
    assert [str(one) for one in first.settings] == [f"{baud} 8E1" for baud in (2400, 1200, 9600, 4800, 19200, 600)]
    assert [str(one) for one in later.settings] == [f"{baud} 8{parity}1" for parity in "NO" for baud in BAUDS]


@pytest.mark.parametrize(
    ("options", "tried"),
    [
        ("baud=9600&parity=N", ["9600 8N1"]),
        ("baud=9600", ["9600 8E1", "9600 8N1", "9600 8O1"]),
        ("parity=O", [f"{baud} 8O1" for baud in BAUDS]),
    ],
)
def test_what_the_url_gives_is_kept(options, tried):
    """Protects people who know a part: only the rest is tried."""
    plan = stages(Endpoint.parse(f"dlt645+serial:///dev/ttyUSB0?{options}"), BAUDS)
    assert [str(one) for stage in plan for one in stage.settings] == tried


def test_behind_a_gateway_only_addresses_are_scanned():
    """Protects raw TCP bridges: their speed and parity are not ours to change; nor has a pseudo-terminal a parity."""
    assert [stage.settings for stage in stages(Endpoint.parse("dlt645+tcp://10.0.0.7:6000"), BAUDS)] == [(None,)]
    (only,) = stages(Endpoint.parse("dlt645+serial:///dev/pts/3"), BAUDS, pseudo=True)
    assert {one.parity for one in only.settings} == {"E"}


def test_the_estimate_is_the_sum_of_the_time_outs():
    """Protects the estimate from being a guess: questions times the time that each waits, in words."""
    plan = stages(Endpoint.parse("dlt645+serial:///dev/ttyUSB0"), BAUDS)
    wanted = sum(3 * attention_for(LineSettings(baud, 8, "E")).begin for baud in BAUDS)
    assert plan[0].seconds(3, attention_for) == pytest.approx(wanted)
    first, later = estimate(plan, 3, attention_for, "nothing")
    assert first == f"about {round(wanted)} s for {', '.join(map(str, BAUDS))} bit/s 8E1 if nobody answers"
    assert "8N1 and 8O1" in later
    settings = LineSettings(2400, 8, "E")
    begin = attention_for(settings).begin
    assert estimate_search((10, 110), settings, attention_for(settings)).startswith(
        f"where several meters answer at once, {round(10 * begin)} s to {round(110 * begin)} s more"
    )


# ---------------------------------------------------------------- who is found


def test_the_speed_of_a_meter_is_found(meter, capsys):
    """Protects the main use: on a port whose speed nobody knows the meter is found, with the URL that reads it."""
    code, (row,), said = scanned(capsys, url(meter, "dlt645", carrier="serial"))
    assert code == 0
    assert (row["dialect"], row["address"], row["settings"], row["edition"]) == ("dlt645", ADDRESS, "1200 8E1", 2007)
    assert "2400 8E1: nobody found" in said
    assert f"1200 8E1: {ADDRESS} answers" in said
    assert said.startswith("about ")
    assert run(["read", row["url"], "voltage_a", "--address", row["address"]]) == 0


def test_addresses_behind_a_gateway(meter, capsys):
    """Protects TCP bridges: the meter is found by its address, without settings."""
    code, (row,), said = scanned(capsys, url(meter, "dlt645", carrier="tcp"))
    assert code == 0
    assert (row["address"], row["settings"], row["edition"]) == (ADDRESS, None, 2007)
    assert "speed and parity being the gateway's" in said


def test_the_other_dialects(meter, capsys):
    """Protects DL/T 698.45 and DLMS in their simple form: the wildcard, and the servers that answer."""
    code, (row,), _ = scanned(capsys, url(meter, "dlt69845", "baud=9600&" + QUICK))
    assert (code, row["address"], row["settings"]) == (0, ADDRESS, "9600 8E1")
    code, (row,), said = scanned(capsys, url(meter, "dlms"))
    assert (code, row["address"]) == (0, "1")
    assert row["note"].startswith("client 16, MWR0000000000161; want authentication: 1, 17")
    assert "servers 1, 2, 3, 4, 16, 17" in said


def test_for_people(meter, capsys):
    """Protects the plain output: one line for each meter on stdout, everything else on stderr."""
    assert run(["scan", url(meter, "dlt645", carrier="tcp")]) == 0
    assert capsys.readouterr().out == f"DL/T 645-2007  {ADDRESS}\n"


def test_a_meter_that_is_not_of_the_edition(meter, capsys):
    """Protects `--edition`: a meter of 2007 is none of 1997."""
    code, rows, said = scanned(capsys, url(meter, "dlt645", carrier="tcp"), "--edition", "1997")
    assert (code, rows) == (1, [])
    assert "meterwire: " in said


@pytest.fixture
def wires(monkeypatch):
    """A bus with UARTs in place of the serial port, on virtual time."""
    bus = Bus()

    def open_on_bus(endpoint, *filters):
        return wrap(bus.line(endpoint.settings, echo="on"), *filters)

    monkeypatch.setattr("meterwire.cli.scan.open_line", open_on_bus)
    return bus


@pytest.mark.parametrize("settings", ["600 8E1", "19200 8E1", "4800 8N1", "1200 8O1"])
def test_speed_and_parity_on_a_line_that_has_them(settings, wires, capsys):
    """Protects the scan where it matters: a meter with any speed and parity is found with them, through an echo."""
    baud, character = settings.split()
    wires.attach(Face645(Meter()).connect(), LineSettings(int(baud), 8, character[1]), delay=0.3)
    code, (row,), said = scanned(capsys, "dlt645+serial:///dev/ttyUSB0?echo=on")
    assert (code, row["address"], row["settings"]) == (0, ADDRESS, settings)
    if character == "8E1":
        assert "8N1: nobody" not in said
    told = sum(int(word) for word in re.findall(r"about (\d+) s", said))
    assert wires.clock.now() <= told + 3


def test_meters_at_two_speeds_on_one_bus(wires, capsys):
    """Protects buses that were never set up alike: all speeds are tried though somebody was found."""
    for number, baud in (("000000000161", 9600), ("000000000162", 1200), ("000000000163", 1200)):
        wires.attach(Face645(Meter(identity=Identity(number=number))).connect(), LineSettings(baud, 8, "E"))
    _, rows, _ = scanned(capsys, "dlt645+serial:///dev/ttyUSB0?echo=on")
    assert {row["address"]: row["settings"] for row in rows} == {
        "000000000161": "9600 8E1",
        "000000000162": "1200 8E1",
        "000000000163": "1200 8E1",
    }


# ---------------------------------------------------------------- advice


def test_advice_when_nothing_comes(capsys):
    """Protects people in front of a dead line: what to check, on a port and behind a gateway."""
    ours, theirs = pty.openpty()
    try:
        code, rows, said = scanned(capsys, f"dlt645+serial://{os.ttyname(theirs)}?baud=2400&timeout=0.02")
    finally:
        os.close(ours)
        os.close(theirs)
    assert (code, rows) == (1, [])
    assert "nothing came back at all: check that A and B are not swapped" in said
    assert "the gateway" in advice([Trial(None, Tally(asked=3))], 0, serial=False)[0]


@pytest.mark.parametrize("echo", ["auto", "on", "off"])
def test_advice_when_only_our_own_octets_come_back(echo, capsys):
    """Protects people whose adapter echoes: the port is right, so the fault is beyond it; however echoes are dropped."""
    with port(lambda octets: octets) as place:
        code, rows, said = scanned(capsys, f"{place}&echo={echo}")
    assert (code, rows) == (1, [])
    assert "only our own octets came back (54 of them)" in said
    assert "garbage" not in said


def test_advice_when_garbage_comes(capsys):
    """Protects people with a wrong parity: what came is shown, with where, and noise is not taken for meters."""
    with port(lambda octets: bytes(range(0xC0, 0xD0))) as place:
        code, rows, said = scanned(capsys, place)
    assert (code, rows) == (1, [])
    assert "2400 8E1 octets come back even from an address that nobody has" in said
    assert "C0 C1 C2" in said


def test_each_kind_of_trouble_gets_its_own_advice():
    """Protects the difference between parity, collisions and other masters: no two get the same words."""
    at = LineSettings(2400, 8, "E")
    heard = Tally(asked=3, garbage=40, sample=bytes(32))
    texts = [
        *advice([Trial(at, heard)], 0, serial=True),
        *advice([Trial(at, heard, several=True)], 0, serial=True),
        *advice([Trial(at, heard, noisy=True)], 0, serial=True),
        *advice([Trial(at, Tally(asked=3, foreign=2))], 0, serial=True),
        *advice([Trial(at, Tally(asked=3))], 0, serial=True),
        *advice([Trial(at, Tally(asked=3))], 60, serial=True),
    ]
    assert len(set(texts)) == len(texts) == 6
    assert "parity or speed" in texts[0]
    assert "--address" in texts[1]
    assert "termination" in texts[2]
    assert "another master" in texts[3]
    assert all("2400 8E1" in text for text in texts[:4])
    assert "40 octets: 00 00" in texts[0]


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["gdw376-2+serial:///dev/ttyUSB0"],
        ["dlt645+tcp://127.0.0.1:1", "--edition", "1987"],
        ["dlms+tcp://127.0.0.1:1", "--edition", "2007"],
        ["dlt69845+tcp://127.0.0.1:1", "--thorough"],
        ["dlt645+hplc+tcp://127.0.0.1:1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(words, capsys):
    """Protects scripts: what cannot be scanned is told before anything is opened."""
    assert run(["scan", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("meterwire: ")


def test_a_port_that_is_not_there_is_exit_1(capsys):
    """Protects scripts: a place that cannot be opened is told with its name."""
    assert run(["scan", "dlt645+serial:///dev/no-such-port"]) == 1
    assert "/dev/no-such-port" in capsys.readouterr().err


def test_an_interrupted_scan_keeps_what_it_found(meter):
    """Protects long scans: interrupted, it prints the meters found so far and ends with 130."""
    place = url(meter, "dlt645", "timeout=0.2", carrier="serial")
    process = subprocess.Popen(
        [sys.executable, "-m", "meterwire", "scan", place, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "answers" in line and ADDRESS in line:
            break
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert [row["address"] for row in json.loads(out)] == [ADDRESS]
    assert "Traceback" not in errors


def test_progress_on_a_terminal_and_elsewhere(monkeypatch):
    """Protects logs from control characters: a bar is for terminals alone, and lines are printed above it."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(progress(live=True), PlainProgress)
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    assert isinstance(progress(live=False), PlainProgress)
    shown = progress(live=True)
    assert isinstance(shown, LiveProgress)
    shown.expect(3)
    shown.asking("2400 8E1: AAAAAAAAAAAA")
    shown.say("2400 8E1: 000000000161 answers")
    shown.close()
    assert "2400 8E1: 000000000161 answers" in screen.getvalue()
