"""Enumerations of DL/T 698.45 that more than one message uses: why an access failed, and units."""

from __future__ import annotations

from enum import IntEnum


class Dar(IntEnum):
    """Data access result, DAR."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 5
    OBJECT_UNAVAILABLE = 6
    TYPE_UNMATCHED = 7
    SCOPE_OF_ACCESS_VIOLATED = 8
    DATA_BLOCK_UNAVAILABLE = 9
    FRAMED_TRANSFER_CANCELLED = 10
    NOT_IN_FRAMED_TRANSFER = 11
    BLOCK_WRITE_CANCELLED = 12
    NO_BLOCK_WRITE_IN_PROGRESS = 13
    DATA_BLOCK_NUMBER_INVALID = 14
    PASSWORD_WRONG_OR_UNAUTHORISED = 15
    BAUD_RATE_NOT_CHANGEABLE = 16
    TOO_MANY_YEAR_SEASONS = 17
    TOO_MANY_DAY_PERIODS = 18
    TOO_MANY_RATES = 19
    SECURITY_MISMATCH = 20
    REPEATED_RECHARGE = 21
    ESAM_VERIFICATION_FAILED = 22
    SECURITY_AUTHENTICATION_FAILED = 23
    CUSTOMER_NUMBER_MISMATCH = 24
    RECHARGE_COUNT_WRONG = 25
    PURCHASE_EXCEEDS_LIMIT = 26
    ADDRESS_ABNORMAL = 27
    SYMMETRIC_DECRYPTION_ERROR = 28
    ASYMMETRIC_DECRYPTION_ERROR = 29
    SIGNATURE_ERROR = 30
    METER_SUSPENDED = 31
    TIME_TAG_INVALID = 32
    REQUEST_TIMEOUT = 33
    ESAM_P1P2_WRONG = 34
    ESAM_LC_WRONG = 35
    COMPARISON_FAILED = 36
    """Since the 2021 revision."""
    OTHER = 255


class Unit698(IntEnum):
    """Unit of a Scaler_Unit; its symbol is in `symbol`. Numbers differ from those of COSEM from 28 on."""

    symbol: str

    def __new__(cls, number: int, symbol: str) -> Unit698:  # noqa: D102  how enumerations with a second value are made
        member = int.__new__(cls, number)
        member._value_ = number
        member.symbol = symbol
        return member

    YEAR = 1, "a"
    MONTH = 2, "mo"
    WEEK = 3, "wk"
    DAY = 4, "d"
    HOUR = 5, "h"
    MINUTE = 6, "min"
    SECOND = 7, "s"
    DEGREE = 8, "deg"
    DEGREE_CELSIUS = 9, "degC"
    CURRENCY = 10, "CNY"
    METRE = 11, "m"
    METRE_PER_SECOND = 12, "m/s"
    CUBIC_METRE = 13, "m3"
    CUBIC_METRE_CORRECTED = 14, "m3 (corrected)"
    CUBIC_METRE_PER_HOUR = 15, "m3/h"
    CUBIC_METRE_PER_HOUR_CORRECTED = 16, "m3/h (corrected)"
    CUBIC_METRE_PER_DAY = 17, "m3/d"
    CUBIC_METRE_PER_DAY_CORRECTED = 18, "m3/d (corrected)"
    LITRE = 19, "l"
    KILOGRAM = 20, "kg"
    NEWTON = 21, "N"
    NEWTON_METRE = 22, "Nm"
    PASCAL = 23, "Pa"
    BAR = 24, "bar"
    JOULE = 25, "J"
    JOULE_PER_HOUR = 26, "J/h"
    WATT = 27, "W"
    KILOWATT = 28, "kW"
    VOLT_AMPERE = 29, "VA"
    KILOVOLT_AMPERE = 30, "kVA"
    VAR = 31, "var"
    KILOVAR = 32, "kvar"
    KILOWATT_HOUR = 33, "kWh"
    KILOVOLT_AMPERE_HOUR = 34, "kVAh"
    KILOVAR_HOUR = 35, "kvarh"
    AMPERE = 36, "A"
    COULOMB = 37, "C"
    VOLT = 38, "V"
    VOLT_PER_METRE = 39, "V/m"
    FARAD = 40, "F"
    OHM = 41, "ohm"
    OHM_METRE = 42, "ohm m2/m"
    WEBER = 43, "Wb"
    TESLA = 44, "T"
    AMPERE_PER_METRE = 45, "A/m"
    HENRY = 46, "H"
    HERTZ = 47, "Hz"
    PER_WATT_HOUR = 48, "1/Wh"
    PER_VAR_HOUR = 49, "1/varh"
    PER_VOLT_AMPERE_HOUR = 50, "1/VAh"
    PER_CENT = 51, "%"
    BYTE = 52, "byte"
    DBM = 53, "dBm"
    CNY_PER_KILOWATT_HOUR = 54, "CNY/kWh"
    AMPERE_HOUR = 55, "Ah"
    MILLISECOND = 56, "ms"
    NONE = 255, ""
