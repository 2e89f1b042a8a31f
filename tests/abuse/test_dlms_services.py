"""Abuse cases of the application layer of DLMS/COSEM, by id: C1 to C11, C13, C17, D9, D14, D20 (the services' side)."""

import random

import pytest

from meterwire.errors import MeterwireError, Refused, SequenceError
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience, Receive, Send
from meterwire.protocols.dlms.acse import Rlrq, mechanism_name
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import LAST_BLOCK, Receiving, Sending, Source
from meterwire.protocols.dlms.ciphering import BlockControl, GeneralBlockTransfer
from meterwire.protocols.dlms.client import MeterDlms, Procedures
from meterwire.protocols.dlms.data import Tag, array, elements, octet_string, structure
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms import action, get
from meterwire.protocols.dlms.xdlms import set as set_
from meterwire.protocols.dlms.xdlms.common import (
    AttributeDescriptor,
    MethodDescriptor,
    RequestBlock,
    SelectiveAccess,
)
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.initiate import Conformance
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import connected
from tests.dlms_peer import CODEC, CONFIRMED, Peer

ACTIVE, CLOCK = bytes((1, 0, 1, 8, 0, 255)), bytes((0, 0, 1, 0, 0, 255))
ASSET, LOAD = bytes((0, 0, 96, 1, 1, 255)), bytes((1, 0, 99, 1, 4, 255))
CURRENT = bytes((0, 0, 40, 0, 0, 255))
AARE = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040040301d04c80007")


@pytest.fixture(scope="module")
def meter():
    made = Meter()
    made.clock.step(30 * 900)
    return made


@pytest.fixture
def peer(meter):
    one = Peer(FaceDlms(meter))
    assert one.associate().result == 0
    return one


def set_normal(peer, descriptor, value):
    return peer.ask(ApduTag.SET_REQUEST, set_.SetRequestNormal(CONFIRMED, descriptor, None, value)).result


# ---------------------------------------------------------------- C1, C4


@pytest.mark.parametrize("tag", ["C001C100080000010000FF0200", "C101C100080000010000FF02000F00", "050102FA08", "D900"])
def test_C1_nothing_before_an_association(meter, tag):
    answer = Peer(FaceDlms(meter)).octets(bytes.fromhex(tag))
    assert isinstance(CODEC.parse(answer).value, ExceptionResponse)


def entries(first, last, left=1, right=0):
    return SelectiveAccess(
        2,
        structure(
            Variant(Tag.DOUBLE_LONG_UNSIGNED, first),
            Variant(Tag.DOUBLE_LONG_UNSIGNED, last),
            Variant(Tag.LONG_UNSIGNED, left),
            Variant(Tag.LONG_UNSIGNED, right),
        ),
    )


def clock_range(low, high, wanted=()):
    clock = structure(
        Variant(Tag.LONG_UNSIGNED, 8),
        octet_string(CLOCK),
        Variant(Tag.INTEGER, 2),
        Variant(Tag.LONG_UNSIGNED, 0),
    )
    return SelectiveAccess(1, structure(clock, octet_string(low), octet_string(high), array(wanted)))


EARLY, LATE = bytes.fromhex("07EA0101FF00000000FE2000"), bytes.fromhex("07EA0201FF00000000FE2000")


