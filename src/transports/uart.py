"""The UART line as it is on the wire: characters become levels in time, and a receiver samples levels into characters.

A receiver with other settings than the sender's therefore gets what a real one would get: parity and framing errors,
an eighth bit that is the parity, or garbage at another speed. Transmissions that overlap pull the line low together.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from functools import cache
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
def _falls(octet: int, settings: LineSettings) -> tuple[int, ...]:
    """The bits at whose beginning the line goes from high to low; before a character it is high."""
    bits = (1, *levels(octet, settings))
    return tuple(index for index in range(len(bits) - 1) if bits[index] > bits[index + 1])


class Transmission:
    """Characters that leave back to back from `start` to `end`."""

    def __init__(self, start: float, octets: bytes, settings: LineSettings) -> None:
        self.start, self.octets, self.settings = start, octets, settings
        self.bit = 1 / settings.baud
        self.character = settings.seconds(1)
        self.end = start + settings.seconds(len(octets))

    def level(self, time: float) -> int:
        """What this sender alone makes of the line: 1 high (idle), 0 low."""
        if not self.start <= time < self.end:
            return 1
        index, rest = divmod(time - self.start, self.character)
        bits = levels(self.octets[min(int(index), len(self.octets) - 1)], self.settings)
        return bits[min(int(rest / self.bit), len(bits) - 1)]

    def falls(self, after: float) -> Iterator[float]:
        """The times at which the line goes low, from then on."""
        first = max(0, int((after - self.start) / self.character))
        for index in range(first, len(self.octets)):
            begin = self.start + index * self.character
            for bit in _falls(self.octets[index], self.settings):
                time = begin + bit * self.bit
                if time >= after:
                    yield time


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
        start = self._start(present, bit)
        if start is None or start > until:
            self.heard = max(self.heard, until)
            return False
        count = 1 + settings.data_bits + (settings.parity != "N") + 1
        complete = start + (count - 0.5) * bit
        if complete > until:
            return False
        samples = [_level(present, start + (index + 0.5) * bit) for index in range(count)]
        if samples[0]:  # too short for a start bit
            self.heard = start + 0.5 * bit
            return True
        self.heard = complete
        characters.append(_character(complete, samples, settings))
        return True

    def _start(self, present: list[Transmission], bit: float) -> float | None:
        """When the line next goes low while we are not deaf."""
        for time in heapq.merge(*(one.falls(self.heard) for one in present)):
            if any(start <= time < end for start, end in self._deaf):
                continue
            if _level(present, time - _JUST * bit):
                return time
        return None


def _level(present: list[Transmission], time: float) -> int:
    return min(one.level(time) for one in present)


def _character(time: float, samples: list[int], settings: LineSettings) -> Character:
    data = samples[1 : 1 + settings.data_bits]
    octet = sum(level << index for index, level in enumerate(data))
    if not samples[-1]:
        return Character(time, octet, "framing")
    if settings.parity != "N" and sum(data) + samples[-2] & 1 != (settings.parity == "O"):
        return Character(time, octet, "parity")
    return Character(time, octet)
