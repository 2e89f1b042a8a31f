"""From a captured packet to the octets that an application sent: link, IP and transport layers, as far as needed.

Whatever is not understood is None: a capture holds much that is none of our business.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Final, Literal

import msgspec

from meterwire.transports.capture.packets import Packet

RAW: Final = range(147, 163)  # USER0 to USER15: octets of a line
_VLAN: Final = {0x8100, 0x88A8, 0x9100}
_IPV6_FAMILIES: Final = {10, 24, 28, 30}  # AF_INET6 of the systems
_PASSED_OVER: Final = {0, 43, 60}  # extension headers: hop-by-hop, routing, destination options


class Segment(msgspec.Struct, frozen=True):
    """The payload of one TCP segment or UDP datagram, with what reassembly needs."""

    protocol: Literal["tcp", "udp"]
    source: str
    destination: str
    octets: bytes
    sequence: int = 0
    opens: bool = False  # SYN


def segment(packet: Packet) -> Segment | None:
    """The transport segment in a packet, or None."""
    try:
        internet = _internet(packet.link, packet.octets)
        return None if internet is None else _transport(*internet)
    except (struct.error, IndexError, ValueError):
        return None


def _internet(link: int, octets: bytes) -> tuple[bytes, str, str, int] | None:
    """Payload, source, destination and protocol number of the IP packet."""
    kind, body = _link(link, octets)
    if kind == 0x0800 and body[0] >> 4 == 4:
        return _ipv4(body)
    if kind == 0x86DD and body[0] >> 4 == 6:
        return _ipv6(body)
    return None


def _link(link: int, octets: bytes) -> tuple[int, bytes]:
    """Ethernet type and what follows."""
    if link == 1:
        (kind,) = struct.unpack_from(">H", octets, 12)
        position = 14
        for _ in range(3):
            if kind not in _VLAN:
                break
            (kind,) = struct.unpack_from(">H", octets, position + 2)
            position += 4
        return kind, octets[position:]
    if link == 113:
        return struct.unpack_from(">H", octets, 14)[0], octets[16:]
    if link == 276:
        return struct.unpack_from(">H", octets)[0], octets[20:]
    if link in {0, 108}:
        family = max(octets[:4])  # one octet of four is not zero, whatever their order
        return 0x0800 if family == 2 else 0x86DD if family in _IPV6_FAMILIES else 0, octets[4:]
    if link in {12, 14, 101, 228, 229}:
        return {4: 0x0800, 6: 0x86DD}.get(octets[0] >> 4, 0), octets
    return 0, b""


def _ipv4(octets: bytes) -> tuple[bytes, str, str, int] | None:
    total, _, fragment, _, protocol = struct.unpack_from(">HHHBB", octets, 2)
    if fragment & 0x3FFF:  # a part of a packet
        return None
    head = (octets[0] & 15) * 4
    source, destination = (str(ipaddress.IPv4Address(octets[at : at + 4])) for at in (12, 16))
    return octets[head : total or None], source, destination, protocol  # 0: left to the network card


def _ipv6(octets: bytes) -> tuple[bytes, str, str, int] | None:
    (length,) = struct.unpack_from(">H", octets, 4)
    source, destination = (f"[{ipaddress.IPv6Address(octets[at : at + 16])}]" for at in (8, 24))
    following, position = octets[6], 40
    for _ in range(8):
        if following not in _PASSED_OVER:
            break
        following, position = octets[position], position + 8 + 8 * octets[position + 1]
    return octets[position : 40 + length if length else None], source, destination, following


def _transport(octets: bytes, source: str, destination: str, protocol: int) -> Segment | None:
    if protocol not in {6, 17}:
        return None
    ports = struct.unpack_from(">HH", octets)
    source, destination = f"{source}:{ports[0]}", f"{destination}:{ports[1]}"
    if protocol == 17:
        (length,) = struct.unpack_from(">H", octets, 4)
        return Segment("udp", source, destination, octets[8:length])
    sequence, flags = struct.unpack_from(">I", octets, 4)[0], octets[13]
    head = (octets[12] >> 4) * 4
    if head < 20:
        return None
    return Segment("tcp", source, destination, octets[head:], sequence, opens=bool(flags & 2))
