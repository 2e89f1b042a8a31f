"""Reading a capture file as octets of lines: pcap and pcapng, raw lines as `Record` writes them, TCP and UDP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from meterwire.errors import MalformedError
from meterwire.transports.capture.layers import RAW, segment
from meterwire.transports.capture.packets import Packet, packets
from meterwire.transports.capture.piece import Piece
from meterwire.transports.capture.streams import Streams


def read_capture(file: BinaryIO) -> Iterator[Piece]:
    """Everything that an application or a line carried, in the order of capture.

    TCP is put together again per direction; a datagram is a piece; other packets are passed over.

    Raises:
        MalformedError: the file is broken; everything before has been given.
    """
    streams = Streams()
    try:
        for packet in packets(file):
            yield from _pieces(packet, streams)
    except MalformedError:
        yield from streams.flush()
        raise
    yield from streams.flush()


def _pieces(packet: Packet, streams: Streams) -> Iterator[Piece]:
    if packet.link in RAW:
        yield Piece(
            octets=packet.octets,
            time=packet.time,
            direction=packet.direction,
            flow=f"{packet.interface} {packet.direction or ''}".strip(),
            missing=packet.cut,
            remark=packet.comment,
        )
        return
    found = segment(packet)
    if found is None:
        return
    if found.protocol == "tcp":
        yield from streams.take(found, packet.time)
    elif found.octets:
        yield Piece(octets=found.octets, time=packet.time, flow=f"{found.source} > {found.destination}")
