"""A client that somebody else wrote reads the emulated meter over real TCP: gurux-dlms (GPL, here alone)."""

import asyncio
import socket
import threading
from contextlib import contextmanager
from decimal import Decimal

import pytest

from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.quantities import QUANTITIES
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.memory import connected
from meterwire.transports.serve import serve
from tests import gurux_peer

gurux_dlms = pytest.importorskip("gurux_dlms")
from gurux_dlms.enums import Authentication, Conformance, ObjectType  # noqa: E402
from gurux_dlms.objects import (  # noqa: E402
    GXDLMSClock,
    GXDLMSData,
    GXDLMSExtendedRegister,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
)


@pytest.fixture(scope="module")
def face():
    return FaceDlms(Meter())


@pytest.fixture(scope="module")
def served(face):
    """Host and port of the meter, served by the real serving shell in a thread of its own."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    async def run():
        async with await serve(Endpoint.parse("dlms+tcp://127.0.0.1:0"), face.connect) as server:
            found.append(Endpoint.parse(server.url))
            found.append(asyncio.Event())
            ready.set()
            await found[1].wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(10)
    yield found[0].host, found[0].port
    loop.call_soon_threadsafe(found[1].set)
    thread.join(10)
    loop.close()


class Peer(gurux_peer.Peer):
    """A gurux client with a socket."""

    def __init__(self, place, **settings):
        self.socket = socket.create_connection(place, timeout=10)
        super().__init__(self._over_tcp, **settings)

    def _over_tcp(self, octets):
        if octets:
            self.socket.sendall(octets)
        return self.socket.recv(4096)

    def close(self):
        self.socket.close()


@contextmanager
def peer(place, **settings):
    one = Peer(place, **settings)
    try:
        one.associate()
        yield one
    finally:
        one.close()


def ours(face, name):
    return MeterDlms(connected(face.connect())).read(name).value


def test_reads_a_register_with_scaler_and_unit(served, face):
    """The whole way of a stranger: AARQ, value, scaler_unit, release."""
    with peer(served) as one:
        register = GXDLMSRegister("1.0.1.8.0.255")
        one.read(register, 3)
        assert (register.scaler, int(register.unit)) == (10, 30)
        one.read(register, 2)  # gurux multiplies by the scaler itself
        assert Decimal(str(register.value)) == ours(face, "active_energy_import") * 1000
        one.release()


def test_reads_what_the_association_view_lists(served, face):
    """Our object list, 13 kB in blocks of the size it agreed to, makes its objects; it can read each of them."""
    with peer(served, pdu=512) as one:
        reply = one.all(one.client.getObjectsRequest())
        objects = one.client.parseObjects(reply.data, True)
        assert len(objects) == len(face.objects)
        assert one.frames > 20
        names = {thing.logicalName for thing in objects}
        rows = {".".join(map(str, q.obis)) for q in QUANTITIES.values() if q.obis}
        assert rows <= names
        one.client.maxReceivePDUSize = 0xFFFF
        for thing in objects:
            if thing.objectType in (ObjectType.REGISTER, ObjectType.EXTENDED_REGISTER, ObjectType.DATA):
                one.read(thing, 2)


def test_reads_every_kind_of_object(served, face):
    with peer(served) as one:
        clock = GXDLMSClock("0.0.1.0.0.255")
        for attribute in range(2, 10):
            one.read(clock, attribute)
        assert clock.time.value.replace(tzinfo=None) == face.meter.now().replace(tzinfo=None)
        assert clock.timeZone == -480
        number = GXDLMSData("0.0.96.1.0.255")
        assert bytes(one.read(number, 2)) == b"000000000161"
        demand = GXDLMSExtendedRegister("1.0.1.6.0.255")
        one.read(demand, 3)
        one.read(demand, 5)
        one.read(demand, 2)
        reading = MeterDlms(connected(face.connect())).read("demand_active_import_max")
        assert Decimal(str(demand.value)) == reading.value * 1000
        assert demand.captureTime.value.replace(tzinfo=None) == reading.time.replace(tzinfo=None)


def test_reads_a_list_of_attributes_at_once(served, face):
    with peer(served) as one:
        registers = [GXDLMSRegister(name) for name in ("1.0.1.8.0.255", "1.0.2.8.0.255", "1.0.32.7.0.255")]
        wanted = [(register, attribute) for attribute in (3, 2) for register in registers]
        reply = one.all(one.client.readList(wanted))
        one.client.updateValues(wanted, reply.value)
        assert Decimal(str(round(registers[2].value, 1))) == ours(face, "voltage_a")


def test_associates_with_a_password(served, face):
    """Low-level security, and its refusal, which gurux tells apart."""
    with peer(served, client=17, authentication=Authentication.LOW, password="12345678") as one:
        register = GXDLMSRegister("1.0.1.8.0.255")
        assert Decimal(str(one.read(register, 2))) * 10 == ours(face, "active_energy_import") * 1000
    stranger = Peer(served, client=17, authentication=Authentication.LOW, password="87654321")
    with pytest.raises(gurux_dlms.GXDLMSException) as refused:
        stranger.associate()
    stranger.close()
    assert "AuthenticationFailure" in str(refused.value) or "authentication" in str(refused.value).lower()


def test_what_the_meter_denies_is_an_error_there(served):
    with peer(served) as one:
        with pytest.raises(gurux_dlms.GXDLMSException) as undefined:
            one.read(GXDLMSRegister("1.0.99.8.0.255"), 2)
        assert undefined.value.errorCode == 4
        with pytest.raises(gurux_dlms.GXDLMSException) as inconsistent:
            one.read(GXDLMSData("1.0.1.8.0.255"), 2)
        assert inconsistent.value.errorCode == 9
        register = GXDLMSRegister("1.0.1.8.0.255")
        register.value = 1
        with pytest.raises(gurux_dlms.GXDLMSException) as denied:
            one.all(one.client.write(register, 2))
        assert denied.value.errorCode == 3


def test_agrees_on_services_that_both_have(served):
    with peer(served) as one:
        agreed = one.client.negotiatedConformance
        assert agreed & Conformance.GET
        assert not agreed & Conformance.GENERAL_BLOCK_TRANSFER


# ---------------------------------------------------------------- what the meter has stored, and what can be changed

PROFILE = "1.0.99.1.4.255"


@pytest.fixture(scope="module")
def stored(served, face):
    """The profile with its columns as gurux knows them, 200 rows of it, and what our client reads."""
    face.meter.clock.step(200 * 900)
    with peer(served) as one:
        profile = GXDLMSProfileGeneric(PROFILE)
        one.read(profile, 3)
        yield profile, MeterDlms(connected(face.connect())).profile("1-0:99.1.4")


def _rows(one, profile, requests):
    """Rows that gurux makes of an answer: times, and energies in kWh."""
    reply = one.all(requests)
    profile.buffer.clear()
    one.client.updateValue(profile, 2, reply.value)
    rows = [(row[0].value.replace(tzinfo=None), row[1]) for row in profile.buffer]
    return [time for time, _ in rows], [Decimal(str(value)) / 100 for _, value in rows]


@pytest.mark.parametrize("pdu", [0xFFFF, 200], ids=["whole", "blocks"])
def test_reads_two_hundred_rows(served, stored, pdu):
    """The whole buffer: the same times and values that our own client reads."""
    profile, ours = stored
    with peer(served, pdu=pdu) as one:
        times, values = _rows(one, profile, one.client.read(profile, 2))
        assert times == [time.replace(tzinfo=None) for time in ours.times]
        assert len(times) == 200
        assert values == ours.columns[0].values
        assert (one.frames > 30) == (pdu == 200)


def test_reads_rows_by_entry(served, stored):
    profile, ours = stored
    with peer(served) as one:
        times, values = _rows(one, profile, one.client.readRowsByEntry(profile, 11, 20))
        assert times == [time.replace(tzinfo=None) for time in ours.times[10:30]]
        assert values == ours.columns[0].values[10:30]


def test_reads_rows_by_range(served, stored):
    profile, ours = stored
    with peer(served) as one:
        start, end = (ours.times[at] for at in (50, 79))
        times, _ = _rows(one, profile, one.client.readRowsByRange(profile, start, end))
        assert times == [time.replace(tzinfo=None) for time in ours.times[50:80]]


def test_reads_profiles_in_a_list(served, stored):
    """GET with list of two buffers and a register, longer than one APDU."""
    profile, ours = stored
    with peer(served, pdu=400) as one:
        register = GXDLMSRegister("1.0.1.8.0.255")
        wanted = [(register, 3), (profile, 7), (profile, 3)]
        reply = one.all(one.client.readList(wanted))
        one.client.updateValues(wanted, reply.value)
        assert reply.value[1] == 200
        assert len(profile.captureObjects) == len(ours.columns) + 1


def test_sets_and_acts(served, face):
    """SET of a text and of the clock, and two of its methods: the meter does what gurux says."""
    with peer(served, client=17, authentication=Authentication.LOW, password="12345678") as one:
        number = GXDLMSData("0.0.96.1.1.255")
        number.value = bytearray(b"GURUX-1")
        one.all(one.client.write(number, 2))
        assert face.meter.parameters["asset_number"] == "GURUX-1"
        clock = GXDLMSClock("0.0.1.0.0.255")
        one.all(clock.shiftTime(one.client, 60))
        one.all(clock.adjustToMinute(one.client))
        assert face.meter.now().second == 0
        profile = GXDLMSProfileGeneric("1.0.99.1.2.255")
        one.all(profile.capture(one.client))
        one.read(profile, 7)
        before = profile.entriesInUse
        one.all(profile.capture(one.client))
        one.read(profile, 7)
        assert profile.entriesInUse == before + 1
        one.all(profile.reset(one.client))
        one.read(profile, 7)
        assert profile.entriesInUse == 0


def test_a_long_value_is_set_in_blocks(served, face):
    """A value longer than what the meter takes at once: gurux cuts it, the meter puts it together and refuses it."""
    with peer(served, client=17, authentication=Authentication.LOW, password="12345678") as one:
        number = GXDLMSData("0.0.96.1.1.255")
        number.value = bytearray(b"A" * 3000)
        requests = one.client.write(number, 2)
        assert len(requests) > 2
        with pytest.raises(gurux_dlms.GXDLMSException) as refused:
            one.all(requests)
        assert refused.value.errorCode == 250
        assert face.meter.parameters["asset_number"] != "A" * 3000


def test_reads_with_short_names(served, face):
    """Association with short names: object list, a register by its base name, a profile by entry."""
    one = Peer(served)
    one.client.useLogicalNameReferencing = False
    try:
        one.associate()
        reply = one.all(one.client.getObjectsRequest())
        objects = one.client.parseObjects(reply.data, True)
        by_name = {thing.logicalName: thing for thing in objects}
        register = by_name["1.0.1.8.0.255"]
        one.read(register, 3)
        one.read(register, 2)
        assert Decimal(str(register.value)) == ours(face, "active_energy_import") * 1000
        profile = by_name[PROFILE]
        one.read(profile, 3)
        reply = one.all(one.client.readRowsByEntry(profile, 1, 5))
        assert len(reply.value) == 5
    finally:
        one.close()
