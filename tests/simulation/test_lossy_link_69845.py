"""A long answer of DL/T 698.45 over a link that loses, doubles and delays frames: bit-exact, or a clear error."""

import math
import random
import tracemalloc

import pytest

from meterwire.errors import NoAnswer, SequenceError
from meterwire.meter_model.faces.dlt69845.link import ServerLink
from meterwire.protocols.dialogue import Answer, Patience
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from tests.simulation.lossy import LossyLine, lossy

APDU = codec(Apdu, 2021)
ASKED = Oad.of("F1010200")
NUMBER = "000000000161"


class LongAnswers:
    """A server whose only attribute is as long as the test wants."""

    def __init__(self, content, frame_size):
        self.content, self.served = content, 0
        self.link = ServerLink(lambda: NUMBER, 2021)
        self.link.frame_size = frame_size

    def receive(self, octets, now):
        asked = self.link.receive(octets, now)
        out = self.link.take()
        for one in asked:
            self.served += 1
            request = APDU.parse(one.user).body.request
            result = ResultNormal(request.oad, Variant(1, Variant(9, self.content)))
            body = get.GetResponse(get.GetResponseNormal(PiidAcd(number=request.piid.number), result))
            out.append(self.link.answer(APDU.build(Apdu.of(body)), one.link, now))
        return [Answer(octets) for octets in out]

    def next(self):
        return self.link.next()

    def run(self, now):
        self.link.run(now)
        return [Answer(octets) for octets in self.link.take()]


def client_of(line):
    return Meter69845(line, address=NUMBER, patience=Patience(tries=3, timeout=30.0))


@pytest.mark.parametrize("seed", range(6))
def test_100_kb_over_a_lossy_link(seed):
    """10 % of all frames lost, 10 % doubled, 10 % late: 100 kB arrive as they are, or the client says why not."""
    content = random.Random(seed).randbytes(100_000)
    line = LossyLine(LongAnswers(content, 1024), lossy(seed, 0.1))
    try:
        (found,) = client_of(line).get([ASKED])
    except (NoAnswer, SequenceError):
        return
    assert found.result.value.value == content


def test_most_transfers_arrive():
    """Recovery works: of twenty shorter transfers at the same rates all but a few arrive."""
    arrived = 0
    for seed in range(20):
        content = random.Random(seed).randbytes(5_000)
        try:
            (found,) = client_of(LossyLine(LongAnswers(content, 512), lossy(seed, 0.1))).get([ASKED])
        except (NoAnswer, SequenceError):
            continue
        assert found.result.value.value == content
        arrived += 1
    assert arrived >= 18


def test_several_answers_on_one_link_are_never_mixed():
    """Answers that follow each other while pieces of the former are still on their way: each is right or an error."""
    chance = random.Random(5)
    responder = LongAnswers(b"", 200)
    line = LossyLine(responder, lossy(5, 0.1))
    client, right = client_of(line), 0
    for _ in range(30):
        responder.content = chance.randbytes(chance.randrange(300, 3000))
        try:
            (found,) = client.get([ASKED])
        except (NoAnswer, SequenceError):
            continue
        assert found.result.value.value == responder.content
        right += 1
    assert right >= 20


def test_a_clean_link_needs_no_repetition():
    """One frame for the request, one for each piece and its acknowledgement, and the request is served once."""
    responder = LongAnswers(bytes(100_000), 1024)
    line = LossyLine(responder, lambda: [0.02])
    client_of(line).get([ASKED])
    while line.under_way:
        line.read(line.time + 1.0)
    assert responder.served == 1
    assert not responder.link.busy
    assert line.frames % 2 == 1
    assert line.frames < 1 + 2 * 102


def test_a_dead_link_ends():
    """When everything is lost after the first piece both ends give up in bounded time."""
    left = [3]

    def fate():
        left[0] -= 1
        return [0.02] if left[0] >= 0 else []

    responder = LongAnswers(bytes(100_000), 1024)
    line = LossyLine(responder, fate)
    with pytest.raises(NoAnswer):
        client_of(line).get([ASKED])
    assert line.time <= 3 * 30.0 + 30.0
    assert responder.next() == math.inf or responder.next() > line.time - 30.0


def test_memory_is_bounded():
    """A meter that never ends its answer costs the client no more than its limit, and ends in a clear error."""
    line = LossyLine(LongAnswers(bytes(3_000_000), 2048), lambda: [0.02])
    client = client_of(line)
    tracemalloc.start()
    with pytest.raises(SequenceError, match="longer than 1048576"):
        client.get([ASKED])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


def test_long_requests_go_in_pieces_both_ways():
    """A request longer than the meter's frames is sent in pieces, on a lossy link too, and served once for each try."""
    oads = [Oad.of("00100200")] * 1200
    served = []

    class Lists(LongAnswers):
        def receive(self, octets, now):
            asked = self.link.receive(octets, now)
            out = self.link.take()
            for one in asked:
                request = APDU.parse(one.user).body.request
                served.append(len(request.oads))
                results = tuple(ResultNormal(oad, Variant(1, Variant(17, 7))) for oad in request.oads)
                body = get.GetResponse(get.GetResponseNormalList(PiidAcd(number=request.piid.number), results))
                out.append(self.link.answer(APDU.build(Apdu.of(body)), one.link, now))
            return [Answer(octets) for octets in out]

    line = LossyLine(Lists(b"", 512), lossy(3, 0.1))
    found = client_of(line).get(oads)
    assert len(found) == 1200
    assert set(served) == {1200}
