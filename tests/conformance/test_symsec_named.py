"""Named after the 15 cases of the abstract test suite SYMSEC_0 of the DLMS UA (Yellow Book), against our meter.

RECONSTRUCTED: the suite itself was not at hand. Only the names are known; each case states here what we do and expect.
Nothing here is certified. Every case has been seen to fail: with the fault planted that it is there to find.
"""

from contextlib import contextmanager

import msgspec
import pytest
from dlms_secured import (
    AUTHENTICATED,
    BOTH,
    FULL,
    METER_TITLE,
    TITLE,
    Level,
    Mechanism,
    Wire,
    chance,
    get_request,
    keys,
    refusal,
    security,
    served,
)

from meterwire.errors import MeterwireError
from meterwire.meter_model import dlms_security
from meterwire.meter_model.faces.dlms import client as dlms_client
from meterwire.meter_model.faces.dlms import cosem_association, cosem_security
from meterwire.meter_model.faces.dlms.cosem_association import Policy
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.protocols.dlms.acse import Rlre, Rlrq
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.data import Tag, array, octet_string, structure
from meterwire.protocols.dlms.enums import ReleaseResponseReason, ServiceError
from meterwire.protocols.dlms.security import ciphering
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.gcm import ENCRYPTED, Gcm
from meterwire.protocols.dlms.security.keys import KeyId
from meterwire.protocols.dlms.security.wrapping import wrap
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

SETUP = (0, 0, 43, 0, 0, 255)
CLOCK = (0, 0, 1, 0, 0, 255)
NEW = bytes.fromhex("F0E0D0C0B0A090807060504030201000")


def brought(meter, **more):
    more = {"sending": SendingCounter(1 + meter.dlms_security.greatest)} | more
    return security(Mechanism.HIGH_GMAC, meter=meter, **more)


def associated(world, **more):
    meter, face = world
    return Wire(face).associate(brought(meter, **more))


def transfer(wire, pairs, master):
    wrapped = (structure(Variant(Tag.ENUM, int(key)), octet_string(wrap(master, value))) for key, value in pairs)
    return wire.act(64, SETUP, 2, array(wrapped)).outcome.result


def held(meter):
    return meter.dlms_security.keys


# ---------------------------------------------------------------- the cases: what we do, and what we expect


def BasicCap_1(world):
    """Associate with GMAC, authenticated and encrypted; suite, policy and titles are told, each answer as protected."""
    wire = associated(world)
    assert [wire.get(64, SETUP, attribute).result.value.value for attribute in (2, 3)] == [0, 0]
    assert [wire.get(64, SETUP, attribute).result.value.value for attribute in (4, 5)] == [TITLE, METER_TITLE]
    assert wire.raw(wire.protection.protect(get_request(8, CLOCK, 2)))[2] == BOTH


def FraCount_1(world):
    """A request sent twice is refused the second time, and so is one with an older counter; the next one is served."""
    wire = associated(world)
    request, later = (wire.protection.protect(get_request(8, CLOCK, 2)) for _ in range(2))
    assert refusal(wire.raw(later)) is None
    wire.protection.received.expected += 1
    for again in (later, request):
        assert refusal(wire.raw(again)) == ServiceError.INVOCATION_COUNTER_ERROR
    assert wire.get(8, CLOCK, 2).result.tag == 0


def FraCount_3(world):
    """A counter far ahead is taken; one that comes with a wrong tag moves nothing."""
    wire = associated(world)
    forged = bytearray(wire.protection.protect(get_request(8, CLOCK, 2)))
    forged[3:7] = b"\xff\xff\xff\xff"
    assert refusal(wire.raw(bytes(forged))) == ServiceError.DECIPHERING_ERROR
    wire.protection.sending.skip_to(1_000_000)
    assert wire.get(8, CLOCK, 2).result.tag == 0
    assert world[0].dlms_security.received(TITLE).expected == 1_000_001


def _Key_Tx(world, key):
    meter, _ = world
    assert transfer(associated(world), [(key, NEW)], held(meter).master) == 0
    assert held(meter).of(key) == NEW
    fresh = keys(0, meter).replaced(key, NEW)
    assert associated(world, keys=fresh).get(8, CLOCK, 2).result.tag == 0


def Key_Tx_P1(world):
    """A new global unicast encryption key is taken: the next association is made with it, and not with the old one."""
    _Key_Tx(world, KeyId.UNICAST_ENCRYPTION)
    with pytest.raises(MeterwireError):
        associated(world)


def Key_Tx_P2(world):
    """A new authentication key likewise."""
    _Key_Tx(world, KeyId.AUTHENTICATION)
    with pytest.raises(MeterwireError):
        associated(world)


def Key_Tx_P3(world):
    """Several keys at once, the master key among them, which wraps the next one."""
    meter, _ = world
    pairs = [(KeyId.MASTER, NEW), (KeyId.BROADCAST_ENCRYPTION, NEW[::-1])]
    assert transfer(associated(world), pairs, held(meter).master) == 0
    assert (held(meter).master, held(meter).broadcast) == (NEW, NEW[::-1])
    assert transfer(associated(world), [(KeyId.BROADCAST_ENCRYPTION, NEW)], NEW) == 0


