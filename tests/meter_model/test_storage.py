"""A stored meter goes on where it was, whatever it was doing; what is damaged or foreign is refused."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import zlib
from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from meterwire.meter_model import Constant, Household, Meter, VirtualClock
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.device import Device
from meterwire.meter_model.parameters import Author
from meterwire.meter_model.profiles import Profile, profile_table
from meterwire.meter_model.saved import parts_of
from meterwire.meter_model.storage import FILE, Storage, StorageError
from meterwire.quantities import QUANTITIES

START = dt.datetime(2026, 1, 5, 12, 0, 30)


def fresh(**settings) -> Meter:
    load = settings.pop("load", Household(photovoltaic=9000))
    return Meter(clock=VirtualClock(START, frozen=True), load=load, **settings)


def everything(meter: Meter) -> dict[str, object]:
    meter.advance()
    return {name: give() for name, give in parts_of(meter).items()}


def values(meter: Meter) -> list[object]:
    return [meter.read(name) for name in QUANTITIES]


def live(meter: Meter, seed: int) -> None:
    """A busy life: loads, cuts, tampering, writing, clearing, clock settings, outages, relay orders."""
    chance = random.Random(seed)
    deeds = [
        lambda: meter.set_load(chance.choice([Constant(1500, 200), Household(peak=8000)])),
        lambda: meter.cut_phase("b"),
        lambda: meter.restore_phase("b"),
        lambda: meter.override_phase("c", PhaseOverride(voltage=150.0)),
        lambda: meter.override_phase("c", None),
        lambda: meter.turn_current("a", chance.random() < 0.5),
        lambda: meter.change_inputs(replace(meter.inputs, cover_open=not meter.inputs.cover_open)),
        lambda: meter.change_inputs(replace(meter.inputs, magnetic_field=not meter.inputs.magnetic_field)),
        lambda: meter.parameters.set("display_seconds", chance.randrange(5, 20), Author("12345678", "04000302")),
        lambda: meter.parameters.set("trip_delay", chance.randrange(0, 5), Author("00000001", "04001401")),
        meter.clear_demand,
        lambda: meter.clock.jump(meter.now().replace(tzinfo=None) + dt.timedelta(seconds=chance.randrange(-600, 600))),
        lambda: setattr(meter, "powered", not meter.powered),
        lambda: meter.relay.trip() if meter.powered else None,
        meter.relay.close,
        lambda: meter.access.check(4, "999999", 4, switch=False),
        lambda: meter.events.set_limit("under_voltage_delay", chance.randrange(0, 100)),
    ]
    for _ in range(40):
        meter.clock.step(chance.choice([1, 7, 59, 60, 61, 900, 3600, 40_000]))
        chance.choice(deeds)()
        meter.advance()


@pytest.mark.parametrize("seed", range(6))
def test_a_stored_meter_goes_on_bit_for_bit(tmp_path, seed) -> None:
    """Protects every part: after any life a restored meter equals the one that lived, and lives on like it."""
    meter = fresh()
    live(meter, seed)
    storage = Storage(tmp_path)
    storage.attach(meter)
    storage.close()
    twin = fresh()
    again = Storage(tmp_path)
    assert again.attach(twin)
    assert everything(twin) == everything(meter)
    assert values(twin) == values(meter)
    for one in (meter, twin):
        one.powered = True
        live(one, seed + 100)
    assert everything(twin) == everything(meter)
    assert values(twin) == values(meter)
    again.close()


def test_what_is_committed_is_there_and_nothing_else(tmp_path) -> None:
    """Protects the meaning of a commit: the state of its moment, whole."""
    storage, meter = Storage(tmp_path), fresh()
    assert not storage.attach(meter)
    meter.parameters.set("location", "cellar", Author("00000000", "04000F01"))
    storage.commit()
    committed = everything(meter)
    meter.parameters.set("location", "roof", Author("00000000", "04000F01"))
    storage._base.close()  # as if killed
    twin = fresh()
    Storage(tmp_path).attach(twin)
    assert twin.parameters["location"] == "cellar"
    assert everything(twin) == committed


def test_the_time_without_a_process_is_an_outage(tmp_path) -> None:
    """Protects the clock: it follows the computer's; energy stands still, and the outage is an event."""
    wall = [1_767_225_600.0]
    base = [0.0]

    def run() -> tuple[Storage, Meter]:
        storage = Storage(tmp_path, wall=lambda: wall[0])
        meter = Device.of_profile("three-phase").meter(clock="real", base=lambda: base[0], wall=lambda: wall[0])
        storage.attach(meter)
        return storage, meter

    storage, meter = run()
    meter.clock.jump(meter.now().replace(tzinfo=None) + dt.timedelta(hours=1))
    wall[0], base[0] = wall[0] + 600, base[0] + 600
    storage.commit()
    energy = meter.read("active_energy_import")
    shown = meter.now()
    storage._base.close()
    wall[0], base[0] = wall[0] + 7200, 5.0
    storage, meter = run()
    assert meter.now() == shown + dt.timedelta(hours=2)
    assert meter.read("active_energy_import") == energy
    record = meter.events.record("power_loss")
    assert (record.start, record.end) == (shown, shown + dt.timedelta(hours=2))
    assert meter.powered
    storage.close()


def test_a_meter_without_power_is_still_without_power(tmp_path) -> None:
    """Protects outages that last longer than the process: they end when power comes, not when we do."""
    meter = fresh()
    meter.powered = False
    storage = Storage(tmp_path)
    storage.attach(meter)
    storage.close()
    twin = fresh()
    Storage(tmp_path).attach(twin)
    assert not twin.powered
    twin.clock.step(100)
    twin.powered = True
    assert twin.events.count("power_loss") == 1
    assert twin.events.total("power_loss") == 100


