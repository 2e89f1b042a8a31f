"""Taking protection off APDUs, against published examples."""

import pytest
from vector_files import vectors

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.ciphering import Protected, SecurityControl
from meterwire.protocols.dlms.decipher import CipherKeys, decipher, is_verifiable, observe
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.declare import info

KNOWN = [
    v
    for v in vectors("dlms")
    if "plaintext" in v["expect"] and "ek" in v["expect"] and v["layer"] in ("apdu", "wrapper")
]


def protected(vector):
    octets = vector["octets"][8:] if vector["layer"] == "wrapper" else vector["octets"]
    found = codec(APDU).parse(octets).value
    return found if isinstance(found, Protected) else found.content


def keys(vector):
    return CipherKeys(bytes.fromhex(vector["expect"]["ek"]), bytes.fromhex(vector["expect"]["ak"]))


def title(vector):
    return bytes.fromhex(vector["expect"]["system_title"])


@pytest.mark.parametrize("vector", KNOWN, ids=[v["name"] for v in KNOWN])
def test_published_apdus_are_deciphered(vector):
    """Protects suite 0 in both its forms: encrypted alone, and authenticated and encrypted."""
    assert decipher(protected(vector), title(vector), keys(vector)).hex() == vector["expect"]["plaintext"]


@pytest.mark.parametrize("vector", [v for v in KNOWN if protected(v).control.authenticated], ids=lambda v: v["name"])
def test_nothing_unauthentic_comes_out(vector):
    """Protects against forged content: any changed bit, another title, counter or key is refused."""
    good = protected(vector)
    assert info(good)
    wrong = [
        (Protected(good.control, good.counter + 1, good.content), title(vector), keys(vector)),
        (
            Protected(good.control, good.counter, good.content[:-1] + bytes([good.content[-1] ^ 1])),
            title(vector),
            keys(vector),
        ),
        (
            Protected(good.control, good.counter, bytes([good.content[0] ^ 1]) + good.content[1:]),
            title(vector),
            keys(vector),
        ),
        (Protected(good.control, good.counter, good.content[:5]), title(vector), keys(vector)),
        (good, title(vector)[::-1], keys(vector)),
        (good, title(vector)[:4], keys(vector)),
        (good, title(vector), CipherKeys(bytes(16), keys(vector).authentication)),
        (good, title(vector), CipherKeys(keys(vector).encryption, bytes(16))),
        (good, title(vector), CipherKeys(keys(vector).encryption)),
        (good, title(vector), CipherKeys(b"short", b"short")),
    ]
    for message, who, with_keys in wrong:
        with pytest.raises(SecurityError):
            decipher(message, who, with_keys)


@pytest.mark.parametrize("vector", [v for v in KNOWN if protected(v).control.authenticated], ids=lambda v: v["name"])
def test_onlookers_need_no_authentication_key(vector):
    """Protects customers who are given one key: they can read, the tag is unchecked, and with both keys it is checked."""
    good, both = protected(vector), keys(vector)
    alone = CipherKeys(both.encryption)
    assert observe(good, title(vector), alone).hex() == vector["expect"]["plaintext"]
    assert (is_verifiable(good, alone), is_verifiable(good, both)) == (False, True)
    forged = Protected(good.control, good.counter, good.content[:-1] + bytes([good.content[-1] ^ 1]))
    assert observe(forged, title(vector), alone).hex() == vector["expect"]["plaintext"]
    for message, with_keys in ((forged, both), (Protected(good.control, good.counter, good.content[:5]), alone)):
        with pytest.raises(SecurityError):
            observe(message, title(vector), with_keys)


def test_authenticated_plain_text_is_verified():
    """Protects security control 10H: the text is readable and its tag is checked all the same."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    encryption, authentication, who = bytes(range(16)), bytes(range(16, 32)), b"MMM\0\0\0\0\1"
    control, text = SecurityControl(authenticated=1), bytes.fromhex("C0010000080000010000FF0200")
    vector = who + (7).to_bytes(4, "big")
    tag = AESGCM(encryption).encrypt(vector, b"", bytes([int(control)]) + authentication + text)[:12]
    message = Protected(control, 7, text + tag)
    assert decipher(message, who, CipherKeys(encryption, authentication)) == text
    with pytest.raises(SecurityError):
        decipher(Protected(control, 7, b"\xc1" + text[1:] + tag), who, CipherKeys(encryption, authentication))


def test_what_cannot_be_opened_says_so():
    """Protects against reading compressed octets as an APDU."""
    with pytest.raises(SecurityError, match="compressed"):
        decipher(Protected(SecurityControl(compressed=1), 1, b"x"), bytes(8), CipherKeys(bytes(16)))
