"""An upgrade over a bad line: 256 kB in blocks, frames lost, doubled and late, the line cut in the middle."""

from __future__ import annotations

import datetime as dt
import hashlib
import random

import pytest

from meterwire.errors import LocalProtocolError, OutcomeUnknown, Refused, TransportError
from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.access import Authority
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.client_files import FileHeader
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.dlt69845.services.set import SetItem
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.fault import Fault, Rates
from meterwire.transports.filtering import wrap
from meterwire.transports.memory import ResponderLine
from tests.simulation.lossy import LossyLine, lossy

BLOCK = 1024
IMAGE = random.Random(20).randbytes(256 << 10)
START = dt.datetime(2026, 1, 30, 22, 10)
RATES = Rates(drop=0.1, duplicate=0.1, overtake=0.05, seconds=0.2)
PATIENCE = Patience(timeout=0.5, tries=6)
REST = Variant(4, "111"), Variant(10, "V2.0"), Variant(22, 255)


def start_of(image, digest=None, block=BLOCK):
    texts = Variant(10, "fw.bin"), Variant(10, "")
    file = Variant(2, (*texts, Variant(6, len(image)), *REST))
    check = Variant(2, (Variant(22, 1), Variant(9, digest or hashlib.md5(image).digest())))
    return Variant(2, (file, Variant(18, block), check))


def connected(meter, fault=None):
    connection = Face69845(meter).connect()
    connection.context.authority = Authority.PASSWORD  # as after a CONNECT with the password
    line = ResponderLine(connection)
    if fault is not None:
        line = wrap(line, fault)
    return Meter69845(line, address=meter.identity.address, patience=PATIENCE)


def until_it_works(call, *parts):
    """What may be done twice is done until an answer comes: every step of a transfer may."""
    for _ in range(30):
        try:
            return call(*parts)
        except (OutcomeUnknown, TransportError):
            continue
    raise AssertionError("thirty tries in vain")


def run(client, method, parameter, oi=0xF001):
    return until_it_works(client.act, ActionItem(Omd(oi, method), parameter))


def states(client):
    """The states of the blocks as the meter tells them."""
    (result,) = until_it_works(client.get, [Oad.of("F0010400")])
    return result.result.value.value


def send(client, image, numbers, size=BLOCK):
    for number in numbers:
        block = Variant(2, (Variant(18, number), Variant(9, image[number * size : (number + 1) * size])))
        run(client, 8, block)


def information(image, source="fw.bin", target="copy.bin"):
    return Variant(2, (Variant(10, source), Variant(10, target), Variant(6, len(image)), *REST))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_file_arrives_bit_exact(seed):
    """Whatever the line does, what has arrived is the file; after a cut only what is missing is sent."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    faults = [Fault(seed, RATES, RATES), Fault(seed + 100, RATES, RATES)]
    client = connected(meter, faults[0])
    run(client, 7, start_of(IMAGE))
    send(client, IMAGE, range(100))
    client = connected(meter, faults[1])  # the line went away, and with it the association
    run(client, 7, start_of(IMAGE))
    missing = [number for number, state in enumerate(states(client)) if state == "0"]
    assert missing == list(range(100, 256))
    send(client, IMAGE, missing)
    assert set(states(client)) == {"1"}
    run(client, 4, Variant(0, None))
    due = Variant(28, DateTimeS.of(START))
    until_it_works(client.write, SetItem(Oad.of("F0010700"), due))
    assert meter.files.program(0, len(IMAGE)) == IMAGE
    injected = faults[0].injected + faults[1].injected
    assert min(injected[name] for name in ("sent drop", "received drop", "sent duplicate", "received overtake")) > 5


def over_pieces(meter, fate, apdu=9000):
    """A client on a line in virtual time, where APDUs longer than a frame cross the link in pieces both ways."""
    line = LossyLine(Face69845(meter).connect(), fate)
    patience = Patience(timeout=30.0, tries=3)
    client = Meter69845(line, address=meter.identity.address, patience=patience, frame_size=512, apdu_size=apdu)
    until_it_works(client.connect, meter.identity.secrets.dlt69845_password)
    return client


@pytest.mark.parametrize("seed", range(4))
def test_blocks_in_pieces_over_a_lossy_link_arrive_bit_exact(seed):
    """256 kB in blocks of 8 kB, each in 17 pieces of which 10 % are lost, 10 % doubled, 10 % late: the file is the file."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = over_pieces(meter, lossy(seed, 0.1))
    run(client, 7, start_of(IMAGE, block=8000))
    send(client, IMAGE, range(20), 8000)
    run(client, 7, start_of(IMAGE, block=8000))
    missing = [number for number, state in enumerate(states(client)) if state == "0"]
    assert missing == list(range(20, 33))
    send(client, IMAGE, missing, 8000)
    run(client, 4, Variant(0, None))
    assert meter.files.content() == IMAGE
    assert client.line.frames > 2 * 32 * 16  # each piece and its acknowledgement
    read = run(client, 9, Variant(18, 7))
    assert read.value[1].value == IMAGE[7 * 8000 : 8 * 8000]


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_file_in_pieces_over_a_lossy_link(seed):
    """F000: 60 kB in one APDU of 120 pieces at the same rates; bit-exact, or the client says that it does not know."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client, image = over_pieces(meter, lossy(seed, 0.1), 0xFFFF), IMAGE[:60_000]
    run(client, 7, Variant(2, (information(image), Variant(9, image))), 0xF000)
    assert meter.files.content() == image
    with pytest.raises(Refused) as too_long:
        run(client, 8, information(image), 0xF000)
    assert too_long.value.code == 9
    asked = ((Variant(10, "x"), Variant(6, place), Variant(6, 8000)) for place in range(0, 60_000, 8000))
    assert b"".join(run(client, 127, Variant(2, members), 0xF000).value for members in asked) == image


def test_a_file_that_fits_no_apdu_is_not_sent():
    """Sizes of APDUs have 16 bits: what is longer goes in blocks, and the client says so before it sends anything."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = over_pieces(meter, lossy(1, 0.0), 0xFFFF)
    with pytest.raises(LocalProtocolError, match="65535"):
        run(client, 7, Variant(2, (information(IMAGE), Variant(9, IMAGE))), 0xF000)


