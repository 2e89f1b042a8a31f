"""General block transfer, in either role: any APDU in numbered blocks, streamed in windows (DLMS UA 1000-2, 9.4.6.13).

A sender sends as many blocks as the window of the other side holds, all but the last of them streaming, and waits to be
told which came. A receiver takes blocks in sequence only: what was lost is sent again from there on. Caps hold for
octets, for blocks, and for how often nothing new arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from meterwire.errors import SequenceError
from meterwire.protocols.dlms.ciphering import BlockControl, GeneralBlockTransfer

LARGEST_WINDOW: Final = 63
LAST_BLOCK: Final = 0xFFFF
WINDOW: Final = 8
"""The window that this implementation proposes."""
_HEAD: Final = 6
_STALLED: Final = 16
"""So many times a sender may be told that nothing new came."""


def block_room(room: int, head: int) -> int:
    """Octets of data in a block of at most `room` octets, `head` of which stand before the length of the data."""
    short = room - head - 1
    return max(short if short < 0x80 else room - head - 3, 1)


class Source:
    """Octets that are made while they are sent: never more of them is held than the next piece and one block."""

    def __init__(self, pieces: Iterable[bytes], begun: bytes = b"") -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._held = bytearray(begun)
        self._dry = False

    def take(self, count: int) -> bytes:
        """The next octets, fewer only at the end."""
        self._fill(count)
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        self._fill(1)
        return not self._held

    def _fill(self, count: int) -> None:
        while len(self._held) < count and not self._dry:
            piece = next(self._pieces, None)
            if piece is None:
                self._dry = True
            else:
                self._held += piece


class Sending:
    """One APDU on its way in blocks.

    Args:
        source: its octets.
        size: longest APDU that the other side takes.
        window: how many blocks the other side takes at a time; known better once it has answered.
        acknowledged: number of the block that was received last from the other side.
    """

    def __init__(self, source: Source, size: int, window: int = 1, acknowledged: int = 0) -> None:
        self._source, self._room = source, block_room(size, _HEAD)
        self._window, self._acknowledged = window, acknowledged
        self._waiting: dict[int, tuple[bytes, bool]] = {}
        self._made = self._confirmed = 0
        self._ended = False
        self._stalled = 0

    @property
    def done(self) -> bool:
        """Whether the other side has everything."""
        return self._ended and not self._waiting

    def blocks(self) -> list[GeneralBlockTransfer]:
        """The blocks of the next window, those that did not come first.

        Raises:
            SequenceError: there are more than can be numbered.
        """
        while len(self._waiting) < self._window and not self._ended:
            if self._made == LAST_BLOCK:
                raise SequenceError(f"more than {LAST_BLOCK} blocks")
            self._made += 1
            octets = self._source.take(self._room)
            self._ended = self._source.ended
            self._waiting[self._made] = octets, self._ended
        numbers = sorted(self._waiting)[: self._window]
        return [self._block(number, streaming=number != numbers[-1]) for number in numbers]

    def acknowledge(self, number: int, window: int) -> None:
        """The other side has everything up to this block.

        Raises:
            SequenceError: it acknowledges what was never sent, or again and again the same.
        """
        if not self._confirmed <= number <= self._made:
            raise SequenceError(f"block {number} is acknowledged, {self._confirmed} to {self._made} were sent")
        self._stalled = 0 if number > self._confirmed else self._stalled + 1
        if self._stalled > _STALLED:
            raise SequenceError(f"block {number + 1} never arrives")
        for known in [one for one in self._waiting if one <= number]:
            del self._waiting[known]
        self._confirmed = number
        self._window = min(max(window, 1), LARGEST_WINDOW)

    def _block(self, number: int, *, streaming: bool) -> GeneralBlockTransfer:
        octets, last = self._waiting[number]
        control = BlockControl(last=int(last), streaming=int(streaming), window=WINDOW)
        return GeneralBlockTransfer(control, number, self._acknowledged, octets)


class Receiving:
    """One APDU that arrives in blocks.

    Args:
        limit: most octets of it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._octets = bytearray()
        self.received = 0
        self.whole: bytes | None = None
        self.peer_window = 1

    def receive(self, block: GeneralBlockTransfer) -> bool:
        """Take a block; whether it wants to be acknowledged.

        Raises:
            SequenceError: there are more octets than may come.
        """
        self.peer_window = min(max(block.control.window, 1), LARGEST_WINDOW)
        if block.block == self.received + 1 and self.whole is None:
            self._octets += block.data
            if len(self._octets) > self._limit:
                raise SequenceError(f"more than {self._limit} octets in {block.block} blocks")
            self.received = block.block
            if block.control.last:
                self.whole = bytes(self._octets)
        return not block.control.streaming or bool(block.control.last)

    def acknowledgement(self, number: int = 1) -> GeneralBlockTransfer:
        """Says what has come; `number` is that of our own next block."""
        return GeneralBlockTransfer(BlockControl(last=0, streaming=0, window=WINDOW), number, self.received, b"")
