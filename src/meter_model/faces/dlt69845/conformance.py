"""What the DL/T 698.45 face says of itself when it is connected to, and in object 4400."""

from __future__ import annotations

from typing import Any, Final

import msgspec

VERSION: Final = 0x0016
FRAME_SIZE: Final = 2048
"""Longest frame the meter takes and sends, octets; what is longer is noise to it."""
TIMEOUT: Final = 7200
"""Seconds after which an association that is not used is over."""

_SERVED: Final = (0, 1, 2, 3, 6, 7, 8, 9, 12, 13, 14, 17, 18, 19, *range(20, 27), 29, 31, 32)
PROTOCOL: Final = sum(1 << 63 - bit for bit in _SERVED).to_bytes(8, "big")
"""Protocol conformance, first bit highest: association; GET normal, list, record, next; SET and ACTION, alone, in lists
and with GET; reports, in passing too, and ACD; APDUs in pieces, both ways; protected transfer; attribute 0."""
FUNCTIONS: Final = sum(1 << 127 - bit for bit in (*range(8), 10, 13, 14, 16, 17, 18, 29, 30)).to_bytes(16, "big")
"""Functional conformance: active, bidirectional, reactive and apparent energy; demand of these; rates; remote control
of the load; harmonic contents and distortion; event records and reports; temperature; upgrade and comparison of the
software."""


class Conformance(msgspec.Struct, frozen=True):
    """What a device says that it can do: protocol and functional conformance."""

    protocol: bytes
    functions: bytes


METER: Final = Conformance(PROTOCOL, FUNCTIONS)
_PROXIES: Final = (4, 5, 10, 11, 15, 16, 30)
_TERMINAL: Final = (15, 27)
CONCENTRATOR: Final = Conformance(
    (int.from_bytes(PROTOCOL, "big") | sum(1 << 63 - bit for bit in _PROXIES)).to_bytes(8, "big"),
    (int.from_bytes(FUNCTIONS, "big") | sum(1 << 127 - bit for bit in _TERMINAL)).to_bytes(16, "big"),
)
"""A concentrator is a proxy, too, of meters that speak DL/T 645 as well; it is a terminal that searches for meters."""


def conformance_of(meter: Any) -> Conformance:
    """What a device can do."""
    return METER if getattr(meter, "concentrator", None) is None else CONCENTRATOR
