"""The security examples of the Green Book are built again; `test_every_vector` reads them, and does their algorithms."""

import pytest
from vector_files import vectors

from meterwire.protocols.dlms.security.ciphering import service_specific
from meterwire.protocols.dlms.security.gcm import Gcm

CIPHERED = [v for v in vectors("dlms") if v["layer"] == "apdu" and "ek" in v["expect"]]


def octets(expect, name):
    return bytes.fromhex(expect[name])


@pytest.mark.parametrize("vector", CIPHERED, ids=[v["name"] for v in CIPHERED])
def test_ciphered_apdus_come_out_octet_by_octet(vector):
    """What is sent for the plain APDU is the example itself."""
    expect = vector["expect"]
    gcm = Gcm(octets(expect, "ek"), octets(expect, "ak"))
    control = vector["octets"][2]
    title, plain = octets(expect, "system_title"), octets(expect, "plaintext")
    assert service_specific(gcm, title, expect["invocation_counter"], control, plain) == vector["octets"]
