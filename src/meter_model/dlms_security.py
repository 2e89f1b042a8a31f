"""The secrets of DLMS/COSEM inside a meter: keys, security policy, and invocation counters that outlive a restart."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from meterwire.errors import SecurityError
from meterwire.meter_model.dlms_key_pairs import FIELDS, KeyPairs
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.protocols.dlms.security.agreement import ephemeral
from meterwire.protocols.dlms.security.certificates import Purpose, is_authority, purpose_of, read, title_of
from meterwire.protocols.dlms.security.ciphering import general_global
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.curves import private_key, public_key, public_octets
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED, Gcm
from meterwire.protocols.dlms.security.keys import KeyId, Keys
from meterwire.protocols.dlms.security.suites import SUITES, curve_suite, suite

MOST_SENDERS: Final = 64
"""System titles whose counters are kept; only who holds the key adds one."""
FAILURES: Final = 5
"""Wrong passwords of one client in a row that lock it out."""
LOCKED: Final = 60
"""Seconds of the lock-out, in the meter's time."""
_REQUEST_AUTHENTICATED, _REQUEST_ENCRYPTED, _REQUEST_SIGNED = 0x04, 0x08, 0x10
_ANSWER_AUTHENTICATED, _ANSWER_ENCRYPTED, _ANSWER_SIGNED = 0x20, 0x40, 0x80
SIGNED: Final = 0x100


