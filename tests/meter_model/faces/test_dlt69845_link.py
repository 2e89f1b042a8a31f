"""The link of the face and of the session: pieces, addresses, LINK, the end of idle connections, time tags."""

import datetime as dt

import pytest

from meterwire.errors import LocalProtocolError, Refused
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.address import ANY, Address, address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.dates import DateTimeS, Interval
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.fragments import acknowledgement, pieces
from meterwire.protocols.dlt69845.link import Fragment, FragmentKind, FrameLength, Function, Link, LinkControl
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import Piid, TimeTag
from meterwire.protocols.dlt69845.services.connect import ConnectRequest, ErrorKind, ReleaseNotification, ReleaseRequest
from meterwire.protocols.dlt69845.services.presence import LinkKind, LinkRequest
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

LINK, APDU, FRAGMENT = codec(Link, 2021), codec(Apdu, 2021), codec(Fragment, 2021)
NUMBER = "000000000161"
CONTROLS = {"ask": 0x43, "answer": 0xC3, "ask piece": 0x63, "answer piece": 0xE3, "odd piece": 0xA3, "link": 0x81}


def framed(user, to=ANY, client=16, edition=2021, **control):
    flag, octets = to.wire(edition)
    bits = {"started_by_client": 1} | control
    return codec(Link, edition).build(Link(FrameLength(), LinkControl(**bits), flag, octets, client, user))


def read(oad="40010200", number=1, tag=None):
    return APDU.build(Apdu.of(get.GetRequest(get.GetRequestNormal(Piid(number=number), Oad.of(oad)), tag)))


def long_read(count=400):
    oads = tuple([Oad.of("00100200")] * count)
    return APDU.build(Apdu.of(get.GetRequest(get.GetRequestNormalList(Piid(number=1), oads))))


@pytest.fixture
def model():
    return Meter()


# ---------------------------------------------------------------- pieces


def connect(connection, frame_size, apdu_size):
    body = ConnectRequest(
        Piid(), 22, b"\xff" * 8, b"\xff" * 16, frame_size, frame_size, 1, apdu_size, 100, Variant(0, None)
    )
    (answer,) = connection.receive(framed(APDU.build(Apdu.of(body))), 0.0)
    return APDU.parse(LINK.parse(answer.octets).user).body


@pytest.mark.parametrize("prm", [0, 1])
def test_requests_in_pieces_are_acknowledged_and_answered(model, prm):
    """Each piece gets its acknowledgement with the PRM bit it came with, the last one the answer, too."""
    connection = Face69845(model).connect()
    cut = pieces(long_read(4), 12)
    for number, user in enumerate(cut):
        answers = connection.receive(framed(user, fragment=1, started_by_client=prm), 0.0)
        link = LINK.parse(answers[0].octets)
        assert (link.user, int(link.control)) == (acknowledgement(number), 0xE3 if prm else 0xA3)
        assert len(answers) == 1 + (user is cut[-1])
    found = APDU.parse(LINK.parse(answers[1].octets).user).body
    assert [one.result.tag for one in found.response.results] == [1] * 4


def test_answers_longer_than_the_agreed_frame_come_in_pieces(model):
    """No frame is longer than was agreed; each piece waits for its acknowledgement, in either style; it adds up."""
    connection = Face69845(model).connect()
    granted = connect(connection, 200, 4000)
    assert granted.protocol[2] & 0x08
    answers, got, prm = connection.receive(framed(long_read(60)), 0.0), [], 1
    while True:
        (answer,) = answers
        assert len(answer.octets) <= 200
        link = LINK.parse(answer.octets)
        assert int(link.control) == CONTROLS["answer piece"]
        fragment = FRAGMENT.parse(link.user)
        got.append(fragment.piece)
        prm = 1 - prm
        ack = framed(acknowledgement(fragment.word.number), fragment=1, started_by_client=prm)
        answers = connection.receive(ack, 0.0)
        if fragment.word.kind == FragmentKind.LAST:
            break
    assert answers == []
    assert len(got) > 3
    assert len(APDU.parse(b"".join(got)).body.response.results) == 60
    assert not connection.link.busy


def test_pieces_that_are_not_acknowledged_are_repeated(model):
    """The piece is due again after its time, as often as may be, then the meter gives up and is free."""
    connection = Face69845(model).connect()
    connect(connection, 200, 4000)
    (first,) = connection.receive(framed(long_read(60)), 10.0)
    times, again = [], []
    while connection.link.busy:
        times.append(connection.next())
        again += connection.run(times[-1])
    assert {one.octets for one in again} == {first.octets}
    assert len(again) == 4
    assert times[0] == 15.0


