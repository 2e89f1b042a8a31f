"""Device files: what they change, and that every mistake is blamed on its key and line."""

from __future__ import annotations

import contextlib
import re
from fractions import Fraction
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import NotServed, device
from meterwire.meter_model.device import Device, DeviceFileError, load_secrets
from meterwire.meter_model.load import Household
from meterwire.meter_model.profiles import load_profile, profile_names
from meterwire.meter_model.toml_lines import TomlLines


def written(folder: Path, text: str, name: str = "meter.toml") -> Path:
    path = folder / name
    path.write_text(dedent(text), "utf-8")
    return path


def test_the_example_of_the_module_is_a_device(tmp_path: Path) -> None:
    """The format as documented: profile, identity, rates, load, readings, objects, faults, secrets apart."""
    example = re.search(r"\n\n(    profile.*?)\n\n\[", device.__doc__ or "", re.DOTALL)
    assert example is not None
    written(tmp_path, 'dlt69845_password = "12344321"', "secrets.toml")
    made = Device.load(written(tmp_path, example[1]))
    meter = made.meter()
    assert made.seed == 7
    assert meter.identity.number == "000000000161"
    assert meter.identity.secrets.dlt69845_password == "12344321"
    assert meter.profile.tariff.rates == 2
    assert meter.profile.tariff.slots[1].start == "22:00"
    assert meter.circuit.load == Household(peak=6000)
    assert meter.read("active_energy_import") == Fraction("4321.98")
    assert meter.read("firmware_version") == "V109"
    assert made.faults == {"all": {"drop": 0.01}}
    with pytest.raises(NotServed):
        meter.read("outage_battery_voltage")
    with pytest.raises(NotServed):
        meter.read("active_energy_import_rate_3")
    assert meter.now().isoformat() == "2026-01-01T00:00:00+08:00"


