"""Answers of the server: octets that are made while they are sent, whole or in the blocks of their service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from meterwire.protocols.dlms.block_transfer import Source, block_room

LONGEST: Final = 1 << 20
"""Most octets of what must be held at once: a long request, or an answer that cannot be made while it is sent."""


class Response(msgspec.Struct, frozen=True):
    """The answer to a request, as long as it may be.

    Attributes:
        head: its first octets, up to what goes into blocks.
        body: the rest, whole where it is short, or piece by piece.
        blocks: makes the first of its blocks, given everything in them and the room for one; None: it has no blocks.
        too_long: the answer instead where it fits in no way; None for an exception.
        skipped: octets of the body that do not go into blocks.
    """

    head: bytes
    body: bytes | Iterable[bytes]
    blocks: Callable[[Source, int], bytes] | None = None
    too_long: bytes | None = None
    skipped: int = 0

    def source(self) -> Source:
        """The body, for who sends it in blocks."""
        return Source((self.body,) if isinstance(self.body, bytes) else self.body)


class LongAnswer:
    """An answer in the blocks of its service, and how far it has been fetched.

    Args:
        source: what goes into the blocks.
        room: longest APDU.
        head: octets of a block before the length of its data.
        invoke: id of the request; those for the following blocks carry the same.
        service: whose answer it is.
    """

    def __init__(self, source: Source, room: int, head: int, invoke: int, service: str) -> None:
        self._source, self._size = source, block_room(room, head)
        self.invoke, self.service = invoke, service
        self._number = 0
        self._sent = (b"", False)

    def after(self, received: int) -> tuple[int, bool, bytes] | None:
        """Number, whether it is the last, and octets of the block behind one; None where that is not its turn.

        The block sent last is sent again for who asks again.
        """
        if received == self._number and not self._sent[1]:
            octets = self._source.take(self._size)
            self._number, self._sent = self._number + 1, (octets, self._source.ended)
        elif received != self._number - 1 or not self._number:
            return None
        return self._number, self._sent[1], self._sent[0]


class LongRequest:
    """A request whose data arrive in the blocks of its service.

    Attributes:
        what: the request that began it.
        octets: of all blocks so far.
        number: of the block that came last.
    """

    def __init__(self, what: object, invoke: int, service: str) -> None:
        self.what, self.invoke, self.service = what, invoke, service
        self.octets = bytearray()
        self.number = 0

    def add(self, number: int, octets: bytes) -> bool:
        """Take a block; False where it is not its turn, or where there are too many octets."""
        if number != self.number + 1 or len(self.octets) + len(octets) > LONGEST:
            return False
        self.number = number
        self.octets += octets
        return True
