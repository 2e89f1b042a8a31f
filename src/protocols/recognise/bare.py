"""Messages without a frame: nothing marks where they begin or end, so they must fill the octets given."""

from __future__ import annotations

from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.apdu import APDU, PROTECTED_TAGS, ApduTag
from meterwire.protocols.dlms.ciphering import GeneralCiphered
from meterwire.protocols.dlms.data import DATA as DLMS_DATA
from meterwire.protocols.dlms.data import Tag
from meterwire.protocols.dlms.llc import Llc, LlcAddress
from meterwire.protocols.dlms.xdlms.notify import DataNotification
from meterwire.protocols.dlms.xdlms.pushed import PushedList
from meterwire.protocols.dlt69845.apdu import Apdu, Service
from meterwire.protocols.dlt69845.data import DATA as DATA_698
from meterwire.protocols.dlt69845.link import EDITION
from meterwire.protocols.dlt69845.services.report import (
    ReceiptSimplified,
    ReportNotification,
    ReportResponse,
    ReportSimplified,
)
from meterwire.protocols.recognise.candidate import Candidate
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.nodes import Variant

_FIRM: Final = 0.9
_LOOSE: Final = 0.7
_OPEN: Final = 0.5
_LITTLE: Final = 0.3
_SHORT: Final = 4
"""Octets below which the structure of an APDU says little."""
_TAGS: Final = frozenset(int(tag) for tag in ApduTag)
_SERVICES: Final = frozenset(int(service) for service in Service)
_HEADS: Final = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
_TITLE: Final = 8
_LISTS: Final = (Tag.ARRAY, Tag.STRUCTURE, Tag.COMPACT_ARRAY)
_STRINGS: Final = (Tag.BIT_STRING, Tag.OCTET_STRING, Tag.VISIBLE_STRING, Tag.UTF8_STRING)


def bare(octets: bytes, dialect: str | None = None) -> list[Candidate]:
    """Every reading of the octets as a whole message without a frame, in no order."""
    readers = {"dlms": (_llc, _apdu), "dlt69845": (_apdu_698,), "axdr": (_data, _data_698)}
    chosen = [read for name, reads in readers.items() if dialect in (None, name) for read in reads]
    return [found for read in chosen if (found := read(octets)) is not None]


def is_tag(octet: int) -> bool:
    """Whether an APDU of DLMS/COSEM begins with this octet."""
    return octet in _TAGS


def is_service(octet: int) -> bool:
    """Whether an APDU of DL/T 698.45 begins with this octet."""
    return octet in _SERVICES


def apdu_likelihood(octets: bytes) -> float:
    """How likely octets are an APDU of DLMS/COSEM; 0.4 where only the tag is known, 0.1 for anything else."""
    if not octets or octets[0] not in _TAGS:
        return 0.1
    found = _apdu(octets)
    return found.likelihood if found else 0.4


def is_apdu(octets: bytes) -> bool:
    """Whether octets are one whole APDU of DLMS/COSEM, as far as its structure tells."""
    return apdu_likelihood(octets) >= _LOOSE


def _read(reader: Codec[Any], octets: bytes) -> Any:
    found = reader.attempt(octets)
    return None if isinstance(found, MalformedError) else found


def _llc(octets: bytes) -> Candidate | None:
    """An APDU behind the three LLC octets, as drivers that strip HDLC leave it."""
    if not octets.startswith(_HEADS) or octets[3:4] == b"":
        return None
    message = _read(codec(Llc), octets)
    if not isinstance(message, Llc) or message.destination != LlcAddress.COMMAND:
        return None
    inner = apdu_likelihood(message.apdu)
    return Candidate("dlms", "APDU behind an LLC header", codec(Llc), message, max(inner, 0.6), firm=inner > _OPEN)


def _apdu(octets: bytes) -> Candidate | None:
    if not octets or octets[0] not in _TAGS:
        return None
    message = _read(codec(APDU), octets)
    if message is None:
        return None
    likelihood = _apdu_fit(message)
    if len(octets) < _SHORT:
        likelihood = min(likelihood, _OPEN)
    return Candidate("dlms", "bare APDU", codec(APDU), message, likelihood, firm=likelihood >= _FIRM)


def _apdu_fit(message: Variant) -> float:
    """A protected APDU shows its length, a push of unknown content only its head; all others fit throughout."""
    body = message.value
    if isinstance(body, DataNotification):
        known = _read(codec(DLMS_DATA), body.body) or _read(codec(PushedList), body.body)
        return _FIRM if known is not None else _OPEN
    if message.tag in PROTECTED_TAGS:
        return _LOOSE if not body.control.suite & 0b1100 else _OPEN
    if isinstance(body, GeneralCiphered):
        return _FIRM if len(body.title) == _TITLE else _LOOSE
    return _FIRM


def _apdu_698(octets: bytes) -> Candidate | None:
    if not octets or octets[0] not in _SERVICES:
        return None
    reader = codec(Apdu, EDITION)
    message = _read(reader, octets)
    if message is None:
        return None
    likelihood = _FIRM
    if isinstance(message.body, bytes):
        likelihood = _LITTLE
    elif _is_open(message.body):
        likelihood = _OPEN
    return Candidate("dlt69845", "bare APDU", reader, message, likelihood, firm=likelihood >= _FIRM)


def _is_open(body: Any) -> bool:
    """Whether the content runs to the end whatever it is."""
    if isinstance(body, ReportNotification):
        return isinstance(body.report, ReportSimplified)
    return isinstance(body, ReportResponse) and isinstance(body.receipt, ReceiptSimplified)


def _data(octets: bytes) -> Candidate | None:
    return _bare_data(octets, codec(DLMS_DATA), "bare A-XDR Data", 0.0)


def _data_698(octets: bytes) -> Candidate | None:
    return _bare_data(octets, codec(DATA_698, EDITION), "bare A-XDR Data of DL/T 698.45", 0.05)


def _bare_data(octets: bytes, reader: Codec[Any], title: str, less: float) -> Candidate | None:
    message = _read(reader, octets)
    if not isinstance(message, Variant):
        return None
    likelihood = 0.4
    if len(octets) == 1:
        likelihood = 0.1
    elif message.tag in _LISTS and len(octets) > _SHORT:
        likelihood = 0.75
    elif message.tag in _STRINGS:
        likelihood = _OPEN
    return Candidate("axdr", title, reader, message, likelihood - less, firm=False)
