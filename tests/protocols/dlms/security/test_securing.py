"""The security setup as a client uses it: new keys by transfer and agreement, key pairs, certificates, policy."""

import asyncio
from datetime import timedelta

import pytest
from dlms_secured import FULL, METER_TITLE, TITLE, Mechanism, chance, client, pair, secured, security, served

from meterwire.errors import LocalProtocolError, MeterwireError, Refused, SecurityError
from meterwire.meter_model.dlms_security import DlmsSecurity
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.client_securing import Policy
from meterwire.protocols.dlms.security import certificates
from meterwire.protocols.dlms.security.certificates import Purpose
from meterwire.protocols.dlms.security.curves import public_key, public_octets
from meterwire.protocols.dlms.security.keys import KeyId
from meterwire.protocols.dlms.security.suites import SUITES


def managed(suite, mechanism=Mechanism.HIGH_GMAC, **more):
    meter, face = served(suite)
    return meter, face, client(face, security(mechanism, suite, FULL, meter), 1, **more)


@pytest.mark.parametrize("suite", [0, 1, 2])
def test_new_keys_by_transfer(suite):
    """All three at once; the next association uses them, and one with the old ones is refused."""
    meter, face, one = managed(suite)
    old = security(Mechanism.HIGH_GMAC, suite, FULL, meter)
    size = SUITES[suite].key_octets
    new = {key: bytes([40 + key]) * size for key in (KeyId.UNICAST_ENCRYPTION, KeyId.AUTHENTICATION, KeyId.MASTER)}
    one.transfer_keys(new)
    assert all(meter.dlms_security.keys.of(key) == value for key, value in new.items())
    one.release()
    assert one.read("voltage_a").unit == "V"
    with pytest.raises(MeterwireError):
        client(face, old, 1).read("voltage_a")


def test_a_transfer_needs_a_master_key_and_changes_nothing_when_refused():
    meter, face, one = managed(0)
    before = meter.dlms_security.keys
    with pytest.raises(Refused):
        one.transfer_keys({KeyId.UNICAST_ENCRYPTION: before.unicast})  # the one that is there
    with pytest.raises(SecurityError):
        one.transfer_keys({KeyId.UNICAST_ENCRYPTION: b"short"})
    brought = security(Mechanism.HIGH_GMAC, 0, FULL, meter)
    brought.keys = brought.keys.replaced(KeyId.MASTER, b"")
    with pytest.raises(LocalProtocolError):
        client(face, brought, 1).transfer_keys({KeyId.UNICAST_ENCRYPTION: bytes(range(16))})
    assert meter.dlms_security.keys == before


@pytest.mark.parametrize("suite", [1, 2])
def test_new_keys_by_agreement(suite):
    """Both come to the same keys, which are used from the next association on."""
    meter, _, one = managed(suite)
    agreed = one.agree_keys([KeyId.UNICAST_ENCRYPTION, KeyId.AUTHENTICATION])
    assert all(meter.dlms_security.keys.of(key) == value for key, value in agreed.items())
    one.release()
    assert one.read("voltage_a").unit == "V"


def test_an_agreement_that_somebody_else_signs_is_refused():
    meter, _, one = managed(1)
    brought = one._session.security
    brought.keys = brought.keys.__class__(
        **{name: getattr(brought.keys, name) for name in brought.keys.__struct_fields__}
        | {"peer_signing": pair(1, b"somebody else").public_key()}
    )
    with pytest.raises(SecurityError):
        one.agree_keys([KeyId.UNICAST_ENCRYPTION])
    with pytest.raises(LocalProtocolError):
        managed(0)[2].agree_keys([KeyId.UNICAST_ENCRYPTION])
    assert meter.dlms_security.keys.unicast != brought.keys.unicast  # the meter cannot know: read back


def certified(meter, octets_or_key, purpose, title, days=1):
    """A certificate of a test authority."""
    now, day = meter.clock.now(), timedelta(days=1)
    issuer = pair(meter.dlms_security.suite, b"authority")
    one = certificates.made(title, octets_or_key, purpose, "TEST CA", issuer, (now - day, now + days * day), 4711)
    return certificates.octets_of(one)


