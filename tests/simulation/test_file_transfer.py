"""An upgrade over a bad line: 256 kB in blocks, frames lost, doubled and late, the line cut in the middle."""

from __future__ import annotations

import datetime as dt
import hashlib
import random

import pytest

from meterwire.errors import OutcomeUnknown, Refused, TransportError
from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.access import Authority
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.dlt69845.services.set import SetItem
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.fault import Fault, Rates
from meterwire.transports.filtering import wrap
from meterwire.transports.memory import ResponderLine

BLOCK = 1024
IMAGE = random.Random(20).randbytes(256 << 10)
START = dt.datetime(2026, 1, 30, 22, 10)
RATES = Rates(drop=0.1, duplicate=0.1, overtake=0.05, seconds=0.2)
PATIENCE = Patience(timeout=0.5, tries=6)


def start_of(image, digest=None):
    texts = Variant(10, "fw.bin"), Variant(10, "")
    rest = Variant(4, "111"), Variant(10, "V2.0"), Variant(22, 255)
    file = Variant(2, (*texts, Variant(6, len(image)), *rest))
    check = Variant(2, (Variant(22, 1), Variant(9, digest or hashlib.md5(image).digest())))
    return Variant(2, (file, Variant(18, BLOCK), check))


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


def run(client, method, parameter):
    return until_it_works(client.act, ActionItem(Omd(0xF001, method), parameter))


def states(client):
    """The states of the blocks as the meter tells them."""
    (result,) = until_it_works(client.get, [Oad.of("F0010400")])
    return result.result.value.value


def send(client, image, numbers):
    for number in numbers:
        block = Variant(2, (Variant(18, number), Variant(9, image[number * BLOCK : (number + 1) * BLOCK])))
        run(client, 8, block)


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
