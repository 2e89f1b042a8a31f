"""A software stand-in for the secure element of a DL/T 698.45 meter: a TEST DOUBLE, with no secret of any real keys.

The algorithms between a real element (ESAM) and a head-end's cipher machine are inside the chips and not public, so
nothing here can talk to one, and a head-end with real keys cannot talk to this. What it keeps is the shape: mechanisms,
lengths of the fields as captures show them, a session, MACs of four octets, counters that only rise, refusal of what
is old.

The double's algorithms, all of its own making: a meter's key is the master key encrypting the meter's number (SM4);
cipher text 1 and 2 are SM4-CBC with a zero vector over a random number, the connection's counter and the number; MACs
are the first 4 octets of HMAC-SM3; the signature is ECDSA with SHA-256 on P-256, not SM2, which `cryptography` does
not have; both signing keys are derived from the master key. The server's random number is 48 octets: 16 of its own,
the client's 16 and the counter, enciphered. The keys of a session are hashes (SM3) of the meter's key and both random
numbers. Texts are SM4-CTR over the APDU and an inner MAC, with a vector hashed (SM3) from what is used once. What the
meter says unasked has no room for a counter on the wire: both ends count, and the client looks a few numbers ahead.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from meterwire.errors import SecurityError
from meterwire.protocols.dlt69845.data import IdentifiedMac, SecurityIdentifier
from meterwire.protocols.dlt69845.security import Shield, request_of
from meterwire.protocols.dlt69845.services.connect import (
    Mechanism,
    ServerProof,
    SignatureSecurity,
    SymmetrySecurity,
)
from meterwire.protocols.dlt69845.services.security import (
    CipherContent,
    PlainContent,
    RandomMac,
    SecurityRequest,
    SecurityResponse,
)
from meterwire.protocols.wire.nodes import Variant

RANDOM: Final = 16
MAC: Final = 4
IDENTIFIER: Final = 0x801C3110
"""Of a protected request; the capture shows it, what a chip does by it is not known."""
COUNTERS: Final = 1 << 32
REMEMBERED: Final = 1024
"""Random numbers of requests that are remembered; in a session so many requests with one are served."""
SESSION_MINUTES: Final = 43_200
"""How long a session holds where nobody says otherwise: thirty days."""
LONGEST_SESSION: Final = 525_600
LOST: Final = 64
"""So many things that the meter says unasked may be lost one after another."""
_CURVE_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_CLIENT, _SERVER = b"client", b"server"
_DATA: Final = 0x80
"""In place of a form of protection, for codes over data inside a request."""


class Esam69845Double:
    """The test double of one meter's element, with as many sessions as there are connections.

    Args:
        master: 16 octets, from which the meter's keys are derived.
        number: gives the meter's number, 12 digits.
        seconds: the meter's time; without it no session runs out.

    Attributes:
        counter: of the connection made last; only higher ones are accepted.
        minutes: how long a session holds.
    """

    version: Final = bytes(4) + b"\x01"
    key_version: Final = bytes(16)
    """All zeros, as real elements have it while their keys are those for tests."""

    def __init__(self, master: bytes, number: Callable[[], str], seconds: Callable[[], int] = int) -> None:
        self._master, self._number, self.seconds = master, number, seconds
        self._drawn = self._shifted = 0
        self._opened: int | None = None
        self.counter, self.minutes = 0, SESSION_MINUTES

    @property
    def number(self) -> str:
        """Of the meter."""
        return self._number()

    def session(self) -> Esam69845Session:
        """What the element does for one connection."""
        return Esam69845Session(self, self._master)

    def begin(self) -> int:
        """A session begins; gives when it ends, as `elapsed` counts."""
        self._opened = self.elapsed()
        return self._opened + 60 * self.minutes

    @property
    def minutes_left(self) -> int:
        """Of the session that was opened last."""
        passed = 0 if self._opened is None else max(0, self.elapsed() - self._opened)
        return 0 if self._opened is None else max(0, self.minutes - passed // 60)

    def clock_set(self, by: int) -> None:
        """The clock has been set: sessions last as long as before."""
        self._shifted += by

    def elapsed(self) -> int:
        """Seconds that setting the clock does not change."""
        return self.seconds() - self._shifted

    def limit(self, minutes: int) -> None:
        """Sessions to come hold so long; raises SecurityError."""
        if not 1 <= minutes <= LONGEST_SESSION:
            raise SecurityError(f"a session of {minutes} minutes: 1 to {LONGEST_SESSION}")
        self.minutes = minutes

    def draw(self) -> bytes:
        """A random number of 16 octets: a hash of a counter that is stored, so that a run can be repeated."""
        self._drawn += 1
        return sm3(b"random", self._master, self.number.encode(), self._drawn.to_bytes(8, "big"))[:RANDOM]

    def state(self) -> dict[str, Any]:
        """What outlives a loss of power: the counters; no session does."""
        return {"counter": self.counter, "drawn": self._drawn, "minutes": self.minutes}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self.counter, self._drawn = int(state["counter"]), int(state["drawn"])
        self.minutes = int(state.get("minutes", SESSION_MINUTES))  # states of older versions have none


class Esam69845Session:
    """The element's side of one connection; see `protocols.dlt69845.security.ElementSession`."""

    def __init__(self, element: Esam69845Double, master: bytes) -> None:
        self._element, self._master = element, master
        self._keys: Keys | None = None
        self._counter = self._volunteered = self._vouched = 0
        self._ends, self._ending = 0, False
        self._randoms: deque[bytes] = deque(maxlen=REMEMBERED)
        self._answering: tuple[Keys, bytes, bool] | None = None

    @property
    def is_open(self) -> bool:
        """Whether a client has proven itself, and his time has not run out."""
        if self._keys is not None and self._element.elapsed() >= self._ends:
            self.close()
        return self._keys is not None

    def open(self, security: SymmetrySecurity | SignatureSecurity) -> ServerProof:
        """Check who connects; a counter that is not higher than the last one is a replay."""
        self.close()
        key = meter_key(self._master, self._element.number)
        signed = isinstance(security, SignatureSecurity)
        if signed:
            _verify(self._master, _CLIENT, security.cipher, security.signature)
        elif not hmac.compare_digest(code(key, b"connect", security.cipher), security.signature):
            raise SecurityError("the client's authentication code is wrong")
        if len(security.cipher) != 32:
            raise SecurityError("the client's cipher text has not 32 octets")
        plain = _cbc(key, security.cipher, encrypt=False)
        theirs, counter, number = plain[:RANDOM], int.from_bytes(plain[16:20], "big"), plain[20:26].hex()
        if number != self._element.number:
            raise SecurityError("the client's proof is for another meter")
        if counter <= self._element.counter:
            raise SecurityError("the client's counter is not higher than the last one: a replay")
        self._element.counter = counter
        own = self._element.draw()
        random = _cbc(key, own + theirs + plain[16:20] + bytes(12), encrypt=True)
        self._keys, self._counter, self._randoms = Keys.of_session(key, theirs, own), 0, deque(maxlen=REMEMBERED)
        self._volunteered = self._vouched = 0
        self._ends = self._element.begin()
        proof = _sign(self._master, _SERVER, random) if signed else code(key, b"accept", random)
        return ServerProof(random, proof)

    def close(self) -> None:
        """The session is over."""
        self._keys = self._answering = None
        self._ending = False

    def end(self) -> None:
        """The session is over once the present request has been answered."""
        if self._answering is None:
            self.close()
        self._ending = self._answering is not None

    def vouched(self, content: bytes, proof: IdentifiedMac) -> None:
        """Check the code over data inside a request; each is good once."""
        if not self.is_open or self._keys is None:
            raise SecurityError("no session holds")
        once = _identified(proof.identifier)
        if not hmac.compare_digest(proof.mac, self._keys.code(_CLIENT, _DATA, once, content)):
            raise SecurityError("authentication code of the data wrong")
        counter = int.from_bytes(proof.identifier.additional[-4:], "big")
        if counter <= self._vouched:
            raise SecurityError("the counter of the data is not higher than the last one: a replay")
        self._vouched = counter

    def unprotect(self, request: SecurityRequest, shield: Shield) -> bytes:
        """The APDU inside a request."""
        self._answering = None
        keys = self._keys if self.is_open else None
        if keys is None:
            if shield != Shield.PLAIN_RANDOM:
                raise SecurityError("no session holds")
            keys = Keys.of_meter(meter_key(self._master, self._element.number))
        content, once = _content(request), _once(request)
        given = _mac(request)
        if given is not None and not hmac.compare_digest(given, keys.code(_CLIENT, shield, once, content)):
            raise SecurityError("message authentication code wrong")
        apdu = keys.decipher(_CLIENT, once, content) if shield.enciphered else content
        self._use_up(request, once)
        self._answering = keys, once, shield.enciphered
        return apdu

    def protect(self, apdu: bytes) -> SecurityResponse:
        """The answer: enciphered where the request was, always with a MAC."""
        if self._answering is None:
            raise SecurityError("no request waits for a protected answer")
        keys, once, enciphered = self._answering
        if self._ending:
            self.close()
        return _response(keys, once, apdu, enciphered=enciphered)

    def volunteer(self, apdu: bytes) -> SecurityResponse:
        """What nobody has asked for: enciphered, with a MAC."""
        if not self.is_open or self._keys is None:
            raise SecurityError("no session holds")
        self._volunteered += 1
        return _response(self._keys, _unasked(self._volunteered), apdu, enciphered=True)

    def _use_up(self, request: SecurityRequest, once: bytes) -> None:
        """What was seen before is a replay: an older counter, a random number again."""
        if request.proof.tag in (0, 3):
            counter = int.from_bytes(once[-4:], "big")
            if len(once) != 8 or counter <= self._counter:
                raise SecurityError("the counter of the request is not higher than the last one: a replay")
            self._counter = counter
            return
        if len(once) < MAC:
            raise SecurityError("the random number is too short")
        if once in self._randoms:
            raise SecurityError("the random number was used before: a replay")
        if self.is_open and len(self._randoms) == REMEMBERED:
            raise SecurityError("no more requests with random numbers in this session")
        self._randoms.append(once)


