"""The UART line as it is on the wire: characters become levels in time, and a receiver samples levels into characters.

A receiver with other settings than the sender's therefore gets what a real one would get: parity and framing errors,
an eighth bit that is the parity, or garbage at another speed. Transmissions that overlap pull the line low together.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Final, Literal

import msgspec

from meterwire.protocols.dialogue import LineSettings

_JUST: Final = 1e-6  # of a bit: just before an edge


class Character(msgspec.Struct, frozen=True):
    """A received character.

    Attributes:
        time: when it was complete: the middle of its first stop bit.
        octet: its data bits.
        flaw: what the receiver found wrong.
    """

    time: float
    octet: int
    flaw: Literal["", "parity", "framing"] = ""


@cache
def levels(octet: int, settings: LineSettings) -> tuple[int, ...]:
    """Start bit, data bits (lowest first), parity and stop bits of a character."""
    data = [octet >> bit & 1 for bit in range(settings.data_bits)]
    parity = {"N": [], "E": [sum(data) & 1], "O": [sum(data) & 1 ^ 1]}[settings.parity]
    return (0, *data, *parity, *[1] * settings.stop_bits)


@cache
def _lows(octet: int, settings: LineSettings) -> tuple[tuple[int, int], ...]:
    """From which bit up to which the line is low, for each stretch; before and after a character it is high."""
    bits = (1, *levels(octet, settings), 1)
    falls = [index for index in range(len(bits) - 1) if bits[index] > bits[index + 1]]
    rises = [index for index in range(len(bits) - 1) if bits[index] < bits[index + 1]]
    return tuple(zip(falls, rises, strict=True))


class Transmission:
    """Characters that leave back to back from `start` to `end`."""

    def __init__(self, start: float, octets: bytes, settings: LineSettings) -> None:
        self.start, self.octets, self.settings = start, octets, settings
        self.bit = 1 / settings.baud
        self.character = settings.seconds(1)
        self.end = start + settings.seconds(len(octets))

    def lows(self) -> Iterable[tuple[float, float]]:
        """When this sender makes the line low, from and until."""
        for index, octet in enumerate(self.octets):
            begin = self.start + index * self.character
            for fall, rise in _lows(octet, self.settings):
                yield begin + fall * self.bit, begin + rise * self.bit


class Waveform:
    """What several senders together make of the line: low while any of them makes it low."""

    def __init__(self, senders: Iterable[Transmission]) -> None:
        self._falls: list[float] = []
        self._rises: list[float] = []
        just = _JUST * min((one.bit for one in senders), default=0.0)
        for fall, rise in sorted(low for one in senders for low in one.lows()):
            if self._rises and fall <= self._rises[-1] + just:
                self._rises[-1] = max(self._rises[-1], rise)
            else:
                self._falls.append(fall)
                self._rises.append(rise)

    def level(self, time: float) -> int:
        """1 high (idle), 0 low."""
        index = bisect_right(self._falls, time)
        return 0 if index and time < self._rises[index - 1] else 1

    def fall(self, after: float) -> float | None:
        """When the line next goes low, from then on."""
        index = bisect_left(self._falls, after)
        return self._falls[index] if index < len(self._falls) else None


@lru_cache(maxsize=16)
def _together(senders: tuple[Transmission, ...]) -> Waveform:
    """The same for all receivers: it is worked out once."""
    return Waveform(senders)


class Receiver:
    """Samples what is on the line, with its own settings.

    Attributes:
        settings: speed and character format; may be changed between two calls of `listen`.
        heard: up to when the line has been looked at.
    """

    def __init__(self, settings: LineSettings, time: float) -> None:
        self.settings = settings
        self.heard = time
        self._deaf: list[tuple[float, float]] = []

    def deafen(self, start: float, end: float) -> None:
        """No character that begins in this time is heard; intervals are given in order."""
        if end > start:
            self._deaf.append((start, end))

    def listen(self, transmissions: Sequence[Transmission], until: float) -> list[Character]:
        """The characters that were completed since the last call."""
        characters: list[Character] = []
        self._deaf = [interval for interval in self._deaf if interval[1] > self.heard]
        while (present := [one for one in transmissions if one.end > self.heard and one.start <= until]) != []:
            if not self._bulk(present, until, characters) and not self._one(present, until, characters):
                return characters
        self.heard = max(self.heard, until)
        return characters

    def _bulk(self, present: list[Transmission], until: float, characters: list[Character]) -> bool:
        """The short cut for the usual case: one sender, the same settings, nothing missed; False if it does nothing."""
        one, settings = present[0], self.settings
        if len(present) > 1 or one.settings != settings or self._deaf:
            return False
        middle = one.character - (settings.stop_bits - 0.5) * one.bit  # of the first stop bit, within the character
        position = self.heard - one.start
        index = max(0, int(position / one.character) + 1)
        if position <= 0:
            index = 0
        elif position - (index - 1) * one.character < middle - _JUST * one.bit:
            return False  # in the middle of a character: its edges count
        count = min(len(one.octets), math.floor((until - one.start - middle) / one.character + _JUST) + 1)
        if count <= index:
            return False
        mask = (1 << settings.data_bits) - 1
        characters += [
            Character(one.start + number * one.character + middle, one.octets[number] & mask)
            for number in range(index, count)
        ]
        self.heard = one.end if count == len(one.octets) else characters[-1].time
        return True

    def _one(self, present: list[Transmission], until: float, characters: list[Character]) -> bool:
        """Sample the next character; False when none is complete by then."""
        settings, bit = self.settings, 1 / self.settings.baud
        wave = _together(tuple(present))
        start = self._start(wave)
        if start is None or start > until:
            self.heard = max(self.heard, until)
            return False
        count = 1 + settings.data_bits + (settings.parity != "N") + 1
        complete = start + (count - 0.5) * bit
        if complete > until:
            return False
        samples = [wave.level(start + (index + 0.5) * bit) for index in range(count)]
        if samples[0]:  # too short for a start bit
            self.heard = start + 0.5 * bit
            return True
        self.heard = complete
        characters.append(_character(complete, samples, settings))
        return True

    def _start(self, wave: Waveform) -> float | None:
        """When the line next goes low while we are not deaf."""
        time = wave.fall(self.heard)
        while time is not None:
            awake = max((end for start, end in self._deaf if start <= time < end), default=time)
            if awake == time:
                return time
            time = wave.fall(awake)
        return None


def _character(time: float, samples: list[int], settings: LineSettings) -> Character:
    data = samples[1 : 1 + settings.data_bits]
    octet = sum(level << index for index, level in enumerate(data))
    if not samples[-1]:
        return Character(time, octet, "framing")
    if settings.parity != "N" and sum(data) + samples[-2] & 1 != (settings.parity == "O"):
        return Character(time, octet, "parity")
    return Character(time, octet)
