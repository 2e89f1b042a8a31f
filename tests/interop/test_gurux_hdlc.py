"""A client that somebody else wrote reads the emulated meter over HDLC: gurux-dlms (GPL, here alone)."""

from decimal import Decimal

import pytest

from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from tests.gurux_peer import Peer, straight_into

gurux_dlms = pytest.importorskip("gurux_dlms")
from gurux_dlms.enums import Authentication, InterfaceType  # noqa: E402
from gurux_dlms.objects import GXDLMSRegister  # noqa: E402


@pytest.fixture(scope="module")
def face():
    return FaceDlmsHdlc(Meter())


SERVERS = {
    "1": 1,
    "2": gurux_dlms.GXDLMSClient.getServerAddress(1, 17, 2),
    "4": gurux_dlms.GXDLMSClient.getServerAddress(1, 17, 4),
}


@pytest.mark.parametrize("size", SERVERS)
@pytest.mark.parametrize("info", [0, 256, 64])
def test_associates_and_reads_registers(face, size, info):
    """The whole way of a stranger: SNRM, AARQ, value, scaler_unit, RLRQ, DISC, in every size of address."""
    one = Peer(straight_into(face), link=InterfaceType.HDLC, server=SERVERS[size], info=info)
    if size == "4":
        one.client.serverAddressSize = 4
    one.associate()
    register = GXDLMSRegister("1.0.1.8.0.255")
    one.read(register, 3)
    assert (register.scaler, int(register.unit)) == (10, 30)
    one.read(register, 2)  # gurux multiplies by the scaler itself
    assert Decimal(str(register.value)) == Decimal(3493430)
    one.release()


def test_reads_the_object_list_in_segments(face):
    """Segments of HDLC within one APDU, and blocks of APDUs: all of it is put together by somebody else."""
    one = Peer(straight_into(face), link=InterfaceType.HDLC)
    one.associate()
    objects = one.client.parseObjects(one.all(one.client.getObjectsRequest()).data, True)
    assert len(objects) == len(face.services.objects)
    assert one.frames > 100


def test_associates_with_a_password(face):
    one = Peer(straight_into(face), 17, Authentication.LOW, "12345678", link=InterfaceType.HDLC)
    one.associate()
    register = GXDLMSRegister("1.0.32.7.0.255")
    one.read(register, 3)
    one.read(register, 2)
    assert round(register.value, 1) == 219.9
    stranger = Peer(straight_into(face), 17, Authentication.LOW, "87654321", link=InterfaceType.HDLC)
    with pytest.raises(gurux_dlms.GXDLMSException):
        stranger.associate()