@pytest.mark.parametrize(
    ("selection", "result"),
    [
        pytest.param(entries(0, 5), DataAccessResult.OTHER_REASON, id="from entry 0"),
        pytest.param(entries(5, 4), DataAccessResult.OTHER_REASON, id="entries from > to"),
        pytest.param(entries(1, 1, 9, 3), DataAccessResult.OTHER_REASON, id="columns from > to"),
        pytest.param(entries(1, 1, 99), DataAccessResult.OTHER_REASON, id="a column beyond"),
        pytest.param(clock_range(LATE, EARLY), DataAccessResult.OTHER_REASON, id="times from > to"),
        pytest.param(clock_range(b"", LATE), DataAccessResult.TYPE_UNMATCHED, id="no time"),
        pytest.param(clock_range(bytes(12), LATE), DataAccessResult.OTHER_REASON, id="month 0"),
        pytest.param(clock_range(EARLY, LATE, [Variant(0, None)]), DataAccessResult.TYPE_UNMATCHED, id="no column"),
        pytest.param(clock_range(EARLY, LATE, [Variant(0, None)] * 65), DataAccessResult.OTHER_REASON, id="65 columns"),
        pytest.param(SelectiveAccess(3, Variant(0, None)), DataAccessResult.SCOPE_OF_ACCESS_VIOLATED, id="selector 3"),
        pytest.param(SelectiveAccess(1, Variant(0, None)), DataAccessResult.TYPE_UNMATCHED, id="no structure"),
        pytest.param(SelectiveAccess(2, structure()), DataAccessResult.TYPE_UNMATCHED, id="an empty one"),
    ],
)
def test_C4_selections_that_select_nothing(peer, selection, result):
    assert peer.get(7, LOAD, 2, selection).result == Variant(1, result)


def test_C4_entries_beyond_the_end_are_none(peer):
    assert elements(peer.get(7, LOAD, 2, entries(1, 2**32 - 1)).result.value) is not None
    assert elements(peer.get(7, LOAD, 2, entries(2**32 - 1, 2**32 - 1)).result.value) == ()


# ---------------------------------------------------------------- C5, C6, C7


def first_block(raw=b"\x09\x05AB", last=False, number=1):
    return set_.SetRequestWithFirstDatablock(
        CONFIRMED, AttributeDescriptor(1, ASSET, 2), None, RequestBlock(last, number, raw)
    )


def next_block(number, raw=b"CDE", last=True):
    return set_.SetRequestWithDatablock(CONFIRMED, RequestBlock(last, number, raw))


def test_C5_blocks_out_of_turn_set_nothing(peer, meter):
    before = meter.parameters["asset_number"]
    assert peer.ask(ApduTag.SET_REQUEST, next_block(1)).result == DataAccessResult.NO_LONG_SET_IN_PROGRESS
    for wrong in (next_block(1), next_block(3), next_block(0), next_block(2**32 - 1)):
        assert peer.ask(ApduTag.SET_REQUEST, first_block()).block == 1
        assert peer.ask(ApduTag.SET_REQUEST, wrong).result == DataAccessResult.DATA_BLOCK_NUMBER_INVALID
        assert peer.ask(ApduTag.SET_REQUEST, next_block(2)).result == DataAccessResult.NO_LONG_SET_IN_PROGRESS
    assert peer.ask(ApduTag.SET_REQUEST, first_block(number=2)).result == DataAccessResult.DATA_BLOCK_NUMBER_INVALID
    peer.ask(ApduTag.SET_REQUEST, first_block())
    assert peer.ask(ApduTag.SET_REQUEST, next_block(2, b"!")).result == DataAccessResult.LONG_SET_ABORTED
    assert meter.parameters["asset_number"] == before
    peer.ask(ApduTag.SET_REQUEST, first_block())
    assert peer.ask(ApduTag.SET_REQUEST, next_block(2)).result == DataAccessResult.SUCCESS
    assert meter.parameters["asset_number"] == "ABCDE"
    assert peer.durable == [True]


def test_C5_the_same_for_actions_and_answers(peer):
    block = action.ActionRequestWithPblock(CONFIRMED, RequestBlock(True, 2, b""))
    assert peer.ask(ApduTag.ACTION_REQUEST, block).outcome.result == 16
    following = action.ActionRequestNextPblock(CONFIRMED, 1)
    assert peer.ask(ApduTag.ACTION_REQUEST, following).outcome.result == 16
    answer = peer.ask(ApduTag.GET_REQUEST, get.GetRequestNext(CONFIRMED, 1))
    assert answer.block.content == Variant(1, DataAccessResult.NO_LONG_GET_IN_PROGRESS)


def test_C5_transfers_given_up_leave_nothing(peer):
    """Thousands of them: one buffer at most, which the next request empties."""
    for _ in range(2_000):
        peer.ask(ApduTag.SET_REQUEST, first_block(bytes(900)))
    client = peer.connection.clients[17]
    assert len(client.receiving.octets) == 900
    peer.get(8, CLOCK, 2)
    assert client.receiving is None


