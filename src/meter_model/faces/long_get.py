"""One long answer to a GET, sent in blocks that fit the agreed size (DLMS UA 1000-2, 9.3.6, block transfer)."""

from __future__ import annotations

from typing import Final

from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, ERROR_CHOSEN, Invoke, ResultBlock
from meterwire.protocols.wire.nodes import Variant

_SHORT: Final = 10
"""Octets in front of the raw data of a block of less than 128 octets: tag, choice, invoke id, block header, length."""
_LONG: Final = 12
"""The same for longer ones."""


class LongGet:
    """The octets of an answer and how far they have been fetched.

    Args:
        octets: of the whole answer.
        max_pdu: longest APDU that the client takes, octets.
        invoke: of the request; those for the following blocks carry the same number.
    """

    def __init__(self, octets: bytes, max_pdu: int, invoke: Invoke) -> None:
        room = max_pdu - _SHORT
        self._size = max(room if room < 128 else max_pdu - _LONG, 1)
        self._octets, self._number = octets, invoke.number
        self._sent = 0

    @classmethod
    def none(cls) -> LongGet:
        """No long answer is under way."""
        return cls(b"", _LONG, Invoke())

    def after(self, received: int, invoke: Invoke) -> ResultBlock:
        """The block behind the one received last. The one sent last is sent again for who asks again."""
        if not self._octets or invoke.number != self._number:
            return _failed(received, DataAccessResult.NO_LONG_GET_IN_PROGRESS)
        if not self._sent - 1 <= received <= self._sent:
            return _failed(received, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
        start, end = received * self._size, (received + 1) * self._size
        if start >= len(self._octets):
            return _failed(received, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
        self._sent = received + 1
        last = end >= len(self._octets)
        return ResultBlock(last, self._sent, Variant(DATA_CHOSEN, self._octets[start:end]))


def _failed(number: int, why: DataAccessResult) -> ResultBlock:
    return ResultBlock(last=True, number=number, content=Variant(ERROR_CHOSEN, why))
