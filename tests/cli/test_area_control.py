"""`serve --gateway --control` and `meterwire meter`: what a tester does to an area while a concentrator reads it."""

import json
import os
import signal
import subprocess
import sys

import pytest

from meterwire.area_control import AreaControl
from meterwire.cli.main import run
from meterwire.emulate_area import EmulatedArea
from meterwire.meter_model.area import Area, Meters
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.reports import Outage
from meterwire.protocols.wire.codec import codec
from meterwire.transports.memory import ResponderLine

NETWORK = {"levels": 2, "loss": 0.0, "beacon_seconds": 0.5, "last_gasp": 1.0}
FIRST, SECOND, THIRD, LARGE = "000000000001", "000000000002", "000000000003", "000000000101"


@pytest.fixture
def area():
    """The area, its control surface and a concentrator's client, in virtual time; all nodes have joined."""
    groups = [Meters(count=3), Meters(profile="three-phase", protocol="dlt69845", first=LARGE)]
    made = EmulatedArea(Area.of(groups, seed=2, network=NETWORK), clock="frozen:2026-01-01T00:00:00")
    line = ResponderLine(made.module.connect())
    surface, client = AreaControl(made, line.now), Module3762(line)
    while not all(node.joined for node in made.module.network.nodes.values()):
        client.listen(1.0)
    client.listen(5.0)
    return made, surface, client


def outages(client, seconds=90.0):
    """What the module reports of lost and restored power: (1 restored or 2 lost, addresses)."""
    found = [codec(Outage).parse(one.value.content) for one in client.listen(seconds) if one.key == (0x06, 5)]
    return [(one.change, set(one.addresses)) for one in found]


def asked(surface, **request):
    return json.loads(surface.reply(json.dumps(request).encode()))


def value(surface, **request):
    reply = asked(surface, **request)
    assert reply["ok"], reply
    return reply["value"]


def test_an_area_loses_its_power_and_gets_it_back(area):
    """Protects tests of concentrators: the last reports of all nodes, and of all that are back."""
    made, surface, client = area
    assert value(surface, op="set", what="power", on=False)["powered"] == 0
    assert not made.meter(FIRST).powered
    [(lost, addresses)] = outages(client)
    assert addresses == set(made.addresses)
    assert value(surface, op="set", what="power", on=True)["powered"] == 4
    assert outages(client) == [(3 - lost, set(made.addresses))]


def test_a_phase_fails(area):
    """Protects phase tests: who is on it has no power, a three-phase meter goes on with the other two."""
    made, surface, client = area
    value(surface, op="set", what="node", address=FIRST, phase="b")
    for other in (SECOND, THIRD):
        value(surface, op="set", what="node", address=other, phase="a")
    value(surface, op="set", what="power", on=False, phase="b")
    assert [address for _, addresses in outages(client) for address in addresses] == [FIRST]
    assert [made.meter(one).powered for one in (FIRST, SECOND, THIRD, LARGE)] == [False, True, True, True]
    phases = value(surface, op="get", what="phases", meter=LARGE)
    assert [phases[phase]["on"] for phase in "abc"] == [True, False, True]
    value(surface, op="set", what="power", on=True, phase="b")
    assert made.meter(FIRST).powered
    assert value(surface, op="get", what="phases", meter=LARGE)["b"]["on"]


def test_nodes_are_on_the_phases_of_their_meters(area):
    """Protects phase recognition: what the module says of a node fits the meter behind it."""
    made, _, client = area
    three = {one.address: one.phase.three_phase for one in client.phases()}
    assert three == {address: address == LARGE for address in made.addresses}


def test_some_meters_lose_their_power(area):
    """Protects the choice of meters, and that an unknown one changes nothing."""
    made, surface, _ = area
    assert value(surface, op="set", what="power", on=False, meters=[SECOND])["powered"] == 3
    refused = asked(surface, op="set", what="power", on=False, meters=[FIRST, "999999999999"])
    assert not refused["ok"]
    assert "999999999999" in refused["error"]
    assert made.meter(FIRST).powered


def test_a_node_drops_and_comes_back(area):
    """Protects the network's faults: out of the network now, in it again after some beacons."""
    _, surface, client = area
    assert not value(surface, op="set", what="node", address=SECOND, drop=True)["joined"]
    client.listen(10.0)
    nodes = {one["address"]: one for one in value(surface, op="get", what="nodes")}
    assert nodes[SECOND]["joined"]
    assert value(surface, op="set", what="node", address=SECOND, jam=0.75)["jam"] == 0.75


