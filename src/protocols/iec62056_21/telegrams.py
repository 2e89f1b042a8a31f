"""Messages of IEC 62056-21 in octets that may hold anything: sign-ons, readouts, programming, P1 telegrams.

The reader of a line knows what is due; here nothing is known, so that only what shows its form counts: what is framed
and has its block check, data sets up to a line with `!`, and the lines that open a session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.iec62056_21.messages import BAUDS_B, BAUDS_C, block_check
from meterwire.protocols.iec62056_21.readings import code, quantity_of
from meterwire.protocols.iec62056_21.text import parse
from meterwire.protocols.wire.tracer import Span

_FRAMED: Final = re.compile(
    rb"(?P<block>\x02(?P<data>[^\x01-\x04]*+)[\x03\x04])(?P<bcc>.)"
    rb"|\x01(?P<code>[PRWEB][0-9])(?:\x02(?P<operand>[^\x01-\x04]*+))?[\x03\x04](?P<check>.)"
    rb"|\x06(?P<option>[0-9][0-9A-F][0-9A-Z])\r\n"
    rb"|/\?(?P<address>[^!/\r\n\x80-\xff]{0,32}+)!\r\n",
    re.DOTALL,
)
_LINE: Final = re.compile(rb"[^\r\n]*+\r*+\n?")
_NAMED: Final = re.compile(rb"/([A-Za-z]{3})([\x21-\x7e])((?:\\[\x20-\x7e])*+)([\x20-\x2e\x30-\x7e]{0,32})\Z")
_SETS: Final = re.compile(rb"(?:[^()/!\x00-\x1f\x7f-\xff]{0,32}+(?:\([^()\x00-\x1f\x7f-\xff]*+\))++)++\Z")
_END: Final = re.compile(rb"!([0-9A-Fa-f]{4})?\Z")
_CODES: Final = {"P": "password", "R": "read", "W": "write", "E": "execute", "B": "break"}
_CONTROLS: Final = {"0": "data readout", "1": "programming", "2": "binary mode, HDLC"}


class Telegram(msgspec.Struct, frozen=True):
    """A message found in a stream.

    Attributes:
        start: where it begins; likewise `end`.
        kind: what it is, for people.
        value: what it says, as plain objects.
        spans: its parts, counted from its start.
        error: what is wrong with it.
    """

    start: int
    end: int
    kind: str
    value: dict[str, Any]
    spans: tuple[Span, ...]
    error: str = ""


def telegrams(octets: bytes, low: int = 0, high: int | None = None) -> Iterator[Telegram]:
    """All messages between two places, in order; time grows with the octets, whatever is in them."""
    high = len(octets) if high is None else high
    at = low
    for found in _FRAMED.finditer(octets, low, high):
        framed = _framed(found)
        if framed is None or found.start() < at:
            continue
        yield from _lines(octets, at, found.start())
        yield framed
        at = found.end()
    yield from _lines(octets, at, high)


def without_parity(octets: bytes) -> bytes | None:
    """The characters of octets that were received with their parity bit, all even; None where they were not."""
    if len(octets) < _FEW or octets.isascii() or any(octet.bit_count() & 1 for octet in octets):
        return None
    return bytes(octet & 0x7F for octet in octets)


_FEW: Final = 4

# ------------------------------------------------------------ what is framed


def _framed(found: re.Match[bytes]) -> Telegram | None:
    begin = found.start()
    if found["option"] is not None:
        return _option(begin, found.end(), found["option"].decode())
    if found["address"] is not None:
        address = found["address"].decode("ascii")
        span = _span("address", 2, 2 + len(address), address, "device address; none for any device")
        return Telegram(begin, found.end(), "sign-on", {"address": address}, (span,))
    data = found["data"] if found["code"] is None else found["operand"]
    check = (found["bcc"] or found["check"])[0]
    due = block_check(found[0][1:-1])
    error = "" if check == due else f"check {check:02X}H, the octets give {due:02X}H"
    head = [] if found["code"] is None else _command(found["code"].decode())
    offset = 1 if data is None else found.start("data" if found["code"] is None else "operand") - begin
    sets, spans = _sets(data or b"", offset)
    if not sets:
        if error or (found["code"] is None and len(data or b"") < _FEW) or not _is_text(data or b""):
            return None
        if data:
            spans = [_span("text", offset, offset + len(data), data.decode("ascii"), "")]
    if error and found["code"] is not None:
        return None
    value: dict[str, Any] = {"data": sets}
    if found["code"] is not None:
        value = {"command": found["code"].decode(), "data": sets}
    end = found.end() - begin
    last = _span("block check", end - 1, end, check, "BCC: exclusive sum behind the first character", error)
    kind = "data block" if found["code"] is None else "programming command"
    return Telegram(begin, found.end(), kind, value, (*head, *spans, last), error)


def _command(text: str) -> list[Span]:
    return [_span("command", 1, 3, text, _CODES[text[0]])]


def _option(begin: int, end: int, text: str) -> Telegram:
    protocol, baud, control = tuple(text)
    speed = BAUDS_C.get(baud) or BAUDS_B.get(baud)
    spans = (
        _span("protocol", 1, 2, protocol, "0 normal, 1 secondary, 2 HDLC"),
        _span("baud", 2, 3, baud, f"{speed} Bd" if speed else "speed"),
        _span("control", 3, 4, control, _CONTROLS.get(control, "manufacturer's own mode")),
    )
    value = {"protocol": protocol, "baud": baud, "control": control}
    return Telegram(begin, end, "option select", value, spans)


# ------------------------------------------------------------ what is lines


def _lines(octets: bytes, low: int, high: int) -> Iterator[Telegram]:
    """Identifications, and data sets up to a line that begins with the exclamation mark, or ends with it."""
    named: tuple[int, int] | None = None
    first: int | None = None
    for line in _LINE.finditer(octets, low, high):
        text, begin, end = line[0].rstrip(b"\r\n"), line.start(), line.end()
        closes = text[-1:] == b"!" and bool(_SETS.match(text[:-1]))
        if _NAMED.match(text) and end > begin + len(text):
            if named is not None:
                yield _identification(octets, *named)
            named, first = (begin, end), None
        elif _SETS.match(text) or closes or (not text and (named or first is not None)):
            first = begin if first is None and text else first
        elif not (_END.match(text) and first is not None):
            if named is not None:
                yield _identification(octets, *named)
            named = first = None
        if first is not None and (closes or _END.match(text)):
            yield _readout(octets, named, first, begin + len(text), end)
            named = first = None
    if named is not None:
        yield _identification(octets, *named)


def _named(octets: bytes, begin: int, end: int, offset: int) -> tuple[dict[str, Any], list[Span]]:
    text = octets[begin:end].rstrip(b"\r\n")
    found = _NAMED.match(text)
    assert found is not None
    manufacturer, baud, escapes, rest = (part.decode("ascii") for part in found.groups())
    speed = BAUDS_C.get(baud) or BAUDS_B.get(baud)
    spans = [
        _span("manufacturer", offset + 1, offset + 4, manufacturer, "a small third letter: short reaction time"),
        _span("baud", offset + 4, offset + 5, baud, f"{speed} Bd" if speed else "speed and mode"),
        _span("identification", offset + 5, offset + len(text), escapes + rest, "of the device; \\2 announces HDLC"),
    ]
    return {"manufacturer": manufacturer, "baud": baud, "identification": escapes + rest}, spans


def _identification(octets: bytes, begin: int, end: int) -> Telegram:
    value, spans = _named(octets, begin, end, 0)
    return Telegram(begin, end, "identification", value, tuple(spans))


def _readout(octets: bytes, named: tuple[int, int] | None, first: int, close: int, end: int) -> Telegram:
    begin = named[0] if named else first
    value, spans = _named(octets, *named, 0) if named else ({}, [])
    mark = octets.rindex(b"!", first, close)
    sets, more = _sets(octets[first:mark], first - begin)
    value["data"] = sets
    if close > mark + 1:
        digits = octets[mark + 1 : close].decode("ascii")
        more.append(_span("CRC", mark + 1 - begin, close - begin, digits, "CRC16 of P1 ports, not checked"))
    return Telegram(begin, end, "readout", value, (*spans, *more))


# ------------------------------------------------------------ data sets


def _sets(octets: bytes, offset: int) -> tuple[list[dict[str, Any]], list[Span]]:
    """Data sets as plain objects and as parts; none where they are none."""
    text = octets.rstrip(b"\r\n").removesuffix(b"!")
    try:
        found = parse(text)
    except MalformedError:
        return [], []
    sets, spans, at = [], [], 0
    for one in found:
        values = [{"value": item.value, "unit": item.unit} for item in one.items]
        sets.append({"address": one.address, "values": values})
        begin = text.index(b"(", at) - len(one.address) if not one.address else text.index(one.address.encode(), at)
        at = begin + len(one.address)
        for _ in one.items:
            at = text.index(b")", at) + 1
        shown = ", ".join(f"{item.value} {item.unit}".rstrip() for item in one.items)
        spans.append(_span(one.address or "value", offset + begin, offset + at, shown, _name(one.address)))
    return sets, spans


def _name(address: str) -> str:
    row = quantity_of(address) if code(address) else None
    return row.name.replace("_", " ") if row is not None else ""


def _is_text(octets: bytes) -> bool:
    return octets.isascii() and octets.decode("ascii").replace("\r", "").replace("\n", "").isprintable()


def _span(name: str, start: int, end: int, value: Any, doc: str, error: str = "") -> Span:
    return Span(0, name, start, end, value, None, doc, error)