def test_asking_anew_ends_the_old_answer(model):
    """A client that asks again gets the new answer; nothing of the old one comes any more."""
    connection = Face69845(model).connect()
    connect(connection, 200, 4000)
    connection.receive(framed(long_read(60)), 0.0)
    (answer,) = connection.receive(framed(read()), 0.0)
    assert int(LINK.parse(answer.octets).control) == CONTROLS["answer"]
    assert not connection.link.busy
    assert connection.receive(framed(acknowledgement(0), fragment=1), 0.0) == []


def test_client_and_meter_with_small_frames(model):
    """A client that offers small frames and long APDUs reads the same as one that does not."""
    names = ["active_energy_import", "voltage_a", "demand_active_import_max"] * 4
    plain = Meter69845(ResponderLine(Face69845(model).connect()))
    small = Meter69845(ResponderLine(Face69845(model).connect()), frame_size=160, apdu_size=4000)
    small.connect()
    assert [one.value for one in small.read_many(names)] == [one.value for one in plain.read_many(names)]


def test_a_request_beyond_what_the_meter_takes_is_the_callers_fault(model):
    """An APDU that the meter has said it cannot take is never sent."""
    client = Meter69845(ResponderLine(Face69845(model).connect()))
    client.connect()
    with pytest.raises(LocalProtocolError):
        client.get([Oad.of("00100200")] * 17_000)


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize("edition", [2017, 2021])
def test_logical_addresses(model, edition):
    """A meter at a logical address answers there alone, and says so; 2017 counts to 3, 2021 to 255."""
    for logic in (0, 1, 3) if edition == 2017 else (0, 1, 3, 255):
        connection = Face69845(model, edition=edition, logic=logic).connect()
        (answer,) = connection.receive(framed(read(), Address(NUMBER, logic=logic), edition=edition), 0.0)
        assert address_in(codec(Link, edition).parse(answer.octets)) == Address(NUMBER, logic=logic)
        assert connection.receive(framed(read(), Address(NUMBER, logic=2), edition=edition), 0.0) == []
        client = Meter69845(
            ResponderLine(Face69845(model, edition=edition, logic=logic).connect()),
            address=Address(NUMBER, logic=logic),
            edition=edition,
        )
        assert client.read("address").value == NUMBER


@pytest.mark.parametrize(("to", "done"), [("broadcast", 1), ("group 0077", 1), ("group 0078", 0), ("group 161", 0)])
def test_groups_and_broadcasts_are_done_and_never_answered(model, to, done):
    """What is sent to everybody, or to a group that the meter belongs to, acts without a word."""
    connection = Face69845(model, groups=["0077"]).connect()
    connect(connection, 1000, 1000)
    assert connection.context.connected is not None
    release = APDU.build(Apdu.of(ReleaseRequest(Piid())))
    assert connection.receive(framed(release, address(to)), 0.0) == []
    assert (connection.context.connected is None) == bool(done)


def test_pieces_to_everybody_are_dropped(model):
    """Nobody acknowledges a broadcast, so it cannot come in pieces."""
    connection = Face69845(model).connect()
    for user in pieces(read(), 12):
        assert connection.receive(framed(user, address("broadcast"), fragment=1), 0.0) == []


# ---------------------------------------------------------------- LINK


def test_a_meter_that_dials_in_logs_in_and_beats(model):
    """A client on the other end answers LINK requests, also between its own exchanges, and learns the address."""
    connection = Face69845(model, heartbeat=60).connect()
    line = ResponderLine(connection)
    client = Meter69845(line, clock=lambda: dt.datetime(2026, 1, 1))
    client.attend(5.0)
    assert client.session.reception.present
    assert (client.session.reception.heartbeat, client.address.digits) == (60, NUMBER)
    line.pause(line.now() + 61.0)
    client.attend(1.0)
    assert client.read("address").value == NUMBER
    line.pause(line.now() + 61.0)
    assert client.read("address").value == NUMBER
    client.attend(1.0)
    assert connection.link._presence._unanswered == 0
    (logout,) = connection.goodbye()
    link = LINK.parse(logout.octets)
    assert (int(link.control), APDU.parse(link.user).body.kind) == (CONTROLS["link"], LinkKind.LOGOUT)


def test_a_meter_that_is_dialled_never_logs_in(model):
    """LINK is for who dials; and LINK responses nobody asked for are dropped."""
    connection = Face69845(model).connect()
    assert connection.next() == float("inf")
    assert connection.goodbye() == []
    assert connection.receive(framed(b"\x81\x00", function=Function.LINK, started_by_client=0), 0.0) == []


def test_links_frames_as_captured(model):
    """Login as LINK request under 81H; the response under 01H."""
    connection = Face69845(model, heartbeat=180).connect()
    (login,) = connection.run(0.0)
    link = LINK.parse(login.octets)
    body = APDU.parse(link.user).body
    assert (int(link.control), link.client) == (0x81, 0)
    assert isinstance(body, LinkRequest)
    assert (body.kind, body.heartbeat) == (LinkKind.LOGIN, 180)


