"""A client that somebody else wrote associates with our meter in every way it can: gurux-dlms (GPL, here alone)."""

import pytest
from dlms_secured import METER_TITLE, served

from tests.gurux_peer import Peer, straight_into

pytest.importorskip("gurux_dlms")
from gurux_dlms.enums import Authentication, Security
from gurux_dlms.objects import GXDLMSData, GXDLMSRegister

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
    one = Peer(straight_into(face), *way)
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
    one = Peer(straight_into(face), 1, Authentication.HIGH_GMAC, None, Security.AUTHENTICATION_ENCRYPTION)
    one.associate()
    assert bytes(one.client.settings.sourceSystemTitle) == METER_TITLE


def test_it_stays_outside_with_another_key():
    _, face = served()
    one = Peer(straight_into(face), 1, Authentication.HIGH_GMAC, None, Security.AUTHENTICATION_ENCRYPTION)
    one.client.ciphering.blockCipherKey = bytearray(16)
    with pytest.raises(Exception):  # noqa: B017  the peer's own errors have no family
        one.associate()
