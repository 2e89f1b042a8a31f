"""Captures: pcapng and pcap, TCP streams put together again, recording and playing back."""

import contextlib
import io
import itertools
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import Disconnected, MalformedError, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports import memory
from meterwire.transports.capture.packets import Packet, is_capture, packets
from meterwire.transports.capture.pcapng import CaptureFile
from meterwire.transports.capture.piece import Piece
from meterwire.transports.capture.reading import read_capture
from meterwire.transports.filtering import wrap
from meterwire.transports.record import Record
from meterwire.transports.replay import ReplayLine

START = 1_714_521_600.0


def recorded(Reverser, frame):
    """A capture of a conversation, and its octets as a file."""
    file = io.BytesIO()
    line = memory.ResponderLine(Reverser(), latency=0.25)
    line = wrap(line, Record(CaptureFile(file), "ttyUSB0", "dlt645+serial:///dev/ttyUSB0", lambda now: START + now))
    for content in (b"ab", b"cde"):
        line.write(frame(content))
        assert line.read(line.now() + 1) == frame(content[::-1])
        line.pause(line.now() + 1)
    return file.getvalue()


def test_recording_and_reading(Reverser, frame):
    """Protects the evidence: octets, directions, times and the endpoint come out of the file as they went in."""
    octets = recorded(Reverser, frame)
    assert is_capture(octets)
    pieces = list(read_capture(io.BytesIO(octets)))
    assert [(piece.direction, piece.octets) for piece in pieces] == [
        ("sent", frame(b"ab")),
        ("received", frame(b"ba")),
        ("sent", frame(b"cde")),
        ("received", frame(b"edc")),
    ]
    assert [piece.time - START for piece in pieces] == pytest.approx([0, 0.25, 1.25, 1.5], abs=1e-6)
    assert [piece.flow for piece in pieces[:2]] == ["ttyUSB0 sent", "ttyUSB0 received"]
    assert pieces[0].remark == "dlt645+serial:///dev/ttyUSB0"


def test_the_layout_of_the_file(Reverser, frame):
    """Protects reading by Wireshark: every block as draft-ietf-opsawg-pcapng has it, checked octet by octet."""
    octets = recorded(Reverser, frame)
    blocks, position = [], 0
    while position < len(octets):
        kind, length = struct.unpack_from("<II", octets, position)
        assert length % 4 == 0
        assert octets[position + length - 4 : position + length] == struct.pack("<I", length)
        blocks.append((kind, octets[position + 8 : position + length - 4]))
        position += length
    assert [kind for kind, _ in blocks] == [0x0A0D0D0A, 1, 6, 6, 6, 6]
    assert blocks[0][1][:16] == struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    assert blocks[1][1][:8] == struct.pack("<HHI", 147, 0, 0)
    body = blocks[3][1]
    interface, high, low, captured, length = struct.unpack_from("<5I", body)
    assert (interface, captured, length) == (0, 4, 4)
    assert high << 32 | low == round((START + 0.25) * 1e9)
    assert body[20:] == frame(b"ba") + struct.pack("<HHI", 2, 4, 1) + bytes(4)  # flags: inbound; end of options


def test_several_lines_share_a_file():
    """Protects one file per session: every connection is an interface of its own, long pieces are cut."""
    file = io.BytesIO()
    capture = CaptureFile(file)
    one, other = capture.interface("a", "first"), capture.interface("b")
    capture.packet(other, START, b"x" * 300_000, "received")
    capture.packet(one, START, b"y")
    pieces = list(read_capture(io.BytesIO(file.getvalue())))
    assert [(piece.flow, len(piece.octets), piece.remark) for piece in pieces] == [
        ("b received", 1 << 18, "b"),
        ("b received", 300_000 - (1 << 18), ""),
        ("a", 1, "first"),
    ]
    capture.close()
    capture.packet(one, START, b"z")  # after the end: nothing, and no error that would stop a line
    assert capture.error is not None


def test_a_full_disk_does_not_stop_the_line(Reverser, frame):
    """Protects the meter reading from the recording of it."""

    class Full(io.BytesIO):
        def write(self, octets):
            if self.tell() > 200:
                raise OSError(28, "No space left on device")
            return super().write(octets)

    capture = CaptureFile(Full())
    line = wrap(memory.connected(Reverser()), Record(capture, "a"))
    for _ in range(20):
        line.write(frame(b"ab"))
        assert line.read(line.now() + 1) == frame(b"ba")
    assert capture.error.strerror == "No space left on device"


# ---------------------------------------------------------------- other people's files


def block(order, kind, body):
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


