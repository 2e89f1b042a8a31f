"""Frames as people keep them: hex in text, with time stamps, TX and RX, offsets, commas, comments, in any mixture.

`2024-05-01 12:00:01.123 TX: 68 AA`, `[12:00:01] <- 6811`, `发送：68 11`, `0x68, 0x11`, `68H 11H`, `[104, -2]`,
`b'~...'` as Python writes octets, dumps with offset and text columns. Every line gives something; what is not
understood is kept as text. Lines right below each other may hold one message, where none says anything of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from meterwire.transports.capture.piece import Piece

Direction = Literal["sent", "received"]

_TIME: Final = re.compile(
    r"(?<![0-9A-Za-z:])(?:(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[ T_]+)?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:[.,](?P<part>\d{1,9})|:(?P<milli>\d{3}))?(?![\d:])"
)
_EPOCH: Final = re.compile(r"^\W*(?P<seconds>1\d{9})(?P<part>\.\d{1,9})(?!\w)")
_SENT: Final = r"TX|TXD|SEND|SENT|SENDING|OUT|WRITE|REQ|REQUEST|>>+|-+>|=+>|→|发送|发"
_RECEIVED: Final = r"RX|RXD|RECV|RECEIVE|RECEIVED|RECEIVING|IN|READ|RSP|RESP|RESPONSE|<<+|<-+|<=+|←|接收|收"
_DIRECTION: Final = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<sent>{_SENT})|(?P<received>{_RECEIVED}))(?:端|到|帧|报文|数据)?(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_DUMP: Final = re.compile(r"^(?P<offset>[0-9A-Fa-f]{4,8})(?P<mark>:| {2,}|\t)")
_COMMENT: Final = re.compile(r"^\s*(?:#|;)")
_NEXT_TO_OCTETS: Final = frozenset({"in", "out", "read", "write"})
"""Words that say a direction only right in front of the octets, since they stand in sentences as well."""
_TOKEN: Final = re.compile(r"[^\s,;:\-_|\[\](){}<>\"'=，；：。、\\]+")
_OCTETS: Final = re.compile(r"(?:0[xX])?(?P<octets>(?:[0-9A-Fa-f]{2})+)[hH]?")
_MARKED: Final = re.compile(r"(?:\\x|(?<![0-9A-Za-z])\$|%|&[hH])([0-9A-Fa-f]{2})(?![0-9A-Fa-f])")
_SINGLE: Final = re.compile(r"(?<![0-9A-Za-z])0[xX]([0-9A-Fa-f])(?![0-9A-Za-z])")
_DOTTED: Final = re.compile(
    r"(?<![0-9A-Za-z./])(?:[0-9A-Fa-f]{2}\.){7,}+[0-9A-Fa-f]{2}(?![0-9A-Za-z./])"
    r"|(?<![0-9A-Za-z./])(?:[0-9A-Fa-f]{2}/){7,}+[0-9A-Fa-f]{2}(?![0-9A-Za-z./])"
)
_DECIMAL: Final = re.compile(r"\[\s*-?\d{1,3}(?:\s*,\s*-?\d{1,3}){5,}+\s*\]")
_COUNT: Final = re.compile(
    r"[(\[]\s*(?:len|length|size|长度)?\W{0,2}(?:0[xX][0-9A-Fa-f]{1,4}|\d{1,5})\s*(?:bytes?|octets?|B|字节)?\s*[)\]]"
    r"|(?<![A-Za-z])(?:len|length|size|长度)\s?[=:：]?\s?\d{1,5}(?![0-9A-Za-z])",
    re.IGNORECASE,
)
"""How many octets there are, or which buffer it is, beside the octets."""
_APART: Final = "\u2060"
"""Stands in front of numbers that are no octets while a line is read."""
_NUMBERED: Final = re.compile(r"^\W*[A-Za-z]{2,}\W?[ \t]?\d{1,4}[:：][ \t]+(?=(?:[0-9A-Fa-f]{2}[ \t]+){2})")
"""A word and a number in front of octets with spaces between them, such as `Frame 12:`."""
_LITERAL: Final = re.compile(r"""b(?P<quote>['"])(?P<body>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)""")
_CHARACTER: Final = re.compile(r"\\x(?P<hex>[0-9A-Fa-f]{2})|\\(?P<named>[nrt0\\'\"])|(?P<plain>[\x20-\x7e])")
_NAMED: Final = {"n": 10, "r": 13, "t": 9, "0": 0, "\\": 92, "'": 39, '"': 34}
_HYPHENED: Final = re.compile(r"[0-9A-Fa-f]{16,}-")
_BROKEN: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){16,}[0-9A-Fa-f]")
_DIGITS: Final = re.compile(r"[0-9A-Fa-f]+-?")
"""Lines of nothing but digits, as printed documents break long numbers: with a hyphen, or inside an octet."""
_FEW: Final = 4
"""Octets below which a comment of a program, or a number in a sentence, is taken for words."""


class TextLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of text, or several lines of one hex dump.

    Attributes:
        number: of the line, from 1.
        octets: empty when the line has none.
        time: seconds since 1970 if the stamp has a date (taken as UTC), else since midnight, or None.
        direction: as the writer of the log saw it.
        text: what was understood neither as octets nor as time or direction.
        begins: 2 where nothing like it stands right above; 1 where it says a time, a direction or words of its own;
            0 where it can only go on with what the line above began.
    """

    number: int
    octets: bytes = b""
    time: float | None = None
    direction: Direction | None = None
    text: str = ""
    begins: int = 2

    def piece(self) -> Piece:
        """The same as every capture gives it."""
        flow = self.direction or ""
        return Piece(
            octets=self.octets,
            time=self.time,
            direction=self.direction,
            flow=flow,
            remark=self.text,
            begins=self.begins,
        )


def read_hex(text: str) -> Iterator[TextLine]:
    """All lines that are not empty, in order; raises nothing."""
    dump: TextLine | None = None
    length = 0  # of the dump so far
    above, last = TextLine(number=-1), -1
    for number, end, line in _lines(text.removeprefix("\ufeff")):
        parsed, offset = _line(number, line, length if dump else 0)
        if dump is not None and offset and offset == length:
            above = dump = msgspec.structs.replace(dump, octets=dump.octets + parsed.octets)
            length, last = length + len(parsed.octets), end
            continue
        if dump is not None:
            yield dump
        if last == number - 1 and above.octets and parsed.octets:
            parsed = _below(above, parsed)
        else:
            parsed = msgspec.structs.replace(parsed, begins=2)
        above, last = parsed, end
        dump, length = (parsed, len(parsed.octets)) if offset == 0 else (None, 0)
        if dump is None:
            yield parsed
    if dump is not None:
        yield dump


def _below(above: TextLine, line: TextLine) -> TextLine:
    """A line right below one with octets: without a word of its own it goes on the same way."""
    if not line.begins:
        return msgspec.structs.replace(line, direction=above.direction, time=above.time)
    return msgspec.structs.replace(line, begins=1 if line.direction == above.direction else 2)


def _lines(text: str) -> Iterable[tuple[int, int, str]]:
    """Lines with their numbers, the first and the last one where digits go on in the next line inside an octet."""
    parts: list[str] = []
    first = last = 0
    hyphen = False
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole.strip().strip("\0")
        if parts and not (number == last + 1 and _goes_on(line, hyphen)):
            yield first, last, "".join(parts)
            parts = []
        joins, hyphen = bool(parts), _HYPHENED.fullmatch(line) is not None
        if not (joins or hyphen or _BROKEN.fullmatch(line)):
            if line:
                yield number, number, line
            continue
        first, last = first if joins else number, number
        parts.append(line.rstrip("-"))
        if joins and not hyphen:
            yield first, last, "".join(parts)
            parts = []
    if parts:
        yield first, last, "".join(parts)


def _goes_on(line: str, hyphen: bool) -> bool:
    """Whether a line has the rest of an octet: behind a hyphen any digits, else an odd number of them."""
    return _DIGITS.fullmatch(line) is not None and (hyphen or len(line) % 2 == 1)


def _line(number: int, line: str, expected: int) -> tuple[TextLine, int | None]:
    """What a line says, and its offset if it belongs to a hex dump."""
    if _COMMENT.match(line):
        return TextLine(number=number, text=line), None
    dumped = _dumped(line, expected)
    if dumped is not None:
        offset, octets, text = dumped
        return TextLine(number=number, octets=octets, text=text), offset
    time, rest = _cut_time(line)
    octets, before, after = _run(_written_plainly(rest))
    before, after = before.replace(_APART, ""), after.replace(_APART, "")
    if len(octets) < _FEW and line.startswith("//"):
        return TextLine(number=number, text=line), None
    direction, before = _cut_direction(before)
    said = [_trim(before), _trim(after)]
    text = " ".join(part for part in said if part)
    goes_on = octets and time is None and direction is None and not said[0]
    begins = 0 if goes_on else 1
    return TextLine(number=number, octets=octets, time=time, direction=direction, text=text, begins=begins), None


def _written_plainly(text: str) -> str:
    """The same with octets as pairs of digits, however a program wrote them, and without counts and line numbers."""
    text = _DECIMAL.sub(_decimal, _LITERAL.sub(_literal, text))
    text = _MARKED.sub(r" \1 ", _SINGLE.sub(r"0x0\1", text))
    text = _DOTTED.sub(lambda found: re.sub(r"[./]", " ", found[0]), text)
    if len(_COUNT.findall(text)) == 1:
        text = _COUNT.sub(_set_apart, text)
    return _NUMBERED.sub(_set_apart, text, count=1)


def _set_apart(found: re.Match[str]) -> str:
    """Words that are no octets, though they look like some."""
    return re.sub(r"(?=\b[0-9A-Fa-f])", _APART, found[0])


def _decimal(found: re.Match[str]) -> str:
    """Octets as decimal numbers, signed in some languages; as it stands where it is none, or could be hexadecimal."""
    numbers = [int(number) for number in re.findall(r"-?\d+", found[0])]
    plain = all(len(number) == 2 for number in re.findall(r"-?\d+", found[0]))
    if plain or not all(-128 <= number <= 255 for number in numbers):
        return found[0]
    return " " + bytes(number & 0xFF for number in numbers).hex(" ") + " "


def _literal(found: re.Match[str]) -> str:
    """Octets as Python writes them, as digits; as they stand where they are none."""
    octets, at, body = bytearray(), 0, found["body"]
    while at < len(body):
        one = _CHARACTER.match(body, at)
        if one is None:
            return found[0]
        named = _NAMED.get(one["named"] or "")
        octets.append(int(one["hex"], 16) if one["hex"] else ord(one["plain"]) if named is None else named)
        at = one.end()
    return f" {octets.hex(' ')} " if "\\x" in body else found[0]


def _dumped(line: str, expected: int) -> tuple[int, bytes, str] | None:
    """Offset, octets and text column of a line of a hex dump; its offset must be 0 or follow what came before."""
    found = _DUMP.match(line)
    if found is None:
        return None
    offset = int(found["offset"], 16)
    if offset not in {0, expected}:
        return None
    body = line[found.end() :].strip()
    if found["mark"] == ":":
        columns = re.split(r" {2,}|\|", body, maxsplit=1)
    else:
        columns = re.split(r" {3,}|\||\t", body, maxsplit=1)
    octets, before, after = _run(columns[0])
    if not octets or before.strip() or after.strip():
        return None
    return offset, octets, columns[1].strip("| ") if len(columns) > 1 else ""


def _cut_time(line: str) -> tuple[float | None, str]:
    found = _EPOCH.match(line)
    if found is not None:
        return float(found["seconds"] + found["part"]), line[found.end() :]
    found = _TIME.search(line)
    if found is None:
        return None, line
    rest = line[: found.start()] + " " + line[found.end() :]
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"])
    if hour > 23 or minute > 59 or second > 60:
        return None, line
    time = hour * 3600 + minute * 60 + second + float(f"0.{found['part'] or found['milli'] or 0}")
    if found["year"] is None:
        return time, rest
    try:
        day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=UTC)
    except ValueError:
        return None, line
    return day.timestamp() + time, rest


def _cut_direction(text: str) -> tuple[Direction | None, str]:
    found = None
    for found in _DIRECTION.finditer(text):  # noqa: B007  the last one stands next to the octets
        pass
    if found is None or (found[0].lower() in _NEXT_TO_OCTETS and re.search(r"\w", text[found.end() :])):
        return None, text
    return "sent" if found["sent"] else "received", text[: found.start()] + " " + text[found.end() :]


def _run(text: str) -> tuple[bytes, str, str]:
    """The longest run of octets, and what stands before and after it."""
    best, best_size, run, size = (0, 0), 0, (0, 0), 0
    for token in _TOKEN.finditer(text):
        found = _OCTETS.fullmatch(token[0])
        if found is None:
            run, size = (token.end(), token.end()), 0
            continue
        run = (run[0] if size else token.start(), token.end())
        size += len(found["octets"]) // 2
        if size > best_size:
            best, best_size = run, size
    start, end = best
    octets = bytes.fromhex("".join(found["octets"] for found in _found(text[start:end])))
    word = len(octets) < 2 or (len(octets) < _FEW and text[start:end].isdecimal())
    if word and (_trim(text[:start]) or _trim(text[end:])) and not _DIRECTION.search(text[:start]):
        return b"", text, ""  # "be", "ad" or a number in a sentence
    return octets, text[:start], text[end:]


def _found(text: str) -> Iterator[re.Match[str]]:
    for token in _TOKEN.finditer(text):
        found = _OCTETS.fullmatch(token[0])
        if found is not None:
            yield found


def _trim(text: str) -> str:
    """Words without the marks around them; nothing where there are only marks."""
    if not re.search(r"\w|//", text):
        return ""
    return re.sub(r"\s+", " ", text).strip(" \t,;:-[](){}|\"'=，；：")
