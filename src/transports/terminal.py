"""An asyncio transport over the meter's side of a pseudo-terminal, which behaves as a serial line does.

The user's side may be closed and opened again as often as anybody likes; the line stays, and so does whoever is served
on it. There is no flow control: octets that nobody reads are lost once the buffers are full.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from typing import Any, Final

from meterwire.errors import TransportError
from meterwire.transports import termios_settings

_READ: Final = 4096
_BACKLOG: Final = 1 << 16  # octets kept for a user who does not read


class PseudoTerminal(asyncio.Transport):
    """Makes a pseudo-terminal and serves a protocol on it; raises `TransportError` when the system has none left.

    Args:
        protocol: is given what the user writes.
        link: path of a symbolic link to make to the user's side, or empty.
        baud: when given, octets that come while the user's side is set to another speed are lost, as they would be.

    Attributes:
        path: what the user opens.
        lost: octets that nobody took, and octets that came at the wrong speed.
    """

    def __init__(self, protocol: asyncio.Protocol, link: str = "", baud: int | None = None) -> None:
        super().__init__()
        self.lost = 0
        self.baud = baud
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._backlog = bytearray()
        self._closing = self._reading = self._writing = False
        self._link = ""
        try:
            # our own hold on the user's side keeps the line alive while nobody else has it open
            self._master, self._slave = os.openpty()
        except OSError as error:
            raise TransportError(f"no pseudo-terminal can be had: {error.strerror}") from error
        self.path = os.ttyname(self._slave)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        if link:
            self._make_link(link)
        protocol.connection_made(self)
        self.resume_reading()

    def _make_link(self, link: str) -> None:
        try:
            if os.path.islink(link) and not os.path.exists(link):  # noqa: PTH114, PTH110  left by somebody who was killed
                os.unlink(link)  # noqa: PTH108
            os.symlink(self.path, link)  # noqa: PTH211
        except OSError as error:
            os.close(self._master)
            os.close(self._slave)
            raise TransportError(f"cannot make the link {link}: {error.strerror}") from error
        self.path = self._link = link

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`path` is what the user opens."""
        return self.path if name == "path" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send; what does not fit into the buffers is lost."""
        room = _BACKLOG - len(self._backlog)
        self.lost += max(0, len(data) - room)
        self._backlog += bytes(data)[:room]
        if not self._writing:
            self._write_ready()

    def close(self) -> None:
        """Give the pseudo-terminal back."""
        self.abort()

    def abort(self) -> None:
        """Give the pseudo-terminal back."""
        if self._closing:
            return
        self.pause_reading()
        self._stop_writing()
        self._closing = True
        if self._link:
            with contextlib.suppress(OSError):
                os.unlink(self._link)  # noqa: PTH108
        os.close(self._master)
        os.close(self._slave)
        self._loop.call_soon(self._protocol.connection_lost, None)

    def is_closing(self) -> bool:
        """Whether it has been given back."""
        return self._closing

    def pause_reading(self) -> None:
        """Take nothing from the user."""
        if self._reading and not self._closing:
            self._loop.remove_reader(self._master)
        self._reading = False

    def resume_reading(self) -> None:
        """Take octets from the user."""
        if not self._reading and not self._closing:
            self._loop.add_reader(self._master, self._read_ready)
            self._reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There are none: what is not taken is lost."""

    def get_write_buffer_size(self) -> int:
        """Octets that still wait."""
        return len(self._backlog)

    def _read_ready(self) -> None:
        try:
            octets = os.read(self._master, _READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # cannot happen while we hold the user's side; if it does, the line is gone
            self.abort()
            return
        if not self._at_speed():
            self.lost += len(octets)
            return
        self._protocol.data_received(octets)

    def _at_speed(self) -> bool:
        if self.baud is None:
            return True
        with contextlib.suppress(termios.error, OSError):
            return termios_settings.read(self._slave).baud == self.baud
        return False

    def _write_ready(self) -> None:
        try:
            while self._backlog:
                del self._backlog[: os.write(self._master, self._backlog[:2048])]
        except (BlockingIOError, InterruptedError):
            if not self._writing:
                self._loop.add_writer(self._master, self._write_ready)
                self._writing = True
            return
        except OSError:
            self._backlog.clear()
        self._stop_writing()

    def _stop_writing(self) -> None:
        if self._writing and not self._closing:
            self._loop.remove_writer(self._master)
        self._writing = False
