"""Abuse cases of decoders, by id: A1 to A14, for DLMS/COSEM and DL/T 698.45. Both roles parse with the same codecs."""

import math
import tracemalloc
from datetime import date

import pytest

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import agreed
from meterwire.protocols.dlms.data import DATA as DLMS_DATA
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import AssociationResult
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.data import DATA as DATA_69845
from meterwire.protocols.dlt69845.link import EDITION
from meterwire.protocols.wire.codec import codec
from tests.dlms_peer import CODEC, Peer

DIALECTS = {"dlms": codec(DLMS_DATA), "dlt69845": codec(DATA_69845, EDITION)}
AARQ = bytes.fromhex("601DA109060760857405080101BE10040E01000000065F1F0400001E1DFFFF")
AARE = bytes.fromhex("6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F040040301D04C80007")
MEBI = 1 << 20


def refused(dialect, octets):
    """Refused with the documented error, within the bound on memory; gives the error."""
    reader = DIALECTS[dialect]
    with pytest.raises(MalformedError):
        reader.parse(b"\x00\x00")  # warm: what is made once does not count
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError) as found:
            reader.parse(octets)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 10 * len(octets) + MEBI
    return found.value


both = pytest.mark.parametrize("dialect", DIALECTS)


@both
@pytest.mark.parametrize("octets", ["0184FFFFFFFF", "0284FFFFFFFF", "0182FFFF00", "01840000FFFF0000"])
def test_A1_a_count_without_its_elements(dialect, octets):
    """A count larger than what can follow is refused before anything is allocated for it."""
    refused(dialect, bytes.fromhex(octets))


@both
@pytest.mark.parametrize("octets", ["0600", "09054142", "12FF", "0201", "", "01", "05000000"])
def test_A2_values_that_are_cut_off(dialect, octets):
    """A value that ends too early is refused, and the error says where."""
    error = refused(dialect, bytes.fromhex(octets))
    assert error.offset <= len(octets) // 2


@both
@pytest.mark.parametrize("octets", ["09847FFFFFFF", "0A847FFFFFFF", "04847FFFFFFF", "0984FFFFFFFF41"])
def test_A3_a_length_of_two_gibibytes(dialect, octets):
    """A length that nothing stands behind costs no memory."""
    refused(dialect, bytes.fromhex(octets))


@both
def test_A4_lengths_of_lengths(dialect):
    """Longer forms than needed are read, since real meters send them; reserved, over-long and indefinite ones are not."""
    for octets in ("09810141", "0982000141", "09840000000141"):
        assert DIALECTS[dialect].parse(bytes.fromhex(octets)).value == b"A"
    for octets in ("0988" + "FF" * 8, "09FF" + "01" * 127, "0980", "098041", "09850000000001"):
        refused(dialect, bytes.fromhex(octets))


@both
@pytest.mark.parametrize("depth", [33, 1000, 30_000])
@pytest.mark.parametrize("level", ["0101", "0201"])
def test_A5_nesting_bombs(dialect, depth, level):
    """Values nested deeper than the limit are refused; the interpreter's own limit is never reached."""
    error = refused(dialect, bytes.fromhex(level * depth) + b"\x00")
    assert not isinstance(error, RecursionError)
    assert DIALECTS[dialect].parse(bytes.fromhex(level * 20) + b"\x00").tag in (1, 2)


@pytest.mark.parametrize("octets", ["13020101FFFF01FFFF01FFFF110100", "1301FFFF01FFFF1104DEADBEEF", "1301FFFF000100"])
def test_A6_compact_arrays_that_announce_billions(octets):
    """A description of so many elements is refused by their number, not by trying; without contents it costs nothing."""
    octets = bytes.fromhex(octets)
    refused("dlms", octets)
    assert DIALECTS["dlms"].parse(bytes.fromhex("1301FFFF01FFFF1100")).value.elements == ()


@pytest.mark.parametrize("octets", ["130607" + "00" * 7, "13061" + "0" + "00" * 15, "1302021106" + "04" + "00" * 4])
def test_A7_compact_arrays_with_a_part_of_an_element(octets):
    """Contents that are no whole number of elements are refused."""
    refused("dlms", bytes.fromhex(octets))


@both
def test_A8_a_hundred_thousand_nulls(dialect):
    """An array of nothing is read or refused; twice as many take twice as much, counted in calls and not by a watch."""
    import sys

    def calls(count):
        octets, counted = b"\x01\x82" + count.to_bytes(2, "big") + bytes(count), [0]

        def count_one(*_):
            counted[0] += 1

        sys.setprofile(count_one)
        try:
            DIALECTS[dialect].parse(octets)
        except MalformedError:
            pass
        finally:
            sys.setprofile(None)
        return counted[0]

    calls(10)
    assert calls(60_000) <= 2.2 * calls(30_000) + 100


UNKNOWN = {
    "dlms": [7, 8, 11, 14, *range(34, 255)],
    "dlt69845": [7, 8, 11, 13, 14, 19, *range(29, 80), *range(98, 256)],
}


