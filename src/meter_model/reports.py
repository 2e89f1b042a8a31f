"""What has happened to a meter and has not been told to anybody yet: the state behind active reports.

Two views of one thing: counts by kind since they were last told, as a status word needs them, and notices of single
events, as a dialect needs them that reports records one by one and remembers how far each has come by channel.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

ON_BEGIN, ON_END = 1, 2
"""Bits of a report flag."""
_MOST_NOTICES: Final = 64
_MOST_STATES: Final = 256
_MOST_PASSED: Final = 16
_MOST_PREPARED: Final = 256


class Notice(msgspec.Struct, frozen=True):
    """An event that shall be reported.

    Attributes:
        kind: of the event.
        number: of its record.
        ended: whether its end is reported, not its beginning.
    """

    kind: str
    number: int
    ended: bool


class Passed(msgspec.Struct, frozen=True):
    """What came in at a port and is to be passed on as it is.

    Attributes:
        serial: that tells it from another one with the same octets.
        port: in the terms of the dialect.
        frames: octets.
    """

    serial: int
    port: str
    frames: tuple[bytes, ...]


class Told(msgspec.Struct, frozen=True):
    """Values that shall be told unasked, as they are when they are sent.

    Attributes:
        serial: that tells it from another one with the same items.
        items: in the terms of the dialect.
    """

    serial: int
    items: tuple[str, ...]


class Prepared(msgspec.Struct, frozen=True):
    """Something that is to be told as it is, by whoever connects the parties.

    Attributes:
        serial: that tells it from another one like it.
        kind: what `content` is, in the terms of the face that tells it.
        attempts: how often it is told at most.
    """

    serial: int
    kind: str
    content: tuple[Any, ...]
    attempts: int


class Reports:
    """How often each event has happened since it was last told, and which single ones are to be reported."""

    def __init__(self) -> None:
        self._new: Counter[str] = Counter()
        self._flags: dict[str, int] = {}
        self._in_passing: set[str] = set()
        self._notices: deque[Notice] = deque(maxlen=_MOST_NOTICES)
        self._states: dict[tuple[str, int], dict[int, int]] = {}
        self._passed: deque[Passed | Told] = deque(maxlen=_MOST_PASSED)
        self._prepared: deque[Prepared] = deque(maxlen=_MOST_PREPARED)
        self._serial = 0

    def note(self, name: str) -> None:
        """An event has happened."""
        self._new[name] += 1

    def waiting(self, names: Iterable[str]) -> dict[str, int]:
        """Those of some names that have not been told, with how often they happened."""
        return {name: self._new[name] for name in names if name in self._new}

    def told(self, names: Iterable[str]) -> None:
        """These are known now."""
        for name in names:
            self._new.pop(name, None)

    # ------------------------------------------------------------ single events

    def flag(self, kind: str) -> int:
        """Whether events of a kind are reported one by one: `ON_BEGIN` and `ON_END`, 0 for not."""
        return self._flags.get(kind, 0)

    def set_flag(self, kind: str, flag: int) -> None:
        """Say so, for events to come."""
        self._flags[kind] = flag
        if not flag:
            self._notices = deque((one for one in self._notices if one.kind != kind), maxlen=_MOST_NOTICES)

    def only_in_passing(self, kind: str) -> bool:
        """Whether events of a kind are told with answers to something else, and never unasked."""
        return kind in self._in_passing

    def set_only_in_passing(self, kind: str, *, on: bool) -> None:
        """Say so."""
        self._in_passing = self._in_passing | {kind} if on else self._in_passing - {kind}

    def begun(self, kind: str, number: int) -> None:
        """An event has begun; of too many that nobody fetches the oldest are given up."""
        if self.flag(kind) & ON_BEGIN:
            self._notices.append(Notice(kind, number, ended=False))

    def ended(self, kind: str, number: int) -> None:
        """An event has ended."""
        if self.flag(kind) & ON_END:
            self._notices.append(Notice(kind, number, ended=True))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is still to be reported, the oldest first."""
        return tuple(self._notices)

    def settle(self, notice: Notice | Passed | Told | Prepared) -> None:
        """A notice needs no more reporting: it has arrived, or was given up."""
        if isinstance(notice, Prepared):
            if notice in self._prepared:
                self._prepared.remove(notice)
            return
        if isinstance(notice, Passed | Told):
            if notice in self._passed:
                self._passed.remove(notice)
        elif notice in self._notices:
            self._notices.remove(notice)

    def pass_on(self, port: str, *frames: bytes) -> None:
        """Something came in at a port, and whoever is told of events shall have it; it does not survive a restart."""
        self._serial += 1
        self._passed.append(Passed(self._serial, port, frames))

    def tell(self, *items: str) -> None:
        """Whoever is told of events shall have these values; it does not survive a restart."""
        self._serial += 1
        self._passed.append(Told(self._serial, items))

    @property
    def passed(self) -> tuple[Passed | Told, ...]:
        """What came in at ports, and values, that are still to be told, the oldest first."""
        return tuple(self._passed)

    def prepare(self, kind: str, content: tuple[Any, ...], attempts: int = 3) -> None:
        """Have something told; it does not survive a restart, and of too much the oldest is given up."""
        self._serial += 1
        self._prepared.append(Prepared(self._serial, kind, content, max(1, attempts)))

    @property
    def prepared(self) -> tuple[Prepared, ...]:
        """What is still to be told, the oldest first."""
        return tuple(self._prepared)

    def states(self, kind: str, number: int) -> Mapping[int, int]:
        """By channel, in the numbers of the dialect, which bits somebody has marked at a record."""
        return self._states.get((kind, number), {})

    def mark(self, notice: Notice, channel: int, bits: int) -> None:
        """Remember with the record how far its report has come."""
        place = notice.kind, notice.number
        states = self._states.setdefault(place, {})
        states[channel] = states.get(channel, 0) | bits
        while len(self._states) > _MOST_STATES:
            del self._states[next(iter(self._states))]

    def forget(self, kind: str) -> None:
        """The records of a kind have been cleared."""
        self._notices = deque((one for one in self._notices if one.kind != kind), maxlen=_MOST_NOTICES)
        self._states = {place: states for place, states in self._states.items() if place[0] != kind}

    # ------------------------------------------------------------ storage

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {
            "new": dict(self._new),
            "flags": dict(self._flags),
            "in_passing": sorted(self._in_passing),
            "notices": [[one.kind, one.number, one.ended] for one in self._notices],
            "states": [[*place, [list(pair) for pair in states.items()]] for place, states in self._states.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; that of an older version is the counts alone."""
        if "notices" not in state:
            self._new = Counter({str(name): int(count) for name, count in state.items()})
            return
        self._new = Counter({str(name): int(count) for name, count in state["new"].items()})
        self._flags = {str(kind): int(flag) for kind, flag in state["flags"].items()}
        self._in_passing = set(map(str, state.get("in_passing", ())))  # states of older versions have none
        notices = (Notice(str(kind), int(number), bool(ended)) for kind, number, ended in state["notices"])
        self._notices = deque(notices, maxlen=_MOST_NOTICES)
        self._states = {
            (str(kind), int(number)): {int(channel): int(bits) for channel, bits in states}
            for kind, number, states in state["states"]
        }
