"""Faults that are planted into the meter's HDLC layer, one for each named test, so that each is seen to fail."""

from meterwire.meter_model.faces.dlms import hdlc as dlms_hdlc
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.protocols.hdlc import session
from meterwire.protocols.hdlc.address import Address, parsed
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.numbers import Numbers
from meterwire.protocols.hdlc.parameters import LARGEST_INFORMATION, Parameters
from meterwire.protocols.hdlc.session import Link
from meterwire.protocols.wire import framing
from meterwire.protocols.wire.checks import crc_x25
from meterwire.protocols.wire.codec import codec


class Tolerant:
    """A framer that takes one frame at a time and leaves out the checks it is told to."""

    ignored: frozenset[str] = frozenset()

    def receive(self, data):
        whole = data[:1] == data[-1:] == b"\x7e"
        if (not whole and "flags" not in self.ignored) or len(data.strip(b"\x7e")) < 7:
            return []
        message = self._message(data.strip(b"\x7e"))
        return [] if message is None else [framing.Frame(message, data, 0)]

    def idle(self):
        return []

    def _message(self, body):
        if "length" not in self.ignored and (int.from_bytes(body[:2], "big") & 0x7FF) != len(body):
            return None
        if "type" not in self.ignored and body[0] >> 4 != 10:
            return None
        at, addresses = 2, []
        for _ in range(2):
            end = next((place for place in range(at, len(body)) if body[place] & 1), at)
            addresses.append(body[at : end + 1])
            at = end + 1
        head, rest = body[: at + 1], body[at + 1 :]
        if "fcs" not in self.ignored and crc_x25(body[:-2]).to_bytes(2, "little") != body[-2:]:
            return None
        if len(rest) > 2 and "hcs" not in self.ignored and crc_x25(head).to_bytes(2, "little") != rest[:2]:
            return None
        return Frame(Format(), *addresses, body[at], rest[2:-2] if len(rest) > 2 else b"")


def tolerant(ignored):
    def plant(patch):
        kind = type("Planted", (Tolerant,), {"ignored": frozenset({ignored})})
        patch.setattr(dlms_hdlc, "HdlcFramer", kind)

    return plant


def plant(owner, name, value):
    return lambda patch: patch.setattr(owner, name, value)


def _own_flags_alone(self, data):
    """One flag never serves two frames."""
    return framing.Framer(codec(Frame)).receive(data)


def _one_flag_alone(self, data):
    """Fill between frames is not understood."""
    return [] if b"\x7e\x7e" in data else _RECEIVE(self, data)


_RECEIVE, _TAKE, _MINE = HdlcFramer.receive, Numbers.take, FaceDlmsHdlc.is_mine


def _three_octets(octets):
    return Address(1) if len(octets) == 3 else parsed(octets)


def _everybody(patch):
    patch.setattr(Address, "is_broadcast", property(lambda self: False))
    patch.setattr(FaceDlmsHdlc, "is_mine", lambda self, address: True)


def _count(self, number):
    self.receive = (self.receive + 1) % 8
    return True


def _without_limit(self, peer):
    return Parameters(min(self.info_tx, peer.info_rx), LARGEST_INFORMATION, 1, 1)


FAULTS = {
    "HDLC_FRAME_P1": plant(Link, "replies", lambda self: b""),
    "HDLC_FRAME_P2": plant(HdlcFramer, "receive", _one_flag_alone),
    "HDLC_FRAME_P3": plant(HdlcFramer, "receive", _own_flags_alone),
    "HDLC_FRAME_N1": tolerant("flags"),
    "HDLC_FRAME_N2": tolerant("length"),
    "HDLC_FRAME_N3": tolerant("type"),
    "HDLC_FRAME_N4": tolerant("length"),
    "HDLC_FRAME_N5": plant(Link, "_unfit", lambda self, frame, reason: []),
    "HDLC_FRAME_N7": tolerant("hcs"),
    "HDLC_FRAME_N8": tolerant("fcs"),
    "HDLC_ADDRESS_P1": plant(FaceDlmsHdlc, "is_mine", lambda self, address: address.size == 1 and address.upper == 1),
    "HDLC_ADDRESS_N1": plant(FaceDlmsHdlc, "is_mine", lambda self, address: address.lower in (None, 17)),
    "HDLC_ADDRESS_N4": plant(FaceDlmsHdlc, "is_mine", lambda self, address: address.upper == 1),
    "HDLC_ADDRESS_N6": _everybody,
    "HDLC_ADDRESS_N7": plant(dlms_hdlc, "parsed", _three_octets),
    "HDLC_NDM2NRM_P1": plant(Link, "_move", lambda self, kind: None),
    "HDLC_NDM2NRM_P2": plant(session, "offered", lambda information: Parameters()),
    "HDLC_INFO_P1": plant(Numbers, "take", lambda self, number: True),
    "HDLC_INFO_N1": plant(Parameters, "agreed", _without_limit),
    "HDLC_INFO_N2": plant(Numbers, "take", _count),
    "HDLC_INFO_N3": plant(Numbers, "acknowledge", lambda self, receive: True),
    "HDLC_NDMOP_N1": plant(Link, "_misplaced", lambda self, frame, said: []),
}
"""Name of the test to what is done to the meter, given pytest's monkeypatch."""
