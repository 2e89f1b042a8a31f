"""Initiate: version, conformance and PDU size are agreed inside the association (DLMS UA 1000-2, 9.4.2; 9.5)."""

from typing import Any, cast

from meterwire.protocols.wire.declare import bits, field, hidden, message, part
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    I8,
    I16,
    REST,
    U8,
    U16,
    U24,
    Bool,
    Const,
    Maybe,
    Octets,
    Sized,
)

DLMS_VERSION = 6
LN_REFERENCING = 0x0007
"""VAA name of a server that is addressed by logical names; FA00H with short names."""
SN_REFERENCING = 0xFA00 - 0x10000
"""VAA name of a server that is addressed by short names: the base name of its association object."""


@bits(U24)
class Conformance:
    """Conformance block: the services one side offers, or both have agreed on (DLMS UA 1000-2, 9.4.6.1)."""

    reserved_zero: int = part(1, "reserved", default=0)
    general_protection: int = part(1, "general protection", default=0)
    general_block_transfer: int = part(1, "general block transfer", default=0)
    read: int = part(1, "read", default=0)
    write: int = part(1, "write", default=0)
    unconfirmed_write: int = part(1, "unconfirmed write", default=0)
    delta_value_encoding: int = part(1, "delta value encoding", default=0)
    reserved_seven: int = part(1, "reserved", default=0)
    attribute_0_with_set: int = part(1, "attribute 0 supported with SET", default=0)
    priority_management: int = part(1, "priority management supported", default=0)
    attribute_0_with_get: int = part(1, "attribute 0 supported with GET", default=0)
    block_transfer_with_get: int = part(1, "block transfer with GET or READ", default=0)
    block_transfer_with_set: int = part(1, "block transfer with SET or WRITE", default=0)
    block_transfer_with_action: int = part(1, "block transfer with ACTION", default=0)
    multiple_references: int = part(1, "multiple references", default=0)
    information_report: int = part(1, "information report", default=0)
    data_notification: int = part(1, "data notification", default=0)
    access: int = part(1, "access", default=0)
    parameterized_access: int = part(1, "parameterized access", default=0)
    get: int = part(1, "GET", default=0)
    set: int = part(1, "SET", default=0)
    selective_access: int = part(1, "selective access", default=0)
    event_notification: int = part(1, "event notification", default=0)
    action: int = part(1, "ACTION", default=0)


def conformance(raw: int) -> Conformance:
    """The conformance block of this number."""
    return cast("Conformance", cast("Any", Conformance).of(raw))


def common(offered: Conformance, wanted: Conformance) -> Conformance:
    """The services that both blocks name."""
    return conformance(int(cast("Any", offered)) & int(cast("Any", wanted)))


@message(cite="DLMS UA 1000-2, 9.5, InitiateRequest")
class InitiateRequest:
    """What the client proposes. `response_allowed` None is the default, true."""

    dedicated_key: bytes | None = field(Maybe(Sized(AXDR_LENGTH, Octets(REST))), "dedicated key")
    response_allowed: bool | None = field(Maybe(Bool()), "response allowed")
    quality_of_service: int | None = field(Maybe(I8), "proposed quality of service")
    dlms_version: int = field(U8, "proposed DLMS version number")
    conformance_tag = hidden(Const(b"\x5f\x1f\x04\x00"), "conformance: APPLICATION 31, bit string of 24 bits")
    conformance: Conformance = field(Conformance, "proposed conformance")
    max_pdu: int = field(U16, "client max receive PDU size, octets; 0 is no limit")


@message(cite="DLMS UA 1000-2, 9.5, InitiateResponse")
class InitiateResponse:
    """What the server agrees to."""

    quality_of_service: int | None = field(Maybe(I8), "negotiated quality of service")
    dlms_version: int = field(U8, "negotiated DLMS version number")
    conformance_tag = hidden(Const(b"\x5f\x1f\x04\x00"), "conformance: APPLICATION 31, bit string of 24 bits")
    conformance: Conformance = field(Conformance, "negotiated conformance")
    max_pdu: int = field(U16, "server max receive PDU size, octets; 0 is no limit")
    vaa_name: int = field(I16, "VAA name: 0007H with logical names, FA00H with short names")


@message(cite="DLMS UA 1000-2, 9.5, ConfirmedServiceError")
class ConfirmedServiceError:
    """Why a confirmed service failed: which service, which class of errors, which of them."""

    service: int = field(U8, "service: 1 initiate, 5 read, 6 write")
    error_class: int = field(U8, "class of the error: 0 application reference, 1 hardware, 2 VDE state, 6 initiate")
    error: int = field(U8, "error; of the initiate service an InitiateError")
