"""What of the meter an attribute holds, written beside its type: parameters, states and constants, in one shape.

`name` is a parameter; `<season>` in it is the number of the set in force, `<!season>` of the other one. `@name` is a
state (`dlt69845_state.py`), `=text` a constant. `{a,b}` is a structure, `(a,b)` an array of just these, `[a_#:count]`
an array of as many as the parameter `count` says (`count+1`: one more), `[a_#:=count]` one whose length sets `count`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt69845.state import state_of
from meterwire.meter_model.faces.dlt69845.types import Denied, listed
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Setting, checked, parameters
from meterwire.protocols.dlt69845.enums import Dar

_NAME: Final = re.compile(r"[a-z0-9_#<>!]+")
_CONSTANT: Final = re.compile(r"[^,{}()\[\]]*")
_SET: Final = re.compile(r"<(!?)(\w+)>")
_COUNT: Final = re.compile(r":(=?)([a-z0-9_]+)(?:\+(\d+))?\]")

OVER: Final[Mapping[str, Dar]] = {
    "season_count": Dar.TOO_MANY_YEAR_SEASONS,
    "day_schedule_count": Dar.TOO_MANY_DAY_PERIODS,
    "day_slot_count": Dar.TOO_MANY_DAY_PERIODS,
    "rate_count": Dar.TOO_MANY_RATES,
}
"""What is answered where there are more than so many."""
_EMPTY: Final[Mapping[str, Setting]] = {"holiday": None, "moment_of_month": None, "slots": (), "seasons": ()}
"""What an entry of an array is that is not used, by kind of the parameter."""

Changes = dict[str, Setting]


class One(msgspec.Struct, frozen=True):
    """A parameter."""

    template: str

    def name(self, meter: Meter, number: int = 0) -> str:
        """Its name now."""
        return _SET.sub(lambda found: _set_number(meter, found), self.template).replace("#", str(number))

    def read(self, meter: Meter, number: int = 0) -> Any:
        """Its value as the type has it."""
        name = self.name(meter, number)
        return _sent(parameters()[name].kind, meter.parameters[name])

    def changes(self, meter: Meter, value: Any, number: int = 0) -> Changes:
        """What writing the value changes; raises `Denied`."""
        name = self.name(meter, number)
        if name not in parameters():
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        kind = parameters()[name].kind
        try:
            new = checked(name, _neutral(kind, value))
        except (LocalProtocolError, TypeError):  # None among entries that are all used
            raise Denied(OVER.get(name, Dar.SCOPE_OF_ACCESS_VIOLATED)) from None
        _refuse_too_much(meter, name, kind, new)
        return {name: new}


class State(msgspec.Struct, frozen=True):
    """A state of the meter, or a constant: it may be written as what it is."""

    source: str

    def read(self, meter: Meter, number: int = 0) -> Any:
        """The state; raises NotServed."""
        del number
        if self.source.startswith("="):
            text = self.source[1:]
            return int(text) if text.isdecimal() else text
        return state_of(meter, self.source[1:])

    def changes(self, meter: Meter, value: Any, number: int = 0) -> Changes:
        """Nothing; raises `Denied` for another value."""
        if value != self.read(meter, number):
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        return {}


class Members(msgspec.Struct, frozen=True):
    """A structure, or an array of just these, which ends with the last that is used."""

    parts: tuple[Any, ...]
    array: bool = False

    def read(self, meter: Meter, number: int = 0) -> Any:
        """Their values."""
        values = [part.read(meter, number) for part in self.parts]
        while self.array and values and values[-1] is None:
            values.pop()
        return tuple(values)

    def changes(self, meter: Meter, value: Any, number: int = 0) -> Changes:
        """What writing them changes; raises `Denied`."""
        if len(value) > len(self.parts):
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        changes: Changes = {}
        for part, own in zip(self.parts, value, strict=False):
            changes |= part.changes(meter, own, number)
        for part in self.parts[len(value) :]:
            changes |= unused(part.name(meter, number))
        return changes


class Several(msgspec.Struct, frozen=True):
    """An array of one shape.

    Attributes:
        count: the parameter that says how many; likewise `more` of them.
        follows: whether the length of the array is what is counted.
    """

    part: Any
    count: str
    more: int
    follows: bool

    def read(self, meter: Meter, number: int = 0) -> Any:
        """Its values, without unused ones behind the last."""
        del number
        values = [self.part.read(meter, at) for at in range(1, self._many(meter) + 1)]
        while values and values[-1] is None:
            values.pop()
        return tuple(values)

    def changes(self, meter: Meter, value: Any, number: int = 0) -> Changes:
        """What writing them changes, those behind the last become unused; raises `Denied`."""
        del number
        changes: Changes = {}
        if self.follows:
            changes |= One(self.count).changes(meter, len(value))
        elif len(value) > self._many(meter):
            raise Denied(OVER.get(self.count, Dar.SCOPE_OF_ACCESS_VIOLATED))
        for at, own in enumerate(value, 1):
            changes |= self.part.changes(meter, own, at)
        for at in range(len(value) + 1, self._many(meter) + 1) if not self.follows else ():
            changes |= unused(self.part.name(meter, at))
        return changes

    def _many(self, meter: Meter) -> int:
        found = int(meter.parameters[self.count])
        return found + self.more if found else 0


def unused(name: str) -> Changes:
    """What makes an entry unused; raises `Denied` for a parameter that always has a value."""
    kind = parameters()[name].kind
    if kind not in _EMPTY:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    return {name: _EMPTY[kind]}


def _set_number(meter: Meter, found: re.Match[str]) -> str:
    number = meter.tariff.sets[found[2]]
    return str(2 - number if found[1] else 1 + number)


def _sent(kind: str, value: Any) -> Any:
    if kind == "slots":
        return tuple((minute // 60, minute % 60, rate) for minute, rate in value)
    return value


def _neutral(kind: str, value: Any) -> Any:
    if kind == "slots":
        return tuple((_minutes(hour, minute), rate) for hour, minute, rate in value)
    if kind == "holiday":
        return None if value is None or value[0] is None else value
    if kind == "moment_of_month":
        return None if value is None or set(value) <= {0, 99, 0xFF} else value
    return value


def _minutes(hour: int, minute: int) -> int:
    if hour > 23 or minute > 59:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    return hour * 60 + minute


def _refuse_too_much(meter: Meter, name: str, kind: str, value: Any) -> None:
    """Raise `Denied` for tables with more entries than the meter is set to, or that name what it is not set to."""
    held = meter.parameters
    if kind == "seasons":
        _refuse(len(value) > held["season_count"], "season_count")
        _refuse(any(plan > held["day_schedule_count"] for _, _, plan in value), "day_schedule_count")
    elif kind == "slots":
        _refuse(len(value) > held["day_slot_count"], "day_slot_count")
        _refuse(any(rate > held["rate_count"] for _, rate in value), "rate_count")
    elif name == "rate_count":
        _refuse(value > meter.profile.tariff.rates, name)


def _refuse(wrong: bool, count: str) -> None:
    if wrong:
        raise Denied(OVER[count])


@cache
def held_of(text: str) -> Any:
    """What a text says is held; raises LocalProtocolError for a text that says nothing."""
    found, rest = _parsed(text)
    if rest:
        raise LocalProtocolError(f"{text!r}: {rest!r} is left over")
    return found


def _parsed(text: str) -> tuple[Any, str]:
    shape = _SHAPES.get(text[:1])
    if shape is not None:
        return shape(text[1:])
    if text[:1] == "=":
        return _cut(text, _CONSTANT, State, skip=1)
    if text[:1] == "@":
        return _cut(text, _NAME, State, skip=1)
    return _cut(text, _NAME, One)


def _cut(text: str, pattern: re.Pattern[str], make: Callable[[str], Any], skip: int = 0) -> tuple[Any, str]:
    found = pattern.match(text, skip)
    if found is None or not found[0]:
        raise LocalProtocolError(f"{text!r} names nothing")
    return make(text[: found.end()]), text[found.end() :]


def _members(text: str) -> tuple[Any, str]:
    parts, rest = listed(text, _parsed)
    if rest[:1] not in {"}", ")"}:
        raise LocalProtocolError(f"no end before {rest!r}")
    return Members(tuple(parts), rest[0] == ")"), rest[1:]


def _several(text: str) -> tuple[Any, str]:
    part, rest = _parsed(text)
    found = _COUNT.match(rest)
    if found is None:
        raise LocalProtocolError(f"how many is not said before {rest!r}")
    return Several(part, found[2], int(found[3] or 0), bool(found[1])), rest[found.end() :]


_SHAPES: Final[Mapping[str, Callable[[str], tuple[Any, str]]]] = {"{": _members, "(": _members, "[": _several}
