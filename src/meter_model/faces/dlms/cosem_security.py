"""Security setup and invocation counter of a meter: policy, keys, certificates (IEC 62056-6-2, class 64, version 1)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import SecurityError
from meterwire.meter_model.dlms_security import DlmsSecurity
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Denied, Level, Method, View
from meterwire.protocols.dlms.data import Tag, array, octet_string, structure
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.security import certificates
from meterwire.protocols.dlms.security.agreement import (
    derived_key,
    ephemeral,
    shared_secret,
    signed_ephemeral,
    verified_ephemeral,
)
from meterwire.protocols.dlms.security.ciphering import Ciphering
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import KeyId
from meterwire.protocols.dlms.security.suites import curve_suite
from meterwire.protocols.dlms.security.wrapping import unwrap
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUP: Final = bytes((0, 0, 43, 0, 0, 255))
COUNTER: Final = bytes((0, 0, 43, 1, 0, 255))
MOST_CERTIFICATES: Final = 16
_MOST_KEYS: Final = 4
_STRONG: Final = AUTHENTICATED | ENCRYPTED
_SERVER, _CLIENT, _AUTHORITY = 0, 1, 2


def _security(view: View) -> DlmsSecurity:
    guard = view.device.guard
    if guard is None:
        raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
    found: DlmsSecurity = guard.security
    return found


@contextmanager
def _refusing() -> Iterator[None]:
    """What the keys or certificates do not bear is refused, without a word on why."""
    try:
        yield
    except SecurityError:
        raise Denied(DataAccessResult.OTHER_REASON) from None


def _strong(view: View) -> tuple[DlmsSecurity, Ciphering]:
    """What may be changed through a strong association alone: one that demands authentication and encryption."""
    association: Any = getattr(view, "association", None)
    protection = None if association is None else association.protection
    if not isinstance(protection, Ciphering) or protection.level.requires & _STRONG != _STRONG:
        raise Denied(DataAccessResult.READ_WRITE_DENIED)
    return _security(view), protection


def _name(found: CosemObject, view: View) -> Variant:
    del view
    return octet_string(found.instance)


def _members(data: Variant, tag: Tag) -> tuple[Variant, ...]:
    if data.tag != tag or not isinstance(data.value, tuple):
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    return data.value


def _enumerated(data: Variant) -> int:
    if data.tag != Tag.ENUM or not isinstance(data.value, int):
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    return data.value


def _octets(data: Variant) -> bytes:
    if data.tag != Tag.OCTET_STRING or not isinstance(data.value, bytes):
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    return data.value


def _pairs(data: Variant) -> dict[KeyId, bytes]:
    """Key ids with what belongs to them; each at most once."""
    found: dict[KeyId, bytes] = {}
    for one in _members(data, Tag.ARRAY)[: _MOST_KEYS + 1]:
        members = _members(one, Tag.STRUCTURE)
        if len(members) != 2 or (number := _enumerated(members[0])) not in set(KeyId) or number in found:
            raise Denied(DataAccessResult.OTHER_REASON)
        found[KeyId(number)] = _octets(members[1])
    if not found:
        raise Denied(DataAccessResult.OTHER_REASON)
    return found


# ---------------------------------------------------------------- policy and keys


def _activate(found: CosemObject, view: View, data: Variant) -> None:
    security, _ = _strong(view)
    with _refusing():
        security.raise_policy(_enumerated(data))
    _note(found, view, 1)


def _transfer(found: CosemObject, view: View, data: Variant) -> None:
    """New keys under the master key: all of them or none."""
    security, _ = _strong(view)
    with _refusing():
        keys = {key: unwrap(security.keys.master, wrapped) for key, wrapped in _pairs(data).items()}
        security.change_keys(keys)
    _note(found, view, 2)


def _agree(found: CosemObject, view: View, data: Variant) -> Variant:
    """New keys by Diffie-Hellman with ephemeral keys of both, C(2e,0s)."""
    security, protection = _strong(view)
    with _refusing():
        group = curve_suite(security.suite)
        peer, own = protection.keys.peer_signing, security.keys.signing
        if peer is None or own is None:
            raise SecurityError("a key of signatures is not known")
        keys, answers = {}, []
        for key, octets in _pairs(data).items():
            theirs = verified_ephemeral(group, key, octets, peer)
            ours = ephemeral(group, view.device.guard.random(group.coordinate_octets + 8))
            z = shared_secret(group, ours, theirs)
            keys[key] = derived_key(group, z, protection.peer, protection.own, wrapping=key is KeyId.MASTER)
            answer = octet_string(signed_ephemeral(group, key, ours.public_key(), own))
            answers.append(structure(Variant(Tag.ENUM, int(key)), answer))
        security.change_keys(keys)
    _note(found, view, 3)
    return array(answers)


def _note(found: CosemObject, view: View, method: int) -> None:
    programming = getattr(view.meter, "programming", None)
    if programming is not None:
        programming.note(view.author(found.named(method)))


# ---------------------------------------------------------------- certificates


def _import(found: CosemObject, view: View, data: Variant) -> None:
    """A certificate of the client that calls, of the meter's own keys, or of who certifies clients.

    Its key is used, or believed, from the next AARQ on.
    """
    security, protection = _strong(view)
    octets = _octets(data)
    with _refusing():
        group = curve_suite(security.suite)
        certificate = certificates.read(octets)
        if certificates.is_authority(certificate):
            security.add_authority(octets, MOST_CERTIFICATES)
            _note(found, view, 6)
            return
        purpose = certificates.purpose_of(certificate)
        title = certificates.title_of(certificate)
        own = title == protection.own
        if not own and title != protection.peer:
            raise SecurityError("the certificate is for somebody else")
        key = certificates.checked_key(certificate, purpose, group, title, view.meter.clock.now())
        security.add_certificate(octets, purpose, key, None if own else view.client, MOST_CERTIFICATES)
    _note(found, view, 6)


def _generate(found: CosemObject, view: View, data: Variant) -> None:
    """A pair of signatures or of key agreement; it is in use once a certificate for it has been imported."""
    security, _ = _strong(view)
    with _refusing():
        security.generate_pair(_purpose(data), view.device.guard.random)
    _note(found, view, 4)


def _request(found: CosemObject, view: View, data: Variant) -> Variant:
    """A certificate request (PKCS #10) for the pair that waits for its certificate, else for the one in use."""
    security, protection = _strong(view)
    with _refusing():
        request = security.certificate_request(_purpose(data), protection.own)
    _note(found, view, 5)
    return octet_string(request)


def _purpose(data: Variant) -> certificates.Purpose:
    number = _enumerated(data)
    if number not in set(certificates.Purpose):
        raise Denied(DataAccessResult.OTHER_REASON)
    return certificates.Purpose(number)


def _export(found: CosemObject, view: View, data: Variant) -> Variant:
    """By entity, type and system title, or by serial number and issuer."""
    del found
    return octet_string(_identified(view, data))


def _remove(found: CosemObject, view: View, data: Variant) -> None:
    """Identified in the same way; a client whose certificate it is must bring another one."""
    security, _ = _strong(view)
    octets = _identified(view, data)
    certificate = certificates.read(octets)
    security.remove_certificate(octets, certificates.purpose_of(certificate), certificate.public_key())
    _note(found, view, 8)


def _identified(view: View, data: Variant) -> bytes:
    members = _members(data, Tag.STRUCTURE)
    if len(members) != 2:
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    wanted = _members(members[1], Tag.STRUCTURE)
    for octets in _security(view).certificates:
        told = _described(octets, view)
        entity, kind, serial, issuer, _, _ = told.value
        title = certificates.title_of(certificates.read(octets))
        by_entity = (entity, kind, octet_string(title))
        if _enumerated(members[0]) == 0 and wanted == by_entity:
            return octets
        if _enumerated(members[0]) == 1 and wanted == (serial, issuer):
            return octets
    raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)


