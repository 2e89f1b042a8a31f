"""The protection of an association with ciphering, in either role (DLMS UA 1000-2, 9.2.7.2)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from meterwire.errors import MalformedError, SecurityError
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import GeneralCiphered, GeneralCiphering, GeneralSigning, Protected
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.envelopes import DEDICATED, DEDICATED_TAGS, GLOBAL, INNER, NEVER_CIPHERED
from meterwire.protocols.dlms.security.forms import Form
from meterwire.protocols.dlms.security.gcm import (
    AUTHENTICATED,
    BROADCAST,
    COMPRESSED,
    ENCRYPTED,
    TAG_OCTETS,
    TITLE_OCTETS,
    Gcm,
)
from meterwire.protocols.dlms.security.general import General, signed, verified
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.lengths import length_of
from meterwire.protocols.dlms.security.suites import SUITES
from meterwire.protocols.wire.codec import codec

SIGNED: Final = 0x100
"""Beside the bits of the security control octet: a signature around it."""
_SUITE: Final = 0x0F
_SERVICE, _IDENTIFIED, _ONE_PASS = Form.SERVICE, Form.IDENTIFIED, Form.ONE_PASS  # members are looked up slowly
_SIGNING: Final = int(ApduTag.GENERAL_SIGNING)
_PROTECTS: Final = AUTHENTICATED | ENCRYPTED
_control_and_counter: Final = struct.Struct(">BI").pack
_SHORTEST: Final = 2 + 5 + TAG_OCTETS
"""Octets of a ciphered APDU with nothing inside: length, security control, counter and tag behind its own."""
_LENGTHS: Final = 6 + TITLE_OCTETS + 2 + TAG_OCTETS + 6
_GENERAL_HEAD: Final = 64
_AGREED: Final = 4 * 48 + 16
_WRAPPED: Final = 48


class Level(msgspec.Struct, frozen=True):
    """How APDUs are protected.

    Attributes:
        sends: protection of what is sent: AUTHENTICATED, ENCRYPTED and SIGNED together.
        requires: the least protection of what is taken.
        form: of what is sent; a server answers in the form it was asked in.
    """

    sends: int = AUTHENTICATED | ENCRYPTED
    requires: int = AUTHENTICATED | ENCRYPTED
    form: Form = Form.SERVICE


def service_specific(key: Gcm, own: bytes, counter: int, control: int, apdu: bytes) -> bytes:
    """An APDU under the global key in its own ciphered form."""
    sealed = key.seal(own, counter, control, apdu)
    head = bytes((GLOBAL[apdu[0]],)) + length_of(5 + len(sealed)) + bytes((control,)) + counter.to_bytes(4, "big")
    return head + sealed


def general_global(key: Gcm, own: bytes, counter: int, control: int, apdu: bytes) -> bytes:
    """An APDU under the global key in general-glo-ciphering, for whoever has no association with its sender."""
    sealed = key.seal(own, counter, control, apdu)
    head = bytes((ApduTag.GENERAL_GLO_CIPHERING, TITLE_OCTETS)) + own + length_of(5 + len(sealed))
    return head + bytes((control,)) + counter.to_bytes(4, "big") + sealed


class _Opened(msgspec.Struct, frozen=True):
    """What lay inside a ciphered APDU, and how it was protected."""

    form: Form
    control: int
    counter: int
    text: bytes
    general: GeneralCiphering | None = None
    dedicated: bool = False


class Ciphering:
    """Protects and unprotects with the keys of one association.

    Args:
        suite: security suite, 0 to 2.
        own: own system title, 8 octets.
        peer: the peer's system title.
        keys: what this side knows.
        sending: gives the invocation counters.
        received: what was taken of the peer so far.
        level: how to protect, and the least to be taken.
        server: the role: a server takes no exceptions, answers in the form of the request, and knows no notifications.
        dedicated: key of this association alone; empty for none.
        random: gives as many random octets, unpredictable ones.
    """

    def __init__(
        self,
        suite: int,
        own: bytes,
        peer: bytes,
        keys: Keys,
        *,
        sending: SendingCounter,
        received: ReceivedCounter,
        level: Level,
        server: bool = False,
        dedicated: bytes = b"",
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        check_titles(own, peer)
        keys.check(suite)
        self.suite, self.own, self.peer, self.keys, self.level = suite, own, peer, keys, level
        self.sending, self.received = sending, received
        self._server, self._codec = server, codec(APDU)
        self._global = Gcm(keys.unicast, keys.authentication) if keys.unicast else None
        self._broadcast = Gcm(keys.broadcast, keys.authentication) if keys.broadcast else None
        self._dedicated: Gcm | None = None
        if dedicated:
            self.dedicate(dedicated)
        self._control = suite | (level.sends & (AUTHENTICATED | ENCRYPTED))
        self._both = suite | _PROTECTS
        self._form, self._signs = level.form, bool(level.sends & SIGNED)
        self._globally = False
        self.general = General(suite, own, peer, keys, random)

    def __repr__(self) -> str:
        return "Ciphering(...)"

    @property
    def overhead(self) -> int:
        """Most octets by which an APDU grows."""
        grown = _LENGTHS
        if self._form >= _IDENTIFIED:
            grown += _GENERAL_HEAD + (_AGREED if self._form >= _ONE_PASS else _WRAPPED)
        return grown + (_GENERAL_HEAD + 96 if self._signs else 0)

    def dedicate(self, key: bytes) -> None:
        """Use a key of this association alone.

        Raises:
            SecurityError: it does not fit the suite, is all zeros, or is a key that is known otherwise.
        """
        if len(key) != SUITES[self.suite].key_octets or not any(key) or key in (self.keys.unicast, self.keys.broadcast):
            raise SecurityError("the dedicated key does not fit")
        self._dedicated = Gcm(key, self.keys.authentication)

    # ------------------------------------------------------------ sending

    def protect(self, apdu: bytes) -> bytes:
        """What goes onto the line for a plain APDU; every call takes a new invocation counter.

        Raises:
            SecurityError: there is no counter left, or the key is not there.
        """
        if apdu and apdu[0] in NEVER_CIPHERED:
            return apdu
        if self._form is _SERVICE and not self._signs and self._control & _PROTECTS:
            return self._enciphered(apdu, _SERVICE)  # what bears a transaction id needs more
        self.general.begin()
        octets = self._enciphered(apdu, self._form) if self._control & _PROTECTS else apdu
        return signed(self.general, octets) if self._signs else octets

    def protect_initiate(self, apdu: bytes) -> bytes:
        """An initiate APDU for the user information: under the global key, the dedicated one is still inside."""
        return service_specific(self._unicast, self.own, self.sending.take(), self._control, apdu)

    def _enciphered(self, apdu: bytes, form: Form) -> bytes:
        if form >= _IDENTIFIED:
            return self.general.enciphered(apdu, form, self._control, self.sending.take(), self._global)
        dedicated = None if self._globally else self._dedicated
        key, tags = (self._unicast, GLOBAL) if dedicated is None else (dedicated, DEDICATED)
        outer = tags.get(apdu[0]) if form is _SERVICE and apdu else None
        if outer is not None:
            return self._specific(apdu, outer, key)
        tag = ApduTag.GENERAL_GLO_CIPHERING if tags is GLOBAL else ApduTag.GENERAL_DED_CIPHERING
        return bytes((tag, TITLE_OCTETS)) + self.own + self._content(apdu, key)

    def _specific(self, apdu: bytes, outer: int, key: Gcm) -> bytes:
        return bytes((outer,)) + self._content(apdu, key)

    def _content(self, apdu: bytes, key: Gcm) -> bytes:
        counter = self.sending.take()
        sealed = key.seal(self.own, counter, self._control, apdu)
        return length_of(5 + len(sealed)) + _control_and_counter(self._control, counter) + sealed

    @property
    def _unicast(self) -> Gcm:
        if self._global is None:
            raise SecurityError("a global unicast encryption key is needed")
        return self._global

    # ------------------------------------------------------------ receiving

    def unprotect(self, octets: bytes) -> bytes:
        """The plain APDU of what came; state changes only when everything about it has been found good.

        Raises:
            SecurityError: it does not verify, was taken before, is protected less than required, or not for us.
        """
        if octets and octets[0] in NEVER_CIPHERED and not self._server:
            return octets
        usual = self._usual(octets)
        if usual is not None:
            return usual
        level, content = 0, octets
        messages: list[GeneralSigning | GeneralCiphering] = []
        if octets and octets[0] == _SIGNING:
            outer = cast("GeneralSigning", self._parsed(octets))
            content = verified(self.general, outer)
            level |= SIGNED
            messages.append(outer)
        opened = self._opened(content) if content and (content[0] in INNER or content[0] in _GENERAL) else None
        if opened is not None:
            level |= opened.control & _PROTECTS
            messages += [] if opened.general is None else [opened.general]
        text = content if opened is None else opened.text
        self._check_level(level, text)
        for message in messages:
            self.general.accept(message, fresh=opened is not None)
        if opened is not None:
            self.received.accept(opened.counter)
        if self._server:
            self._answer_alike(opened, level)
        return text

    def _usual(self, octets: bytes) -> bytes | None:
        """The same for what nearly always comes, told by its first octets; None for anything else.

        That is an APDU in its service's own form, shorter than 128 octets, authenticated and encrypted, not signed.
        """
        if len(octets) < _SHORTEST or octets[1] != len(octets) - 2 or octets[2] != self._both:
            return None
        expected = INNER.get(octets[0])
        if expected is None or (self.level.requires | self.level.sends) & SIGNED:
            return None
        dedicated = octets[0] in DEDICATED_TAGS
        key = self._dedicated if dedicated else self._global
        if key is None:
            return None
        counter = int.from_bytes(octets[3:7], "big")
        text = key.open(self.peer, counter, self._both, octets[7:])
        self.received.check(counter)
        if not text or text[0] != expected:
            raise SecurityError("the ciphered APDU holds another service than it says")
        self.received.expected = counter + 1
        if self._server:
            self._form, self._globally, self._control, self._signs = _SERVICE, not dedicated, self._both, False
        return text

    def _answer_alike(self, opened: _Opened | None, level: int) -> None:
        """A server answers in the form, with the key and the protection of the request, and never with less."""
        self._form = _SERVICE if opened is None else opened.form
        self._globally = opened is not None and not opened.dedicated
        self._control = self.suite | ((level | self.level.requires) & _PROTECTS)
        self._signs = bool((self.level.sends | level) & SIGNED)

    def unprotect_initiate(self, octets: bytes) -> bytes:
        """An initiate APDU out of the user information; only the global key can have made it."""
        if octets and octets[0] in DEDICATED_TAGS:
            raise SecurityError("a dedicated key protects no initiate APDU")
        if not octets or octets[0] not in INNER:
            raise SecurityError("the initiate APDU is not ciphered")
        opened = self._opened(octets)
        self.received.accept(opened.counter)
        if self._server:  # nobody can slip anything weaker into an association that began so
            floor = self.level.requires | opened.control & (AUTHENTICATED | ENCRYPTED)
            self.level = msgspec.structs.replace(self.level, requires=floor)
            self._answer_alike(opened, opened.control)
        return opened.text

    def _parsed(self, octets: bytes) -> Any:
        try:
            return self._codec.parse(octets).value
        except MalformedError as error:
            raise SecurityError(f"the protected APDU cannot be read: {error}") from None

    def _opened(self, octets: bytes) -> _Opened:
        value = self._parsed(octets)
        if isinstance(value, GeneralCiphering):
            protected: Protected = value.content
            control = self._checked(protected)
            if control & BROADCAST:
                raise SecurityError("general-ciphering names its key, it has no broadcast bit")
            form, text = self.general.opened(value, self._global)
            self.received.check(protected.counter)
            return _Opened(form, control, protected.counter, text, value)
        protected, form, dedicated = value, _SERVICE, octets[0] in DEDICATED_TAGS
        if isinstance(value, GeneralCiphered):
            if value.title and value.title != self.peer:
                raise SecurityError("the ciphered APDU bears another system title than the association's")
            protected, form = value.content, Form.GENERAL
            dedicated = octets[0] == ApduTag.GENERAL_DED_CIPHERING
        control = self._checked(protected)
        text = self._key(control, dedicated=dedicated).open(self.peer, protected.counter, control, protected.content)
        self.received.check(protected.counter)  # after the tag: who has not the key learns nothing of the counter
        expected = INNER.get(octets[0])
        if expected is not None and (not text or text[0] != expected):
            raise SecurityError("the ciphered APDU holds another service than it says")
        return _Opened(form, control, protected.counter, text, dedicated=dedicated)

    def _checked(self, protected: Protected) -> int:
        control = int(cast("int", protected.control))
        if control & COMPRESSED:
            raise SecurityError("compressed content is not taken")
        if control & _SUITE != self.suite:
            raise SecurityError(f"security suite {control & _SUITE} came, {self.suite} was agreed on")
        needed = self.level.requires & _PROTECTS & ~control
        if needed:
            raise SecurityError(_missing(needed))
        return control

    def _key(self, control: int, *, dedicated: bool) -> Gcm:
        if control & BROADCAST:
            if self._server or self._broadcast is None or dedicated:
                raise SecurityError("the broadcast key is not for this association")
            return self._broadcast
        if dedicated:
            if self._dedicated is None:
                raise SecurityError("there is no dedicated key in this association")
            return self._dedicated
        return self._unicast

    def _check_level(self, found: int, text: bytes) -> None:
        missing = self.level.requires & ~found
        if missing:
            raise SecurityError(_missing(missing))
        if found & ENCRYPTED == 0 and text and (text[0] in INNER or text[0] in _GENERAL):
            raise SecurityError("a protected APDU lies inside another")


_GENERAL: Final = frozenset({ApduTag.GENERAL_GLO_CIPHERING, ApduTag.GENERAL_DED_CIPHERING, ApduTag.GENERAL_CIPHERING})


def check_titles(own: bytes, peer: bytes) -> None:
    """Raises SecurityError unless both titles have 8 octets, are not all zero, and differ."""
    for whose, title in (("our own", own), ("the peer's", peer)):
        if len(title) != TITLE_OCTETS or not any(title):
            raise SecurityError(f"{whose} system title must have 8 octets that are not all zero")
    if own == peer:
        raise SecurityError("the peer shows our own system title")


def _missing(bits: int) -> str:
    names = {AUTHENTICATED: "authenticated", ENCRYPTED: "encrypted", SIGNED: "signed"}
    return f"what came is not {' and '.join(name for bit, name in names.items() if bits & bit)}, as it must be"
