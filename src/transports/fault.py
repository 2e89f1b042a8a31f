"""A filter that does to octets what bad lines do, by a seed: the same seed and the same pieces give the same faults.

A piece is what is written or arrives at once. On real sockets the cutting of what arrives depends on the system; on a
virtual clock everything repeats exactly.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import Final

import msgspec

from meterwire.transports.filtering import Filter, Timed

_GARBAGE: Final = 24  # octets at most


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong in one direction; probabilities are per piece unless said otherwise.

    Attributes:
        drop: the piece is lost.
        duplicate: it comes twice.
        split: it comes in two parts, the second later.
        truncate: its end is lost.
        garbage: octets that nobody sent come before it.
        delay: it comes later; what follows waits behind it.
        overtake: it comes later, and what follows does not wait.
        seconds: the longest delay.
        flip: probability that a bit is wrong (bit error rate).
        burst: up to 16 bits in a row are random.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    split: float = 0.0
    truncate: float = 0.0
    garbage: float = 0.0
    delay: float = 0.0
    overtake: float = 0.0
    seconds: float = 0.3
    flip: float = 0.0
    burst: float = 0.0

    @property
    def quiet(self) -> bool:
        """Whether nothing goes wrong."""
        return not any(getattr(self, name) for name in self.__struct_fields__ if name != "seconds")


class Fault(Filter):
    """Injects faults into both directions, each with its own random numbers.

    Attributes:
        injected: how often each fault happened, as `"sent drop"`; flipped bits are counted one by one.
        passes: whether all rates are zero.
    """

    passes = True

    def __init__(self, seed: int | str, sent: Rates | None = None, received: Rates | None = None) -> None:
        self.injected: Counter[str] = Counter()
        self._sent = _Way(f"{seed}/sent", "sent", sent or Rates(), self.injected)
        self._received = _Way(f"{seed}/received", "received", received or Rates(), self.injected)
        self.passes = self._sent.rates.quiet and self._received.rates.quiet

    def change(self, sent: Rates, received: Rates) -> None:
        """Go on with other rates; random numbers and what is held back stay."""
        self._sent.rates, self._received.rates = sent, received
        self.passes = sent.quiet and received.quiet

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Spoil what we send."""
        return self._sent.spoil(now, octets)

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Spoil what we receive."""
        return self._received.spoil(now, octets)


class _Way:
    """One direction."""

    def __init__(self, seed: str, name: str, rates: Rates, injected: Counter[str]) -> None:
        self._random = random.Random(seed)
        self.rates = rates
        self._name, self._injected = name, injected
        self._last = 0.0  # nothing in order comes before this

    def spoil(self, now: float, octets: bytes) -> list[Timed]:
        rates = self.rates
        if self._happens("drop", rates.drop):
            return []
        pieces: list[Timed] = []
        if self._happens("garbage", rates.garbage):
            pieces.append(self._in_order(now, self._random.randbytes(self._random.randint(1, _GARBAGE))))
        if len(octets) > 1 and self._happens("truncate", rates.truncate):
            octets = octets[: self._random.randrange(1, len(octets))]
        octets = self._burst(self._flip(octets))
        pieces += self._cut(now, octets)
        if self._happens("duplicate", rates.duplicate):
            pieces.append(self._in_order(now, octets))
        return pieces

    def _cut(self, now: float, octets: bytes) -> list[Timed]:
        rates = self.rates
        if self._happens("overtake", rates.overtake):
            return [(max(now, self._last) + self._later(), octets)]
        start = now + self._later() if self._happens("delay", rates.delay) else now
        if len(octets) > 1 and self._happens("split", rates.split):
            at = self._random.randrange(1, len(octets))
            return [self._in_order(start, octets[:at]), self._in_order(start + self._later(), octets[at:])]
        return [self._in_order(start, octets)]

    def _in_order(self, time: float, octets: bytes) -> Timed:
        self._last = max(self._last, time)
        return self._last, octets

    def _later(self) -> float:
        return self._random.uniform(0.0, self.rates.seconds)

    def _happens(self, fault: str, rate: float) -> bool:
        if self._random.random() >= rate:
            return False
        self._injected[f"{self._name} {fault}"] += 1
        return True

    def _flip(self, octets: bytes) -> bytes:
        rate = self.rates.flip
        if rate <= 0.0:
            return octets
        spoilt, bit, count = bytearray(octets), self._gap(rate), 0
        while bit < 8 * len(spoilt):
            spoilt[bit >> 3] ^= 1 << (bit & 7)
            bit += 1 + self._gap(rate)
            count += 1
        if count:
            self._injected[f"{self._name} flip"] += count
        return bytes(spoilt)

    def _gap(self, rate: float) -> int:
        """How many bits are right before the next wrong one."""
        if rate >= 1.0:
            return 0
        return int(math.log(1.0 - self._random.random()) / math.log1p(-rate))

    def _burst(self, octets: bytes) -> bytes:
        if not octets or not self._happens("burst", self.rates.burst):
            return octets
        spoilt = bytearray(octets)
        first = self._random.randrange(8 * len(spoilt))
        for bit in range(first, min(first + 16, 8 * len(spoilt))):
            spoilt[bit >> 3] ^= self._random.getrandbits(1) << (bit & 7)
        return bytes(spoilt)
