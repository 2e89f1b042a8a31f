"""Our client and our meter over every service, in both ways of naming, whole and in every sort of blocks."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, Refused
from meterwire.meter_model.faces.dlms.cosem_association import Policy
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Denied, Method
from meterwire.meter_model.faces.dlms.cosem_values import NAME, given
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms import association as offers
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlms.client_services.access import Invoke, Read, Write
from meterwire.protocols.dlms.data import Tag, octet_string, structure
from meterwire.protocols.dlms.enums import ActionResult, DataAccessResult
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.xdlms.initiate import Conformance
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import connected

ACTIVE, CLOCK = bytes((1, 0, 1, 8, 0, 255)), bytes((0, 0, 1, 0, 0, 255))
ASSET, RATIO = bytes((0, 0, 96, 1, 1, 255)), bytes((1, 0, 0, 4, 2, 255))
STORE, LOAD = bytes((0, 0, 128, 1, 0, 255)), bytes((1, 0, 99, 1, 4, 255))
PASSWORD = b"12345678"
HELD: dict[bytes, bytes] = {}


def _get(found, view):
    return octet_string(HELD.get(found.instance, b""))


def _set(found, view, data):
    HELD[found.instance] = given(data, Tag.OCTET_STRING)


def _turned(found, view, data):
    if data.tag != Tag.OCTET_STRING:
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    return octet_string(data.value[::-1])


STORING = CosemClass(1, 0, {1: NAME, 2: Attribute(_get, _set)}, {1: Method(_turned)})
"""Data of any length, with a method that gives back what it gets, turned round: no class of the meter takes as much."""


@pytest.fixture
def face():
    meter = Meter()
    meter.clock.step(200 * 900)
    made = FaceDlms(meter)
    made.objects[STORE] = CosemObject(STORING, STORE)
    HELD.clear()
    return made


@pytest.fixture(params=["blocks of the service", "general blocks"])
def blocks(request, monkeypatch):
    """Which sort of blocks both sides agree to."""
    if request.param == "general blocks":
        names = ("block_transfer_with_get", "block_transfer_with_set", "block_transfer_with_action")
        for where, name in ((offers, "CLIENT_CONFORMANCE"), (offers, "SHORT_NAME_CONFORMANCE")):
            own = getattr(where, name)
            kept = {part.name: getattr(own, part.name) for part in own.__bits__.parts if part.name not in names}
            monkeypatch.setattr(where, name, Conformance(**kept))
    return request.param


def client(face, short_names=False, **settings):
    security = Security(mechanism=AuthenticationMechanism.LOW, secret=PASSWORD, short_names=short_names)
    return MeterDlms(connected(face.connect()), client=17, security=security, **settings)


@pytest.fixture(params=["logical names", "short names"])
def meter(request, face, blocks):
    """A client that takes short APDUs, so that most answers need blocks."""
    return client(face, short_names=request.param == "short names", max_pdu=300)


# ---------------------------------------------------------------- reading


def test_reads_a_list_and_long_answers(meter, face):
    """The object list needs tens of blocks; values are those of the meter."""
    objects = meter.objects()
    assert len(objects) > 250
    assert {one.instance for one in objects} <= {*face.objects, bytes((0, 0, 40, 0, 0, 255))}
    readings = meter.read_many(["active_energy_import", "voltage_a", "1-0:99.8.0"])
    assert readings[0].value > 0
    assert readings[2].error is not None


def test_two_hundred_rows(meter):
    """All of them, by range, by entry, and some columns: the same rows."""
    whole = meter.profile("1-0:99.1.4")
    assert len(whole.times) == 200
    assert all(
        later - earlier == dt.timedelta(minutes=15)
        for earlier, later in zip(whole.times, whole.times[1:], strict=False)
    )
    assert [column.quantity for column in whole.columns][:2] == ["active_energy_import", "active_energy_export"]
    assert whole.columns[0].unit == "kWh"
    assert whole.columns[0].values == sorted(whole.columns[0].values)
    ranged = meter.profile("1-0:99.1.4", whole.times[50], whole.times[59])
    assert ranged.times == whole.times[50:60]
    assert ranged.columns[0].values == whole.columns[0].values[50:60]
    entered = meter.profile("1-0:99.1.4", entries=(51, 60))
    assert entered == ranged or entered.columns == ranged.columns
    some = meter.profile("1-0:99.1.4", whole.times[190], columns=["active_energy_export"])
    assert [column.quantity for column in some.columns] == ["active_energy_export"]
    assert some.columns[0].values == whole.columns[1].values[190:]
    assert meter.profile("1-0:99.1.4", entries=(201, 0)).times == []


# ---------------------------------------------------------------- changing


def test_sets_a_value_that_needs_blocks(meter):
    long = bytes(range(256)) * 20
    meter.set(1, STORE, 2, octet_string(long))
    assert HELD[STORE] == long
    assert meter.get(1, STORE, 2).value == long


def test_a_method_with_long_parameters_and_a_long_answer(face, blocks):
    meter = client(face, max_pdu=300)
    long = bytes(range(256)) * 20
    assert meter.act(1, STORE, 1, octet_string(long)).value == long[::-1]
    with pytest.raises(Refused) as refused:
        meter.act(1, STORE, 1, Variant(Tag.UNSIGNED, 1))
    assert refused.value.code == ActionResult.TYPE_UNMATCHED


def test_lists_of_sets_and_actions(face, blocks):
    meter = client(face, max_pdu=300)
    long = bytes(700)
    done = meter.set_many(
        [(Target(1, STORE, 2), octet_string(long * 2)), (Target(3, ACTIVE, 2), Variant(Tag.DOUBLE_LONG_UNSIGNED, 1))]
    )
    assert done == [DataAccessResult.SUCCESS, DataAccessResult.READ_WRITE_DENIED]
    assert len(HELD[STORE]) == 1400
    first, second = meter.act_many(
        [(Target(1, STORE, 1), octet_string(b"ab" * 700)), (Target(1, STORE, 9), Variant(Tag.INTEGER, 0))]
    )
    assert first.value == b"ba" * 700
    assert isinstance(second, Refused)


def test_access_does_several_things_in_order(face):
    meter = client(face)
    orders = [
        Write(Target(1, STORE, 2), octet_string(b"new")),
        Read(Target(1, STORE, 2)),
        Invoke(Target(1, STORE, 1), octet_string(b"abc")),
        Read(Target(7, LOAD, 2)),
        Read(Target(3, bytes(6), 2)),
        Read(Target(8, CLOCK, 3)),
    ]
    done = meter.access(orders)
    assert [done[1].value, done[2].value, done[5].value] == [b"new", b"cba", -480]
    assert len(done[3].value) == 200
    assert done[4].code == DataAccessResult.OBJECT_UNDEFINED
    broken = meter.access(orders, break_on_error=True)
    assert isinstance(broken[5], Refused)


def test_writes_in_the_type_and_scale_that_are_there(meter, face):
    meter.write("asset_number", "MINE-7")
    assert meter.read("asset_number").value == "MINE-7"
    meter.write("current_transformer_ratio", Decimal(40))
    assert face.meter.parameters["current_transformer_ratio"] == 40
    assert face.meter.programming.last(1)[0].operator == "00000017"
    with pytest.raises(LocalProtocolError):
        meter.write("current_transformer_ratio", "many")
    with pytest.raises(Refused):
        meter.write("current_transformer_ratio", 0)
    assert face.meter.parameters["current_transformer_ratio"] == 40
    meter.write("8/0-0:1.0.0/2", "2026-02-03T04:05:06")
    assert meter.read("date_time").value.isoformat() == "2026-02-03T04:05:06+08:00"


def test_the_methods_of_the_clock(meter, face):
    zone = face.meter.clock.zone
    meter.write("8/0-0:1.0.0/2", "2026-02-03T04:05:36")
    meter.invoke("8/0-0:1.0.0/3")
    assert face.meter.now() == dt.datetime(2026, 2, 3, 4, 6, tzinfo=zone)
    meter.invoke("8/0-0:1.0.0/6", "-60")
    assert face.meter.now() == dt.datetime(2026, 2, 3, 4, 5, tzinfo=zone)
    meter.invoke("8/0-0:1.0.0/1")
    assert face.meter.now() == dt.datetime(2026, 2, 3, 4, 0, tzinfo=zone)
    with pytest.raises(Refused):
        meter.invoke("8/0-0:1.0.0/6", "901")
    with pytest.raises(Refused):
        meter.invoke("8/0-0:1.0.0/4")
    day = bytes((7, 0xEA, 2, 3, 2))
    times = [octet_string(day + bytes((hour, 0, 0, 0, 0xFE, 0x20, 0))) for hour in (5, 3, 6)]
    meter.act(8, CLOCK, 5, structure(*times))
    meter.invoke("8/0-0:1.0.0/4")
    assert face.meter.now() == dt.datetime(2026, 2, 3, 5, 0, tzinfo=zone)


def test_a_profile_is_captured_and_reset(meter):
    meter.invoke("7/1-0:99.1.4/2")
    assert meter.get(7, LOAD, 7).value == 201
    meter.invoke("7/1-0:99.1.4/1")
    assert meter.get(7, LOAD, 7).value == 0
    assert meter.profile("1-0:99.1.4").times == []
    meter.set(7, LOAD, 4, Variant(Tag.DOUBLE_LONG_UNSIGNED, 1800))
    assert meter.get(7, LOAD, 4).value == 1800


def test_a_password_is_changed(face):
    meter = client(face)
    meter.set(15, bytes((0, 0, 40, 0, 0, 255)), 7, octet_string(b"87654321"))
    assert isinstance(face.allowed[17], Policy)
    assert face.allowed[17].secret == b"87654321"
    assert FaceDlms(face.meter).allowed[17].secret == b"87654321"  # through every face of the meter
    with pytest.raises(Refused):
        client(face).associate()
    security = Security(mechanism=AuthenticationMechanism.LOW, secret=b"87654321")
    assert MeterDlms(connected(face.connect()), client=17, security=security).read("voltage_a").value > 0


def test_an_unconfirmed_write_is_done_and_not_answered(face):
    meter = client(face, short_names=True)
    meter.write_unconfirmed(1, STORE, 2, octet_string(b"quiet"))
    assert meter.get(1, STORE, 2).value == b"quiet"
    with pytest.raises(LocalProtocolError):
        client(face).write_unconfirmed(1, STORE, 2, octet_string(b""))


def test_nothing_that_was_not_agreed_on_is_sent(face, monkeypatch):
    """A client that offers little keeps to it: one attribute at a time, and no value that needs blocks."""
    monkeypatch.setattr(offers, "CLIENT_CONFORMANCE", Conformance(get=1, set=1, action=1))
    meter = client(face)
    assert len(meter.read_many(["voltage_a", "voltage_b"])) == 2
    for call in (
        lambda: meter.set(1, STORE, 2, octet_string(bytes(2000))),
        lambda: meter.set_many([(Target(1, STORE, 2), octet_string(b""))]),
        lambda: meter.act_many([(Target(1, STORE, 1), octet_string(b""))]),
        lambda: meter.access([Read(Target(1, STORE, 2))]),
    ):
        with pytest.raises(LocalProtocolError):
            call()
