"""The security examples of the Green Book: every number of them comes out of our own functions."""

import pytest
from vector_files import vectors

from meterwire.protocols.dlms.acse import AuthenticationMechanism as Mechanism
from meterwire.protocols.dlms.security.agreement import derived_key, shared_secret
from meterwire.protocols.dlms.security.ciphering import service_specific
from meterwire.protocols.dlms.security.counters import SendingCounter
from meterwire.protocols.dlms.security.curves import private_key, public_key, public_octets
from meterwire.protocols.dlms.security.gcm import Gcm
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.mechanisms import Parties, proof
from meterwire.protocols.dlms.security.signing import verify
from meterwire.protocols.dlms.security.suites import SUITES

CRYPTO = [v for v in vectors("dlms") if v["layer"] == "crypto"]
CIPHERED = [v for v in vectors("dlms") if v["layer"] == "apdu" and "ek" in v["expect"]]

INCOMPLETE = {
    "general-ciphering content, C.2 one-pass DH, suite 1": "date-time and other information of the header are missing",
    "general-ciphering content, C.3 static unified model, suite 1": "the same",
}
"""Vectors whose tag cannot be made, because not all that it covers is told; their ciphertext is."""


def octets(expect, name):
    return bytes.fromhex(expect[name])


def check_gmac(vector, expect):
    keys = Keys(unicast=octets(expect, "ek"), authentication=octets(expect, "ak"))
    title = octets(expect, "system_title")
    parties = Parties(Mechanism.HIGH_GMAC, title, b"", b"", vector["octets"], b"", expect["suite"], keys)
    assert proof(parties, SendingCounter(expect["invocation_counter"])).hex() == expect["f"]


def check_agreement(vector, expect):
    suite = SUITES[expect["suite"]]
    assert suite.algorithm_id.hex() == expect["algorithm_id"]
    if "ephemeral_private" in expect:
        own = private_key(suite, octets(expect, "ephemeral_private"))
        assert public_octets(own.public_key()).hex() == expect["ephemeral_public"]
        peer = public_key(suite, octets(expect, "peer_static_public"))
        static = private_key(suite, octets(expect, "peer_static_private"))
        assert public_octets(static.public_key()) == public_octets(peer)
    else:
        own = private_key(suite, octets(expect, "static_private"))
        peer = public_key(suite, octets(expect, "peer_ephemeral_public"))
    z = shared_secret(suite, own, peer)
    assert z == vector["octets"] == octets(expect, "z")
    assert derived_key(suite, z, octets(expect, "party_u"), octets(expect, "party_v")).hex() == expect["ek"]


def check_gcm(vector, expect):
    gcm = Gcm(octets(expect, "ek"), octets(expect, "ak"))
    counter = int(expect["invocation_counter"], 16)
    made = gcm.seal(octets(expect, "originator"), counter, expect["security_control"], vector["octets"])
    whole = octets(expect, "ciphertext_and_tag")
    assert made[:-12] == whole[:-12]
    assert (made == whole) is (vector["name"] not in INCOMPLETE)


def check_signature(vector, expect):
    suite = SUITES[expect["suite"]]
    key = public_key(suite, octets(expect, "public_key"))
    assert public_octets(private_key(suite, octets(expect, "private_key")).public_key()) == public_octets(key)
    verify(suite, key, bytes((expect["key_id"],)) + vector["octets"], octets(expect, "signature"))


CHECKS = {"gmac": check_gmac, "ecdh+kdf": check_agreement, "gcm": check_gcm, "ecdsa-verify": check_signature}


@pytest.mark.parametrize("vector", CRYPTO, ids=[v["name"] for v in CRYPTO])
def test_examples_of_algorithms(vector):
    CHECKS[vector["expect"]["op"]](vector, vector["expect"])


def test_exceptions_are_vectors_that_are_there():
    """So that an exception does not outlive what it excepts."""
    assert {v["name"] for v in CRYPTO} >= INCOMPLETE.keys()
    assert len(CRYPTO) == 6


@pytest.mark.parametrize("vector", CIPHERED, ids=[v["name"] for v in CIPHERED])
def test_ciphered_apdus_come_out_octet_by_octet(vector):
    """What is sent for the plain APDU is the example itself."""
    expect = vector["expect"]
    gcm = Gcm(octets(expect, "ek"), octets(expect, "ak"))
    control = vector["octets"][2]
    title, plain = octets(expect, "system_title"), octets(expect, "plaintext")
    assert service_specific(gcm, title, expect["invocation_counter"], control, plain) == vector["octets"]
