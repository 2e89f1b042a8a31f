"""General-ciphering and general-signing: an APDU with its titles, its key or its signature in front or behind.

DLMS UA 1000-2, 9.2.7.2.4 and 9.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import (
    AgreedKey,
    GeneralCiphering,
    GeneralSigning,
    IdentifiedKey,
    Protected,
    SecurityControl,
    WrappedKey,
)
from meterwire.protocols.dlms.security.agreement import (
    ONE_PASS,
    STATIC,
    derived_key,
    ephemeral,
    shared_secret,
)
from meterwire.protocols.dlms.security.curves import public_key, public_octets
from meterwire.protocols.dlms.security.forms import Form
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, Gcm
from meterwire.protocols.dlms.security.keys import KeyId, Keys
from meterwire.protocols.dlms.security.lengths import sized
from meterwire.protocols.dlms.security.protection import Stale
from meterwire.protocols.dlms.security.signing import sign, verify
from meterwire.protocols.dlms.security.suites import Suite, curve_suite, suite
from meterwire.protocols.dlms.security.wrapping import unwrap, wrap
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_TRANSACTION_OCTETS: Final = 8


class General:
    """What one association needs of general protection: titles, keys, transactions.

    Args:
        number: security suite.
        own: own system title.
        peer: the peer's.
        keys: what this side knows.
        random: gives as many random octets; needed where keys are made.
    """

    def __init__(self, number: int, own: bytes, peer: bytes, keys: Keys, random: Callable[[int], bytes] | None) -> None:
        self.suite: Suite = suite(number)
        self.own, self.peer, self.keys = own, peer, keys
        self._random = random
        self._transaction = 0
        self._expected = b""
        self._taken = b""

    def __repr__(self) -> str:
        return "General(...)"

    def begin(self) -> None:
        """An APDU is to be sent: its transaction id is a new one, or that of the request it answers."""
        if not self._taken:
            self._transaction += 1
            self._expected = self._transaction.to_bytes(_TRANSACTION_OCTETS, "big")

    def transaction(self) -> bytes:
        """The transaction id of the APDU that is sent now."""
        return self._taken or self._expected

    def accept(self, message: GeneralSigning | GeneralCiphering, *, fresh: bool) -> None:
        """A signed message has verified; without a counter inside, its transaction id must be a new one."""
        if not fresh and not self._expected and message.transaction <= self._taken:
            raise Stale("the signed APDU was taken before")
        if not self._expected:
            self._taken = message.transaction
        elif message.transaction != self._expected:
            raise Stale("the answer bears another transaction id than the request")
        elif not fresh:
            self._expected = b"\xff" * _TRANSACTION_OCTETS  # one answer to a request

    def check_titles(self, message: GeneralSigning | GeneralCiphering) -> None:
        """Raises SecurityError unless a message is from the peer and for us."""
        if message.originator != self.peer:
            raise SecurityError("the protected APDU bears another originator than the association's")
        if message.recipient != self.own:
            raise SecurityError("the protected APDU is for somebody else")

    # ------------------------------------------------------------ ciphering

    def enciphered(self, apdu: bytes, form: Form, control: int, counter: int, known: Gcm | None) -> bytes:
        """An APDU in general-ciphering; `form` says where its key comes from."""
        transaction = self.transaction()
        information, key = self._key_made(form, transaction, known)
        head = _head(transaction, self.own, self.peer, b"", b"")
        sealed = key.seal(self.own, counter, control, apdu, head)
        protected = Protected(_control(control), counter, sealed)
        message = GeneralCiphering(transaction, self.own, self.peer, b"", b"", information, protected)
        return codec(APDU).build(Variant(ApduTag.GENERAL_CIPHERING, message))

    def _key_made(self, form: Form, transaction: bytes, known: Gcm | None) -> tuple[Any, Gcm]:
        if form is Form.IDENTIFIED:
            if known is None:
                raise SecurityError("a global unicast encryption key is needed")
            return IdentifiedKey(KeyId.UNICAST_ENCRYPTION), known
        if form is Form.WRAPPED:
            fresh = self._octets(self.suite.key_octets)
            return WrappedKey(0, wrap(self._needed("master"), fresh)), self._gcm(fresh)
        group = curve_suite(self.suite.number)
        peer = self._needed("peer_agreement")
        if form is Form.ONE_PASS:
            own = ephemeral(group, self._octets(group.coordinate_octets + 8))
            public = public_octets(own.public_key())
            data = public + sign(group, self._needed("signing"), public)
            derived = derived_key(group, shared_secret(group, own, peer), self.own, self.peer)
            return AgreedKey(bytes((ONE_PASS,)), data), self._gcm(derived)
        z = shared_secret(group, self._needed("agreement"), peer)
        return AgreedKey(bytes((STATIC,)), b""), self._gcm(
            derived_key(group, z, self.own + sized(transaction), self.peer)
        )

    def opened(self, message: GeneralCiphering, known: Gcm | None) -> tuple[Form, bytes]:
        """Form and plain APDU of a general-ciphering APDU; raises SecurityError."""
        self.check_titles(message)
        name, key = self._key_found(message, known)
        if name is not Form.IDENTIFIED and not int(cast("int", message.content.control)) & AUTHENTICATED:
            raise SecurityError("a key that comes along must be authenticated with what it protects")
        protected = message.content
        control = int(cast("int", protected.control))
        text = key.open(self.peer, protected.counter, control, protected.content, header(message))
        return name, text

    def _key_found(self, message: GeneralCiphering, known: Gcm | None) -> tuple[Form, Gcm]:
        information = message.key
        if information is None or isinstance(information, IdentifiedKey):
            number = KeyId.UNICAST_ENCRYPTION if information is None else information.key
            if number != KeyId.UNICAST_ENCRYPTION or known is None:
                raise SecurityError("the key named is not for this association")
            return Form.IDENTIFIED, known
        if isinstance(information, WrappedKey):
            if information.wrapping != 0:
                raise SecurityError(f"there is no key encryption key {information.wrapping}")
            key = unwrap(self._needed("master"), information.key)
            if len(key) != self.suite.key_octets:
                raise SecurityError("the wrapped key does not fit the security suite")
            return Form.WRAPPED, self._gcm(key)
        return self._agreed(information, message)

    def _agreed(self, information: AgreedKey, message: GeneralCiphering) -> tuple[Form, Gcm]:
        group = curve_suite(self.suite.number)
        own, size = self._needed("agreement"), 2 * group.coordinate_octets
        form = Form.STATIC
        peer = None
        if information.parameters == bytes((ONE_PASS,)):
            if len(information.data) != 2 * size:
                raise SecurityError("an ephemeral key with its signature is needed")
            form, public, signature = Form.ONE_PASS, information.data[:size], information.data[size:]
            verify(group, self._needed("peer_signing"), public, signature)
        else:
            peer = self._needed("peer_agreement")
        return form, self._gcm(agreed_key(group, own, peer, message))

    def _gcm(self, key: bytes) -> Gcm:
        return Gcm(key, self.keys.authentication)

    def _needed(self, name: str) -> Any:
        found = getattr(self.keys, name)
        if not found:
            raise SecurityError(f"the {name.replace('_', ' ')} key is needed")
        return found

    def _octets(self, count: int) -> bytes:
        if self._random is None:
            raise SecurityError("a random source is needed")
        return self._random(count)


def agreed_key(
    group: Suite, own: ec.EllipticCurvePrivateKey, peer: ec.EllipticCurvePublicKey | None, message: GeneralCiphering
) -> bytes:
    """The key that a general-ciphering APDU was made with, for who has a private key of it; no signature is verified.

    Args:
        group: security suite.
        own: private key of agreement of the recipient; with static keys of either party.
        peer: public static key of the other one; None where the key of the message is ephemeral.
        message: with the key information.

    Raises:
        SecurityError: the keys agree on nothing, or the message tells of no such way.
    """
    information, size = message.key, 2 * group.coordinate_octets
    if isinstance(information, AgreedKey) and information.parameters == bytes((ONE_PASS,)):
        z = shared_secret(group, own, public_key(group, information.data[:size]))
        return derived_key(group, z, message.originator, message.recipient)
    if isinstance(information, AgreedKey) and information.parameters == bytes((STATIC,)) and peer is not None:
        z = shared_secret(group, own, peer)
        return derived_key(group, z, message.originator + sized(message.transaction), message.recipient)
    raise SecurityError("there is no such way to agree on a key")


def signed(general: General, apdu: bytes) -> bytes:
    """An APDU in general-signing; raises SecurityError where the key or the curve is missing."""
    group = curve_suite(general.suite.number)
    if general.keys.signing is None:
        raise SecurityError("the signing key is needed")
    transaction = general.transaction()
    text = _head(transaction, general.own, general.peer, b"", b"") + sized(apdu)
    signature = sign(group, general.keys.signing, text)
    message = GeneralSigning(transaction, general.own, general.peer, b"", b"", apdu, signature)
    return codec(APDU).build(Variant(ApduTag.GENERAL_SIGNING, message))


def verified(general: General, message: GeneralSigning) -> bytes:
    """The APDU inside a general-signing one whose signature is the peer's; raises SecurityError."""
    general.check_titles(message)
    group = curve_suite(general.suite.number)
    if general.keys.peer_signing is None:
        raise SecurityError("the peer's signing key is needed")
    head = _head(message.transaction, message.originator, message.recipient, message.date_time, message.other)
    verify(group, general.keys.peer_signing, head + sized(message.content), message.signature)
    return message.content


def header(message: GeneralCiphering) -> bytes:
    """What of a general-ciphering APDU is authenticated beside its content."""
    return _head(message.transaction, message.originator, message.recipient, message.date_time, message.other)


def _head(*parts: bytes) -> bytes:
    """Transaction id, titles, date-time and other information, each with its length."""
    return b"".join(map(sized, parts))


def _control(number: int) -> SecurityControl:
    return cast("SecurityControl", cast("Any", SecurityControl).of(number))
