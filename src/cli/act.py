"""`meterwire act`: orders to a meter. Whatever moves a relay, clears or changes keys needs `--yes`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from meterwire.cli.objects import objects_from, objects_in
from meterwire.cli.output import print_json
from meterwire.cli.secrets import credentials, secret
from meterwire.cli.session import session_filters
from meterwire.connect import connect
from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.messages import OutputSignal, RelayOrder
from meterwire.protocols.dlt645.refusal import set_bits
from meterwire.quantities.reading import METER_ZONE
from meterwire.transports.endpoint import Endpoint

NEW_PASSWORD: Final = "METERWIRE_NEW_PASSWORD"  # noqa: S105  the name of a variable


class Settings(msgspec.Struct, frozen=True):
    """What all orders share."""

    valid: timedelta
    new_password_file: Path | None


class Command(msgspec.Struct, frozen=True):
    """One order.

    Attributes:
        words: what follows its name.
        run: takes the client, those words and the settings.
        risky: whether `--yes` is needed.
    """

    words: str
    help: str
    run: Callable[[Any, list[str], Settings], Any]
    risky: bool = True


def _relay(order: RelayOrder) -> Callable[[Any, list[str], Settings], Any]:
    def run(meter: Any, words: list[str], settings: Settings) -> Any:
        periods = _periods(words)
        status = meter.control(order, _meter_time(meter) + settings.valid, periods)
        return {"status": set_bits(status)} if status is not None else None

    return run


def _periods(words: list[str]) -> int:
    if not words:
        return 0
    minutes = int(words[0]) if words[0].isdecimal() else 0
    if not minutes or minutes % 5 or minutes > 5 * 255:
        raise LocalProtocolError(f"minutes until the restoration: 5, 10 ... 1275, not {words[0]}")
    return minutes // 5


def _signal(words: list[str]) -> OutputSignal:
    names = {signal.name.lower().replace("_", "-"): signal for signal in OutputSignal}
    if words[0] not in names:
        raise LocalProtocolError(f"the output signal is one of {', '.join(names)}")
    return names[words[0]]


def _events(words: list[str]) -> dict[str, int]:
    if not words:
        return {}
    try:
        return {"di": int(words[0], 16)}
    except ValueError as error:
        raise LocalProtocolError(f"{words[0]!r} is not the identifier of events, such as 033000FF") from error


def _number(word: str) -> int:
    if not word.isdecimal():
        raise LocalProtocolError(f"a number is needed, not {word!r}")
    return int(word)


COMMANDS: Final[dict[str, Command]] = {
    "trip": Command("", "open the relay", _relay(RelayOrder.TRIP)),
    "permit-close": Command("", "let the customer close the relay with the button", _relay(RelayOrder.PERMIT_CLOSE)),
    "close": Command("", "close the relay", _relay(RelayOrder.CLOSE)),
    "trip-then-close": Command("MINUTES", "open, and close again by itself", _relay(RelayOrder.TRIP_THEN_CLOSE)),
    "trip-then-permit": Command(
        "MINUTES", "open, and permit closing by itself", _relay(RelayOrder.TRIP_THEN_PERMIT_CLOSE)
    ),
    "alarm": Command("", "warn the customer", _relay(RelayOrder.ALARM)),
    "end-alarm": Command("", "no longer warn", _relay(RelayOrder.END_ALARM)),
    "keep-power": Command("", "obey no trip", _relay(RelayOrder.KEEP_POWER)),
    "end-keep-power": Command("", "obey trips again", _relay(RelayOrder.END_KEEP_POWER)),
    "clear-demand": Command("", "clear the maximum demands", lambda meter, *_: meter.clear_demand()),
    "clear-meter": Command("", "clear everything that has been registered", lambda meter, *_: meter.clear_meter()),
    "clear-events": Command(
        "[DI]", "clear all events or one kind", lambda meter, w, _: meter.clear_events(**_events(w))
    ),
    "change-password": Command(
        "LEVEL",
        f"set the password of a level to that of --new-password-file or {NEW_PASSWORD}",
        lambda meter, words, s: meter.change_password(_number(words[0]), secret(s.new_password_file, NEW_PASSWORD)),
    ),
    "set-address": Command(
        "ADDRESS", "give the only meter of the line another address", lambda meter, w, _: meter.set_address(w[0])
    ),
    "change-baud": Command("BAUD", "change the speed", lambda meter, w, _: meter.change_baud(_number(w[0]))),
    "freeze": Command(
        "[MMDDhhmm]", "freeze now or at a time; 99 is any", lambda meter, words, _: meter.freeze(*words), risky=False
    ),
    "set-output": Command(
        "SIGNAL", "what the output terminal carries", lambda m, words, _: m.set_output(_signal(words)), risky=False
    ),
    "set-time": Command(
        "", "tell all meters of the line the computer's time", lambda m, *_: m.set_time(_now()), risky=False
    ),
}
_WITHOUT_PASSWORD: Final = frozenset({"set-address", "change-baud", "freeze", "set-output", "set-time"})


def _meter_time(meter: Any) -> datetime:
    """The time that the meter shows, by which it judges whether an order still holds."""
    day, hour = (reading.value for reading in meter.read_many(["date", "time"]))
    return datetime.combine(day, hour) if isinstance(day, date) and isinstance(hour, time) else _now()


def _now() -> datetime:
    return datetime.now(METER_ZONE)


def usage() -> str:
    """What can be ordered, one line each."""
    lines = [f"  {f'{name} {command.words}'.strip():<28}{command.help}" for name, command in COMMANDS.items()]
    return "say what to do, behind the URL:\n" + "\n".join(lines)


def act(
    url: str,
    words: list[str],
    address: str | None,
    password_file: Path | None,
    new_password_file: Path | None,
    operator: str,
    level: int,
    valid_minutes: int,
    edition: str | None,
    objects: Path | None = None,
    keys: Path | None = None,
    *,
    yes: bool,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    """Order one thing; refusals and unknown outcomes end with 1, told in words."""
    if Endpoint.parse(url).dialect == "dlt69845":
        return _act_dlt69845(
            url, words, address, password_file, objects, yes=yes, trace=trace, record=record, json=json
        )
    if Endpoint.parse(url).dialect in ("dlms", "dlms-hdlc"):
        return _act_dlms(url, words, address, password_file, keys, yes=yes, trace=trace, record=record, json=json)
    name, *rest = words or [""]
    command = COMMANDS.get(name)
    if command is None:
        raise LocalProtocolError(usage())
    _refuse_wrong_words(name, command, rest)
    if command.risky and not yes:
        raise LocalProtocolError(f"{name} cannot be undone by this program: say --yes if it is meant")
    if Endpoint.parse(url).dialect != "dlt645":
        raise LocalProtocolError("only DL/T 645, DL/T 698.45 and DLMS/COSEM take orders so far")
    more: dict[str, Any] = {}
    if name not in _WITHOUT_PASSWORD:
        more["credentials"] = credentials(password_file, level, operator)
    if edition is not None:
        more["edition"] = edition
    settings = Settings(timedelta(minutes=valid_minutes), new_password_file)
    with (
        session_filters(url, trace=trace, record=record, name="act") as filters,
        connect(url, address=address, filters=filters, **more) as meter,
    ):
        told = command.run(meter, rest, settings)
    result = {"command": name, "done": True, **(told or {})}
    if json:
        print_json([result])
    else:
        print(f"{name}: done" + (f" ({', '.join(told['status'])})" if told else ""))
    return 0


def _act_dlms(
    url: str,
    words: list[str],
    address: str | None,
    password_file: Path | None,
    keys: Path | None,
    *,
    yes: bool,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    from meterwire.cli.act_dlms import order_of, told  # noqa: PLC0415  a dialect is loaded when it is spoken

    order = order_of(words)
    if order.risky and not yes:
        raise LocalProtocolError(f"{words[0]} cannot be undone by this program: say --yes if it is meant")
    more: dict[str, Any] = {"secret": secret(password_file).encode()} if keys is None else {"keys": keys}
    with (
        session_filters(url, trace=trace, record=record, name="act") as filters,
        connect(url, address=address, filters=filters, **more) as meter,
    ):
        result = {"command": words[0], "done": True, **told(meter.invoke(order.text, order.value))}
    if json:
        print_json([result])
    else:
        print(f"{words[0]}: done" + (f" ({result['returned']})" if "returned" in result else ""))
    return 0


def _act_dlt69845(
    url: str,
    words: list[str],
    address: str | None,
    password_file: Path | None,
    objects: Path | None,
    *,
    yes: bool,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    from meterwire.cli.act_dlt69845 import order_of, told  # noqa: PLC0415  a dialect is loaded when it is spoken

    more: dict[str, Any] = {} if objects is None else {"objects": objects_in(objects)}
    with objects_from(objects):
        order = order_of(words)
    if order.risky and not yes:
        raise LocalProtocolError(f"{words[0]} cannot be undone by this program: say --yes if it is meant")
    password = secret(password_file)
    with (
        session_filters(url, trace=trace, record=record, name="act") as filters,
        connect(url, address=address, filters=filters, **more) as meter,
    ):
        meter.connect(password)
        gave = told(order.run(meter, words[1:]))
    if json:
        print_json([{"command": words[0], "done": True, **gave}])
    else:
        print(f"{words[0]}: done" + (f" ({gave['gave']})" if gave else ""))
    return 0


def _refuse_wrong_words(name: str, command: Command, words: list[str]) -> None:
    least = 1 if command.words and not command.words.startswith("[") else 0
    most = 1 if command.words else 0
    if not least <= len(words) <= most:
        raise LocalProtocolError(f"{name} {command.words}".strip() + ": " + command.help)
