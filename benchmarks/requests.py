"""What the load asks of the emulated meter in each dialect: the total of the active energy, as a head-end does."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from meterwire.meter_model.identity import Identity
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import request as association_request
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


class Asked(msgspec.Struct, frozen=True):
    """One kind of request.

    Attributes:
        what: for the report.
        greeting: what must be said once on each connection.
        request: the octets of the request.
        check: raises unless an answer holds the energy.
    """

    what: str
    greeting: bytes
    request: bytes
    check: Callable[[bytes], None]


def _dlms() -> Asked:
    def wrapped(apdu: bytes) -> bytes:
        return codec(Wrapper).build(Wrapper(PUBLIC_CLIENT, MANAGEMENT_DEVICE, apdu))

    def check(answer: bytes) -> None:
        found = codec(APDU).parse(codec(Wrapper).parse(answer).apdu).value.result
        assert found.tag == DATA_CHOSEN, answer
        assert found.value.value > 0, answer

    descriptor = AttributeDescriptor(3, bytes((1, 0, 1, 8, 0, 255)), 2)
    request = codec(APDU).build(Variant(ApduTag.GET_REQUEST, GetRequestNormal(Invoke(number=1), descriptor)))
    greeting = association_request(AuthenticationMechanism.NONE, b"", 0xFFFF)
    return Asked("DLMS GET of 1.0.1.8.0.255, attribute 2", wrapped(greeting), wrapped(request), check)


def _dlt645() -> Asked:
    def check(answer: bytes) -> None:
        found = codec(ReadAnswer).parse(codec(Frame).parse(answer.lstrip(b"\xfe")).data)
        assert int(found.data[::-1].hex()) > 0, answer

    data = codec(ReadRequest).build(ReadRequest(0x00010000))
    request = codec(Frame).build(Frame(METER, asking(Function.READ), data))
    return Asked("DL/T 645 read of 00010000", b"", PREAMBLE + request, check)


def _dlt69845() -> Asked:
    def check(answer: bytes) -> None:
        found = codec(Apdu, EDITION).parse(codec(Link, EDITION).parse(answer).user).body.response.result.result
        assert found.tag == 1, answer
        assert found.value.value[0].value > 0, answer

    flag, server = Address(METER).wire(EDITION)
    asked = GetRequest698(GetRequestNormal698(Piid(number=1), Oad(0x0010, 2, 0)))
    user = codec(Apdu, EDITION).build(Apdu.of(asked))
    control = LinkControl(started_by_client=1)
    request = codec(Link, EDITION).build(Link(FrameLength(), control, flag, server, 16, user))
    return Asked("DL/T 698.45 GET of 00100200, total and four rates", b"", request, check)


def asked() -> dict[str, Asked]:
    """The request of each dialect."""
    return {"dlms": _dlms(), "dlt645": _dlt645(), "dlt69845": _dlt69845()}
