"""General block transfer of our client: windows that stream both ways, and whatever is lost of them found again."""

import pytest

from meterwire.errors import NoAnswer, OutcomeUnknown, SequenceError
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Method
from meterwire.meter_model.faces.dlms.cosem_values import NAME, given
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer, Patience
from meterwire.protocols.dlms import association as offers
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import WINDOW
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlms.data import Tag, octet_string
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.initiate import Conformance
from meterwire.protocols.hdlc.address import server_address
from meterwire.protocols.hdlc.parameters import Parameters
from meterwire.protocols.wire.codec import codec
from meterwire.transports.memory import ResponderLine

STORE = bytes((0, 0, 128, 1, 0, 255))
LONG = bytes(range(256)) * 40
"""Ten kilooctets: eleven blocks of what the meter takes at once, so a window and more."""
PATIENCE = Patience(tries=3, timeout=1.0)


class Store:
    """An object of any length that counts how often it was set, and with a method that gives its parameter back."""

    def __init__(self):
        self.value, self.sets, self.calls = b"", 0, 0
        attribute, method = Attribute(self._get, self._set), Method(self._turned)
        self.object = CosemObject(CosemClass(1, 0, {1: NAME, 2: attribute}, {1: method}), STORE)

    def _get(self, found, view):
        return octet_string(self.value)

    def _set(self, found, view, data):
        self.value = given(data, Tag.OCTET_STRING)
        self.sets += 1

    def _turned(self, found, view, data):
        self.calls += 1
        return octet_string(data.value[::-1])


class Losing:
    """A responder on a line that loses datagrams: those with these numbers, counted in both directions."""

    def __init__(self, responder, lost=()):
        self._responder, self._lost, self.passed = responder, set(lost), 0
        self.requests, self.answers = [], []

    def _passes(self):
        self.passed += 1
        return self.passed - 1 not in self._lost

    def receive(self, octets, now):
        apdu = codec(Wrapper).parse(octets).apdu
        self.requests.append(apdu)
        if not self._passes():
            return []
        answers = self._responder.receive(octets, now)
        self.answers += [codec(Wrapper).parse(answer.octets).apdu for answer in answers]
        return [answer for answer in answers if self._passes()]

    def idle(self, now):
        return self._responder.idle(now)


@pytest.fixture(scope="module")
def face():
    return FaceDlms(Meter())


@pytest.fixture
def store(face, monkeypatch):
    """The object, and an agreement on no other blocks than general ones."""
    own = offers.CLIENT_CONFORMANCE
    kept = {one.name: getattr(own, one.name) for one in own.__bits__.parts if not one.name.startswith("block_transfer")}
    monkeypatch.setattr(offers, "CLIENT_CONFORMANCE", Conformance(**kept))
    made = Store()
    face.objects[STORE] = made.object
    return made


def client(responder, **more):
    security = Security(mechanism=AuthenticationMechanism.LOW, secret=b"12345678")
    return MeterDlms(ResponderLine(responder), client=17, security=security, patience=PATIENCE, **more)


def blocks(apdus):
    return [codec(APDU).parse(apdu).value for apdu in apdus if apdu[0] == ApduTag.GENERAL_BLOCK_TRANSFER]


def test_requests_stream_as_many_blocks_as_the_meter_takes(face, store):
    """The first block goes alone, as nothing is known of the other side; then whole windows, one answer to each."""
    line = Losing(face.connect())
    meter = client(line)
    meter.set(1, STORE, 2, octet_string(LONG))
    assert store.value == LONG
    sent = blocks(line.requests)
    assert [block.block for block in sent] == list(range(1, len(sent) + 1))
    assert [block.control.streaming for block in sent] == [0] + [1] * (WINDOW - 1) + [0] + [1] * (len(sent) - 10) + [0]
    assert [block.control.last for block in sent] == [0] * (len(sent) - 1) + [1]
    assert len(blocks(line.answers)) == 2 + 1  # two acknowledgements, and the answer itself in a block