def test_C5_a_long_request_has_an_end(peer):
    peer.ask(ApduTag.SET_REQUEST, first_block(bytes(900)))
    for number in range(2, 2_000):
        answer = peer.ask(ApduTag.SET_REQUEST, next_block(number, bytes(900), last=False))
        if not isinstance(answer, set_.SetResponseDatablock):
            break
    assert answer.result == DataAccessResult.DATA_BLOCK_NUMBER_INVALID
    assert number < 1_200


def general(number, data=b"", acknowledged=0, window=1, last=0, streaming=0):
    control = BlockControl(last=last, streaming=streaming, window=window)
    return CODEC.build(
        Variant(ApduTag.GENERAL_BLOCK_TRANSFER, GeneralBlockTransfer(control, number, acknowledged, data))
    )


def test_C6_windows_and_acknowledgements(meter):
    """Windows 0 and 63, what was never sent, and the same again and again: an end comes, and the meter goes on."""
    peer = Peer(FaceDlms(meter))
    peer.associate(max_pdu=100)
    request = bytes.fromhex("C001C1000F0000280000FF0200")
    (first,) = peer.many(general(1, request, last=1, window=0))
    assert CODEC.parse(first).value.block == 1
    assert len(peer.many(general(1, acknowledged=1, window=63))) == 63
    sent = [CODEC.parse(octets).value for octets in peer.many(general(1, acknowledged=30, window=63))]
    assert [block.block for block in sent] == list(range(31, 94))
    assert [block.control.streaming for block in sent] == [1] * 62 + [0]
    counts = [len(peer.many(general(1, acknowledged=30, window=1))) for _ in range(30)]
    assert counts[-1] <= 1
    (said,) = peer.many(general(1, acknowledged=60_000))
    assert isinstance(CODEC.parse(said).value, (ExceptionResponse, GeneralBlockTransfer))
    assert peer.get(8, CLOCK, 2).result.tag == 0


def test_C6_a_stream_without_end_is_cut_off(peer):
    """The last block never comes: the meter keeps no more than its limit, and says so."""
    number, answers = 0, []
    while not answers and number < LAST_BLOCK:
        number += 1
        answers = peer.many(general(number, bytes(900), streaming=1, window=63))
    assert isinstance(CODEC.parse(answers[0]).value, ExceptionResponse)
    assert number < 1_200


def test_C6_numbers_end(peer):
    """A sender with more octets than 65,535 blocks hold gives up instead of counting anew."""
    sending = Sending(Source([bytes(70_000)]), 8)

    def send_all():
        while not sending.done:
            blocks = sending.blocks()
            sending.acknowledge(blocks[-1].block, 63)

    with pytest.raises(SequenceError):
        send_all()


@pytest.mark.parametrize("seed", range(20))
def test_C6_lost_blocks_come_again(seed):
    """A fifth of all blocks and acknowledgements is lost, at any window: every octet arrives, once."""
    chance = random.Random(seed)
    octets = chance.randbytes(chance.randrange(1, 5_000))
    sending = Sending(Source([octets[at : at + 7] for at in range(0, len(octets), 7)]), 60, chance.randrange(1, 64))
    receiving, window = Receiving(10_000), chance.randrange(64)
    for _ in range(3_000):
        wants = False
        for block in sending.blocks():
            if chance.random() > 0.2:
                wants = receiving.receive(block) or wants
        if receiving.whole is not None:
            break
        if wants and chance.random() > 0.2:
            sending.acknowledge(receiving.received, window)
    assert receiving.whole == octets