# ---------------------------------------------------------------- the end of idle connections


def test_idle_connections_end_with_a_notification(model):
    """After the agreed time without a request the meter says that the connection is over, and the client hears it."""
    connection = Face69845(model).connect()
    line = ResponderLine(connection)
    client = Meter69845(line, address=NUMBER)
    client.connect()
    assert connection.context.timeout == 7200
    client.session.attend(1.0)
    connection.context.timeout = 100
    started = line.now()
    client.attend(99.0)
    assert client.granted is not None
    client.attend(10.0)
    assert client.granted is None
    assert isinstance(client.session.ended, ReleaseNotification)
    assert line.now() > started + 99.0
    assert connection.context.connected is None
    assert client.read("address").value == NUMBER


def test_requests_keep_a_connection(model):
    """Each request begins the time anew."""
    connection = Face69845(model).connect()
    connect(connection, 1000, 1000)
    assert connection.next() == 100.0
    connection.receive(framed(read()), 90.0)
    assert connection.next() == 190.0
    assert connection.run(189.0) == []


# ---------------------------------------------------------------- time tags


def tagged(model, seconds, unit=0, value=60):
    sent = model.clock.now().replace(tzinfo=None) + dt.timedelta(seconds=seconds)
    return TimeTag(DateTimeS.of(sent), Interval(unit, value))


@pytest.mark.parametrize(
    ("seconds", "unit", "value", "good"),
    [
        (0, 0, 60, True),
        (-50, 0, 60, True),
        (-70, 0, 60, False),
        (70, 0, 60, False),
        (-70, 1, 2, True),
        (-3700, 2, 1, False),
        (-86000, 3, 1, True),
        (-86400 * 20, 4, 1, True),
        (-86400 * 300, 5, 1, True),
        (-86400 * 400, 5, 1, False),
        (-10_000_000, 0, 0, True),
        (-10, 9, 5, False),
    ],
)
def test_requests_out_of_date_are_refused(model, seconds, unit, value, good):
    """A request that was longer on its way than its tag allows, or comes from the future, has DAR 32 for an answer."""
    connection = Face69845(model).connect()
    (answer,) = connection.receive(framed(read(tag=tagged(model, seconds, unit, value))), 0.0)
    result = APDU.parse(LINK.parse(answer.octets).user).body.response.result.result
    assert result.tag == int(good)
    assert good or result.value == Dar.TIME_TAG_INVALID


def test_a_tag_without_time_is_out_of_date(model):
    """A time that does not exist proves nothing."""
    tag = TimeTag(DateTimeS(2026, 13, 40, 0, 0, 0), Interval(0, 60))
    (answer,) = Face69845(model).connect().receive(framed(read(tag=tag)), 0.0)
    assert APDU.parse(LINK.parse(answer.octets).user).body.response.result.result.value == Dar.TIME_TAG_INVALID


@pytest.mark.parametrize(
    "user",
    ["0502010140010200", "050301500402000000", "0505010001", "060101400002001100", "0701014000030000", "0301"],
)
def test_every_service_refuses_late_requests(model, user):
    """The DAR stands where the answer has room for it, else an ERROR-Response does; nothing is served."""
    octets = bytes.fromhex(user) + APDU.build(Apdu.of(ReleaseRequest(Piid(), tagged(model, -1000))))[2:]
    (answer,) = Face69845(model).connect().receive(framed(octets), 0.0)
    found = APDU.parse(LINK.parse(answer.octets).user).body
    assert "TIME_TAG_INVALID" in repr(found) or (user == "0301" and found.error == ErrorKind.OTHER)


def test_a_client_sends_tags(model):
    """With a clock near the meter's a tagged read is served; with one that is off the meter says so."""
    here = lambda: model.clock.now().replace(tzinfo=None)  # noqa: E731
    line = ResponderLine(Face69845(model).connect())
    assert Meter69845(line, clock=here, tag=60).read("address").value == NUMBER
    off = Meter69845(ResponderLine(Face69845(model).connect()), clock=lambda: here() + dt.timedelta(1), tag=60)
    assert off.read("address").error.code == Dar.TIME_TAG_INVALID
    with pytest.raises(Refused):
        off.connect()
    with pytest.raises(LocalProtocolError):
        Meter69845(line, tag=60)


def test_another_meter_on_the_line_is_not_heard():
    """Pieces and LINK requests of others are not answered."""
    other = Face69845(Meter(identity=Identity(address="000000000999")), heartbeat=60).connect()
    client = Meter69845(ResponderLine(other), address=NUMBER)
    client.attend(5.0)
    assert not client.session.reception.present