def test_a_file_through_each_door_is_one_file():
    """What came whole (F000) or from a server (F002) is checked, told of and run like what came in blocks (F001)."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = connected(meter)
    image = IMAGE[:20_000]
    run(client, 7, Variant(2, (information(image), Variant(9, image))), 0xF000)
    for oad in ("F0000300", "F0010300", "F0020300"):
        (result,) = client.get([Oad.of(oad)])
        assert result.result.value == Variant(22, 100)
    assert (
        run(client, 127, Variant(2, (Variant(10, "x"), Variant(6, 19_990), Variant(6, 500))), 0xF000).value
        == image[-10:]
    )
    run(client, 4, Variant(0, None), 0xF000)
    client.write(SetItem(Oad.of("F0010700"), Variant(28, DateTimeS.of(START))))
    assert meter.files.program(0, len(image)) == image
    run(client, 8, Variant(2, (information(image), Variant(22, 0))), 0xF002)
    assert meter.files.server == {"copy.bin": image}

    newer = IMAGE[20_000:45_000]
    asked = Variant(2, (information(newer, "new.bin"), Variant(22, 0)))
    with pytest.raises(Refused) as nowhere:
        run(client, 7, asked, 0xF002)
    assert nowhere.value.code == 2
    meter.files.server["new.bin"] = newer
    run(client, 7, asked, 0xF002)
    run(client, 4, Variant(0, None), 0xF002)
    assert meter.files.activate()
    assert meter.files.program(0, len(newer)) == newer
    run(client, 3, Variant(0, None), 0xF002)
    with pytest.raises(Refused):
        run(client, 8, information(newer), 0xF000)


def test_a_file_server_is_named():
    """Attribute 4 of F002 is written and read: address, port, user, password; F000 has none."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = connected(meter)
    server = Variant(2, (Variant(9, bytes([10, 0, 0, 9])), Variant(18, 2121), Variant(10, "up"), Variant(10, "grade")))
    client.write(SetItem(Oad.of("F0020400"), server))
    (result,) = client.get([Oad.of("F0020400")])
    assert result.result.value == server
    (missing, foreign) = client.get([Oad.of("F0000400"), Oad.of("F0020700")])
    assert missing.result == foreign.result == Variant(0, 6)


def test_announcements_as_terminals_take_them():
    """A block size of 32 bits, no check at all, a block asked for in a structure."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = connected(meter)
    run(client, 7, Variant(2, (information(IMAGE[:2048]), Variant(6, 1024), Variant(0, None))))
    send(client, IMAGE, [0, 1])
    assert run(client, 9, Variant(2, (Variant(18, 1),))).value[1].value == IMAGE[1024:2048]
    run(client, 4, Variant(0, None))


def test_a_wrong_file_is_found_out():
    """One octet that differs from what was announced: the check fails, and nothing changes in the program."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = connected(meter)
    image = IMAGE[:5000]
    wrong = image[:3000] + bytes([image[3000] ^ 1]) + image[3001:]
    run(client, 7, start_of(image))
    send(client, wrong, range(5))
    with pytest.raises(Refused):
        run(client, 4, Variant(0, None))
    before = meter.files.program(0, 64)
    assert not meter.files.activate()
    assert meter.files.program(0, 64) == before
    send(client, image, [2])
    run(client, 4, Variant(0, None))


