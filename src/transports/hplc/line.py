"""A line to one meter behind a module: what is written goes through the module, what is read has been unwrapped."""

from __future__ import annotations

from meterwire.protocols.dialogue import AsyncLine, Line, LineSettings
from meterwire.protocols.gdw376_2.tunnel import Tunnel


class HplcLine:
    """A blocking line through a module; `read` raises `Refused` with a `Denial` where the module reached nobody."""

    def __init__(self, line: Line, tunnel: Tunnel) -> None:
        self._line, self._tunnel = line, tunnel

    def now(self) -> float:
        """The time of the line to the module."""
        return self._line.now()

    def write(self, octets: bytes) -> None:
        """Send octets to the meter, as one piece."""
        self._line.write(self._tunnel.wrap(octets))

    def read(self, until: float) -> bytes:
        """What the meter said, waiting until then; reports of the module are confirmed meanwhile."""
        while True:
            octets = self._line.read(until)
            inner, back = self._tunnel.receive(octets) if octets else self._tunnel.idle()
            if back:
                self._line.write(back)
            if inner or not octets or self._line.now() >= until:
                return inner

    def pause(self, until: float) -> None:
        """Wait."""
        self._line.pause(until)

    def reconfigure(self, settings: LineSettings) -> None:
        """The meter's own line is the affair of its node."""

    def close(self) -> None:
        """Give the line to the module back."""
        self._line.close()


class AsyncHplcLine:
    """The same for asyncio."""

    def __init__(self, line: AsyncLine, tunnel: Tunnel) -> None:
        self._line, self._tunnel = line, tunnel

    def now(self) -> float:
        """The time of the line to the module."""
        return self._line.now()

    async def write(self, octets: bytes) -> None:
        """Send octets to the meter, as one piece."""
        await self._line.write(self._tunnel.wrap(octets))

    async def read(self, until: float) -> bytes:
        """What the meter said, waiting until then; reports of the module are confirmed meanwhile."""
        while True:
            octets = await self._line.read(until)
            inner, back = self._tunnel.receive(octets) if octets else self._tunnel.idle()
            if back:
                await self._line.write(back)
            if inner or not octets or self._line.now() >= until:
                return inner

    async def pause(self, until: float) -> None:
        """Wait."""
        await self._line.pause(until)

    async def reconfigure(self, settings: LineSettings) -> None:
        """The meter's own line is the affair of its node."""

    async def close(self) -> None:
        """Give the line to the module back."""
        await self._line.close()