@both
def test_A9_types_that_do_not_exist(dialect):
    """Every tag that the dialect does not have is refused, by its name and at its place."""
    for tag in UNKNOWN[dialect]:
        error = refused(dialect, bytes([2, 2, 0, tag]) + bytes(16))
        assert error.offset <= 4


@both
@pytest.mark.parametrize("octets", ["0A03C3A4FF", "0A0480818283"])
def test_A10_text_that_is_none(dialect, octets):
    """Octets that are no text in the encoding are kept, and come back as they were."""
    octets = bytes.fromhex(octets)
    value = DIALECTS[dialect].parse(octets)
    assert value.value == octets[2:]
    assert DIALECTS[dialect].build(value) == octets


@pytest.mark.parametrize(
    "octets",
    ["07EA0D01FF000000FF800000", "07EAFE20FF190000FF800000", "FFFFFFFFFFFFFFFFFF8000FF", "07EA02FD05FF3C3CFF7FFF00"],
)
def test_A11_dates_that_are_none(octets):
    """Wildcards and impossible dates are kept as they are; only turning them into a time of the calendar can fail."""
    octets = bytes.fromhex(octets)
    moment = CosemDateTime.of_octets(octets)
    assert moment.octets == octets
    assert str(moment)
    try:
        assert moment.calendar_date() >= date.min
    except MalformedError:
        return
    pytest.fail("this is no date")


@both
def test_A12_numbers_at_the_edge(dialect):
    """Infinities, denormal numbers, bits that fill no octet and unnamed enumerations come back as they were."""
    for text in ("177F800000", "17FF800000", "1700000001", "187FF0000000000000", "0403A0", "0409FF80", "16FF"):
        octets = bytes.fromhex(text)
        assert DIALECTS[dialect].build(DIALECTS[dialect].parse(octets)) == octets
    assert math.isnan(DIALECTS[dialect].parse(bytes.fromhex("177FC00000")).value)


def element(tag, body):
    """A BER element."""
    assert len(body) < 128
    return bytes([tag, len(body)]) + body


CONTEXT = bytes.fromhex("A109060760857405080101")
INFORMATION = bytes.fromhex("BE10040E01000000065F1F0400001E1DFFFF")
MALFORMED = {
    "longer than the APDU": b"\x60\x7f" + AARQ[2:],
    "twice the context": element(0x60, CONTEXT + CONTEXT + INFORMATION),
    "unknown tag": element(0x60, CONTEXT + element(0xBD, b"\x04\x00") + INFORMATION),
    "out of order": element(0x60, INFORMATION + CONTEXT),
    "indefinite": b"\x60\x80" + CONTEXT + INFORMATION + b"\x00\x00",
    "nested": b"\x60\x81\xc8" + b"\xa1\x81\xc0" * 60 + bytes(20),
    "context without content": element(0x60, b"\xa1\x00" + INFORMATION),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_A13_an_aarq_that_is_none(case):
    """The server refuses it with an AARE that says so, and associates with the next good one."""
    peer = Peer(FaceDlms(Meter()))
    answer = CODEC.parse(peer.octets(MALFORMED[case]))
    assert answer.tag == ApduTag.AARE
    assert answer.value.result != AssociationResult.ACCEPTED
    assert peer.associate().result == AssociationResult.ACCEPTED


@pytest.mark.parametrize("information", ["", "BE00", "BE020400", "BE030401FF"])
def test_A13_user_information_that_is_empty(information):
    """Without an InitiateRequest there is nothing to agree on: refused, never an exception."""
    peer = Peer(FaceDlms(Meter()))
    answer = CODEC.parse(peer.octets(element(0x60, CONTEXT + bytes.fromhex(information))))
    assert answer.tag == ApduTag.AARE
    assert answer.value.result != AssociationResult.ACCEPTED


@pytest.mark.parametrize("place", range(2, len(AARE)))
def test_A13_an_aare_that_is_none(place):
    """The client takes every cut of an answer for malformed or refused; nothing else leaves it."""
    from meterwire.errors import MeterwireError
    from meterwire.protocols.dlms.acse import AuthenticationMechanism

    body = AARE[2:place]
    with pytest.raises(MeterwireError):
        agreed(codec(APDU).parse(element(0x61, body)).value, AuthenticationMechanism.NONE)


def test_A14_trailing_octets():
    """What stands behind a complete APDU makes it malformed; that of a data notification is its body's affair."""
    for octets in (AARQ, AARE, bytes.fromhex("C401810006000000FF"), bytes.fromhex("C001C100080000010000FF0200")):
        codec(APDU).parse(octets)
        with pytest.raises(MalformedError):
            codec(APDU).parse(octets + b"\x00")
    octets = bytes.fromhex("050101400103000000")
    codec(Apdu, EDITION).parse(octets[:-1])
    with pytest.raises(MalformedError):
        codec(Apdu, EDITION).parse(octets + b"\x00\x00")
