"""Protected requests between client and meter: every mechanism and shield; replay, age and downgrade are refused."""

import random

import pytest

from meterwire.errors import Refused, SecurityError
from meterwire.meter_model.access import Authority
from meterwire.meter_model.esam69845 import SESSION_MINUTES, CipherMachine69845Double, Esam69845Double
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.address import address
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.link import FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.security import Protection, Shield, shield_of
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.connect import ConnectResult, Mechanism
from meterwire.protocols.dlt69845.services.security import (
    CipherContent,
    PlainContent,
    RefusedContent,
    SecurityRequest,
    SecurityResponse,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

LINK, APDU = codec(Link, 2021), codec(Apdu, 2021)
NUMBER = "000000000161"
MASTER = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
READ = APDU.build(Apdu.of(get.GetRequest(get.GetRequestNormal(Piid(number=1), Oad.of("40010200")))))


def machine(counter=0, seed=1):
    return CipherMachine69845Double(MASTER, random.Random(seed).randbytes, counter)


class Tap:
    """A line that keeps what passes, and changes it where told."""

    def __init__(self, connection):
        self.connection, self.line = connection, ResponderLine(connection)
        self.sent, self.alter = [], None

    def __getattr__(self, name):
        return getattr(self.line, name)

    def write(self, octets):
        if octets:
            self.sent.append(octets)
        self.line.write(octets)

    def read(self, until):
        octets = self.line.read(until)
        return self.alter(octets) if self.alter and octets else octets


@pytest.fixture
def model():
    return Meter()


def client_of(model, mechanism=Mechanism.SYMMETRY, shield=Shield.CIPHER_MAC, counter=0):
    tap = Tap(Face69845(model).connect())
    return Meter69845(tap, address=NUMBER, protection=Protection(machine(counter), mechanism, shield)), tap


def user_of(frame):
    return LINK.parse(frame).user


def framed(user):
    flag, octets = address(NUMBER).wire(2021)
    return LINK.build(Link(FrameLength(), LinkControl(started_by_client=1), flag, octets, 16, user))


def put(connection, user):
    (answer,) = connection.receive(framed(user), 0.0)
    return APDU.parse(user_of(answer.octets)).body


@pytest.mark.parametrize("mechanism", [Mechanism.SYMMETRY, Mechanism.SIGNATURE])
@pytest.mark.parametrize("shield", list(Shield))
def test_every_mechanism_and_shield_reads_what_is_read_plain(model, mechanism, shield):
    """Connected by cipher or signature, a read under every protection gives what a plain one gives."""
    plain = Meter69845(ResponderLine(Face69845(model).connect()), address=NUMBER).read_many(["address", "voltage_a"])
    client, tap = client_of(model, mechanism, shield)
    granted = client.connect()
    assert (len(granted.proof.random), len(granted.proof.signature)) == (48, 64 if mechanism == 3 else 4)
    assert [one.value for one in client.read_many(["address", "voltage_a"])] == [one.value for one in plain]
    request = APDU.parse(user_of(tap.sent[1])).body
    assert shield_of(request) == shield
    assert isinstance(request.content, CipherContent) == shield.enciphered
    client.release()
    assert client.granted is None
    assert not tap.connection.context.element.is_open


def test_lengths_are_those_of_captures(model):
    """Cipher text of 32 octets, MACs of 4, a signature of 64."""
    security = machine().open(NUMBER, Mechanism.SYMMETRY)
    assert (len(security.cipher), len(security.signature)) == (32, 4)
    security = machine().open(NUMBER, Mechanism.SIGNATURE)
    assert (len(security.cipher), len(security.signature)) == (32, 64)


def test_authenticated_read_without_connection(model):
    """Plain with RN needs no session: the answer is plain and has a MAC over the random number."""
    client, tap = client_of(model, shield=Shield.PLAIN_RANDOM)
    assert client.read("address").value == NUMBER
    assert len(tap.sent) == 1


def test_other_protection_needs_a_connection(model):
    """Without a session nothing is sent plain in place of protected."""
    client, tap = client_of(model)
    with pytest.raises(SecurityError):
        client.read("address")
    assert tap.sent == []


def test_a_meter_that_is_not_known_cannot_be_connected_to(model):
    """The proof is for one meter, so its number must be known."""
    tap = Tap(Face69845(model).connect())
    client = Meter69845(tap, protection=Protection(machine()))
    with pytest.raises(SecurityError, match="number"):
        client.connect()
    assert tap.sent == []


@pytest.mark.parametrize("mechanism", [Mechanism.SYMMETRY, Mechanism.SIGNATURE])
def test_wrong_keys_are_refused(model, mechanism):
    """Another master key gets nowhere; each mechanism has its own reason."""
    tap = Tap(Face69845(model).connect())
    wrong = CipherMachine69845Double(b"\x01" * 16, random.Random(1).randbytes)
    client = Meter69845(tap, address=NUMBER, protection=Protection(wrong, mechanism))
    with pytest.raises(Refused) as caught:
        client.connect()
    failed = {2: ConnectResult.SYMMETRIC_DECRYPTION_FAILED, 3: ConnectResult.ASYMMETRIC_DECRYPTION_FAILED}
    assert caught.value.code == failed[mechanism]
    assert not tap.connection.context.element.is_open


def test_a_connect_request_again_is_a_replay(model):
    """The same proof a second time, on the same or on another connection, is refused; so is any older counter."""
    client, tap = client_of(model)
    client.connect()
    for connection in (tap.connection, Face69845(model).connect()):
        assert put(connection, user_of(tap.sent[0])).result == ConnectResult.SYMMETRIC_DECRYPTION_FAILED
    older, _ = client_of(model, counter=0)
    with pytest.raises(Refused):
        older.connect()
    newer, _ = client_of(model, counter=1)
    newer.connect()


def test_counters_survive_a_restart(model):
    """What was accepted before a loss of power is a replay afterwards; so the counter is stored, and before the answer."""
    client, tap = client_of(model, counter=7)
    client.connect()
    assert model.esam69845.counter == 8
    again = Meter()
    again.esam69845.restore(model.esam69845.state())
    fresh = Face69845(again).connect()
    assert put(fresh, user_of(tap.sent[0])).result == ConnectResult.SYMMETRIC_DECRYPTION_FAILED
    double = Esam69845Double(MASTER, lambda: NUMBER)
    double.restore({"counter": 8, "drawn": 5})  # as states of older versions are
    assert double.state() == {"counter": 8, "drawn": 5, "minutes": SESSION_MINUTES}
    (answer,) = Face69845(Meter()).connect().receive(tap.sent[0], 0.0)
    assert answer.durable


@pytest.mark.parametrize("shield", [Shield.PLAIN_MAC, Shield.CIPHER_MAC, Shield.CIPHER, Shield.PLAIN_RANDOM_MAC])
def test_requests_again_and_out_of_order_are_replays(model, shield):
    """A protected request is served once: again, or after a later one, it is refused, and the session goes on."""
    client, tap = client_of(model, shield=shield)
    client.connect()
    client.read("address")
    client.read("voltage_a")
    for frame in tap.sent[1:]:
        found = put(tap.connection, user_of(frame))
        assert found == SecurityResponse(RefusedContent(Dar.SECURITY_AUTHENTICATION_FAILED))
    assert client.read("address").value == NUMBER


def test_a_request_of_another_session_is_refused(model):
    """Each session has its own keys."""
    first, tap = client_of(model)
    first.connect()
    first.read("address")
    second, other = client_of(model, counter=1)
    second.connect()
    found = put(other.connection, user_of(tap.sent[1]))
    assert found.content.result == Dar.SECURITY_AUTHENTICATION_FAILED


def test_a_secured_connection_takes_nothing_plain(model):
    """Downgrade on the line: a plain request in the client's name is refused, and changes nothing."""
    client, tap = client_of(model)
    client.connect()
    assert put(tap.connection, READ) == SecurityResponse(RefusedContent(Dar.SECURITY_MISMATCH))
    assert put(tap.connection, bytes.fromhex("030100")).content.result == Dar.SECURITY_MISMATCH
    assert client.read("address").value == NUMBER


def test_every_octet_of_a_request_counts(model):
    """A request with any octet changed is refused or no SECURITY request any more; never served."""
    client, tap = client_of(model, shield=Shield.PLAIN_MAC)
    client.connect()
    request = client.session._machine.protect(NUMBER, READ, Shield.PLAIN_MAC)
    octets = APDU.build(Apdu.of(request))
    for place in range(1, len(octets)):
        spoilt = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]
        found = put(tap.connection, spoilt)
        assert not isinstance(getattr(found, "content", None), PlainContent | CipherContent), place
    assert isinstance(put(tap.connection, octets).content, PlainContent)


