"""Messages in several frames, put together from a stream, as a capture shows them."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.cli.decode import decoded
from meterwire.cli.decode_input import read_input
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import BlockControl, GeneralBlockTransfer
from meterwire.protocols.dlms.listen import Push, PushListener
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.common import Invoke, ResultBlock
from meterwire.protocols.dlms.xdlms.get import GetResponseWithDatablock
from meterwire.protocols.dlt645.frame import Control, Function
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt645.messages import FollowUpAnswer, ReadAnswer
from meterwire.protocols.dlt69845.fragments import acknowledgement
from meterwire.protocols.dlt69845.fragments import pieces as cut
from meterwire.protocols.dlt69845.link import EDITION, Flag21, FrameLength, Link, LinkControl
from meterwire.protocols.hdlc.frame import Format
from meterwire.protocols.hdlc.frame import Frame as HdlcFrame
from meterwire.protocols.mbus.frame import ControlInformation, LongFrame
from meterwire.protocols.recognise import Explanation, Joiner, dissection, keys_of, pieces, plain
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from tests.vector_files import vectors

CAPTURES = Path(__file__).parents[2] / "captures"
PUSH = bytes.fromhex("0F0000 0D7F 0C 07E8070903122819 00FF8880 0203 09 03 4D4554 06 000004D2 12 0905")
LLC = b"\xe6\xe7\x00"
DATA_OF_CURVE = bytes.fromhex("0103") + bytes.fromhex("0202 06000004D2 120905") * 3


def wholes(stream):
    """What is put together from a stream, with the piece that completed it."""
    joiner = Joiner()
    return [whole for piece in pieces(stream) for whole in joiner.take(piece)]


def only(stream):
    (whole,) = wholes(stream)
    return whole


# ------------------------------------------------------------ streams that hold one message


def hdlc(octets=LLC + PUSH, size=16, meter=b"\x03", numbered=False, start=0):
    frames = []
    places = range(0, len(octets), size)
    for number, at in enumerate(places):
        last = at + size >= len(octets)
        control = (start + number) % 8 << 1 if numbered else 0x03
        frame = HdlcFrame(Format(segmented=not last), b"\x21", meter, control, octets[at : at + size])
        frames.append(codec(HdlcFrame).build(frame))
    return frames


def mbus(octets=PUSH, size=16, meter=1):
    frames = []
    for number, at in enumerate(range(0, len(octets), size)):
        information = ControlInformation(last=at + size >= len(octets), sequence=number % 16)
        frames.append(codec(LongFrame).build(LongFrame(0x53, 0xFF, information, meter, 0x67, octets[at : at + size])))
    return frames


def wrapped(apdus):
    return [codec(Wrapper).build(Wrapper(1, 16, codec(APDU).build(apdu))) for apdu in apdus]


def general(octets=PUSH, size=16):
    blocks = []
    for number, at in enumerate(range(0, len(octets), size), 1):
        control = BlockControl(last=at + size >= len(octets), streaming=0, window=1)
        block = GeneralBlockTransfer(control, number, 0, octets[at : at + size])
        blocks.append(Variant(ApduTag.GENERAL_BLOCK_TRANSFER, block))
    return wrapped(blocks)


def blocks_in_hdlc():
    """As widespread meters of a Swiss maker push: blocks in unnumbered frames, LLC octets in front of the first only."""
    frames = []
    for wrapper in general():
        block = codec(Wrapper).parse(wrapper).apdu
        information = block if frames else LLC + block
        frames.append(codec(HdlcFrame).build(HdlcFrame(Format(), b"\xce\xff", b"\x03", 0x13, information)))
    return frames


def datablocks(octets=DATA_OF_CURVE, size=7):
    blocks = []
    for number, at in enumerate(range(0, len(octets), size), 1):
        block = ResultBlock(at + size >= len(octets), number, Variant(0, octets[at : at + size]))
        answer = GetResponseWithDatablock(Invoke(priority=1, service_class=1, number=1), block)
        blocks.append(Variant(ApduTag.GET_RESPONSE, answer))
    return wrapped(blocks)


APDU_698 = bytes.fromhex("8501 01 00100200 01 0105 06000004D2 0600000000 06000004D2 0600000000 0600000000 0000")


def link(octets=APDU_698, server=b"\x01\0\0\0\0\0"):
    control = LinkControl(direction=1, fragment=1)
    return [
        codec(Link, EDITION).build(Link(FrameLength(), control, Flag21(size=5), server, 0, piece))
        for piece in cut(octets, 20)
    ]


BLOCK_OF_645 = bytes.fromhex("78563412 21436587")


def follow_up(data=BLOCK_OF_645, size=3, address="000000000161"):
    frames = []
    for number, at in enumerate(range(0, len(data), size)):
        more = at + size < len(data)
        part = data[at : at + size]
        function = Function.READ_FOLLOW_UP if number else Function.READ
        answer = FollowUpAnswer(0x0001FF00, part, number) if number else ReadAnswer(0x0001FF00, part)
        control = Control(direction=1, abnormal=0, follow_up=more, function=function)
        frames.append(codec(Frame645).build(Frame645(address, control, codec(type(answer)).build(answer))))
    return frames


STREAMS = {
    "HDLC, unnumbered": (hdlc(), "dlms", LLC + PUSH),
    "HDLC, numbered": (hdlc(numbered=True, start=6), "dlms", LLC + PUSH),
    "M-Bus": (mbus(), "dlms", PUSH),
    "general block transfer": (general(), "dlms", PUSH),
    "general block transfer in HDLC": (blocks_in_hdlc(), "dlms", PUSH),
    "data blocks": (datablocks(), "dlms", DATA_OF_CURVE),
    "698.45 pieces": (link(), "dlt69845", APDU_698),
    "645 follow-up": (follow_up(), "dlt645", bytes.fromhex("00FF0100") + BLOCK_OF_645),
}


@pytest.mark.parametrize("name", STREAMS)
def test_pieces_are_put_together(name):
    """Protects whoever has a capture: the message that several frames carry is shown, and which frames they are."""
    frames, dialect, octets = STREAMS[name]
    assert len(frames) > 2
    whole = only(b"".join(frames))
    assert (whole.candidate.dialect, whole.octets) == (dialect, octets)
    assert whole.parts == tuple(sum(map(len, frames[:number])) for number in range(len(frames)))
    assert f"put together from {len(frames)} frames" in whole.candidate.title
    found = dissection(whole, Explanation())
    assert not found.error
    assert (found.root.start, found.root.end) == (0, len(octets))
    assert plain(whole.candidate.message, whole.candidate.codec.layout)


@pytest.mark.parametrize("name", STREAMS)
def test_a_message_with_a_gap_is_not_put_together(name):
    """Protects truth: without one of its pieces a message is none, and the next one is whole again."""
    frames, _, octets = STREAMS[name]
    for missing in range(len(frames)):
        without = frames[:missing] + frames[missing + 1 :]
        if name == "HDLC, unnumbered" and 0 < missing < len(frames) - 1:
            continue  # nothing numbers the segments: only the content tells
        found = wholes(b"".join(without + frames))
        assert [one.octets for one in found] == [octets], missing


@pytest.mark.parametrize("name", [name for name in STREAMS if name != "HDLC, unnumbered"])
def test_pieces_that_are_sent_again_count_once(name):
    """Protects captures of bad lines: repeated frames add nothing."""
    frames, _, octets = STREAMS[name]
    if name == "M-Bus":
        return  # pushes are not repeated frame by frame: a number that comes twice is another message
    twice = [frame for frame in frames[:-1] for _ in range(2)] + frames[-1:]
    assert only(b"".join(twice)).octets == octets


def test_meters_that_send_at_the_same_time_are_told_apart():
    """Protects buses: pieces of two meters stand between each other."""
    other = PUSH.replace(b"\x12\x09\x05", b"\x12\x09\x06")
    two = [
        (hdlc(), hdlc(LLC + other, meter=b"\x05")),
        (mbus(), mbus(other, meter=2)),
        (link(), link(APDU_698, b"\x02\0\0\0\0\0")),
        (follow_up(), follow_up(address="000000000162")),
    ]
    for mine, yours in two:
        mixed = [frame for pair in zip(mine, yours, strict=True) for frame in pair]
        found = wholes(b"".join(mixed))
        assert len(found) == 2
        assert {one.parts[0] for one in found} == {0, len(mine[0])}


def test_acknowledgements_and_single_frames_are_no_messages():
    """Protects against noise in the output: what is whole in one frame is not shown twice."""
    assert not wholes(b"".join(hdlc(size=200) + mbus(size=200) + general(size=200)))
    control = LinkControl(direction=0, fragment=1)
    said = codec(Link, EDITION).build(
        Link(FrameLength(), control, Flag21(size=5), b"\x01\0\0\0\0\0", 0, acknowledgement(0))
    )
    assert not wholes(said)


@pytest.mark.parametrize("name", ["dlms_hdlc_push_segmented", "mbus_push_segments"])
def test_pushes_of_real_meters_are_what_a_listener_hears(name):
    """Protects agreement: a capture shows the same APDUs that `meterwire listen` makes readings of."""
    given = read_input(str(CAPTURES / f"{name}.hex"))
    shown = [one.piece for one in decoded(given) if one.piece.parts]
    assert shown
    for piece in shown:
        listener = PushListener()
        heard = []
        for source in given.sources:
            heard += listener.receive(source.octets)
        apdu = piece.octets.removeprefix(LLC)
        pushes = [one.apdu for one in heard if isinstance(one, Push)]
        assert apdu in pushes or apdu[0] == ApduTag.GENERAL_GLO_CIPHERING


def test_blocks_without_llc_octets_are_heard():
    """Protects agreement on pushes in blocks whose later frames have no LLC octets: each frame shows its block, too."""
    frames = blocks_in_hdlc()
    (heard,) = PushListener().receive(b"".join(frames))
    assert isinstance(heard, Push)
    assert heard.apdu == PUSH
    for piece in pieces(b"".join(frames)):
        names = [item.text for _, item in dissection(piece, Explanation()).root.walk()]
        assert any("streaming" in name or "last" in name or "window" in name for name in names)


EXAMPLE = bytes.fromhex(  # the worked example in the description that a network operator gives to its customers
    "68FAFA6853FF000167DB084B464D675000000981F8200000002388D5AB4F97515AAFC6B88D2F85DAA7A0E3C0C40D004535C397C9D037AB7DBD"
    "A329107615444894A1A0DD7E85F02D496CECD3FF46AF5FB3C9229CFE8F3EE4606AB2E1F409F36AAD2E50900A4396FC6C2E083F373233A69616"
    "950758BFC7D63A9E9B6E99E21B2CBC2B934772CA51FD4D69830711CAB1F8CFF25F0A329337CBA51904F0CAED88D61968743C8454BA922EB000"
    "38182C22FE316D16F2A9F544D6F75D51A4E92A1C4EF8AB19A2B7FEAA32D0726C0ED80229AE6C0F7621A4209251ACE2B2BC66FF0327A653BB68"
    "6C756BE033C7A281F1D2A7E1FA31C3983E15F8FD16CC5787E6F517166814146853FF110167419A3CFDA44BE438C96F0E38BF83D98316"
)
EXAMPLE_KEYS = {"dlms": {"encryption_key": "36C66639E48A8CA4D6BC8B282A793BBB"}}


def test_what_was_put_together_is_opened_with_keys():
    """Protects ciphered pushes in segments: with the key the registers can be read, without it the need of it is said."""
    whole = only(EXAMPLE)
    shown = "\n".join(item.text for _, item in dissection(whole, Explanation(keys_of(EXAMPLE_KEYS))).root.walk())
    assert "deciphered, sender 4B464D6750000009" in shown
    assert "1-0:1.8.0" in shown
    assert "double-long-unsigned 12937" in shown
    closed = "\n".join(item.text for _, item in dissection(whole).root.walk())
    assert "ciphered: keys are needed" in closed


def test_what_one_key_opens_and_does_not_prove_is_said():
    """Protects customers who have the encryption key alone: a real meter's push in blocks is read, and called unchecked."""
    (vector,) = [v for v in vectors("dlms") if v["name"] == "push hdlc_landis_gyr_e450"]
    encryption = vector["expect"].get("ek") or vector["expect"]["key"]
    whole = only(bytes.fromhex(vector["hex"]))
    explanation = Explanation(keys_of({"dlms": {"encryption_key": encryption}}))
    shown = "\n".join(item.text for _, item in dissection(whole, explanation).root.walk())
    assert "the authentication tag is not checked: that needs the authentication key" in shown
    assert "double-long-unsigned 1591784" in shown


@given(st.lists(st.sampled_from([frame for frames, _, _ in STREAMS.values() for frame in frames]), max_size=24))
def test_frames_in_any_order_raise_nothing(frames):
    """Protects from captures that are cut, mixed and repeated in any way."""
    for whole in wholes(b"".join(frames)):
        assert whole.octets
        assert len(whole.parts) > 1


def test_many_beginnings_cost_little():
    """Protects memory: a stream of first pieces from ever new addresses keeps a few of them."""
    rng = random.Random(1)
    joiner = Joiner()
    for _ in range(2000):
        first = mbus(meter=rng.randrange(256))[0]
        for piece in pieces(first):
            assert not joiner.take(piece)
    assert len(joiner._held) <= 64
