"""Messages of IEC 62056-21 found in octets that may hold anything."""

from functools import reduce
from operator import xor
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.cli.decode import decoded
from meterwire.cli.decode_input import read_input
from meterwire.protocols.dlms.ciphering import GeneralCiphered
from meterwire.protocols.iec62056_21.messages import Block, Command, Identification, Option, SignOn
from meterwire.protocols.iec62056_21.telegrams import telegrams
from meterwire.protocols.recognise import Explanation, dissection, keys_of, pieces, plain

# The forms of readouts that people keep of their meters, with other values.
P1 = (
    "/MET5METER-9000\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(240217174050W)\r\n1-0:1.8.1(000671.578*kWh)\r\n"
    "1-0:1.7.0(00.333*kW)\r\n0-0:96.13.0()\r\n1-0:99.97.0(1)(0-0:96.7.19)(101208152415W)(0000000240*s)\r\n!E52C\r\n"
)
SETS = "0.0.0(12345678)\r\n1.8.0*00(007900.58)\r\n1.6.1(01.05*kW)(2101082215)\r\n0.2.2(:::::G11)"


def framed(text):
    body = text.encode() + b"\x03"
    return b"\x02" + body + bytes((reduce(xor, body),))


def parity(octets):
    return bytes(octet | (octet.bit_count() & 1) << 7 for octet in octets)


def shown(octets):
    """Kind, error and the lines of every message."""
    found = [piece for piece in pieces(octets) if piece.candidate and piece.candidate.dialect == "iec62056-21"]
    return [
        (
            piece.candidate.title.removeprefix("IEC 62056-21 "),
            piece.is_valid,
            [item for _, item in dissection(piece).root.walk()],
        )
        for piece in found
    ]


def test_a_session_is_taken_apart():
    """Protects captures of optical ports: every message by its kind, nothing lost."""
    messages = [
        SignOn("").octets,
        Identification("MET", "5", "M382-1008", "2").octets,
        Option("0", "5", "0").octets,
        framed(SETS + "!\r\n"),
        Command("P1", b"(00000000)").octets,
        b"\x06",
        Command("R1", b"1.8.0()").octets,
        Block(b"(007900.58*kWh)").octets,
        Command("B0").octets,
    ]
    stream = b"".join(messages)
    kinds = [kind for kind, _, _ in shown(stream)]
    assert kinds == [
        "sign-on", "identification", "option select", "data block",
        "programming command", "programming command", "data block", "programming command",
    ]  # fmt: skip
    assert all(good for _, good, _ in shown(stream))
    assert b"".join(piece.octets for piece in pieces(stream)) == stream


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
@pytest.mark.parametrize("text", [P1, SETS + "\r\n!\r\n", SETS + "!\r\n"])
def test_readouts_are_read_as_text(tmp_path, text, ends):
    """Protects readouts in files: addresses, values, units and names, whatever ends the lines."""
    file = tmp_path / "readout.txt"
    file.write_bytes(text.replace("\r\n", ends).encode())
    (one,) = decoded(read_input(str(file)))
    assert one.piece.candidate.title == "IEC 62056-21 readout"
    lines = {item.name: item for _, item in one.found.root.walk()}
    if text is P1:
        assert lines["manufacturer"].value == "MET"
        assert (lines["1-0:1.7.0"].value, lines["1-0:1.7.0"].doc) == ("00.333 kW", "active power import")
        assert lines["1-0:99.97.0"].value == "1, 0-0:96.7.19, 101208152415W, 0000000240 s"
        assert lines["CRC"].value == "E52C"
    else:
        assert lines["1.6.1"].value == "01.05 kW, 2101082215"
        assert lines["0.2.2"].value == ":::::G11"
    sets = plain(one.piece.candidate.message)["data"]
    assert all(entry["values"] for entry in sets)
    octets = one.piece.octets
    for item in one.found.root.children:
        if "(" in str(octets[item.start : item.end]):
            assert octets[item.start : item.end].startswith(item.name.encode())


def test_parity_bits_are_taken_off():
    """Protects captures of a port with 7 data bits by software that took 8."""
    ((kind, good, lines),) = shown(parity(P1.encode()))
    assert (kind, good) == ("readout, with parity bits", True)
    assert "000671.578 kWh" in {item.value for item in lines}


def test_a_wrong_block_check_is_shown():
    """Protects truth: the data sets are shown, and that the check is wrong."""
    octets = bytearray(framed(SETS))
    octets[-1] ^= 1
    ((kind, good, lines),) = shown(bytes(octets))
    assert (kind, good) == ("data block", False)
    assert any("the octets give" in item.error for item in lines)


def test_a_telegram_inside_ciphered_content():
    """Protects P1 ports that cipher their telegram: with the key the text is read."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, title = bytes(16), b"MET\0\0\0\0\1"
    sealed = AESGCM(key).encrypt(title + bytes(4), P1.encode(), b"\x30" + bytes(16))
    content = b"\x30" + bytes(4) + sealed[:-4]
    octets = b"\xdb\x08" + title + b"\x82" + len(content).to_bytes(2, "big") + content
    (piece,) = pieces(octets)
    assert isinstance(piece.candidate.message.value, GeneralCiphered)
    keys = keys_of({"dlms": {"encryption_key": key.hex(), "authentication_key": key.hex()}})
    lines = [item for _, item in dissection(piece, Explanation(keys)).root.walk()]
    assert any(item.name == "1-0:1.7.0" and item.value == "00.333 kW" for item in lines)


NOISE = [b"/", b"/A", b"1(2)" * 20_000, b"1.8.0(1)\r\n" * 8_000, b"\x02" * 60_000, b"\x02a" * 30_000, b"(" * 60_000]
NOISE += [b"!" * 60_000, b"/MET5\r\n" * 8_000, b"\x01R1\x02" * 12_000, b"/?" * 30_000, b"a" * 60_000, b"(2)(" * 15_000]


@pytest.mark.parametrize("octets", NOISE, ids=range(len(NOISE)))
def test_long_noise_costs_little(octets):
    """Protects time: nothing is searched again and again."""
    start = process_time()
    for found in telegrams(octets):
        assert 0 <= found.start < found.end <= len(octets)
    assert process_time() - start < 2


@given(st.binary(max_size=300) | st.text("/?!()\r\n\x01\x02\x03\x04\x061.8*kR", max_size=200).map(str.encode))
def test_any_octets_raise_nothing(octets):
    """Protects from whatever is on a line; messages do not overlap."""
    at = 0
    for found in telegrams(octets):
        assert at <= found.start < found.end <= len(octets)
        at = found.end
        for span in found.spans:
            assert 0 <= span.start <= span.end <= found.end - found.start
