"""Functions 14H, 15H and 18H: writing an item, the address, a password (DL/T 645-2007, 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from meterwire.errors import SecurityError
from meterwire.meter_model.access import WRITING
from meterwire.meter_model.faces.dlt645.access import OPERATOR, authorise, is_protected, unprotected
from meterwire.meter_model.faces.dlt645.answers import Served, Silent, no_data, other_error, unauthorised
from meterwire.meter_model.faces.dlt645.report import OCTETS, RESET
from meterwire.meter_model.parameters import Author
from meterwire.protocols.dlt645.frame import BROADCAST, Function
from meterwire.protocols.dlt645.identifiers import decode, identifier
from meterwire.protocols.dlt645.messages import Address, ChangePassword, Password, WriteRequest
from meterwire.protocols.wire.codec import codec

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlt645.face import Face645

FIRST_PASSWORD: Final = 0x04000C01
"""Data identifier of the password of level 0; nine more follow."""
_DATE, _TIME, _DATE_TIME = 0x04000101, 0x04000102, 0x0400010C


class Writing:
    """The writing functions."""

    def __init__(self, face: Face645) -> None:
        self._face, self._meter = face, face.meter
        self.functions: Mapping[int, Callable[[bytes], Served]] = {
            Function.WRITE: self._write,
            Function.WRITE_ADDRESS: self._write_address,
            Function.CHANGE_PASSWORD: self._change_password,
        }

    def _write(self, request: bytes) -> Served:
        asked = codec(WriteRequest).parse(request)
        if asked.identifier == RESET:  # neither password nor switch is looked at (State Grid supplement of 2014)
            if len(asked.data) != OCTETS:
                raise other_error()
            self._face.report.reset(asked.data)
            return Served(changed=True)
        data = asked.data
        if is_protected(asked.password):
            try:
                data = unprotected(self._meter, asked.password, request[:4] + request[8:12], data)
            except SecurityError as error:
                raise unauthorised() from error
        else:
            authorise(self._meter, asked.password, WRITING)
        self._store(asked.identifier, data, asked.password, Author(asked.operator, f"{asked.identifier:08X}"))
        return Served(changed=True)

    def _store(self, di: int, data: bytes, password: Password, by: Author) -> None:
        if di in (_DATE, _TIME, _DATE_TIME):
            self._set_clock(di, data, by)
        elif 0 <= di - FIRST_PASSWORD < 10:
            new = codec(Password).parse(data)
            if new.level != di - FIRST_PASSWORD:
                raise other_error()
            if not is_protected(password) and password.level > new.level:
                raise unauthorised()
            self._set_password(new, by)
        elif self._face.parameters.octets(di) is None and _is_read_only(di):
            raise unauthorised()
        else:
            self._face.parameters.write(di, data, by)

    def _set_clock(self, di: int, data: bytes, by: Author) -> None:
        now = self._meter.now()
        found = identifier(di)
        if found is None or found.octets != len(data):
            raise other_error()
        text = str(decode(di, data))
        day = text[:8] if di != _TIME else f"{now:%y-%m-%d}"  # the weekday behind it follows from the date
        time = text[-8:] if di != _DATE else f"{now:%H:%M:%S}"
        try:
            moment = dt.datetime.fromisoformat(f"20{day} {time}").replace(tzinfo=now.tzinfo)
        except ValueError as error:
            raise other_error() from error
        self._meter.programming.note(by, "clock-set")
        self._meter.set_clock(moment)

    def _set_password(self, new: Password, by: Author) -> None:
        if not new.digits.isdecimal():
            raise other_error()
        self._meter.programming.note(by)
        self._meter.access.change(new.level, new.digits)

    def _write_address(self, request: bytes) -> Served:
        address = codec(Address).parse(request).address
        if not self._meter.access.programming or address == BROADCAST:
            raise Silent
        self._meter.parameters.set("address", address, Author(OPERATOR, "04000401"))
        return Served(changed=True)

    def _change_password(self, request: bytes) -> Served:
        asked = codec(ChangePassword).parse(request)
        level = asked.identifier - FIRST_PASSWORD
        if not 0 <= level < 10:
            raise no_data()
        authorise(self._meter, asked.old, level)
        if asked.new.level != level:
            raise other_error()
        self._set_password(asked.new, Author(OPERATOR, f"{asked.identifier:08X}"))
        return Served(codec(Password).build(asked.new), changed=True)


def _is_read_only(di: int) -> bool:
    found = identifier(di)
    return found is not None and found.access == "r"
