"""A client that somebody else wrote reads the emulated meter over HDLC: gurux-dlms (GPL, here alone)."""

from decimal import Decimal

import pytest

from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter

gurux_dlms = pytest.importorskip("gurux_dlms")
from gurux_dlms.enums import Authentication, InterfaceType  # noqa: E402
from gurux_dlms.objects import GXDLMSRegister  # noqa: E402


@pytest.fixture(scope="module")
def face():
    return FaceDlmsHdlc(Meter())


class Peer:
    """A gurux client whose frames go straight to the meter."""

    def __init__(self, face, server, authentication=Authentication.NONE, client=16, password=None, info=0, window=1):
        self.connection = face.connect()
        one = gurux_dlms.GXDLMSClient(True, client, server, authentication, password, InterfaceType.HDLC)
        if info:
            one.hdlcSettings.maxInfoTX = one.hdlcSettings.maxInfoRX = info
            one.hdlcSettings.windowSizeTX = one.hdlcSettings.windowSizeRX = window
        self.client, self.frames = one, 0

    def exchange(self, request):
        """Send a frame, collect the reply, all of its segments and blocks."""
        reply = gurux_dlms.GXReplyData()
        self._one(request, reply)
        while reply.isMoreData():
            self._one(self.client.receiverReady(reply), reply)
        return reply

    def _one(self, request, reply):
        octets = b"".join(answer.octets for answer in self.connection.receive(bytes(request), 0.0))
        assert octets, "the meter does not answer"
        received, notify = gurux_dlms.GXByteBuffer(), gurux_dlms.GXReplyData()
        received.set(octets)
        while not self.client.getData(received, reply, notify):
            assert received.position < received.size, "the answer is not whole"
        if reply.error:
            raise gurux_dlms.GXDLMSException(reply.error)
        self.frames += 1

    def all(self, requests):
        """Send requests in whatever nesting gurux gives them; the last reply."""
        if isinstance(requests, (bytes, bytearray)):
            return self.exchange(requests)
        return [self.all(request) for request in requests][-1]

    def associate(self):
        self.client.parseUAResponse(self.exchange(self.client.snrmRequest()).data)
        self.client.parseAareResponse(self.all(self.client.aarqRequest()).data)

    def read(self, thing, attribute):
        reply = self.all(self.client.read(thing, attribute))
        return self.client.updateValue(thing, attribute, reply.value)


SERVERS = {
    "1": 1,
    "2": gurux_dlms.GXDLMSClient.getServerAddress(1, 17, 2),
    "4": gurux_dlms.GXDLMSClient.getServerAddress(1, 17, 4),
}


@pytest.mark.parametrize("size", SERVERS)
@pytest.mark.parametrize(("info", "window"), [(0, 1), (256, 1), (64, 1)])
def test_associates_and_reads_registers(face, size, info, window):
    """The whole way of a stranger: SNRM, AARQ, value, scaler_unit, RLRQ, DISC, in every size of address."""
    one = Peer(face, SERVERS[size], info=info, window=window)
    if size == "4":
        one.client.serverAddressSize = 4
    one.associate()
    register = GXDLMSRegister("1.0.1.8.0.255")
    one.read(register, 3)
    assert (register.scaler, int(register.unit)) == (10, 30)
    one.read(register, 2)  # gurux multiplies by the scaler itself
    assert Decimal(str(register.value)) == Decimal(3493430)
    for request in one.client.releaseRequest():
        one.exchange(request)
    one.exchange(one.client.disconnectRequest())


def test_reads_the_object_list_in_segments(face):
    """Segments of HDLC within one APDU, and blocks of APDUs: all of it is put together by somebody else."""
    one = Peer(face, 1)
    one.associate()
    objects = one.client.parseObjects(one.all(one.client.getObjectsRequest()).data, True)
    assert len(objects) == len(face.services.objects)
    assert one.frames > 100


def test_associates_with_a_password(face):
    one = Peer(face, 1, Authentication.LOW, 17, "12345678")
    one.associate()
    register = GXDLMSRegister("1.0.32.7.0.255")
    one.read(register, 3)
    one.read(register, 2)
    assert round(register.value, 1) == 219.9
    stranger = Peer(face, 1, Authentication.LOW, 17, "87654321")
    with pytest.raises(gurux_dlms.GXDLMSException):
        stranger.associate()