@pytest.mark.parametrize("order", "<>")
def test_blocks_of_other_writers(order):
    """Protects reading: both orders of octets, binary resolution, an offset, old and simple packets, unknown blocks."""
    options = struct.pack(order + "HHB3xHHqHH", 9, 1, 0x80 | 20, 14, 8, 1000, 0, 0)
    time = (5 << 20) + (1 << 19)
    file = b"".join([
        block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(order, 0xBAD, b"what?   "),
        block(order, 1, struct.pack(order + "HHI", 147, 0, 0) + options),
        block(order, 6, struct.pack(order + "5I", 0, 0, time, 3, 9) + b"abc\0"),
        block(order, 3, struct.pack(order + "I", 2) + b"de\0\0"),
        block(order, 2, struct.pack(order + "HH4I", 0, 7, 0, time, 1, 1) + b"f\0\0\0"),
    ])  # fmt: skip
    assert list(packets(io.BytesIO(file))) == [
        Packet(octets=b"abc", link=147, time=1005.5, interface="0", cut=6),
        Packet(octets=b"de", link=147, interface="0"),
        Packet(octets=b"f", link=147, time=1005.5, interface="0"),
    ]
    twice = list(packets(io.BytesIO(file + file)))  # a second section begins anew
    assert len(twice) == 6


@pytest.mark.parametrize("order", "<>")
def test_pcap(order):
    """Protects the older format, in both orders and both units."""
    for magic, unit in ((0xA1B2C3D4, 1e-6), (0xA1B23C4D, 1e-9)):
        file = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 147) + struct.pack(order + "4I", 100, 500, 3, 5)
        (packet,) = packets(io.BytesIO(file + b"abc"))
        assert (packet.octets, packet.link, packet.cut) == (b"abc", 147, 2)
        assert packet.time == pytest.approx(100 + 500 * unit)


def ipv4(source, destination, protocol, payload):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0, source, destination)
    return head + payload


def tcp(ports, sequence, payload, flags=0x18):
    return struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, 0, 0x50, flags, 0, 0, 0) + payload


A, B = b"\x0a\0\0\1", b"\x0a\0\0\2"


def pcap(link, frames):
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    parts = [struct.pack("<4I", number, 0, len(one), len(one)) + one for number, one in enumerate(frames)]
    return io.BytesIO(file + b"".join(parts))


def ethernet(packet, kind=0x0800):
    return bytes(12) + struct.pack(">H", kind) + packet + bytes(max(0, 46 - len(packet)))  # padded, as short frames are


IP = ipv4(A, B, 6, tcp((5000, 4059), 7, b"payload"))


@pytest.mark.parametrize(
    ("link", "octets"),
    [
        (1, ethernet(IP)),
        (1, ethernet(b"\0\5" + b"\x08\0" + IP, 0x8100)),
        (113, bytes(14) + b"\x08\0" + IP),
        (276, b"\x08\0" + bytes(18) + IP),
        (101, IP),
        (0, b"\2\0\0\0" + IP),
        (108, b"\0\0\0\2" + IP),
    ],
)
def test_link_layers(link, octets):
    """Protects captures from wherever they were taken: Ethernet, VLAN, cooked, raw, loopback."""
    (piece,) = read_capture(pcap(link, [octets]))
    assert (piece.octets, piece.flow) == (b"payload", "10.0.0.1:5000 > 10.0.0.2:4059")