def test_every_octet_of_an_answer_counts(model):
    """An answer with any octet of its content or MAC changed is a SecurityError, never a value."""
    client, tap = client_of(model, shield=Shield.PLAIN_MAC)
    client.connect()
    kept = []
    tap.alter = lambda octets: kept.append(octets) or octets
    assert client.read("address").value == NUMBER
    length = len(user_of(kept[0]))
    for place in range(3, length):

        def spoil(octets, place=place):
            link = LINK.parse(octets)
            user = link.user[:place] + bytes([link.user[place] ^ 1]) + link.user[place + 1 :]
            return LINK.build(Link(link.length, link.control, link.flag, link.server, link.client, user))

        tap.alter = spoil
        try:
            found = client.read("address")
        except (SecurityError, Refused):
            continue
        except Exception as error:  # noqa: BLE001  what cannot be parsed is no value either
            assert type(error).__name__ in {"MalformedError", "NoAnswer"}  # noqa: PT017
            continue
        raise AssertionError(place, found)


def test_an_answer_that_is_protected_less_is_refused(model):
    """Plain in place of protected, plain in place of cipher, a MAC left out: downgrade, told as such."""
    plain = Face69845(model).connect()

    def unprotected(octets):
        (answer,) = plain.receive(framed(READ), 0.0)
        return answer.octets

    def revealed(octets):
        link = LINK.parse(octets)
        inside = user_of(unprotected(octets))
        user = APDU.build(Apdu.of(SecurityResponse(PlainContent(inside), Variant(0, b"\0" * 4))))
        return LINK.build(Link(link.length, link.control, link.flag, link.server, link.client, user))

    def without_code(octets):
        link = LINK.parse(octets)
        user = APDU.build(Apdu.of(SecurityResponse(APDU.parse(link.user).body.content)))
        return LINK.build(Link(link.length, link.control, link.flag, link.server, link.client, user))

    client, tap = client_of(model)
    client.connect()
    for alter in (unprotected, revealed, without_code):
        tap.alter = alter
        with pytest.raises(SecurityError):
            client.read("address")
    tap.alter = None
    assert client.read("address").value == NUMBER


