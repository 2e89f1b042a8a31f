"""Somebody else's client does all of its work with our meter, over both links and with every kind of security it has.

Object list, registers and a profile of 200 rows: all of it, by range, by entry, in blocks, and in a list.
"""

from decimal import Decimal

import pytest

from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.transports.memory import connected
from tests.gurux_peer import Peer, gurux_dlms, straight_into

assert gurux_dlms
from gurux_dlms.enums import Authentication, InterfaceType, Security  # noqa: E402
from gurux_dlms.objects import GXDLMSProfileGeneric, GXDLMSRegister  # noqa: E402

FACES = {InterfaceType.WRAPPER: FaceDlms, InterfaceType.HDLC: FaceDlmsHdlc}
WAYS = {
    "none": (16, Authentication.NONE, None, Security.NONE),
    "low": (17, Authentication.LOW, "12345678", Security.NONE),
    "high": (18, Authentication.HIGH, "12345678", Security.NONE),
    "gmac": (1, Authentication.HIGH_GMAC, None, Security.AUTHENTICATION_ENCRYPTION),
}
PROFILE, ROWS = "1.0.99.1.4.255", 200
MATRIX = [(link, way) for link in FACES for way in WAYS]


@pytest.fixture(scope="module")
def meter():
    """One meter with 200 rows of its load profile."""
    made = Meter()
    made.clock.step(ROWS * 900)
    return made


@pytest.fixture(params=MATRIX, ids=[f"{link.name.lower()}-{way}" for link, way in MATRIX])
def begun(request, meter):
    """Makes an association of one place in the matrix, released in the end."""
    link, way = request.param
    made = []

    def begin(**more):
        one = Peer(straight_into(FACES[link](meter)), *WAYS[way], link=link, **more)
        one.associate()
        made.append(one)
        return one

    yield begin
    for one in made:
        one.release()


@pytest.fixture(scope="module")
def ours(meter):
    """What our own client reads of the same meter."""
    return MeterDlms(connected(FaceDlms(meter).connect())).profile("1-0:99.1.4")


def clock_times(table, rows=slice(None)):
    return [time.replace(tzinfo=None) for time in table.times[rows]]


def rows_of(one, profile, requests):
    """Rows that gurux makes of an answer: times, and energies in kWh."""
    reply = one.all(requests)
    profile.buffer.clear()
    one.client.updateValue(profile, 2, reply.value)
    rows = [(row[0].value.replace(tzinfo=None), row[1]) for row in profile.buffer]
    return [time for time, _ in rows], [Decimal(str(value)) / 100 for _, value in rows]


def columns(one):
    """The profile as gurux has it once it knows its columns."""
    profile = GXDLMSProfileGeneric(PROFILE)
    one.read(profile, 3)
    return profile


def test_the_object_list_and_registers(begun, meter):
    """As many objects as there are, in blocks of the APDU it agreed to; and the value of a register, scaled by it."""
    one = begun(pdu=1024)
    objects = one.client.parseObjects(one.all(one.client.getObjectsRequest()).data, True)
    assert len(objects) == len(FaceDlms(meter).objects)
    assert one.frames > 10
    register = GXDLMSRegister("1.0.1.8.0.255")
    one.read(register, 3)
    one.read(register, 2)
    read = MeterDlms(connected(FaceDlms(meter).connect())).read("active_energy_import")
    assert Decimal(str(register.value)) == read.value * 1000


@pytest.mark.parametrize("pdu", [0xFFFF, 300], ids=["whole", "blocks"])
def test_all_rows(begun, ours, pdu):
    one = begun(pdu=pdu)
    profile = columns(one)
    before = one.frames
    times, values = rows_of(one, profile, one.client.read(profile, 2))
    assert len(times) == ROWS
    assert times == clock_times(ours)
    assert values == ours.columns[0].values
    if pdu == 300:
        assert one.frames - before > 20


def test_rows_by_range_and_by_entry(begun, ours):
    one = begun()
    profile = columns(one)
    start, end = ours.times[50], ours.times[79]
    times, values = rows_of(one, profile, one.client.readRowsByRange(profile, start, end))
    assert times == clock_times(ours, slice(50, 80))
    assert values == ours.columns[0].values[50:80]
    times, values = rows_of(one, profile, one.client.readRowsByEntry(profile, 11, 20))
    assert times == clock_times(ours, slice(10, 30))
    assert values == ours.columns[0].values[10:30]


def test_a_list_with_a_profile_in_it(begun, ours):
    """GET with list: a scaler, the count of the rows, the columns, and all 200 rows; longer than one APDU."""
    one = begun(pdu=400, info=512)  # difference 1: it misreads lists in segments
    profile, register = columns(one), GXDLMSRegister("1.0.1.8.0.255")
    profile.captureObjects.clear()
    wanted = [(register, 3), (profile, 7), (profile, 3), (profile, 2)]
    reply = one.all(one.client.readList(wanted))
    one.client.updateValues(wanted, reply.value)
    assert register.scaler == 10
    assert reply.value[1] == ROWS
    assert len(profile.captureObjects) == len(ours.columns) + 1
    assert [row[0].value.replace(tzinfo=None) for row in profile.buffer] == clock_times(ours)
    assert [Decimal(str(row[1])) / 100 for row in profile.buffer] == list(ours.columns[0].values)
