"""Writing pcapng: the octets of lines as packets of link type USER0, with direction, for Wireshark and for ourselves.

Octets are written as they pass, without invented network layers: a serial line has none. In Wireshark the protocol of
USER0 is chosen under Preferences, Protocols, DLT_USER. An interface is one line or connection; its description names
the endpoint, and so does a comment at its first packet.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final, Literal

from meterwire.transports.capture.packets import ENHANCED_PACKET, INTERFACE, SECTION

USER0: Final = 147
_PIECE: Final = 1 << 18  # octets of one packet; Wireshark refuses larger ones
_DIRECTION: Final = {"received": 1, "sent": 2, None: 0}  # epb_flags: inbound, outbound, unknown


class CaptureFile:
    """A pcapng file that is being written; each packet is handed to the system at once.

    A file that cannot be written any more (a full disk) must not stop the line: writing ends, and `error` says why.

    Attributes:
        error: why writing has ended.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.error: OSError | None = None
        self._file = file
        self._interfaces = 0
        self._comments: dict[int, str] = {}
        self._put(_block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options({4: b"meterwire"})))

    def interface(self, name: str, description: str = "") -> int:
        """Begin a line or connection; gives its number."""
        described = description or name
        options = {2: name.encode(), 3: described.encode(), 9: b"\x09"}  # if_name, if_description, if_tsresol in ns
        self._put(_block(INTERFACE, struct.pack("<HHI", USER0, 0, 0) + _options(options)))
        self._comments[self._interfaces] = described
        self._interfaces += 1
        return self._interfaces - 1

    def packet(
        self, interface: int, time: float, octets: bytes, direction: Literal["sent", "received"] | None = None
    ) -> None:
        """Write what passed a line, at seconds since 1970."""
        stamp = round(time * 1_000_000_000) & (1 << 64) - 1
        for start in range(0, len(octets), _PIECE):
            piece = octets[start : start + _PIECE]
            head = struct.pack("<5I", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(piece), len(piece))
            options = {2: struct.pack("<I", _DIRECTION[direction])}
            if comment := self._comments.pop(interface, ""):
                options[1] = comment.encode()
            self._put(_block(ENHANCED_PACKET, head + _padded(piece) + _options(options)))

    def close(self) -> None:
        """End the file; more than once is harmless."""
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or error

    def _put(self, block: bytes) -> None:
        if self.error is not None:
            return
        try:
            self._file.write(block)
            self._file.flush()
        except (OSError, ValueError) as error:  # ValueError: somebody closed the file
            self.error = error if isinstance(error, OSError) else OSError(str(error))


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _options(options: dict[int, bytes]) -> bytes:
    listed = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options.items())
    return listed + bytes(4)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
