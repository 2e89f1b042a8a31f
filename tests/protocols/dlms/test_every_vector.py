"""Every vector of DLMS/COSEM decodes to all of its expectation, whole and one octet at a time, ciphered ones with keys.

One walk over the whole file: a vector of an unknown layer, or one word of an expectation that nothing is held against,
fails it. What cannot hold is excepted by name, with its reason, and fails as soon as it does hold.
"""

from decimal import Decimal

import pytest

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.wire.codec import codec
from tests.dlms_vector import found_in
from tests.vector_files import vectors

ALL = vectors("dlms")

INPUTS = frozenset(
    [
        "key",
        "authentication_key",
        "ek",
        "ak",
        "static_private",
        "peer_ephemeral_public",
        "ephemeral_private",
        "peer_static_private",
        "party_u",
        "party_v",
        "transaction_id",
        "originator",
        "recipient",
        "private_key",
        "key_id",
        "signature",
    ]
)
"""What a vector gives to decode it with, or what the walk has used up: keys, titles, and a signature to be verified."""
CRYPTO_INPUTS = frozenset(("system_title", "security_control", "invocation_counter"))
"""What the examples of algorithms begin with besides; a proof names the last two again, inside of it."""
REMARKS = frozenset(
    [
        "decode_note",
        "cross_checked_with",
        "kdf_out",
        "aad_layout_verified",
        "ciphertext_verified_here",
        "tag_verified_here",
        "signed_message_layout_verified",
    ]
)
"""What a vector says of how it was made, and no word of its octets."""

INCOMPLETE = {
    ("general-ciphering content, C.2 one-pass DH, suite 1", "ciphertext_and_tag"): "date-time and other information, "
    "which the tag covers, are not told: its ciphertext is held alone",
    ("general-ciphering content, C.3 static unified model, suite 1", "ciphertext_and_tag"): "the same",
    ("push hdlc_landis_gyr_zmf100", "source_points"): "an octet is missing inside it, as its wrong check says",
    ("push raw_energomera", "source_points"): "numbers that its source made of octet strings",
}
"""Words of expectations that cannot be reached from what the vector gives."""
CLOSED = {
    "push mbus_kmswest": "its key is not published: it is read up to its counter",
    "push mbus overflowing length": "its key is somebody's own, and left out: it is read up to its counter",
}
BASE = {"kWh": 3, "kvarh": 3, "kW": 3, "kvar": 3}


def words(vector):
    """The words of an expectation that our decoding is held against."""
    idle = INPUTS | REMARKS | (CRYPTO_INPUTS if vector["layer"] == "crypto" else frozenset())
    return [word for word in vector["expect"] if word not in idle]


def holds(word, expected, found):
    """Whether what was found says what was expected."""
    if word == "source_points":
        return all(map(_point_holds, expected, expected.values(), [found["points"]] * len(expected)))
    if word in ("get", "initiate", "confirmed_service_error"):
        return all(found[word][key] == said for key, said in expected.items())
    if word == "data":
        return found["data"] == expected
    return word in found and found[word] == expected


def _point_holds(name, expected, points):
    reading = points.get(_item(name))
    if reading is None:  # the source's own name for the time of the notification
        return name == "0.0.0.0.0.0"
    value = reading.value
    if isinstance(expected, str):
        return str(value).startswith(expected) or f"{value:%Y-%m-%d %H:%M:%S}" == expected
    if isinstance(value, str):
        return False
    return Decimal(value).scaleb(BASE.get(reading.unit, 0)) == Decimal(str(expected))


def _item(name):
    a, b, c, d, e, f = name.split(".")
    return f"{a}-{b}:{c}.{d}.{e}" + ("" if f == "255" else f"*{f}")


@pytest.mark.parametrize("size", [1 << 20, 1], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("vector", ALL, ids=[vector["name"] for vector in ALL])
def test_a_vector_decodes_to_its_expectation(vector, size):
    """Everything that its source says of it."""
    found = found_in(vector, size)
    for word in words(vector):
        excepted = (vector["name"], word) in INCOMPLETE
        assert holds(word, vector["expect"][word], found) is not excepted, (word, found.get(word))
    if "ciphertext" in found:
        assert vector["expect"]["ciphertext_and_tag"].startswith(found["ciphertext"])


@pytest.mark.parametrize("vector", ALL, ids=[vector["name"] for vector in ALL])
def test_no_word_of_an_expectation_is_idle(vector):
    """Each of them changed is noticed: nothing in the walk passes whatever it is given."""
    found = found_in(vector, 1 << 20)
    for word in words(vector):
        if vector["expect"][word] != {}:
            assert not holds(word, _spoiled(vector["expect"][word]), found), word


def _spoiled(expected):
    if isinstance(expected, dict):
        key, value = next(reversed(expected.items()))
        return expected | {key: _spoiled(value)}
    if isinstance(expected, list):
        return [*expected[:-1], _spoiled(expected[-1])]
    return not expected if isinstance(expected, bool) else f"{expected}?" if isinstance(expected, str) else -77


LAYOUTS = {"wrapper": Wrapper, "llc": Llc, "axdr": DATA, "apdu": APDU, "acse": APDU}
WITHOUT_FRAMES = [vector for vector in ALL if vector["layer"] in LAYOUTS]


@pytest.mark.parametrize("vector", WITHOUT_FRAMES, ids=[vector["name"] for vector in WITHOUT_FRAMES])
def test_a_prefix_of_it_is_refused_or_a_shorter_message(vector):
    """Until the last octet has come there is no message, unless its last field is open-ended."""
    read = codec(LAYOUTS[vector["layer"]])
    open_ended = vector["layer"] == "llc" or vector["expect"].get("apdu") == "data-notification"
    for length in range(len(vector["octets"])):
        found = read.attempt(vector["octets"][:length])
        assert isinstance(found, MalformedError) or (open_ended and length > 2)


def test_what_can_be_opened_is_opened():
    """Every vector that is ciphered comes out with its plaintext, but for those that are excepted by name."""
    ciphered = [vector for vector in ALL if "security_control" in vector["expect"] and vector["layer"] != "crypto"]
    assert ciphered
    shut = {vector["name"] for vector in ciphered if "plaintext" not in found_in(vector, 1)}
    assert shut == set(CLOSED)


def test_exceptions_are_of_vectors_that_are_there():
    """So that an exception does not outlive what it excepts, and the file does not shrink unseen."""
    assert {name for name, _ in INCOMPLETE} | set(CLOSED) <= {vector["name"] for vector in ALL}
    assert len(ALL) >= 60
