"""Meter generations as data: one TOML file per type of meter."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.credit import CreditSettings
from meterwire.meter_model.demand import DemandSettings
from meterwire.meter_model.energy import CombinationWords, Starting
from meterwire.meter_model.freezes import FreezeSettings
from meterwire.meter_model.harmonics import Spectrum
from meterwire.meter_model.identity import Plate
from meterwire.meter_model.load import Load
from meterwire.meter_model.load_profile import LoadProfileSettings
from meterwire.meter_model.prices import PriceSettings
from meterwire.meter_model.tariff import SettlementDay, TariffSchedule


class Ratings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a type of meter is made for.

    Attributes:
        voltage: nominal phase voltage, V.
        current: basic current, A.
        maximum_current: A.
        frequency: nominal, Hz.
        active_constant: imp/kWh.
        reactive_constant: imp/kvarh.
        starting: powers per phase below which nothing is registered.
    """

    voltage: Annotated[float, msgspec.Meta(gt=0, le=400)]
    current: Annotated[float, msgspec.Meta(gt=0, le=200)]
    maximum_current: Annotated[float, msgspec.Meta(gt=0, le=200)]
    frequency: Annotated[float, msgspec.Meta(ge=45, le=65)]
    active_constant: Annotated[int, msgspec.Meta(ge=1, le=999_999)]
    reactive_constant: Annotated[int, msgspec.Meta(ge=1, le=999_999)]
    starting: Starting = Starting()


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters and state that are plain numbers; V, minutes, ms.

    Attributes:
        battery_running_time: minutes that the clock has lived on its battery so far.
        clock_drift: how many parts per million the clock is fast; negative where it is slow.
    """

    harmonic_order: int = 21
    pulse_width: int = 80
    current_transformer_ratio: int = 1
    voltage_transformer_ratio: int = 1
    clock_battery_voltage: float = 3.65
    outage_battery_voltage: float = 6.02
    battery_running_time: int = 37
    internal_temperature: float = 24.5
    clock_drift: Annotated[float, msgspec.Meta(ge=-10_000, le=10_000)] = 0.0


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number per flow: what has been counted before the meter is first met, or the highest demand of a period."""

    active_import: float
    active_export: float
    reactive_q1: float
    reactive_q2: float
    reactive_q3: float
    reactive_q4: float
    apparent_import: float
    apparent_export: float


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of meter.

    Attributes:
        freezes: kinds of freezes that are not as usual, by name.
        absent: names of quantities that this type does not have.
    """

    name: str
    phases: Literal[1, 3]
    ratings: Ratings
    plate: Plate
    tariff: TariffSchedule
    load: Load
    history: History
    history_demand: History
    demand: DemandSettings = DemandSettings()
    settlement: SettlementDay = SettlementDay()
    combination: CombinationWords = CombinationWords()
    spectrum: Spectrum = Spectrum()
    numbers: Numbers = Numbers()
    freezes: dict[str, FreezeSettings] = {}
    load_profile: LoadProfileSettings = LoadProfileSettings()
    prices: PriceSettings = PriceSettings()
    credit: CreditSettings = CreditSettings()
    absent: tuple[str, ...] = ()


def profile_names() -> list[str]:
    """The profiles that come with the package."""
    names = (entry.name for entry in files(__package__).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def profile_table(name: str) -> dict[str, Any]:
    """A profile as read from its file; raises LocalProtocolError for an unknown name."""
    if name not in profile_names():
        raise LocalProtocolError(f"no profile is called {name!r}: {', '.join(profile_names())}")
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


@cache
def load_profile(name: str) -> Profile:
    """The profile of that name; raises LocalProtocolError."""
    return msgspec.convert(profile_table(name), Profile)
