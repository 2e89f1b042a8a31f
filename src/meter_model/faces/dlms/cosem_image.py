"""Image transfer (IEC 62056-6-2, class 18, version 0): the meter takes an image in blocks, verifies and runs it.

An image that this meter verifies ends with the CRC-32 of what stands before, high octet first: an own choice, as what
an image looks like is the business of its maker.
"""

from __future__ import annotations

from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Denied, Level, Method, View
from meterwire.meter_model.faces.dlms.cosem_values import NAME, fixed, given, given_members
from meterwire.meter_model.files import Announced, Files, NoTransfer
from meterwire.protocols.dlms.data import Tag, array, octet_string, structure
from meterwire.protocols.dlms.enums import DataAccessResult, ImageTransferStatus
from meterwire.protocols.wire.nodes import Variant

IMAGE_TRANSFER_NAME: Final = bytes((0, 0, 44, 0, 0, 255))
BLOCK: Final = 512
"""Octets of a block: with every protection they fit into the APDU that the meter takes."""
_LONGEST_IDENTIFIER: Final = 64


def _files(view: View) -> Files:
    found: Files = view.meter.files
    return found


def _enabled(view: View) -> Files:
    files = _files(view)
    if not files.enabled:
        raise Denied(DataAccessResult.READ_WRITE_DENIED)
    return files


def _is_image(files: Files) -> bool:
    return files.announced is not None and files.announced.check == "trailer"


# ---------------------------------------------------------------- attributes


def _blocks(found: CosemObject, view: View) -> Variant:
    del found
    bits: Any = _files(view).blocks if _is_image(_files(view)) else ""
    return Variant(Tag.BIT_STRING, bits)


def _first_missing(found: CosemObject, view: View) -> Variant:
    del found
    blocks = _files(view).blocks if _is_image(_files(view)) else ""
    place = blocks.find("0")
    return Variant(Tag.DOUBLE_LONG_UNSIGNED, len(blocks) if place < 0 else place)


def _is_enabled(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.BOOLEAN, _files(view).enabled)


def _enable(found: CosemObject, view: View, data: Variant) -> None:
    del found
    _files(view).enabled = bool(given(data, Tag.BOOLEAN))


def _status(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.ENUM, int(status_of(_files(view))))


def status_of(files: Files) -> ImageTransferStatus:
    """How far the image has come."""
    if not _is_image(files):
        return ImageTransferStatus.NOT_INITIATED
    if files.running == files.announced:
        return ImageTransferStatus.ACTIVATION_SUCCESSFUL
    if files.verdict is None:
        return ImageTransferStatus.INITIATED
    done = ImageTransferStatus.VERIFICATION_SUCCESSFUL, ImageTransferStatus.VERIFICATION_FAILED
    return done[0] if files.verdict else done[1]


def _to_activate(found: CosemObject, view: View) -> Variant:
    """The image, once it has been verified."""
    del found
    files = _files(view)
    file = files.announced if _is_image(files) and files.verdict else None
    if file is None:
        return array(())
    size = Variant(Tag.DOUBLE_LONG_UNSIGNED, file.size)
    return array([structure(size, octet_string(bytes.fromhex(file.source)), octet_string(b""))])


# ---------------------------------------------------------------- methods


def _initiate(found: CosemObject, view: View, data: Variant) -> None:
    """Another image, or the same once more: what came before is void."""
    del found
    files = _enabled(view)
    identifier, size = (one.value for one in given_members(data, (Tag.OCTET_STRING,), (Tag.DOUBLE_LONG_UNSIGNED,)))
    if not 0 < len(identifier) <= _LONGEST_IDENTIFIER:
        raise Denied(DataAccessResult.OTHER_REASON)
    try:
        file = Announced(identifier.hex(), "", size, "111", "", 0, BLOCK, "trailer")
        files.check(file)
        files.cancel()
        files.start(file)
    except LocalProtocolError:
        raise Denied(DataAccessResult.OTHER_REASON) from None


def _transfer(found: CosemObject, view: View, data: Variant) -> None:
    """A block, numbered from 0, in any order."""
    del found
    files = _enabled(view)
    if not _is_image(files):
        raise Denied(DataAccessResult.OTHER_REASON)
    number, octets = (one.value for one in given_members(data, (Tag.DOUBLE_LONG_UNSIGNED,), (Tag.OCTET_STRING,)))
    try:
        files.write(number, octets)
    except (NoTransfer, IndexError, LocalProtocolError):
        raise Denied(DataAccessResult.OTHER_REASON) from None


def _verify(found: CosemObject, view: View, data: Variant) -> None:
    del found, data
    files = _enabled(view)
    if not _is_image(files) or not files.verify():
        raise Denied(DataAccessResult.OTHER_REASON)


def _activate(found: CosemObject, view: View, data: Variant) -> None:
    """Only what has been verified."""
    del found, data
    files = _enabled(view)
    if not _is_image(files) or not files.verdict or not files.activate():
        raise Denied(DataAccessResult.OTHER_REASON)


IMAGE_TRANSFER: Final = CosemClass(
    18,
    0,
    {
        1: NAME,
        2: Attribute(fixed(Variant(Tag.DOUBLE_LONG_UNSIGNED, BLOCK))),
        3: Attribute(_blocks),
        4: Attribute(_first_missing),
        5: Attribute(_is_enabled, _enable, write=Level.MANAGEMENT),
        6: Attribute(_status),
        7: Attribute(_to_activate),
    },
    {number: Method(run, Level.MANAGEMENT) for number, run in enumerate((_initiate, _transfer, _verify, _activate), 1)},
)


def image_objects(meter: Any) -> list[CosemObject]:
    """The image transfer of a meter that takes files."""
    if not isinstance(getattr(meter, "files", None), Files):
        return []
    return [CosemObject(IMAGE_TRANSFER, IMAGE_TRANSFER_NAME)]
