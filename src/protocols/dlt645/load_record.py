"""Load records (DL/T 645-2007, annex B): time and six groups of values, each closed by AAH."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt645.compounds import CLOSING
from meterwire.protocols.dlt645.values import Format, Stamp, Value

GROUPS: Final = (
    "XXX.X*3;±XXX.XXX*3;XX.XX",
    "±XX.XXXX*8",
    "±X.XXX*4",
    "XXXXXX.XX*2;±XXXXXX.XX*2",
    "XXXXXX.XX*4",
    "±XX.XXXX*2",
)
"""Voltages, currents and frequency; active and reactive power, total first; power factors; energies forward, reverse,
combined reactive 1 and 2; reactive energies of the quadrants; active and reactive demand."""

VALID: Final = "valid"
INVALID: Final = "invalid"
"""The meter has marked the record as incorrect."""
WRONG_SUM: Final = "wrong sum"

_MARKS: Final = {VALID: b"\xa0\xa0", INVALID: b"\xe0\xe0", WRONG_SUM: b"\xa0\xa0"}
_END: Final = 0xE5
_TIME: Final = Stamp(["YY", "MM", "DD", "hh", "mm"])
_HEAD: Final = 3
_TAIL: Final = 2


class LoadRecords:
    """Records one after another: a list of tuples of state, time, and six groups, None for one that is not kept.

    The state is `valid`, `invalid` where the meter says so, or `wrong sum`. The length octet counts from the time to
    the last AAH, as several public programs have it; a record that counts otherwise is read to its sixth AAH. A meter
    may send the group of the class that was asked for alone, which is read, never written.

    Args:
        groups: formats of the six groups.
        kind: class of the records, 1 to 6; 0 where all were asked for.
    """

    size: int | None = None

    def __init__(self, groups: Sequence[Format], kind: int) -> None:
        self.groups = tuple(groups)
        self._kind = kind

    def decode(self, octets: bytes, at: int = 0) -> list[Value]:
        """The records; raises MalformedError where they are not of that form."""
        records: list[Value] = []
        start = 0
        while start < len(octets):
            end = self._end(octets, start)
            if end is None:
                raise MalformedError("a load record (A0 A0 or E0 E0, length, .., sum, E5)", offset=at + start)
            records.append(self._record(octets[start:end], at + start))
            start = end
        return records

    def encode(self, value: Any) -> bytes:
        """The octets of a list of records."""
        if not isinstance(value, (list, tuple)):
            raise LocalProtocolError(f"{value!r} is not a list of load records")
        return b"".join(map(self._built, value))

    def _end(self, octets: bytes, start: int) -> int | None:
        """The index behind a record, by its length octet or else by its sixth AAH."""
        if octets[start : start + 2] not in _MARKS.values() or start + _HEAD + _TIME.size > len(octets):
            return None
        end = start + _HEAD + octets[start + 2] + _TAIL
        if end <= len(octets) and octets[end - 1] == _END and octets[end - _TAIL - 1] == CLOSING[0]:
            return end
        closing = start + _HEAD + _TIME.size - 1
        for _ in self.groups:
            closing = octets.find(CLOSING, closing + 1)
            if closing < 0:
                return None
        end = closing + 1 + _TAIL
        return end if end <= len(octets) and octets[end - 1] == _END else None

    def _record(self, octets: bytes, at: int) -> tuple[Value, ...]:
        body = octets[_HEAD:-_TAIL]
        found = body[_TIME.size :].removesuffix(CLOSING).split(CLOSING)
        if len(found) == 1 and self._kind:
            found = [found[0] if kind == self._kind else b"" for kind in range(1, len(self.groups) + 1)]
        if len(found) != len(self.groups):
            raise MalformedError(f"{len(self.groups)} groups, not {len(found)}", offset=at + _HEAD)
        state = INVALID if octets[0] == _MARKS[INVALID][0] else VALID
        if state == VALID and sum(octets[:-_TAIL]) & 0xFF != octets[-_TAIL]:
            state = WRONG_SUM
        values: list[Value] = [state, _TIME.decode(body[: _TIME.size], at + _HEAD)]
        start = at + _HEAD + _TIME.size
        for group, part in zip(self.groups, found, strict=True):
            values.append(group.decode(part, start) if part else None)
            start += len(part) + 1
        return tuple(values)

    def _built(self, record: Any) -> bytes:
        if not isinstance(record, (list, tuple)) or len(record) != 2 + len(self.groups):
            raise LocalProtocolError(f"{record!r} is not a state, a time and {len(self.groups)} groups")
        state, time, *values = record
        if not isinstance(state, str) or state not in _MARKS:
            raise LocalProtocolError(f"{state!r} is not one of {', '.join(_MARKS)}")
        groups = (
            b"" if value is None else group.encode(value) for group, value in zip(self.groups, values, strict=True)
        )
        body = _TIME.encode(time) + b"".join(group + CLOSING for group in groups)
        octets = _MARKS[state] + bytes([len(body)]) + body
        check = sum(octets) + (state == WRONG_SUM) & 0xFF
        return octets + bytes([check, _END])
