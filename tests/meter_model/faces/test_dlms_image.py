"""Image transfer in both roles; C12 of the abuse cases: nothing of a wrong image is taken, verified or run."""

import tracemalloc
import zlib

import pytest
from dlms_secured import FULL, Mechanism, Wire, client, security

from meterwire.errors import Refused
from meterwire.meter_model.faces.dlms.cosem_image import BLOCK, IMAGE_TRANSFER_NAME, status_of
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.files import LARGEST, Files
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlms.data import Tag, octet_string, structure
from meterwire.protocols.dlms.enums import ActionResult, DataAccessResult
from meterwire.protocols.dlms.enums import ImageTransferStatus as Status
from meterwire.protocols.dlms.security.counters import SendingCounter
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine
from tests.dlms_peer import Peer

NAME = tuple(IMAGE_TRANSFER_NAME)


def image(size=3000):
    """An image of this meter: anything, and its CRC-32."""
    octets = bytes(number * 7 & 0xFF for number in range(size - 4))
    return octets + zlib.crc32(octets).to_bytes(4, "big")


@pytest.fixture
def meter():
    return Meter()


def managed(meter, line=None):
    return client(FaceDlms(meter), security(Mechanism.HIGH_GMAC, 0, FULL, meter), 1, line=line)


def test_an_image_is_transferred_verified_and_run(meter):
    """In blocks of the meter's size; it runs when it is told to, and its status says so."""
    one, seen = managed(meter), []
    assert one.image_status() is Status.NOT_INITIATED
    assert one.transfer_image(b"FW-2", image(), told=lambda *of: seen.append(of)) is Status.VERIFICATION_SUCCESSFUL
    assert seen[-1] == (6, 6)
    (ready,) = one.get(18, IMAGE_TRANSFER_NAME, 7).value
    assert [part.value for part in ready.value] == [3000, b"FW-2", b""]
    assert meter.files.running is None
    assert one.transfer_image(b"FW-2", image(), activate=True) is Status.ACTIVATION_SUCCESSFUL
    assert meter.files.program(0, 3000) == image()
    after = Files(meter)
    after.restore(meter.files.state())
    assert status_of(after) is Status.ACTIVATION_SUCCESSFUL


class Losing:
    """A line on which every third answer to a request with a block is lost."""

    def __init__(self, responder):
        self._responder, self._blocks = responder, 0

    def receive(self, octets, now):
        answers = self._responder.receive(octets, now)
        self._blocks += len(octets) > BLOCK
        return [] if len(octets) > BLOCK and self._blocks % 3 == 0 else answers

    def idle(self, now):
        return self._responder.idle(now)


def test_answers_that_are_lost_cost_nothing(meter):
    """Whether the block has arrived is looked up afterwards."""
    brought = security(Mechanism.HIGH_GMAC, 0, FULL, meter)
    line = ResponderLine(Losing(FaceDlms(meter).connect()))
    one = client(None, brought, 1, line=line, patience=Patience(tries=1, timeout=0.5))
    assert one.transfer_image(b"FW-3", image(5000), activate=True) is Status.ACTIVATION_SUCCESSFUL


def wired(meter):
    brought = security(Mechanism.HIGH_GMAC, 0, FULL, meter, sending=SendingCounter(1))
    return Wire(FaceDlms(meter)).associate(brought)


def initiate(wire, size, identifier=b"FW"):
    return wire.act(18, NAME, 1, structure(octet_string(identifier), Variant(Tag.DOUBLE_LONG_UNSIGNED, size))).outcome


def block(wire, number, octets):
    given = structure(Variant(Tag.DOUBLE_LONG_UNSIGNED, number), octet_string(octets))
    return wire.act(18, NAME, 2, given).outcome.result


def run(wire, method):
    return wire.act(18, NAME, method, Variant(Tag.INTEGER, 0)).outcome.result


@pytest.mark.parametrize("size", [0, LARGEST + 1, 0xFFFFFFFF])
def test_C12_an_image_of_a_size_that_none_has(meter, size):
    """Refused without memory for it; what was there stays."""
    wire = wired(meter)
    assert initiate(wire, 600).result == ActionResult.SUCCESS
    tracemalloc.start()
    assert initiate(wire, size).result == ActionResult.OTHER_REASON
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert meter.files.announced.size == 600


def test_C12_blocks_that_none_are(meter):
    """Beyond the end, of a wrong length, before anything was announced; each is refused and changes nothing."""
    wire = wired(meter)
    assert block(wire, 0, bytes(BLOCK)) == ActionResult.OTHER_REASON
    assert initiate(wire, 2 * BLOCK + 10).result == 0
    wrong = [(3, b""), (3, bytes(BLOCK)), (0xFFFFFFFF, bytes(10)), (0, bytes(BLOCK - 1)), (2, bytes(BLOCK)), (0, b"")]
    for number, octets in wrong:
        assert block(wire, number, octets) == ActionResult.OTHER_REASON
    assert meter.files.blocks == "000"
    for _ in range(200):  # the same one again and again is one block
        assert block(wire, 1, bytes(BLOCK)) == 0
    assert sum(map(len, meter.files._parts.values())) == BLOCK


def test_C12_blocks_in_any_order_make_the_image(meter):
    """Wrong order is no fault: the meter says which is the first that is missing."""
    wire, octets = wired(meter), image(BLOCK * 3)
    initiate(wire, len(octets))
    for number in (2, 0, 1):
        assert block(wire, number, octets[number * BLOCK :][:BLOCK]) == 0
        first = wire.get(18, NAME, 4).result.value.value
        assert first == {2: 0, 0: 1, 1: 3}[number]
    assert run(wire, 3) == run(wire, 4) == 0


def test_C12_what_is_not_verified_does_not_run(meter):
    """Not before it is whole, not with a wrong check, not after another block has come since it was verified."""
    wire, octets = wired(meter), image(BLOCK)
    assert run(wire, 3) == run(wire, 4) == ActionResult.OTHER_REASON
    initiate(wire, len(octets))
    assert run(wire, 3) == run(wire, 4) == ActionResult.OTHER_REASON
    assert block(wire, 0, octets[:-1] + bytes([octets[-1] ^ 1])) == 0
    assert run(wire, 4) == run(wire, 3) == run(wire, 4) == ActionResult.OTHER_REASON
    assert status_of(meter.files) is Status.VERIFICATION_FAILED
    assert block(wire, 0, octets) == 0
    assert run(wire, 4) == ActionResult.OTHER_REASON
    assert run(wire, 3) == 0
    assert block(wire, 0, bytes(BLOCK)) == 0
    assert run(wire, 4) == ActionResult.OTHER_REASON
    assert meter.files.running is None


def test_C12_only_the_management_client_may_and_only_while_it_is_enabled(meter):
    """Others are denied; disabled, nobody is taken anything of."""
    reader = Peer(FaceDlms(meter))
    reader.associate()
    assert reader.get(18, IMAGE_TRANSFER_NAME, 6).result == Variant(0, Variant(Tag.ENUM, 0))
    one = managed(meter)
    one.set(18, IMAGE_TRANSFER_NAME, 5, Variant(Tag.BOOLEAN, False))
    with pytest.raises(Refused) as refused:
        one.transfer_image(b"FW", image())
    assert refused.value.code == DataAccessResult.READ_WRITE_DENIED
    assert meter.files.announced is None


def test_an_image_that_is_wrong_is_refused_to_the_client(meter):
    one = managed(meter)
    with pytest.raises(Refused):
        one.transfer_image(b"FW", bytes(1000), activate=True)
    assert one.image_status() is Status.VERIFICATION_FAILED
