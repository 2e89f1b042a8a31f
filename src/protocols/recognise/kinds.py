"""The kinds of frame that can be told apart in a stream, and how much each says for itself.

Five kinds begin with octets of their own and end with a check; the wrapper of DLMS has neither, so that only an APDU
which makes sense inside vouches for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlt645.edition1997 import is_of_1997
from meterwire.protocols.dlt645.frame import WAKE_UP
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt645.frame import Function as Function645
from meterwire.protocols.dlt69845.link import EDITION, Link
from meterwire.protocols.dlt69845.link import Function as Function698
from meterwire.protocols.gdw376_2.frame import Frame as Frame376
from meterwire.protocols.gdw376_2.frame import fn
from meterwire.protocols.gdw376_2.functions import APPLICATIONS as FUNCTIONS_376
from meterwire.protocols.gdw376_2.south_grid import SouthFrame
from meterwire.protocols.hdlc.frame import Frame as HdlcFrame
from meterwire.protocols.mbus.frame import LongFrame, ShortFrame, ShortFunction
from meterwire.protocols.wire.codec import Codec, codec

DIALECTS: Final = ("dlt645", "dlt69845", "gdw376-2", "csg", "dlms-hdlc", "dlms", "mbus", "axdr", "iec62056-21")
"""What can be recognised. `dlms` is the wrapper, the APDU behind an LLC header and the bare APDU; `axdr` bare Data."""

SURE: Final = 0.9
"""From this likelihood on nothing else is looked for."""
LIKELY: Final = 0.7
"""From this likelihood on a frame may claim octets in which others might begin."""
LONGEST: Final = (1 << 16) + 8
"""No frame is longer, in octets: the wrapper's header and the longest APDU."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of frame.

    Attributes:
        dialect: the name it is called by.
        layout: its declaration, in this edition.
        fill: octets that may stand in front of it any number of times.
        checked: whether a check at its end vouches for it.
        summed: where its sum begins if that may be long, so that it can be looked up instead of being added up.
        judge: how likely a well-formed message is meant as one.
    """

    dialect: str
    layout: Any
    judge: Callable[[Any], float]
    edition: int | None = None
    fill: bytes = b""
    checked: bool = True
    summed: int = 0

    @property
    def codec(self) -> Codec[Any]:
        """Reads it."""
        return codec(self.layout, self.edition)


def _judge_645(message: Frame645) -> float:
    known = isinstance(message.control.function, Function645) or is_of_1997(message)
    return 0.98 if known else 0.9


def _judge_698(message: Link) -> float:
    return 0.99 if isinstance(message.control.function, Function698) else 0.9


def _judge_376(message: Frame376) -> float:
    """The sum of 8 bits is all that protects it, and its length is all its structure."""
    if not message.control.mode & 0x1F:
        return 0.4  # no mode of communication: it may be the Southern Power Grid's protocol in the same shell
    return 0.97 if message.function in FUNCTIONS_376 and fn(message.dt1, message.dt2) is not None else 0.6


def _judge_hdlc(message: HdlcFrame) -> float:
    del message
    return 0.99


def _judge_mbus(message: LongFrame) -> float:
    return 0.95 if not message.information.reserved else 0.8


def _judge_short(message: ShortFrame) -> float:
    return 0.9 if isinstance(message.control, ShortFunction) else 0.3


def _judge_wrapper(message: Wrapper) -> float:
    return 0.95 if message.apdu else 0.3


DLT645: Final = Kind("dlt645", Frame645, _judge_645, fill=WAKE_UP)
DLT69845: Final = Kind("dlt69845", Link, _judge_698, EDITION, fill=WAKE_UP)
GDW376_2: Final = Kind("gdw376-2", Frame376, _judge_376, summed=3)
SOUTH_GRID: Final = Kind("csg", SouthFrame, lambda _: 0.98, summed=3)
HDLC: Final = Kind("dlms-hdlc", HdlcFrame, _judge_hdlc, fill=b"\x7e")
MBUS: Final = Kind("mbus", LongFrame, _judge_mbus)
MBUS_SHORT: Final = Kind("mbus", ShortFrame, _judge_short)
WRAPPER: Final = Kind("dlms", Wrapper, _judge_wrapper, checked=False)
KINDS: Final = (DLT645, DLT69845, GDW376_2, SOUTH_GRID, HDLC, MBUS, MBUS_SHORT, WRAPPER)

FILL: Final = frozenset(b"".join(kind.fill for kind in KINDS))
"""Octets that some kind of frame lets stand in front of it."""


def kinds_of(dialect: str | None) -> tuple[Kind, ...]:
    """The kinds of frame of one dialect, all of them for None; empty where a dialect has no frames."""
    return tuple(kind for kind in KINDS if dialect in (None, kind.dialect))
