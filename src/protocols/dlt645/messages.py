"""What stands in the data field, by function: one message per layer, chosen by the control code.

The mask is off here. All items travel low octet first; times therefore begin with the seconds.
"""

from __future__ import annotations

from enum import IntEnum

from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import REST, U8, U16L, U32L, Bcd, Enum, Octets

_HEXADECIMAL = "ABCDEF"


@message(cite="DL/T 645-2007, 7 (read data)")
class ReadRequest:
    """11H: read one item."""

    identifier: int = field(U32L, "data identifier (DI0 to DI3)")
    selection: bytes = field(
        Octets(REST), "load record only: N blocks, or N and the time mm hh DD MM YY of the first", default=b""
    )


@message(cite="DL/T 645-2007, 7 (read data)")
class ReadAnswer:
    """91H, and B1H where more follows: the item or its first part. Without data: no load record was found."""

    identifier: int = field(U32L, "data identifier (DI0 to DI3)")
    data: bytes = field(Octets(REST), "data of the item (N1 to Nm)", default=b"")


@message(cite="DL/T 645-2007, 7 (read follow-up data)")
class FollowUpRequest:
    """12H: the next part of the item that was read last."""

    identifier: int = field(U32L, "data identifier (DI0 to DI3)")
    sequence: int = field(U8, "frame number (SEQ), 1 to 255")


@message(cite="DL/T 645-2007, 7 (read follow-up data)")
class FollowUpAnswer:
    """92H, and B2H where more follows. Since 2014 it may bring the active report 04001501H in place of the item."""

    identifier: int = field(U32L, "data identifier (DI0 to DI3)")
    data: bytes = field(Octets(REST), "part of the data of the item")
    sequence: int = field(U8, "frame number (SEQ), that of the request")


@message(cite="DL/T 645-2007, 7 (read address, write address)")
class Address:
    """93H: the meter's address. 15H: its new one."""

    address: str = field(Bcd(6), "address (A0 to A5): 12 digits")


@message(cite="DL/T 645-2007, 7 (broadcast time)")
class BroadcastTime:
    """08H: set the clock, at most once a day and by at most five minutes; never answered."""

    time: str = field(Bcd(6), "ss mm hh DD MM YY; as text the year comes first: YYMMDDhhmmss")


@message(cite="DL/T 645-2007, 7 (passwords)")
class Password:
    """A password and its level."""

    level: int = field(U8, "level (PA): 00 highest to 09; 98H and 99H for data protected by the secure element")
    digits: str = field(Bcd(3, also=_HEXADECIMAL), "password (P0 to P2), P2 first as text")


@message(cite="DL/T 645-2007, 7 (write data)")
class WriteRequest:
    """14H: write one item."""

    identifier: int = field(U32L, "data identifier (DI0 to DI3)")
    password: Password = field(Password, "level and password (PA, P0 to P2)")
    operator: str = field(Bcd(4, also=_HEXADECIMAL), "operator code (C0 to C3), C3 first as text")
    data: bytes = field(Octets(REST), "data of the item (N1 to Nm)")


@message(cite="DL/T 645-2007, 7 (freeze)")
class Freeze:
    """16H: freeze at a time; 99 in place of month, day or hour stands for every one, all 99 for now."""

    time: str = field(Bcd(4), "mm hh DD MM; as text the month comes first: MMDDhhmm")


class BaudWord(IntEnum):
    """Communication rate (Z): one bit for each rate."""

    BAUD_600 = 0x02
    BAUD_1200 = 0x04
    BAUD_2400 = 0x08
    BAUD_4800 = 0x10
    BAUD_9600 = 0x20
    BAUD_19200 = 0x40


@message(cite="DL/T 645-2007, 7 (change communication rate)")
class BaudRate:
    """17H, answered 97H with the same at the old rate; then both sides change over."""

    rate: int = field(Enum(U8, BaudWord), "communication rate word (Z)")


