"""The octets that `meterwire decode` is given: hex text, logs, captures, raw octets; as streams that frames lie in."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.iec62056_21.telegrams import telegrams
from meterwire.transports.capture.hextext import read_hex
from meterwire.transports.capture.packets import is_capture
from meterwire.transports.capture.piece import Piece as Chunk
from meterwire.transports.capture.reading import read_capture

_LONGEST_PATH: Final = 4096
_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r\x0b\x0c\x1b")


class Source(msgspec.Struct):
    """One stream of octets in the input: a line, or one direction of a log or connection.

    Attributes:
        chunks: what came together, in order, each with the place of its first octet among all octets of the input.
    """

    chunks: list[tuple[int, Chunk]] = msgspec.field(default_factory=list)

    @property
    def octets(self) -> bytes:
        """All of the stream."""
        return b"".join(chunk.octets for _, chunk in self.chunks)

    @property
    def cuts(self) -> list[int]:
        """Where the chunks end, counted in the stream."""
        return list(accumulate(len(chunk.octets) for _, chunk in self.chunks))

    @property
    def parts(self) -> list[list[int]]:
        """Where paragraphs of the text begin, and entries of a log, counted in the stream."""
        begins = [0, *self.cuts[:-1]]
        pairs = list(zip(begins, self.chunks, strict=True))
        return [[at for at, (_, chunk) in pairs if chunk.begins >= least] for least in (2, 1)]

    def chunk_at(self, offset: int) -> tuple[int, Chunk]:
        """The chunk that holds an octet of the stream, and where that octet stands among all octets of the input."""
        begin = 0
        for place, chunk in self.chunks:
            if offset < begin + len(chunk.octets):
                return place + offset - begin, chunk
            begin += len(chunk.octets)
        raise IndexError(offset)


class Input(msgspec.Struct):
    """What was given: its streams, what went wrong while it was read, and whether it was an argument of hex text."""

    sources: list[Source]
    fault: str = ""


def read_input(text: str) -> Input:
    """The octets in hex text, in the file of that name, or for `-` in standard input.

    Raises:
        LocalProtocolError: the text is neither hexadecimal digits nor the name of a file that can be read.
    """
    if text == "-":
        return _of_octets(sys.stdin.buffer.read())
    path = _file(text)
    if path is not None:
        try:
            return _of_octets(path.read_bytes())
        except OSError as error:
            raise LocalProtocolError(f"{text} cannot be read: {error.strerror or error}") from error
    found = Input(_streams(line.piece() for line in read_hex(text)))
    if not found.sources:
        raise LocalProtocolError(f"{text[:60]!r} is neither a file nor pairs of hexadecimal digits")
    return found


def _file(text: str) -> Path | None:
    """The file of that name; None where there is none, or where the text is too long for a name, as most frames are."""
    if len(text) >= _LONGEST_PATH or "\0" in text or "\n" in text:
        return None
    try:
        return path if (path := Path(text)).is_file() else None
    except OSError:
        return None


def _of_octets(octets: bytes) -> Input:
    """The content of a file: a capture, text, or else raw octets as they passed a line."""
    if is_capture(octets):
        chunks: list[Chunk] = []
        fault = ""
        try:
            chunks.extend(read_capture(BytesIO(octets)))
        except MalformedError as error:
            fault = f"the capture is broken: {error}"
        return Input(_streams(chunks), fault)
    text = _text(octets)
    if text is None or any(found.kind == "readout" for found in telegrams(octets)):
        return Input(_streams([Chunk(octets=octets)]))
    return Input(_streams(line.piece() for line in read_hex(text)))


def _text(octets: bytes) -> str | None:
    """A file as text, None where it is none."""
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")) and not octets.startswith(b"\xfe\xfe"):
        encodings: tuple[str, ...] = ("utf-16",)
    elif _CONTROLS.intersection(octets):
        return None
    else:
        encodings = ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            return octets.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _streams(chunks: Iterable[Chunk]) -> list[Source]:
    """Chunks by the stream they belong to; a stream that lacks octets goes on as another one."""
    found: list[Source] = []
    latest: dict[str, Source] = {}
    for place, chunk in _placed(chunks):
        source = latest.get(chunk.flow)
        if source is None or chunk.missing:
            source = latest[chunk.flow] = Source()
            found.append(source)
        source.chunks.append((place, chunk))
    return found


def _placed(chunks: Iterable[Chunk]) -> Iterator[tuple[int, Chunk]]:
    place = 0
    for chunk in chunks:
        if chunk.octets:
            yield place, chunk
            place += len(chunk.octets)
