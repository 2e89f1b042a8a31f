"""Serial ports behind a network (RFC 2217): a telnet connection that carries octets, and speed and format beside them.

`ComPort` is the conversation without I/O; the two lines put it over a TCP line. A server that does not accept the
option, or another setting than was asked for, is an error as on a port of our own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from typing import Final

from meterwire.errors import TransportError
from meterwire.protocols.dialogue import (
    AsyncLine,
    Line,
    LineSettings,
    Receive,
    Send,
    Step,
    aconverse,
    converse,
)

ANSWER: Final = 5.0
"""Seconds within which a server accepts the option, and a setting."""
_IAC, _SB, _SE = 0xFF, 0xFA, 0xF0
_WILL, _WONT, _DO, _DONT = 0xFB, 0xFC, 0xFD, 0xFE
_BINARY, _SUPPRESS_GO_AHEAD, _COM_PORT = 0x00, 0x03, 0x2C
_OURS: Final = frozenset({_BINARY, _SUPPRESS_GO_AHEAD, _COM_PORT})
_BAUD, _SIZE, _PARITY, _STOP = 1, 2, 3, 4
_FROM_SERVER: Final = 100
_PARITIES: Final = {"N": 1, "O": 2, "E": 3}
_LONGEST: Final = 256
"""Octets of a subnegotiation; what is longer is cut."""

Steps = Generator[Step, tuple[float, bytes], None]


class ComPort:
    """What is said on one connection.

    Args:
        place: for messages.

    Attributes:
        early: octets of the meter that came while something was negotiated.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self.early = b""
        self._state: Callable[[int], None] = self._data
        self._verb = 0
        self._block = bytearray()
        self._data_in, self._replies = bytearray(), bytearray()
        self._accepted: bool | None = None
        self._confirmed: dict[int, int] = {}
        self._agreed: set[tuple[int, int]] = set()

    def sent(self, octets: bytes) -> bytes:
        """Octets for the meter as they go over the connection."""
        return octets.replace(b"\xff", b"\xff\xff")

    def received(self, octets: bytes) -> tuple[bytes, bytes]:
        """Octets of the connection: those of the meter, and what is to be answered."""
        for octet in octets:
            self._state(octet)
        found = bytes(self._data_in), bytes(self._replies)
        self._data_in.clear()
        self._replies.clear()
        return found

    def opening(self, settings: LineSettings) -> Steps:
        """Agree on the option, then set the port; raises TransportError."""
        pairs = [(_WILL, _BINARY), (_DO, _BINARY), (_WILL, _SUPPRESS_GO_AHEAD), (_DO, _SUPPRESS_GO_AHEAD)]
        pairs.append((_WILL, _COM_PORT))
        self._agreed.update(pairs)
        now, _ = yield Send(b"".join(bytes((_IAC, verb, option)) for verb, option in pairs))
        yield from self._until(lambda: self._accepted is not None, now + ANSWER)
        if not self._accepted:
            raise TransportError(f"{self.place} does not speak RFC 2217: speed and parity cannot be set from here")
        yield from self.changing(settings)

    def changing(self, settings: LineSettings) -> Steps:
        """Set speed and format; raises TransportError where the port does others."""
        wanted = {
            _BAUD: settings.baud,
            _SIZE: settings.data_bits,
            _PARITY: _PARITIES[settings.parity],
            _STOP: settings.stop_bits,
        }
        self._confirmed.clear()
        now, _ = yield Send(b"".join(self._setting(what, value) for what, value in wanted.items()))
        yield from self._until(lambda: wanted.keys() <= self._confirmed.keys(), now + ANSWER)
        missing = wanted.keys() - self._confirmed.keys()
        if missing or any(self._confirmed[what] != value for what, value in wanted.items()):
            said = "the port says nothing to it" if missing else "the port does others"
            raise TransportError(f"{self.place}: asked for {settings}, {said}")

    def _until(self, done: Callable[[], bool], until: float) -> Steps:
        while not done():
            now, octets = yield Receive(until)
            data, replies = self.received(octets)
            self.early += data
            if replies:
                yield Send(replies)
            if not octets and now >= until:
                return

    def _setting(self, what: int, value: int) -> bytes:
        octets = struct.pack(">I", value) if what == _BAUD else bytes((value,))
        return bytes((_IAC, _SB, _COM_PORT, what)) + self.sent(octets) + bytes((_IAC, _SE))

    # ------------------------------------------------------------ one octet

    def _data(self, octet: int) -> None:
        if octet == _IAC:
            self._state = self._command
        else:
            self._data_in.append(octet)

    def _command(self, octet: int) -> None:
        self._state = self._data
        if octet == _IAC:
            self._data_in.append(octet)
        elif octet == _SB:
            self._block.clear()
            self._state = self._inside
        elif octet in (_WILL, _WONT, _DO, _DONT):
            self._verb, self._state = octet, self._option

    def _option(self, option: int) -> None:
        self._state = self._data
        if option == _COM_PORT and self._verb in (_DO, _DONT):
            self._accepted = self._verb == _DO
        wanted = option in _OURS and self._verb in (_WILL, _DO)
        answer = {_WILL: (_DONT, _DO), _DO: (_WONT, _WILL)}.get(self._verb)
        if answer is not None and (answer[wanted], option) not in self._agreed:  # what we have said is not said again
            self._agreed.add((answer[wanted], option))
            self._replies += bytes((_IAC, answer[wanted], option))

    def _inside(self, octet: int) -> None:
        if octet == _IAC:
            self._state = self._inside_command
        elif len(self._block) < _LONGEST:
            self._block.append(octet)

    def _inside_command(self, octet: int) -> None:
        self._state = self._inside
        if octet == _SE:
            self._state = self._data
            self._told(bytes(self._block))
        elif octet == _IAC and len(self._block) < _LONGEST:
            self._block.append(octet)

    def _told(self, block: bytes) -> None:
        if len(block) >= 3 and block[0] == _COM_PORT and block[1] > _FROM_SERVER:
            self._confirmed[block[1] - _FROM_SERVER] = int.from_bytes(block[2:6], "big")


