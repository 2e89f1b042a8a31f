"""Why an access failed, in words: every data access result (DAR)."""

from __future__ import annotations

from typing import Final

from meterwire.protocols.dlt69845.enums import Dar

_WORDS: Final = {
    Dar.SUCCESS: "success",
    Dar.HARDWARE_FAULT: "hardware fault of the meter",
    Dar.TEMPORARY_FAILURE: "temporary failure: try again later",
    Dar.READ_WRITE_DENIED: "reading or writing is denied: it may need a higher authority or protection",
    Dar.OBJECT_UNDEFINED: "the meter does not know this object",
    Dar.OBJECT_CLASS_INCONSISTENT: "the object is of another interface class",
    Dar.OBJECT_UNAVAILABLE: "the object is there and has nothing of the kind",
    Dar.TYPE_UNMATCHED: "the value has the wrong type",
    Dar.SCOPE_OF_ACCESS_VIOLATED: "out of range: index, value or length",
    Dar.DATA_BLOCK_UNAVAILABLE: "the data block is not available",
    Dar.FRAMED_TRANSFER_CANCELLED: "the transfer in blocks was cancelled",
    Dar.NOT_IN_FRAMED_TRANSFER: "no transfer in blocks is going on",
    Dar.BLOCK_WRITE_CANCELLED: "writing in blocks was cancelled",
    Dar.NO_BLOCK_WRITE_IN_PROGRESS: "no writing in blocks is going on",
    Dar.DATA_BLOCK_NUMBER_INVALID: "there is no data block of this number",
    Dar.PASSWORD_WRONG_OR_UNAUTHORISED: "wrong password, or not authorised",
    Dar.BAUD_RATE_NOT_CHANGEABLE: "the speed of the port cannot be changed",
    Dar.TOO_MANY_YEAR_SEASONS: "too many seasons of the year",
    Dar.TOO_MANY_DAY_PERIODS: "too many periods of the day",
    Dar.TOO_MANY_RATES: "too many tariff rates",
    Dar.SECURITY_MISMATCH: "the request lacks the protection that the meter asks for",
    Dar.REPEATED_RECHARGE: "this purchase was credited before",
    Dar.ESAM_VERIFICATION_FAILED: "the secure element could not verify it",
    Dar.SECURITY_AUTHENTICATION_FAILED: "authentication failed",
    Dar.CUSTOMER_NUMBER_MISMATCH: "the customer number is another one",
    Dar.RECHARGE_COUNT_WRONG: "the count of purchases does not follow",
    Dar.PURCHASE_EXCEEDS_LIMIT: "the purchase exceeds the limit of credit",
    Dar.ADDRESS_ABNORMAL: "the address is abnormal",
    Dar.SYMMETRIC_DECRYPTION_ERROR: "symmetric decryption failed",
    Dar.ASYMMETRIC_DECRYPTION_ERROR: "asymmetric decryption failed",
    Dar.SIGNATURE_ERROR: "the signature is wrong",
    Dar.METER_SUSPENDED: "the meter is suspended",
    Dar.TIME_TAG_INVALID: "the time tag is out of date: compare the clocks",
    Dar.REQUEST_TIMEOUT: "the request timed out behind the meter or concentrator",
    Dar.ESAM_P1P2_WRONG: "the secure element refuses P1 P2 of the command",
    Dar.ESAM_LC_WRONG: "the secure element refuses the length of the command",
    Dar.COMPARISON_FAILED: "the comparison failed",
    Dar.OTHER: "refused without a reason",
}


def words(dar: int) -> str:
    """What a DAR says, its name in front, so that it can be looked up."""
    if not isinstance(dar, Dar):
        return f"dar {int(dar)}"
    name = dar.name.lower().replace("_", " ")
    told = _WORDS[dar]
    return told if told == name else f"{name}: {told}"
