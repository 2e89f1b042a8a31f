"""The frame between a concentrator and its local communication module (Q/GDW 10376.2)."""

from __future__ import annotations

from meterwire.protocols.gdw376_2.codes import ADDRESS
from meterwire.protocols.wire.checks import sum8
from meterwire.protocols.wire.declare import bits, field, hidden, message, part
from meterwire.protocols.wire.nodes import (
    NOTHING,
    REST,
    U8,
    U16L,
    Check,
    Choice,
    Const,
    Many,
    Octets,
    Ref,
    Size,
)


@bits(U8)
class Control:
    """Control field C."""

    direction: int = part(1, "DIR: 0 from the concentrator, 1 from the module")
    initiator: int = part(1, "PRM: 1 from the side that began")
    mode: int = part(
        6, "communication mode: 1 and 2 narrowband, 3 HPLC, 4 dual mode, 10 micro-power radio, 20 Ethernet"
    )


@bits(U8)
class Route:
    """First octet of the information field R."""

    relays: int = part(4, "relay level")
    collision: int = part(1, "collision detection (downlink)")
    module: int = part(1, "module flag: 1 a secondary module, addresses follow")
    sub_node: int = part(1, "sub-node flag (downlink)")
    bypass: int = part(1, "route flag: 0 with routing, 1 bypass")


@bits(U8)
class Channel:
    """Second octet of the information field R."""

    coding: int = part(4, "error correction, 1 is Reed-Solomon (downlink)")
    channel: int = part(4, "channel")


@message(cite="Q/GDW 10376.2-2019, information field R, downlink")
class Downlink:
    """Information field from concentrator to module."""

    route: Route = field(Route, "route and flags")
    channel: Channel = field(Channel, "channel and coding")
    answer: int = field(U8, "octets expected in the answer, 0 default")
    rate: int = field(U16L, "rate, bit 15 means kbit/s, 0 default")
    sequence: int = field(U8, "sequence number")


@bits(U8)
class Phase:
    """Third octet of the information field R, uplink."""

    feature: int = part(4, "channel feature of the meter: 1 to 4")
    phase: int = part(4, "phase measured: 0 unknown, 1 to 3")


@bits(U8)
class Quality:
    """Fourth octet of the information field R, uplink."""

    answer: int = part(4, "signal quality of the last answer, 0 none, 1 worst")
    command: int = part(4, "signal quality of the last command, 0 none, 1 worst")


@message(cite="Q/GDW 10376.2-2019, information field R, uplink")
class Uplink:
    """Information field from module to concentrator."""

    route: Route = field(Route, "route and flags")
    channel: Channel = field(Channel, "channel")
    phase: Phase = field(Phase, "phase and channel feature")
    quality: Quality = field(Quality, "signal quality")
    event: int = field(U8, "bit 0: an event waits")
    sequence: int = field(U8, "sequence number of the request")


_WITH_ADDRESS = Ref("information.route.module")
_RELAYS = Choice(_WITH_ADDRESS, {0: NOTHING, 1: Many(Ref("information.route.relays"), ADDRESS)})


@message(cite="Q/GDW 10376.2-2019, link frame")
class Frame:
    """A frame of the concentrator's local interface."""

    start = hidden(Const(b"\x68"), "start")
    length = hidden(Size(U16L, "start", "end"), "L: octets of the whole frame")
    control: Control = field(Control, "control field (C)")
    information: Downlink | Uplink = field(
        Choice(Ref("control.direction"), {0: Downlink, 1: Uplink}), "information (R)"
    )
    source: str | None = field(Choice(_WITH_ADDRESS, {0: NOTHING, 1: ADDRESS}), "source address (A1)")
    relays: tuple[str, ...] | None = field(Choice(Ref("control.direction"), {0: _RELAYS, 1: NOTHING}), "relays (A2)")
    destination: str | None = field(Choice(_WITH_ADDRESS, {0: NOTHING, 1: ADDRESS}), "destination address (A3)")
    function: int = field(U8, "application function (AFN)")
    dt1: int = field(U8, "DT1: bit of Fn")
    dt2: int = field(U8, "DT2: group of Fn")
    data: bytes = field(Octets(REST), "data")
    checksum = hidden(Check(U8, sum8, "control"), "check sum (CS)")
    end = hidden(Const(b"\x16"), "end")


def fn(dt1: int, dt2: int) -> int | None:
    """The number n of Fn; None where DT1 does not name exactly one bit."""
    if dt1.bit_count() != 1:
        return None
    return dt2 * 8 + dt1.bit_length()


def dt(number: int) -> tuple[int, int]:
    """DT1 and DT2 of Fn."""
    return 1 << (number - 1) % 8, (number - 1) // 8
