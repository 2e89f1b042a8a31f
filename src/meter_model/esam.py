"""A software stand-in for a meter's secure element (ESAM): a TEST DOUBLE, with no secret of any real key system.

Real elements compute with national ciphers and keys that are not public; nothing here can talk to one, and a head-end
with real keys cannot talk to this. What it keeps is the shape: the lengths of the fields, a session that must be
opened before anything else and that runs out, MACs over fresh random numbers, and refusal of what is replayed.

The double's algorithms: keys of a meter are the master key encrypting the meter's diversification factor (AES-128 in
one block); the authentication cryptogram is the first 8 octets of AES(key, random || diversification); MACs are the
first 4 octets of AES-CMAC(key, random2 || message); texts are AES-CBC with a zero vector, the plain text led by its
length and padded with 80H 00H.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final

from meterwire.errors import SecurityError

BLOCK: Final = 16
MAC: Final = 4
DEFAULT_MINUTES: Final = 30
_LONGEST: Final = 0xFF


class EsamDouble:
    """The test double of one meter.

    Args:
        master: 16 octets, from which the meter's key is derived.
        number: meter number, 12 digits: part of the diversification.
        seconds: the meter's time.
        counter: where its random numbers begin; they are a hash of a counter, so that a run can be repeated.

    Attributes:
        minutes: for how long an authentication holds.
    """

    def __init__(self, master: bytes, number: str, seconds: Callable[[], int], counter: int = 0) -> None:
        self._key = derived(master, diversification(number))
        self.number = number
        self.serial = hashlib.sha256(b"test double" + bytes.fromhex(number)).digest()[:8]
        self._seconds = seconds
        self._counter = counter
        self._random2 = b""
        self._until = 0
        self.minutes = DEFAULT_MINUTES

    def authenticate(self, cryptogram: bytes, random1: bytes, factor: bytes) -> tuple[bytes, bytes]:
        """Open a session.

        Args:
            cryptogram: 8 octets.
            random1: 8 octets.
            factor: diversification factor, 8 octets.

        Returns:
            Random number 2 (4 octets) and the serial number of the element (8 octets).

        Raises:
            SecurityError: the cryptogram is wrong, or for another meter.
        """
        right = factor == diversification(self.number) and hmac.compare_digest(
            cryptogram, authentication(self._key, random1, factor)
        )
        if not right:
            self._random2 = b""
            raise SecurityError("authentication failed")
        self._counter += 1
        self._random2 = hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()[:4]
        self._until = self._seconds() + 60 * self.minutes
        return self._random2, self.serial

    @property
    def open(self) -> bool:
        """Whether a session holds now."""
        return bool(self._random2) and self._seconds() < self._until

    @property
    def minutes_left(self) -> int:
        """For how long it holds, in whole minutes."""
        return (self._until - self._seconds()) // 60 if self.open else 0

    def close(self) -> None:
        """The session is over."""
        self._random2 = b""

    def verify(self, message: bytes, code: bytes) -> None:
        """Check a MAC and use it up: the same message again is a replay.

        Raises:
            SecurityError: no session holds, or the code is wrong.
        """
        if not self.open:
            raise SecurityError("no session, or its time has run out")
        if not hmac.compare_digest(code, mac(self._key, self._random2, message)):
            raise SecurityError("message authentication code wrong")
        self._random2 = _next(self._random2)

    def code(self, message: bytes) -> bytes:
        """The MAC of what the meter tells; it uses nothing up."""
        return mac(self._key, self._random2, message)

    def replace_key(self, key: bytes) -> None:
        """Use another key from now on, and end the session; raises SecurityError where it has no 16 octets."""
        if len(key) != BLOCK:
            raise SecurityError("a key has 16 octets")
        self._key = key
        self.close()

    def decipher(self, text: bytes) -> bytes:
        """The plain text; raises SecurityError where there is none."""
        return deciphered(self._key, text)

    def clock_set(self, by: int) -> None:
        """The clock has been set: the session lasts as long as before."""
        self._until += by

    def state(self) -> dict[str, Any]:
        """What outlives a loss of power: key, settings, and the counter of the random numbers; it holds secrets."""
        return {"counter": self._counter, "minutes": self.minutes, "key": self._key.hex()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; no session is open."""
        self._counter, self.minutes = state["counter"], state["minutes"]
        self._key = bytes.fromhex(state["key"])
        self._random2 = b""


