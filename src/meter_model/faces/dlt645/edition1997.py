"""The meter as DL/T 645-1997 shows it: its function codes and its identifiers of two octets.

The edition is known from public programs and captured frames (see `protocols.dlt645.edition1997`); what a request to
write looks like is recalled. Error bits lie where they lie in 2007, but for the speed, which is illegal data here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.meter_model.access import WRITING
from meterwire.meter_model.faces.dlt645.access import OPERATOR, authorise
from meterwire.meter_model.faces.dlt645.answers import Served, Silent, no_data, other_error
from meterwire.meter_model.faces.dlt645.edition1997_records import Records1997
from meterwire.meter_model.faces.dlt645.edition1997_tables import Tables1997
from meterwire.meter_model.faces.dlt645.transfer import Transfer
from meterwire.meter_model.faces.dlt645.values import baud_of, packed, unpacked
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author, parameters
from meterwire.meter_model.values import Demand, NotServed, truncated
from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.dlt645.edition1997 import ChangePassword1997, ClearDemand1997, Item1997, Write1997
from meterwire.protocols.dlt645.frame import BROADCAST
from meterwire.protocols.dlt645.identifiers import identifiers_for
from meterwire.protocols.dlt645.messages import Address, BaudRate, Password
from meterwire.protocols.wire.codec import codec
from meterwire.quantities import QUANTITIES, Kind, Quantity

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlt645.face import Face645

WRITE_ADDRESS: Final = 0x0A
_DATE, _TIME = 0xC010, 0xC011
_IN_ANSWER: Final = 2
_TIMES: Final = 0xB
_PERIODS: Final = 0x0C00
_RATE: Final = 0xF
_DIGITS: Final = re.compile(r"[XN]+(?:\.([XN]+))?")
_PARAMETERS: Final = {
    0xB634: "active_power_limit_import",
    0xB635: "active_power_limit_export",
    0xC022: "working_days",
    0xC032: "meter_number",
    0xC033: "customer_number",
    0xC034: "address",
    0xC111: "demand_period",
    0xC112: "demand_sliding_time",
    0xC113: "display_seconds",
    0xC115: "display_energy_decimals",
    0xC116: "display_power_decimals",
    0xC117: "settlement_day_1",
    0xC211: "pulse_width",
    0xC310: "season_count",
    0xC311: "day_schedule_count",
    0xC312: "day_slot_count",
    0xC313: "rate_count",
    0xC314: "holiday_count",
    0xC41E: "weekend_schedule",
    0xC510: "load_profile_start",
    0xC511: "load_profile_interval_1",
}
_OF = identifiers_for("1997")


class Items1997:
    """What one meter has under an identifier of 1997."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._tables, self._records = Tables1997(meter), Records1997(meter)

    def octets(self, di: int) -> bytes | None:
        """The data of an item or a block, None where the meter does not have it."""
        known = _OF.identifier(di)
        if di in _PARAMETERS and known is not None:
            name = _PARAMETERS[di]
            value = packed(parameters()[name].kind, self._meter.parameters[name])
            return self._encoded(di, _cut(value, known.format))
        if di & 0xF == 0xF:
            return self._block(di)
        if known is None:
            return None
        for source in (self._tables, self._records):
            value = source.read(di)
            if value is not None:
                return self._encoded(di, value)
        if known.quantity in QUANTITIES:
            return self._quantity(di, QUANTITIES[known.quantity], known.format)
        return self._register(di, known.format)

    def write(self, di: int, octets: bytes, by: Author) -> None:
        """Write a parameter or the clock; raises Denied."""
        known = _OF.identifier(di)
        if known is None or not (di in _PARAMETERS or di in (_DATE, _TIME) or self._tables.has(di)):
            raise no_data()
        if known.octets != len(octets):
            raise other_error()
        try:
            value = _OF.decode(di, octets)
            if di in _PARAMETERS:
                name = _PARAMETERS[di]
                self._meter.parameters.set(name, unpacked(parameters()[name].kind, value), by)
            elif self._tables.has(di):
                self._tables.write(di, cast("tuple[Decimal, str]", value), by)
            else:
                self._set_clock(di, str(value), by)
        except (LocalProtocolError, MalformedError, ValueError) as error:
            raise other_error() from error

    def _set_clock(self, di: int, text: str, by: Author) -> None:
        now = self._meter.now()
        day = text[:8] if di == _DATE else f"{now:%y-%m-%d}"
        time = text if di == _TIME else f"{now:%H:%M:%S}"
        moment = dt.datetime.fromisoformat(f"20{day} {time}").replace(tzinfo=now.tzinfo)
        self._meter.programming.note(by, "clock-set")
        self._meter.set_clock(moment)

    def _block(self, di: int) -> bytes | None:
        parts: list[bytes] = []
        for member in _OF.members(di):
            part = self.octets(member)
            if part is None:
                break
            parts.append(part)
        return b"".join(parts) or None

    def _quantity(self, di: int, row: Quantity, layout: str) -> bytes | None:
        try:
            value: Any = self._meter.read(row)
        except NotServed:
            return None
        return self._encoded(di, _cut(value.value if isinstance(value, Demand) else value, layout))

    def _register(self, di: int, layout: str) -> bytes | None:
        """Rates, and settlements: 9410H and 9810H are the last two of 9010H; B0xxH is the time of A0xxH."""
        of_time = di >> 12 == _TIMES
        found = _OF.identifier((di - (0x1000 if of_time else 0)) & ~(_PERIODS | _RATE))
        row = QUANTITIES.get(found.quantity) if found is not None else None
        if row is None or row.kind not in (Kind.ENERGY, Kind.MAX_DEMAND):
            return None
        rate, settlement = di & _RATE, (di & _PERIODS) >> 10
        row = msgspec.structs.replace(row, name=f"{row.name}_{di:04X}", rate=rate, settlement=settlement)
        if not of_time:
            return self._quantity(di, row, layout)
        try:
            demand = self._meter.read(row)
        except NotServed:
            return None
        when = demand.time if isinstance(demand, Demand) else None
        return self._encoded(di, f"{when:%m-%d %H:%M}" if when else "00-00 00:00")

    def _encoded(self, di: int, value: Any) -> bytes:
        try:
            return _OF.encode(di, value)
        except LocalProtocolError:
            return _OF.encode(di, None)  # what the digits cannot carry is no value, never another one


