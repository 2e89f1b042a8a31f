"""The link frame: addresses of all kinds, both editions, scrambling, lengths."""

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.address import ANY, BROADCAST, Address, address, address_in
from meterwire.protocols.dlt69845.link import AddressKind, FrameLength, Link, LinkControl
from meterwire.protocols.wire.codec import codec

PRINTED = "000000000161"


def framed(to: Address, edition: int, user: bytes = b"\x05\x01", *, scrambled: int = 0) -> bytes:
    flag, octets = to.wire(edition)
    control = LinkControl(started_by_client=1, scrambled=scrambled)
    return codec(Link, edition).build(Link(FrameLength(), control, flag, octets, 16, user))


@pytest.mark.parametrize(
    ("text", "kind", "flag", "octets"),
    [
        ("000000000161", AddressKind.SINGLE, 0x05, "610100000000"),
        ("AAAAAAAAAAAA", AddressKind.WILDCARD, 0x45, "AAAAAAAAAAAA"),
        ("0A8967452301", AddressKind.WILDCARD, 0x45, "01234567890A"),
        ("group 12", AddressKind.GROUP, 0x80, "12"),
        ("broadcast", AddressKind.BROADCAST, 0xC0, "AA"),
        ("12345", AddressKind.SINGLE, 0x02, "5F3412"),
        ("161/1", AddressKind.SINGLE, 0x11, "1F16"),
        ("1" * 32, AddressKind.SINGLE, 0x0F, "11" * 16),
    ],
)
@pytest.mark.parametrize("edition", [2017, 2021])
def test_addresses_as_people_write_them(text, kind, flag, octets, edition):
    """Text to flag and octets (low octet first) and back, alike in both editions."""
    made = address(text)
    assert made.kind == kind
    assert (int(made.wire(edition)[0]), made.wire(edition)[1].hex().upper()) == (flag, octets)
    assert address_in(codec(Link, edition).parse(framed(made, edition))) == made


def test_logical_addresses_beyond_one_differ_by_edition():
    """2017 has logical addresses 0 to 3 in the flag; 2021 puts 2 to 255 into an octet of its own."""
    device = Address("000000000161", logic=3)
    assert (int(device.wire(2017)[0]), device.wire(2017)[1].hex()) == (0x35, "610100000000")
    assert (int(device.wire(2021)[0]), device.wire(2021)[1].hex()) == (0x26, "03610100000000")
    for edition in (2017, 2021):
        assert address_in(codec(Link, edition).parse(framed(device, edition))) == device
    assert address_in(codec(Link, 2021).parse(framed(Address("161", logic=200), 2021))).logic == 200


@pytest.mark.parametrize("text", ["", "12x", "G", "1" * 33, "1/256", "1/-1", "12 34", "B1", "/1"])
def test_what_is_no_address_is_the_callers_fault(text):
    """A mistyped address is refused before anything is sent."""
    with pytest.raises(LocalProtocolError):
        address(text)


@pytest.mark.parametrize(("made", "edition"), [(Address("1", logic=4), 2017), (Address("1" * 32, logic=9), 2021)])
def test_logical_address_that_does_not_fit(made, edition):
    """No frame carries an address cut off."""
    with pytest.raises(LocalProtocolError):
        made.wire(edition)


def test_wildcards_match_digit_by_digit():
    """A in any place stands for any digit; leading zeros do not matter; a broadcast means everybody."""
    assert ANY.matches(PRINTED)
    assert BROADCAST.matches(PRINTED)
    assert address("0000000001A1").matches(PRINTED)
    assert address("161").matches(PRINTED)
    assert not address("0000000002A1").matches(PRINTED)
    assert not address("000000000162").matches(PRINTED)
    assert not Address("B00000000161").matches(PRINTED)
    assert (ANY.is_answered, BROADCAST.is_answered, address("group 1").is_answered) == (True, False, False)


def test_scrambling_changes_the_user_data_alone():
    """SC adds 33H to each octet of the user data; the checks cover what was sent."""
    plain, scrambled = framed(ANY, 2021), framed(ANY, 2021, scrambled=1)
    assert len(plain) == len(scrambled)
    assert scrambled[14:16] == bytes(octet + 0x33 for octet in plain[14:16])
    assert codec(Link, 2021).parse(scrambled).user == b"\x05\x01"


def test_length_counts_all_between_the_ends():
    """L counts the octets between 68H and 16H, whatever the caller wrote into it."""
    octets = framed(ANY, 2021, b"\x00" * 300)
    assert int.from_bytes(octets[1:3], "little") & 0x3FFF == len(octets) - 2
    flag, server = ANY.wire(2021)
    given = Link(FrameLength(size=5), LinkControl(started_by_client=1), flag, server, 16, b"\x00" * 300)
    assert codec(Link, 2021).build(given) == octets


def test_more_than_the_length_can_say_is_the_callers_fault():
    """A frame beyond 16383 octets is never sent with a wrong length."""
    with pytest.raises(LocalProtocolError):
        framed(ANY, 2021, b"\x00" * 16384)