class CipherMachine69845Double:
    """The other side of the test double: what a head-end with the test keys computes; see `security.CipherMachine`.

    Args:
        master: the same 16 octets.
        random: gives so many random octets.
        counter: of the last connection with any meter; each new one needs a higher one, so keep it, or let it be the
            time in seconds.
    """

    def __init__(self, master: bytes, random: Callable[[int], bytes], counter: int = 0) -> None:
        self._master, self._random, self.counter = master, random, counter
        self._keys: Keys | None = None
        self._opening: tuple[bytes, bytes, bytes, Mechanism] | None = None
        self._sent = self._overheard = self._vouched = 0
        self._asked: tuple[Keys, bytes, bool] | None = None

    def open(self, number: str, mechanism: Mechanism) -> SymmetrySecurity | SignatureSecurity:
        """What proves the client; raises SecurityError for a mechanism that needs no machine."""
        if len(number) != 12 or not number.isdecimal():
            raise SecurityError("the number of the meter must be known, 12 digits")
        self.close()
        self.counter += 1
        if self.counter >= COUNTERS:
            raise SecurityError("the counter is used up")
        key, own, counter = meter_key(self._master, number), self._random(RANDOM), self.counter.to_bytes(4, "big")
        cipher = _cbc(key, own + counter + bytes.fromhex(number) + bytes(6), encrypt=True)
        self._opening = key, own, counter, mechanism
        if mechanism == Mechanism.SYMMETRY:
            return SymmetrySecurity(cipher, code(key, b"connect", cipher))
        if mechanism == Mechanism.SIGNATURE:
            return SignatureSecurity(cipher, _sign(self._master, _CLIENT, cipher))
        raise SecurityError(f"{mechanism.name.lower()} needs no cipher machine")

    def opened(self, proof: ServerProof | None) -> None:
        """Check the meter's half of the proof: it knows the key, and it answers this request and no older one."""
        if self._opening is None or proof is None:
            raise SecurityError("the meter has not proven itself")
        key, own, counter, mechanism = self._opening
        self._opening = None
        if mechanism == Mechanism.SIGNATURE:
            _verify(self._master, _SERVER, proof.random, proof.signature)
        elif not hmac.compare_digest(code(key, b"accept", proof.random), proof.signature):
            raise SecurityError("the meter's authentication code is wrong")
        if len(proof.random) != 48:
            raise SecurityError("the meter's random number has not 48 octets")
        plain = _cbc(key, proof.random, encrypt=False)
        if not hmac.compare_digest(plain[16:36], own + counter):
            raise SecurityError("the meter's proof is for another connection")
        self._keys, self._sent, self._overheard = Keys.of_session(key, own, plain[:16]), 0, 0
        self._vouched = 0

    def close(self) -> None:
        """The session is over."""
        self._keys = self._opening = self._asked = None

    def protect(self, number: str, apdu: bytes, shield: Shield) -> SecurityRequest:
        """A request with its protection, never the same one twice."""
        keys = self._keys
        if keys is None:
            if shield != Shield.PLAIN_RANDOM:
                raise SecurityError("no session holds: connect with a mechanism that needs the cipher machine")
            keys = Keys.of_meter(meter_key(self._master, number))
        self._sent += 1
        random = self._random(RANDOM)
        identifier = SecurityIdentifier(IDENTIFIER, self._sent.to_bytes(4, "big"))
        counted = shield in (Shield.PLAIN_MAC, Shield.CIPHER, Shield.CIPHER_MAC)
        once = _identified(identifier) if counted else random
        content = keys.encipher(_CLIENT, once, apdu) if shield.enciphered else apdu
        self._asked = keys, once, shield.enciphered
        return request_of(shield, content, random, identifier, keys.code(_CLIENT, shield, once, content))

    def unprotect(self, content: bytes, mac: bytes | None, *, enciphered: bool) -> bytes:
        """The APDU inside the answer to the request protected last."""
        if self._asked is None:
            raise SecurityError("no request waits for a protected answer")
        keys, once, _ = self._asked
        if mac is not None and not hmac.compare_digest(mac, keys.code(_SERVER, int(enciphered), once, content)):
            raise SecurityError("message authentication code of the answer wrong")
        return keys.decipher(_SERVER, once, content) if enciphered else content

    def overhear(self, content: bytes, mac: bytes | None, *, enciphered: bool) -> bytes:
        """The APDU inside what the meter says unasked."""
        keys, last = self._keys, self._overheard
        if keys is None or mac is None:
            raise SecurityError("no session holds")
        for counter in range(max(last, 1), last + LOST + 1):
            once = _unasked(counter)
            if hmac.compare_digest(mac, keys.code(_SERVER, int(enciphered), once, content)):
                self._overheard = counter
                return keys.decipher(_SERVER, once, content) if enciphered else content
        raise SecurityError("message authentication code of what was said unasked wrong, or from before")

    def vouch(self, content: bytes) -> IdentifiedMac:
        """The code (SID_MAC) that data inside a request carry themselves, never the same one twice."""
        if self._keys is None:
            raise SecurityError("no session holds: connect with a mechanism that needs the cipher machine")
        self._vouched += 1
        identifier = SecurityIdentifier(IDENTIFIER, self._vouched.to_bytes(4, "big"))
        return IdentifiedMac(identifier, self._keys.code(_CLIENT, _DATA, _identified(identifier), content))

    def acknowledge(self, number: str, apdu: bytes, shield: Shield) -> SecurityRequest:
        """The receipt of it."""
        asked = self._asked
        try:
            return self.protect(number, apdu, shield)
        finally:
            self._asked = asked


