"""Check sums: the published check values, and the two ways to a CRC against each other."""

from hypothesis import given
from hypothesis import strategies as st

from meterwire.protocols.wire.checks import UP33, crc_x25, crc_x25_table, sum8


def test_check_values():
    """CRC-16/X-25 and the sum have the values that the catalogues print."""
    assert crc_x25(b"123456789") == crc_x25_table(b"123456789") == 0x906E
    assert sum8(bytes.fromhex("68AAAAAAAAAAAA681300")) == 0xDF


@given(st.binary(max_size=300))
def test_table_and_library_agree(octets):
    """The way without an extra gives the same CRC as the fast one."""
    assert crc_x25_table(octets) == crc_x25(octets)


@given(st.binary(max_size=300))
def test_sum_is_modulo_256(octets):
    """The sum is that of all octets, of which the last eight bits are sent."""
    assert sum8(octets) == sum(octets) % 256


def test_mask_adds_33():
    """The mask is a permutation that adds 33H to every octet."""
    assert sorted(UP33) == list(range(256))
    assert b"\x00\xcc\xcd\xff".translate(UP33) == b"\x33\xff\x00\x32"