def test_answers_stream_too(face, store):
    """A client that takes short APDUs is sent windows, and acknowledges each once."""
    store.value = LONG
    line = Losing(face.connect())
    meter = client(line, max_pdu=500)
    assert meter.get(1, STORE, 2).value == LONG
    came = blocks(line.answers)
    assert len(came) == came[-1].block > 2 * WINDOW
    assert len(blocks(line.requests)) == 1 + -(-(len(came) - 1 - WINDOW) // WINDOW)


def length_of(face, act, **more):
    """How many datagrams an exchange takes where nothing is lost, and how many of them come before it."""
    line = Losing(face.connect())
    meter = client(line, **more)
    meter.associate()
    before = line.passed
    act(meter)
    return before, line.passed


def read(meter):
    assert meter.get(1, STORE, 2).value == LONG


def write(meter):
    meter.set(1, STORE, 2, octet_string(LONG))


def invoke(meter):
    assert meter.act(1, STORE, 1, octet_string(LONG)).value == LONG[::-1]


@pytest.mark.parametrize("count", [1, 2])
def test_a_read_survives_every_loss(face, store, count):
    """Each datagram of it in turn is lost, and with it the next one: it is read all the same."""
    store.value = LONG
    first, end = length_of(face, read, max_pdu=900)
    for place in range(first, end):
        meter = client(Losing(face.connect(), range(place, place + count)), max_pdu=900)
        read(meter)


@pytest.mark.parametrize(("act", "can_be_unknown"), [(write, True), (invoke, False)])
def test_a_change_survives_every_loss_or_is_told_as_unknown(face, store, act, can_be_unknown):
    """Each datagram in turn is lost: it is done once, and only where an answer of one block was lost nobody knows."""
    first, end = length_of(face, act, max_pdu=900)
    unknown = []
    for place in range(first, end):
        store.value, store.sets, store.calls = b"", 0, 0
        meter = client(Losing(face.connect(), [place]), max_pdu=900)
        try:
            act(meter)
        except OutcomeUnknown:
            unknown.append(place)
        assert store.sets + store.calls == 1, place
    assert unknown == ([end - 1] if can_be_unknown else [])


def test_a_meter_that_never_gets_a_block_is_given_up(face, store):
    """The same block lost for ever: an error in bounded time; nothing has been done, so nothing is unknown."""
    meter = client(Losing(face.connect(), range(12, 1000)))
    with pytest.raises((NoAnswer, SequenceError)):
        meter.set(1, STORE, 2, octet_string(LONG))
    assert store.sets == 0


class Forgetful(Losing):
    """A meter that says of every window that nothing of it came."""

    def receive(self, octets, now):
        answers = super().receive(octets, now)
        return [Answer(self._nothing(answer.octets)) for answer in answers]

    def _nothing(self, octets):
        found = codec(Wrapper).parse(octets)
        if found.apdu[0] != ApduTag.GENERAL_BLOCK_TRANSFER:
            return octets
        return codec(Wrapper).build(Wrapper(1, 17, found.apdu[:4] + b"\x00\x01" + found.apdu[6:]))


def test_C6_endless_repetition_has_an_end(face, store):
    """C6 on the client: lost blocks asked for again and again."""
    line = Forgetful(face.connect())
    with pytest.raises(SequenceError, match="never arrives"):
        client(line).set(1, STORE, 2, octet_string(LONG))
    assert len(line.requests) < 1000


@pytest.mark.parametrize("window", [1, 7])
def test_windows_of_blocks_go_over_hdlc(store, window):
    """The blocks of a window are frames of one turn, or of several where the link takes one at a time."""
    face = FaceDlmsHdlc(Meter())
    face.services.objects[STORE] = store.object
    carrier = HdlcCarrier(17, server_address(1), Parameters(1200, 1200, window, window))
    security = Security(mechanism=AuthenticationMechanism.LOW, secret=b"12345678")
    meter = MeterDlms(ResponderLine(face.connect()), carrier=carrier, security=security, patience=PATIENCE, max_pdu=500)
    write(meter)
    read(meter)
    assert store.sets == 1


def test_an_unconfirmed_write_goes_in_an_unnumbered_frame():
    """HDLC carries what has no answer in UI, longer than one information field, too; the link goes on."""
    face = FaceDlmsHdlc(Meter())
    carrier = HdlcCarrier(17, server_address(1))
    security = Security(mechanism=AuthenticationMechanism.LOW, secret=b"12345678", short_names=True)
    meter = MeterDlms(ResponderLine(face.connect()), carrier=carrier, security=security, patience=PATIENCE)
    asset = bytes((0, 0, 96, 1, 1, 255))
    meter.write_unconfirmed(1, asset, 2, octet_string(b"BY UI FRAME"))
    assert meter.get(1, asset, 2).value == b"BY UI FRAME"
