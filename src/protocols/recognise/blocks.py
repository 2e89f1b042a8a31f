"""Blocks of DLMS APDUs: general block transfer, and the data blocks of GET, SET and ACTION."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Final, TypeAlias

import msgspec

from meterwire.errors import SequenceError
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.block_transfer import Receiving
from meterwire.protocols.dlms.ciphering import GeneralBlockTransfer
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, RequestBlock, ResultBlock
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.nodes import Variant

_MOST: Final = 64
_LIMIT: Final = 1 << 24
"""Most octets of one APDU in blocks; what is held never exceeds the stream it is taken from."""

Whole: TypeAlias = "tuple[bytes, Codec[Any], str, list[int]]"
"""Octets, their reader, what they are, and where the frames begin that they came in."""


class _Data(msgspec.Struct):
    """The raw data of a long value so far."""

    number: int = 0
    octets: bytearray = msgspec.field(default_factory=bytearray)
    parts: list[int] = msgspec.field(default_factory=list)


class Blocks:
    """What is incomplete between any two stations."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Any] = {}

    def take(self, key: Hashable, message: Variant, parts: list[int]) -> Iterator[Whole]:
        """What becomes whole with this APDU.

        Args:
            key: from whom to whom it went.
            message: the APDU.
            parts: where the frames begin that it came in.
        """
        body = message.value
        while isinstance(body, Variant):
            body = body.value
        if isinstance(body, GeneralBlockTransfer):
            yield from self._general(("general", key), body, parts)
        block = getattr(body, "block", None)
        if isinstance(block, (ResultBlock, RequestBlock)):
            yield from self._data(("data", key, message.tag), block, parts)

    def _general(self, key: Hashable, block: GeneralBlockTransfer, parts: list[int]) -> Iterator[Whole]:
        if block.block == 1 and not block.data:
            return  # an acknowledgement
        if block.block == 1:
            self._keep(key, (Receiving(_LIMIT), []))
        receiving, all_parts = self._held.get(key) or (None, [])
        if receiving is None:
            return
        before = receiving.received
        try:
            receiving.receive(block)
        except SequenceError:
            del self._held[key]
            return
        if receiving.received != before:
            all_parts += parts
        if receiving.whole is not None:
            del self._held[key]
            yield receiving.whole, codec(APDU), "APDU in blocks", all_parts

    def _data(self, key: Hashable, block: ResultBlock | RequestBlock, parts: list[int]) -> Iterator[Whole]:
        raw = block.raw if isinstance(block, RequestBlock) else block.content.value
        if isinstance(block, ResultBlock) and block.content.tag != DATA_CHOSEN:
            self._held.pop(key, None)
            return
        held = self._keep(key, _Data()) if block.number == 1 else self._held.get(key)
        if held is None or block.number != held.number + 1:
            return
        held.number, held.parts = block.number, held.parts + parts
        held.octets += raw
        if block.last:
            del self._held[key]
            yield bytes(held.octets), codec(DATA), "value in data blocks", held.parts

    def _keep(self, key: Hashable, new: Any) -> Any:
        self._held.pop(key, None)
        if len(self._held) >= _MOST:
            del self._held[next(iter(self._held))]
        self._held[key] = new
        return new