def test_noise_passes(area):
    """Protects the noise burst: nothing gets through while it lasts, everything afterwards."""
    _, surface, client = area
    assert value(surface, op="set", what="noise", loss=1.0, seconds=30)["noise"] == 1.0
    client.listen(31.0)
    assert value(surface, op="get", what="network")["noise"] == 0.0


def test_another_band(area):
    """Protects band switching: the module says so, and the nodes find it again."""
    _, surface, client = area
    assert value(surface, op="set", what="band", band=2)["joined"] == 0
    client.listen(20.0)
    assert client.band() == 2
    assert value(surface, op="get", what="area")["joined"] == 4


def test_one_meter_and_all_meters(area):
    """Protects the way to a meter: its own control surface behind its address, and everybody's at once."""
    made, surface, _ = area
    value(surface, op="set", what="load", kind="constant", active=1234, meter=THIRD)
    assert value(surface, op="get", what="quantity", name="active_power", meter=THIRD)["value"] == "1.2340"
    told = value(surface, op="set", what="clock", step=86_400, meter="all")
    assert list(told) == list(made.addresses)
    assert {one["now"] for one in told.values()} == {made.meter(FIRST).now().isoformat()}


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"op": "set", "what": "power"},
        {"op": "set", "what": "power", "on": True, "phase": "d"},
        {"op": "set", "what": "power", "on": True, "phase": "a", "meters": [FIRST]},
        {"op": "set", "what": "node", "address": "9", "drop": True},
        {"op": "set", "what": "node", "address": FIRST, "jam": 2},
        {"op": "set", "what": "noise", "loss": -1},
        {"op": "set", "what": "noise", "loss": 0.5, "seconds": 0},
        {"op": "set", "what": "band", "band": 9},
        {"op": "get", "what": "area", "more": 1},
        {"op": "get", "what": "nothing"},
        {"op": "event", "name": "button"},
        {"op": "get", "what": "clock", "meter": 1},
        {"op": "get", "what": "clock", "meter": "nobody"},
    ],
)
def test_what_cannot_be_done_is_said(area, request_):
    """Protects testers from silent nonsense, and the surface from breaking down."""
    reply = asked(area[1], **request_)
    assert reply["ok"] is False
    assert reply["error"]


def test_from_the_command_line(tmp_path, capsys):
    """Protects the words: an area served by one process, told what to do by another."""
    path = tmp_path / "area.toml"
    path.write_text('clock = "frozen:2026-01-01T00:00:00"\n[[meters]]\ncount = 3\n')
    words = [
        "serve",
        "--gateway",
        str(path),
        "--listen",
        "gdw376-2+tcp://127.0.0.1:0",
        "--control",
        "tcp://127.0.0.1:0",
    ]
    served = subprocess.Popen([sys.executable, "-m", "meterwire", *words], stdout=subprocess.PIPE, text=True)
    try:
        said = dict(served.stdout.readline().split() for _ in range(2))
        url = said["control"]

        def told(*said, code=0):
            capsys.readouterr()
            assert run(["meter", url, *said]) == code
            return capsys.readouterr().out

        assert json.loads(told("get", "area"))["powered"] == 3
        assert json.loads(told("set", "power", "off", f"meters={FIRST},{THIRD}"))["powered"] == 1
        assert json.loads(told("set", "node", SECOND, "phase=c"))["phase"] == "c"
        assert json.loads(told("set", "power", "off", "phase=c"))["powered"] == 0
        assert json.loads(told("set", "power", "on"))["powered"] == 3
        assert json.loads(told("set", "band", "2"))["band"] == 2
        assert json.loads(told("set", "clock", "step=900", "--meter", SECOND))["now"].startswith("2026-01-01T00:15")
        assert json.loads(told("get", "clock", "--meter", FIRST))["now"].startswith("2026-01-01T00:00")
        assert len(json.loads(told("get", "power", "--meter", "all"))) == 3
        told("set", "noise", "loss=0.5", code=2)  # nobody has connected yet: the network is still
    finally:
        os.kill(served.pid, signal.SIGINT)
        served.wait(20)
