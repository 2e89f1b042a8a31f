"""gurux-dlms (GPL) as an installed peer, imported here and in tests alone: none of it is part of meterwire."""

from __future__ import annotations

from contextlib import redirect_stdout
from importlib import metadata
from io import StringIO
from typing import Any


def version() -> str | None:
    """Its version, None where it is not installed."""
    try:
        return metadata.version("gurux-dlms")
    except metadata.PackageNotFoundError:
        return None


def _client(link: str) -> Any:
    import gurux_dlms
    from gurux_dlms.enums import Authentication, InterfaceType

    client = gurux_dlms.GXDLMSClient(True, 16, 1, Authentication.NONE, None, getattr(InterfaceType, link))
    client.maxReceivePDUSize = 0xFFFF
    return client


def reader(frame: bytes, link: str = "WRAPPER") -> Any:
    """A function that has gurux read a GET-response in a wrapper, or in an HDLC frame, and gives the value it finds."""
    import gurux_dlms

    client = _client(link)
    client.settings.connected = 3  # as after SNRM and AARQ

    def read() -> Any:
        client.settings.resetFrameSequence()
        reply, notified = gurux_dlms.GXReplyData(), gurux_dlms.GXReplyData()
        if not client.getData(gurux_dlms.GXByteBuffer(frame), reply, notified) or reply.error:
            raise ValueError
        return reply.value

    return read


def requests() -> tuple[Any, Any]:
    """Functions that have gurux build a wrapped AARQ without authentication, and a wrapped GET of an energy."""
    from gurux_dlms.objects import GXDLMSRegister

    client, register = _client("WRAPPER"), GXDLMSRegister("1.0.1.8.0.255")
    return client.aarqRequest, lambda: client.read(register, 2)


def aare_reader(apdu: bytes) -> Any:
    """A function that has gurux read an AARE and gives the longest APDU that the server takes."""
    import gurux_dlms

    client = _client("WRAPPER")

    def read() -> Any:
        client.parseAareResponse(gurux_dlms.GXByteBuffer(apdu))
        return client.settings.maxPduSize

    return read


def decipherer(octets: bytes, title: bytes, encryption: bytes, authentication: bytes) -> Any:
    """A function that has gurux open a ciphered APDU and gives the plain one."""
    from gurux_dlms.AesGcmParameter import AesGcmParameter
    from gurux_dlms.GXByteBuffer import GXByteBuffer
    from gurux_dlms.GXDLMSChippering import GXDLMSChippering
    from gurux_dlms.secure import GXDLMSSecureClient

    settings, said = GXDLMSSecureClient().settings, StringIO()

    def read() -> Any:
        given = AesGcmParameter(0, bytearray(title), bytearray(encryption), bytearray(authentication))
        with redirect_stdout(said):  # it tells of every APDU
            return GXDLMSChippering.decryptAesGcm(settings, given, GXByteBuffer(octets))

    return read
