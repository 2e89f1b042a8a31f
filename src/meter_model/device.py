"""Device files: one TOML file says which meter is emulated; its secrets lie in a file of their own.

    profile = "three-phase"
    seed = 7
    clock = "frozen:2026-01-01T00:00:00"
    secrets = "secrets.toml"

    [identity]
    number = "000000000161"

    [tariff]
    rates = 2
    slots = [{ start = "06:00", rate = 1 }, { start = "22:00", rate = 2 }]

    [load]
    kind = "household"
    peak = 6000

    [readings]
    active_import = 4321.98

    [objects]
    firmware_version = "V109"
    outage_battery_voltage = false

    [faults]
    drop = 0.01

[faults] holds for all links, [faults.NAME] for one. Every section of a profile (ratings, plate, tariff, demand,
settlement, combination, load, spectrum, numbers, freezes, load_profile, prices, credit, history, history_demand) can be
given, in whole or in part, and replaces what the profile says. Errors name the file, the line and the key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import Base, parse_clock
from meterwire.meter_model.demand import FLOWS
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.profiles import Profile, load_profile, profile_table
from meterwire.meter_model.toml_lines import TomlLines
from meterwire.quantities import QUANTITIES, Kind

LARGEST: Final = 1 << 20
_SECTIONS: Final = frozenset(Profile.__struct_fields__) - {"name", "phases"}
_UNREPLACEABLE: Final = frozenset({Kind.MAX_DEMAND, Kind.DATE, Kind.TIME, Kind.DATE_TIME})
_KEYS: Final = {
    **dict.fromkeys(("unicast_key", "authentication_key", "master_key", "broadcast_key"), (16, 32)),
    **dict.fromkeys(("signing_key", "agreement_key"), (32, 48)),
}
_CLIENT_KEYS: Final = ("client_signing_keys", "client_agreement_keys")

Object = Decimal | str | None
FaultSettings = dict[str, bool | int | float | str]


class DeviceFileError(LocalProtocolError):
    """A device file says something that cannot be.

    Attributes:
        path: the file.
        line: counted from 1, 0 where no line can be blamed.
        key: dotted.
    """

    def __init__(self, path: str, line: int, key: str, reason: str) -> None:
        self.path, self.line, self.key = path, line, key
        super().__init__(f"{path}{f':{line}' if line else ''}: {f'{key}: ' if key else ''}{reason}")


class Device(msgspec.Struct, frozen=True):
    """A meter that has not been started yet.

    Attributes:
        profile: with what the file replaces of it.
        clock: a text for `parse_clock`; empty for the default.
        given: readings at the start.
        objects: values that replace those of the model; None takes the quantity away.
        faults: settings of link faults by name of the link, or `all`.
    """

    profile: Profile
    identity: Identity = Identity()
    seed: int = 1
    clock: str = ""
    given: dict[str, Decimal | tuple[Decimal, ...]] = {}
    objects: dict[str, Object] = {}
    faults: dict[str, FaultSettings] = {}

    @staticmethod
    def of_profile(name: str, seed: int = 1) -> Device:
        """A device without a file; raises LocalProtocolError for an unknown profile."""
        return Device(load_profile(name), seed=seed)

    @staticmethod
    def load(path: str | Path) -> Device:
        """Read a device file; raises DeviceFileError."""
        return _DeviceFile(Path(path)).device()

    def meter(
        self,
        *,
        clock: str = "",
        base: Base | None = None,
        wall: Callable[[], float] | None = None,
    ) -> Meter:
        """Start the meter.

        Args:
            clock: replaces the clock of the file; see `parse_clock`.
            base: seconds that only grow, for a clock that runs.
            wall: seconds since 1970 UTC, for a clock that starts now.

        Raises:
            LocalProtocolError: the clock cannot be made.
        """
        text = clock or self.clock
        running = parse_clock(text, base=base, wall=wall) if text else None
        if running is not None and self.profile.numbers.clock_drift:
            running.set_drift(self.profile.numbers.clock_drift)
        return Meter(self.profile, self.identity, running, seed=self.seed, given=self.given, objects=self.objects)


class TomlFile:
    """A TOML file that knows where its keys stand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                octets = file.read(LARGEST + 1)
        except OSError as error:
            raise self.fault("", error.strerror or "cannot be read") from error
        if len(octets) > LARGEST:
            raise self.fault("", f"longer than {LARGEST} octets")
        try:
            text = octets.decode("utf-8")
            self.table = tomllib.loads(text)
        except UnicodeDecodeError as error:
            raise self.fault("", f"octet {error.start} is not UTF-8") from error
        except tomllib.TOMLDecodeError as error:
            raise self.fault("", str(error)) from error
        except RecursionError as error:
            raise self.fault("", "nested too deeply") from error
        self.lines = TomlLines(text)

    def fault(self, key: str, reason: str) -> DeviceFileError:
        """An error at a key."""
        lines = getattr(self, "lines", None)
        return DeviceFileError(str(self.path), lines.line(key) if lines is not None else 0, key, reason)

    def convert(self, value: Any, wanted: Any, key: str = "") -> Any:
        """Into a type; an error names the key below `key` that does not fit."""
        try:
            return msgspec.convert(value, wanted, str_keys=True)
        except msgspec.ValidationError as error:
            below, reason = _blamed(str(error))
            raise self.fault(".".join(filter(None, (key, below))), reason) from error
        except RecursionError as error:
            raise self.fault(key, "nested too deeply") from error

    def octets(self, key: str, text: Any, sizes: tuple[int, ...]) -> bytes:
        """A key or title in hexadecimal digits."""
        try:
            octets = bytes.fromhex(text)
        except (TypeError, ValueError):
            raise self.fault(key, "hexadecimal digits are needed") from None
        if len(octets) not in sizes:
            raise self.fault(key, f"{' or '.join(map(str, sizes))} octets are needed, not {len(octets)}")
        return octets


