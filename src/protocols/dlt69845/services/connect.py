"""CONNECT, RELEASE and ERROR: application connections."""

from enum import IntEnum

from meterwire.protocols.dlt69845.data import OCTET_STRING
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.services.common import FOLLOW_REPORT, TIME_TAG, Piid, PiidAcd, TimeTag
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    NOTHING,
    REST,
    U8,
    U16,
    U32,
    Choice,
    Enum,
    Maybe,
    Octets,
    Sized,
    Text,
    Variant,
)


class Mechanism(IntEnum):
    """How a client proves who it is."""

    NULL = 0
    PASSWORD = 1
    SYMMETRY = 2
    SIGNATURE = 3


class ConnectResult(IntEnum):
    """What a server thinks of a connect request; 6 since 2021."""

    OK = 0
    PASSWORD_WRONG = 1
    SYMMETRIC_DECRYPTION_FAILED = 2
    ASYMMETRIC_DECRYPTION_FAILED = 3
    SIGNATURE_WRONG = 4
    VERSION_MISMATCH = 5
    SECURITY_MODULE_FAULT = 6
    OTHER = 255


class ErrorKind(IntEnum):
    """Why an APDU got no answer of its own service."""

    UNPARSEABLE = 1
    UNSUPPORTED = 2
    OTHER = 255


class ReleaseResult(IntEnum):
    """What a server thinks of a release request."""

    OK = 0


@message(cite="DL/T 698.45-2017, CONNECT-Request: SymmetrySecurity")
class SymmetrySecurity:
    """Proof with a symmetric key."""

    cipher: bytes = field(OCTET_STRING, "cipher text 1; 32 octets seen")
    signature: bytes = field(OCTET_STRING, "client signature 1; 4 octets seen")


@message(cite="DL/T 698.45-2017, CONNECT-Request: SignatureSecurity")
class SignatureSecurity:
    """Proof with a signature."""

    cipher: bytes = field(OCTET_STRING, "cipher text 2; 32 octets seen")
    signature: bytes = field(OCTET_STRING, "client signature 2; 64 octets seen")


@message(cite="DL/T 698.45-2017, CONNECT-Request")
class ConnectRequest:
    """What a client offers and wants."""

    piid: Piid = field(Piid, "PIID")
    version: int = field(U16, "version of the protocol; 0016H and 0010H seen")
    protocol: bytes = field(Octets(8), "protocol conformance, first bit highest")
    functions: bytes = field(Octets(16), "functional conformance, first bit highest")
    send_size: int = field(U16, "longest frame the client sends, octets")
    receive_size: int = field(U16, "longest frame the client takes, octets")
    window: int = field(U8, "frames the client takes before it answers")
    apdu_size: int = field(U16, "longest APDU the client takes, octets")
    timeout: int = field(U32, "time-out wanted for the connection, seconds")
    mechanism: Variant = field(
        Choice(
            U8,
            {0: NOTHING, 1: Sized(AXDR_LENGTH, Text(REST)), 2: SymmetrySecurity, 3: SignatureSecurity},
            into=Variant,
        ),
        "0: no security; 1: password; 2: symmetric key; 3: signature",
    )
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, CONNECT-Response: FactoryVersion")
class FactoryVersion:
    """Who made the server, and its versions."""

    maker: str | bytes = field(Text(4), "maker")
    software: str | bytes = field(Text(4), "software version")
    software_date: str | bytes = field(Text(6), "date of the software, YYMMDD")
    hardware: str | bytes = field(Text(4), "hardware version")
    hardware_date: str | bytes = field(Text(6), "date of the hardware, YYMMDD")
    extension: str | bytes = field(Text(8), "extension of the maker")


@message(cite="DL/T 698.45-2017, CONNECT-Response: SecurityData")
class ServerProof:
    """The server's half of a proof."""

    random: bytes = field(OCTET_STRING, "server random number (RN); 48 octets seen")
    signature: bytes = field(OCTET_STRING, "server signature; 4 octets seen")


@message(cite="DL/T 698.45-2017, CONNECT-Response")
class ConnectResponse:
    """What a server grants."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    factory: FactoryVersion = field(FactoryVersion, "maker and versions")
    version: int = field(U16, "version of the protocol agreed")
    protocol: bytes = field(Octets(8), "protocol conformance agreed, first bit highest")
    functions: bytes = field(Octets(16), "functional conformance agreed, first bit highest")
    send_size: int = field(U16, "longest frame the server sends, octets")
    receive_size: int = field(U16, "longest frame the server takes, octets")
    window: int = field(U8, "frames the server takes before it answers")
    apdu_size: int = field(U16, "longest APDU the server takes, octets")
    timeout: int = field(U32, "time-out of the connection, seconds")
    result: ConnectResult | int = field(Enum(U8, ConnectResult), "result")
    proof: ServerProof | None = field(Maybe(ServerProof), "security data", default=None)
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, RELEASE-Request")
class ReleaseRequest:
    """The client ends the connection."""

    piid: Piid = field(Piid, "PIID")
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, RELEASE-Response")
class ReleaseResponse:
    """The server's answer to a release."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    result: ReleaseResult | int = field(Enum(U8, ReleaseResult), "result")
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, RELEASE-Notification")
class ReleaseNotification:
    """The server ended a connection that was idle for too long."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    connected: DateTimeS = field(DateTimeS, "when the connection was made")
    now: DateTimeS = field(DateTimeS, "the server's time")
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


# How the tails of ERROR-Response lie is recalled, not confirmed by a capture: those of every APDU of its direction.


@message(cite="DL/T 698.45-2017, ERROR-Response of a client")
class ClientErrorResponse:
    """The client could not take an APDU."""

    piid: Piid = field(Piid, "PIID")
    error: ErrorKind | int = field(Enum(U8, ErrorKind), "why")
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, ERROR-Response of a server")
class ServerErrorResponse:
    """The server could not take an APDU."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    error: ErrorKind | int = field(Enum(U8, ErrorKind), "why")
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)