class DlmsSecurity:
    """What one meter keeps for the security of its associations.

    Args:
        identity: has the secrets and the system title.
        seconds: the meter's time.

    Attributes:
        suite: security suite.
        policy: security policy, as the security setup object has it (class 64, version 1).
        keys: symmetric keys and the meter's own key pairs.
        client_signing: public keys of signatures by client, x || y.
        client_agreement: public keys of key agreement by client, x || y.
        certificates: in DER, those that were imported.
        pairs: key pairs that the meter has made for itself.
        given_authorities: certificates of those who certify clients, from the meter's secrets.
        unsaved: whether a counter or a key has moved that must be saved before the next answer leaves.
        client_secrets: passwords and secrets that clients have changed, by client.
        hidden: logical names that were removed from the association of a client.
    """

    def __init__(self, identity: Identity, seconds: Callable[[], int]) -> None:
        secrets = identity.secrets
        self.suite = secrets.dlms_suite
        self.policy = 0
        self.keys = _keys(secrets, identity.system_title)
        self.client_signing = dict(secrets.client_signing_keys)
        self.client_agreement = dict(secrets.client_agreement_keys)
        self.certificates: list[bytes] = []
        self.pairs = KeyPairs()
        self.given_authorities = secrets.authorities
        self.unsaved = False
        self.client_secrets: dict[int, bytes] = {}
        self.hidden: dict[int, set[bytes]] = {}
        self.sending = SendingCounter(0, self._reserve)
        self._received: dict[bytes, ReceivedCounter] = {}
        self._seconds = seconds
        self._failures: dict[int, int] = {}
        self._locked: dict[int, int] = {}

    def __repr__(self) -> str:
        return "DlmsSecurity(...)"

    # ------------------------------------------------------------ keys and policy

    def keys_for(self, client: int) -> Keys:
        """The meter's keys with the public keys of one client."""
        group = SUITES[self.suite]
        signing, agreement = self.client_signing.get(client), self.client_agreement.get(client)
        return msgspec.structs.replace(
            self.keys,
            peer_signing=public_key(group, signing) if signing else None,
            peer_agreement=public_key(group, agreement) if agreement else None,
        )

    def change_keys(self, changes: Mapping[KeyId, bytes]) -> None:
        """Take new keys over, all of them or none.

        Raises:
            SecurityError: one does not fit the suite, is all zeros, or is the one that is there.
        """
        keys = self.keys
        for key, value in changes.items():
            if len(value) != suite(self.suite).key_octets or not any(value):
                raise SecurityError("the key does not fit the security suite")
            if hmac.compare_digest(value, self.keys.of(key)):
                raise SecurityError("the new key is the old one")
            keys = keys.replaced(key, value)
        if not changes:
            raise SecurityError("no key came")
        self.keys, self.unsaved = keys, True
        if KeyId.UNICAST_ENCRYPTION in changes:  # a counter belongs to its key
            self._received.clear()

    def raise_policy(self, policy: int) -> None:
        """Make the security policy stronger.

        Raises:
            SecurityError: it would lose a protection, or bits that mean nothing are set.
        """
        if policy & ~0xFC or policy & self.policy != self.policy:
            raise SecurityError("the security policy can only be made stronger")
        self.policy, self.unsaved = policy, True

    @property
    def required(self) -> int:
        """The protection that the policy demands of a request: AUTHENTICATED, ENCRYPTED, SIGNED."""
        policy = self.policy
        return (
            (AUTHENTICATED if policy & _REQUEST_AUTHENTICATED else 0)
            | (ENCRYPTED if policy & _REQUEST_ENCRYPTED else 0)
            | (SIGNED if policy & _REQUEST_SIGNED else 0)
        )

    def unasked(self, title: bytes, apdu: bytes) -> bytes:
        """What the meter sends without an association, protected as its policy demands of answers.

        Raises:
            SecurityError: there is no counter left, or a signature is demanded, which pushes of this meter do not bear.
        """
        policy = self.policy
        if policy & _ANSWER_SIGNED:
            raise SecurityError("what is sent unasked is not signed")
        level = (AUTHENTICATED if policy & _ANSWER_AUTHENTICATED else 0) | (
            ENCRYPTED if policy & _ANSWER_ENCRYPTED else 0
        )
        if not level:
            return apdu
        key = Gcm(self.keys.unicast, self.keys.authentication)
        return general_global(key, title, self.sending.take(), level | self.suite, apdu)

    def add_certificate(self, octets: bytes, purpose: Purpose, key: Any, client: int | None, most: int) -> None:
        """Keep a certificate that has been checked; the key of a client is used from now on.

        Args:
            octets: in DER.
            purpose: what its key is for.
            key: its public key.
            client: whose it is; None for the meter's own.
            most: how many are kept.

        Raises:
            SecurityError: there are too many, or it is not for the meter's own key.
        """
        if len(self.certificates) >= most and octets not in self.certificates:
            raise SecurityError("too many certificates")
        public = public_octets(key)
        if client is None:
            self._certify(purpose, public)
        else:
            self._clients(purpose)[client] = public
        if octets not in self.certificates:
            self.certificates.append(octets)
        self.unsaved = True

    @property
    def authorities(self) -> list[bytes]:
        """Certificates of those who certify clients: given, and imported."""
        return [*self.given_authorities, *filter(lambda one: is_authority(read(one)), self.certificates)]

    def add_authority(self, octets: bytes, most: int) -> None:
        """Believe what a certification authority certifies from now on; raises SecurityError for too many."""
        if len(self.certificates) >= most and octets not in self.certificates:
            raise SecurityError("too many certificates")
        if octets not in self.certificates:
            self.certificates.append(octets)
        self.unsaved = True

    def own_certificate(self, title: bytes) -> bytes:
        """The certificate of the meter's own pair of signatures that was imported last; empty for none."""
        own = self.public_key()
        for octets in reversed(self.certificates):
            certificate = read(octets)
            if title_of(certificate) == title and purpose_of(certificate) is Purpose.SIGNING:
                key: Any = certificate.public_key()
                if public_octets(key) == own:
                    return octets
        return b""

    def remove_certificate(self, octets: bytes, purpose: Purpose, key: Any) -> None:
        """Forget a certificate, and that clients have its key; the meter's own pair stays in use."""
        self.certificates.remove(octets)
        known, public = self._clients(purpose), public_octets(key)
        for client in [one for one, theirs in known.items() if theirs == public]:
            del known[client]
        self.unsaved = True

    def _clients(self, purpose: Purpose) -> dict[int, bytes]:
        return self.client_agreement if purpose is Purpose.AGREEMENT else self.client_signing

    def _certify(self, purpose: Purpose, public: bytes) -> None:
        """A certificate for the meter's own pair; one that has waited for it is in use from now on."""
        own = self.pairs.adopt(purpose, public)
        if own is not None:
            self._use(purpose, own)
            return
        current = self.own_pair(purpose)
        if current is None or public_octets(current.public_key()) != public:
            raise SecurityError("the certificate is for another key than the meter's")

    def own_pair(self, purpose: Purpose) -> Any:
        """The meter's own key pair in use; None where it has none."""
        return getattr(self.keys, FIELDS[purpose]) if purpose in FIELDS else None

    def _use(self, purpose: Purpose, pair: Any) -> None:
        self.keys = msgspec.structs.replace(self.keys, **{FIELDS[purpose]: pair})

    def generate_pair(self, purpose: Purpose, random: Callable[[int], bytes]) -> None:
        """Make a key pair, which waits for its certificate; raises SecurityError."""
        self.pairs.generate(curve_suite(self.suite), purpose, random)
        self.unsaved = True

    def certificate_request(self, purpose: Purpose, title: bytes) -> bytes:
        """What an issuer needs to certify the pair that waits, else the one in use; raises SecurityError."""
        curve_suite(self.suite)
        return self.pairs.request(purpose, title, self.own_pair(purpose))

    @property
    def greatest(self) -> int:
        """The greatest counter taken of any sender, as the invocation counter object tells it; 0 for none."""
        return max((counter.expected - 1 for counter in self._received.values()), default=0)

    def public_key(self) -> bytes:
        """The meter's public key of signatures, x || y; empty in suite 0."""
        return public_octets(self.keys.signing.public_key()) if self.keys.signing else b""

    # ------------------------------------------------------------ counters

    def received(self, title: bytes) -> ReceivedCounter:
        """What has been taken of a sender; kept once something of it verifies, see `keep`."""
        return self._received.get(title) or ReceivedCounter()

    def keep(self, title: bytes, counter: ReceivedCounter) -> None:
        """A sender has shown that it holds the key: its counter is kept from now on.

        Raises:
            SecurityError: too many senders have been seen under this key.
        """
        if title not in self._received and len(self._received) >= MOST_SENDERS:
            raise SecurityError("too many senders under one key")
        self._received[title] = counter
        self.unsaved = True

    def _reserve(self, first: int, count: int) -> int:
        self._limit = first + count
        self.unsaved = True
        return first

    _limit = 0

    # ------------------------------------------------------------ wrong passwords

    def locked(self, client: int) -> bool:
        """Whether a client has guessed too often, and must wait."""
        until = self._locked.get(client)
        if until is not None and self._seconds() >= until:
            del self._locked[client]
            return False
        return until is not None

    def failed(self, client: int) -> None:
        """A client did not prove who it is."""
        self._failures[client] = self._failures.get(client, 0) + 1
        if self._failures[client] >= FAILURES:
            del self._failures[client]
            self._locked[client] = self._seconds() + LOCKED

    def proved(self, client: int) -> None:
        """A client did."""
        self._failures.pop(client, None)

    def clock_set(self, by: int) -> None:
        """The clock has been set by so many seconds: a lock-out lasts as long as before."""
        self._locked = {client: until + by for client, until in self._locked.items()}

    # ------------------------------------------------------------ what is kept

    def state(self) -> dict[str, Any]:
        """What outlives a loss of power, as builtins; it holds secrets."""
        self.unsaved = False
        return {
            "suite": self.suite,
            "policy": self.policy,
            "keys": {str(int(key)): self.keys.of(key) for key in KeyId},
            "sending": self._limit,
            "received": {title.hex(): counter.expected for title, counter in self._received.items()},
            "certificates": list(self.certificates),
            "pairs": self.pairs.state(suite(self.suite)),
            "client_signing": {str(client): key for client, key in self.client_signing.items()},
            "client_agreement": {str(client): key for client, key in self.client_agreement.items()},
            "client_secrets": {str(client): secret for client, secret in self.client_secrets.items()},
            "hidden": {str(client): sorted(names) for client, names in self.hidden.items()},
            "locked": {str(client): until for client, until in self._locked.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; counters go on from what was reserved."""
        self.suite, self.policy = int(state["suite"]), int(state["policy"])
        keys = {KeyId(int(number)): bytes(value) for number, value in state["keys"].items()}
        for key, value in keys.items():
            self.keys = self.keys.replaced(key, value)
        self._limit = int(state["sending"])
        self.sending = SendingCounter(self._limit, self._reserve)
        self._received = {bytes.fromhex(title): ReceivedCounter(int(n)) for title, n in state["received"].items()}
        self.certificates = [bytes(one) for one in state["certificates"]]
        self.client_signing = {int(client): bytes(key) for client, key in state["client_signing"].items()}
        self.client_agreement = {int(client): bytes(key) for client, key in state["client_agreement"].items()}
        self.client_secrets = {int(client): bytes(one) for client, one in state.get("client_secrets", {}).items()}
        self.hidden = {int(client): set(map(bytes, names)) for client, names in state.get("hidden", {}).items()}
        self.pairs.restore(suite(self.suite), state.get("pairs", {}))
        for purpose, pair in self.pairs.adopted.items():
            self._use(purpose, pair)
        self._locked = {int(client): int(until) for client, until in state["locked"].items()}
        self.unsaved = False


def _keys(secrets: Secrets, title: bytes) -> Keys:
    """The keys of a new meter; its key pairs come out of the master key where none are given."""
    group = suite(secrets.dlms_suite)
    size = group.key_octets
    signing = agreement = None
    if group.curve:
        signing = _pair(secrets, secrets.signing_key, b"signing" + title)
        agreement = _pair(secrets, secrets.agreement_key, b"agreement" + title)
    return Keys(
        unicast=_fitting(secrets.unicast_key, size),
        authentication=_fitting(secrets.authentication_key, size),
        broadcast=_fitting(secrets.broadcast_key, size),
        master=_fitting(secrets.master_key, size),
        signing=signing,
        agreement=agreement,
    )


def _pair(secrets: Secrets, given: bytes, name: bytes) -> Any:
    group = suite(secrets.dlms_suite)
    if given:
        return private_key(group, given)
    return ephemeral(group, hmac.digest(secrets.master_key, name, hashlib.sha512))


def _fitting(key: bytes, octets: int) -> bytes:
    """A key of 16 octets twice where suite 2 needs 32."""
    return key * 2 if 2 * len(key) == octets else key
