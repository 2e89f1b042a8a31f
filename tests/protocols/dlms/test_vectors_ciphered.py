"""Ciphered pushes of real meters that come in several frames: put together and opened with their keys."""

from vector_files import vectors

from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import GeneralCiphered
from meterwire.protocols.dlms.decipher import CipherKeys, decipher
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.hdlc.frame import Frame as HdlcFrame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.mbus.frame import LongFrame
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer

ALL = {v["name"]: v for v in vectors("dlms")}


def opened(octets, encryption, authentication=""):
    found = codec(APDU).parse(octets).value
    assert isinstance(found, GeneralCiphered)
    keys = CipherKeys(bytes.fromhex(encryption), bytes.fromhex(authentication))
    return found, decipher(found.content, found.title, keys)


def test_kaifa_over_mbus_encrypted_alone_suite_1():
    """One octet at a time: the data of both long frames behind one another, without what stands in front of them."""
    (vector,) = [v for name, v in ALL.items() if name.startswith("Kaifa MA110M")]
    expect, framer = vector["expect"], Framer(codec(LongFrame))
    pieces = [piece for octet in vector["octets"] for piece in framer.receive(bytes([octet]))]
    assert all(isinstance(piece, Frame) for piece in pieces)
    assert len(pieces) == expect["frames"]
    apdu = b"".join(piece.octets[9:-2] for piece in pieces)
    found, plain = opened(apdu, expect["ek"])
    assert found.title.hex() == expect["system_title"]
    assert int(found.content.control) == expect["security_control"]
    assert found.content.counter == expect["invocation_counter"]
    assert plain.hex() == expect["plaintext"]


def test_landis_gyr_over_hdlc_in_blocks():
    """General block transfer inside HDLC: the blocks together are one ciphered APDU, whose tag verifies."""
    vector = ALL["push hdlc_landis_gyr_e450"]
    expect, framer = vector["expect"], HdlcFramer()
    pieces = [piece for octet in vector["octets"] for piece in framer.receive(bytes([octet]))]
    blocks = []
    for piece in pieces:
        message = piece.message
        assert isinstance(message, HdlcFrame)
        octets = message.information
        octets = codec(Llc).parse(octets).apdu if octets[:1] == b"\xe6" else octets
        apdu = codec(APDU).parse(octets)
        assert apdu.tag == ApduTag.GENERAL_BLOCK_TRANSFER
        blocks.append(apdu.value)
    assert [block.block for block in blocks] == list(range(1, len(blocks) + 1))
    assert blocks[-1].control.last
    _, plain = opened(b"".join(block.data for block in blocks), expect["key"], expect["authentication_key"])
    assert plain[0] == ApduTag.DATA_NOTIFICATION
    assert codec(APDU).build(codec(APDU).parse(plain)) == plain
