"""Function 03H: security authentication, against the software stand-in for the secure element (a test double).

Layouts by their lengths in meter firmware (dissected by public programs); recalled where those are silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import SecurityError as NotSecure
from meterwire.meter_model.esam import MAC
from meterwire.meter_model.faces.dlt645.account import OPEN, RECHARGE, STATUS, Account
from meterwire.meter_model.faces.dlt645.answers import Served
from meterwire.meter_model.faces.dlt645.refusals import refused
from meterwire.meter_model.parameters import Author
from meterwire.protocols.dlt645.frame import Function
from meterwire.protocols.dlt645.messages import ReadAnswer, SecurityRequest
from meterwire.protocols.wire.codec import codec

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlt645.face import Face645

AUTHENTICATE: Final = 0x070000FF
SET_VALIDITY: Final = 0x070001FF
END_SESSION: Final = 0x070002FF
UPDATE_KEYS: Final = (0x070201FF, 0x070202FF, 0x070203FF, 0x070204FF)
_KEY_TEXT: Final = 32


class Securing:
    """The security function."""

    def __init__(self, face: Face645) -> None:
        self._meter = face.meter
        self.functions: Mapping[int, Callable[[bytes], Served]] = {Function.SECURITY: self._serve}
        self._commands: Mapping[int, Callable[[Any], bytes]] = {
            AUTHENTICATE: self._authenticate,
            SET_VALIDITY: self._set_validity,
            END_SESSION: self._end,
            **dict.fromkeys(UPDATE_KEYS, self._update_key),
            OPEN: self._buy,
            RECHARGE: self._buy,
            STATUS: self._status,
        }
        self._account = Account(face.meter, self._verify)

    def _serve(self, request: bytes) -> Served:
        asked = codec(SecurityRequest).parse(request)
        command = self._commands.get(asked.identifier)
        if command is None:
            raise refused(other=1)
        return Served(codec(ReadAnswer).build(ReadAnswer(asked.identifier, command(asked))), changed=True)

    def _authenticate(self, asked: Any) -> bytes:
        """Cryptogram, random number 1, diversification factor, of 8 octets each."""
        _exactly(asked.data, 24)
        parts = [asked.data[at : at + 8][::-1] for at in (0, 8, 16)]
        try:
            random2, serial = self._meter.esam.authenticate(*parts)
        except NotSecure as error:
            raise refused(authentication_failed=1) from error
        return random2[::-1] + serial[::-1]

    def _set_validity(self, asked: Any) -> bytes:
        """For how many minutes an authentication holds (2 octets BCD), and a MAC."""
        _exactly(asked.data, 2 + MAC)
        minutes = asked.data[1::-1].hex()
        if not minutes.isdecimal() or not int(minutes):
            raise refused(other=1)
        self._verify(asked.data)
        self._meter.programming.note(Author(asked.operator, f"{SET_VALIDITY:08X}"))
        self._meter.esam.minutes = int(minutes)
        return b""

    def _end(self, asked: Any) -> bytes:
        _exactly(asked.data, 0)
        self._meter.esam.close()
        return b""

    def _update_key(self, asked: Any) -> bytes:
        """A new key, enciphered with the old, what it is (4 octets), and a MAC."""
        _exactly(asked.data, _KEY_TEXT + 4 + MAC)
        self._verify(asked.data)
        try:
            key = self._meter.esam.decipher(asked.data[:_KEY_TEXT])
            self._meter.esam.replace_key(key)
        except NotSecure as error:
            raise refused(check_failed=1) from error
        self._meter.programming.note(Author(asked.operator, f"{asked.identifier:08X}"), "key-updated")
        return b""

    def _buy(self, asked: Any) -> bytes:
        return self._account.buy(asked.identifier, asked.data, asked.operator)

    def _status(self, asked: Any) -> bytes:
        _exactly(asked.data, 0)
        if not self._meter.esam.open:
            raise refused(authentication_failed=1)
        return self._account.status()

    def _verify(self, data: bytes) -> None:
        if not self._meter.esam.open:
            raise refused(authentication_failed=1)
        try:
            self._meter.esam.verify(data[:-MAC], data[-MAC:])
        except NotSecure as error:
            raise refused(check_failed=1) from error


def _exactly(data: bytes, size: int) -> None:
    if len(data) != size:
        raise refused(other=1)
