"""Frames of real meters and of the standard's examples: they decode to what their sources say, and are sent again alike."""

import json
from pathlib import Path

import pytest

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.acse import Aare, Aarq, context_of, mechanism_of
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import GeneralCiphered
from meterwire.protocols.dlms.data import DATA, TAG_NAMES
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.initiate import ConfirmedServiceError
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer
from meterwire.protocols.wire.nodes import Variant

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlms.json").read_text("utf-8"))
LAYERS = ("wrapper", "acse", "axdr", "apdu", "llc")
MINE = [vector for vector in VECTORS if vector["layer"] in LAYERS]
APDUS = [vector for vector in MINE if vector["layer"] != "axdr"]


def ids(vectors):
    return [vector["name"] for vector in vectors]


def apdu_of(vector):
    octets = bytes.fromhex(vector["hex"])
    if vector["layer"] == "wrapper":
        return codec(Wrapper).parse(octets).apdu
    return codec(Llc).parse(octets).apdu if vector["layer"] == "llc" else octets


def said(data):
    """Data in the notation of the vectors: {type: value}, lists for what has members, None for null-data."""
    name = TAG_NAMES[data.tag]
    if data.value is None:
        return None
    if isinstance(data.value, tuple):
        return {name: [said(member) for member in data.value]}
    return {name: data.value.hex() if isinstance(data.value, bytes) else data.value}


def dotted(octets):
    return ".".join(map(str, octets))


def check_initiate(initiate, expect):
    """Whatever of an initiate APDU the vector names."""
    found = {
        "dlms_version": initiate.dlms_version,
        "conformance": f"{int(initiate.conformance):06x}",
        "max_pdu": initiate.max_pdu,
        "quality_of_service": initiate.quality_of_service,
        "vaa_name": getattr(initiate, "vaa_name", None),
        "response_allowed": getattr(initiate, "response_allowed", None) is not False,
        "dedicated_key": (getattr(initiate, "dedicated_key", None) or b"").hex(),
    }
    named = {key: value for key, value in expect.items() if key in found}
    assert named
    assert {key: found[key] for key in named} == named


def check_user_information(octets, expect):
    inner = codec(APDU).parse(octets)
    if isinstance(inner.value, ConfirmedServiceError):
        assert inner.value.service == expect["confirmed_service_error"]["service"]
        assert inner.value.error == expect["confirmed_service_error"]["initiate_error"]
    elif "user_information" in expect:
        assert octets.hex() == expect["user_information"]
        check_protected(inner.value, expect)
    else:
        check_initiate(inner.value, expect)


def check_aarq(aarq, expect):
    assert context_of(aarq.context) == expect["context"]
    assert mechanism_of(aarq.mechanism) == expect["mechanism"]
    if "authentication_value" in expect:
        assert aarq.authentication.characters.hex() == expect["authentication_value"]
    if "calling_ap_title" in expect:
        assert aarq.calling_title.hex() == expect["calling_ap_title"]
    check_user_information(aarq.user_information, expect)


def check_aare(aare, expect):
    assert aare.result == expect["result"]
    assert aare.diagnostic.user == expect["diagnostic_user"]
    if "mechanism" in expect:
        assert mechanism_of(aare.mechanism) == expect["mechanism"]
    if "responding_authentication_value" in expect:
        assert aare.authentication.characters.hex() == expect["responding_authentication_value"]
    check_user_information(aare.user_information, expect)


def check_protected(protected, expect):
    assert protected.counter == expect["invocation_counter"]
    assert protected.control.suite == expect.get("suite", protected.control.suite)
    assert int(protected.control) == expect.get("security_control", int(protected.control))


def check_notification(notification, expect):
    assert f"{int(notification.invoke):08x}" == expect["long_invoke_id_and_priority"]
    assert (notification.date_time.value or b"").hex() == expect["date_time"]
    assert (notification.date_time.tag == 9) == ("date_time_nonconforming" in expect)
    if "value" in expect:
        assert said(codec(DATA).parse(notification.body)) == expect["value"]
    if "raw_body" in expect:
        assert notification.body.hex() == expect["raw_body"]
        with pytest.raises(MalformedError):  # these meters leave the tags of their Data out
            codec(DATA).parse(notification.body)


def check_action(apdu, expect):
    value = apdu.value
    assert int(value.invoke) == expect["invoke"]
    if apdu.tag == ApduTag.ACTION_REQUEST:
        descriptor = value.descriptor
        assert (descriptor.class_id, dotted(descriptor.instance), descriptor.method) == (
            expect["class"],
            expect["ln"],
            expect["method"],
        )
        assert said(value.parameters) == expect["parameter"]
        return
    assert value.outcome.result == expect["result"]
    returned = value.outcome.returned
    if "return_data_error" in expect:
        assert (returned.tag, returned.value) == (1, expect["return_data_error"])
    else:
        assert (None if returned is None else said(returned.value)) == expect["data"]


