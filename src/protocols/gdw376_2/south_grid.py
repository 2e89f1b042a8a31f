"""The shell of another protocol that passes for ours: China Southern Power Grid's local module interface.

Start, length, control, sum and end are the same; there is no information field, and data are named by an identifier
that begins with E8H. Only the shell is known here: it is recognised so that it is not taken for Q/GDW 10376.2.
"""

from __future__ import annotations

from typing import Final

from meterwire.protocols.gdw376_2.codes import ADDRESS
from meterwire.protocols.wire.checks import sum8
from meterwire.protocols.wire.declare import bits, field, hidden, message, part
from meterwire.protocols.wire.nodes import NOTHING, REST, U8, U16L, Check, Choice, Const, Octets, Ref, Size

IDENTIFIERS: Final = b"\xe8"
"""High octet of every data identifier, sent last."""


@bits(U8)
class SouthControl:
    """Control field of the Southern Power Grid's interface; its low bits are reserved, where ours have the mode."""

    direction: int = part(1, "DIR: 0 from the concentrator, 1 from the module")
    initiator: int = part(1, "PRM: 1 from the side that began")
    addressed: int = part(1, "ADD: 1 where addresses follow")
    reserved: int = part(5, "reserved, 0", fixed=True)


@message(cite="China Southern Power Grid, local module interface (form known from comparison with Q/GDW 10376.2-2019)")
class SouthFrame:
    """A frame of the Southern Power Grid's interface; what stands in it is left as octets."""

    start = hidden(Const(b"\x68"), "start")
    length = hidden(Size(U16L, "start", "end"), "L: octets of the whole frame")
    control: SouthControl = field(SouthControl, "control field (C)")
    source: str | None = field(Choice(Ref("control.addressed"), {0: NOTHING, 1: ADDRESS}), "source address")
    destination: str | None = field(Choice(Ref("control.addressed"), {0: NOTHING, 1: ADDRESS}), "destination address")
    function: int = field(U8, "application function (AFN)")
    sequence: int = field(U8, "sequence number (SEQ)")
    item: bytes = field(Octets(3), "data identifier (DI), low octets")
    family = hidden(Const(IDENTIFIERS), "data identifier, high octet")
    data: bytes = field(Octets(REST), "data")
    checksum = hidden(Check(U8, sum8, "control"), "check sum (CS)")
    end = hidden(Const(b"\x16"), "end")