class Rfc2217Line:
    """A blocking line to a serial port behind a network; it owns the line below.

    Raises:
        TransportError: nobody there speaks RFC 2217, or the port cannot do the settings.
    """

    def __init__(self, line: Line, place: str, settings: LineSettings) -> None:
        self.place, self.settings = place, settings
        self._line, self._port = line, ComPort(place)
        try:
            converse(self._port.opening(settings), line)
        except BaseException:
            line.close()
            raise

    def now(self) -> float:
        """Monotonic seconds."""
        return self._line.now()

    def write(self, octets: bytes) -> None:
        """Send everything."""
        self._line.write(self._port.sent(octets))

    def read(self, until: float) -> bytes:
        """What has arrived, waiting until then."""
        while True:
            octets, self._port.early = self._port.early, b""
            if octets:
                return octets
            octets, replies = self._port.received(self._line.read(until))
            if replies:
                self._line.write(replies)
            if octets or self._line.now() >= until:
                return octets

    def pause(self, until: float) -> None:
        """Wait."""
        self._line.pause(until)

    def reconfigure(self, settings: LineSettings) -> None:
        """Change speed and character format; raises TransportError."""
        converse(self._port.changing(settings), self._line)
        self.settings = settings

    def close(self) -> None:
        """Hang up."""
        self._line.close()


class AsyncRfc2217Line:
    """An asyncio line to a serial port behind a network; made by `aopen_rfc2217`."""

    def __init__(self, line: AsyncLine, place: str, settings: LineSettings) -> None:
        self.place, self.settings = place, settings
        self._line, self._port = line, ComPort(place)

    async def begin(self) -> None:
        """Agree with the other side and set the port; raises TransportError."""
        try:
            await aconverse(self._port.opening(self.settings), self._line)
        except BaseException:
            await self._line.close()
            raise

    def now(self) -> float:
        """Monotonic seconds."""
        return self._line.now()

    async def write(self, octets: bytes) -> None:
        """Send everything."""
        await self._line.write(self._port.sent(octets))

    async def read(self, until: float) -> bytes:
        """What has arrived, waiting until then."""
        while True:
            octets, self._port.early = self._port.early, b""
            if octets:
                return octets
            octets, replies = self._port.received(await self._line.read(until))
            if replies:
                await self._line.write(replies)
            if octets or self._line.now() >= until:
                return octets

    async def pause(self, until: float) -> None:
        """Wait."""
        await self._line.pause(until)

    async def reconfigure(self, settings: LineSettings) -> None:
        """Change speed and character format; raises TransportError."""
        await aconverse(self._port.changing(settings), self._line)
        self.settings = settings

    async def close(self) -> None:
        """Hang up."""
        await self._line.close()


async def aopen_rfc2217(line: AsyncLine, place: str, settings: LineSettings) -> AsyncRfc2217Line:
    """An asyncio line over an open TCP line; raises TransportError."""
    found = AsyncRfc2217Line(line, place, settings)
    await found.begin()
    return found
