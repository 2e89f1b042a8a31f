"""Every APDU of DLMS/COSEM by its tag: the one layout that decodes them all (DLMS UA 1000-2, 9.5, XDLMS-APDU)."""

from enum import IntEnum
from typing import Final

from meterwire.protocols.dlms.acse import Aare, Aarq, Rlre, Rlrq
from meterwire.protocols.dlms.ciphering import (
    PROTECTED,
    GeneralBlockTransfer,
    GeneralCiphered,
    GeneralCiphering,
    GeneralSigning,
)
from meterwire.protocols.dlms.xdlms.access import AccessRequest, AccessResponse
from meterwire.protocols.dlms.xdlms.action import ACTION_REQUEST, ACTION_RESPONSE
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.get import GET_REQUEST, GET_RESPONSE
from meterwire.protocols.dlms.xdlms.initiate import ConfirmedServiceError, InitiateRequest, InitiateResponse
from meterwire.protocols.dlms.xdlms.notify import DataNotification, DataNotificationConfirm, EventNotification
from meterwire.protocols.dlms.xdlms.set import SET_REQUEST, SET_RESPONSE
from meterwire.protocols.dlms.xdlms.short_names import (
    InformationReport,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    WriteRequest,
    WriteResponse,
)
from meterwire.protocols.wire.declare import named
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, Choice, Enum, Record, Sized, Variant


class ApduTag(IntEnum):
    """The first octet of an APDU."""

    INITIATE_REQUEST = 0x01
    READ_REQUEST = 0x05
    WRITE_REQUEST = 0x06
    INITIATE_RESPONSE = 0x08
    READ_RESPONSE = 0x0C
    WRITE_RESPONSE = 0x0D
    CONFIRMED_SERVICE_ERROR = 0x0E
    DATA_NOTIFICATION = 0x0F
    DATA_NOTIFICATION_CONFIRM = 0x10
    UNCONFIRMED_WRITE_REQUEST = 0x16
    INFORMATION_REPORT = 0x18
    GLO_INITIATE_REQUEST = 0x21
    GLO_READ_REQUEST = 0x25
    GLO_WRITE_REQUEST = 0x26
    GLO_INITIATE_RESPONSE = 0x28
    GLO_READ_RESPONSE = 0x2C
    GLO_WRITE_RESPONSE = 0x2D
    GLO_CONFIRMED_SERVICE_ERROR = 0x2E
    GLO_UNCONFIRMED_WRITE_REQUEST = 0x36
    GLO_INFORMATION_REPORT = 0x38
    DED_INITIATE_REQUEST = 0x41
    DED_READ_REQUEST = 0x45
    DED_WRITE_REQUEST = 0x46
    DED_INITIATE_RESPONSE = 0x48
    DED_READ_RESPONSE = 0x4C
    DED_WRITE_RESPONSE = 0x4D
    DED_CONFIRMED_SERVICE_ERROR = 0x4E
    DED_UNCONFIRMED_WRITE_REQUEST = 0x56
    DED_INFORMATION_REPORT = 0x58
    AARQ = 0x60
    AARE = 0x61
    RLRQ = 0x62
    RLRE = 0x63
    GET_REQUEST = 0xC0
    SET_REQUEST = 0xC1
    EVENT_NOTIFICATION = 0xC2
    ACTION_REQUEST = 0xC3
    GET_RESPONSE = 0xC4
    SET_RESPONSE = 0xC5
    ACTION_RESPONSE = 0xC7
    GLO_GET_REQUEST = 0xC8
    GLO_SET_REQUEST = 0xC9
    GLO_EVENT_NOTIFICATION = 0xCA
    GLO_ACTION_REQUEST = 0xCB
    GLO_GET_RESPONSE = 0xCC
    GLO_SET_RESPONSE = 0xCD
    GLO_ACTION_RESPONSE = 0xCF
    DED_GET_REQUEST = 0xD0
    DED_SET_REQUEST = 0xD1
    DED_EVENT_NOTIFICATION = 0xD2
    DED_ACTION_REQUEST = 0xD3
    DED_GET_RESPONSE = 0xD4
    DED_SET_RESPONSE = 0xD5
    DED_ACTION_RESPONSE = 0xD7
    EXCEPTION_RESPONSE = 0xD8
    ACCESS_REQUEST = 0xD9
    ACCESS_RESPONSE = 0xDA
    GENERAL_GLO_CIPHERING = 0xDB
    GENERAL_DED_CIPHERING = 0xDC
    GENERAL_CIPHERING = 0xDD
    GENERAL_SIGNING = 0xDF
    GENERAL_BLOCK_TRANSFER = 0xE0


PROTECTED_TAGS: Final = frozenset(tag for tag in ApduTag if tag.name.startswith(("GLO_", "DED_")))
"""Service-specific ciphered APDUs, with the global or the dedicated key."""

APDU: Final = named(
    "dlms.Apdu",
    Choice(
        Enum(U8, ApduTag),
        {
            ApduTag.INITIATE_REQUEST: InitiateRequest,
            ApduTag.READ_REQUEST: ReadRequest,
            ApduTag.WRITE_REQUEST: WriteRequest,
            ApduTag.INITIATE_RESPONSE: InitiateResponse,
            ApduTag.READ_RESPONSE: ReadResponse,
            ApduTag.WRITE_RESPONSE: WriteResponse,
            ApduTag.CONFIRMED_SERVICE_ERROR: ConfirmedServiceError,
            ApduTag.DATA_NOTIFICATION: DataNotification,
            ApduTag.DATA_NOTIFICATION_CONFIRM: DataNotificationConfirm,
            ApduTag.UNCONFIRMED_WRITE_REQUEST: UnconfirmedWriteRequest,
            ApduTag.INFORMATION_REPORT: InformationReport,
            ApduTag.AARQ: Sized(AXDR_LENGTH, Record(Aarq)),
            ApduTag.AARE: Sized(AXDR_LENGTH, Record(Aare)),
            ApduTag.RLRQ: Sized(AXDR_LENGTH, Record(Rlrq)),
            ApduTag.RLRE: Sized(AXDR_LENGTH, Record(Rlre)),
            ApduTag.GET_REQUEST: GET_REQUEST,
            ApduTag.SET_REQUEST: SET_REQUEST,
            ApduTag.EVENT_NOTIFICATION: EventNotification,
            ApduTag.ACTION_REQUEST: ACTION_REQUEST,
            ApduTag.GET_RESPONSE: GET_RESPONSE,
            ApduTag.SET_RESPONSE: SET_RESPONSE,
            ApduTag.ACTION_RESPONSE: ACTION_RESPONSE,
            ApduTag.EXCEPTION_RESPONSE: ExceptionResponse,
            ApduTag.ACCESS_REQUEST: AccessRequest,
            ApduTag.ACCESS_RESPONSE: AccessResponse,
            ApduTag.GENERAL_GLO_CIPHERING: GeneralCiphered,
            ApduTag.GENERAL_DED_CIPHERING: GeneralCiphered,
            ApduTag.GENERAL_CIPHERING: GeneralCiphering,
            ApduTag.GENERAL_SIGNING: GeneralSigning,
            ApduTag.GENERAL_BLOCK_TRANSFER: GeneralBlockTransfer,
            **dict.fromkeys(PROTECTED_TAGS, PROTECTED),
        },
        into=Variant,
    ),
    doc="An APDU: its tag and what stands behind it",
    cite="DLMS UA 1000-2, 9.5, XDLMS-APDU; 9.4.2 for the ACSE APDUs",
)
