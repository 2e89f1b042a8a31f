"""`meterwire gateway` and `serve --gateway`: a module with its network and meters, as people and programs meet them."""

import asyncio
import json
import threading
import xml.etree.ElementTree as ET
from contextlib import contextmanager

import pytest

from meterwire.cli.gateway_tree import drawing
from meterwire.cli.main import run
from meterwire.connect import connect
from meterwire.emulate_area import emulate_area
from meterwire.errors import LocalProtocolError, Refused
from meterwire.meter_model.area import Area, Meters

AREA = """
seed = 7
clock = "frozen:2026-01-01T00:00:00"
[network]
levels = 4
loss = 0.02
hop_seconds = 0.001
beacon_seconds = 0.05
[module]
meter_baud = 115200
[[meters]]
first = "000000000001"
count = 4
[[meters]]
profile = "three-phase"
protocol = "dlt69845"
first = "000000000101"
count = 3
"""
EVERYBODY = [f"{place:012d}" for place in (1, 2, 3, 4, 101, 102, 103)]


@contextmanager
def served(area, url="gdw376-2+tcp://127.0.0.1:0"):
    """An area on an event loop of its own; gives the URL and the area."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(steps):
        return asyncio.run_coroutine_threadsafe(steps, loop).result()

    made = wait(emulate_area(area, [url]))
    try:
        yield made.urls[0], made.area
    finally:
        wait(made.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    path = tmp_path_factory.mktemp("area") / "area.toml"
    path.write_text(AREA)
    with served(Area.load(path)) as (url, area):
        for _ in range(200):
            if all(node.joined for node in area.module.network.nodes.values()):
                break
            run(["gateway", url, "nodes", "--json"])
        yield url, area


def printed(capsys, *words):
    """Exit code and the JSON array that was printed."""
    capsys.readouterr()
    code = run([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("what", ["topology", "nodes", "archive", "phase", "versions"])
def test_tables(gateway, capsys, what):
    """Protects each table: a row for every meter, and the CCO where it is a node itself."""
    code, rows = printed(capsys, "gateway", gateway[0], what)
    addresses = {row["address"] for row in rows}
    assert code == 0
    assert addresses - {"000000002401"} == set(EVERYBODY)
    assert ("000000002401" in addresses) == (what in {"topology", "versions"})
    assert run(["gateway", gateway[0], what]) == 0
    assert all(address in capsys.readouterr().out for address in [min(addresses)])


def test_a_topology_is_printed_as_a_tree(gateway, capsys):
    """Protects whoever reads the indented table: the next line above with less indentation is the proxy."""
    capsys.readouterr()
    assert run(["gateway", gateway[0], "topology"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == len(EVERYBODY) + 1
    above = {}
    for line in lines:
        address, proxy, level = line.split()[0], line.split()[-1], (len(line) - len(line.lstrip())) // 2
        assert proxy == above.get(level - 1, "-")
        above[level] = address


def test_the_tree_is_drawn(gateway, tmp_path):
    """Protects the picture: an SVG that says every address once, no two at one place, and how many there are."""
    path = tmp_path / "tree.svg"
    assert run(["gateway", gateway[0], "topology", "--svg", str(path)]) == 0
    texts = [one for one in ET.parse(path).getroot().iter() if one.tag.endswith("text")]
    assert sorted(one.text for one in texts if one.text.isdigit()) == sorted([*EVERYBODY, "000000002401"])
    assert len({(one.get("x"), one.get("y")) for one in texts}) == len(texts)
    assert texts[0].text == "8 nodes, 4 levels"


def test_a_large_tree_is_drawn_in_columns():
    """Protects people who look at five hundred nodes: about as high as wide, everybody inside, nobody on another."""
    nodes = [{"address": "000000002401", "tei": 1, "level": 0, "role": "CCO", "proxy": None}]
    for number in range(500):
        above = nodes[number * number % (number // 3 + 1)]
        address = f"{number:012d}"
        nodes.append(
            {
                "address": address,
                "tei": number + 2,
                "level": above["level"] + 1,
                "role": "STA",
                "proxy": above["address"],
            }
        )
    root = ET.fromstring(drawing(nodes))
    wide, high = int(root.get("width")), int(root.get("height"))
    texts = [one for one in root.iter() if one.tag.endswith("text") and one.text.isdigit()]
    places = {(int(one.get("x")), int(one.get("y"))) for one in texts}
    assert sorted(one.text for one in texts) == sorted(node["address"] for node in nodes)
    assert len(places) == len(nodes)
    assert all(0 < x < wide - 80 and 0 < y < high for x, y in places)
    assert all(abs(a - b) > 90 for (a, y) in places for (b, z) in places if y == z and a != b)
    assert 0.3 < wide / high < 4


def test_a_tree_that_is_none_is_drawn():
    """Protects against what modules in the field say: proxies that nobody knows, circles, one address twice."""

    def node(address, proxy, level=1):
        return {"address": address, "tei": 2, "level": level, "role": "STA", "proxy": proxy}

    rows = [node("0", None, 0), node("1", "9"), node("2", "3"), node("3", "2"), node("4", "0"), node("4", "0")]
    for some in (rows, rows[1:], rows[2:4], []):
        texts = [one.text for one in ET.fromstring(drawing(some)).iter() if one.tag.endswith("text")]
        assert sorted(text for text in texts if text.isdigit()) == sorted({row["address"] for row in some})


def test_all_meters_are_read_in_their_own_dialects(gateway, capsys):
    """Protects reading an area: DL/T 645 and DL/T 698.45 meters at once, each with its own value."""
    url, area = gateway
    code, rows = printed(capsys, "gateway", url, "read", "active_energy_import")
    found = {row["address"]: row["value"] for row in rows}
    assert code == 0
    assert list(found) == EVERYBODY
    for address, value in found.items():
        assert value == f"{int(area.meter(address).read('active_energy_import') * 100) / 100:.2f}"


def test_one_failure_does_not_stop_the_list(gateway, capsys, tmp_path):
    """Protects the others: a meter that is not in the archive has its error, everybody else a value."""
    path = tmp_path / "addresses"
    path.write_text("# two\n000000000002\n000000009999\n")
    code, rows = printed(capsys, "gateway", gateway[0], "read", "active_energy_import", "--addresses", str(path))
    assert code == 1
    assert rows[0]["value"] is not None
    assert "unknown meter" in rows[1]["error"]["text"]


def test_any_client_reads_through_the_module(gateway, capsys):
    """Protects the gateway as a transport: the ordinary read command, in both dialects and both ways."""
    url, area = gateway
    place = url.split("//")[1]
    for dialect, address in (("dlt645", EVERYBODY[0]), ("dlt69845", EVERYBODY[-1])):
        for way in ("monitor", "concurrent"):
            code, (row,) = printed(
                capsys, "read", f"{dialect}+hplc+tcp://{place}?way={way}", "voltage_a", "--address", address
            )
            assert code == 0
            assert float(row["value"]) == int(area.meter(address).read("voltage_a") * 10) / 10


def test_refusals_of_the_module_are_told(gateway):
    """Protects people: the module's reason, not a time-out; and an address is needed."""
    place = gateway[0].split("//")[1]
    with (
        connect(f"dlt645+hplc+tcp://{place}", address="000000009999") as meter,
        pytest.raises(Refused, match="unknown meter"),
    ):
        meter.read("00010000")
    with pytest.raises(LocalProtocolError, match="address"), connect(f"dlt645+hplc+tcp://{place}"):
        pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[meters]]\ncount = 0", "count"),
        ("[[meters]]\nfirst = '1'", "first"),
        ("", "1 to 1015"),
        ("[[meters]]\n[[meters]]", "address"),
        ("oops = 1\n[[meters]]", "oops"),
        ("[[meters]]\nfirst = '999999999999'\ncount = 2", "address"),
        ("[[meters]]\ndevice = 'nowhere.toml'", "nowhere.toml"),
        ("[network]\nlevels = 99\n[[meters]]", "levels"),
        ("[module]\nnonsense = 1\n[[meters]]", "nonsense"),
    ],
)
def test_area_files_that_cannot_be(tmp_path, text, said, capsys):
    """Protects people who write area files: exit code 2, and what is wrong with it."""
    path = tmp_path / "area.toml"
    path.write_text(text)
    assert run(["serve", "--gateway", str(path), "--listen", "gdw376-2+tcp://127.0.0.1:0"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["gateway", "dlms+tcp://127.0.0.1:1", "nodes"], ["gateway", "gdw376-2+tcp://127.0.0.1:1", "everything"],
     ["gateway", "gdw376-2+tcp://127.0.0.1:1", "read"],
     ["gateway", "gdw376-2+tcp://127.0.0.1:1", "nodes", "--svg", "x.svg"]],
)  # fmt: skip
def test_wrong_usage(words, capsys):
    """Protects against half-right commands: nothing is opened."""
    assert run(words) == 2
    assert capsys.readouterr().err


def test_power_reaches_meters_and_nodes():
    """Protects the emulation of an area: without power the meter is silent and its node is out of the network."""
    area = Area.of([Meters(count=3)], clock="frozen:2026-01-01T00:00:00", network={"last_gasp": 1.0})
    with served(area) as (_, emulated):
        emulated.power([EVERYBODY[1]], on=False)
        assert not emulated.meter(EVERYBODY[1]).powered
        assert not emulated.module.network.nodes[EVERYBODY[1]].powered
        with pytest.raises(LocalProtocolError):
            emulated.meter("000000009999")


def test_over_a_serial_line(capsys):
    """Protects the local interface as it really is, a serial line: here a pseudo-terminal."""
    area = Area.of([Meters()], clock="frozen:2026-01-01T00:00:00", network={"beacon_seconds": 0.01})
    with served(area, "gdw376-2+pty:") as (url, emulated):
        while not emulated.module.network.nodes[EVERYBODY[0]].joined:
            assert run(["gateway", url, "topology"]) == 0
        port = url.split("//", 1)[1]
        with connect(f"dlt645+hplc+serial://{port}", address=EVERYBODY[0]) as meter:
            assert meter.read("meter_number").value == EVERYBODY[0]
    capsys.readouterr()
