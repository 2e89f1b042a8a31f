"""Hex in text, as people keep it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meterwire.transports.capture.hextext import read_hex

FRAME = bytes.fromhex("68610100000000681104333334331f16")
SPACED, JOINED = FRAME.hex(" ").upper(), FRAME.hex()

LINES = {
    SPACED: (None, None, ""),
    JOINED: (None, None, ""),
    FRAME.hex(":"): (None, None, ""),
    FRAME.hex("-"): (None, None, ""),
    ", ".join(f"0x{octet:02X}" for octet in FRAME): (None, None, ""),
    "{" + ",".join(f"0x{octet:02x}" for octet in FRAME) + "};": (None, None, ""),
    " ".join(f"{octet:02X}H" for octet in FRAME): (None, None, ""),
    "".join(f"\\x{octet:02x}" for octet in FRAME): (None, None, ""),
    'b"' + "".join(f"\\x{octet:02x}" for octet in FRAME) + '"': (None, None, ""),
    f"received data={FRAME!r} port=None": (None, "received", "data port=None"),
    f'if (ask("{SPACED}")) return 4;': (None, None, "if (ask return 4"),
    f"// {SPACED} the answer": (None, None, "// the answer"),
    f"read serial number: {SPACED}": (None, None, "read serial number"),
    f"{SPACED} (16 bytes)": (None, None, "16 bytes"),
    f"RX[16]={JOINED}": (None, "received", "16"),
    f"len=16 {SPACED}": (None, None, "len=16"),
    f"Frame 12: {SPACED}": (None, None, "Frame 12"),
    f"发送数据：{SPACED} 长度16": (None, "sent", "长度16"),
    f"{list(FRAME)}": (None, None, ""),
    '{"type":"Buffer","data":' + f"{list(FRAME)}}}".replace(" ", ""): (None, None, 'type":"Buffer","data'),
    FRAME.hex("."): (None, None, ""),
    FRAME.hex("/"): (None, None, ""),
    " ".join(f"0x{octet:x}" for octet in FRAME): (None, None, ""),
    " ".join(f"${octet:02X}" for octet in FRAME): (None, None, ""),
    "".join(f"%{octet:02X}" for octet in FRAME): (None, None, ""),
    " ".join(f"&H{octet:02X}" for octet in FRAME): (None, None, ""),
    " ".join(f"[{octet:02X}]" for octet in FRAME): (None, None, ""),
    f"READ: {SPACED}": (None, "received", ""),
    f"->Rx:{SPACED}": (None, "received", ""),
    "0x" + JOINED: (None, None, ""),
    f"TX: {SPACED}": (None, "sent", ""),
    f"RX {JOINED}": (None, "received", ""),
    f">> {SPACED}": (None, "sent", ""),
    f"<- {SPACED}": (None, "received", ""),
    f"发送：{SPACED}": (None, "sent", ""),
    f"接收报文: {SPACED}": (None, "received", ""),
    f"[12:00:01.250] recv {SPACED}": (43201.25, "received", ""),
    f"2024-05-01 12:00:01.250 TX: {SPACED}": (1714564801.25, "sent", ""),
    f"2024/05/01 12:00:01,250 -> {SPACED}": (1714564801.25, "sent", ""),
    f"2024-05-01T12:00:01 {SPACED}": (1714564801.0, None, ""),
    f"1714564801.25 OUT {SPACED}": (1714564801.25, "sent", ""),
    f"COM3 TX (16 bytes): {SPACED}": (None, "sent", "COM3 (16 bytes"),
    f"12:00:01:250 TX {SPACED}": (43201.25, "sent", ""),
    f"<12:00:01> request {SPACED} // read energy": (43201.0, "sent", "// read energy"),
    f"meter 000000000161 answers {SPACED}": (None, None, "meter 000000000161 answers"),
}


@pytest.mark.parametrize("line", LINES)
def test_lines_as_people_write_them(line):
    """Protects pasting: stamps, directions, separators and remarks are told from the octets."""
    (parsed,) = read_hex(line)
    assert (parsed.octets, parsed.time, parsed.direction, parsed.text) == (FRAME, *LINES[line])


TEXTS = [
    "# 68 11 22 is a comment",
    "// 68 11",
    "no octets here",
    "to be",
    "the value 12 rose",
    "[10:00:00.395][V][meter:157]: frame of size: 1039 bytes",
    "2024-05-01 12:00:01 connected",
]


@pytest.mark.parametrize("line", TEXTS)
def test_lines_without_octets_are_kept_as_text(line):
    """Protects from reading words as octets, and from losing remarks."""
    (parsed,) = read_hex(line)
    assert parsed.octets == b""
    assert parsed.text in line
    assert len(parsed.text) >= 2


def test_octets_as_python_writes_them():
    """Protects logs of Python programs: characters, escapes and octets of one literal, however it is quoted."""
    for octets in (b"~\xa0\x08 #\x03\x93\x1b\xc2~", b"\x00'\"\\\n\r\t \x16"):
        (line,) = read_hex(f"12:00:01 [debug] Received data={octets!r} buffer=bytearray(b'')")
        assert line.octets == octets


def test_octets_as_signed_numbers():
    """Protects logs of languages whose octets have a sign."""
    octets = bytes.fromhex("FEFEFEFE68AA16")
    (line,) = read_hex(f"recv {[octet - 256 if octet > 127 else octet for octet in octets]}")
    assert (line.octets, line.direction) == (octets, "received")
    for text in ("[300, 1, 2, 3, 4, 5, 6]", "[10, 20, 30, 40, 50, 60, 70]"):
        assert b"\x0a" not in next(read_hex(text)).octets  # no octet, or hexadecimal as well


PARAGRAPHS = [
    ("A0 0F\n{0}\n{1}\n", [2, 0, 0]),
    ("{0}\n\n{1}", [2, 2]),
    ("{0}\nAPDU:\n{1}", [2, 2, 2]),
    ("(V) {0}\n(V) {1}", [2, 1]),
    ("RX: {0}\n    {1}  ..text..\nTX: {0}", [2, 0, 2]),
    ("12:00:01 {0}\n12:00:02 {1}", [2, 1]),
]


@pytest.mark.parametrize(("form", "begins"), PARAGRAPHS)
def test_what_stands_right_below_goes_on(form, begins):
    """Protects messages over several lines: blank lines, words and directions end a paragraph, bare lines go on."""
    lines = list(read_hex(form.format("E6 E7 00 0F", "00 00 0D 7E")))
    assert [line.begins for line in lines] == begins
    assert {line.direction for line in lines[:2]} == {"received" if form.startswith("RX") else None}


@pytest.mark.parametrize("width", [33, 35, 47])
def test_digits_that_a_line_breaks_off_inside_an_octet(width):
    """Protects what is copied out of terminals and printed documents: lines end where there is no room, or hyphenated."""
    digits = (FRAME * 12).hex()
    lines = [digits[at : at + width] for at in range(0, len(digits), width)]
    for written in ("\n".join(lines), "-\n".join(lines)):
        assert b"".join(line.octets for line in read_hex(f"example\n\n{written}\n\nend")) == FRAME * 12


def test_a_line_with_a_digit_too_few_spoils_no_other():
    """Protects the frames around a damaged one."""
    damaged = (FRAME * 2).hex()[:-1]
    found = [line.octets for line in read_hex(f"{JOINED}\n{damaged}\n{JOINED}\n{damaged}\n\n{damaged}")]
    assert found.count(FRAME) == 2
    assert b"".join(found) == FRAME * 2


def test_single_octets():
    """Protects short frames: one octet alone on a line, or behind a direction, is an octet."""
    assert [line.octets for line in read_hex("E5\nTX: 06\n  15  \n")] == [b"\xe5", b"\x06", b"\x15"]


DUMPS = [
    "00000000: 6861 0100 0000 0068 1104 3333 3433 1f16  ha.....h..33343.\n00000010: abcd  ..",
    "00000000  68 61 01 00 00 00 00 68  11 04 33 33 34 33 1f 16  |ha.....h..33343.|\n00000010  ab cd   |..|\n",
    "0000   68 61 01 00 00 00 00 68 11 04 33 33 34 33 1f 16   ha.....h..33 be.\n0010   ab cd   ..",
]


@pytest.mark.parametrize("dump", DUMPS)
def test_hex_dumps(dump):
    """Protects what xxd, hexdump and Wireshark print: offsets and text columns are no octets, lines belong together."""
    (parsed,) = read_hex(dump)
    assert parsed.octets == FRAME + b"\xab\xcd"
    assert [line.octets for line in read_hex(dump + "\n" + dump + "\n68 16")] == [FRAME + b"\xab\xcd"] * 2 + [
        b"\x68\x16"
    ]


def test_colons_are_no_time():
    """Protects from taking octets between colons for a time of day."""
    for line in ("68:01:02:03:16", "16:00:12:34", "TX 12:34:56:10"):
        (parsed,) = read_hex(line)
        assert (parsed.octets, parsed.time) == (bytes.fromhex(line.removeprefix("TX ").replace(":", "")), None)


def test_groups_of_four_are_no_offsets():
    """Protects from taking octets for an offset: only 0 or what follows counts."""
    assert next(read_hex("68610100  00000068")).octets == bytes.fromhex("6861010000000068")


def test_the_same_as_a_piece():
    """Protects the common form: a line becomes a piece like those of other captures."""
    piece = next(read_hex(f"12:00:00 RX {JOINED}")).piece()
    assert (piece.octets, piece.time, piece.direction, piece.flow) == (FRAME, 43200.0, "received", "received")


@given(st.text(max_size=200))
def test_nothing_is_raised(text):
    """Protects from whatever is pasted."""
    for line in read_hex(text):
        assert line.octets or line.text or line.time is not None or line.direction or not line.octets


@given(
    st.lists(st.binary(min_size=2, max_size=40), min_size=1, max_size=8), st.sampled_from([" ", "", ":", ", ", "\t"])
)
def test_no_octet_is_lost(frames, between):
    """Protects completeness: every octet of every line comes out, in order.

    Three octets between colons are left out: `12:00:05` alone on a line is a time of day to everybody.
    """
    assume(between != ":" or all(len(one) != 3 for one in frames))
    text = "\n".join("TX " + between.join(f"{octet:02x}" for octet in one) for one in frames)
    assert [line.octets for line in read_hex(text)] == frames


def test_a_long_line_costs_little():
    """Protects time: megabytes of hex, of almost hex and of separators are read in one pass."""
    octets = bytes(range(256)) * 2000
    assert b"".join(line.octets for line in read_hex(octets.hex())) == octets
    for text in ("a" * 999_999, "68 " * 100_000 + "z", "-" * 1_000_000, "1:" * 300_000, "TX" * 300_000, "> " * 100_000):
        list(read_hex(text))
