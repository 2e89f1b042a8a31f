"""Serial ports behind our own lines: pyserial for the blocking one, pyserial-asyncio for the other.

Both set speed and character format at once and read them back. Seven-bit characters on a port that only does 8N
(a pseudo-terminal, some adapters) are carried with parity in software: `parity.SoftwareParity`, put in here by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import termios
import time
from typing import Any, Final

import serial

from meterwire.errors import Disconnected, LocalProtocolError, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports import termios_settings
from meterwire.transports.parity import SoftwareParity, carried
from meterwire.transports.stream import StreamLine
from meterwire.transports.tcp import trouble

PIECE: Final = 2048  # octets per write: drivers and pyserial-asyncio lose or spin on more
SLACK: Final = 5.0  # seconds beyond the time of transmission after which a port that takes nothing counts as gone


def open_port(path: str, baud: int) -> serial.Serial:
    """Open a port for us alone, raw, eight bits without parity for the moment; raises `TransportError` naming it."""
    try:
        return serial.Serial(path, baud, timeout=0, write_timeout=0, exclusive=True)
    except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError, termios.error is not
        reason = _REASONS.get(getattr(error, "errno", None) or 0) or str(error.args[-1] if error.args else error)
        raise TransportError(f"cannot open serial port {path}: {reason}") from error


_REASONS: Final = {
    2: "there is no such port",
    6: "there is no device behind it",
    11: "another program is using it",
    13: "permission denied (is the user in the group dialout?)",
    16: "another program is using it",
}


class _Format:
    """The settings of a port and, where the port cannot do them, parity in software.

    Attributes:
        settings: what the user asked for.
        actual: what the port does.
    """

    def __init__(self, fd: int, settings: LineSettings, place: str) -> None:
        self.fd, self.place = fd, place
        self.set(settings)

    def set(self, settings: LineSettings) -> None:
        """Change both; raises `TransportError` when the port can do neither these settings nor an equal."""
        self.settings = settings
        self.software: SoftwareParity | None = None
        self.actual = termios_settings.apply(self.fd, settings, self.place)
        if self.actual == settings:
            return
        if settings.data_bits == 7 and settings.parity != "N":
            self.actual = termios_settings.apply(self.fd, carried(settings), self.place)
            if (self.actual.data_bits, self.actual.parity) == (8, "N"):
                self.software = SoftwareParity(settings)
                return
        if not termios_settings.is_pseudo(self.fd):
            raise TransportError(f"{self.place}: asked for {settings}, the port does {self.actual}")

    def sent(self, octets: bytes) -> bytes:
        """Octets as they go to the port."""
        return self.software.sent(0.0, octets)[0][1] if self.software else octets

    def received(self, octets: bytes) -> bytes:
        """Octets as they came from the port."""
        return self.software.received(0.0, octets)[0][1] if self.software else octets

    def patience(self, octets: int) -> float:
        """Seconds that sending so many octets may take."""
        return self.settings.seconds(octets) + SLACK

    def drained(self) -> bool:
        """Whether everything has left; a pseudo-terminal sends nothing and counts as drained."""
        return termios_settings.is_pseudo(self.fd) or not termios_settings.unsent(self.fd)


class SerialLine:
    """A blocking line over a serial port, which it owns.

    Attributes:
        place: path of the port.
    """

    def __init__(self, path: str, settings: LineSettings) -> None:
        self.place = path
        self._port = open_port(path, settings.baud)
        self._lost: Disconnected | None = None
        self._fd: int = self._port.fileno()
        try:
            self._format = _Format(self._fd, settings, path)
        except Exception:
            self._port.close()
            raise
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._fd, select.POLLIN)
        self._writable.register(self._fd, select.POLLOUT)

    @property
    def settings(self) -> LineSettings:
        """What the line does now."""
        return self._format.settings

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def write(self, octets: bytes) -> None:
        """Send everything, in pieces; raises `Disconnected`."""
        octets = self._format.sent(octets)
        until = time.monotonic() + self._format.patience(len(octets))
        while octets:
            self._check()
            try:
                octets = octets[os.write(self._fd, octets[:PIECE]) :]
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise self._lose("takes no octets") from None
                self._writable.poll(100)
            except OSError as error:
                raise self._lose(trouble(error)) from error

    def read(self, until: float) -> bytes:
        """What has arrived, waiting until then; raises `Disconnected`."""
        while True:
            self._check()
            ready = self._readable.poll(max(0.0, until - time.monotonic()) * 1000)
            try:
                octets = os.read(self._fd, PIECE) if ready else b""
            except BlockingIOError:
                octets = b""
            except OSError as error:
                raise self._lose(trouble(error)) from error
            if octets:
                octets = self._format.received(octets)
            elif ready and ready[0][1] & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                raise self._lose("the port was hung up")
            if octets or time.monotonic() >= until:
                return octets

    def pause(self, until: float) -> None:
        """Wait."""
        time.sleep(max(0.0, until - time.monotonic()))

    def reconfigure(self, settings: LineSettings) -> None:
        """Change speed and character format, once everything has been sent."""
        self._check()
        self._drain()
        try:
            self._format.set(settings)
        except TransportError as error:
            if termios_settings.unsent(self._fd) == 0 and not self._alive():
                raise self._lose("the port is gone") from error
            raise

    def close(self) -> None:
        """Give the port back, after a moment for what is still to be sent."""
        if self._lost is None:
            with contextlib.suppress(TransportError):
                self._drain()
            self._lose("closed by us")

    def fileno(self) -> int:
        """For waiting on several lines."""
        return self._fd

    def _drain(self) -> None:
        until = time.monotonic() + self._format.patience(PIECE)
        while not self._format.drained() and time.monotonic() < until:
            time.sleep(0.002)

    def _alive(self) -> bool:
        try:
            termios_settings.read(self._fd)
        except (termios.error, OSError):
            return False
        return True

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _lose(self, why: str) -> Disconnected:
        self._lost = Disconnected(f"{self.place}: {why}")
        termios_settings.discard_unsent(self._fd)
        with contextlib.suppress(OSError, termios.error):
            self._port.close()
        return self._lost


class AsyncSerialLine(StreamLine):
    """An asyncio line over a serial port, which it owns; `place` is the path of the port."""

    _format: _Format

    @property
    def settings(self) -> LineSettings:
        """What the line does now."""
        return self._format.settings

    def adopt(self, port: serial.Serial, settings: LineSettings) -> None:
        """Set the port, once its transport has been made (making it resets the port)."""
        self._format = _Format(port.fileno(), settings, self.place)

    def data_received(self, data: bytes) -> None:
        """Keep octets for the reader."""
        super().data_received(self._format.received(data))

    async def write(self, octets: bytes) -> None:
        """Send everything, in pieces; raises `Disconnected`."""
        octets = self._format.sent(octets)
        for start in range(0, len(octets), PIECE):
            await super().write(octets[start : start + PIECE])
            await self._written(self._format.patience(PIECE))

    async def reconfigure(self, settings: LineSettings) -> None:
        """Change speed and character format, once everything has been sent."""
        if self._lost is not None:
            raise self._lost
        await self._drain()
        try:
            self._format.set(settings)
        except termios.error as error:  # pragma: no cover  the device vanished between two calls
            raise Disconnected(f"{self.place}: {error.args[-1]}") from error

    async def close(self) -> None:
        """Give the port back, after a moment for what is still to be sent."""
        if self._lost is None:
            with contextlib.suppress(TransportError):
                await self._drain()
            termios_settings.discard_unsent(self._format.fd)  # the transport would wait for it, blocking everybody
        await super().close()

    async def _drain(self) -> None:
        patience = self._format.patience(PIECE)
        await self._written(patience)
        until = self.now() + patience
        # the driver has a counter and no event
        while not self._format.drained() and self.now() < until and self._lost is None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    async def _written(self, patience: float) -> None:
        """Wait until the port has taken everything from the transport."""
        until = self.now() + patience
        pause = 0.0
        transport: Any = self._transport
        while self._lost is None and transport.get_write_buffer_size():
            if self.now() >= until:
                termios_settings.discard_unsent(self._format.fd)
                self.abort("takes no octets")
                break
            await asyncio.sleep(pause)
            pause = min(0.02, pause + 0.001)
        if self._lost is not None:
            raise self._lost


async def aopen_serial(path: str, settings: LineSettings) -> AsyncSerialLine:
    """An asyncio line over a serial port; raises `TransportError` naming the port."""
    import serial_asyncio  # noqa: PLC0415  nobody who blocks needs it

    port = open_port(path, settings.baud)
    line = AsyncSerialLine(path)
    try:
        line.adopt(port, settings)
        serial_asyncio.SerialTransport(asyncio.get_running_loop(), line, port)
        line.adopt(port, settings)
    except (TransportError, LocalProtocolError):
        port.close()
        raise
    except (OSError, termios.error) as error:
        port.close()
        raise TransportError(f"cannot open serial port {path}: {error.args[-1]}") from error
    await asyncio.sleep(0)  # the transport connects in two steps of the loop
    await asyncio.sleep(0)
    return line