class _DeviceFile(TomlFile):
    def device(self) -> Device:
        """What the file describes."""
        known = _SECTIONS | {"profile", "seed", "clock", "secrets", "identity", "readings", "objects", "faults"}
        for key in self.table:
            if key not in known:
                raise self.fault(key, f"unknown; known are {', '.join(sorted(known))}")
        profile = self._profile()
        return Device(
            profile,
            self._identity(),
            self.convert(self.table.get("seed", 1), int, "seed"),
            self._clock(),
            self._readings(profile),
            self._objects(),
            self._faults(),
        )

    def _profile(self) -> Profile:
        name = self.convert(self.table.get("profile", "three-phase"), str, "profile")
        try:
            table = profile_table(name)
        except LocalProtocolError as error:
            raise self.fault("profile", str(error)) from error
        for section in _SECTIONS & self.table.keys():
            table[section] = _merged(table.get(section), self.table[section])
        profile: Profile = self.convert(table, Profile)
        for name in profile.absent:
            if name not in QUANTITIES:
                raise self.fault("absent", f"no quantity is called {name!r}")
        return profile

    def _identity(self) -> Identity:
        table = dict(self.convert(self.table.get("identity", {}), dict[str, Any], "identity"))
        if "secrets" in table:
            raise self.fault("identity.secrets", 'secrets lie in a file of their own: secrets = "FILE"')
        titles = self.convert(table.pop("client_titles", {}), dict[str, Any], "identity.client_titles")
        identity: Identity = self.convert(table, Identity, "identity")
        known = dict(identity.client_titles)
        for client, text in titles.items():
            key = f"identity.client_titles.{client}"
            if not (client.isascii() and client.isdigit()):
                raise self.fault(key, "a client is a number")
            known[int(client)] = self.octets(key, text, (8,))
        return msgspec.structs.replace(identity, client_titles=known, secrets=self._secrets())

    def _secrets(self) -> Secrets:
        name = self.convert(self.table.get("secrets", ""), str, "secrets")
        return load_secrets(self.path.parent / name) if name else Secrets()

    def _clock(self) -> str:
        text: str = self.convert(self.table.get("clock", ""), str, "clock")
        if text:
            try:
                parse_clock(text, base=float, wall=lambda: 1.0e9)
            except LocalProtocolError as error:
                raise self.fault("clock", str(error)) from error
        return text

    def _faults(self) -> dict[str, FaultSettings]:
        given = self.convert(self.table.get("faults", {}), dict[str, Any], "faults")
        links = {name: value for name, value in given.items() if isinstance(value, dict)}
        everywhere = {name: value for name, value in given.items() if not isinstance(value, dict)}
        if everywhere:
            links["all"] = everywhere | links.get("all", {})
        for name, settings in links.items():
            for fault, value in settings.items():
                self.convert(value, bool | int | float | str, f"faults.{name}.{fault}")
        return links

    def _readings(self, profile: Profile) -> dict[str, Decimal | tuple[Decimal, ...]]:
        given: dict[str, Decimal | tuple[Decimal, ...]] = {}
        for register, value in self.convert(self.table.get("readings", {}), dict[str, Any], "readings").items():
            key = f"readings.{register}"
            if register not in FLOWS:
                raise self.fault(key, f"no register; registers are {', '.join(FLOWS)}")
            if isinstance(value, list):
                if len(value) > profile.tariff.rates:
                    raise self.fault(key, f"more numbers than the {profile.tariff.rates} rates")
                given[register] = tuple(self._reading(key, item) for item in value)
            else:
                given[register] = self._reading(key, value)
        return given

    def _reading(self, key: str, value: Any) -> Decimal:
        number = self._number(key, value)
        if not 0 <= number < 1_000_000_000:
            raise self.fault(key, "a reading is 0 or more, and less than 1,000,000,000")
        return number

    def _number(self, key: str, value: Any) -> Decimal:
        try:
            number = Decimal(str(value)) if isinstance(value, int | float | str) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite():
            raise self.fault(key, "a number is needed")
        return number

    def _objects(self) -> dict[str, Object]:
        given = self.convert(self.table.get("objects", {}), dict[str, Any], "objects")
        return {name: self._object(name, value) for name, value in given.items()}

    def _object(self, name: str, value: Any) -> Object:
        key = f"objects.{name}"
        row = QUANTITIES.get(name)
        if row is None:
            raise self.fault(key, "no quantity is called so")
        if value is False:
            return None
        if row.kind in _UNREPLACEABLE:
            raise self.fault(key, "can only be taken away (false), not replaced")
        if row.kind != Kind.TEXT:
            return self._number(key, value)
        if not isinstance(value, str) or len(value) > 32 or not (value.isascii() and value.isprintable()):
            raise self.fault(key, "at most 32 printable ASCII characters are needed")
        return value


