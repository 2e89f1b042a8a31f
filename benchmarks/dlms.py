"""What an exchange of DLMS/COSEM consists of, beside gurux-dlms: association, GET, and an HDLC frame of 128 octets.

Both sides do the whole of it: octets of a frame to the value inside, values to the octets of a frame.
"""

from __future__ import annotations

from benchmarks import gurux, samples
from benchmarks.codecs import CONSTRUCT, beside
from benchmarks.rows import Row
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import agreed, request
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor, Invoke
from meterwire.protocols.dlms.xdlms.get import GetRequestNormal
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.nodes import Variant

_NONE = AuthenticationMechanism.NONE
_AARE = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000501f04000007")
_TAKES = 0x0400
_ENERGY, _RAW = bytes((1, 0, 1, 8, 0, 255)), 349_343


def rows_association() -> list[Row]:
    """AARQ and AARE without authentication."""
    wrapper, apdu = codec(Wrapper), codec(APDU)

    def aarq() -> bytes:
        return wrapper.build(Wrapper(16, 1, request(_NONE, b"", 0xFFFF)))

    def aare() -> int:
        return agreed(apdu.parse(_AARE).value, _NONE).max_pdu

    assert aare() == _TAKES
    building, reading = {}, {}
    if gurux.version() is not None:
        theirs, read = gurux.requests()[0], gurux.aare_reader(_AARE)
        assert bytes(theirs()[0])[8:10] == aarq()[8:10] == b"\x60\x1d"
        assert read() == _TAKES
        building, reading = {"gurux-dlms": theirs}, {"gurux-dlms": read}
    reference = Codec(APDU, None, CONSTRUCT)
    assert reference.parse(_AARE) == apdu.parse(_AARE)
    reading[CONSTRUCT] = lambda: agreed(reference.parse(_AARE).value, _NONE).max_pdu
    return [
        *beside("DLMS AARQ in a wrapper: build", aarq, building, None),
        *beside("DLMS AARE, 43 octets: to what was agreed", aare, reading, None),
    ]


def rows_get() -> list[Row]:
    """GET of an energy: the request to octets, the answer to its value."""
    wrapper, apdu = codec(Wrapper), codec(APDU)
    answer = samples.wrapped(samples.get_response(b"\x06" + _RAW.to_bytes(4, "big")))

    def ask() -> bytes:
        wanted = GetRequestNormal(Invoke(priority=1, number=1), AttributeDescriptor(3, _ENERGY, 2))
        return wrapper.build(Wrapper(16, 1, apdu.build(Variant(ApduTag.GET_REQUEST, wanted))))

    def read() -> int:
        value: int = apdu.parse(wrapper.parse(answer).apdu).value.result.value.value
        return value

    assert read() == _RAW
    building, reading = {}, {}
    if gurux.version() is not None:
        theirs, found = gurux.requests()[1], gurux.reader(answer)
        assert bytes(theirs()[0])[-10:] == ask()[-10:]
        assert found() == _RAW
        building, reading = {"gurux-dlms": theirs}, {"gurux-dlms": found}
    return [
        *beside("DLMS GET request in a wrapper: build", ask, building, None),
        *beside("DLMS GET response in a wrapper: to its value", read, reading, None),
    ]


def rows_hdlc() -> list[Row]:
    """An information field of 128 octets: LLC, and a GET-response with octets."""
    text = bytes(range(128 - 3 - 4 - 2))
    information = b"\xe6\xe7\x00" + samples.get_response(b"\x09" + bytes((len(text),)) + text)
    assert len(information) == 128
    frames, apdu, reference = codec(Frame), codec(APDU), Codec(Frame, None, CONSTRUCT)
    octets = frames.build(Frame(Format(), b"\x21", b"\x03", 0x30, information))
    framer = HdlcFramer()

    def read() -> bytes:
        (piece,) = framer.receive(octets)
        found: bytes = apdu.parse(codec(Llc).parse(piece.message.information).apdu).value.result.value.value
        return found

    def build() -> bytes:
        return frames.build(Frame(Format(), b"\x21", b"\x03", 0x30, information))

    assert read() == text
    assert reference.parse(octets) == frames.parse(octets)
    reading = {}
    if gurux.version() is not None:
        theirs = gurux.reader(octets, "HDLC")
        assert bytes(theirs()) == text
        reading = {"gurux-dlms": theirs}
    message = frames.parse(octets)
    return [
        *beside("HDLC frame, 128 octets of information: to the value inside", read, reading, None),
        *beside("HDLC frame: parse", lambda: frames.parse(octets), {CONSTRUCT: lambda: reference.parse(octets)}, None),
        *beside("HDLC frame: build", build, {CONSTRUCT: lambda: reference.build(message)}, None),
    ]


def run() -> list[Row]:
    """All rows of this file."""
    return [*rows_association(), *rows_get(), *rows_hdlc()]