class EsamSession:
    """The other side of the test double: what a head-end with the test keys computes.

    Args:
        master: the same 16 octets.
        number: of the meter.
    """

    def __init__(self, master: bytes, number: str) -> None:
        self.factor = diversification(number)
        self._key = derived(master, self.factor)
        self._random2 = b""

    def cryptogram(self, random1: bytes) -> bytes:
        """What proves the key, for a random number of 8 octets."""
        return authentication(self._key, random1, self.factor)

    def opened(self, random2: bytes) -> None:
        """The meter has accepted."""
        self._random2 = random2

    def replace_key(self, key: bytes) -> None:
        """The meter has taken another key."""
        self._key = key

    def protect(self, plain: bytes, head: bytes = b"") -> bytes:
        """Cipher text and MAC over `head` and it; each MAC can be used once."""
        text = enciphered(self._key, plain)
        return text + self.code(head + text)

    def code(self, message: bytes) -> bytes:
        """The MAC of a message; each can be used once."""
        found = mac(self._key, self._random2, message)
        self._random2 = _next(self._random2)
        return found


def diversification(number: str) -> bytes:
    """The factor of a meter: two zero octets and its number."""
    return bytes(2) + bytes.fromhex(number)


def derived(master: bytes, factor: bytes) -> bytes:
    """A meter's key."""
    return _encrypt(master, factor + bytes(octet ^ 0xFF for octet in factor))


def authentication(key: bytes, random1: bytes, factor: bytes) -> bytes:
    """The cryptogram."""
    return _encrypt(key, (random1 + factor)[:BLOCK].ljust(BLOCK, b"\0"))[:8]


def mac(key: bytes, random2: bytes, message: bytes) -> bytes:
    """Four octets of AES-CMAC."""
    from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415  costly, and needed by few
    from cryptography.hazmat.primitives.cmac import CMAC  # noqa: PLC0415  see above

    code = CMAC(AES(key))
    code.update(random2 + message)
    return code.finalize()[:MAC]


def enciphered(key: bytes, plain: bytes) -> bytes:
    """AES-CBC over the length, the text, and 80H 00H ... to the end of the block."""
    if len(plain) > _LONGEST:
        raise SecurityError(f"at most {_LONGEST} octets can be protected")
    body = bytes([len(plain)]) + plain
    if len(body) % BLOCK:
        body += b"\x80"
    return _cbc(key, body + bytes(-len(body) % BLOCK), encrypt=True)


def deciphered(key: bytes, text: bytes) -> bytes:
    """The other way; raises SecurityError where the text is none of this kind."""
    if not text or len(text) % BLOCK:
        raise SecurityError("the cipher text is no whole number of blocks")
    body = _cbc(key, text, encrypt=False)
    end = 1 + body[0]
    if end > len(body) or len(body) - end >= BLOCK or body[end:] != (b"\x80" + bytes(BLOCK))[: len(body) - end]:
        raise SecurityError("the deciphered text makes no sense")
    return body[1:end]


def _next(random2: bytes) -> bytes:
    return ((int.from_bytes(random2, "big") + 1) & 0xFFFFFFFF).to_bytes(4, "big")


def _encrypt(key: bytes, block: bytes) -> bytes:
    return _cbc(key, block, encrypt=True)


def _cbc(key: bytes, octets: bytes, *, encrypt: bool) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  as above

    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK)))
    work = cipher.encryptor() if encrypt else cipher.decryptor()
    return work.update(octets) + work.finalize()
