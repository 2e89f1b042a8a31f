"""The security setup of a meter: new keys, key pairs and certificates, policy (IEC 62056-6-2, class 64, version 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntFlag
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError, SecurityError
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlms.client_changing import ChangingProcedures
from meterwire.protocols.dlms.client_reading import L, data_of
from meterwire.protocols.dlms.client_services import action
from meterwire.protocols.dlms.client_services.get import get
from meterwire.protocols.dlms.data import Tag, array, elements, integer, octet_string, structure
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.security import certificates
from meterwire.protocols.dlms.security.agreement import (
    derived_key,
    ephemeral,
    shared_secret,
    signed_ephemeral,
    verified_ephemeral,
)
from meterwire.protocols.dlms.security.certificates import Purpose
from meterwire.protocols.dlms.security.ciphering import Ciphering
from meterwire.protocols.dlms.security.keys import KeyId
from meterwire.protocols.dlms.security.suites import curve_suite
from meterwire.protocols.dlms.security.wrapping import wrap
from meterwire.protocols.wire.nodes import Variant

SETUP: Final = bytes((0, 0, 43, 0, 0, 255))
_CLASS, _CERTIFICATES = 64, 6
_ACTIVATE, _TRANSFER, _AGREE, _GENERATE, _REQUEST, _IMPORT, _EXPORT, _REMOVE = range(1, 9)
_BY_SERIAL: Final = 1
_DESCRIPTION: Final = 6


class Policy(IntFlag):
    """Bits of the security policy: what requests and answers must have."""

    REQUEST_AUTHENTICATED = 0x04
    REQUEST_ENCRYPTED = 0x08
    REQUEST_SIGNED = 0x10
    ANSWER_AUTHENTICATED = 0x20
    ANSWER_ENCRYPTED = 0x40
    ANSWER_SIGNED = 0x80


class CertificateEntry(msgspec.Struct, frozen=True):
    """A certificate that the meter keeps.

    Attributes:
        entity: whose: 0 the meter's, 1 a client's, 2 a certification authority's, 3 another's.
        purpose: what its key is for.
        serial: its number, big-endian.
        issuer: distinguished name in DER; likewise `subject`.
    """

    entity: int
    purpose: int
    serial: bytes
    issuer: bytes
    subject: bytes


class SecuringProcedures(ChangingProcedures[L]):
    """What changes how a meter is secured. New keys are used from the next association on, by both sides."""

    @procedure
    def raise_policy(self, policy: Policy, setup: bytes = SETUP) -> Steps[None]:
        """Let the meter demand more of requests, and give more with answers; nobody can make it demand less.

        Raises:
            Refused: the meter does not.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._security_setup(setup, _ACTIVATE, Variant(Tag.ENUM, int(policy)))

    @procedure
    def transfer_keys(self, keys: Mapping[KeyId, bytes], setup: bytes = SETUP) -> Steps[None]:
        """Give the meter new keys, wrapped under the master key; it takes all of them or none.

        Raises:
            LocalProtocolError: there is no master key, or no new one.
            SecurityError: a key has a length that no key has.
            Refused: the meter does not take them; the old ones stay.
            OutcomeUnknown: the answer was lost: try both.
        """
        security = self._session.security
        if not security.keys.master or not keys:
            raise LocalProtocolError("keys are transferred under a master key, which must be given")
        pairs = [_pair(key, wrap(security.keys.master, value)) for key, value in keys.items()]
        yield from self._security_setup(setup, _TRANSFER, array(pairs))
        self._take_over(keys)

    @procedure
    def agree_keys(self, which: Sequence[KeyId], setup: bytes = SETUP) -> Steps[dict[KeyId, bytes]]:
        """Agree with the meter on new keys (Diffie-Hellman, both sides sign); they are given, to be kept.

        Raises:
            LocalProtocolError: the association has no suite with curves, or a key of signatures is missing.
            SecurityError: the meter's answer is not signed by it.
            Refused: the meter does not agree; the old keys stay.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._session.ready()
        security, made = self._session.security, self._session.association
        protection = made.protection if made else None
        signing, theirs = security.keys.signing, security.keys.peer_signing
        if not isinstance(protection, Ciphering) or signing is None or theirs is None or security.random is None:
            raise LocalProtocolError("key agreement needs ciphering in suite 1 or 2, and both keys of signatures")
        group = curve_suite(security.suite)
        pairs = {key: ephemeral(group, security.random(group.coordinate_octets + 8)) for key in which}
        sent = [_pair(key, signed_ephemeral(group, key, pair.public_key(), signing)) for key, pair in pairs.items()]
        answers = _pairs_of((yield from self._security_setup(setup, _AGREE, array(sent))))
        if answers.keys() != pairs.keys():
            raise SecurityError("the meter agreed on other keys than it was asked for")
        agreed = {}
        for key, pair in pairs.items():
            public = verified_ephemeral(group, key, answers[key], theirs)
            z = shared_secret(group, pair, public)
            agreed[key] = derived_key(group, z, protection.own, protection.peer, wrapping=key is KeyId.MASTER)
        self._take_over(agreed)
        return agreed

    @procedure
    def generate_key_pair(self, purpose: Purpose, setup: bytes = SETUP) -> Steps[None]:
        """Let the meter make itself a key pair; it uses it once it has a certificate for it.

        Raises:
            Refused: the meter does not.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._security_setup(setup, _GENERATE, Variant(Tag.ENUM, int(purpose)))

    @procedure
    def certificate_request(self, purpose: Purpose, setup: bytes = SETUP) -> Steps[bytes]:
        """What an issuer needs to certify a key pair of the meter: PKCS #10 in DER, its signature and title checked.

        Raises:
            SecurityError: it is not signed with its own key, or for another title than the meter's.
            Refused: the meter has no such pair.
        """
        yield from self._session.ready()
        made = self._session.association
        protection = made.protection if made else None
        answer = yield from self._security_setup(setup, _REQUEST, Variant(Tag.ENUM, int(purpose)))
        octets = _octets(answer)
        title = protection.peer if isinstance(protection, Ciphering) else self._session.security.peer_title
        certificates.request_of(octets, title)
        return octets

    @procedure
    def import_certificate(self, octets: bytes, setup: bytes = SETUP) -> Steps[None]:
        """Give the meter a certificate (DER or PEM), of its own key pair or of this client.

        Raises:
            SecurityError: it is none.
            Refused: the meter does not believe it.
            OutcomeUnknown: the answer was lost.
        """
        encoded = certificates.octets_of(certificates.read(octets))
        yield from self._security_setup(setup, _IMPORT, octet_string(encoded))

    @procedure
    def certificates(self, setup: bytes = SETUP) -> Steps[list[CertificateEntry]]:
        """The certificates that the meter keeps."""
        yield from self._session.ready()
        listed = elements(data_of((yield from get(self._session, Target(_CLASS, setup, _CERTIFICATES))))) or ()
        return [_entry(one) for one in listed]

    @procedure
    def export_certificate(self, entry: CertificateEntry, setup: bytes = SETUP) -> Steps[bytes]:
        """One of them, in DER.

        Raises:
            Refused: the meter has it no more.
            SecurityError: what it gives is no certificate.
        """
        octets = _octets((yield from self._security_setup(setup, _EXPORT, _identification(entry))))
        certificates.read(octets)
        return octets

    @procedure
    def remove_certificate(self, entry: CertificateEntry, setup: bytes = SETUP) -> Steps[None]:
        """Let the meter forget one of them.

        Raises:
            Refused: the meter has it no more.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._security_setup(setup, _REMOVE, _identification(entry))

    def _security_setup(self, setup: bytes, method: int, data: Variant) -> Steps[Any]:
        yield from self._session.ready()
        return (yield from action.act(self._session, Target(_CLASS, setup, method), data))

    def _take_over(self, keys: Mapping[KeyId, bytes]) -> None:
        security = self._session.security
        for key, value in keys.items():
            security.keys = security.keys.replaced(key, value)


def _pair(key: KeyId, octets: bytes) -> Variant:
    return structure(Variant(Tag.ENUM, int(key)), octet_string(octets))


def _pairs_of(data: Any) -> dict[KeyId, bytes]:
    found = {}
    for one in elements(data) or ():
        members = elements(one) or ()
        number = integer(members[0]) if len(members) == 2 else None
        if number not in set(KeyId) or not isinstance(members[1].value, bytes):
            raise MalformedError("key ids with ephemeral keys", "key_agreement")
        found[KeyId(number)] = members[1].value
    return found


def _octets(data: Any) -> bytes:
    if not isinstance(data, Variant) or data.tag != Tag.OCTET_STRING:
        raise MalformedError("an octet string", "returned")
    octets: bytes = data.value
    return octets


def _identification(entry: CertificateEntry) -> Variant:
    named = structure(octet_string(entry.serial), octet_string(entry.issuer))
    return structure(Variant(Tag.ENUM, _BY_SERIAL), named)


def _entry(data: Any) -> CertificateEntry:
    members = elements(data) or ()
    if len(members) < _DESCRIPTION - 1:
        raise MalformedError("entity, type, serial number, issuer and subject", "certificates")
    entity, purpose = integer(members[0]), integer(members[1])
    if entity is None or purpose is None:
        raise MalformedError("entity, type, serial number, issuer and subject", "certificates")
    return CertificateEntry(entity, purpose, *map(_octets, members[2:5]))
