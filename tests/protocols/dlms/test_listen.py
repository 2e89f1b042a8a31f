"""Pushes of real meters: every one of the vectors, whole and one octet at a time, ciphered ones with their keys."""

from decimal import Decimal

import pytest

from meterwire.errors import MeterwireError
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import GeneralSigning
from meterwire.protocols.dlms.decipher import CipherKeys
from meterwire.protocols.dlms.listen import Lost, Push, PushListener
from meterwire.protocols.dlms.security.ciphering import general_global, service_specific
from meterwire.protocols.dlms.security.forms import Form
from meterwire.protocols.dlms.security.gcm import Gcm
from meterwire.protocols.dlms.security.general import General
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.recognise.keys import TitleKeys
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from tests.vector_files import vectors

ROWS = [
    row for row in vectors("dlms") if row["name"].startswith(("push ", "HAN ", "wrapper general-glo", "Kaifa MA110M"))
]


INCOMPLETE = {
    "push hdlc_landis_gyr_zmf100": "the octets were recorded with a wrong check",
    "push mbus_kmswest": "its key is not published",
    "push mbus overflowing length": "its key is somebody's own, and left out",
}


def keys_of(expect):
    encryption = expect.get("ek") or expect.get("key")
    if not encryption:
        return ()
    authentication = expect.get("ak") or expect.get("authentication_key") or ""
    return (TitleKeys(b"", CipherKeys(bytes.fromhex(encryption), bytes.fromhex(authentication))),)


def framed(row):
    """The octets of a line: a bare APDU is put into a wrapper, an LLC PDU loses its three octets first."""
    octets = bytes.fromhex(row["hex"])
    if row["layer"] == "llc":
        octets = octets[3:]
    return octets if row["layer"] in ("hdlc", "mbus", "wrapper") else codec(Wrapper).build(Wrapper(1, 1, octets))


def heard(row, size):
    listener, octets = PushListener(keys_of(row["expect"])), framed(row)
    found = [one for at in range(0, len(octets), size) for one in listener.receive(octets[at : at + size])]
    return found + listener.idle()


@pytest.mark.parametrize("size", [1 << 20, 1])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_push_of_a_real_meter(row, size):
    """One push comes out, in whatever pieces it arrived, and it says something."""
    found = heard(row, size)
    if row["name"] in INCOMPLETE:
        assert [type(one) for one in found] == [Lost], found
        return
    assert [type(one) for one in found] == [Push], found
    (push,) = found
    assert push.kind == "data"
    assert push.readings
    plain = row["expect"].get("plaintext")
    if plain:
        assert push.apdu.hex() == plain


def of(name):
    (push,) = heard(next(row for row in ROWS if row["name"] == name), 1 << 20)
    return {reading.item: reading for reading in push.readings}, push


def test_an_object_list_with_scalers_and_units():
    readings, _ = of("push hdlc_norway_han_3phase")
    assert readings["1-0:1.7.0"].value == Decimal("1.122")
    assert (readings["1-0:1.7.0"].quantity, readings["1-0:1.7.0"].unit) == ("active_power_import", "kW")
    assert readings["0-0:1.0.0"].value.isoformat().startswith("2019-12-16T07:59:40")


def test_names_and_values_in_turn():
    readings, push = of("HAN kamstrup no_list_2_three_phase")
    assert readings["1-1:0.0.5"].value == "5706567000000000"
    assert push.time is not None


def test_values_without_names_are_numbered():
    readings, push = of("push hdlc_kaifa_ma304h3e")
    assert readings["[1]"].value == "KFM_001"
    assert push.time.year == 2017


def test_bare_descriptors():
    readings, _ = of("push raw_sagecom_xt211")
    assert readings["0-0:96.1.1"].value == "5100005149"
    assert readings["1-0:1.8.0"].value == 0x4AFA82


def test_a_push_object_list_names_the_values_behind_it():
    """Its first entry is the list itself; what is no single value is there as a whole."""
    readings, push = of("push raw_energomera")
    assert len(push.readings) == 6
    assert readings["0-0:96.1.0"].quantity == "meter_number"
    assert readings["0-0:96.1.0"].value == "012415173608710"  # filled up with zeros
    assert readings["0-0:42.0.0"].value == "EMR0222173608710"
    assert readings["0-0:97.98.0"].value == 16
    assert readings["0-0:96.5.135"].value == ["0000636204FF", 3]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_resets_of_the_link_are_not_told(size):
    """Protects M-Bus lines of real meters, which begin each push with SND_NKE, once or twice."""
    rows = [row for row in ROWS if row["layer"] == "mbus" and row["name"] not in INCOMPLETE]
    for row in rows:
        octets, listener = bytes.fromhex("1040F03016 1040F03016") + framed(row), PushListener(keys_of(row["expect"]))
        found = [one for at in range(0, len(octets), size) for one in listener.receive(octets[at : at + size])]
        assert [type(one) for one in found + listener.idle()] == [Push], row["name"]
    assert rows