@pytest.mark.parametrize("suite", [1, 2])
def test_a_meter_makes_itself_a_new_key_pair(suite):
    """Generated, requested, certified, imported: only then it signs with it; an ECDSA association shows that."""
    meter, face, one = managed(suite)
    before = public_octets(meter.dlms_security.keys.signing.public_key())
    one.generate_key_pair(Purpose.SIGNING)
    request = one.certificate_request(Purpose.SIGNING)
    key = certificates.request_of(request, METER_TITLE)
    assert public_octets(key) != before == public_octets(meter.dlms_security.keys.signing.public_key())
    one.import_certificate(certified(meter, key, Purpose.SIGNING, METER_TITLE))
    assert public_octets(meter.dlms_security.keys.signing.public_key()) == public_octets(key)
    brought = security(Mechanism.HIGH_ECDSA, suite, FULL, meter)
    assert client(face, brought).read("voltage_a").unit == "V"
    after = DlmsSecurity(meter.identity, meter.clock.seconds)
    after.restore(meter.dlms_security.state())
    assert public_octets(after.keys.signing.public_key()) == public_octets(key)


def test_a_pair_that_waits_outlives_a_restart():
    meter, _, one = managed(1)
    one.generate_key_pair(Purpose.AGREEMENT)
    request = certificates.request_of(one.certificate_request(Purpose.AGREEMENT), METER_TITLE)
    after = DlmsSecurity(meter.identity, meter.clock.seconds)
    after.restore(meter.dlms_security.state())
    later = certificates.request_of(after.certificate_request(Purpose.AGREEMENT, METER_TITLE), METER_TITLE)
    assert public_octets(later) == public_octets(request)


def test_certificates_are_listed_exported_and_removed():
    """Imported as PEM, given back as DER; once it is removed the client's key is known no more."""
    from cryptography.hazmat.primitives.serialization import Encoding

    meter, face, one = managed(1)
    key = pair(1, b"client signing").public_key()
    octets = certified(meter, key, Purpose.SIGNING, TITLE)
    one.import_certificate(certificates.read(octets).public_bytes(Encoding.PEM))
    (entry,) = one.certificates()
    assert (entry.entity, entry.purpose, entry.serial) == (1, 0, (4711).to_bytes(2, "big"))
    assert one.export_certificate(entry) == octets
    one.remove_certificate(entry)
    assert one.certificates() == []
    with pytest.raises(Refused):
        one.export_certificate(entry)
    with pytest.raises(Refused):
        one.remove_certificate(entry)
    with pytest.raises(MeterwireError):
        client(face, security(Mechanism.HIGH_ECDSA, 1, FULL, meter)).read("voltage_a")


def test_suite_0_has_no_key_pairs():
    _, _, one = managed(0)
    for ask in (lambda: one.generate_key_pair(Purpose.SIGNING), lambda: one.certificate_request(Purpose.SIGNING)):
        with pytest.raises(Refused):
            ask()


def test_nobody_else_may():
    """D14, D20: a client without the rights makes no keys, and what is made is never told."""
    meter, face = served(1)
    other = client(face, security(Mechanism.HIGH_ECDSA, 1, FULL, meter))
    for ask in (
        lambda: other.generate_key_pair(Purpose.SIGNING),
        lambda: other.transfer_keys({KeyId.UNICAST_ENCRYPTION: bytes(range(16))}),
        lambda: other.raise_policy(Policy.REQUEST_SIGNED),
    ):
        with pytest.raises(Refused):
            ask()
    assert not meter.dlms_security.pairs.fresh


def test_a_forged_request_is_refused():
    """By its signature, and by its title."""
    request = certificates.requested(METER_TITLE, pair(1, b"anybody"))
    public_key(SUITES[1], public_octets(certificates.request_of(request, METER_TITLE)))
    forged = [request[:-1] + bytes([request[-1] ^ 1]), request[:50], b"", bytes(9000)]
    for octets in forged:
        with pytest.raises(SecurityError):
            certificates.request_of(octets, METER_TITLE)
    with pytest.raises(SecurityError):
        certificates.request_of(request, TITLE)


def test_the_policy_and_with_asyncio():
    """Raised once it stays; the same procedures are awaited by others."""
    meter = secured(Meter(), 0)
    one = client(FaceDlms(meter, random=chance(5)), security(Mechanism.HIGH_GMAC, 0, FULL, meter), 1, asynchronous=True)

    async def run():
        await one.raise_policy(Policy.ANSWER_AUTHENTICATED | Policy.ANSWER_ENCRYPTED)
        with pytest.raises(Refused):
            await one.raise_policy(Policy(0))
        await one.transfer_keys({KeyId.BROADCAST_ENCRYPTION: bytes(range(1, 17))})

    asyncio.run(run())
    assert meter.dlms_security.policy == 0x60
    assert meter.dlms_security.keys.broadcast == bytes(range(1, 17))
