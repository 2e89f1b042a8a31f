"""Methods of the secure element (F100, interface class 21): the end of a session, its limit, the wallet.

Their parameters are laid out as recalled: data first, then a code over them (SID_MAC); the stand-in's codes are over
the Data in front of it, as sent. Reading and updating the chip's files, keys and certificates (3, 4, 7, 8) and the
authentication over infrared (11, 12) are between a real chip and its head-end, and are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import SecurityError
from meterwire.meter_model.credit import PurchaseRefused, Refusal
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.parameters import Author
from meterwire.protocols.dlt69845.data import DATA, IdentifiedMac
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.nodes import Variant

_NULL, _SID_MAC = 0, 94
_OPEN, _RECHARGE = 0, 1
"""What a wallet is told: to begin with a balance, to take a purchase. A refund (2) is not in the model."""
_HUNDREDTHS: Final = 100
_REFUSED: Final[Mapping[Refusal, Dar]] = {
    Refusal.NO_ACCOUNT: Dar.OBJECT_UNAVAILABLE,
    Refusal.REPEATED: Dar.REPEATED_RECHARGE,
    Refusal.COUNT: Dar.RECHARGE_COUNT_WRONG,
    Refusal.HOARDING: Dar.PURCHASE_EXCEEDS_LIMIT,
    Refusal.AMOUNT: Dar.SCOPE_OF_ACCESS_VIOLATED,
}


def _end(context: Context, parameter: Variant, by: Author) -> None:
    """Method 5: the session ends with the answer."""
    del by
    if parameter.tag != _NULL:
        raise Denied(Dar.TYPE_UNMATCHED)
    context.element.end()


def _limit(context: Context, parameter: Variant, by: Author) -> None:
    """Method 9: {minutes, SID_MAC}."""
    (minutes,) = _vouched(context, parameter, (6,))
    context.meter.programming.note(by)
    try:
        context.meter.esam69845.limit(minutes)
    except SecurityError:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None


def _wallet(context: Context, parameter: Variant, by: Author) -> None:
    """Method 6: {what, amount, count of purchases, customer's number, SID_MAC, meter's number}."""
    del by
    if parameter.tag != 2 or len(parameter.value) != 6:
        raise Denied(Dar.TYPE_UNMATCHED)
    *before, meter_number = parameter.value
    what, amount, count, customer = _vouched(context, Variant(2, tuple(before)), (15, 6, 6, 9))
    held = context.meter.parameters
    if not _is(customer, held["customer_number"]):
        raise Denied(Dar.CUSTOMER_NUMBER_MISMATCH)
    if meter_number.tag != 9 or not _is(meter_number.value, held["meter_number"]):
        raise Denied(Dar.ADDRESS_ABNORMAL)
    credit, bought = context.meter.credit, Fraction(amount, _HUNDREDTHS)
    if what == _OPEN:
        _account(lambda: credit.initialise(bought))
    elif what == _RECHARGE:
        _account(lambda: credit.purchase(bought, count))
    else:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)


def _begin_wallet(context: Context, parameter: Variant, by: Author) -> None:
    """Method 10: {balance, SID_MAC}."""
    del by
    (balance,) = _vouched(context, parameter, (6,))
    _account(lambda: context.meter.credit.initialise(Fraction(balance, _HUNDREDTHS)))


def _vouched(context: Context, parameter: Variant, tags: tuple[int, ...]) -> list[Any]:
    """The data in front of their code, once that has been checked."""
    if parameter.tag != 2 or tuple(one.tag for one in parameter.value) != (*tags, _SID_MAC):
        raise Denied(Dar.TYPE_UNMATCHED)
    *data, proof = parameter.value
    content = b"".join(context.codec(DATA).build(one) for one in data)
    code: IdentifiedMac = proof.value
    try:
        context.element.vouched(content, code)
    except SecurityError:
        raise Denied(Dar.ESAM_VERIFICATION_FAILED) from None
    return [one.value for one in data]


def _account(change: Callable[[], object]) -> None:
    try:
        change()
    except PurchaseRefused as refused:
        raise Denied(_REFUSED[refused.refusal]) from None


def _is(octets: bytes, digits: str) -> bool:
    """Whether octets are a number, with zeros in front or without."""
    return octets.hex().lstrip("0") == digits.lstrip("0")


METHODS: Final[Mapping[tuple[int, int], Callable[[Context, Variant, Author], None]]] = {
    (0xF100, 5): _end,
    (0xF100, 6): _wallet,
    (0xF100, 9): _limit,
    (0xF100, 10): _begin_wallet,
}
