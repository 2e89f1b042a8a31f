"""X.509 certificates of DLMS/COSEM: made, read, and checked before their key is believed.

DLMS UA 1000-2, 9.2.6.4: the common name holds the system title in hex, the key usage says what the key is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.curves import check_curve, suite_of_curve
from meterwire.protocols.dlms.security.suites import Suite

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

LARGEST: Final = 8192
"""Octets of the longest certificate that is looked at."""


class Purpose(IntEnum):
    """What the key of a certificate is for (class 64, certificate_type)."""

    SIGNING = 0
    AGREEMENT = 1
    TLS = 2
    OTHER = 3


def read(octets: bytes) -> x509.Certificate:
    """A certificate from DER or PEM.

    Raises:
        SecurityError: it is none, or longer than any that is looked at.
    """
    from cryptography import x509  # noqa: PLC0415  loaded by those who have certificates

    if len(octets) > LARGEST:
        raise SecurityError(f"a certificate of {len(octets)} octets is not looked at")
    try:
        if octets.startswith(b"-----"):
            return x509.load_pem_x509_certificate(octets)
        return x509.load_der_x509_certificate(octets)
    except ValueError as error:
        raise SecurityError(f"no certificate: {error}") from None


def octets_of(certificate: x509.Certificate) -> bytes:
    """A certificate in DER, as DLMS/COSEM carries it."""
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  see above

    return certificate.public_bytes(Encoding.DER)


def checked_key(
    certificate: x509.Certificate,
    purpose: Purpose,
    suite: Suite,
    title: bytes,
    now: datetime,
    issuer: x509.Certificate | None = None,
) -> ec.EllipticCurvePublicKey:
    """The public key of a certificate, if it may be believed.

    Args:
        certificate: to be checked.
        purpose: what its key is to be used for.
        suite: on whose curve the key must lie.
        title: system title that its common name must hold.
        now: an aware time, within its validity.
        issuer: whose signature it must bear; None where the certificate itself was installed and trusted.

    Raises:
        SecurityError: anything about it is wrong.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  see above

    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise SecurityError("the certificate has expired, or is not valid yet")
    if title_of(certificate) != title:
        raise SecurityError("the certificate is for another system title")
    if not _may(certificate, purpose):
        raise SecurityError(f"the certificate is not for {purpose.name.lower()}")
    if issuer is not None:
        _check_issuer(certificate, issuer, now)
    try:
        key = certificate.public_key()
    except Exception:  # noqa: BLE001  cryptography has several ways to refuse a key, all say that it is none
        raise SecurityError("the certificate holds no usable key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SecurityError("the certificate holds no key of an elliptic curve")
    check_curve(suite, key)
    return key


def trusted_key(
    octets: bytes, purpose: Purpose, suite: Suite, title: bytes, now: datetime, authorities: Sequence[bytes]
) -> ec.EllipticCurvePublicKey:
    """The public key of a certificate that somebody shows, if one of the authorities has issued it; see `checked_key`.

    Raises:
        SecurityError: none has, or anything else about it is wrong.
    """
    certificate = read(octets)
    reason = SecurityError("there is no certification authority that is trusted")
    for authority in authorities:
        issuer = read(authority)
        try:
            if not is_authority(issuer):
                raise SecurityError("the certificate that should have issued it is none of an authority")
            return checked_key(certificate, purpose, suite, title, now, issuer)
        except SecurityError as error:
            reason = error
    raise reason


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether its key may sign other certificates."""
    from cryptography import x509  # noqa: PLC0415  see above

    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return bool(basic.ca and usage.key_cert_sign)


def purpose_of(certificate: x509.Certificate) -> Purpose:
    """What the key usage says that the key is for."""
    if _may(certificate, Purpose.AGREEMENT):
        return Purpose.AGREEMENT
    return Purpose.SIGNING if _may(certificate, Purpose.SIGNING) else Purpose.OTHER


def title_of(certificate: x509.Certificate) -> bytes:
    """The system title in the common name, empty where there is none."""
    return _title_in(certificate.subject)


def _title_in(subject: x509.Name) -> bytes:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415  see above

    try:
        (name,) = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return bytes.fromhex(str(name.value))
    except ValueError:
        return b""


def made(
    title: bytes,
    key: ec.EllipticCurvePublicKey,
    purpose: Purpose,
    issuer_title: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    valid: tuple[datetime, datetime],
    serial: int,
) -> x509.Certificate:
    """A certificate of an end entity, signed by its issuer.

    Args:
        title: system title of whom it is for.
        key: its public key.
        purpose: what the key is for.
        issuer_title: common name of the issuer.
        issuer_key: the issuer's private key.
        valid: aware times, from and until.
        serial: number of the certificate, greater than 0.
    """
    from cryptography import x509  # noqa: PLC0415  see above
    from cryptography.x509.oid import NameOID  # noqa: PLC0415  see above

    usage = x509.KeyUsage(
        digital_signature=purpose is Purpose.SIGNING,
        key_agreement=purpose is Purpose.AGREEMENT,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer_title)]),
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title.hex().upper())]),
        public_key=key,
        serial_number=serial,
        not_valid_before=valid[0],
        not_valid_after=valid[1],
    )
    return builder.add_extension(usage, critical=True).sign(issuer_key, _digest_for(issuer_key))


def requested(title: bytes, pair: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate request (PKCS #10) in DER for a key pair of whom the system title names."""
    from cryptography import x509  # noqa: PLC0415  see above
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  see above
    from cryptography.x509.oid import NameOID  # noqa: PLC0415  see above

    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title.hex().upper())])
    request = x509.CertificateSigningRequestBuilder(subject_name=named).sign(pair, _digest_for(pair))
    return request.public_bytes(Encoding.DER)


def request_of(octets: bytes, title: bytes) -> ec.EllipticCurvePublicKey:
    """The public key in a certificate request, if its own signature and its title are right.

    Raises:
        SecurityError: it is none, or anything about it is wrong.
    """
    from cryptography import x509  # noqa: PLC0415  see above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  see above

    if len(octets) > LARGEST:
        raise SecurityError(f"a certificate request of {len(octets)} octets is not looked at")
    try:
        request = x509.load_der_x509_csr(octets)
        key = request.public_key()
    except ValueError as error:
        raise SecurityError(f"no certificate request: {error}") from None
    if not request.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
        raise SecurityError("the certificate request is not signed with its own key")
    if _title_in(request.subject) != title:
        raise SecurityError("the certificate request is for another system title")
    return key


def _digest_for(key: ec.EllipticCurvePrivateKey) -> hashes.SHA256 | hashes.SHA384:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  see above

    named = suite_of_curve(key.curve.name)
    return hashes.SHA384() if named is not None and named.number == 2 else hashes.SHA256()


def _may(certificate: x509.Certificate, purpose: Purpose) -> bool:
    from cryptography import x509  # noqa: PLC0415  see above

    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    wanted = {Purpose.AGREEMENT: usage.key_agreement, Purpose.SIGNING: usage.digital_signature}
    return bool(wanted.get(purpose, False))


def _check_issuer(certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  see above

    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        raise SecurityError("the certificate of the issuer has expired, or is not valid yet")
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        raise SecurityError("the certificate is not signed by its issuer") from None
