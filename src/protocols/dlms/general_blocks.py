"""General block transfer as a client uses it: an answer that comes in blocks, and what is said in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from meterwire.errors import Refused, SequenceError
from meterwire.protocols.dialogue import IGNORED, Ignored
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import Receiving
from meterwire.protocols.dlms.ciphering import GeneralBlockTransfer
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

GENERAL_BLOCK: Final = bytes((ApduTag.GENERAL_BLOCK_TRANSFER,))


class More:
    """The answer has not come to its end: the server waits to be told what has come."""


MORE: Final = More()


class Incoming:
    """An answer in general blocks.

    Args:
        limit: most octets of it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._receiving = Receiving(limit)

    def begin_again(self) -> None:
        """The request is sent again: what has come is void."""
        self._receiving = Receiving(self._limit)

    def take(self, octets: bytes) -> bytes | Ignored | More:
        """A block: the whole APDU when it was the last, `MORE` where it wants to be acknowledged.

        Raises:
            SequenceError: there are more octets than may come.
        """
        block = codec(APDU).parse(octets).value
        if not isinstance(block, GeneralBlockTransfer) or (not block.data and not block.control.last):
            return IGNORED
        wants = self._receiving.receive(block)
        if self._receiving.whole is not None:
            return self._receiving.whole
        return MORE if wants else IGNORED

    def acknowledgement(self) -> bytes:
        """The APDU that says what has come."""
        return codec(APDU).build(Variant(ApduTag.GENERAL_BLOCK_TRANSFER, self._receiving.acknowledgement()))


def acknowledgement_of(number: int) -> Callable[[bytes], int | Ignored]:
    """Takes the acknowledgement of a block that we have sent.

    Raises:
        Refused: the server answers with an exception instead.
        SequenceError: with an APDU that is none of this.
    """

    def accept(octets: bytes) -> int | Ignored:
        answer = codec(APDU).parse(octets).value
        if isinstance(answer, ExceptionResponse):
            raise Refused(answer.service_error.tag, "the meter gave up the transfer of blocks")
        if not isinstance(answer, GeneralBlockTransfer):
            raise SequenceError("no acknowledgement of a block came")
        return number if answer.acknowledged == number else IGNORED

    return accept
