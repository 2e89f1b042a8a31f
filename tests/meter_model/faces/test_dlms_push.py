"""What the meter sends of its own accord: pushes until they are confirmed, events as they happen, in windows, ciphered."""

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from dlms_secured import FULL, Mechanism
from dlms_secured import client as management
from dlms_secured import security as brought

from meterwire.meter_model.dlms_push import RETRIED, SETUP, DlmsPush, Pushed
from meterwire.meter_model.faces.dlms.pushing import Manner
from meterwire.meter_model.faces.dlms.pushing_links import QUIET, PushingFace, PushingFaceHdlc
from meterwire.meter_model.faces.dlms.windows import allows
from meterwire.meter_model.identity import Secrets
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlms.data import Tag, array, octet_string, structure
from meterwire.protocols.dlms.decipher import CipherKeys
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.dlms.listen import PushListener
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.hdlc.address import server_address
from meterwire.protocols.recognise.keys import TitleKeys
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

NOW = Manner(every=30.0)
WHEN_ASKED = Manner()


@pytest.fixture
def meter():
    return Meter()


def open_cover(meter, *, is_open=True):
    """Something that the meter writes down: it begins and ends."""
    meter.change_inputs(msgspec.structs.replace(meter.inputs, cover_open=is_open))
    meter.clock.step(5)


def said(answers):
    return b"".join(answer.octets for answer in answers)


def heard(connection, now, listener=None):
    """The pushes of one run, and what a listener would send back."""
    listener = listener or PushListener()
    found = listener.receive(said(connection.run(now)))
    return found, listener.replies()


def test_it_pushes_at_once_and_then_at_its_interval(meter):
    """The list itself names what lies behind it; a push that is confirmed is not repeated, and its time is kept."""
    connection = PushingFace(meter, NOW).connect()
    assert connection.next() <= 0
    (push,), confirmation = heard(connection, 0.0)
    readings = {reading.item: reading.value for reading in push.readings}
    assert readings["1-0:1.8.0"] == Decimal("3493.43")
    assert [reading.unit for reading in push.readings] == [None, None, "kWh", "kW"]
    assert readings["0-0:1.0.0"] == meter.now()
    assert readings["0-0:42.0.0"].startswith("MWR")
    assert push.time == meter.now()
    assert not meter.dlms_push.confirmed
    assert connection.receive(confirmation, 1.0) == []
    assert meter.dlms_push.confirmed
    for second in range(1, 30):
        assert heard(connection, float(second)) == ([], b"")
    (second,), _ = heard(connection, 30.0)
    assert second.number == push.number + 1


def test_a_push_that_nobody_confirms_is_repeated_and_given_up(meter):
    """Three times ten seconds apart, under the same number."""
    meter.dlms_push.change(retries=3, delay=10)
    connection = PushingFace(meter, Manner(every=1000.0)).connect()
    numbers = [push.number for second in range(100) for push in heard(connection, float(second))[0]]
    assert numbers == [1, 1, 1, 1]


def test_an_unconfirmed_push_is_sent_once(meter):
    meter.dlms_push.change(method=RETRIED)
    connection = PushingFace(meter, Manner(every=1000.0)).connect()
    found = [push for second in range(100) for push in heard(connection, float(second))[0]]
    assert len(found) == 1


def client(meter, who=17, face=None, **more):
    face = face or PushingFace(meter, WHEN_ASKED)
    security = Security(mechanism=AuthenticationMechanism.LOW, secret=b"12345678", **more)
    return MeterDlms(ResponderLine(face.connect()), client=who, security=security, patience=Patience(1, 1.0))


def test_somebody_asks_for_a_push(meter):
    """Method 1 of the push setup: every endpoint that pushes does."""
    connection = PushingFace(meter, WHEN_ASKED).connect()
    assert heard(connection, 0.0)[0] == []
    client(meter).act(40, SETUP, 1, Variant(Tag.INTEGER, 0))
    assert len(heard(connection, 1.0)[0]) == 1
    assert heard(connection, 2.0)[0] == []