def test_files_that_are_none_are_refused(tmp_path) -> None:
    """Protects people's data: nothing foreign, newer or damaged is opened or overwritten."""
    folder = tmp_path / "a"
    storage = Storage(folder)
    storage.attach(fresh())
    with pytest.raises(StorageError, match="another process"):
        Storage(folder)
    storage.close()
    assert (folder / FILE).stat().st_mode & 0o077 == 0

    for meter in (fresh(seed=2), Meter("single-phase", clock=VirtualClock(START, frozen=True))):
        with pytest.raises(StorageError, match="another meter"):
            Storage(folder).attach(meter)

    def altered(statement: str) -> None:
        with sqlite3.connect(folder / FILE) as base:
            base.execute(statement)
        base.close()

    altered("PRAGMA user_version = 3")
    with pytest.raises(StorageError, match="newer version"):
        Storage(folder)
    altered("PRAGMA user_version = 2")
    altered("UPDATE part SET state = zeroblob(length(state)) WHERE name = 'ledger'")
    with pytest.raises(StorageError, match="damaged: the check of ledger"):
        Storage(folder)
    altered("PRAGMA application_id = 7")
    with pytest.raises(StorageError, match="no state of a meter"):
        Storage(folder)

    for name, octets in (
        ("text", b"this is not a database at all" * 100),
        ("cut", (folder / FILE).read_bytes()[:5000]),
    ):
        other = tmp_path / name
        other.mkdir()
        (other / FILE).write_bytes(octets)
        with pytest.raises(StorageError):
            Storage(other)
        assert (other / FILE).read_bytes() == octets
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        Storage(tmp_path / "file" / "below")


def busy(kinds: dict | None = None) -> Meter:
    """A meter that stores a row every minute, in rings of a few days."""
    table = profile_table("three-phase")
    table["freezes"] = {"minute": {"depth": 400, "every": 1}} if kinds is None else kinds
    table["load_profile"] = {"capacity": 1000}
    meter = fresh(profile=msgspec.convert(table, Profile), load=Constant(1000, 100, 230))
    meter.parameters.set("load_profile_mode", 0x3F)
    return meter


def test_a_commit_writes_what_is_new(tmp_path) -> None:
    """Protects a meter that has run for weeks: minutes of freezes and load profile cost kilobytes, not megabytes."""
    meter, storage = busy(), Storage(tmp_path)
    storage.attach(meter)
    meter.clock.step(86_400)
    storage.commit()
    storage._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert storage.path.stat().st_size > 1_000_000
    log = storage.path.with_name(FILE + "-wal")
    meter.clock.step(300)
    storage.commit()
    assert 0 < log.stat().st_size < 250_000
    storage.close()
    twin, again = busy(), Storage(tmp_path)
    again.attach(twin)
    assert everything(twin) == everything(meter)
    for one in (meter, twin):
        one.clear()
        one.clock.step(1800)
    again.close()
    third = busy()
    Storage(tmp_path).attach(third)
    assert everything(third) == everything(twin) == everything(meter)


def test_a_state_of_the_first_layout_is_read(tmp_path) -> None:
    """Protects what people have: rows that lie within their part move to a table of their own."""
    meter, storage = busy(), Storage(tmp_path)
    storage.attach(meter)
    meter.clock.step(20_000)
    storage.close()
    with sqlite3.connect(tmp_path / FILE) as base:
        for name, give in parts_of(meter).items():
            octets = msgspec.msgpack.encode(give())
            base.execute("UPDATE part SET crc = ?, state = ? WHERE name = ?", (zlib.crc32(octets), octets, name))
        base.execute("DROP TABLE row")
        base.execute("PRAGMA user_version = 1")
    base.close()
    for _ in range(2):
        twin, again = busy(), Storage(tmp_path)
        assert again.attach(twin)
        assert everything(twin) == everything(meter)
        again.close()


def test_rings_that_other_device_files_make(tmp_path) -> None:
    """Protects a change of the device file: a ring that is gone, shorter or back again is never mixed with old rows."""
    meter, storage = busy(), Storage(tmp_path)
    storage.attach(meter)
    meter.clock.step(40_000)
    storage.close()
    for kinds in ({}, {"minute": {"depth": 100, "every": 1}}, {"minute": {"depth": 200, "every": 1}}):
        again, twin = Storage(tmp_path), busy(kinds)
        again.attach(twin)
        begun = twin.second
        twin.clock.step(3600)
        again.close()
        if kinds:
            found = [row.second for row in twin.freezes.rows("minute")]
            assert found[-60:] == list(range((begun // 60 + 1) * 60, begun + 3601, 60))
            other, third = Storage(tmp_path), busy(kinds)
            other.attach(third)
            assert [row.second for row in third.freezes.rows("minute")] == found
            other.close()


def test_given_readings_hold_for_the_first_start_alone(tmp_path) -> None:
    """Protects registers: a device file presets a new meter; a stored one has counted on."""
    device = replace(
        Device.of_profile("three-phase"), given={"active_import": Decimal(100)}, clock=f"frozen:{START.isoformat()}"
    )
    meter, storage = device.meter(), Storage(tmp_path)
    storage.attach(meter)
    meter.clock.step(36_000)
    storage.close()
    twin = device.meter()
    Storage(tmp_path).attach(twin)
    assert twin.read("active_energy_import") == meter.read("active_energy_import") > 100
    assert twin.now() == meter.now()