TAGGED = [row for row in ROWS if row["expect"].get("ak") or row["expect"].get("authentication_key")]


@pytest.mark.parametrize("row", TAGGED, ids=lambda row: row["name"])
def test_the_encryption_key_alone_opens_but_does_not_verify(row):
    """Protects customers who are given one key, and tells them what it does not prove."""
    (known,) = keys_of(row["expect"])
    pushes = [
        PushListener([TitleKeys(b"", keys)]).receive(framed(row))
        for keys in (known.keys, CipherKeys(known.keys.encryption))
    ]
    ((both,), (alone,)) = pushes
    assert (both.verified, alone.verified) == (True, False)
    assert (alone.apdu, alone.readings) == (both.apdu, both.readings)


def test_a_system_title_that_is_empty_or_unknown():
    """An empty title is that of the keys; without keys, or with those of somebody else, the push is told as lost."""
    row = next(row for row in ROWS if row["name"] == "wrapper general-glo data-notification #0")
    octets, title = bytes.fromhex(row["hex"]), bytes.fromhex(row["expect"]["system_title"])
    bare = codec(Wrapper).build(Wrapper(1, 1, octets[8:9] + b"\x00" + octets[8 + 2 + 8 :]))
    (known,) = keys_of(row["expect"])
    (push,) = PushListener([TitleKeys(title, known.keys)]).receive(bare)
    assert push.title == title
    for keys in ((), [TitleKeys(bytes(8), known.keys)], [TitleKeys(b"", CipherKeys(bytes(16), bytes(16)))]):
        (lost,) = PushListener(keys).receive(octets)
        assert isinstance(lost, Lost)


def test_the_next_push_is_heard_whatever_came_before():
    """Noise, a push cut short, and one whose check is wrong cost no more than themselves."""
    row = next(row for row in ROWS if row["name"] == "push hdlc_norway_han_3phase")
    octets = framed(row)
    for before in (octets[:40], octets[:-3] + b"\x00\x00\x7e", b"\x7e\xa0\x20"):
        listener = PushListener()
        found = listener.receive(before) + listener.receive(octets) + listener.receive(octets) + listener.idle()
        assert sum(isinstance(one, Push) for one in found) >= 1
        found = listener.receive(octets)
        assert [type(one) for one in found] == [Push]


@pytest.mark.parametrize("noise", ["55", "00", "68", "0001", "680102", "FF7E55", "00010010", "AA" * 40])
@pytest.mark.parametrize("size", [1 << 20, 1])
@pytest.mark.parametrize("name", ["push hdlc_norway_han_3phase", "Kaifa MA110M", "wrapper general-glo data-not"])
def test_noise_in_front_of_the_first_frame_decides_nothing(name, size, noise):
    """Whatever stands before it, whole or octet by octet: the frames say of what kind they are.

    But for the header of a wrapper in front of another one: it has no check, so the first is believed until silence.
    """
    if noise.startswith("0001") and name.startswith("wrapper"):
        noise = noise[2:]
    row = next(row for row in ROWS if row["name"].startswith(name))
    listener, octets = PushListener(keys_of(row["expect"])), bytes.fromhex(noise) + framed(row)
    found = [one for at in range(0, len(octets), size) for one in listener.receive(octets[at : at + size])]
    assert [type(one) for one in found + listener.idle() if isinstance(one, Push)] == [Push]


def test_a_confirmed_push_in_a_wrapper_can_be_confirmed():
    apdu = bytes.fromhex("0F40000007000600000001")
    listener = PushListener()
    (push,) = listener.receive(codec(Wrapper).build(Wrapper(1, 16, apdu)))
    assert push.number == 7
    assert listener.replies() == codec(Wrapper).build(Wrapper(16, 1, bytes.fromhex("104000000700")))
    assert listener.replies() == b""