def load_secrets(path: str | Path) -> Secrets:
    """Read a file of secrets: the attributes of `Secrets`, keys in hexadecimal; raises DeviceFileError."""
    file = TomlFile(Path(path))
    table = dict(file.table)
    keys: dict[str, Any] = {
        name: file.octets(name, table.pop(name), sizes) for name, sizes in _KEYS.items() if name in table
    }
    for name in _CLIENT_KEYS:
        given = file.convert(table.pop(name, {}), dict[int, str], name)
        keys[name] = {client: file.octets(f"{name}.{client}", text, (64, 96)) for client, text in given.items()}
    shown = file.convert(table.pop("authorities", []), list[str], "authorities")
    if not all(text.startswith("-----BEGIN CERTIFICATE-----") for text in shown):
        raise file.fault("authorities", "certificates in PEM are needed")
    keys["authorities"] = tuple(text.encode() for text in shown)
    secrets: Secrets = file.convert(table, Secrets)
    defaults = Secrets()
    return msgspec.structs.replace(
        secrets,
        dlt645_passwords=defaults.dlt645_passwords | secrets.dlt645_passwords,
        dlms=defaults.dlms | secrets.dlms,
        **keys,
    )


def _merged(old: Any, new: Any) -> Any:
    """A section with parts of it replaced; a load of another kind starts afresh."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    if "kind" in new and new["kind"] != old.get("kind"):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def _blamed(text: str) -> tuple[str, str]:
    """The dotted key and the reason in an error of msgspec."""
    reason, at, place = text.rpartition(" - at `")
    if not at:
        reason, place = text, ""
    path = place.removeprefix("key` in `").strip("$`")
    key = path.replace("[...]", "").replace("[", ".").replace("]", "").lstrip(".")
    if reason.startswith("Object contains unknown field `"):
        unknown = reason.split("`")[1]
        return f"{key}.{unknown}".lstrip("."), "unknown"
    return key, reason[:1].lower() + reason[1:]
