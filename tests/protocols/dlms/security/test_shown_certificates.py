"""Certificates that both sides show with an ECDSA association: believed when a trusted authority has issued them."""

import datetime as dt

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from dlms_secured import (
    CLIENTS,
    FULL,
    METER_TITLE,
    SIGNED,
    TITLE,
    Form,
    Level,
    Mechanism,
    client,
    pair,
    security,
    served,
)

from meterwire.errors import MeterwireError, Refused, SecurityError
from meterwire.meter_model.device import load_secrets
from meterwire.protocols.dlms.client_securing import SETUP
from meterwire.protocols.dlms.security import certificates
from meterwire.protocols.dlms.security.certificates import Purpose

DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def authority(key, name="ROOT CA", *, ca=True):
    """A certificate of a certification authority, signed by itself."""
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = x509.CertificateBuilder(named, named, key.public_key(), 1, NOW - 9 * DAY, NOW + 9 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.KeyUsage(key_cert_sign=ca, **usage), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


ROOT = pair(1, b"root")
ANCHOR = authority(ROOT)


def issued(key, title, issuer=ROOT, purpose=Purpose.SIGNING, valid=(NOW - DAY, NOW + DAY), name="ROOT CA"):
    made = certificates.made(title, key.public_key(), purpose, name, issuer, valid, 7)
    return certificates.octets_of(made)


def meeting(shown=None, level=FULL, **known):
    """A meter that knows the authority and not the client, and a client that shows a certificate."""
    meter, face = served(1, client_signing_keys={}, authorities=(ANCHOR,))
    brought = security(Mechanism.HIGH_ECDSA, 1, level, meter)
    shown = issued(brought.keys.signing, TITLE) if shown is None else shown
    brought.keys = msgspec.structs.replace(brought.keys, certificate=shown, **known)
    return meter, face, brought


def test_a_client_that_the_meter_does_not_know_is_let_in_by_its_certificate():
    _, face, brought = meeting()
    assert client(face, brought).read("voltage_a").unit == "V"


def test_its_key_is_also_that_of_its_signatures():
    """General-signing within the association is verified with the key of the certificate."""
    bits = FULL.sends | SIGNED
    _, face, brought = meeting(level=Level(bits, bits, Form.SERVICE))
    assert client(face, brought).read("voltage_a").unit == "V"


OTHERS = pair(1, b"somebody else")
BAD = {
    "none": b"",
    "of another title": issued(pair(1, b"client signing"), b"MMM\0\0\0\0\2"),
    "of another authority": issued(pair(1, b"client signing"), TITLE, issuer=OTHERS),
    "of another key": issued(OTHERS, TITLE),
    "expired": issued(pair(1, b"client signing"), TITLE, valid=(NOW - 3 * DAY, NOW - DAY)),
    "for key agreement": issued(pair(1, b"client signing"), TITLE, purpose=Purpose.AGREEMENT),
    "no certificate": b"\x30\x03\x02\x01\x01",
    "on another curve": certificates.octets_of(
        certificates.made(
            TITLE, pair(2, b"x").public_key(), Purpose.SIGNING, "ROOT CA", ROOT, (NOW - DAY, NOW + DAY), 7
        )
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_D16_certificates_that_are_not_believed(case):
    """Whatever is wrong with it, the client stays outside, and the meter goes on."""
    _, face, brought = meeting(BAD[case])
    with pytest.raises((Refused, SecurityError)):
        client(face, brought).read("voltage_a")
    _, face, brought = meeting()
    assert client(face, brought).read("voltage_a").unit == "V"


def test_what_is_no_authority_certifies_nobody():
    """An end entity's key signs no certificates, even if it is trusted by mistake."""
    meter, face = served(1, client_signing_keys={}, authorities=(authority(ROOT, ca=False),))
    brought = security(Mechanism.HIGH_ECDSA, 1, FULL, meter)
    brought.keys = msgspec.structs.replace(brought.keys, certificate=issued(brought.keys.signing, TITLE))
    with pytest.raises(Refused):
        client(face, brought).read("voltage_a")


def test_an_authority_is_imported_by_the_management_client():
    """From then on its clients are let in; removed, they are not."""
    meter, face = served(1, client_signing_keys={})
    manager = client(face, security(Mechanism.HIGH_GMAC, 1, FULL, meter), 1)
    manager.import_certificate(ANCHOR)
    (entry,) = manager.certificates()
    assert entry.entity == 2
    brought = security(Mechanism.HIGH_ECDSA, 1, FULL, meter)
    brought.keys = msgspec.structs.replace(brought.keys, certificate=issued(brought.keys.signing, TITLE))
    assert client(face, brought).read("voltage_a").unit == "V"
    again = client(face, security(Mechanism.HIGH_GMAC, 1, FULL, meter), 1)  # the counters of its title have moved on
    again.remove_certificate(entry)
    with pytest.raises(MeterwireError):
        client(face, brought).read("voltage_a")
    with pytest.raises(MeterwireError):
        client(face, security(Mechanism.LOW, 1, FULL, meter)).act(64, SETUP, 6)


def showing(meter, octets):
    """The meter has a certificate of its own."""
    manager = client(meter[1], security(Mechanism.HIGH_GMAC, 1, FULL, meter[0]), 1)
    manager.import_certificate(octets)


def stranger(meter, authorities=(ANCHOR,)):
    """A client that does not know the meter's key."""
    brought = security(Mechanism.HIGH_ECDSA, 1, FULL, meter, authorities=authorities, now=lambda: NOW)
    brought.keys = msgspec.structs.replace(brought.keys, peer_signing=None)
    return brought


def test_a_meter_that_the_client_does_not_know_is_believed_by_its_certificate():
    """It shows the one of its own pair that was imported."""
    meter, face = served(1)
    with pytest.raises(SecurityError):
        client(face, stranger(meter)).read("voltage_a")
    showing((meter, face), issued(meter.dlms_security.keys.signing, METER_TITLE))
    assert client(face, stranger(meter)).read("voltage_a").unit == "V"
    with pytest.raises(SecurityError):
        client(face, stranger(meter, authorities=(authority(OTHERS),))).read("voltage_a")
    with pytest.raises(SecurityError):
        client(face, stranger(meter, authorities=())).read("voltage_a")


def test_authorities_in_the_secrets_of_a_device(tmp_path):
    """In PEM; anything else is told with its key."""
    pem = x509.load_der_x509_certificate(ANCHOR).public_bytes(Encoding.PEM).decode()
    place = tmp_path / "secrets.toml"
    place.write_text(f'authorities = ["""{pem}"""]\n')
    (found,) = load_secrets(place).authorities
    assert certificates.octets_of(certificates.read(found)) == ANCHOR
    place.write_text('authorities = ["00"]\n')
    with pytest.raises(MeterwireError, match="authorities"):
        load_secrets(place)
    assert Mechanism.HIGH_ECDSA in CLIENTS