def test_parts_of_attributes_and_what_is_not_there(meter):
    """Members by their number, the last rows of a profile, and null-data in place of objects the meter lacks."""
    meter.clock.step(10 * 900)
    load = bytes((1, 0, 99, 1, 4, 255))
    objects = (Pushed(7, load, 2, 2), Pushed(3, bytes((1, 0, 1, 8, 0, 255)), 3, 2), Pushed(3, bytes(6), 2))
    meter.dlms_push.change(objects=objects)
    (push,), _ = heard(PushingFace(meter, NOW).connect(), 0.0)
    values = [reading.value for reading in push.readings]
    assert values[0] == meter.now() - dt.timedelta(minutes=15)
    assert values[-2:] == [30, None]
    assert len(values) == 2 * 5 + 2


SETTABLE = {
    2: array(
        [
            structure(
                Variant(Tag.LONG_UNSIGNED, 3),
                octet_string(bytes((1, 0, 1, 7, 0, 255))),
                Variant(Tag.INTEGER, 2),
                Variant(Tag.LONG_UNSIGNED, 0),
            )
        ]
    ),
    3: structure(Variant(Tag.ENUM, 0), octet_string(b"head.end:4059"), Variant(Tag.ENUM, 0)),
    5: Variant(Tag.LONG_UNSIGNED, 60),
    6: Variant(Tag.UNSIGNED, 5),
    7: Variant(Tag.LONG_UNSIGNED, 30),
    9: Variant(Tag.INTEGER, 32),
    11: Variant(Tag.ENUM, 1),
}


def test_the_push_setup_is_set_by_the_management_client_alone(meter):
    """Every attribute that can be set comes back as it was set, wrong ones are refused, and all of it is kept."""
    face = PushingFace(meter, WHEN_ASKED)
    reader, writer = client(meter, face=face), management(face, brought(Mechanism.HIGH_GMAC, 0, FULL, meter))
    for attribute, data in SETTABLE.items():
        with pytest.raises(Exception, match="denied"):
            reader.set(40, SETUP, attribute, data)
        writer.set(40, SETUP, attribute, data)
        assert reader.get(40, SETUP, attribute) == data
        with pytest.raises(Exception, match="unmatched"):
            writer.set(40, SETUP, attribute, octet_string(b"?"))
    for attribute in range(1, 14):
        reader.get(40, SETUP, attribute)
    again = DlmsPush()
    again.restore(meter.dlms_push.state())
    assert again.settings == meter.dlms_push.settings
    (push,), _ = heard(PushingFace(meter, NOW).connect(), 0.0)
    assert [reading.item for reading in push.readings] == ["[1]"]


def test_events_are_told_as_they_begin_and_end(meter):
    """Without an association: EVENT NOTIFICATION, or INFORMATION REPORT where short names are wanted."""
    logical = PushingFace(meter, WHEN_ASKED).connect()
    short = PushingFace(meter, Manner(short_names=True)).connect()
    for connection in (logical, short):
        assert heard(connection, 0.0)[0] == []
    open_cover(meter)
    begun = [heard(connection, 1.0)[0] for connection in (logical, short)]
    assert [[push.kind for push in found] for found in begun] == [["event"], ["report"]]
    (event,), (report,) = begun
    (named,) = event.readings
    assert named.item.startswith("0-0:96.11.")
    assert event.time is not None
    assert report.readings[0].value == named.value
    assert heard(logical, 2.0)[0] == []
    open_cover(meter, is_open=False)
    (ended,), _ = heard(logical, 3.0)
    assert ended.readings[0].value == named.value + 0x8000


