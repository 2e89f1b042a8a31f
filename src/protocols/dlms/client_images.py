"""Image transfer: a meter is given an image in blocks, verifies it and runs it (IEC 62056-6-2, class 18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from meterwire.errors import LocalProtocolError, MalformedError, OutcomeUnknown, Refused, RemoteProtocolError
from meterwire.protocols.dialogue import Pause, Steps, procedure
from meterwire.protocols.dlms.client_changing import ChangingProcedures
from meterwire.protocols.dlms.client_reading import L, data_of
from meterwire.protocols.dlms.client_services import action
from meterwire.protocols.dlms.client_services.get import get
from meterwire.protocols.dlms.data import Tag, integer, octet_string, structure
from meterwire.protocols.dlms.enums import ActionResult, ImageTransferStatus
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.wire.nodes import Variant

IMAGE_TRANSFER: Final = bytes((0, 0, 44, 0, 0, 255))
_CLASS: Final = 18
_BLOCK_SIZE, _BLOCKS, _STATUS = 2, 3, 6
_INITIATE, _BLOCK, _VERIFY, _ACTIVATE = 1, 2, 3, 4
_ROUNDS: Final = 3
"""How often what is missing is sent again."""
_POLLS, _REST = 60, 2.0
"""How often, and after how many seconds each, a meter is asked whether it has done."""
_NOTHING: Final = Variant(Tag.INTEGER, 0)


class ImageProcedures(ChangingProcedures[L]):
    """What gives a meter an image."""

    @procedure
    def transfer_image(
        self,
        identifier: bytes,
        image: bytes,
        *,
        activate: bool = False,
        instance: bytes = IMAGE_TRANSFER,
        told: Callable[[int, int], None] | None = None,
    ) -> Steps[ImageTransferStatus]:
        """Transfer an image, let the meter verify it, and if wanted run it; how far it has come then.

        A block whose answer is lost is looked for afterwards and sent again where it has not arrived.

        Args:
            identifier: of the image.
            image: its octets.
            activate: whether it is to run now.
            instance: logical name of the image transfer.
            told: is called with the blocks that have been sent and how many there are.

        Raises:
            LocalProtocolError: there is nothing to transfer.
            Refused: the meter does not take the image, or finds that it is wrong; nothing runs then.
            RemoteProtocolError: blocks never arrive, or the meter comes to no end.
            OutcomeUnknown: an answer was lost that is none of a block.
        """
        if not image:
            raise LocalProtocolError("an image has at least one octet")
        yield from self._session.ready()
        size = integer(data_of((yield from self._image_attribute(instance, _BLOCK_SIZE))))
        if not size or size < 0:
            raise MalformedError("a block size greater than 0", "image_block_size")
        begun = structure(octet_string(identifier), Variant(Tag.DOUBLE_LONG_UNSIGNED, len(image)))
        yield from self._image_method(instance, _INITIATE, begun)
        blocks = {number: image[at : at + size] for number, at in enumerate(range(0, len(image), size))}
        yield from self._image_blocks(instance, blocks, blocks, told)
        for _ in range(_ROUNDS):
            missing = yield from self._missing(instance, len(blocks))
            if not missing:
                break
            yield from self._image_blocks(instance, blocks, missing, None)
        else:
            raise RemoteProtocolError(f"{len(missing)} blocks of {len(blocks)} never arrive")
        status = yield from self._done(instance, _VERIFY, ImageTransferStatus.VERIFICATION_INITIATED)
        if status is ImageTransferStatus.VERIFICATION_SUCCESSFUL and activate:
            status = yield from self._done(instance, _ACTIVATE, ImageTransferStatus.ACTIVATION_INITIATED)
        return status

    @procedure
    def image_status(self, instance: bytes = IMAGE_TRANSFER) -> Steps[ImageTransferStatus]:
        """How far an image has come."""
        yield from self._session.ready()
        return (yield from self._image_status(instance))

    def _image_status(self, instance: bytes) -> Steps[ImageTransferStatus]:
        number = integer(data_of((yield from self._image_attribute(instance, _STATUS))))
        if number not in set(ImageTransferStatus):
            raise MalformedError("an image transfer status", "image_transfer_status")
        return ImageTransferStatus(number)

    def _image_attribute(self, instance: bytes, attribute: int) -> Steps[Variant]:
        return data_of((yield from get(self._session, Target(_CLASS, instance, attribute))))

    def _image_method(self, instance: bytes, method: int, data: Variant) -> Steps[None]:
        yield from action.act(self._session, Target(_CLASS, instance, method), data)

    def _image_blocks(
        self, instance: bytes, blocks: dict[int, bytes], which: Iterable[int], told: Callable[[int, int], None] | None
    ) -> Steps[None]:
        for number in which:
            block = structure(Variant(Tag.DOUBLE_LONG_UNSIGNED, number), octet_string(blocks[number]))
            try:
                yield from self._image_method(instance, _BLOCK, block)
            except OutcomeUnknown:
                yield from self._session.ready()  # the same block twice is harmless, and what is missing is looked for
            if told is not None:
                told(number + 1, len(blocks))

    def _missing(self, instance: bytes, count: int) -> Steps[list[int]]:
        found = yield from self._image_attribute(instance, _BLOCKS)
        bits = found.value if found.tag == Tag.BIT_STRING and isinstance(found.value, str) else ""
        return [number for number in range(count) if bits[number : number + 1] != "1"]

    def _done(self, instance: bytes, method: int, going_on: ImageTransferStatus) -> Steps[ImageTransferStatus]:
        """Verify or activate, which a meter may do at once or take its time for."""
        try:
            yield from self._image_method(instance, method, _NOTHING)
        except Refused as refused:
            if refused.code != ActionResult.TEMPORARY_FAILURE:
                raise
        for _ in range(_POLLS):
            status = yield from self._image_status(instance)
            if status is not going_on:
                return status
            now, _ = yield Pause(0.0)
            yield Pause(now + _REST)
        raise RemoteProtocolError("the meter comes to no end with the image")
