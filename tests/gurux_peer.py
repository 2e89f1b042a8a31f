"""A client that somebody else wrote, gurux-dlms (GPL, in tests alone), over either link and with any security."""

from itertools import count

import pytest
from dlms_secured import TITLE

from meterwire.meter_model.identity import Secrets

gurux_dlms = pytest.importorskip("gurux_dlms")
from gurux_dlms.enums import Authentication, InterfaceType, Security  # noqa: E402
from gurux_dlms.secure import GXDLMSSecureClient  # noqa: E402

COUNTERS = count(100, 10000)
"""Each association begins behind the counters of those before it: a meter takes none twice."""
MANY = 1 << 14
"""Answers of one request: far more than any of the tests needs."""


def straight_into(face):
    """What brings octets straight into a connection of one of our meters and its answer back."""
    connection = face.connect()

    def carry(octets):
        return b"".join(answer.octets for answer in connection.receive(octets, 0.0))

    return carry


class Peer:
    """One association of theirs.

    Args:
        carry: sends octets, if there are any, and gives what the meter answers; nothing once there is no more.
        link: wrapper or HDLC; likewise the others as gurux has them.
        pdu: longest APDU that it takes.
        info: longest information field that it offers; 0 offers none.
    """

    def __init__(
        self,
        carry,
        client=16,
        authentication=Authentication.NONE,
        password=None,
        security=Security.NONE,
        *,
        link=InterfaceType.WRAPPER,
        server=1,
        pdu=0xFFFF,
        info=0,
    ):
        self._carry, self._hdlc = carry, link is InterfaceType.HDLC
        one = self.client = GXDLMSSecureClient(True, client, server, authentication, password, link)
        one.maxReceivePDUSize = pdu
        if info:
            one.hdlcSettings.maxInfoTX = one.hdlcSettings.maxInfoRX = info
        cipher = one.ciphering
        cipher.security = security
        cipher.systemTitle, cipher.serverSystemTitle = bytearray(TITLE), None
        cipher.blockCipherKey = bytearray(Secrets().unicast_key)
        cipher.authenticationKey = bytearray(Secrets().authentication_key)
        cipher.invocationCounter = next(COUNTERS)
        self.frames = 0

    def exchange(self, request):
        """Send octets, collect the reply, all of its segments and blocks."""
        reply = gurux_dlms.GXReplyData()
        self._one(request, reply)
        for _ in range(MANY):
            if not reply.isMoreData():
                return reply
            self._one(self.client.receiverReady(reply), reply)
        raise AssertionError("an answer without end")

    def _one(self, request, reply):
        received, notify = gurux_dlms.GXByteBuffer(), gurux_dlms.GXReplyData()
        octets = self._carry(bytes(request))
        while True:
            assert octets, "the meter does not answer"
            received.set(octets)
            if self.client.getData(received, reply, notify):
                break
            octets = self._carry(b"")
        if reply.error:
            raise gurux_dlms.GXDLMSException(reply.error)
        self.frames += 1

    def all(self, requests):
        """Send requests in whatever nesting gurux gives them; the last reply."""
        if isinstance(requests, (bytes, bytearray)):
            return self.exchange(requests)
        return [self.all(request) for request in requests][-1]

    def connect(self):
        """SNRM and UA, where there is a link to connect."""
        if self._hdlc:
            self.client.parseUAResponse(self.exchange(self.client.snrmRequest()).data)

    def associate(self):
        """All passes."""
        self.connect()
        self.client.parseAareResponse(self.all(self.client.aarqRequest()).data)
        if int(self.client.authentication) > int(Authentication.LOW):
            reply = self.all(self.client.getApplicationAssociationRequest())
            self.client.parseApplicationAssociationResponse(reply.data)

    def read(self, thing, attribute=2):
        """An attribute, as the peer's own object takes it."""
        reply = self.all(self.client.read(thing, attribute))
        return self.client.updateValue(thing, attribute, reply.value)

    def release(self):
        """RLRQ, and DISC where there is a link."""
        self.all(self.client.releaseRequest())
        if self._hdlc:
            self.exchange(self.client.disconnectRequest())
