"""Security setup of the meter: keys agreed upon, certificates, and what outlives a restart."""

from datetime import timedelta

import pytest
from dlms_secured import METER_TITLE, TITLE, Mechanism, Wire, chance, pair, security, served

from meterwire.meter_model.dlms_security import DlmsSecurity
from meterwire.protocols.dlms.data import Tag, array, octet_string, structure
from meterwire.protocols.dlms.security import certificates
from meterwire.protocols.dlms.security.agreement import (
    derived_key,
    ephemeral,
    shared_secret,
    signed_ephemeral,
    verified_ephemeral,
)
from meterwire.protocols.dlms.security.counters import SendingCounter
from meterwire.protocols.dlms.security.keys import KeyId
from meterwire.protocols.dlms.security.suites import SUITES
from meterwire.protocols.wire.nodes import Variant

SETUP = (0, 0, 43, 0, 0, 255)


def associated(suite):
    meter, face = served(suite)
    return meter, Wire(face).associate(security(Mechanism.HIGH_GMAC, suite, meter=meter, sending=SendingCounter(1)))


@pytest.mark.parametrize("suite", [1, 2])
def test_both_sides_agree_on_a_key(suite):
    """Ephemeral keys of both, each signed; what comes out is the meter's new key."""
    group = SUITES[suite]
    meter, wire = associated(suite)
    ours = ephemeral(group, chance(3)(group.coordinate_octets + 8))
    signing = pair(suite, b"client signing")
    sent = signed_ephemeral(group, KeyId.UNICAST_ENCRYPTION, ours.public_key(), signing)
    outcome = wire.act(64, SETUP, 3, array([structure(Variant(Tag.ENUM, 0), octet_string(sent))])).outcome
    assert outcome.result == 0
    (answer,) = outcome.returned.value.value
    theirs = meter.dlms_security.keys.signing.public_key()
    public = verified_ephemeral(group, KeyId.UNICAST_ENCRYPTION, answer.value[1].value, theirs)
    agreed = derived_key(group, shared_secret(group, ours, public), TITLE, METER_TITLE)
    assert meter.dlms_security.keys.unicast == agreed
    forged = sent[:-1] + bytes([sent[-1] ^ 1])
    assert wire.act(64, SETUP, 3, array([structure(Variant(Tag.ENUM, 0), octet_string(forged))])).outcome.result != 0
    assert meter.dlms_security.keys.unicast == agreed


def test_certificates_are_imported_listed_and_exported():
    """A client's new key is used from then on; an expired certificate and somebody else's are refused."""
    meter, wire = associated(1)
    now, day = meter.clock.now(), timedelta(days=1)
    key = pair(1, b"new key").public_key()

    def made(title=TITLE, valid=(now - day, now + day)):
        one = certificates.made(
            title, key, certificates.Purpose.SIGNING, "Test CA", pair(1, b"issuer"), valid, serial=77
        )
        return certificates.octets_of(one)

    for bad in (made(title=b"MMM\0\0\0\0\2"), made(valid=(now - 2 * day, now - day)), b"\x30\x00"):
        assert wire.act(64, SETUP, 6, octet_string(bad)).outcome.result != 0
    good = made()
    assert wire.act(64, SETUP, 6, octet_string(good)).outcome.result == 0
    assert meter.dlms_security.client_signing[1] != meter.dlms_security.client_signing[17]
    (listed,) = wire.get(64, SETUP, 6).result.value.value
    assert listed.value[2].value == b"\x4d"
    wanted = structure(Variant(Tag.ENUM, 1), Variant(Tag.ENUM, 0), octet_string(TITLE))
    exported = wire.act(64, SETUP, 7, structure(Variant(Tag.ENUM, 0), wanted)).outcome
    assert exported.returned.value.value == good


def test_keys_policy_and_counters_outlive_a_restart():
    """After it no number is sent again, and none that was taken is taken again."""
    meter, wire = associated(0)
    assert wire.act(64, SETUP, 1, Variant(Tag.ENUM, 0x0C)).outcome.result == 0
    meter.dlms_security.change_keys({KeyId.BROADCAST_ENCRYPTION: b"\7" * 16})
    before = meter.dlms_security
    taken, sent = before.received(TITLE).expected, before.sending.next
    after = DlmsSecurity(meter.identity, meter.clock.seconds)
    after.restore(before.state())
    assert (after.policy, after.keys.broadcast) == (0x0C, b"\7" * 16)
    assert after.received(TITLE).expected == taken
    assert after.sending.take() >= sent


def test_an_answer_with_reserved_counters_or_a_new_client_is_stored_before_it_leaves():
    """The first answer of an association takes a block of counters: it must be durable."""
    meter, face = served()
    connection = face.connect()
    wire = Wire(face)
    wire.connection = connection
    answers = []
    receive = connection.receive

    def noting(octets, now):
        found = receive(octets, now)
        answers.extend(found)
        return found

    connection.receive = noting
    wire.associate(security(Mechanism.HIGH_GMAC, meter=meter, sending=SendingCounter(1)))
    assert answers[0].durable
