"""The options of an endpoint URL: one row each, how it is read and shown, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

Value = int | float | str | bytes | bool


class Option(msgspec.Struct, frozen=True):
    """One option: what it means, how its text is read (raises `ValueError`) and shown."""

    doc: str
    read: Callable[[str], Value]
    show: Callable[[Value], str] = str


def _whole(text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text, re.ASCII) or not low <= int(text) <= high:
        raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,9})?", text, re.ASCII):
        raise ValueError(f"{text!r} is not a number of seconds")
    return float(text)


def _word(text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        raise ValueError(f"{text!r} is none of {', '.join(words)}")
    return text


def _parity(text: str) -> str:
    return _word(text.upper(), ("N", "E", "O"))


def _flag(text: str) -> bool:
    return _word(text, ("on", "off")) == "on"


def _pattern(text: str) -> str:
    try:
        re.compile(text.encode("latin-1"))
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a pattern on octets: {error}") from error
    return text


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{text!r} is not hex octets") from None


def _some(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _decimal(value: Value) -> str:
    return f"{float(value):.9f}".rstrip("0").rstrip(".")


def _on_off(value: Value) -> str:
    return "on" if value else "off"


def _hex(value: Value) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _number(doc: str, low: int, high: int) -> Option:
    return Option(doc, partial(_whole, low=low, high=high))


OPTIONS: Final[dict[str, Option]] = {
    "baud": _number("speed of the serial line, bit/s", 50, 4_000_000),
    "bits": _number("data bits of a character: 7 or 8", 7, 8),
    "parity": Option("N, E or O", _parity),
    "stop": _number("stop bits: 1 or 2", 1, 2),
    "echo": Option("whether our own octets come back: auto, on or off", partial(_word, words=("auto", "on", "off"))),
    "timeout": Option("seconds to wait for an answer, and to connect", _seconds, _decimal),
    "tries": _number("how often a read is sent", 1, 100),
    "address": Option("address of the meter, in the dialect's own form", _some),
    "edition": _number("edition of the standard, as a year", 1990, 2100),
    "client": _number("DLMS client (source wrapper port, HDLC client address)", 0, 0xFFFF),
    "server": _number("DLMS server: the logical device", 0, 0xFFFF),
    "physical": _number("HDLC lower address: the physical device", 0, 0x3FFF),
    "size": _number("octets of the HDLC address: 1, 2 or 4", 1, 4),
    "info": _number("HDLC: octets of the longest information field, either way", 8, 2030),
    "window": _number("HDLC: most frames in a row, either way", 1, 7),
    "mode": Option("IEC 62056-21: mode to speak in, A to E", lambda text: _word(text.upper(), tuple("ABCDE"))),
    "mechanism": Option("DLMS authentication mechanism, by name or number", _some),
    "keys": Option("file with the secrets of the association", _some),
    "node": Option("behind an HPLC module: address of the node, where it is not the meter's own", _some),
    "module": Option("behind an HPLC module: the module's own address; modules take zeros, too", _some),
    "way": Option(
        "behind an HPLC module: monitor (13H F1) or concurrent (F1H F1)",
        partial(_word, words=("monitor", "concurrent")),
    ),
    "registration": Option("regular expression on octets: what a DTU sends to register and as heartbeat", _pattern),
    "wait": Option("seconds to wait for the other side to dial in", _seconds, _decimal),
    "dial": Option("serving: dial out to the place, as a DTU does, instead of listening: on or off", _flag, _on_off),
    "hello": Option("dialling out: registration octets to send first, hex", _octets, _hex),
    "tag": _number("DL/T 698.45: seconds that what is sent may be on its way (time tag), either side", 1, 0xFFFF),
    "heartbeat": Option("dialling out: seconds between repetitions of hello", _seconds, _decimal),
    "push": Option("serving DLMS: seconds between pushes; 0 for pushes when asked, and for events", _seconds, _decimal),
    "names": Option(
        "serving DLMS: how events are named that are told unasked: logical or short",
        partial(_word, words=("logical", "short")),
    ),
    "connections": _number("serving: connections at a time", 1, 1_000_000),
    "silence": Option("serving: seconds of silence that end an unfinished frame", _seconds, _decimal),
}
