"""What the load asks of the emulated meter in each dialect: the total of the active energy, as a head-end does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import msgspec

from benchmarks.load import Talk
from meterwire.meter_model.identity import Identity
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import request as association_request
from meterwire.protocols.dlms.handshake import Handshake
from meterwire.protocols.dlms.security.ciphering import Level
from meterwire.protocols.dlms.security.counters import SendingCounter
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.protection import PLAIN
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.wrapper import MANAGEMENT_DEVICE, PUBLIC_CLIENT, Wrapper
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, AttributeDescriptor, Invoke
from meterwire.protocols.dlms.xdlms.get import GetRequestNormal
from meterwire.protocols.dlt645.frame import PREAMBLE, Frame, Function, asking
from meterwire.protocols.dlt645.messages import ReadAnswer, ReadRequest
from meterwire.protocols.dlt69845.address import Address
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.link import EDITION, FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.get import GetRequest as GetRequest698
from meterwire.protocols.dlt69845.services.get import GetRequestNormal as GetRequestNormal698
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

METER = Identity().address


PLAIN_SHARE, CIPHERED_SHARE = 0.5, 0.25
"""Of the ceiling: the goals of plain and of ciphered reads."""


class Asked(msgspec.Struct, frozen=True):
    """One kind of request.

    Attributes:
        what: for the report.
        talk: makes what one connection says, from its number.
        check: raises unless an answer holds the energy.
        dialect: in which the meter is asked.
        share: of the echo, the goal.
    """

    what: str
    talk: Callable[[int], Talk]
    check: Callable[[Talk, bytes], None]
    dialect: str
    share: float = PLAIN_SHARE


class Fixed(msgspec.Struct, frozen=True):
    """The same request again and again."""

    octets: bytes
    greeting: bytes = b""

    def greeted(self, answer: bytes) -> None:
        """Nothing is learned from it."""

    def request(self) -> bytes:
        """The request."""
        return self.octets


class Ciphered:
    """An association in suite 0, authenticated and encrypted: every request bears another counter.

    Args:
        number: of the connection, which makes a system title of its own.
        octets: the plain request.
    """

    def __init__(self, number: int, octets: bytes) -> None:
        secrets = Identity().secrets
        full = AUTHENTICATED | ENCRYPTED
        security = Security(
            mechanism=AuthenticationMechanism.LOW,
            secret=secrets.dlms[_CIPHERED_CLIENT].encode(),
            title=b"MMM\0\0\0\1" + bytes((number + 1,)),
            keys=Keys(secrets.unicast_key, secrets.authentication_key),
            level=Level(full, full),
            sending=SendingCounter(1),
        )
        self._handshake = Handshake(security, 0xFFFF)
        self._octets, self.protection = octets, PLAIN
        self.greeting = self._wrapped(self._handshake.aarq())

    def greeted(self, answer: bytes) -> None:
        """The AARE: from now on there is protection."""
        aare = codec(APDU).parse(codec(Wrapper).parse(answer).apdu).value
        self.protection = self._handshake.accepted(aare).protection

    def request(self) -> bytes:
        """The request, protected anew."""
        return self._wrapped(self.protection.protect(self._octets))

    @staticmethod
    def _wrapped(apdu: bytes) -> bytes:
        return codec(Wrapper).build(Wrapper(_CIPHERED_CLIENT, MANAGEMENT_DEVICE, apdu))


_CIPHERED_CLIENT: Final = 17
_DESCRIPTOR: Final = AttributeDescriptor(3, bytes((1, 0, 1, 8, 0, 255)), 2)
_GET: Final = codec(APDU).build(Variant(ApduTag.GET_REQUEST, GetRequestNormal(Invoke(number=1), _DESCRIPTOR)))


def _check_get(apdu: bytes) -> None:
    found = codec(APDU).parse(apdu).value.result
    assert found.tag == DATA_CHOSEN, apdu
    assert found.value.value > 0, apdu


def _dlms() -> Asked:
    def wrapped(apdu: bytes) -> bytes:
        return codec(Wrapper).build(Wrapper(PUBLIC_CLIENT, MANAGEMENT_DEVICE, apdu))

    def check(talk: Talk, answer: bytes) -> None:
        del talk
        _check_get(codec(Wrapper).parse(answer).apdu)

    talk = Fixed(wrapped(_GET), wrapped(association_request(AuthenticationMechanism.NONE, b"", 0xFFFF)))
    return Asked("DLMS GET of 1.0.1.8.0.255, attribute 2", lambda _: talk, check, "dlms")


def _dlms_ciphered() -> Asked:
    def check(talk: Talk, answer: bytes) -> None:
        _check_get(cast("Ciphered", talk).protection.unprotect(codec(Wrapper).parse(answer).apdu))

    what = "DLMS GET of 1.0.1.8.0.255, attribute 2, ciphered in suite 0"
    return Asked(what, lambda number: Ciphered(number, _GET), check, "dlms", CIPHERED_SHARE)


def _dlt645() -> Asked:
    def check(talk: Talk, answer: bytes) -> None:
        del talk
        found = codec(ReadAnswer).parse(codec(Frame).parse(answer.lstrip(b"\xfe")).data)
        assert int(found.data[::-1].hex()) > 0, answer

    data = codec(ReadRequest).build(ReadRequest(0x00010000))
    request = codec(Frame).build(Frame(METER, asking(Function.READ), data))
    talk = Fixed(PREAMBLE + request)
    return Asked("DL/T 645 read of 00010000", lambda _: talk, check, "dlt645")


def _dlt69845() -> Asked:
    def check(talk: Talk, answer: bytes) -> None:
        del talk
        found = codec(Apdu, EDITION).parse(codec(Link, EDITION).parse(answer).user).body.response.result.result
        assert found.tag == 1, answer
        assert found.value.value[0].value > 0, answer

    flag, server = Address(METER).wire(EDITION)
    asked = GetRequest698(GetRequestNormal698(Piid(number=1), Oad(0x0010, 2, 0)))
    user = codec(Apdu, EDITION).build(Apdu.of(asked))
    control = LinkControl(started_by_client=1)
    request = codec(Link, EDITION).build(Link(FrameLength(), control, flag, server, 16, user))
    talk = Fixed(request)
    return Asked("DL/T 698.45 GET of 00100200, total and four rates", lambda _: talk, check, "dlt69845")


def asked() -> dict[str, Asked]:
    """The request of each dialect, and in DLMS/COSEM the ciphered one."""
    return {
        "dlms": _dlms(),
        "dlms, ciphered": _dlms_ciphered(),
        "dlt645": _dlt645(),
        "dlt69845": _dlt69845(),
    }
