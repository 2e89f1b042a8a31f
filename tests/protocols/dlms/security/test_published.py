"""The ciphers against the vectors that NIST published, as the package cryptography-vectors carries them."""

import re

import pytest
from cryptography_vectors import open_vector_file

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.agreement import concatenated, shared_secret
from meterwire.protocols.dlms.security.curves import private_key, public_key
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED, Gcm
from meterwire.protocols.dlms.security.signing import sign, verify
from meterwire.protocols.dlms.security.suites import SUITES
from meterwire.protocols.dlms.security.wrapping import unwrap, wrap

BOTH = AUTHENTICATED | ENCRYPTED


def cases(path, section=None):
    """The cases of a file, or of the one section whose heading begins so; numbers are octets, FAIL is a key."""
    inside, case = section is None, {}
    with open_vector_file(path, "r") as file:
        for line in file:
            heading = re.match(r"\[(.*)\]", line)
            if heading and section is not None:
                inside = inside and "," not in heading[1] and " - " not in heading[1]
                inside = inside or heading[1].startswith(section)
            name, _, value = (part.strip() for part in line.partition("="))
            if not name or heading:
                if case:
                    yield case
                case = {}
            elif inside and re.fullmatch(r"([0-9a-fA-F]{2})*", value) and name.upper() != "COUNT":
                case[name] = bytes.fromhex(value) if name != "FAIL" else b""
            elif inside and name != "COUNT":
                case[name] = value
    if case:
        yield case


def coordinates(size, *parts):
    return b"".join(part.rjust(size, b"\0")[-size:] for part in parts)


@pytest.mark.parametrize(
    "path", ["gcmEncryptExtIV128", "gcmEncryptExtIV256", "gcmDecrypt128", "gcmDecrypt256"], ids=str
)
def test_gcm(path):
    """Ciphertexts of every case with vectors of 12 octets; tags and refusals of every case whose additional data can
    be a security control octet with an authentication key behind it."""
    enciphered = tagged = refused = 0
    for case in cases(f"ciphers/AES/GCM/{path}.rsp"):
        if len(case.get("IV", b"")) != 12 or len(case.get("Tag", b"")) < 12:
            continue
        title, counter = case["IV"][:8], int.from_bytes(case["IV"][8:], "big")
        good = "PT" in case
        if good:
            gcm = Gcm(case["Key"])
            assert gcm.seal(title, counter, ENCRYPTED, case["PT"]) == case["CT"]
            assert gcm.open(title, counter, ENCRYPTED, case["CT"]) == case["PT"]
            enciphered += 1
        more = case["AAD"]
        if len(more) < 17 or not more[0] & AUTHENTICATED:
            continue
        control, gcm = more[0], Gcm(case["Key"], more[1:17])
        if not control & ENCRYPTED:
            if case["CT"] or not good:
                continue  # without encryption GCM has nothing to encipher: what it covers is the text
            assert gcm.seal(title, counter, control, more[17:]) == more[17:] + case["Tag"][:12]
            tagged += 1
            continue
        content = case["CT"] + case["Tag"][:12]
        if good:
            assert gcm.seal(title, counter, control, case["PT"], more[17:]) == content
            assert gcm.open(title, counter, control, content, more[17:]) == case["PT"]
            tagged += 1
        else:
            with pytest.raises(SecurityError):
                gcm.open(title, counter, control, content, more[17:])
            refused += 1
    assert enciphered > 400, enciphered
    assert tagged > 50, tagged
    assert refused > 20 or "Encrypt" in path


@pytest.mark.parametrize("bits", [128, 256])
def test_key_wrap(bits):
    """SP 800-38F, KW-AE and KW-AD, forgeries among them; DLMS wraps keys, so the lengths of keys are enough."""
    wrapped = unwrapped = refused = 0
    for case in cases(f"keywrap/kwtestvectors/KW_AE_{bits}.txt"):
        if {"K", "P", "C"} <= case.keys() and len(case["P"]) <= 64:
            assert wrap(case["K"], case["P"]) == case["C"]
            wrapped += 1
    for case in cases(f"keywrap/kwtestvectors/KW_AD_{bits}.txt"):
        if not {"K", "C"} <= case.keys() or len(case["C"]) > 72:
            continue
        if "P" in case:
            assert unwrap(case["K"], case["C"]) == case["P"]
            unwrapped += 1
        else:
            with pytest.raises(SecurityError):
                unwrap(case["K"], case["C"])
            refused += 1
    assert min(wrapped, unwrapped, refused) >= 50


@pytest.mark.parametrize(("number", "section"), [(1, "P-256,SHA-256"), (2, "P-384,SHA-384")])
def test_ecdsa(number, section):
    """FIPS 186-3: signatures that verify and those that must not; keys whose signatures verify are made to sign."""
    suite, size = SUITES[number], SUITES[number].coordinate_octets
    good = bad = made = 0
    for case in cases("asymmetric/ECDSA/FIPS_186-3/SigVer.rsp", section):
        if "R" not in case:
            continue
        signature = coordinates(size, case["R"], case["S"])
        octets = coordinates(size, case["Qx"], case["Qy"])
        if case["Result"].startswith("P"):
            verify(suite, public_key(suite, octets), case["Msg"], signature)
            good += 1
        else:
            with pytest.raises(SecurityError):
                verify(suite, public_key(suite, octets), case["Msg"], signature)
            bad += 1
    for case in cases("asymmetric/ECDSA/FIPS_186-3/SigGen.txt", section):
        if "R" not in case:
            continue
        key = public_key(suite, coordinates(size, case["Qx"], case["Qy"]))
        verify(suite, key, case["Msg"], coordinates(size, case["R"], case["S"]))
        own = sign(suite, private_key(suite, coordinates(size, case["d"])), case["Msg"])
        verify(suite, key, case["Msg"], own)
        made += 1
    assert good >= 2
    assert bad >= 5
    assert made >= 10


@pytest.mark.parametrize(("number", "section"), [(1, "EC - SHA256"), (2, "ED - SHA384")])
@pytest.mark.parametrize("role", ["init", "resp"])
def test_diffie_hellman_and_the_derivation(number, section, role):
    """SP 800-56A, static unified model with concatenation: Z and the key, and keys that are no points of the curve."""
    suite, size = SUITES[number], SUITES[number].coordinate_octets
    agreed = derived = refused = 0
    path = f"asymmetric/ECDH/KASValidityTest_ECCStaticUnified_KDFConcat_NOKC_{role}.fax"
    for case in cases(path, section):
        if "Z" not in case:
            continue
        verdict = case["Result"]
        octets = coordinates(size, case["QsCAVSx"], case["QsCAVSy"])
        if "CAVS's Static public key" in verdict:
            with pytest.raises(SecurityError):
                public_key(suite, octets)
            refused += 1
        elif verdict.startswith("P"):
            z = shared_secret(suite, private_key(suite, coordinates(size, case["dsIUT"])), public_key(suite, octets))
            assert z == coordinates(size, case["Z"])
            agreed += 1
            length = min(len(case["DKM"]), suite.key_octets)
            assert concatenated(suite, z, case["OI"])[:length] == case["DKM"][:length]
            derived += 1
    assert agreed >= 3
    assert derived >= 3
    assert refused >= 1