class Keys:
    """What MACs and cipher texts of one session, or of reads without one, are made with."""

    def __init__(self, cipher: bytes, authentication: bytes) -> None:
        self._cipher, self._authentication = cipher, authentication

    @classmethod
    def of_session(cls, key: bytes, client: bytes, server: bytes) -> Keys:
        """From the meter's key and both random numbers."""
        return cls(sm3(b"cipher", key, client, server)[:16], sm3(b"code", key, client, server))

    @classmethod
    def of_meter(cls, key: bytes) -> Keys:
        """For reads without a session."""
        return cls(sm3(b"cipher", key)[:16], sm3(b"code", key))

    def code(self, sender: bytes, form: int, once: bytes, content: bytes) -> bytes:
        """The MAC of a request or an answer: over who sends it, its form, what is used once, and the content."""
        return code(self._authentication, sender, bytes([form]), once, content)

    def encipher(self, sender: bytes, once: bytes, apdu: bytes) -> bytes:
        """Cipher text of an APDU and an inner MAC."""
        return self._stream(sender, once, apdu + code(self._authentication, b"inner", sender, once, apdu))

    def decipher(self, sender: bytes, once: bytes, text: bytes) -> bytes:
        """The APDU; raises SecurityError where the inner MAC is wrong."""
        plain = self._stream(sender, once, text)
        apdu, inner = plain[:-MAC], plain[-MAC:]
        if not hmac.compare_digest(inner, code(self._authentication, b"inner", sender, once, apdu)):
            raise SecurityError("the deciphered text makes no sense")
        return apdu

    def _stream(self, sender: bytes, once: bytes, octets: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  costly

        vector = sm3(b"vector", sender, once)[:16]
        work = Cipher(algorithms.SM4(self._cipher), modes.CTR(vector)).encryptor()
        return work.update(octets) + work.finalize()


def _response(keys: Keys, once: bytes, apdu: bytes, *, enciphered: bool) -> SecurityResponse:
    content = keys.encipher(_SERVER, once, apdu) if enciphered else apdu
    body = CipherContent(content) if enciphered else PlainContent(content)
    return SecurityResponse(body, Variant(0, keys.code(_SERVER, int(enciphered), once, content)))


def _unasked(counter: int) -> bytes:
    return b"unasked" + counter.to_bytes(4, "big")


def meter_key(master: bytes, number: str) -> bytes:
    """A meter's key, 16 octets."""
    factor = bytes.fromhex(number)
    return _cbc(master, (factor + bytes(octet ^ 0xFF for octet in factor)).ljust(16, b"\0"), encrypt=True)


def sm3(*parts: bytes) -> bytes:
    """SM3 over parts, each with its length in front, 32 octets."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  costly, and needed by few

    digest = hashes.Hash(hashes.SM3())
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.finalize()


def code(key: bytes, *parts: bytes) -> bytes:
    """Four octets of HMAC-SM3 over parts, each with its length in front."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.hmac import HMAC  # noqa: PLC0415  as above

    work = HMAC(key, hashes.SM3())
    for part in parts:
        work.update(len(part).to_bytes(4, "big") + part)
    return work.finalize()[:MAC]


def _cbc(key: bytes, octets: bytes, *, encrypt: bool) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  as above

    cipher = Cipher(algorithms.SM4(key), modes.CBC(bytes(16)))
    work = cipher.encryptor() if encrypt else cipher.decryptor()
    return work.update(octets) + work.finalize()


def _private(master: bytes, who: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  as above

    secret = int.from_bytes(sm3(b"sign", master, who), "big") % (_CURVE_ORDER - 1) + 1
    return ec.derive_private_key(secret, ec.SECP256R1())


def _sign(master: bytes, who: bytes, octets: bytes) -> bytes:
    """64 octets: r and s of ECDSA on P-256."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415  as above

    r, s = utils.decode_dss_signature(_private(master, who).sign(octets, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _verify(master: bytes, who: bytes, octets: bytes, signature: bytes) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415  as above

    if len(signature) != 64:
        raise SecurityError("the signature has not 64 octets")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    encoded = utils.encode_dss_signature(r, s)
    try:
        _private(master, who).public_key().verify(encoded, octets, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise SecurityError("the signature is wrong") from None


def _content(request: SecurityRequest) -> bytes:
    content = request.content
    return content.cipher if isinstance(content, CipherContent) else content.apdu


def _once(request: SecurityRequest) -> bytes:
    """What a request has that is used once: the identifier with its counter, or the random number."""
    proof = request.proof.value
    if isinstance(proof, IdentifiedMac):
        return _identified(proof.identifier)
    if isinstance(proof, SecurityIdentifier):
        return _identified(proof)
    return proof.random if isinstance(proof, RandomMac) else bytes(proof)


def _identified(identifier: SecurityIdentifier) -> bytes:
    return identifier.identifier.to_bytes(4, "big") + identifier.additional


def _mac(request: SecurityRequest) -> bytes | None:
    proof = request.proof.value
    return proof.mac if isinstance(proof, IdentifiedMac | RandomMac) else None