def Key_Tx_N1(world):
    """A key under another master key, or damaged on its way, is refused; the old keys stay."""
    meter, _ = world
    before, wire = held(meter), associated(world)
    assert transfer(wire, [(KeyId.UNICAST_ENCRYPTION, NEW)], bytes(16)) != 0
    damaged = bytearray(wrap(before.master, NEW))
    damaged[5] ^= 1
    pair = structure(Variant(Tag.ENUM, 0), octet_string(bytes(damaged)))
    assert wire.act(64, SETUP, 2, array([pair])).outcome.result != 0
    assert held(meter) == before


def Key_Tx_N2(world):
    """Unknown key ids, keys of another length, the key that is there, and half a list: nothing of it is taken."""
    meter, _ = world
    before, wire = held(meter), associated(world)
    good = (KeyId.BROADCAST_ENCRYPTION, NEW)
    for bad in ((7, NEW), (KeyId.UNICAST_ENCRYPTION, NEW * 2), (KeyId.UNICAST_ENCRYPTION, before.unicast)):
        assert transfer(wire, [good, bad], before.master) != 0
        assert held(meter) == before


def DedKey_N1(world):
    """A dedicated key of zeros, or of another length, makes no association; one that was released opens nothing."""
    meter, face = world
    for key in (bytes(16), NEW + NEW, b"\1" * 15):
        weak = brought(meter, dedicated=True, random=lambda size, key=key: key if size == 16 else bytes(size))
        wire = Wire(face)
        handshake = dlms_handshake(weak, key)
        assert codec(APDU).parse(wire.raw(handshake.aarq())).value.result != 0
    first = associated(world, dedicated=True)
    assert first.get(8, CLOCK, 2).result.tag == 0
    second = associated(world, dedicated=True, random=chance(8))
    second.protection._dedicated = first.protection._dedicated
    octets = second.protection.protect(get_request(8, CLOCK, 2))
    assert octets[0] == ApduTag.DED_GET_REQUEST
    assert refusal(second.raw(octets)) == ServiceError.DECIPHERING_ERROR


def dlms_handshake(weak, key):
    from meterwire.protocols.dlms.handshake import Handshake

    weak = msgspec.structs.replace(weak, dedicated=False, random=lambda size: b"\7" * size)
    handshake = Handshake(weak, 0xFFFF)
    handshake._dedicated = key
    return handshake


def SecDataX_P1(world):
    """GET and ACTION under the global and the dedicated key are served, and what comes back is ciphered likewise."""
    for dedicated, answer in ((False, ApduTag.GLO_GET_RESPONSE), (True, ApduTag.DED_GET_RESPONSE)):
        wire = associated(world, dedicated=dedicated)
        octets = wire.raw(wire.protection.protect(get_request(8, CLOCK, 2)))
        assert octets[0] == answer
        assert codec(APDU).parse(wire.protection.unprotect(octets)).value.result.tag == 0
        assert wire.act(8, CLOCK, 99).outcome.result != 0


def SecDataX_N1(world):
    """Plain, authenticated alone, encrypted alone, another suite, compressed, broadcast: refused, nothing is served."""
    meter, _ = world
    wire, own = associated(world), keys(0, meter)
    plain = get_request(8, CLOCK, 2)
    assert refusal(wire.raw(plain)) == ServiceError.DECIPHERING_ERROR
    gcm = Gcm(own.unicast, own.authentication)
    for control in (AUTHENTICATED, ENCRYPTED, 0, BOTH | 1, BOTH | 0x80, BOTH | 0x40):
        octets = ciphering.service_specific(gcm, TITLE, wire.protection.sending.take(), control, plain)
        assert refusal(wire.raw(octets)) == ServiceError.DECIPHERING_ERROR, hex(control)
    assert wire.get(8, CLOCK, 2).result.tag == 0


def REL_N1(world):
    """A release that is protected less than the association does not end it; one that is, does."""
    wire = associated(world)
    for information in (None, bytes.fromhex("01000000065f1f0400001e1dffff")):
        octets = codec(APDU).build(Variant(ApduTag.RLRQ, Rlrq(reason=0, user_information=information)))
        answer = codec(APDU).parse(wire.raw(octets)).value
        assert isinstance(answer, Rlre)
        assert answer.reason == ReleaseResponseReason.NOT_FINISHED
        assert wire.get(8, CLOCK, 2).result.tag == 0
    request = bytes.fromhex("01000000065f1f0400001e1dffff")
    good = Rlrq(reason=0, user_information=wire.protection.protect_initiate(request))
    assert codec(APDU).parse(wire.raw(codec(APDU).build(Variant(ApduTag.RLRQ, good)))).value.reason == 0


def SecPol_1(world):
    """A stronger policy is activated: it is told, and who comes without that protection is not let in any more."""
    meter, face = world
    Wire(face, 17).associate(security(Mechanism.LOW, 0, None, meter))
    assert associated(world).act(64, SETUP, 1, Variant(Tag.ENUM, 0x0C)).outcome.result == 0
    assert associated(world).get(64, SETUP, 2).result.value.value == 0x0C
    with pytest.raises(MeterwireError):
        Wire(face, 17).associate(security(Mechanism.LOW, 0, None, meter))