def test_C7_lists_that_do_not_match_set_nothing(peer, meter):
    before = meter.parameters["asset_number"]
    attributes = (get.SelectedAttribute(AttributeDescriptor(1, ASSET, 2)),) * 2
    request = set_.SetRequestWithList(CONFIRMED, attributes, (octet_string(b"ONE"),))
    assert set(peer.ask(ApduTag.SET_REQUEST, request).results) == {DataAccessResult.OTHER_REASON}
    assert meter.parameters["asset_number"] == before
    methods = (MethodDescriptor(7, LOAD, 1),) * 2
    answer = peer.ask(ApduTag.ACTION_REQUEST, action.ActionRequestWithList(CONFIRMED, methods, (Variant(15, 0),)))
    assert [one.result for one in answer.outcomes] == [250, 250]
    assert len(meter.load_profile.rows(4)) == 30


# ---------------------------------------------------------------- C8, C17


@pytest.mark.parametrize(
    ("descriptor", "value", "result"),
    [
        ((1, ASSET, 2), Variant(Tag.UNSIGNED, 1), DataAccessResult.TYPE_UNMATCHED),
        ((1, ASSET, 2), octet_string(b"A" * 33), DataAccessResult.OTHER_REASON),
        ((1, ASSET, 2), octet_string(b"\x00\xff"), DataAccessResult.OTHER_REASON),
        ((3, ACTIVE, 2), structure(structure()), DataAccessResult.READ_WRITE_DENIED),
        ((8, CLOCK, 2), octet_string(bytes(12)), DataAccessResult.OTHER_REASON),
        ((8, CLOCK, 2), octet_string(b"\xff" * 12), DataAccessResult.OTHER_REASON),
        ((8, CLOCK, 2), octet_string(bytes.fromhex("08980101FF00000000FE2000")), DataAccessResult.OTHER_REASON),
        ((8, CLOCK, 2), octet_string(bytes.fromhex("07EA021DFF00000000FE2000")), DataAccessResult.OTHER_REASON),
        ((8, CLOCK, 9), Variant(Tag.ENUM, 2), DataAccessResult.READ_WRITE_DENIED),
        ((7, LOAD, 2), array([]), DataAccessResult.READ_WRITE_DENIED),
        ((7, LOAD, 4), Variant(Tag.DOUBLE_LONG_UNSIGNED, 61), DataAccessResult.OTHER_REASON),
        ((7, LOAD, 4), Variant(Tag.DOUBLE_LONG_UNSIGNED, 0), DataAccessResult.OTHER_REASON),
        ((15, CURRENT, 2), array([]), DataAccessResult.READ_WRITE_DENIED),
    ],
)
def test_C8_C17_values_that_are_none_change_nothing(peer, meter, descriptor, value, result):
    before = meter.now(), meter.parameters["asset_number"], meter.load_profile.interval(4), meter.programming.count
    assert set_normal(peer, AttributeDescriptor(*descriptor), value) == result
    assert before == (
        meter.now(),
        meter.parameters["asset_number"],
        meter.load_profile.interval(4),
        meter.programming.count,
    )
    assert peer.durable == [False]


# ---------------------------------------------------------------- C9, C10, C13: the client's side


class NeverNow:
    """A line that is never touched: the dialogue is run by hand."""


def against(answers, call):
    """Run a client against APDUs that come whatever it asks; its result or its error."""
    meter = MeterDlms(NeverNow(), patience=Patience(tries=1, timeout=1.0), answer_limit=4096)
    steps, queue = call(meter), [AARE, *answers]
    now, step = 1.0, next(steps)
    try:
        for _ in range(10_000):
            came = b""
            if isinstance(step, Send):
                pending = queue.pop(0) if queue else b""
                came = b""
            elif isinstance(step, Receive):
                came = codec(Wrapper).build(Wrapper(1, 16, pending)) if pending else b""
                pending = b""
                now = now + 0.001 if came else step.until
            step = steps.send((now, came))
    except StopIteration as done:
        return done.value
    except MeterwireError as error:
        return error
    raise AssertionError("the dialogue does not end")


def reading(meter):
    return Procedures.get.steps(meter, 1, ASSET, 2)


def setting(meter):
    return Procedures.set.steps(meter, 1, ASSET, 2, octet_string(b"A"))