def test_ipv6_and_udp():
    """Protects IPv6 with an extension header, and datagrams, with the padding cut off."""
    datagram = struct.pack(">HHHH", 4059, 9, 8 + 5, 0) + b"hello"
    extended = bytes([17, 0]) + bytes(6) + datagram
    packet = struct.pack(">IHBB", 6 << 28, len(extended), 0, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + extended
    (piece,) = read_capture(pcap(1, [ethernet(packet, 0x86DD)]))
    assert (piece.octets, piece.flow) == (b"hello", "[::1]:4059 > [::2]:9")
    (piece,) = read_capture(pcap(1, [ethernet(ipv4(A, B, 17, datagram))]))
    assert piece.octets == b"hello"


def segments(pieces):
    return pcap(101, [ipv4(A, B, 6, tcp((1, 2), sequence, octets)) for sequence, octets in pieces])


@given(st.data(), st.binary(min_size=1, max_size=60), st.sampled_from([0, 5, 0xFFFFFFF0]))
def test_streams_are_put_together_again(data, octets, start):
    """Protects TCP captures: lost and repeated, overlapping and overtaking segments give the stream, once, in order."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))
    bounds = [0, *cuts, len(octets)]
    pieces = [(start + 1 + a, octets[a : max(b, min(len(octets), b + 3))]) for a, b in itertools.pairwise(bounds)]
    again = data.draw(st.lists(st.sampled_from(pieces), max_size=4))
    shuffled = data.draw(st.permutations(pieces + again))
    file = pcap(
        101,
        [ipv4(A, B, 6, tcp((1, 2), start, b"", 2))]
        + [ipv4(A, B, 6, tcp((1, 2), sequence, part)) for sequence, part in shuffled],
    )
    got = list(read_capture(file))
    assert b"".join(piece.octets for piece in got) == octets
    assert not any(piece.missing for piece in got)


def test_missing_segments_are_said():
    """Protects honesty: a hole in a capture is not closed silently; a keep-alive is no hole."""
    got = list(read_capture(segments([(100, b"abc"), (110, b"xyz"), (112, b"z!"), (102, b"c")])))
    assert [(piece.octets, piece.missing) for piece in got] == [(b"abc", 0), (b"xyz", 7), (b"!", 0)]
    many = [(100, b"a"), *((1_000 + 1000 * n, bytes(1000)) for n in range(2000))]
    got = list(read_capture(segments(many)))
    assert sum(len(piece.octets) for piece in got) == 2_000_001
    assert sum(piece.missing for piece in got) == 899


def test_a_new_connection_on_the_same_ports():
    """Protects long captures: a new SYN begins a new stream, wherever its numbers are."""
    frames = [tcp((1, 2), 10, b"", 2), tcp((1, 2), 11, b"one"), tcp((1, 2), 5, b"", 2), tcp((1, 2), 6, b"two")]
    got = list(read_capture(pcap(101, [ipv4(A, B, 6, one) for one in frames])))
    assert [piece.octets for piece in got] == [b"one", b"two"]


def test_broken_files_end_in_the_documented_error(Reverser, frame):
    """Protects from hostile and cut files: every cut gives what is before it, and nothing but `MalformedError`."""
    octets = recorded(Reverser, frame)
    generator = random.Random(1)
    whole = list(read_capture(io.BytesIO(octets)))
    for cut in range(len(octets)):
        got = []
        with contextlib.suppress(MalformedError):
            got.extend(read_capture(io.BytesIO(octets[:cut])))
        assert got == whole[: len(got)]
    for _ in range(3000):
        spoilt = bytearray(octets)
        for _ in range(generator.randint(1, 4)):
            spoilt[generator.randrange(len(spoilt))] = generator.choice([0, 1, 0x7F, 0xFF, generator.randrange(256)])
        with contextlib.suppress(MalformedError):
            list(read_capture(io.BytesIO(bytes(spoilt))))


@given(st.binary(max_size=80), st.sampled_from([0, 1, 12, 101, 108, 113, 147, 276, 9999]))
def test_hostile_packets(octets, link):
    """Protects the layers: any octets in any link layer give pieces or nothing."""
    list(
        read_capture(
            pcap(link, [octets, ethernet(octets), ethernet(octets, 0x86DD), b"\x45" + octets, b"\x60" + octets])
        )
    )


# ---------------------------------------------------------------- playing back


def test_a_recording_plays_back(Reverser, frame):
    """Protects replay: the same requests get the same answers after the same time, and then silence."""
    line = ReplayLine(read_capture(io.BytesIO(recorded(Reverser, frame))))
    for content in (b"ab", b"cde"):
        start = line.now()
        line.write(frame(content)[:1])
        assert line.read(start + 0.1) == b""
        line.write(frame(content)[1:])
        written = line.now()
        assert line.read(start + 5) == frame(content[::-1])
        assert line.now() == pytest.approx(written + 0.25)
    assert line.finished
    line.reconfigure(LineSettings(300))
    line.pause(line.now() + 1)
    assert line.read(line.now() + 1) == b""
    with pytest.raises(TransportError, match="has ended"):
        line.write(b"more")
    line.close()
    with pytest.raises(Disconnected):
        line.read(0.0)


def test_a_recording_is_strict_unless_told_otherwise():
    """Protects the meaning of a replayed test: another request is an error, unless requests hold counters."""
    pieces = [Piece(octets=b"ask", direction="sent"), Piece(octets=b"answer", direction="received")]
    with pytest.raises(TransportError, match="the recording has 61 73 6b here, not 61 78 78"):
        ReplayLine(pieces).write(b"axx")
    line = ReplayLine(pieces, strict=False)
    line.write(b"axx")
    assert line.read(1.0) == b"answer"
    with pytest.raises(TransportError, match="without directions"):
        ReplayLine([Piece(octets=b"x")])
    unasked = ReplayLine(pieces[::-1])
    assert unasked.read(0.0) == b"answer"