def SecPol_2(world):
    """A policy that would lose a protection is refused, and so are bits that mean nothing; it stays as it was."""
    wire = associated(world)
    assert wire.act(64, SETUP, 1, Variant(Tag.ENUM, 0x0C)).outcome.result == 0
    for weaker in (0x04, 0x08, 0x00, 0x0D):
        assert wire.act(64, SETUP, 1, Variant(Tag.ENUM, weaker)).outcome.result != 0
        assert wire.get(64, SETUP, 2).result.value.value == 0x0C


def SecPol_3(world):
    """Neither a weakly protected association nor one of another client may change the policy, and nobody by SET."""
    meter, face = world
    lax = FaceDlms(meter, allowed={1: Policy(Mechanism.HIGH_GMAC, requires=AUTHENTICATED)}, random=face.guard.random)
    weak = Wire(lax).associate(brought(meter, level=Level(AUTHENTICATED, AUTHENTICATED)))
    assert weak.act(64, SETUP, 1, Variant(Tag.ENUM, 0x0C)).outcome.result != 0
    other = Wire(face, 17).associate(
        security(Mechanism.LOW, 0, FULL, meter, sending=SendingCounter(1 + meter.dlms_security.greatest))
    )
    assert other.act(64, SETUP, 1, Variant(Tag.ENUM, 0x0C)).outcome.result != 0
    assert associated(world).write(64, SETUP, 2, Variant(Tag.ENUM, 0x0C)).result != 0
    assert meter.dlms_security.policy == 0


# ---------------------------------------------------------------- the faults


@contextmanager
def planted(place, name, fault):
    good = place.__dict__[name] if isinstance(place, type) else getattr(place, name)
    setattr(place, name, fault)
    try:
        yield
    finally:
        setattr(place, name, good)


def only_first(self, changes):
    key, value = next(iter(changes.items()))
    self.keys = self.keys.replaced(key, value)


def unchecked(self, changes):
    for key, value in changes.items():
        self.keys = self.keys.replaced(key, value)


def eager(self, octets, good=ciphering.Ciphering.unprotect):
    if self._server and octets[3:7] == b"\xff\xff\xff\xff":
        self.received.expected = max(self.received.expected, int.from_bytes(octets[3:7], "big") + 1)
    return good(self, octets)


def bare(self, apdu, good=ciphering.Ciphering.protect):
    return apdu if self._server else good(self, apdu)


def weakly(self, opened, level):
    self._control = self.suite


def lax_dedicate(self, key):
    self._dedicated = Gcm((key * 2)[:16], self.keys.authentication)


def any_policy(self, policy):
    self.policy = policy


def strong_enough(view):
    return view.device.guard.security, view.association.protection


CASES = {
    BasicCap_1: (ciphering.Ciphering, "_answer_alike", weakly),
    FraCount_1: (ReceivedCounter, "check", lambda self, counter: None),
    FraCount_3: (ciphering.Ciphering, "unprotect", eager),
    Key_Tx_P1: (dlms_security.DlmsSecurity, "change_keys", lambda self, changes: None),
    Key_Tx_P2: (dlms_security.DlmsSecurity, "change_keys", lambda self, changes: None),
    Key_Tx_P3: (dlms_security.DlmsSecurity, "change_keys", only_first),
    Key_Tx_N1: (cosem_security, "unwrap", lambda master, wrapped: wrapped[8:]),
    Key_Tx_N2: (dlms_security.DlmsSecurity, "change_keys", unchecked),
    DedKey_N1: (ciphering.Ciphering, "dedicate", lax_dedicate),
    SecDataX_P1: (ciphering.Ciphering, "protect", bare),
    SecDataX_N1: (ciphering.Ciphering, "_check_level", lambda self, found, text: None),
    REL_N1: (dlms_client, "released", lambda association, information: Rlre(reason=0)),
    SecPol_1: (dlms_security.DlmsSecurity, "raise_policy", lambda self, policy: None),
    SecPol_2: (dlms_security.DlmsSecurity, "raise_policy", any_policy),
    SecPol_3: (cosem_security, "_strong", strong_enough),
}


@pytest.mark.parametrize("case", CASES, ids=[f"SYMSEC_0_{case.__name__}" for case in CASES])
def test_symsec(case):
    """Each case holds for our meter."""
    case(served())


@pytest.mark.parametrize("case", CASES, ids=[f"SYMSEC_0_{case.__name__}" for case in CASES])
def test_symsec_finds_the_planted_fault(case):
    """With the fault in the meter the same case fails, so that it is no case that cannot."""
    place, name, fault = CASES[case]
    with planted(place, name, fault), pytest.raises((AssertionError, MeterwireError, pytest.fail.Exception)):
        case(served())


def test_there_are_fifteen_names():
    assert len(CASES) == 15
    assert cosem_association.SERVER_PDU