@pytest.mark.parametrize(
    "octets",
    [
        "C401C50006000004D2",
        "C501C100",
        "C701C10000",
        "C403C1010006000004D2",
        "0F0000000100060000000",
        "DA4000000000000000",
    ],
)
def test_C9_answers_to_somebody_else_are_not_taken(octets):
    """Another invoke id, another service, something unasked: never the caller's."""
    found = against([bytes.fromhex(octets[: len(octets) // 2 * 2])], reading)
    assert isinstance(found, MeterwireError)


def test_C9_what_comes_unasked_is_kept_apart():
    meter = MeterDlms(NeverNow())
    assert meter.notifications() == []


@pytest.mark.parametrize(
    "octets",
    [
        "C402C1000000000200000106",
        "C402C10000000001000000",
        "C402C1010000000100 03FFFFFF".replace(" ", ""),
        "C402C101000000010101",
    ],
)
def test_C10_blocks_that_never_parse(octets):
    assert isinstance(against([bytes.fromhex(octets)] * 5, reading), MeterwireError)


def test_C10_a_refused_write_is_a_refusal():
    assert isinstance(against([bytes.fromhex("C501C103")], setting), Refused)


def test_C13_a_profile_that_announces_too_much():
    """Rows without end, and columns without end: a typed error, within the limit."""
    columns = bytes.fromhex("C401C10001" + "820800" + "00" * 2048)
    assert isinstance(against([columns], lambda meter: Procedures.profile.steps(meter, "1-0:99.1.4")), MeterwireError)


# ---------------------------------------------------------------- D20


def test_D20_secrets_are_never_told(peer, meter):
    """No attribute of any object, in either naming, holds a password or a key."""
    secrets = meter.identity.secrets
    hidden = [b"12345678", secrets.unicast_key, secrets.authentication_key, secrets.master_key]
    face = FaceDlms(meter)
    for one in face.objects.values():
        for attribute in one.kind.attributes:
            octets = peer.octets(
                CODEC.build(
                    Variant(
                        ApduTag.GET_REQUEST,
                        get.GetRequestNormal(
                            CONFIRMED, AttributeDescriptor(one.kind.class_id, one.instance, attribute), None
                        ),
                    )
                )
            )
            assert not any(secret in octets for secret in hidden), one.named(attribute)
    assert peer.get(15, CURRENT, 7).result == Variant(1, DataAccessResult.READ_WRITE_DENIED)


def test_the_codec_reads_what_is_sent():
    """Every APDU above is one."""
    assert codec(APDU).parse(general(1)).tag == ApduTag.GENERAL_BLOCK_TRANSFER
    assert connected is not None


@pytest.mark.parametrize(
    "fields",
    [{"version": 5}, {"version": 0}, {"context": 77}, {"conformance": Conformance()}, {"max_pdu": 1}, {"max_pdu": 11},
     {"called_title": b"MWR\0\0\0\0\1"}, {"mechanism": bytes.fromhex("60857405080277")}, {"mechanism": mechanism_name(1)}, {"mechanism": None}],
    ids=lambda fields: "-".join(f"{name}={value!r}"[:30] for name, value in fields.items()),
)  # fmt: skip
def test_C2_associations_that_cannot_be(meter, fields):
    """Refused with a diagnostic or an initiate error, never accepted; the next good one is."""
    one = Peer(FaceDlms(meter))
    answer = one.associate(**fields)
    assert answer.result != 0
    assert answer.diagnostic is not None
    assert isinstance(one.get(3, ACTIVE, 2), ExceptionResponse)
    assert one.associate().result == 0


def test_the_right_called_title_is_let_in(meter):
    """Who names the meter that it wants, and means this one, is served."""
    assert Peer(FaceDlms(meter)).associate(called_title=meter.identity.system_title).result == 0


def test_C3_a_second_association_takes_the_place_of_the_first(peer):
    """A new AARQ ends what there was, also when it is refused; releasing twice is told."""
    assert peer.associate(version=5).result != 0
    assert isinstance(peer.get(3, ACTIVE, 2), ExceptionResponse)
    assert peer.associate().result == 0
    assert peer.ask(ApduTag.RLRQ, Rlrq(reason=0)) is not None
    assert isinstance(peer.ask(ApduTag.RLRQ, Rlrq(reason=0)), ExceptionResponse)
