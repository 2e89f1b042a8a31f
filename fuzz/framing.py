"""What every framing target checks."""

from __future__ import annotations

from typing import Any

from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect
from meterwire.protocols.wire.framing import Frame, Framer, Garbage

SINGLY = 600
"""Longest input that is also given one octet at a time."""


def check_framing(message: Any, data: bytes, *, edition: int | None = None, fill: bytes = b"") -> None:
    """Cut octets in frames and garbage, whole and singly, lose nothing, and take the frames apart."""
    layout = codec(message, edition)
    whole = _cut(Framer(layout, fill=fill), data, len(data) or 1)
    at = 0
    for piece in whole:
        octets = piece.preamble + piece.octets if isinstance(piece, Frame) else piece.octets
        assert data.startswith(octets, at), "octets were lost"
        at += len(octets)
    assert at == len(data), "octets were lost"
    if len(data) <= SINGLY:
        singly = _cut(Framer(layout, fill=fill), data, 1)
        same = [_key(piece) for piece in whole] == [_key(piece) for piece in singly]
        assert same or any(_holds_another(piece, layout) for piece in whole), "cut differently one by one"
    for piece in whole[:4]:
        dissect(layout, piece.octets, spans=256)


def _holds_another(piece: Frame[Any] | Garbage, layout: Any) -> bool:
    """Whether a frame carries another one in clear: given one by one, the inner one is complete first, and found."""
    if not isinstance(piece, Frame):
        return False
    return any(isinstance(inner, Frame) for inner in _cut(Framer(layout), piece.octets[1:], len(piece.octets)))


def _cut(framer: Framer[Any], data: bytes, size: int) -> list[Frame[Any] | Garbage]:
    pieces: list[Frame[Any] | Garbage] = []
    for at in range(0, len(data), size):
        pieces += framer.receive(data[at : at + size])
    return pieces + framer.idle()


def _key(piece: Frame[Any] | Garbage) -> tuple[bool, int, bytes]:
    return isinstance(piece, Frame), piece.offset, piece.octets
