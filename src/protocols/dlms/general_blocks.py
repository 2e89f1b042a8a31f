"""General block transfer as a client uses it: an answer that comes in blocks, and what is said in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

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
        self._receiving = Receiving(limit)

    @property
    def begun(self) -> bool:
        """Whether blocks have come: who asks again asks for the rest."""
        return self._receiving.received > 0

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
        return built(self._receiving.acknowledgement())


def built(block: GeneralBlockTransfer) -> bytes:
    """The APDU of a block."""
    return codec(APDU).build(Variant(ApduTag.GENERAL_BLOCK_TRANSFER, block))


def answer_to(block: GeneralBlockTransfer, take: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Takes what answers the last block of a window of ours.

    That is a block without data, which says what has come, or, where the block was the last of all, what `take` makes
    of the answer to the whole.

    Raises:
        Refused: the server answers with an exception instead.
        SequenceError: with an APDU that is none of this.
    """

    def accept(octets: bytes) -> Any:
        if octets[:1] == GENERAL_BLOCK:
            answer = codec(APDU).parse(octets).value
            if not answer.data and not answer.control.last:
                complete = block.control.last and answer.acknowledged == block.block
                return IGNORED if complete else answer
        if block.control.last:
            return take(octets)
        refusal = codec(APDU).parse(octets).value
        if isinstance(refusal, ExceptionResponse):
            raise Refused(refusal.service_error.tag, "the meter gave up the transfer of blocks")
        raise SequenceError("no acknowledgement of a block came")

    return accept
