"""Cutting the line into messages. What an ACK or a line of text is depends on who listens, and on what came before."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from meterwire.protocols.iec62056_21.messages import (
    Acknowledge,
    Block,
    Command,
    Identification,
    Message,
    Option,
    Plain,
    Repeat,
    SignOn,
    block_check,
)

LONGEST_LINE: Final = 2 + 32 + 8
LONGEST_BLOCK: Final = 1 << 17
"""Octets of the longest block that is waited for."""

_LOT: Final = 512
"""Octets up to which garbage is put together."""
_RUN: Final = re.compile(rb"[\x01\x02]+")
_START: Final = re.compile(rb"[/\x01\x02\x06\x15]")
_MARK: Final = re.compile(rb"[\x01-\x04]")
_LINE: Final = re.compile(rb"/\?([^!/\r\n\x80-\xff]{0,32})!\Z")
_NAMED: Final = re.compile(rb"/([A-Za-z]{3})([\x21-\x7e])((?:\\[\x20-\x7e])*)([\x20-\x2e\x30-\x7e]{0,32})\Z")
_COMMAND: Final = re.compile(rb"([PRWEB][0-9])(?:\x02(.*))?\Z", re.DOTALL)
_OPTION: Final = re.compile(rb"\x06([0-9])([0-9A-F])([0-9A-Z])\r\n")


class Found(msgspec.Struct, frozen=True):
    """A message, and its octets."""

    message: Message
    octets: bytes


class Garbage(msgspec.Struct, frozen=True):
    """Octets that are no message, and why."""

    octets: bytes
    reason: str


class Reader:
    """Messages out of a stream, given in any pieces.

    Args:
        limit: octets of the longest block.

    Attributes:
        options: an ACK may begin an option message; else it stands alone.
        plain: take text without a frame as a data block, up to a line that begins with `!`.
    """

    def __init__(self, limit: int = LONGEST_BLOCK) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._from = 0  # where the end of an unfinished message is looked for
        self.plain = self.options = False

    def receive(self, data: bytes) -> list[Found | Garbage]:
        """Take octets; give the messages and the garbage that are now complete."""
        self._buffer += data
        pieces: list[Found | Garbage] = []
        while self._buffer and self._one(pieces, final=False):
            self._from = 0
            if isinstance(getattr(pieces[-1], "message", None), Identification):
                break  # what follows may be text without a frame: whoever listens says so first
        return pieces

    def idle(self) -> list[Found | Garbage]:
        """The line fell silent: what is incomplete will not be completed."""
        pieces: list[Found | Garbage] = []
        while self._buffer:
            self._from = 0
            if not self._one(pieces, final=True):
                self._condemn(pieces, self._next(), "a message that does not end")
        self._from = 0
        return pieces

    def reset(self) -> None:
        """Forget what has come."""
        self._buffer.clear()
        self._from, self.plain, self.options = 0, False, False

    def _next(self) -> int:
        found = _START.search(self._buffer, 1)
        return found.start() if found else len(self._buffer)

    def _condemn(self, pieces: list[Found | Garbage], octets: int, reason: str) -> bool:
        lot = bytes(self._buffer[:octets])
        del self._buffer[:octets]
        last = pieces[-1] if pieces else None
        if isinstance(last, Garbage) and len(last.octets) < _LOT:
            pieces[-1] = Garbage(last.octets + lot, last.reason)
        else:
            pieces.append(Garbage(lot, reason))
        return True

    def _take(self, pieces: list[Found | Garbage], message: Message, octets: int) -> bool:
        pieces.append(Found(message, bytes(self._buffer[:octets])))
        del self._buffer[:octets]
        return True

    def _one(self, pieces: list[Found | Garbage], *, final: bool) -> bool:
        """One piece from the head of the buffer; False when more octets are needed."""
        head = self._buffer[0]
        if self.plain and head not in b"\x01\x02\x06\x15":
            return self._text(pieces)
        if head == 0x2F:
            return self._line(pieces)
        if head in (0x01, 0x02):
            return self._framed(pieces)
        if head == 0x06:
            return self._ack(pieces, final=final)
        if head == 0x15:
            return self._take(pieces, Repeat(), 1)
        return self._condemn(pieces, self._next(), "no message begins here")

    def _line(self, pieces: list[Found | Garbage]) -> bool:
        end = self._buffer.find(b"\n", self._from, LONGEST_LINE)
        again = self._buffer.find(b"/", 1, LONGEST_LINE if end < 0 else end)
        if again > 0:
            return self._condemn(pieces, again, "a line that does not end")
        if end < 0:
            self._from = len(self._buffer)
            return len(self._buffer) >= LONGEST_LINE and self._condemn(pieces, self._next(), "a line that does not end")
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        if sign_on := _LINE.match(line):
            return self._take(pieces, SignOn(sign_on[1].decode()), end + 1)
        if named := _NAMED.match(line):
            escapes = named[3].decode()[1::2]
            found = Identification(named[1].decode(), named[2].decode(), named[4].decode(), escapes)
            return self._take(pieces, found, end + 1)
        return self._condemn(pieces, self._next(), "neither a sign-on nor an identification")

    def _ack(self, pieces: list[Found | Garbage], *, final: bool) -> bool:
        option = _OPTION.match(self._buffer) if self.options else None
        if option is None:
            if self.options and not final and _may_be_option(self._buffer):
                return False
            return self._take(pieces, Acknowledge(), 1)
        return self._take(pieces, Option(*(group.decode() for group in option.groups())), option.end())

    def _framed(self, pieces: list[Found | Garbage]) -> bool:
        run = _RUN.match(self._buffer)
        if run and run.end() > 1:
            return self._condemn(pieces, run.end() - 1, "a message that does not end")
        mark = _MARK.search(self._buffer, max(1, self._from))
        if mark and self._buffer[0] == 0x01 and mark[0] == b"\x02" and self._buffer.find(b"\x02", 1) == mark.start():
            mark = _MARK.search(self._buffer, mark.end())
        if mark and mark[0] in b"\x01\x02":
            return self._condemn(pieces, mark.start(), "a message that does not end")
        if mark is None or mark.end() >= len(self._buffer):
            if len(self._buffer) <= self._limit:
                return False
            return self._condemn(pieces, self._next(), "a block that does not end")
        end = mark.end()
        body = bytes(self._buffer[1:end])
        if block_check(body) != self._buffer[end]:
            return self._condemn(pieces, self._next(), "a wrong block check character")
        content, more = body[:-1], body[-1:] == b"\x04"
        if self._buffer[0] == 0x02:
            return self._take(pieces, Block(content, more), end + 1)
        command = _COMMAND.match(content)
        if command is None:
            return self._condemn(pieces, self._next(), "no command that exists")
        return self._take(pieces, Command(command[1].decode(), command[2], more), end + 1)

    def _text(self, pieces: list[Found | Garbage]) -> bool:
        """Up to the line that begins with the exclamation mark."""
        mark = self._buffer.find(b"!", self._from)
        end = self._buffer.find(b"\n", mark) if mark >= 0 else -1
        if end < 0:
            self._from = max(0, mark if mark >= 0 else len(self._buffer))
            if len(self._buffer) <= self._limit:
                return False
            self.plain = False
            return self._condemn(pieces, self._next(), "a block that does not end")
        self.plain = False
        block = Plain(bytes(self._buffer[:mark]), bytes(self._buffer[mark + 1 : end]).rstrip(b"\r"))
        return self._take(pieces, block, end + 1)


def _may_be_option(buffer: bytearray) -> bool:
    """Whether an ACK and what stands behind it may still become an option."""
    kinds = (b"0123456789", b"0123456789ABCDEF", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"\r", b"\n")
    behind = buffer[1:6]
    return all(octet in kind for octet, kind in zip(behind, kinds, strict=False)) and len(behind) < 5
