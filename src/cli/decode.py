"""`meterwire decode`: frames as trees of fields with octet spans, names and units; garbage as garbage."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from meterwire.cli.decode_input import Input, Source, read_input
from meterwire.cli.objects import objects_from
from meterwire.cli.output import print_json
from meterwire.errors import LocalProtocolError
from meterwire.protocols.recognise import (
    DIALECTS,
    Explanation,
    Joiner,
    Piece,
    TitleKeys,
    dissection,
    keys_of,
    pieces,
    plain,
)
from meterwire.protocols.wire.dissect import Dissection, printable, render, tree
from meterwire.transports.capture.piece import Piece as Chunk

_MOST_GARBAGE: Final = 256
"""Octets of garbage shown to people; JSON has them all."""
_WIDTH: Final = 96
"""Longest value shown to people, in characters."""
_DAY: Final = 86400
_FOUND, _NOTHING_VALID = 0, 1


class Shown(msgspec.Struct):
    """A piece of the input, where it was found, and its tree; no tree for garbage."""

    piece: Piece
    chunk: Chunk
    found: Dissection | None


def decode(
    source: str,
    *,
    dialect: str | None = None,
    json: bool = False,
    keys: Path | None = None,
    objects: Path | None = None,
) -> int:
    """Show what is in the input; 0 if there was a valid frame or message, 1 if not.

    Args:
        source: hex text, the name of a file (hex text, a log, pcap, pcapng, raw octets), or `-`.
        dialect: take this one alone.
        json: one array, an object for each frame and each piece of garbage.
        keys: TOML file with keys for ciphered layers.
        objects: CSV file with objects of DL/T 698.45 that the standard has not.

    Raises:
        LocalProtocolError: the input, the dialect or the keys are none.
    """
    if dialect is not None and dialect not in DIALECTS:
        raise LocalProtocolError(f"{dialect!r} is no dialect: choose one of {', '.join(DIALECTS)}")
    given = read_input(source)
    with objects_from(objects):
        shown = list(decoded(given, dialect, keys_in(keys)))
        if json:
            print_json(as_object(one) for one in shown)
        else:
            _print_lines(line for one in shown for line in as_lines(one))
    if given.fault:
        print(f"meterwire: {given.fault}", file=sys.stderr)
    return _FOUND if any(one.piece.is_valid for one in shown) else _NOTHING_VALID


def decoded(given: Input, dialect: str | None = None, keys: Sequence[TitleKeys] = ()) -> Iterator[Shown]:
    """All pieces of an input in the order in which they begin, each with its tree."""
    placed: list[tuple[int, Piece, Chunk]] = []
    for source in given.sources:
        joiner = Joiner()
        for piece in pieces(source.octets, dialect, cuts=source.cuts, parts=source.parts):
            placed.append(_placed(source, piece, piece.offset))
            placed += [_placed(source, whole, piece.offset) for whole in joiner.take(piece)]
    explanation = Explanation(keys)
    for _, piece, chunk in sorted(placed, key=lambda one: one[0]):
        yield Shown(piece, chunk, dissection(piece, explanation))


def _placed(source: Source, piece: Piece, at: int) -> tuple[int, Piece, Chunk]:
    """A piece with its place among all octets of the input; one that was put together stands behind its last part."""
    place, chunk = source.chunk_at(at)
    if not piece.parts:
        return place, msgspec.structs.replace(piece, offset=place), chunk
    parts = tuple(source.chunk_at(part)[0] for part in piece.parts)
    return place, msgspec.structs.replace(piece, parts=parts), chunk


def keys_in(path: Path | None) -> tuple[TitleKeys, ...]:
    """The keys in a TOML file; raises LocalProtocolError where it is none, never repeating a key."""
    if path is None:
        return ()
    try:
        return keys_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise LocalProtocolError(f"the keys file cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise LocalProtocolError(f"{path} is no TOML file") from None


def as_object(shown: Shown) -> dict[str, Any]:
    """A piece for programs. `error` is what is wrong with the frame itself; faults of inner layers are in the tree.

    What was put together from several frames has `parts` as well: the offsets of these, of which `offset` is the first.
    """
    piece, candidate = shown.piece, shown.piece.candidate
    made: dict[str, Any] = {
        "dialect": None,
        "offset": piece.offset,
        "octets": piece.octets.hex().upper(),
        "value": None,
        "tree": None,
        "error": piece.reason,
    }
    if candidate is not None and shown.found is not None:
        made["dialect"] = candidate.dialect
        made["value"] = plain(candidate.message, candidate.codec.layout)
        made["tree"] = tree(shown.found.root)
        made["error"] = shown.found.root.error or None
    if piece.parts:
        made |= {"offset": piece.parts[0], "parts": list(piece.parts)}
    return made


def as_lines(shown: Shown) -> list[str]:
    """A piece for people: a heading, and the tree."""
    piece = shown.piece
    when = _circumstances(shown.chunk)
    if piece.candidate is None or shown.found is None:
        octets = piece.octets[:_MOST_GARBAGE].hex(" ").upper()
        more = f" ... {len(piece.octets)} octets in all" if len(piece.octets) > _MOST_GARBAGE else ""
        return [f"garbage at {piece.offset}{when}: {octets}{more} ({piece.reason})"]
    other = f"; or {piece.runner_up.title} ({piece.runner_up.dialect})" if piece.runner_up else ""
    at = ", ".join(map(str, piece.parts)) or piece.offset
    heading = f"{piece.candidate.dialect} at {at}{when}: {piece.candidate.title}{other}"
    return [heading, *(f"  {line}" for line in render(shown.found, width=_WIDTH))]


def _circumstances(chunk: Chunk) -> str:
    """When, which way and in which stream, as far as the input says."""
    parts = []
    if chunk.time is not None:
        stamp = datetime.fromtimestamp(chunk.time, UTC)
        parts.append(f"{stamp:%H:%M:%S.%f}"[:-3] if chunk.time < _DAY else f"{stamp:%Y-%m-%d %H:%M:%S.%f}"[:-3])
    flow = chunk.flow or chunk.direction or ""
    parts += [word for word in (flow, f"({chunk.remark})" if chunk.remark else "") if word]
    return printable(f", {' '.join(parts)}") if parts else ""


def _print_lines(lines: Iterator[str]) -> None:
    if not sys.stdout.isatty():
        for line in lines:
            print(line)
        return
    from rich.console import Console  # noqa: PLC0415  only where there is somebody to see colours
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    for line in lines:
        text = Text(line)
        for pattern, style in _STYLES:
            text.highlight_regex(pattern, style)
        console.print(text, soft_wrap=True)


_STYLES: Final = (
    (r"^ +\d+\.\.\d+ *(?:#\d+)?", "dim"),
    (r"^(?:dl|gdw|mbus|axdr)\S* at \d+.*", "bold"),
    (r"^garbage.*", "yellow"),
    (r" = [^\[(!]*", "cyan"),
    (r" \[[^\]]*\]", "green"),
    (r" !! .*", "bold red"),
)