@pytest.mark.parametrize("short", [False, True], ids=["logical names", "short names"])
def test_who_has_an_association_is_told_through_it(meter, short):
    """And finds it beside its answers; nobody else is told on that connection."""
    face = PushingFace(meter, WHEN_ASKED)
    connection = face.connect()
    line = ResponderLine(connection)
    security = Security(mechanism=AuthenticationMechanism.LOW, secret=b"12345678", short_names=short)
    one = MeterDlms(line, client=17, security=security, patience=Patience(1, 1.0))
    one.read("voltage_a")
    open_cover(meter)
    line._hear(connection.run(2.0))  # between two requests, when its time has come
    one.read("voltage_a")
    (told,) = one.notifications()
    assert type(told).__name__ == ("InformationReport" if short else "EventNotification")


def test_who_ciphers_is_told_ciphered(meter):
    """Through an association with ciphering an event goes in its ciphered form, with a counter of its own."""
    connection = PushingFace(meter, WHEN_ASKED).connect()
    line = ResponderLine(connection)
    security = brought(Mechanism.HIGH_GMAC, 0, FULL, meter)
    one = MeterDlms(line, client=1, security=security, patience=Patience(1, 1.0))
    one.read("voltage_a")
    open_cover(meter)
    (answer,) = connection.run(2.0)
    assert answer.octets[8] == ApduTag.GLO_EVENT_NOTIFICATION
    line._hear([answer])
    one.read("voltage_a")
    (told,) = one.notifications()
    assert told.descriptor.instance[:4] == bytes((0, 0, 96, 11))


def test_pushes_are_protected_as_the_policy_says(meter):
    """Authenticated and encrypted under the global key, with the meter's title; each with a counter of its own."""
    secrets = Secrets()
    meter.dlms_security.raise_policy(0x60)
    keys = [TitleKeys(b"", CipherKeys(secrets.unicast_key, secrets.authentication_key))]
    connection = PushingFace(meter, Manner(every=5.0)).connect()
    octets = [said(connection.run(now)) for now in (0.0, 5.0, 10.0)]
    assert len({one[8 + 11 : 8 + 20] for one in octets}) == 3
    for one in octets:
        assert one[8] == 0xDB
        (push,) = PushListener(keys).receive(one)
        assert push.title == meter.identity.system_title
        (lost,) = PushListener().receive(one)
        assert "no keys" in lost.reason
    meter.dlms_security.raise_policy(0xE0)
    assert connection.run(15.0) == []


def test_over_hdlc_it_waits_until_nobody_talks(meter):
    """UI frames, longer than one information field; not while a link is connected, nor straight after one."""
    face = PushingFaceHdlc(meter, Manner(every=30.0))
    connection = face.connect()
    line = ResponderLine(connection)
    one = MeterDlms(line, carrier=HdlcCarrier(16, server_address(1)), patience=Patience(1, 1.0))
    one.read("voltage_a")
    assert connection.run(100.0) == []
    assert connection.next() == 100.0 + QUIET
    one.release()
    (push,) = PushListener().receive(said(connection.run(200.0)))
    assert {reading.item for reading in push.readings} >= {"1-0:1.8.0", "1-0:1.7.0"}


@pytest.mark.parametrize(
    ("first", "last", "allowed"),
    [
        ("FFFFFFFFFF" + "020000", "FFFFFFFFFF" + "040000", True),
        ("FFFFFFFFFF" + "040000", "FFFFFFFFFF" + "020000", False),
        ("FFFFFFFFFF" + "230000", "FFFFFFFFFF" + "033000", True),
        ("07EA0101FF" + "FFFFFF", "07EA0101FF" + "FFFFFF", True),
        ("07EA0102FF" + "FFFFFF", "07EA0103FF" + "FFFFFF", False),
    ],
)
def test_windows(first, last, allowed):
    """At three in the morning of the first of January 2026; ends count as inside."""
    rest = "FF800000FF"[:8]
    pair = bytes.fromhex(first + rest), bytes.fromhex(last + rest)
    assert allows([pair], dt.datetime(2026, 1, 1, 3)) is allowed
    assert allows([], dt.datetime(2026, 1, 1, 3))