class Functions1997:
    """The functions of one connection."""

    def __init__(self, face: Face645) -> None:
        self._face, self._meter = face, face.meter
        self._items = Items1997(face.meter)
        self._transfer: Transfer | None = None
        self.functions: Mapping[int, Callable[[bytes], Served]] = {
            0x01: self._read,
            0x02: self._follow_up,
            0x03: self._again,
            0x04: self._write,
            WRITE_ADDRESS: self._write_address,
            0x0C: self._change_baud,
            0x0F: self._change_password,
            0x10: self._clear_demand,
        }

    def _read(self, request: bytes) -> Served:
        di = _item(request)
        self._transfer = None
        octets = self._items.octets(di)
        if octets is None:
            raise no_data()
        self._transfer = Transfer(di, octets, self._face.limit, in_first=_IN_ANSWER, in_next=_IN_ANSWER)
        return self._part(self._transfer, 0)

    def _follow_up(self, request: bytes) -> Served:
        transfer = self._of(request)
        if transfer.take(transfer.sequence + 1) is None:
            raise no_data()
        return self._part(transfer, transfer.sequence)

    def _again(self, request: bytes) -> Served:
        transfer = self._of(request)
        return self._part(transfer, transfer.sequence)

    def _of(self, request: bytes) -> Transfer:
        di = _item(request)
        if self._transfer is None or self._transfer.di != di:
            raise no_data()
        return self._transfer

    def _part(self, transfer: Transfer, sequence: int) -> Served:
        data = codec(Item1997).build(Item1997(transfer.di, transfer.part(sequence)))
        return Served(data, bool(transfer.part(sequence + 1)))

    def _write(self, request: bytes) -> Served:
        asked = codec(Write1997).parse(request)
        authorise(self._meter, asked.password, WRITING)
        self._items.write(asked.identifier, asked.data, Author(OPERATOR, f"{asked.identifier:04X}"))
        return Served(changed=True)

    def _write_address(self, request: bytes) -> Served:
        address = codec(Address).parse(request).address
        if not self._meter.access.programming or address == BROADCAST:
            raise Silent
        self._meter.parameters.set("address", address, Author(OPERATOR, "C034"))
        return Served(changed=True)

    def _change_baud(self, request: bytes) -> Served:
        baud = baud_of(codec(BaudRate).parse(request).rate)
        if baud is None:
            raise other_error()
        self._meter.parameters.set("baud_port_1", baud)
        return Served(request, changed=True, settings=LineSettings(baud, 8, "E", 1))

    def _change_password(self, request: bytes) -> Served:
        asked = codec(ChangePassword1997).parse(request)
        if asked.new.level not in range(10) or not asked.new.digits.isdecimal():
            raise other_error()
        authorise(self._meter, asked.old, asked.new.level)
        self._meter.programming.note(Author(OPERATOR, "C212"))
        self._meter.access.change(asked.new.level, asked.new.digits)
        return Served(codec(Password).build(asked.new), changed=True)

    def _clear_demand(self, request: bytes) -> Served:
        asked = codec(ClearDemand1997).parse(request)
        authorise(self._meter, asked.password, WRITING)
        self._meter.programming.note(Author(OPERATOR, "demand"), "demand-cleared")
        self._meter.clear_demand()
        return Served(changed=True)


def _item(request: bytes) -> int:
    asked = codec(Item1997).parse(request)
    if asked.data:
        raise other_error()
    return asked.identifier


def _cut(value: Any, layout: str) -> Any:
    """A number cut towards zero to the decimals of a format; other values as they are."""
    found = _DIGITS.fullmatch(layout)
    if found is None or not isinstance(value, Fraction | Decimal):
        return value
    return _decimal(Fraction(value), len(found[1] or ""))


def _decimal(value: Fraction, decimals: int) -> Decimal:
    return Decimal(truncated(value, -decimals)).scaleb(-decimals)