def check_get(request, expect):
    descriptor = request.descriptor
    assert descriptor.class_id == expect["class"]
    assert dotted(descriptor.instance) == expect["ln"]
    assert descriptor.attribute == expect["attribute"]
    assert request.selection is None


def check(apdu, expect):
    value, kind = apdu.value, ApduTag(apdu.tag).name.lower().replace("_", "-")
    if isinstance(value, Aarq):
        return check_aarq(value, expect)
    if isinstance(value, Aare):
        return check_aare(value, expect)
    if isinstance(value, GeneralCiphered):
        assert value.title.hex() == expect["system_title"]
        return check_protected(value.content, expect)
    if kind.startswith("glo-"):
        assert kind == expect["apdu"]
        return check_protected(value, expect)
    assert expect["apdu"].startswith(kind)
    if kind == "data-notification":
        return check_notification(value, expect)
    if kind.startswith("action"):
        return check_action(apdu, expect)
    return check_initiate(value, expect)


@pytest.mark.parametrize("vector", APDUS, ids=ids(APDUS))
def test_an_apdu_says_what_its_source_says(vector):
    check(codec(APDU).parse(apdu_of(vector)), vector["expect"])


@pytest.mark.parametrize("vector", APDUS, ids=ids(APDUS))
def test_an_apdu_is_sent_as_it_came(vector):
    """All of them are canonical: even the date-time with a tag that should not be there keeps it."""
    octets = apdu_of(vector)
    assert codec(APDU).build(codec(APDU).parse(octets)) == octets


CIPHERED = [vector for vector in APDUS if "plaintext" in vector["expect"]]


@pytest.mark.parametrize("vector", CIPHERED, ids=ids(CIPHERED))
def test_what_lies_inside_a_ciphered_apdu_is_an_apdu_too(vector):
    """The plaintext that the sources give for it, as an opener with keys will hand it on."""
    expect = vector["expect"]
    inner = codec(APDU).parse(bytes.fromhex(expect["plaintext"]))
    if "get" in expect:
        check_get(inner.value, expect["get"])
    elif "value" in expect:
        check_notification(inner.value, expect)
    else:
        check_initiate(inner.value, expect.get("initiate", {"dlms_version": 6, "conformance": "007e1f"}))


@pytest.mark.parametrize("vector", MINE, ids=ids(MINE))
def test_a_prefix_of_it_is_refused_or_a_shorter_message(vector):
    """One octet at a time: until the last octet has come there is no message, unless its last field is open-ended."""
    octets = bytes.fromhex(vector["hex"])
    layout = {"wrapper": Wrapper, "llc": Llc, "axdr": DATA}.get(vector["layer"], APDU)
    open_ended = vector["layer"] == "llc" or vector["expect"].get("apdu") == "data-notification"
    for length in range(len(octets)):
        found = codec(layout).attempt(octets[:length])
        assert isinstance(found, MalformedError) or (open_ended and length > 2)
    assert not isinstance(codec(layout).attempt(octets), MalformedError)


@pytest.mark.parametrize("vector", APDUS, ids=ids(APDUS))
def test_it_comes_out_of_the_wrapper_one_octet_at_a_time(vector):
    apdu = apdu_of(vector)
    octets = codec(Wrapper).build(Wrapper(1, 16, apdu))
    framer = Framer(codec(Wrapper))
    pieces = [framer.receive(octets[at : at + 1]) for at in range(len(octets))]
    assert not any(pieces[:-1])
    (frame,) = pieces[-1]
    assert isinstance(frame, Frame)
    assert frame.message.apdu == apdu
    check(codec(APDU).parse(frame.message.apdu), vector["expect"])


def test_a_profile_buffer_with_nulls_in_place_of_repeated_clocks():
    (vector,) = [vector for vector in MINE if vector["layer"] == "axdr"]
    octets, expect = bytes.fromhex(vector["hex"]), vector["expect"]
    data = codec(DATA).parse(octets)
    assert said(data) == expect["value"]
    assert codec(DATA).build(data) == octets
    first = CosemDateTime.of_octets(data.value[0].value[0].value)
    assert first.deviation == expect["deviation_minutes"]
    assert first.calendar().replace(tzinfo=None).isoformat() == expect["timestamps"][0]


def test_vectors_of_every_layer_are_there():
    """So that a renamed layer cannot quietly empty this file."""
    assert {vector["layer"] for vector in MINE} == set(LAYERS)
    assert len(MINE) == 32
    assert isinstance(codec(DATA).parse(b"\x00"), Variant)