def test_C11_a_flood_holds_no_more_than_one_push():
    """C11: ten thousand pushes and endless segments leave nothing behind."""
    listener = PushListener()
    wrapped = codec(Wrapper).build(Wrapper(1, 16, bytes.fromhex("0F40000007000600000001")))
    for _ in range(100):
        assert len(listener.receive(wrapped * 100)) == 100
    assert listener.pushes == 10_000
    assert len(listener.replies()) <= 0xFFFF
    segments = PushListener()
    row = next(row for row in ROWS if row["name"] == "push hdlc_iskra550")
    first = framed(row)[: 0x8A4 & 0x7FF]
    for _ in range(100):
        segments.receive(first)
        assert len(segments._held) <= 1 << 16


@pytest.mark.parametrize("octets", [b"", b"\x7e" * 50, b"\xff" * 20, bytes(64), b"\x68\x00\x00\x68" * 9])
def test_what_is_no_push_is_no_error(octets):
    listener = PushListener()
    try:
        found = listener.receive(octets) + listener.idle()
    except MeterwireError:
        pytest.fail("an error left the listener")
    assert not any(isinstance(one, Push) for one in found)


PLAIN = bytes.fromhex("0F000000070006000004D2")
TITLE, RECIPIENT = b"MWR\0\0\0\0\1", b"HES\0\0\0\0\1"
KEY, AUTHENTICATION, MASTER = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))
KNOWN = TitleKeys(TITLE, CipherKeys(KEY, AUTHENTICATION), MASTER)


def general(form):
    """What a meter sends to somebody with whom it has no association, under a key that comes along or is named."""
    keys = Keys(unicast=KEY, authentication=AUTHENTICATION, master=MASTER)
    made = General(0, TITLE, RECIPIENT, keys, lambda size: bytes(range(1, size + 1)))
    made.begin()
    return made.enciphered(PLAIN, form, 0x30, 9, Gcm(KEY, AUTHENTICATION))


def service_form():
    event = bytes.fromhex("C2000001" + "0000600B00FF" + "02" + "120007")
    return service_specific(Gcm(KEY, AUTHENTICATION), TITLE, 9, 0x30, event)


def signed_around(octets):
    value = GeneralSigning(bytes(8), TITLE, RECIPIENT, b"", b"", octets, bytes(64))
    return codec(APDU).build(Variant(ApduTag.GENERAL_SIGNING, value))


FORMS = {
    "general-ciphering, named key": general(Form.IDENTIFIED),
    "general-ciphering, wrapped key": general(Form.WRAPPED),
    "signed around ciphered": signed_around(general(Form.IDENTIFIED)),
    "signed": signed_around(PLAIN),
    "general-glo": general_global(Gcm(KEY, AUTHENTICATION), TITLE, 9, 0x30, PLAIN),
    "glo-event-notification": service_form(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_ciphering_is_opened(form):
    """With the right keys alone: others, and keys of another title, open nothing."""
    octets = codec(Wrapper).build(Wrapper(1, 1, FORMS[form]))
    (push,) = PushListener([TitleKeys(bytes(8), KNOWN.keys), KNOWN]).receive(octets)
    assert isinstance(push, Push)
    assert push.title == TITLE
    assert [reading.value for reading in push.readings] == [7 if "event" in form else 1234]
    if form != "signed":
        wrong = [TitleKeys(b"", CipherKeys(bytes(16), bytes(16)), bytes(16)), TitleKeys(bytes(8), KNOWN.keys, MASTER)]
        assert [type(one) for one in PushListener(wrong).receive(octets)] == [Lost]


def test_layers_without_end_are_given_up():
    octets = PLAIN
    for _ in range(9):
        octets = signed_around(octets)
    (lost,) = PushListener([KNOWN]).receive(codec(Wrapper).build(Wrapper(1, 1, octets)))
    assert "layers" in lost.reason


def test_scalers_in_an_object_list_apply_to_its_values():
    """A register and its scaler_unit are one reading."""
    entry = "0204 120003 0906 0100010700FF 0F{} 120000"
    body = "0203" + "0102" + entry.format("02") + entry.format("03") + "06000004D2" + "02020F00161B"
    octets = bytes.fromhex(("0F0000000100" + body).replace(" ", ""))
    (push,) = PushListener().receive(codec(Wrapper).build(Wrapper(1, 1, octets)))
    (reading,) = push.readings
    assert (str(reading.value), reading.unit) == ("1.234", "kW")