@message(cite="DL/T 645-2007, 7 (change password)")
class ChangePassword:
    """18H: a new password for the same or a lower level."""

    identifier: int = field(U32L, "data identifier (DI0 to DI3): 04000C01H to 04000C0AH")
    old: Password = field(Password, "old level and password (PAo, P0o to P2o)")
    new: Password = field(Password, "new level and password (PAn, P0n to P2n)")


@message(cite="DL/T 645-2007, 7 (clear demand, clear meter)")
class ClearRequest:
    """19H clears the maximum demands, 1AH everything."""

    password: Password = field(Password, "level and password (PA, P0 to P2)")
    operator: str = field(Bcd(4, also=_HEXADECIMAL), "operator code (C0 to C3), C3 first as text")


@message(cite="DL/T 645-2007, 7 (clear events)")
class ClearEvents:
    """1BH: clear all events or those of one kind."""

    password: Password = field(Password, "level and password (PA, P0 to P2)")
    operator: str = field(Bcd(4, also=_HEXADECIMAL), "operator code (C0 to C3), C3 first as text")
    events: int = field(U32L, "event identifier, lowest octet FFH; FFFFFFFFH means all")


@message(cite="State Grid supplement of 2014 to DL/T 645-2007 (control)")
class ControlRequest:
    """1CH: trip, close, alarm, keep power. Behind level 98H the command is enciphered."""

    password: Password = field(Password, "level and password (PA, P0 to P2)")
    operator: str = field(Bcd(4, also=_HEXADECIMAL), "operator code (C0 to C3), C3 first as text")
    command: bytes = field(Octets(REST), "command (N1 to Nm)")


class RelayOrder(IntEnum):
    """What a control command asks for (N1)."""

    TRIP = 0x1A
    PERMIT_CLOSE = 0x1B
    """The user closes with the button."""
    CLOSE = 0x1C
    TRIP_THEN_CLOSE = 0x1D
    """Closes by itself after N2 times 5 minutes."""
    TRIP_THEN_PERMIT_CLOSE = 0x1E
    """Permits closing after N2 times 5 minutes."""
    ALARM = 0x2A
    END_ALARM = 0x2B
    KEEP_POWER = 0x3A
    END_KEEP_POWER = 0x3B


@message(cite="State Grid supplement of 2014 to DL/T 645-2007 (control)")
class RelayCommand:
    """The plain command of 1CH."""

    order: int = field(Enum(U8, RelayOrder), "command (N1)")
    periods: int = field(U8, "5-minute periods until the automatic restoration (N2), else 0")
    valid_until: str = field(Bcd(6), "N3 to N8, ss mm hh DD MM YY; as text the year comes first: YYMMDDhhmmss")


@bits(U16L)
class RelayStatus:
    """Status word of a control answer."""

    reserved_high: int = part(4, "bits 15 to 12: reserved")
    alarm_ended: int = part(1, "bit 11: alarm released")
    alarm: int = part(1, "bit 10: alarm")
    keep_power_ended: int = part(1, "bit 9: guard released")
    keep_power: int = part(1, "bit 8: guard")
    reserved_low: int = part(2, "bits 7 and 6: reserved")
    waits_for_current: int = part(1, "bit 5: trip delayed, the current is too high")
    restores: int = part(1, "bit 4: tripped, will restore by itself")
    waits: int = part(1, "bit 3: trip delayed by the delay time")
    tripped: int = part(1, "bit 2: tripped directly")
    close_permitted: int = part(1, "bit 1: closing permitted")
    closed: int = part(1, "bit 0: closed directly")


@message(cite="State Grid supplement of 2014 to DL/T 645-2007 (control)")
class ControlAnswer:
    """9CH with two octets, where the enciphered command asked for the status."""

    status: RelayStatus = field(RelayStatus, "status word")