def test_blocks_are_refused_with_their_reasons():
    """Without an announcement, out of range, of another length, or without a password."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = connected(meter)
    with pytest.raises(Refused) as no_transfer:
        send(client, IMAGE, [0])
    assert no_transfer.value.code == 13
    run(client, 7, start_of(IMAGE[:5000]))
    with pytest.raises(Refused) as no_block:
        run(client, 8, Variant(2, (Variant(18, 5), Variant(9, b""))))
    assert no_block.value.code == 14
    with pytest.raises(Refused) as wrong_length:
        run(client, 8, Variant(2, (Variant(18, 0), Variant(9, b"x"))))
    assert wrong_length.value.code == 8
    with pytest.raises(Refused) as not_there:
        run(client, 9, Variant(18, 0))
    assert not_there.value.code == 14
    stranger = Meter69845(ResponderLine(Face69845(meter).connect()), address=meter.identity.address)
    with pytest.raises(Refused) as unknown:
        stranger.act(ActionItem(Omd(0xF001, 8), Variant(2, (Variant(18, 0), Variant(9, IMAGE[:BLOCK])))))
    assert unknown.value.code == 15


def test_the_software_is_compared():
    """Two meters of one making answer alike, one whose program was replaced does not; the answer depends on the factor."""
    meters = [Meter(clock=VirtualClock(START, frozen=True), seed=1) for _ in range(3)]
    image = IMAGE[:4096]
    client = connected(meters[2])
    run(client, 7, start_of(image))
    send(client, image, range(4))
    assert meters[2].files.activate()

    def compared(meter, factor):
        members = (Variant(17, 0), Variant(17, 0), Variant(6, factor), Variant(6, 512), Variant(18, 1000))
        return run(connected(meter), 10, Variant(2, members)).value[0].value

    first, second, third = (compared(meter, 64) for meter in meters)
    assert first == second != third
    assert compared(meters[0], 80) != first


@pytest.mark.parametrize("seed", range(3))
def test_the_client_sends_a_file_by_itself(seed):
    """One call over the lossy link; cut off in the middle and called again, it sends what is missing, and it runs."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    header = FileHeader("fw.bin", "", "V3.0", 255)
    client = over_pieces(meter, lossy(seed, 0.1))
    told = []

    def cut(there, count):
        told.append((there, count))
        if there >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.send_file(IMAGE, header, block=1000, progress=cut)
    there = meter.files.blocks.count("1")
    client = over_pieces(meter, lossy(seed + 50, 0.1))
    sent = client.send_file(IMAGE, header, block=1000, run_at=START)
    assert told[-1] == (100, 263)
    assert 100 <= there <= 263 - sent + 20
    assert sent < 263 - 80
    assert meter.files.program(0, len(IMAGE)) == IMAGE
    assert meter.files.running.version == "V3.0"
    assert client.send_file(IMAGE, header, block=1000) == 0


def test_files_that_cannot_be_sent():
    """No octets, too many blocks, no password, nobody there: each in its own way, and nothing hangs."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = connected(meter)
    for content, block in ((b"", 512), (bytes(70_000), 1), (b"x", 0)):
        with pytest.raises(LocalProtocolError):
            client.send_file(content, block=block)
    stranger = Meter69845(ResponderLine(Face69845(meter).connect()), address=meter.identity.address)
    with pytest.raises(Refused):
        stranger.send_file(IMAGE[:2000])
    meter.powered = False
    with pytest.raises(TransportError):
        client.send_file(IMAGE[:2000])


def test_a_meter_that_takes_no_blocks_ends_the_transfer():
    """Blocks that never arrive although everything is answered: after some rounds the client gives up, in words."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = connected(meter)
    meter.files.write = lambda number, octets: None
    with pytest.raises(TransportError, match="4 of 4 blocks do not arrive"):
        client.send_file(IMAGE[:2000])


@pytest.mark.parametrize("seed", range(6))
def test_no_block_is_ever_a_wrong_one(seed):
    """Blocks that follow each other while pieces of former ones still come late: each arrives as it is, or not at all."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    client = over_pieces(meter, lossy(seed, 0.1))
    run(client, 7, start_of(IMAGE, block=1000))
    for number in range(263):
        block = Variant(2, (Variant(18, number), Variant(9, IMAGE[number * 1000 : (number + 1) * 1000])))
        try:
            client.act(ActionItem(Omd(0xF001, 8), block))
        except (OutcomeUnknown, TransportError):
            continue
    here = [number for number, state in enumerate(meter.files.blocks) if state == "1"]
    assert len(here) > 200
    assert [number for number in here if meter.files.read(number) != IMAGE[number * 1000 :][:1000]] == []
