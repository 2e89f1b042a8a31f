"""Orders to a meter of DL/T 698.45: by the words that DL/T 645 has too, by OMD, or by object and name of the method."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from meterwire.cli.scan_progress import progress
from meterwire.errors import LocalProtocolError
from meterwire.protocols.axdr.plain import pretty
from meterwire.protocols.dlt69845.assignments import method_named
from meterwire.protocols.dlt69845.client_files import BLOCK, FileHeader
from meterwire.protocols.dlt69845.data import DATA_NAMES
from meterwire.quantities.reading import METER_ZONE

RELAY: Final = "F2050201"
_CLOCK: Final = "40000200"
_DUE: Final = "F0010700"


class Order(msgspec.Struct, frozen=True):
    """One order.

    Attributes:
        words: what follows its name; in brackets where it may be left out.
        run: takes the client and those words.
        risky: whether `--yes` is needed.
    """

    words: str
    help: str
    run: Callable[[Any, list[str]], Any]
    risky: bool = True


def _method(omd: str, parameter: str = "") -> Callable[[Any, list[str]], Any]:
    return lambda meter, _: meter.act_text(omd, parameter)


def _trip(meter: Any, words: list[str]) -> Any:
    minutes = _number(words[0]) if words else 0
    back = "true" if minutes else "false"
    return meter.act_text("80008100", f"[{{{RELAY},0,{minutes},{back}}}]")


def _clear_events(meter: Any, words: list[str]) -> Any:
    return meter.act_text(f"{words[0]}0100") if words else meter.act_text("43000500")


def _send_file(meter: Any, words: list[str]) -> Any:
    if not words:
        raise LocalProtocolError("send-file FILE: say which file")
    path = Path(words[0])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LocalProtocolError(f"{path}: {error.strerror or error}") from error
    shown = progress(live=True)
    shown.expect(-(-len(content) // BLOCK))
    try:
        sent = meter.send_file(
            content, FileHeader(source=path.name), progress=lambda at, _: shown.asking(f"block {at}")
        )
    finally:
        shown.close()
    return f"{sent} blocks sent, {len(content)} octets checked"


def _run_file(meter: Any, words: list[str]) -> Any:
    moment = words[0] if words else datetime.now(METER_ZONE).isoformat(timespec="seconds")
    return meter.write_text(_DUE, moment)


def _number(word: str) -> int:
    if not word.isdecimal():
        raise LocalProtocolError(f"a number is needed, not {word!r}")
    return int(word)


ORDERS: Final[dict[str, Order]] = {
    "trip": Order("[MINUTES]", "open the relay; after so many minutes it closes by itself", _trip),
    "permit-close": Order("", "let the customer close the relay", _method("80008200", f"[{{{RELAY},0}}]")),
    "close": Order("", "close the relay", _method("80008200", f"[{{{RELAY},1}}]")),
    "alarm": Order("", "warn the customer", _method("80007F00")),
    "end-alarm": Order("", "no longer warn", _method("80008000")),
    "keep-power": Order("", "obey no trip", _method("80017F00")),
    "end-keep-power": Order("", "obey trips again", _method("80018000")),
    "clear-demand": Order("", "clear the maximum demands", _method("43000600")),
    "clear-meter": Order("", "clear everything that has been registered", _method("43000300")),
    "clear-events": Order("[OI]", "clear all events, or the records of one object such as 3011", _clear_events),
    "send-file": Order(
        "FILE", "send a file in blocks and have the meter check it; goes on where it was cut", _send_file
    ),
    "run-file": Order("[TIME]", "run what has been sent, now or at a time such as 2026-02-01T02:00:00", _run_file),
    "freeze": Order(
        "[SECONDS]",
        "freeze now or in so many seconds",
        lambda meter, words: meter.act_text("50000300", words[0] if words else "0"),
        risky=False,
    ),
    "set-time": Order(
        "",
        "set the computer's time",
        lambda meter, _: meter.write_text(_CLOCK, datetime.now(METER_ZONE).isoformat(timespec="seconds")),
        risky=False,
    ),
}


def usage() -> str:
    """What can be ordered, one line each."""
    lines = [f"  {f'{name} {order.words}'.strip():<28}{order.help}" for name, order in ORDERS.items()]
    lines.append(f"  {'OMD [PARAMETER]':<28}run any method: 80008000, or 8000.release-alarm")
    return "say what to do, behind the URL:\n" + "\n".join(lines)


def order_of(words: list[str]) -> Order:
    """The order that the words give, checked as far as nobody need be asked; raises LocalProtocolError."""
    name, *rest = words or [""]
    order = ORDERS.get(name)
    if order is None:
        if not name:
            raise LocalProtocolError(usage())
        try:
            method_named(name)
        except LocalProtocolError as error:
            raise LocalProtocolError(f"{error}\n{usage()}") from error
        order = Order("[PARAMETER]", "run a method", lambda meter, given: meter.act_text(name, "".join(given)))
    if len(rest) > (1 if order.words else 0):
        raise LocalProtocolError(f"{name} {order.words}".strip() + ": " + order.help)
    return order


def told(given: Any) -> dict[str, Any]:
    """What a method gave back, for people; nothing where it gave nothing."""
    if isinstance(given, str):
        return {"gave": given}
    return {"gave": pretty(given, DATA_NAMES)} if given is not None else {}