def test_parts_of_sections_replace_parts_of_the_profile(tmp_path: Path) -> None:
    """What a file does not mention stays as the profile says."""
    made = Device.load(
        written(
            tmp_path,
            """
            profile = "single-phase"
            [ratings]
            active_constant = 1600
            [plate]
            model = "MW1-X"
            [combination]
            active = 0x09
            [load]
            peak = 1234
            [faults]
            drop = 0.5
            [faults.dlms]
            flip = 1e-4
            [identity]
            number = "000000000777"
            [identity.client_titles]
            2 = "4D4D4D0000000002"
            """,
        )
    )
    base = load_profile("single-phase")
    assert made.profile.ratings.active_constant == 1600
    assert made.profile.ratings.reactive_constant == base.ratings.reactive_constant
    assert made.profile.plate.rated_current == base.plate.rated_current
    assert made.profile.combination.active == 9
    assert made.profile.load == Household(peak=1234)
    assert made.faults == {"all": {"drop": 0.5}, "dlms": {"flip": 1e-4}}
    assert made.identity.address == "000000000777"
    assert made.identity.system_title.hex() == "4d57520000000777"
    assert set(made.identity.client_titles) == {1, 2}
    assert load_profile("single-phase") == base


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[load]\nkind = 'household'\n\npeak = 'x'\n", 4, "load.peak"),
        ("[load]\nkind = 'windmill'\n", 2, "load.kind"),
        ("# one\n[load]\nkind = 'constant'\nactive = 99999\n", 2, "load"),
        ("seed = 1\nspeed = 2\n", 2, "speed"),
        ("seed = 'a'\n", 1, "seed"),
        ("\n[tariff]\nrates = 4\nslots = [\n  {start = '25:00', rate = 1},\n]\n", 4, "tariff.slots.0"),
        ("[identity]\n# digits\nnumber = '12'\n", 3, "identity.number"),
        ("[identity]\nnumer = '12'\n", 2, "identity.numer"),
        ("[identity]\nsecrets = {}\n", 2, "identity.secrets"),
        ("[identity.client_titles]\n2 = '0011'\n", 2, "identity.client_titles.2"),
        ("[identity.client_titles]\nx = '0011'\n", 2, "identity.client_titles.x"),
        ("[objects]\nvoltage_a = 'x'\n", 2, "objects.voltage_a"),
        ("[objects]\nvoltage_a = true\n", 2, "objects.voltage_a"),
        ("[objects]\nvoltage_z = 1\n", 2, "objects.voltage_z"),
        ("[objects]\ndate_time = 1\n", 2, "objects.date_time"),
        ("[objects]\nmeter_model = 'ä'\n", 2, "objects.meter_model"),
        ("[objects]\nfrequency = nan\n", 2, "objects.frequency"),
        ("[readings]\nactive_import = [1, 2, 3, 4, 5]\n", 2, "readings.active_import"),
        ("[readings]\nactive_import = -1\n", 2, "readings.active_import"),
        ("[readings]\nactive_import = [true]\n", 2, "readings.active_import"),
        ("[readings]\nactive = 1\n", 2, "readings.active"),
        ("clock = 'x0'\n", 1, "clock"),
        ("clock = 'frozen:soon'\n", 1, "clock"),
        ("profile = 'four-phase'\n", 1, "profile"),
        ("profile = 5\n", 1, "profile"),
        ("absent = ['voltage_z']\n", 1, "absent"),
        ("[ratings.starting]\nactive = 'none'\n", 2, "ratings.starting.active"),
        ("[numbers]\npulse_width = 'wide'\n", 2, "numbers.pulse_width"),
        ("[demand]\nperiod = 15\nslide = 2\n", 1, "demand"),
        ("faults = 3\n", 1, "faults"),
        ("[faults.dlms]\ndrop = []\n", 2, "faults.dlms.drop"),
        ("a = [\n", 0, ""),
        ("a = " + "[" * 50_000, 0, ""),
    ],
)
def test_mistakes_are_blamed(tmp_path: Path, text: str, line: int, key: str) -> None:
    """An error names file, line and key, so that its reader can go there."""
    path = written(tmp_path, text)
    with pytest.raises(DeviceFileError) as caught:
        Device.load(path)
    assert (caught.value.line, caught.value.key) == (line, key)
    assert str(caught.value).startswith(f"{path}:{line}: {key}: " if line else f"{path}: ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """No file, a folder, no text, too much text."""
    for path, octets in (("binary", b"\xff\xfe"), ("huge", b"#" * (device.LARGEST + 1))):
        (tmp_path / path).write_bytes(octets)
        with pytest.raises(DeviceFileError):
            Device.load(tmp_path / path)
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(DeviceFileError):
            Device.load(path)
    with pytest.raises(DeviceFileError, match=r"none\.toml"):
        Device.load(written(tmp_path, 'secrets = "none.toml"'))


@given(st.binary(max_size=200) | st.text(alphabet="[]{}=.\"'#\n ax1", max_size=60).map(str.encode))
def test_any_file_is_a_device_or_an_error(octets: bytes) -> None:
    """Whatever stands in a file, nothing but DeviceFileError comes out."""
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".toml") as file:
        file.write(octets)
        file.flush()
        with contextlib.suppress(DeviceFileError):
            Device.load(file.name)


def test_secrets_add_to_the_published_ones_and_never_show(tmp_path: Path) -> None:
    """Keys are hexadecimal; nothing of a secret is in any text made of it."""
    secrets = load_secrets(
        written(
            tmp_path,
            """
            unicast_key = "FFEEDDCCBBAA99887766554433221100"
            [dlms]
            17 = "hunter22"
            [dlt645_passwords]
            02 = "987654"
            """,
        )
    )
    assert secrets.unicast_key.hex().startswith("ffeedd")
    assert secrets.dlms[17] == "hunter22"
    assert secrets.dlms[18] == "12345678"
    assert secrets.dlt645_passwords == {"02": "987654", "04": "000000"}
    assert "hunter22" not in repr(secrets)
    assert "987654" not in str(secrets)
    assert secrets.are_public  # the other keys still are
    made = Device.of_profile("three-phase")
    assert "12345678" not in repr(made.identity)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('unicast_key = "0011"', "unicast_key"),
        ('unicast_key = "secret stuff"', "unicast_key"),
        ("dlms = {200 = 'x'}", "dlms"),
        ("dlt645_passwords = {02 = 'letters'}", "dlt645_passwords"),
        ("password = 'letters'", "password"),
    ],
)
def test_wrong_secrets_are_blamed_without_showing_them(tmp_path: Path, text: str, key: str) -> None:
    """An error about a secret does not repeat it."""
    with pytest.raises(DeviceFileError) as caught:
        load_secrets(written(tmp_path, text))
    assert caught.value.key == key
    assert "stuff" not in str(caught.value)
    assert "letters" not in str(caught.value)


def test_every_profile_of_the_package_makes_a_meter() -> None:
    """Profiles are data that is read only when asked for: each must still be right."""
    assert {"single-phase", "three-phase"} <= set(profile_names())
    for name in profile_names():
        assert Device.of_profile(name).meter().profile.name == name
    with pytest.raises(LocalProtocolError, match="three-phase"):
        load_profile("two-phase")


def test_lines_of_keys() -> None:
    """Headers, dotted and quoted keys, arrays of tables; what has no line of its own has that of its owner."""
    lines = TomlLines('a = 1\n[b.c]\n  d.e = 2\n"f" = 3\n[[g]]\nh = 4 # i = 5\nx == 1\n')
    assert [lines.line(key) for key in ("a", "b.c", "b.c.d.e", "b.c.f", "g", "g.h")] == [1, 2, 3, 4, 5, 6]
    assert lines.line("b.c.d.zzz") == 2
    assert lines.line("zzz") == 0
