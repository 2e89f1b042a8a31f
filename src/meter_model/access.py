"""Who may change a meter: passwords by level, the lock-out after wrong ones, and the programming switch.

Level 0 is the highest (DL/T 645-2007, 7, passwords): a level grants what it is needed for and everything below.
After three wrong passwords nothing is granted for 24 hours of the meter's own time, by recollection of the meter
specifications; the protocol itself does not say so.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from enum import Enum, IntEnum, auto
from typing import Any, Final

CLEARING: Final = 2
"""Level needed to clear the meter or its events."""
WRITING: Final = 4
"""Level needed to write parameters and to clear the demand."""
LEVELS: Final = range(10)
FAILURES: Final = 3
LOCKED: Final = 86_400
"""Seconds of the lock-out."""
LONGEST_STEP: Final = 300
"""Seconds by which a broadcast may set the clock, once a day (DL/T 645-2007, 7, broadcast time)."""
_DAY: Final = 86_400


class Verdict(Enum):
    """What became of a request."""

    GRANTED = auto()
    WRONG_PASSWORD = auto()
    LEVEL_TOO_LOW = auto()
    LOCKED_OUT = auto()
    NOT_PERMITTED = auto()
    """Nobody has turned the programming switch."""
    TOO_FAR = auto()
    """A broadcast sets the clock by less."""
    AGAIN = auto()
    """A broadcast has set the clock today."""

    def __bool__(self) -> bool:
        return self is Verdict.GRANTED


class Authority(IntEnum):
    """How far somebody who is connected has proven who he is (DL/T 698.45)."""

    PUBLIC = 0
    """Not at all: he may read."""
    PASSWORD = 1
    SECURED = 2
    """By the secure element, which vouches for the request too."""


class Access:
    """The lock of one meter.

    Args:
        passwords: six digits by level.
        seconds: the meter's time, which is also right after its clock has been set.
        association: the password of an association.

    Attributes:
        programming: whether the switch that permits programming is on.
        failures: wrong passwords since the last right one or the last lock-out.
    """

    def __init__(self, passwords: Mapping[int, str], seconds: Callable[[], int], association: str = "") -> None:
        self._passwords = dict(passwords)
        self._association = association
        self._seconds = seconds
        self._locked_until: int | None = None
        self._broadcast_on: int | None = None
        self.programming = False
        self.failures = 0

    @property
    def locked(self) -> bool:
        """Whether nothing is granted now."""
        if self._locked_until is not None and self._seconds() >= self._locked_until:
            self._locked_until = None
        return self._locked_until is not None

    def check(self, level: int, password: str, needed: int, *, switch: bool = True) -> Verdict:
        """Whether a password of a level grants what needs another level.

        Args:
            level: that the password is said to be of.
            password: six digits.
            needed: the lowest level that will do.
            switch: whether the programming switch must be on.
        """
        if self.locked:
            return Verdict.LOCKED_OUT
        if switch and not self.programming:
            return Verdict.NOT_PERMITTED
        if self._passwords.get(level) != password:
            self._fail()
            return Verdict.WRONG_PASSWORD
        if level > needed:
            return Verdict.LEVEL_TOO_LOW
        self.failures = 0
        return Verdict.GRANTED

    def prove(self, password: bytes) -> Verdict:
        """Whether this is the password of an association."""
        if self.locked:
            return Verdict.LOCKED_OUT
        if not hmac.compare_digest(password, self._association.encode()):
            self._fail()
            return Verdict.WRONG_PASSWORD
        self.failures = 0
        return Verdict.GRANTED

    def change_association(self, password: str) -> None:
        """Set the password of an association; who may do so is checked before."""
        self._association = password

    def change(self, level: int, password: str) -> None:
        """Set the password of a level; who may do so is checked before."""
        self._passwords[level] = password

    def permit_broadcast(self, to: int) -> Verdict:
        """Whether a broadcast may set the clock to this second since 1970 local; if so, the day's one is used up."""
        now = self._seconds()
        if abs(to - now) > LONGEST_STEP:
            return Verdict.TOO_FAR
        if self._broadcast_on == now // _DAY:
            return Verdict.AGAIN
        self._broadcast_on = now // _DAY
        return Verdict.GRANTED

    def clock_set(self, by: int) -> None:
        """The clock has been set by so many seconds: a lock-out lasts as long as before."""
        if self._locked_until is not None:
            self._locked_until += by

    def state(self) -> dict[str, Any]:
        """Everything, as builtins; it holds secrets."""
        return {
            "passwords": {str(level): password for level, password in self._passwords.items()},
            "association": self._association,
            "locked_until": self._locked_until,
            "broadcast_on": self._broadcast_on,
            "failures": self.failures,
            "programming": self.programming,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self._passwords = {int(level): password for level, password in state["passwords"].items()}
        self._association = state.get("association", self._association)
        self._broadcast_on = state.get("broadcast_on")
        self._locked_until = state["locked_until"]
        self.failures = state["failures"]
        self.programming = state["programming"]

    def _fail(self) -> None:
        self.failures += 1
        if self.failures >= FAILURES:
            self.failures = 0
            self._locked_until = self._seconds() + LOCKED
