"""A client that somebody else wrote associates with our meter in every way it can: gurux-dlms (GPL, here alone)."""

import pytest
from dlms_secured import METER_TITLE, TITLE, served

from meterwire.meter_model.identity import Secrets

gurux_dlms = pytest.importorskip("gurux_dlms")
from gurux_dlms.enums import Authentication, InterfaceType, Security  # noqa: E402
from gurux_dlms.objects import GXDLMSData, GXDLMSRegister  # noqa: E402
from gurux_dlms.secure import GXDLMSSecureClient  # noqa: E402


class Peer:
    """A gurux client whose octets go straight into a connection of our meter."""

    def __init__(self, face, client, authentication, password=None, security=Security.NONE):
        self.connection = face.connect()
        one = self.client = GXDLMSSecureClient(True, client, 1, authentication, password, InterfaceType.WRAPPER)
        cipher = one.ciphering
        cipher.security = security
        cipher.systemTitle, cipher.serverSystemTitle = bytearray(TITLE), None
        cipher.blockCipherKey = bytearray(Secrets().unicast_key)
        cipher.authenticationKey = bytearray(Secrets().authentication_key)
        cipher.invocationCounter = 100

    def exchange(self, request):
        reply = gurux_dlms.GXReplyData()
        self._one(request, reply)
        while reply.isMoreData():
            self._one(self.client.receiverReady(reply), reply)
        return reply

    def _one(self, request, reply):
        answers = self.connection.receive(bytes(request), 0.0)
        received = gurux_dlms.GXByteBuffer(bytearray(b"".join(answer.octets for answer in answers)))
        assert self.client.getData(received, reply, gurux_dlms.GXReplyData())
        if reply.error:
            raise gurux_dlms.GXDLMSException(reply.error)

    def all(self, requests):
        if isinstance(requests, (bytes, bytearray)):
            return self.exchange(requests)
        return [self.all(request) for request in requests][-1]

    def associate(self):
        self.client.parseAareResponse(self.all(self.client.aarqRequest()).data)
        if int(self.client.authentication) > int(Authentication.LOW):
            reply = self.all(self.client.getApplicationAssociationRequest())
            self.client.parseApplicationAssociationResponse(reply.data)

    def read(self, thing, attribute=2):
        reply = self.all(self.client.read(thing, attribute))
        return self.client.updateValue(thing, attribute, reply.value)


WAYS = [
    (16, Authentication.NONE, None, Security.NONE),
    (17, Authentication.LOW, "12345678", Security.NONE),
    (18, Authentication.HIGH, "12345678", Security.NONE),
    (19, Authentication.HIGH_MD5, "12345678", Security.NONE),
    (20, Authentication.HIGH_SHA1, "12345678", Security.NONE),
    (17, Authentication.LOW, "12345678", Security.AUTHENTICATION_ENCRYPTION),
    (17, Authentication.LOW, "12345678", Security.AUTHENTICATION),
    (17, Authentication.LOW, "12345678", Security.ENCRYPTION),
    (1, Authentication.HIGH_GMAC, None, Security.AUTHENTICATION_ENCRYPTION),
]


@pytest.mark.parametrize("way", WAYS, ids=[f"{w[1].name}-{w[3].name}" for w in WAYS])
def test_it_associates_and_reads_objects_and_registers(way):
    """None, low, high, and GMAC with authenticated encryption; answers in blocks, each of them ciphered."""
    _, face = served()
    one = Peer(face, *way)
    one.associate()
    if way[1] is Authentication.HIGH_GMAC:  # the long answer costs gurux seconds
        reply = one.all(one.client.getObjectsRequest())
        assert len(one.client.parseObjects(reply.data, True)) > 20
    register = GXDLMSRegister("1.0.1.8.0.255")
    assert one.read(register) > 0
    assert one.read(GXDLMSData("0.0.42.0.0.255"))
    assert one.client.ciphering.security == way[3] or way[3] == Security.NONE
    one.all(one.client.releaseRequest())


def test_it_is_shown_the_title_of_the_meter():
    """What its nonce is made of comes with the AARE."""
    _, face = served()
    one = Peer(face, 1, Authentication.HIGH_GMAC, None, Security.AUTHENTICATION_ENCRYPTION)
    one.associate()
    assert bytes(one.client.settings.sourceSystemTitle) == METER_TITLE


def test_it_stays_outside_with_another_key():
    _, face = served()
    one = Peer(face, 1, Authentication.HIGH_GMAC, None, Security.AUTHENTICATION_ENCRYPTION)
    one.client.ciphering.blockCipherKey = bytearray(16)
    with pytest.raises(Exception):  # noqa: B017  the peer's own errors have no family
        one.associate()
