"""write, act, profile and listen for DLMS/COSEM, against a meter served over real TCP."""

import json
import socket
import threading

import pytest

from meterwire.cli.main import run
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.wire.codec import codec


@pytest.fixture
def served(emulated_meter, tmp_path):
    password = tmp_path / "password"
    password.write_text("12345678\n")
    with emulated_meter(listen=["dlms+tcp://127.0.0.1:0"]) as meter:
        meter.clock.step(3 * 900)
        yield f"{meter.url('dlms')}?client=17", password


def test_writes_and_acts(served, capsys):
    url, password = served
    assert run(["write", url, "asset_number=CLI-1", "8/0-0:1.0.0/9=2", "--password-file", str(password)]) == 1
    assert "asset_number" in capsys.readouterr().out
    assert run(["read", url, "asset_number", "--password-file", str(password), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["value"] == "CLI-1"
    assert run(["act", url, "7/1-0:99.1.4/2", "--password-file", str(password)]) == 0
    assert "done" in capsys.readouterr().out
    assert run(["act", url, "7/1-0:99.1.4/1", "--password-file", str(password)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert run(["act", url, "7/1-0:99.1.4/1", "--yes", "--password-file", str(password), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"command": "7/1-0:99.1.4/1", "done": True}]


def test_a_profile_as_a_table(served, capsys):
    url, password = served
    arguments = ["profile", url, "load", "--password-file", str(password)]
    assert run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("time,active_energy_import (kWh)")
    assert len(lines) == 4
    assert run([*arguments, "--count", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert run(["profile", url, "nonsense"]) == 2


KEYS = """
title = "4D4D4D0000000001"
unicast_key = "000102030405060708090A0B0C0D0E0F"
authentication_key = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
"""


def test_everything_works_with_a_key_file(served, capsys, tmp_path):
    """Protects ciphered associations on the command line: read, write, act and profile, by option and in the URL."""
    url = served[0].partition("?")[0]
    keys = tmp_path / "keys.toml"
    keys.write_text(KEYS)
    assert run(["write", url, "asset_number=CLI-2", "--keys", str(keys)]) == 0
    assert run(["act", url, "7/1-0:99.1.4/2", "--keys", str(keys)]) == 0
    assert run(["profile", url, "load", "--keys", str(keys)]) == 0
    capsys.readouterr()
    assert run(["read", f"{url}?keys={keys}", "asset_number", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["value"] == "CLI-2"


@pytest.mark.parametrize(
    ("client", "mechanism"), [(17, "low"), (18, "high"), (18, "2"), (19, "md5"), (20, "sha1"), (22, "sha256")]
)
def test_a_mechanism_with_a_secret_and_no_keys(served, capsys, client, mechanism):
    """Protects `mechanism=` of a URL: by name or number, with the password as the secret."""
    url, password = served[0].partition("?")[0], str(served[1])
    asked = f"{url}?client={client}&mechanism={mechanism}"
    assert run(["read", asked, "voltage_a", "--password-file", password]) == 0
    assert "V" in capsys.readouterr().out
    assert run(["read", asked, "voltage_a"]) == 2


def test_mechanisms_that_cannot_be(served, capsys, tmp_path):
    """One that needs keys, and one that is none; in place of what the key file says another one is used."""
    url, password = served[0].partition("?")[0], str(served[1])
    for mechanism, said in (("gmac", "key file"), ("ecdsa", "key file"), ("rot13", "no mechanism"), ("9", "no mech")):
        assert run(["read", f"{url}?client=17&mechanism={mechanism}", "voltage_a", "--password-file", password]) == 2
        assert said in capsys.readouterr().err
    keys = tmp_path / "keys.toml"
    keys.write_text('mechanism = "md5"\nsecret = "12345678"\n')
    assert run(["read", f"{url}?client=17", "voltage_a", "--keys", str(keys)]) == 1
    assert run(["read", f"{url}?client=17&mechanism=low", "voltage_a", "--keys", str(keys)]) == 0


def test_listens_to_pushes(capsys):
    """A meter that pushes twice over TCP, once in a way nobody understands."""
    apdu = bytes.fromhex("0F400000070001010203090601000107 00FF060000046202020F00161B".replace(" ", ""))
    wrapped = codec(Wrapper).build(Wrapper(1, 16, apdu))
    listening = socket.create_server(("127.0.0.1", 0))

    def push():
        peer, _ = listening.accept()
        with peer:
            peer.sendall(wrapped[:9])
            peer.sendall(wrapped[9:] + wrapped)
            peer.recv(4096)

    thread = threading.Thread(target=push)
    thread.start()
    url = f"dlms+tcp://127.0.0.1:{listening.getsockname()[1]}"
    assert run(["listen", url, "--count", "2", "--seconds", "10", "--json"]) == 0
    thread.join(10)
    listening.close()
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == second
    assert first["readings"] == [
        {"item": "1-0:1.7.0", "quantity": "active_power_import", "value": "1.122", "unit": "kW"}
    ]
    assert run(["listen", "dlt645+tcp://127.0.0.1:1"]) == 2


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as place:
        return place.getsockname()[1]


def pushed(url, capsys, *, seconds="30"):
    assert run(["listen", url, "--count", "2", "--seconds", seconds, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_meter_dials_in_and_pushes(emulated_meter, capsys):
    """Twice in two connections: whoever has hung up is heard again; what is confirmed comes once."""
    port = free_port()
    with emulated_meter(listen=[f"dlms+tcp://127.0.0.1:{port}?dial=on&push=0.3"]):
        first = pushed(f"dlms+tcp-listen://127.0.0.1:{port}", capsys)
        second = pushed(f"dlms+tcp-listen://127.0.0.1:{port}", capsys)
    numbers = [one["number"] for one in first + second]
    assert [one["kind"] for one in first + second] == ["data"] * 4
    assert numbers[0] == numbers[2] == 1  # each connection counts by itself
    (energy,) = [one for one in first[0]["readings"] if one["quantity"] == "active_energy_import"]
    assert energy["unit"] == "kWh"
    assert first[0]["time"]


def test_meters_push_in_datagrams(capsys):
    """From several places at once; nobody dials, so nobody can be refused."""
    port, apdu = free_port(), bytes.fromhex("0F00000007000600000001")
    end = threading.Event()

    def push():
        senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        while not end.wait(0.1):
            for sender in senders:
                sender.sendto(codec(Wrapper).build(Wrapper(1, 16, apdu)), ("127.0.0.1", port))

    thread = threading.Thread(target=push)
    thread.start()
    try:
        first, second = pushed(f"dlms+udp://127.0.0.1:{port}", capsys)
    finally:
        end.set()
        thread.join()
    assert first["readings"] == second["readings"] == [{"item": "[1]", "quantity": None, "value": "1", "unit": None}]


def test_a_meter_pushes_at_its_local_port(emulated_meter, capsys):
    """UI frames of HDLC on a serial line, as the ports for the customer have them."""
    with emulated_meter(listen=["dlms-hdlc+pty:?push=0.3"]) as meter:
        found = pushed(meter.url("dlms-hdlc"), capsys)
    assert {one["quantity"] for one in found[0]["readings"]} >= {"active_energy_import", "active_power_import"}