def _certificates(found: CosemObject, view: View) -> Variant:
    del found
    return array(_described(octets, view) for octets in _security(view).certificates)


def _described(octets: bytes, view: View) -> Variant:
    certificate = certificates.read(octets)
    own = certificates.title_of(certificate) == view.meter.identity.system_title
    entity = _AUTHORITY if certificates.is_authority(certificate) else _SERVER if own else _CLIENT
    serial = certificate.serial_number
    return structure(
        Variant(Tag.ENUM, entity),
        Variant(Tag.ENUM, int(certificates.purpose_of(certificate))),
        octet_string(serial.to_bytes((serial.bit_length() + 7) // 8 or 1, "big")),
        octet_string(certificate.issuer.public_bytes()),
        octet_string(certificate.subject.public_bytes()),
        octet_string(b""),
    )


# ---------------------------------------------------------------- what is told


def _policy(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.ENUM, _security(view).policy)


def _suite(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.ENUM, _security(view).suite)


def _client_title(found: CosemObject, view: View) -> Variant:
    del found
    association: Any = getattr(view, "association", None)
    protection = None if association is None else association.protection
    known = view.meter.identity.client_titles.get(view.client, b"")
    return octet_string(protection.peer if isinstance(protection, Ciphering) else known)


def _server_title(found: CosemObject, view: View) -> Variant:
    del found
    return octet_string(view.meter.identity.system_title)


def _counter(found: CosemObject, view: View) -> Variant:
    """The greatest counter taken of any client: whoever goes on from a greater one is heard."""
    del found
    return Variant(Tag.DOUBLE_LONG_UNSIGNED, _security(view).greatest)


SECURITY_SETUP: Final = CosemClass(
    64,
    1,
    {
        1: Attribute(_name),
        2: Attribute(_policy),
        3: Attribute(_suite),
        4: Attribute(_client_title),
        5: Attribute(_server_title),
        6: Attribute(_certificates),
    },
    {
        1: Method(_activate, Level.MANAGEMENT),
        2: Method(_transfer, Level.MANAGEMENT),
        3: Method(_agree, Level.MANAGEMENT),
        4: Method(_generate, Level.MANAGEMENT),
        5: Method(_request, Level.MANAGEMENT),
        6: Method(_import, Level.MANAGEMENT),
        7: Method(_export, Level.MANAGEMENT),
        8: Method(_remove, Level.MANAGEMENT),
    },
)
INVOCATION_COUNTER: Final = CosemClass(1, 0, {1: Attribute(_name), 2: Attribute(_counter)})


def security_objects(meter: Any) -> list[CosemObject]:
    """The objects of a meter that keeps keys."""
    if getattr(meter, "dlms_security", None) is None:
        return []
    return [CosemObject(SECURITY_SETUP, SETUP), CosemObject(INVOCATION_COUNTER, COUNTER)]
