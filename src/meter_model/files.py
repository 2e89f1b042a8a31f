"""Files that a meter takes in blocks: what has come, whether it is right, when it shall take effect; all of it durable.

A transfer that was cut off goes on where it was: whoever announces the same file again finds the blocks that arrived.
What a real meter does with the image is its maker's business: this one runs it, which means that its program memory
reads as the image from then on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import local_seconds
from meterwire.protocols.wire.checks import crc_x25

if TYPE_CHECKING:
    from meterwire.meter_model.agenda import Appointment
    from meterwire.meter_model.meter import Meter

LARGEST: Final = 4 << 20
"""Octets of a file that are taken at most."""
SMALLEST_BLOCK, LARGEST_BLOCK = 16, 0xFFFF
_MOST_BLOCKS: Final = 0xFFFF
_ERASED: Final = 0xFF


class NoTransfer(LookupError):  # noqa: N818  an answer of the model, which each face turns into its refusal
    """No transfer is going on, or it is over."""


class Announced(msgspec.Struct, frozen=True):
    """A file as it was announced.

    Attributes:
        source: its name where it comes from; likewise `target`.
        size: octets.
        attributes: `rwx` as bits.
        version: of its content.
        category: number of what it is for, in the terms of the dialect.
        block: octets of each block but the last.
        check: `none`, `crc`, `md5`, `sha1`, `trailer` (a CRC-32 at its end), or `other`, which nothing checks.
        digest: that the file must have.
    """

    source: str
    target: str
    size: int
    attributes: str
    version: str
    category: int
    block: int
    check: str = "none"
    digest: bytes = b""

    @property
    def blocks(self) -> int:
        """How many blocks it has."""
        return -(-self.size // self.block)

    def length(self, number: int) -> int:
        """Octets of a block, numbered from 0; raises IndexError."""
        if not 0 <= number < self.blocks:
            raise IndexError(number)
        return min(self.block, self.size - number * self.block)


class Files:
    """The file transfer of one meter.

    Args:
        meter: that takes the files.

    Attributes:
        announced: the file that is being taken, or was taken last; None for none.
        running: the file whose image runs; None for the program that the meter was made with.
        due: when what has been taken shall run, local; None where nobody has said.
        enabled: whether images are taken, for a dialect that can say that they are not.
        verdict: what the last verification said, None while there was none of what has come.
        server: stands in for the file server that the meter is told to fetch from and send to: octets by name.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.announced: Announced | None = None
        self.running: Announced | None = None
        self.due: dt.datetime | None = None
        self.enabled = True
        self.verdict: bool | None = None
        self.server: dict[str, bytes] = {}
        self._parts: dict[int, bytes] = {}
        self._image = b""
        self._changes = 0
        self._activation: Appointment | None = None

    # ------------------------------------------------------------ taking a file

    @staticmethod
    def check(file: Announced) -> None:
        """Raises LocalProtocolError for a file that is not taken."""
        if not SMALLEST_BLOCK <= file.block <= LARGEST_BLOCK:
            raise LocalProtocolError(f"blocks of {file.block} octets: {SMALLEST_BLOCK} to {LARGEST_BLOCK}")
        if not 1 <= file.size <= LARGEST or file.blocks > _MOST_BLOCKS:
            raise LocalProtocolError(f"a file of {file.size} octets: 1 to {LARGEST}, at most {_MOST_BLOCKS} blocks")

    def start(self, file: Announced) -> None:
        """A file is announced: the same one again goes on, another one begins anew; raises LocalProtocolError."""
        self.check(file)
        if file == self.announced:
            return
        self.cancel()
        self.announced = file

    def write(self, number: int, octets: bytes) -> None:
        """Take a block, numbered from 0; the same one twice is harmless.

        Raises:
            NoTransfer: no file was announced.
            IndexError: it has no such block.
            LocalProtocolError: the block is of another length.
        """
        file = self._file()
        if len(octets) != file.length(number):
            raise LocalProtocolError(f"block {number} of {len(octets)} octets, not {file.length(number)}")
        if self._parts.get(number) != octets:
            self._parts[number] = bytes(octets)
            self.verdict = None
            self._changes += 1

    def read(self, number: int) -> bytes:
        """A block that has arrived, numbered from 0; raises NoTransfer, and IndexError where it has not."""
        self._file()
        if number not in self._parts:
            raise IndexError(number)
        return self._parts[number]

    def take(self, file: Announced, octets: bytes) -> None:
        """Take a whole file at once; raises LocalProtocolError where it is not as long as was announced."""
        if len(octets) != file.size:
            raise LocalProtocolError(f"a file of {len(octets)} octets, not {file.size}")
        self.cancel()
        self.start(file)
        for number in range(file.blocks):
            self.write(number, octets[number * file.block :][: file.block])

    def content(self) -> bytes:
        """The file that was taken last; raises NoTransfer, and LocalProtocolError while blocks are missing."""
        self._file()
        if not self.complete:
            raise LocalProtocolError("blocks are missing")
        return self._whole()

    @property
    def blocks(self) -> str:
        """For each block `1` where it has arrived, else `0`."""
        count = 0 if self.announced is None else self.announced.blocks
        return "".join("1" if number in self._parts else "0" for number in range(count))

    @property
    def complete(self) -> bool:
        """Whether every block has arrived."""
        return self.announced is not None and len(self._parts) == self.announced.blocks

    @property
    def progress(self) -> int:
        """Blocks that have arrived, in per cent, cut off."""
        return 0 if self.announced is None else 100 * len(self._parts) // self.announced.blocks

    @property
    def verified(self) -> bool:
        """Whether the file is complete and has the digest that was announced."""
        return self.complete and _DIGESTS[self._file().check](self._whole(), self._file().digest)

    def verify(self) -> bool:
        """Look whether it is right, and remember what came of it."""
        self.verdict = self.verified
        self._changes += 1
        return self.verdict

    def cancel(self) -> None:
        """Give the transfer up, and forget the file; what runs goes on."""
        self.schedule(None)
        self.announced = self.verdict = None
        self._parts.clear()
        self._changes += 1

    # ------------------------------------------------------------ making it run

    def schedule(self, due: dt.datetime | None) -> None:
        """Let what has been taken run at a moment, local; one that has passed means at once. None takes that back."""
        if self._activation is not None:
            self._activation.cancel()
            self._activation = None
        self.due = due
        self._changes += 1
        if due is not None:
            self._meter.advance()
            moment = local_seconds(due)
            if moment <= self._meter.second:
                self.activate()
            else:
                self._activation = self._meter.agenda.at(moment, self._activate_now)

    def activate(self) -> bool:
        """Run what has been taken, if it is right; say whether it does."""
        if not self.verified:
            return False
        self.running, self._image = self._file(), self._whole()
        self._changes += 1
        self._meter.note_event("upgraded")
        return True

    def _activate_now(self) -> None:
        self._activation = None
        self.activate()

    def program(self, address: int, length: int) -> bytes:
        """Program memory as it reads: the image that runs, behind it erased; the maker's program is made up."""
        if self.running is None:
            return _made_up(self._meter.seed, address, length)
        return self._image[address : address + length].ljust(length, bytes([_ERASED]))

    def compare(self, factor: int, address: int, length: int, *, factor_length: int = 16) -> bytes:
        """What a comparison of the software answers: proof that the meter has these octets.

        The real algorithm is the secure element's and not public; this is HMAC-SHA-256 under a factor, an own choice.
        """
        return hmac.digest(self.program(factor, factor_length), self.program(address, length), "sha256")

    # ------------------------------------------------------------ storage

    @property
    def mark(self) -> tuple[object, ...]:
        """Differs whenever the state does."""
        return self._changes, self.announced, self.enabled

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {
            "announced": None if self.announced is None else msgspec.to_builtins(self.announced),
            "running": None if self.running is None else msgspec.to_builtins(self.running),
            "due": None if self.due is None else self.due.isoformat(),
            "parts": [[number, octets] for number, octets in self._parts.items()],
            "image": self._image,
            "enabled": self.enabled,
            "verdict": self.verdict,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; raises ValueError, KeyError or TypeError for what is none."""
        self.announced = None if state["announced"] is None else msgspec.convert(state["announced"], Announced)
        self.running = None if state["running"] is None else msgspec.convert(state["running"], Announced)
        self._parts = {int(number): bytes(octets) for number, octets in state["parts"]}
        self._image = bytes(state["image"])
        self.enabled, self.verdict = bool(state.get("enabled", True)), state.get("verdict")
        due = state["due"]
        self.due = None if due is None else dt.datetime.fromisoformat(due)
        if self.due is not None and local_seconds(self.due) > self._meter.second:
            self._activation = self._meter.agenda.at(local_seconds(self.due), self._activate_now)

    def _whole(self) -> bytes:
        return b"".join(self._parts[number] for number in range(self._file().blocks))

    def _file(self) -> Announced:
        if self.announced is None:
            raise NoTransfer("no file was announced")
        return self.announced


def _made_up(seed: int, address: int, length: int) -> bytes:
    page = 4096
    first, last = address // page, -(-(address + length) // page)
    pages = (hashlib.shake_256(f"{seed} {number}".encode()).digest(page) for number in range(first, last))
    return b"".join(pages)[address - first * page :][:length]


def _crc(octets: bytes, digest: bytes) -> bool:
    """Which CRC the facts at hand do not say: by its length that of the link (X-25) or CRC-32, high octet first."""
    return digest in {crc_x25(octets).to_bytes(2, "big"), zlib.crc32(octets).to_bytes(4, "big")}


_DIGESTS: Final[Mapping[str, Callable[[bytes, bytes], bool]]] = {
    "none": lambda *_: True,
    "other": lambda *_: True,
    "trailer": lambda octets, _: zlib.crc32(octets[:-4]).to_bytes(4, "big") == octets[-4:],
    "crc": _crc,
    "md5": lambda octets, digest: hashlib.md5(octets, usedforsecurity=False).digest() == digest,
    "sha1": lambda octets, digest: hashlib.sha1(octets, usedforsecurity=False).digest() == digest,
}
