"""Key files, and counters that no program and no crash lets be used twice."""

import json
import threading

import pytest

from meterwire.connect import connect
from meterwire.emulate import emulated
from meterwire.errors import LocalProtocolError, SecurityError
from meterwire.meter_model.device import Device
from meterwire.protocols.dlms.acse import AuthenticationMechanism as Mechanism
from meterwire.protocols.dlms.security.counters import LAST, SendingCounter
from meterwire.transports.key_file import CounterFile, read_keys, security_of

KEYS = """
unicast_key = "000102030405060708090A0B0C0D0E0F"
authentication_key = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
"""


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(KEYS)
    return path


def test_a_ciphered_association_finds_its_counter_and_keeps_it(key_file):
    """First contact asks as public client; the second run goes on behind the block of the first."""
    with emulated(Device.of_profile("three-phase"), ["dlms+tcp://127.0.0.1:0"]) as served:
        for run in (1, 2):
            with connect(served.url("dlms"), keys=key_file) as meter:
                assert meter.read("active_energy_import").unit == "kWh"
                assert meter.association.mechanism is Mechanism.HIGH_GMAC
            kept = json.loads(key_file.with_name("keys.toml.counters").read_text())
            (sent,) = (number for name, number in kept.items() if name.endswith(".sent"))
            assert sent == 1000 * run + 1
            assert "0001020304" not in json.dumps(kept)


def test_a_counter_that_lags_is_found_anew(key_file, tmp_path):
    """Somebody else used the key: the client asks once more where the meter is, and goes on from there."""
    with emulated(Device.of_profile("three-phase"), ["dlms+tcp://127.0.0.1:0"]) as served:
        with connect(served.url("dlms"), keys=key_file) as meter:
            meter.read("active_energy_import")
        other = tmp_path / "other.toml"
        other.write_text(KEYS)
        counters = CounterFile(tmp_path / "other.toml.counters", "x")
        counters.counter(0).take()
        name = next(n for n in json.loads((tmp_path / "keys.toml.counters").read_text()) if n.endswith(".sent"))
        (tmp_path / "other.toml.counters").write_text(json.dumps({name: 0}))
        with connect(served.url("dlms"), keys=other) as meter:
            assert meter.read("active_energy_import").unit == "kWh"


@pytest.mark.parametrize("client", [16, 17, 18, 19, 20, 22, 1])
def test_the_number_of_the_client_says_the_mechanism(key_file, client):
    key_file.write_text(KEYS + 'secret = "12345678"\n')
    with (
        emulated(Device.of_profile("three-phase"), ["dlms+tcp://127.0.0.1:0"]) as served,
        connect(f"{served.url('dlms')}?client={client}", keys=key_file) as meter,
    ):
        assert meter.read("active_energy_import").unit == "kWh"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unicast_key = 5", "Expected `str`"),
        ("unknown = 1", "unknown"),
        ("unicast_key = 'zz'", "hexadecimal"),
        ("unicast_key = '00'", "16 octets"),
        ("suite = 9", "no security suite 9"),
        ("mechanism = 'rot13'", "rot13"),
        ("form = 'pigeon'", "PIGEON"),
        ("[[", "keys.toml"),
        ("mechanism = 'ecdsa'", "no elliptic curve"),
        ("mechanism = 'gmac'", "an encryption key"),
        ("certificate = 'not there'", "not there"),
    ],
)
def test_what_is_wrong_with_a_key_file_is_said(key_file, text, said):
    key_file.write_text(text)
    with pytest.raises(LocalProtocolError, match=said):
        security_of(key_file, 1)


def test_keys_are_not_shown(key_file):
    told = read_keys(key_file)
    for shown in (repr(told), repr(security_of(key_file, 1)), repr(security_of(key_file, 1).keys)):
        assert "0001" not in shown.lower()
        assert "d0d1" not in shown.lower()


def test_programs_side_by_side_never_share_a_number(tmp_path):
    """Each takes blocks of its own under the lock of the file."""
    path, taken = tmp_path / "counters", [[] for _ in range(4)]

    def run(mine):
        counter = SendingCounter(0, CounterFile(path, "x")._reserve, block=7)
        mine += [counter.take() for _ in range(60)]

    threads = [threading.Thread(target=run, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [number for mine in taken for number in mine]
    assert len(numbers) == len(set(numbers)) == 240
    assert all(mine == sorted(mine) for mine in taken)


def test_a_damaged_file_of_counters_is_refused(tmp_path):
    """It is never taken for an empty one."""
    path = tmp_path / "counters"
    for text in ("", "{", "[]", '{"x.sent": "many"}'):
        path.write_text(text)
        with pytest.raises(LocalProtocolError, match="cannot be read"):
            CounterFile(path, "x").sending()


def test_the_end_of_a_counter():
    """D5: behind the last number nothing is sent any more."""
    counter = SendingCounter(LAST)
    assert counter.take() == LAST
    for _ in range(2):
        with pytest.raises(SecurityError, match="new key"):
            counter.take()
