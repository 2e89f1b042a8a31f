"""What a meter stores and charges, as device files describe it and the control surface reaches it."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from meterwire.meter_model import Meter
from meterwire.meter_model.control import Control
from meterwire.meter_model.device import Device, DeviceFileError
from meterwire.meter_model.prices import PriceTable

PAGE = Path(__file__).parent.parent.parent / "docs" / "emulating.md"


def documented(folder: Path) -> Meter:
    """The device of the documentation, at a time at which everything is in force."""
    (example,) = re.findall(r"^```toml\n(\[tariff\].*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    path = folder / "meter.toml"
    path.write_text('clock = "frozen:2026-06-30T12:00:00"\n' + example, "utf-8")
    return Device.load(path).meter()


def step(meter: Meter, **duration: float) -> None:
    meter.clock.step(dt.timedelta(**duration).total_seconds())
    meter.advance()


def test_the_documented_device(tmp_path: Path) -> None:
    """Seasons, sets, settlements, prices, account and freezes of a file are those of the meter."""
    meter = documented(tmp_path)
    assert meter.rate_in_force == 2
    step(meter, hours=13)
    assert (meter.rate_in_force, meter.tariff.sets["schedule"]) == (1, 1)
    assert meter.parameters["season_count"] == 2
    assert meter.parameters["holiday_1"] == (dt.date(2026, 10, 1), 2)
    assert meter.parameters["settlement_day_2"] == (11, 9)
    assert meter.credit.rate_price == Fraction("0.9")
    table = PriceTable.of(meter.parameters)
    assert [table.step(Fraction(usage)) for usage in (0, 229, 230, 399, 400, 9000)] == [
        *[0] * 2,
        *[Fraction("0.05")] * 2,
        *[Fraction("0.3")] * 2,
    ]
    assert table.steps_cost(Fraction(500)) == 170 * Fraction("0.05") + 100 * Fraction("0.3")
    assert meter.freezes.row("minute").columns[-1] == "voltage_a"
    assert meter.freezes.count("minute") == 13 * 60
    assert meter.parameters["alarm_amount_2"] == 50


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[tariff]\nweekend = { days = ['sunday'], day = 1 }\n", "tariff.weekend"),
        ("[tariff.second]\nseasons = [{ start = '1-1', day = 1 }]\n", "tariff.second.seasons.0"),
        ("[tariff]\nday_switch = 2026-07-01T00:00:00Z\n", "tariff"),
        ("[settlement]\nmore = [{ day = 29 }]\n", "settlement.more.0"),
        ("[settlement]\nmore = [{ day = 2 }, { day = 3 }, { day = 4 }]\n", "settlement"),
        ("[prices]\nrates = [0.12345]\n", "prices"),
        ("[prices]\nsteps = [{ above = 5, price = 1 }]\n", "prices"),
        ("[prices.second]\nrates = [-1]\n", "prices.second"),
        ("[credit]\nkind = 'cash'\n", "credit.kind"),
        ("[credit]\nbalance = nan\n", "credit"),
        ("[credit]\nyear = '02-30'\n", "credit"),
        ("[freezes.daily]\ndepth = 0.5\n", "freezes"),
        ("[load_profile]\ncapacity = 0\n", "load_profile.capacity"),
        ("[load_profile.classes.7]\ncolumns = ['voltage_a']\n", "load_profile"),
        ("[load_profile.classes.1]\ncolumns = ['voltage']\n", "load_profile.classes"),
    ],
)
def test_faults_name_their_key(tmp_path: Path, text: str, key: str) -> None:
    """Where the mistake stands."""
    path = tmp_path / "meter.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(DeviceFileError) as caught:
        Device.load(path).meter()
    assert caught.value.key == key or caught.value.key.startswith(f"{key}.")


def test_the_control_surface(tmp_path: Path) -> None:
    """Whoever stands at the meter can look at the account, buy, and freeze."""
    meter = documented(tmp_path)
    control = Control(meter)

    def done(**request: object) -> dict:
        reply = control.handle(request)
        assert reply["ok"], reply
        return reply["value"]

    assert done(op="get", what="tariff")["rate"] == 2
    before = done(op="get", what="credit")
    assert (before["balance"], before["kind"], before["price"]) == ("120.0000", "money", "0.7000")
    after = done(op="set", what="credit", purchase=80.5, count=1)
    assert (after["balance"], after["purchases"]) == ("200.5000", 1)
    row = done(op="set", what="freeze", kind="daily")
    assert row["time"] == "2026-06-30T12:00:00+08:00"
    assert Decimal(row["active_energy_import"]) == int(meter.read("active_energy_import") * 100) / Decimal(100)
    assert done(op="get", what="freezes")["daily"] == row
    for request in (
        {"op": "set", "what": "credit", "purchase": 1, "count": 1},
        {"op": "set", "what": "credit", "purchase": "NaN"},
        {"op": "set", "what": "credit"},
        {"op": "set", "what": "freeze", "kind": "weekly"},
    ):
        assert not control.handle(request)["ok"], request
    assert done(op="get", what="credit") == after


def test_status_bits_of_tables_and_of_the_account(tmp_path: Path) -> None:
    """The parts that know say which second sets are in force and what the meter charges in, for every dialect."""
    meter = documented(tmp_path)
    assert {name for name in meter.status.bits() if name.startswith(("second_", "prepaid_"))} == {"prepaid_money"}
    step(meter, hours=13)
    assert {"second_schedule_set", "prepaid_money"} <= meter.status.bits()
