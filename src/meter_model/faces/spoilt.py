"""Answers made wrong on purpose, dialect by dialect: from another address, or a refusal instead of what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from meterwire.errors import MalformedError

Rewrite = Callable[[bytes], bytes]
_EDITION: Final = 2017  # of DL/T 698.45; the later one differs in flags that are copied as they are


def readdressed(dialect: str, octets: bytes) -> bytes:
    """The same answer from the next address; octets that are no answer of the dialect stay as they are."""
    return _rewritten(_READDRESSED, dialect, octets)


def refusing(dialect: str, octets: bytes) -> bytes:
    """A refusal instead of the answer, for reasons that the dialect calls other ones; see `readdressed`."""
    return _rewritten(_REFUSING, dialect, octets)


def _rewritten(table: Mapping[str, Rewrite], dialect: str, octets: bytes) -> bytes:
    try:
        return table[dialect](octets) if dialect in table else octets
    except MalformedError:
        return octets


def _readdressed_645(octets: bytes) -> bytes:
    from meterwire.protocols.dlt645.frame import Frame  # noqa: PLC0415  a dialect is loaded when it is served
    from meterwire.protocols.wire.codec import codec  # noqa: PLC0415

    body = octets.lstrip(b"\xfe")
    frame = codec(Frame).parse(body)
    following = f"{(int(frame.address) + 1) % 10**12:012d}"
    return octets[: len(octets) - len(body)] + codec(Frame).build(Frame(following, frame.control, frame.data))


def _refusing_645(octets: bytes) -> bytes:
    from meterwire.protocols.dlt645.frame import Frame, answering  # noqa: PLC0415
    from meterwire.protocols.dlt645.messages import Error, ErrorWord  # noqa: PLC0415
    from meterwire.protocols.wire.codec import codec  # noqa: PLC0415

    body = octets.lstrip(b"\xfe")
    frame = codec(Frame).parse(body)
    control = answering(frame.control.function, abnormal=True)
    refusal = Frame(frame.address, control, codec(Error).build(Error(ErrorWord(other=1))))
    return octets[: len(octets) - len(body)] + codec(Frame).build(refusal)


def _readdressed_69845(octets: bytes) -> bytes:
    from meterwire.protocols.dlt69845.link import Link  # noqa: PLC0415
    from meterwire.protocols.wire.codec import codec  # noqa: PLC0415

    link = codec(Link, _EDITION).parse(octets)
    low = (link.server[0] >> 4) * 10 + (link.server[0] & 0x0F) + 1
    server = bytes([low // 10 % 10 << 4 | low % 10]) + link.server[1:]
    return codec(Link, _EDITION).build(Link(link.length, link.control, link.flag, server, link.client, link.user))


def _refusing_69845(octets: bytes) -> bytes:
    from meterwire.protocols.dlt69845.apdu import Apdu  # noqa: PLC0415
    from meterwire.protocols.dlt69845.link import Link  # noqa: PLC0415
    from meterwire.protocols.dlt69845.services.common import PiidAcd  # noqa: PLC0415
    from meterwire.protocols.dlt69845.services.connect import ErrorKind, ServerErrorResponse  # noqa: PLC0415
    from meterwire.protocols.wire.codec import codec  # noqa: PLC0415

    link = codec(Link, _EDITION).parse(octets)
    at = 1 if link.user[:1] in _ONE_CHOICE else 2
    piid = codec(PiidAcd).parse(link.user[at : at + 1])
    user = codec(Apdu, _EDITION).build(Apdu.of(ServerErrorResponse(piid, ErrorKind.OTHER)))
    return codec(Link, _EDITION).build(Link(link.length, link.control, link.flag, link.server, link.client, user))


_ONE_CHOICE: Final = (b"\x81", b"\x82", b"\x83", b"\x84")
"""Services whose PIID-ACD follows the tag at once; in the others a choice stands between."""


def _readdressed_dlms(octets: bytes) -> bytes:
    from meterwire.protocols.dlms.wrapper import Wrapper  # noqa: PLC0415
    from meterwire.protocols.wire.codec import codec  # noqa: PLC0415

    wrapped = codec(Wrapper).parse(octets)
    return codec(Wrapper).build(Wrapper((wrapped.source + 1) % 0x10000, wrapped.destination, wrapped.apdu))


def _refusing_dlms(octets: bytes) -> bytes:
    from meterwire.protocols.dlms.apdu import APDU, ApduTag  # noqa: PLC0415
    from meterwire.protocols.dlms.enums import ServiceError, StateError  # noqa: PLC0415
    from meterwire.protocols.dlms.wrapper import Wrapper  # noqa: PLC0415
    from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse  # noqa: PLC0415
    from meterwire.protocols.wire.codec import codec  # noqa: PLC0415
    from meterwire.protocols.wire.nodes import Variant  # noqa: PLC0415

    wrapped = codec(Wrapper).parse(octets)
    response = ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, Variant(ServiceError.OTHER_REASON, None))
    apdu = codec(APDU).build(Variant(ApduTag.EXCEPTION_RESPONSE, response))
    return codec(Wrapper).build(Wrapper(wrapped.source, wrapped.destination, apdu))


_READDRESSED: Final[Mapping[str, Rewrite]] = {
    "dlt645": _readdressed_645,
    "dlt69845": _readdressed_69845,
    "dlms": _readdressed_dlms,
}
_REFUSING: Final[Mapping[str, Rewrite]] = {
    "dlt645": _refusing_645,
    "dlt69845": _refusing_69845,
    "dlms": _refusing_dlms,
}