def test_an_old_answer_is_refused(model):
    """The answer to an earlier request is not taken for that to this one."""
    client, tap = client_of(model)
    client.connect()
    kept = []
    tap.alter = lambda octets: kept.append(octets) or octets
    client.read("voltage_a")
    tap.alter = lambda octets: kept[0]
    with pytest.raises(SecurityError):
        client.read("voltage_a")


def test_a_meter_that_does_not_prove_itself_is_refused(model):
    """Who grants a connection without the key of the meter, or with an old proof, gets no requests."""
    client, tap = client_of(model)
    kept = []
    tap.alter = lambda octets: kept.append(octets) or octets
    client.connect()
    again, other = client_of(model, counter=5)

    def old(octets):
        number = APDU.parse(user_of(octets)).body.piid.number
        assert number == APDU.parse(user_of(kept[0])).body.piid.number
        return kept[0]

    other.alter = old
    with pytest.raises(SecurityError, match="another connection"):
        again.connect()
    assert again.granted is None


def test_authority_is_that_of_the_request(model):
    """Only a request that proves who asks has the authority of the secure element, and only while it is served."""
    seen = []
    client, tap = client_of(model, shield=Shield.CIPHER_MAC)
    context = tap.connection.context
    original = context.now
    context.now = lambda: seen.append(context.authority) or original()
    client.session._clock, client.session._tag = (lambda: original().replace(tzinfo=None)), 600
    client.connect()
    client.read("address")
    assert seen[-1] == Authority.SECURED
    assert context.authority == Authority.PUBLIC
    client.session._shield = Shield.PLAIN_RANDOM
    client.read("address")
    assert seen[-1] == Authority.PUBLIC


@pytest.mark.parametrize("inner", ["0201", "10000805010140010200000085", "81"])
def test_what_is_never_inside(model, inner):
    """CONNECT, SECURITY and LINK inside a protected request are refused: nothing nests."""
    client, tap = client_of(model)
    client.connect()
    request = client.session._machine.protect(NUMBER, bytes.fromhex(inner), Shield.CIPHER_MAC)
    assert put(tap.connection, APDU.build(Apdu.of(request))).content.result == Dar.SECURITY_MISMATCH


def test_plain_with_an_identifier_alone_is_no_protection(model):
    """The fourth combination on the wire protects nothing."""
    client, tap = client_of(model)
    client.connect()
    request = client.session._machine.protect(NUMBER, READ, Shield.CIPHER)
    bare = SecurityRequest(PlainContent(READ), request.proof)
    with pytest.raises(SecurityError):
        shield_of(bare)
    assert put(tap.connection, APDU.build(Apdu.of(bare))).content.result == Dar.SECURITY_AUTHENTICATION_FAILED
