"""DLMS/COSEM over HDLC, and IEC 62056-21, from the command line: read, serve and scan, over TCP and a terminal."""

import json

import pytest

import meterwire
from meterwire.cli.main import run as run_command
from meterwire.emulate import emulated
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.device import Device

LISTEN = ["dlms-hdlc+pty:", "dlms-hdlc+tcp://127.0.0.1:0?info=64&window=3"]


@pytest.fixture(scope="module")
def served():
    with emulated(Device.of_profile("three-phase"), LISTEN, clock="frozen:2026-01-01T00:00:00") as meter:
        yield meter.emulation.urls


def run(capsys, *words):
    return run_command(list(words)), capsys.readouterr()


@pytest.mark.parametrize("place", [0, 1], ids=["pty", "tcp"])
@pytest.mark.parametrize("options", ["", "size=2&physical=17", "size=4&physical=17&info=300&window=7"])
def test_read(served, place, options, capsys):
    """Protects `meterwire read` over HDLC: the value, the exit status, and the frames in words."""
    url = served[place].split("?")[0] + (f"?{options}" if options else "")
    code, said = run(capsys, "read", url, "active_energy_import", "1-0:32.7.0", "--json", "--trace")
    assert code == 0
    assert [row["value"] for row in json.loads(said.out)] == ["3493.43", "219.9"]
    assert "SNRM" in said.err
    assert "DISC" in said.err


def test_addresses_are_logical_and_physical(served):
    """Protects `address=`: as people write it, and what cannot be one is told before anything is sent."""
    for address in ("1", "1/17"):
        with meterwire.connect(served[1], address=address) as meter:
            assert meter.read("voltage_a").value
    for wrong in ("x", "1/2/3", "1/99999", "-1"):
        with pytest.raises(LocalProtocolError), meterwire.connect(served[1], address=wrong):
            pass


async def test_asyncio(served):
    async with meterwire.aconnect(served[1], address="1/17") as meter:
        assert str((await meter.read("active_energy_import")).value) == "3493.43"


def test_scan_finds_addresses_and_framing(served, capsys):
    """Protects `meterwire scan`: the addresses in their sizes, and HDLC where only the wrapper was asked for."""
    code, said = run(capsys, "scan", served[1].split("?")[0] + "?timeout=0.1", "--json")
    found = json.loads(said.out)
    assert code == 0
    assert [(row["address"], row["url"].split("size=")[1][0]) for row in found] == [
        ("1", "1"),
        ("1/17", "2"),
        ("1/17", "4"),
    ]
    with meterwire.connect(found[2]["url"]) as meter:
        assert meter.read("voltage_a").value
    wrapper = served[1].split("?")[0].replace("-hdlc", "") + "?timeout=0.1"
    code, said = run(capsys, "scan", wrapper, "--json")
    assert code == 0
    assert {row["dialect"] for row in json.loads(said.out)} == {"dlms-hdlc"}


@pytest.mark.parametrize("place", ["pty:", "tcp://127.0.0.1:0"])
def test_the_optical_port(place, capsys):
    """Protects `iec62056-21` endpoints: readout, seven bits over a terminal that has eight, and HDLC behind mode E."""
    listen = [f"iec62056-21+{place}?mode=E"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as meter:
        (url,) = meter.emulation.urls
        code, said = run(
            capsys, "read", url.replace("?mode=E", ""), "active_energy_import", "0.0.0", "date_time", "--json"
        )
        assert code == 0
        told = [row["value"] for row in json.loads(said.out)]
        assert told == ["3493.43", "000000000161", "2026-01-01T00:00:00+08:00"]
        code, said = run(capsys, "read", url.replace("iec62056-21", "dlms-hdlc"), "active_energy_import", "--json")
        assert code == 0
        assert json.loads(said.out)[0]["value"] == "3493.43"


def test_a_ciphered_association_over_hdlc(served, tmp_path):
    """Protects the first contact over one line: the counter as public client, then GMAC, both over HDLC."""
    keys = tmp_path / "meter.toml"
    keys.write_text(
        'unicast_key = "000102030405060708090A0B0C0D0E0F"\nauthentication_key = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"\n'
    )
    with meterwire.connect(served[1], keys=keys) as meter:
        assert str(meter.read("active_energy_import").value) == "3493.43"
        assert meter.association.mechanism.name == "HIGH_GMAC"
