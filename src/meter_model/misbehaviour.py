"""A meter that misbehaves: silent, late, speaking from a wrong address, refusing, hanging up.

Unlike the faults of a link, which spoil octets, these are whole and well-formed answers (or none) of a meter that does
wrong. Each is given by a probability per answer; `late` by seconds.
"""

from __future__ import annotations

import random
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from meterwire.errors import LocalProtocolError, TransportError
from meterwire.meter_model.faces.spoilt import readdressed, refusing
from meterwire.protocols.dialogue import Answer, Responder, Timed, farewell, timed

LONGEST_DELAY: Final = 600.0


class HungUp(TransportError):  # noqa: N818  what the meter does, not a fault of ours
    """The emulated meter closes the connection, because it was told to."""


class Manners(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong.

    Attributes:
        silent: the answer is not given, although what was asked has been done.
        late: seconds by which every answer is late.
        wrong_address: the answer comes from another address.
        abnormal: the meter refuses, although what was asked has been done.
        disconnect: the connection is closed instead of answering.
    """

    silent: float = 0.0
    late: float = 0.0
    wrong_address: float = 0.0
    abnormal: float = 0.0
    disconnect: float = 0.0


class Mannered(Protocol):
    """Who is told of manners."""

    def mannered(self, manners: Manners) -> None:
        """These are the manners now."""


Receive = Callable[[bytes, float], "list[Answer]"]


class Misbehaviour:
    """The manners of one link, which can be changed while it is used.

    Args:
        dialect: of its answers.
        seed: of the random numbers.

    Attributes:
        manners: what goes wrong now.
    """

    def __init__(self, dialect: str, seed: int | str = 0) -> None:
        self.manners = _GOOD
        self._dialect = dialect
        self._random = random.Random(f"{seed}/misbehaviour")
        self._told: weakref.WeakSet[Mannered] = weakref.WeakSet()

    def tell(self, one: Mannered) -> None:
        """Tell somebody the manners, now and whenever they change, for as long as it is there."""
        one.mannered(self.manners)
        self._told.add(one)

    def _set(self, manners: Manners) -> None:
        self.manners = _GOOD if manners == _GOOD else manners
        for one in self._told:
            one.mannered(self.manners)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Change some by name, all or none; raises LocalProtocolError."""
        for name, value in settings.items():
            most = LONGEST_DELAY if name == "late" else 1.0
            if name not in Manners.__struct_fields__:
                known = ", ".join(Manners.__struct_fields__)
                raise LocalProtocolError(f"no misbehaviour is called {name!r}: {known}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                raise LocalProtocolError(f"{name}: a number from 0 to {most:g} is needed")
        self._set(msgspec.structs.replace(self.manners, **{name: float(one) for name, one in settings.items()}))

    def clear(self) -> None:
        """Behave."""
        self._set(_GOOD)

    def settings(self) -> dict[str, Any]:
        """What is set and not zero."""
        return {name: value for name, value in msgspec.structs.asdict(self.manners).items() if value}

    def wrap(self, responder: Responder) -> Responder:
        """A responder that misbehaves as this says; `late` is for whoever sends its answers."""
        own = timed(responder)
        return _Misbehaving(responder, self) if own is None else _MisbehavingTimed(own, self)

    def spoil(self, answers: list[Answer]) -> list[Answer]:
        """What becomes of answers; raises HungUp."""
        if self.manners is _GOOD or not answers:
            return answers
        if self._happens(self.manners.disconnect):
            raise HungUp("the meter was told to disconnect")
        return [spoilt for answer in answers if (spoilt := self._spoil(answer)) is not None]

    def _spoil(self, answer: Answer) -> Answer | None:
        if self._happens(self.manners.silent):
            return None
        octets = answer.octets
        if self._happens(self.manners.abnormal):
            octets = refusing(self._dialect, octets)
        if self._happens(self.manners.wrong_address):
            octets = readdressed(self._dialect, octets)
        return msgspec.structs.replace(answer, octets=octets)

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate


class _Misbehaving:
    def __init__(self, responder: Responder, misbehaviour: Misbehaviour) -> None:
        self._responder, self._misbehaviour = responder, misbehaviour
        self.receive: Receive
        misbehaviour.tell(self)

    def mannered(self, manners: Manners) -> None:
        """Stand between the meter and who asks it only while something is to go wrong."""
        self.receive = self._responder.receive if manners is _GOOD else self._spoilt

    def _spoilt(self, octets: bytes, now: float) -> list[Answer]:
        return self._misbehaviour.spoil(self._responder.receive(octets, now))

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent."""
        return self._misbehaviour.spoil(self._responder.idle(now))

    def goodbye(self) -> list[Answer]:
        """What the meter says before it hangs up, spoilt."""
        return self._misbehaviour.spoil(farewell(self._responder))


class _MisbehavingTimed(_Misbehaving):
    def __init__(self, responder: Timed, misbehaviour: Misbehaviour) -> None:
        super().__init__(responder, misbehaviour)
        self._own = responder
        self.next = responder.next  # behaves well whatever the manners are

    def run(self, now: float) -> list[Answer]:
        """What the meter says of its own accord, spoilt."""
        return self._misbehaviour.spoil(self._own.run(now))


_GOOD: Final = Manners()
