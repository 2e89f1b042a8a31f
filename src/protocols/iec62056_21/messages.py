"""The messages of IEC 62056-21 and their octets (clause 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import xor
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dialogue import LineSettings

SOH, STX, ETX, EOT, ACK, NAK = b"\x01", b"\x02", b"\x03", b"\x04", b"\x06", b"\x15"
END: Final = b"\r\n"

OPENING: Final = LineSettings(300, 7, "E", 1)
"""What every mode but D begins with."""
PUSH: Final = LineSettings(2400, 7, "E", 1)
"""What mode D sends with."""
BAUDS_B: Final[Mapping[str, int]] = dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True))
BAUDS_C: Final[Mapping[str, int]] = dict(zip("0123456", (300, 600, 1200, 2400, 4800, 9600, 19200), strict=True))


def block_check(octets: bytes) -> int:
    """Block check character: the exclusive sum of what follows the first SOH or STX, ETX or EOT included (6.3.10)."""
    return reduce(xor, octets, 0)


class SignOn(msgspec.Struct, frozen=True):
    """`/?address!`: whose address is this (6.3.1)."""

    address: str = ""

    @property
    def octets(self) -> bytes:
        """As sent; raises `LocalProtocolError`."""
        if not self.address.isascii() or len(self.address) > 32 or set(self.address) & set("/!?\r\n"):
            raise LocalProtocolError(f"{self.address!r} is no device address: at most 32 characters")
        return b"/?" + self.address.encode() + b"!" + END


class Identification(msgspec.Struct, frozen=True):
    """`/XXXZident` (6.3.2).

    Attributes:
        manufacturer: three letters; a small third one announces the short reaction time.
        baud: character Z that says the speed, and the mode with it.
        text: identification, at most 16 characters.
        enhanced: characters that followed backslashes in front of it, such as `2` for HDLC (mode E).
    """

    manufacturer: str
    baud: str
    text: str = ""
    enhanced: str = ""

    @property
    def octets(self) -> bytes:
        """As sent."""
        escapes = "".join(f"\\{one}" for one in self.enhanced)
        return f"/{self.manufacturer}{self.baud}{escapes}{self.text}".encode() + END

    @property
    def mode(self) -> str:
        """Protocol mode that Z announces: A, B, C, or E where the enhanced identification says so."""
        if self.baud in BAUDS_C:
            return "E" if "2" in self.enhanced else "C"
        return "B" if self.baud in BAUDS_B else "A"

    def settings(self, *, binary: bool = False) -> LineSettings:
        """The line after the change of speed; eight bits without parity in mode E."""
        speed = BAUDS_C.get(self.baud) or BAUDS_B.get(self.baud) or OPENING.baud
        return LineSettings(speed, 8, "N", 1) if binary else LineSettings(speed, 7, "E", 1)


class Option(msgspec.Struct, frozen=True):
    """`ACK V Z Y`: what the reader wants after the identification (6.3.3).

    Attributes:
        protocol: V: `0` normal, `1` secondary, `2` HDLC.
        baud: Z.
        control: Y: `0` data readout, `1` programming mode, `2` binary mode (HDLC).
    """

    protocol: str
    baud: str
    control: str

    @property
    def octets(self) -> bytes:
        """As sent."""
        return ACK + f"{self.protocol}{self.baud}{self.control}".encode() + END


class Acknowledge(msgspec.Struct, frozen=True):
    """A lone ACK: received, go on."""

    octets = ACK


class Repeat(msgspec.Struct, frozen=True):
    """NAK: say that again."""

    octets = NAK


class Command(msgspec.Struct, frozen=True):
    """A programming command or its operand (6.3.7).

    Attributes:
        code: letter and type: P0 to P2 password, R and W read and write, E execute, B break.
        data: data set behind STX, None where there is none.
        more: a partial block: more of it follows.
    """

    code: str
    data: bytes | None = None
    more: bool = False

    @property
    def octets(self) -> bytes:
        """As sent, with its block check."""
        data = b"" if self.data is None else STX + self.data
        body = self.code.encode() + data + (EOT if self.more else ETX)
        return SOH + body + bytes((block_check(body),))


class Block(msgspec.Struct, frozen=True):
    """A data message with its block check; `more` says that it is a partial one."""

    data: bytes
    more: bool = False

    @property
    def octets(self) -> bytes:
        """As sent."""
        body = self.data + (EOT if self.more else ETX)
        return STX + body + bytes((block_check(body),))


class Plain(msgspec.Struct, frozen=True):
    """A data block without frame and check, up to its `!`: modes A and D. `tail` is what stands behind the `!`."""

    data: bytes
    tail: bytes = b""

    @property
    def octets(self) -> bytes:
        """As sent."""
        return self.data + b"!" + self.tail + END


Message = SignOn | Identification | Option | Acknowledge | Repeat | Command | Block | Plain
