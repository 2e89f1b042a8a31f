"""Control and security: the relay (1CH), and commands to the secure element (03H). Nothing is ever sent twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dialogue import IGNORED, Ignored, Steps, procedure
from meterwire.protocols.dlt645.conversation import L
from meterwire.protocols.dlt645.credentials import ENCIPHERED, PLAIN_WITH_MAC, Credentials, Vouching
from meterwire.protocols.dlt645.frame import Frame, Function
from meterwire.protocols.dlt645.messages import (
    ControlAnswer,
    ControlRequest,
    Password,
    ReadAnswer,
    RelayCommand,
    RelayOrder,
    RelayStatus,
    SecurityRequest,
    WriteRequest,
)
from meterwire.protocols.dlt645.writing import WritingProcedures
from meterwire.protocols.wire.codec import codec

AUTHENTICATE: Final = 0x070000FF
END_SESSION: Final = 0x070002FF
_RANDOM: Final = 8
_WITH_STATUS: Final = "010000"
_WITHOUT_STATUS: Final = "000000"


class ControlProcedures(WritingProcedures[L]):
    """What moves the relay, and what the secure element vouches for."""

    @procedure
    def control(
        self,
        order: RelayOrder,
        valid_until: datetime,
        periods: int = 0,
        credentials: Credentials | None = None,
        vouching: Vouching | None = None,
    ) -> Steps[RelayStatus | None]:
        """Order something of the relay (1CH).

        Args:
            order: trip, close, permit closing, alarm, keep power, or the end of these.
            valid_until: after this time of its clock the meter must not obey; naive is the meter's local time.
            periods: of 5 minutes until an automatic restoration, 1 to 255; else 0.
            credentials: password, instead of that of the client.
            vouching: encipher the command instead of showing a password; `authenticate` comes before.

        Returns:
            The relay's status, which only an enciphered order asks for.

        Raises:
            Refused: nothing has moved; the code is a `RelayErrorWord`, or an `ErrorWord` without `vouching`.
            OutcomeUnknown: the answer was lost; status word 3 (04000503) tells where the relay is.
        """
        self._only(2007, "control the relay")
        local = valid_until if valid_until.tzinfo is None else valid_until.astimezone(self.zone)
        command = codec(RelayCommand).build(RelayCommand(order, periods, local.strftime("%y%m%d%H%M%S")))
        if vouching is None:
            shown = self._shown(credentials)
            request = ControlRequest(shown.shown, shown.operator, command)
        else:
            operator = (credentials or self.credentials or Credentials(_WITHOUT_STATUS)).operator
            inside = command[:2] + command[:1:-1]  # R3 to R8: the year comes first
            text = vouching.protect(inside, _as_sent(operator))
            request = ControlRequest(Password(ENCIPHERED, _WITH_STATUS), operator, text)
        octets = codec(ControlRequest).build(request)
        return (yield from self._ask(Function.CONTROL, octets, _status, changes=True))

    @procedure
    def security(self, di: int, data: bytes, operator: str = "00000000") -> Steps[bytes]:
        """A command to the secure element (03H); gives the data of the answer.

        Raises:
            Refused: the code is a `SecurityErrorWord`.
            OutcomeUnknown: the answer was lost.
        """
        return (yield from self._security(di, data, operator))

    @procedure
    def authenticate(self, vouching: Vouching, random1: bytes) -> Steps[bytes]:
        """Prove the key and open a session (070000FFH); gives the serial number of the element, 8 octets.

        Args:
            vouching: what knows the key.
            random1: 8 octets by chance, from whoever has chance: this library's protocols have none.

        Raises:
            Refused: authentication failed.
            OutcomeUnknown: the answer was lost; begin again.
        """
        if len(random1) != _RANDOM:
            raise LocalProtocolError(f"random number 1 has {_RANDOM} octets, not {len(random1)}")
        parts = (vouching.cryptogram(random1), random1, vouching.factor)
        answer = yield from self._security(AUTHENTICATE, b"".join(part[::-1] for part in parts), "00000000")
        if len(answer) != 12:
            raise MalformedError(f"random number 2 and serial number, 12 octets, not {len(answer)}")
        vouching.opened(answer[3::-1])
        return answer[:3:-1]

    @procedure
    def write_protected(
        self, item: str, value: Any, vouching: Vouching, *, enciphered: bool = True, operator: str = "00000000"
    ) -> Steps[None]:
        """Write one item that the secure element vouches for: level 98H enciphers the data, 99H adds a MAC alone.

        Raises:
            Refused, OutcomeUnknown: as `write`; the item is not read back.
        """
        edition = yield from self._known()
        self._only(2007, "write with a secure element")
        di = edition.item(item).di
        data = edition.encode(di, value)
        head = di.to_bytes(4, "little") + _as_sent(operator)
        body = vouching.protect(data, head) if enciphered else data + vouching.code(head + data)
        level = ENCIPHERED if enciphered else PLAIN_WITH_MAC
        request = WriteRequest(di, Password(level, _WITHOUT_STATUS), operator, body)
        yield from self._ask(Function.WRITE, codec(WriteRequest).build(request), _yes, changes=True)

    def _security(self, di: int, data: bytes, operator: str) -> Steps[bytes]:
        self._only(2007, "use a secure element")
        request = codec(SecurityRequest).build(SecurityRequest(di, operator, data))

        def understand(frame: Frame) -> bytes | Ignored:
            answer = codec(ReadAnswer).parse(frame.data)
            return answer.data if answer.identifier == di else IGNORED

        return (yield from self._ask(Function.SECURITY, request, understand, changes=True))


def _status(frame: Frame) -> RelayStatus | None:
    return codec(ControlAnswer).parse(frame.data).status if frame.data else None


def _yes(frame: Frame) -> None:
    del frame


def _as_sent(operator: str) -> bytes:
    return bytes.fromhex(operator)[::-1]
