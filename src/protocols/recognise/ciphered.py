"""Opening ciphered APDUs of DLMS/COSEM: whose title, which key, and whether the tag verifies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.acse import Aare, Aarq
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.ciphering import (
    AgreedKey,
    GeneralCiphered,
    GeneralCiphering,
    Protected,
    WrappedKey,
    sender_of,
)
from meterwire.protocols.dlms.decipher import TITLE_OCTETS, CipherKeys, is_verifiable, observe
from meterwire.protocols.dlms.security.curves import private_key, public_key
from meterwire.protocols.dlms.security.general import agreed_key, header
from meterwire.protocols.dlms.security.suites import curve_suite
from meterwire.protocols.dlms.security.wrapping import unwrap
from meterwire.protocols.dlms.xdlms.initiate import InitiateRequest
from meterwire.protocols.iec62056_21.telegrams import telegrams
from meterwire.protocols.recognise.bare import apdu_likelihood
from meterwire.protocols.recognise.keys import TitleKeys
from meterwire.protocols.recognise.text_modes import TEXT
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.dissect import Layer

_MOST_LEARNT: Final = 16
"""Titles and dedicated keys that are remembered from what was read, the latest ones."""
_SENSIBLE: Final = 0.5
_VERIFIES: Final = "the authentication tag verifies"
_UNCHECKED: Final = "the authentication tag is not checked: that needs the authentication key"


def _inside(plain: bytes) -> Codec[Any]:
    """Reads what was deciphered: an APDU, or a telegram in text, which some P1 ports send."""
    found = next(telegrams(plain), None) if plain[:1] == b"/" else None
    return TEXT if found is not None and (found.start, found.end) == (0, len(plain)) else codec(APDU)


class Ciphers:
    """Keys given, and the titles and dedicated keys announced in what was read so far."""

    def __init__(self, keys: Sequence[TitleKeys]) -> None:
        self._keys = tuple(keys)
        self._titles: list[bytes] = []
        self._dedicated: list[bytes] = []
        self._sender: tuple[Protected, bytes] | None = None
        self._general: GeneralCiphering | None = None
        self._outcome: tuple[Protected, Layer | None] | None = None

    def notice(self, message: Any, name: str, value: Any) -> str | None:
        """Learn from a field that is being shown; say why ciphered content stays closed."""
        if isinstance(message, (Aarq, Aare)) and name in ("calling_title", "responding_title"):
            self._learn(self._titles, value, TITLE_OCTETS)
        elif isinstance(message, GeneralCiphered) and name == "content":
            self._sender = value, sender_of(message.title)
        elif isinstance(message, GeneralCiphering) and name == "content":
            self._sender = value, message.originator
            self._general = message
        elif isinstance(message, InitiateRequest) and name == "dedicated_key" and value:
            self._learn(self._dedicated, value, len(value))
        elif isinstance(message, Protected) and name == "content" and message.control.encrypted:
            layer, note = self._open(message)
            self._outcome = message, layer
            return note
        return None

    def opened(self, message: Protected) -> Layer | None:
        """The plain APDU as a buffer of its own, if it could be opened when it was noticed."""
        if self._outcome is None or self._outcome[0] is not message:
            return self._open(message)[0]
        return self._outcome[1]

    @staticmethod
    def _learn(known: list[bytes], value: Any, size: int) -> None:
        if isinstance(value, bytes) and len(value) == size:
            known[:] = [value, *(other for other in known if other != value)][:_MOST_LEARNT]

    def _open(self, message: Protected) -> tuple[Layer | None, str]:
        reason = "no key given is for this sender"
        general = self._general if self._general is not None and self._general.content is message else None
        more = b"" if general is None else header(general)
        for title, keys in self._attempts(message, general):
            try:
                plain = observe(message, title, keys, more)
            except SecurityError as error:
                reason = str(error)
                continue
            verified = is_verifiable(message, keys)
            if verified or apdu_likelihood(plain) >= _SENSIBLE or _inside(plain) is TEXT:
                tag = _UNCHECKED if message.control.authenticated else "without an authentication tag"
                note = f"deciphered, sender {title.hex().upper()}, {_VERIFIES if verified else tag}"
                return Layer(_inside(plain), plain, None, note), note
            reason = "no key given makes an APDU of it"
        return None, f"not opened: {reason}"

    def _attempts(
        self, message: Protected, general: GeneralCiphering | None = None
    ) -> Iterator[tuple[bytes, CipherKeys]]:
        """Titles and keys to try: the title in the APDU, else those in the keys file, else those announced."""
        announced = self._sender[1] if self._sender is not None and self._sender[0] is message else None
        if announced and len(announced) != TITLE_OCTETS:
            return
        given = [entry.title for entry in self._keys if entry.title]
        titles = [announced] if announced else [*given, *(t for t in self._titles if t not in given)]
        if general is not None and isinstance(general.key, WrappedKey):
            yield from self._unwrapped(general.key, titles)
            return
        if general is not None and isinstance(general.key, AgreedKey):
            yield from self._agreed(general)
            return
        for title in titles:
            for entry in sorted(self._keys, key=lambda entry: entry.title not in (b"", title)):
                yield title, entry.keys
        for title in titles:
            for key in self._dedicated:
                for entry in self._keys:
                    yield title, CipherKeys(key, entry.keys.authentication)

    def _agreed(self, general: GeneralCiphering) -> Iterator[tuple[bytes, CipherKeys]]:
        """The key that both sides came to, for those who have a private key of it."""
        for entry in self._keys:
            if not entry.agreement:
                continue
            try:
                group = curve_suite(entry.suite)
                peer = public_key(group, entry.peer_agreement) if entry.peer_agreement else None
                found = agreed_key(group, private_key(group, entry.agreement), peer, general)
            except SecurityError:
                continue
            yield general.originator, CipherKeys(found, entry.keys.authentication)

    def _unwrapped(self, key: WrappedKey, titles: Sequence[bytes]) -> Iterator[tuple[bytes, CipherKeys]]:
        """The key that came along, under whichever master key was given."""
        for entry in self._keys:
            if not entry.master:
                continue
            try:
                found = unwrap(entry.master, key.key)
            except SecurityError:
                continue
            for title in titles:
                yield title, CipherKeys(found, entry.keys.authentication)
