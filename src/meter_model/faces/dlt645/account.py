"""Prepayment through the secure element (03H): opening an account, recharging, asking how it stands.

Lengths and order are those of meter firmware (dissected by public programs). That amounts are binary numbers of
hundredths, low octet first, and which MAC covers what, is recalled.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

from meterwire.meter_model.credit import PurchaseRefused, Refusal
from meterwire.meter_model.esam import MAC
from meterwire.meter_model.faces.dlt645.refusals import refused
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author

OPEN: Final = 0x070101FF
RECHARGE: Final = 0x070102FF
STATUS: Final = 0x078102FF
_AMOUNTS: Final = 8  # amount and count, 4 octets each
_CUSTOMER: Final = 6
_SIZE: Final = _AMOUNTS + MAC + _CUSTOMER + MAC
_KEYS_ARE_TEST_KEYS: Final = bytes(4)
_LARGEST: Final = 0xFFFFFFFF
_BITS: Final = {
    Refusal.REPEATED: "repeated_recharge",
    Refusal.COUNT: "recharge_count_wrong",
    Refusal.HOARDING: "over_hoard_limit",
}


class Account:
    """The account of one meter behind its secure element.

    Args:
        meter: whose.
        verify: checks a message that ends with its MAC; raises Denied.
    """

    def __init__(self, meter: Meter, verify: Callable[[bytes], None]) -> None:
        self._meter, self._verify = meter, verify

    def buy(self, di: int, data: bytes, operator: str) -> bytes:
        """Open the account or recharge it; raises Denied and takes nothing."""
        if len(data) != _SIZE:
            raise refused(other=1)
        amounts, customer = data[: _AMOUNTS + MAC], data[_AMOUNTS + MAC :]
        number = customer[_CUSTOMER - 1 :: -1].hex()
        self._verify(amounts)
        self._verify(customer)
        if not number.isdecimal():
            raise refused(other=1)
        if di == RECHARGE and number != self._meter.identity.customer_number:
            raise refused(customer_mismatch=1)
        amount, count = (int.from_bytes(amounts[at : at + 4], "little") for at in (0, 4))
        try:
            self._meter.credit.purchase(Fraction(amount, 100), count)
        except PurchaseRefused as error:
            raise refused(**{_BITS.get(error.refusal, "other"): 1}) from error
        by = Author(operator, f"{di:08X}")
        if di == OPEN:
            self._meter.parameters.set("customer_number", number, by)
        else:
            self._meter.programming.note(by)
        return b""

    def status(self) -> bytes:
        """What is left, the count of purchases, each with its MAC, the customer, the status of the keys."""
        credit = self._meter.credit
        left = min(int(credit.balance * 100), _LARGEST) if credit.keeps_account and credit.balance > 0 else 0
        parts = [number.to_bytes(4, "little") for number in (left, credit.count)]
        told = b"".join(part + self._meter.esam.code(part) for part in parts)
        customer = bytes.fromhex(self._meter.identity.customer_number)[::-1]
        return told + customer + _KEYS_ARE_TEST_KEYS