@bits(U16L)
class RelayErrorWord:
    """Error word of a control answer."""

    reserved: int = part(7, "bits 15 to 9: reserved")
    already_tripped: int = part(1, "bit 8: automatic restoration failed, the relay is open already")
    no_period: int = part(1, "bit 7: time of the automatic restoration is 0")
    restoration_guarded: int = part(1, "bit 6: automatic restoration failed, power is kept")
    trip_guarded: int = part(1, "bit 5: trip failed, power is kept")
    expired: int = part(1, "bit 4: valid-until is past or wrong")
    authentication_expired: int = part(1, "bit 3: time of the identity authentication ran out")
    password_wrong_or_unauthorised: int = part(1, "bit 2: password wrong, not authorised, or any other error")
    check_failed: int = part(1, "bit 1: message authentication code wrong")
    suspended: int = part(1, "bit 0: meter suspended")


@message(cite="State Grid supplement of 2014 to DL/T 645-2007 (control)")
class ControlError:
    """DCH with two octets, where the enciphered command asked for the status."""

    word: RelayErrorWord = field(RelayErrorWord, "error word")


class OutputSignal(IntEnum):
    """What the multi-function output terminal carries."""

    CLOCK_SECOND = 0
    DEMAND_PERIOD = 1
    RATE_SWITCH = 2


@message(cite="later filing to DL/T 645-2007 (multi-function terminal; recalled)")
class TerminalOutput:
    """1DH, answered 9DH with the same."""

    signal: int = field(Enum(U8, OutputSignal), "signal")


@message(cite="later filing to DL/T 645-2007 (security authentication; recalled)")
class SecurityRequest:
    """03H: a command of the security class 07H."""

    identifier: int = field(U32L, "data identifier (DI0 to DI3), DI3 is 07H")
    operator: str = field(Bcd(4, also=_HEXADECIMAL), "operator code (C0 to C3), C3 first as text")
    data: bytes = field(Octets(REST), "data of the command")


@bits(U16L)
class SecurityErrorWord:
    """Security error word (SERR), recalled."""

    reserved: int = part(8, "bits 15 to 8: reserved", default=0)
    address_abnormal: int = part(1, "bit 7: address abnormal", default=0)
    over_hoard_limit: int = part(1, "bit 6: purchase exceeds the limit of money or energy held", default=0)
    recharge_count_wrong: int = part(1, "bit 5: number of the recharge wrong", default=0)
    customer_mismatch: int = part(1, "bit 4: customer number does not match", default=0)
    authentication_failed: int = part(1, "bit 3: identity authentication failed", default=0)
    check_failed: int = part(1, "bit 2: check by the secure element failed", default=0)
    repeated_recharge: int = part(1, "bit 1: recharge repeated", default=0)
    other: int = part(1, "bit 0: other error", default=0)


@message(cite="later filing to DL/T 645-2007 (security authentication; recalled)")
class SecurityError:
    """C3H: why a security command was refused."""

    word: SecurityErrorWord = field(SecurityErrorWord, "security error word (SERR)")


@bits(U8)
class ErrorWord:
    """Error word (ERR); several bits may be set."""

    reserved: int = part(1, "bit 7: reserved", default=0)
    too_many_rates: int = part(1, "bit 6: more rates than the meter has", default=0)
    too_many_day_slots: int = part(1, "bit 5: more slots of the day than the meter has", default=0)
    too_many_year_zones: int = part(1, "bit 4: more zones of the year than the meter has", default=0)
    baud_cannot_change: int = part(1, "bit 3: communication rate cannot be changed", default=0)
    password_wrong_or_unauthorised: int = part(1, "bit 2: password wrong, or not authorised", default=0)
    no_requested_data: int = part(1, "bit 1: no requested data", default=0)
    other: int = part(1, "bit 0: other error", default=0)


@message(cite="DL/T 645-2007, 7 (abnormal answers)")
class Error:
    """The abnormal answer of every function but those of the secure element."""

    word: ErrorWord = field(ErrorWord, "error word (ERR)")
