"""Opening an account, recharging and asking how it stands, through the test double of the secure element."""

from fractions import Fraction

import msgspec
import pytest

from meterwire.meter_model.credit import CreditSettings
from meterwire.meter_model.profiles import load_profile
from meterwire.protocols.dlt645.identifiers import decode

from .dialect645 import NO_DATA, NOON, OPERATOR, di, done, new_face, read, refused
from .test_dlt645_control import Ciphered

OPEN, RECHARGE, STATUS = "070101FF", "070102FF", "078102FF"
CUSTOMER = "000000330161"


def prepaid():
    """A meter that keeps an account in yuan, and a head-end with the test keys."""
    profile = msgspec.structs.replace(load_profile("three-phase"), credit=CreditSettings(kind="money"))
    face = new_face(profile=profile)
    return face, Ciphered(face)


def order(head_end, item: str, cents: int, count: int, customer: str = CUSTOMER) -> bytes:
    amounts = cents.to_bytes(4, "little") + count.to_bytes(4, "little")
    number = bytes.fromhex(customer)[::-1]
    code = head_end.session.code
    return di(item) + OPERATOR + amounts + code(amounts) + number + code(number)


def test_an_account_is_opened_recharged_and_told():
    """Amounts to the hundredth, purchases counted, each recorded."""
    face, head_end = prepaid()
    credit = face.meter.credit
    assert done(face, 0x03, order(head_end, OPEN, 5_000, 1, "000000000777")) == di(OPEN)
    assert face.meter.identity.customer_number == "000000000777"
    assert done(face, 0x03, order(head_end, RECHARGE, 12_345, 2, "000000000777")) == di(RECHARGE)
    assert credit.balance == Fraction("173.45")
    assert [one.item for one in face.meter.programming.last()] == [RECHARGE, OPEN]
    told = done(face, 0x03, di(STATUS) + OPERATOR)
    assert told[:4] == di(STATUS)
    assert (int.from_bytes(told[4:8], "little"), int.from_bytes(told[12:16], "little")) == (17_345, 2)
    assert told[20:26][::-1].hex() == "000000000777"
    assert len(told) == 30


@pytest.mark.parametrize(
    ("cents", "count", "customer", "error"),
    [
        (100, 1, CUSTOMER, "0200"),
        (100, 3, CUSTOMER, "2000"),
        (100, 0, CUSTOMER, "2000"),
        (4_294_967_295, 2, CUSTOMER, "4000"),
        (100, 2, "000000000001", "1000"),
        (0, 2, CUSTOMER, "0100"),
    ],
)
def test_a_recharge_that_cannot_be_takes_nothing(cents, count, customer, error):
    """One case for each bit of the security error word that a purchase has."""
    face, head_end = prepaid()
    done(face, 0x03, order(head_end, OPEN, 5_000, 1))
    before = face.meter.credit.balance, face.meter.programming.count
    assert refused(face, 0x03, order(head_end, RECHARGE, cents, count, customer)) == error
    assert (face.meter.credit.balance, face.meter.programming.count) == before


def test_a_tampered_or_repeated_order_takes_nothing():
    """Every octet behind the operator is covered by one of the two MACs."""
    face, head_end = prepaid()
    request = order(head_end, OPEN, 5_000, 1)
    for at in range(8, len(request)):
        bad = bytearray(request)
        bad[at] ^= 1
        assert refused(face, 0x03, bytes(bad)) == "0400"
        head_end.authenticate()
        request = order(head_end, OPEN, 5_000, 1)
    done(face, 0x03, request)
    assert refused(face, 0x03, request) == "0400"
    assert face.meter.credit.balance == 50


def test_without_account_or_session_there_is_nothing():
    """A meter that keeps no account, and a head-end that has not proved itself."""
    face = new_face()
    head_end = Ciphered(face)
    assert refused(face, 0x03, order(head_end, RECHARGE, 100, 1)) == "0100"
    face.meter.esam.close()
    assert refused(face, 0x03, order(head_end, RECHARGE, 100, 1)) == "0800"
    assert refused(face, 0x03, di(STATUS) + OPERATOR) == "0800"


def test_the_last_purchase_item_by_item():
    """In the group of what the meter charges in; of no purchase zeros, of another kind of meter no data."""
    face, head_end = prepaid()
    assert [read(face, f"0333{column:02X}01") for column in range(1, 7)] == ["00" * size for size in (5, 2, 4, 4, 4, 4)]
    done(face, 0x03, order(head_end, OPEN, 5_000, 1))
    done(face, 0x03, order(head_end, RECHARGE, 12_345, 2))
    values = [
        decode(0x03330001 | column << 8, bytes.fromhex(read(face, f"0333{column:02X}01"))) for column in range(1, 7)
    ]
    assert [str(one) for one in values] == [f"{NOON:%y-%m-%d %H:%M}", "2", "123.45", "50.00", "173.45", "173.45"]
    assert read(face, "0333FF01") == "".join(read(face, f"0333{column:02X}01") for column in range(1, 7))
    assert refused(face, 0x11, di("03320101")) == NO_DATA
    assert refused(new_face(), 0x11, di("03330101")) == NO_DATA
