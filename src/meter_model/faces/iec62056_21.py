"""The meter at its optical port in IEC 62056-21: sign-on, readout, programming, push, and the way to HDLC (mode E)."""

from __future__ import annotations

import datetime as dt
import hmac
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand, NotServed, Value, truncated
from meterwire.protocols.dialogue import Answer, LineSettings, Responder
from meterwire.protocols.iec62056_21.messages import (
    ACK,
    NAK,
    OPENING,
    Block,
    Command,
    Identification,
    Option,
    Plain,
    SignOn,
)
from meterwire.protocols.iec62056_21.reader import Found, Reader
from meterwire.protocols.iec62056_21.readings import code, quantity_of, reduced
from meterwire.protocols.iec62056_21.text import DataSet, Item, parse, shown
from meterwire.quantities import QUANTITIES, Quantity

INACTIVITY: Final = 60.0
"""Seconds in programming mode without a command after which the meter signs off (6.3.14: 60 s to 120 s)."""
PARTIAL: Final = 512
"""Octets of a partial block."""
_DATE, _TIME = "0.9.2", "0.9.1"
_BAUDS: Final = {"A": "!", "B": "E", "C": "5", "D": "3", "E": "5"}
"""Character Z by mode: 9600 bit/s where the speed changes."""
EVERY: Final = 10.0
"""Seconds between two pushes of mode D."""


class Face6205621:
    """A meter seen through its optical port.

    Args:
        meter: what is read.
        mode: A to E.
        password: that opens writing in programming mode.
        every: seconds between pushes of mode D.
        binary: makes what speaks HDLC after a sign-on of mode E.
    """

    def __init__(
        self,
        meter: Meter,
        mode: str = "C",
        password: str = "",
        *,
        every: float = EVERY,
        binary: Callable[[], Responder] | None = None,
    ) -> None:
        self.meter, self.mode, self.every, self.binary = meter, mode, every, binary
        self.password = password or meter.identity.secrets.dlt69845_password

    def connect(self) -> Connection6205621 | Pushing:
        """One reader at the port."""
        return Pushing(self) if self.mode == "D" else Connection6205621(self)

    @property
    def identification(self) -> Identification:
        """Who the meter says it is."""
        enhanced = "2" if self.mode == "E" else ""
        return Identification(self.meter.identity.flag, _BAUDS[self.mode], self.meter.identity.number, enhanced)

    def readout(self) -> bytes:
        """All data sets, a line each, and the exclamation mark."""
        lines = [shown(one) for one in self._own()]
        lines += [shown(one) for row in QUANTITIES.values() if (one := self.data_set(row)) is not None]
        return "".join(f"{line}\r\n" for line in lines).encode() + b"!\r\n"

    def _own(self) -> list[DataSet]:
        now = self.meter.now()
        return [
            DataSet("F.F", (Item("00000000"),)),
            DataSet("0.0.0", (Item(self.meter.identity.number),)),
            DataSet(_TIME, (Item(f"{now:%H%M%S}"),)),
            DataSet(_DATE, (Item(f"{now:%y%m%d}"),)),
        ]

    def found(self, address: str) -> DataSet | None:
        """The data set of an address, None where the meter has none."""
        for one in self._own():
            if one.address == address or (code(one.address) and code(one.address) == code(address)):
                return DataSet(address, one.items)
        row = quantity_of(address)
        told = None if row is None else self.data_set(row)
        return None if told is None else DataSet(address, told.items)

    def data_set(self, row: Quantity) -> DataSet | None:
        """The data set of a quantity, None where the meter does not have it or it has no code."""
        if row.obis is None or row.kind in ("date", "time", "date_time"):
            return None
        try:
            value = self.meter.read(row)
        except NotServed:
            return None
        items = _items(value, row)
        return DataSet(reduced(row.obis), items) if items else None


def _items(value: Value, row: Quantity) -> tuple[Item, ...]:
    exponent = row.dlms.exponent if row.dlms else None
    unit = "" if "/" in row.unit else row.unit  # a slash cannot stand in a data set
    if isinstance(value, Demand):
        when = f"{value.time:%y%m%d%H%M}" if value.time else "0000000000"
        return Item(_digits(value.value, exponent or 0), unit), Item(when)
    if isinstance(value, Fraction):
        return (Item(_digits(value, exponent or 0), unit),)
    if isinstance(value, str):
        kept = "".join(sign for sign in value if sign.isascii() and sign.isprintable() and sign not in "()/!*")
        return (Item(kept),)
    return ()


def _digits(value: Fraction, exponent: int) -> str:
    """A number with the digits that the meter declares, cut towards zero."""
    raw = truncated(value, exponent)
    if exponent >= 0:
        return str(raw * 10**exponent)
    whole, parts = divmod(abs(raw), 10**-exponent)
    return f"{'-' if raw < 0 else ''}{whole:06d}.{parts:0{-exponent}d}"


class Connection6205621:
    """One reader: where in the sign-on it is, and what it may do."""

    def __init__(self, face: Face6205621) -> None:
        self._face = face
        self._reader = Reader(limit=4096)
        self._state = "waiting"
        self._binary: Responder | None = None
        self._trusted = False
        self._rest: list[Block] = []
        self._heard = 0.0

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; what is sent in answer."""
        if self._binary is not None:
            return self._in_hdlc(octets, now)
        answers = self._expired(now)
        self._heard = now
        return answers + self._answers(self._reader.receive(octets))

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: a reader that chose nothing gets the readout at the speed of the sign-on."""
        if self._binary is not None:
            return self._binary.idle(now)
        answers = self._answers(self._reader.idle())
        if self._state == "identified":
            self._wait()
            answers.append(Answer(Block(self._face.readout()).octets))
        return answers

    def _expired(self, now: float) -> list[Answer]:
        if self._state != "programming" or now - self._heard <= INACTIVITY:
            return []
        self._wait()
        return [Answer(b"", settings=OPENING)]

    def _in_hdlc(self, octets: bytes, now: float) -> list[Answer]:
        """HDLC, until somebody signs on anew: that is never the beginning of a frame."""
        if self._binary is not None and not octets.startswith(b"/?"):
            return self._binary.receive(octets, now)
        self._binary = None
        self._wait()
        return self.receive(octets, now)

    def _wait(self) -> None:
        self._state, self._trusted = "waiting", False
        self._rest.clear()
        self._reader.options = False

    def _answers(self, pieces: list[Any]) -> list[Answer]:
        answers: list[Answer] = []
        for piece in pieces:
            if isinstance(piece, Found):
                answers += self._answer(piece.message)
            elif self._state == "programming":
                answers.append(Answer(NAK))
        return answers

    def _answer(self, message: Any) -> list[Answer]:
        if isinstance(message, SignOn):
            return self._sign_on(message)
        if isinstance(message, Option) and self._state == "identified":
            return self._option(message)
        if self._state == "programming" and isinstance(message, Command):
            return self._command(message)
        if self._rest and message.octets in (ACK, NAK):
            if message.octets == ACK:
                self._rest.pop(0)
            return [Answer(self._rest[0].octets)] if self._rest else []
        return []

    def _sign_on(self, message: SignOn) -> list[Answer]:
        asked = message.address.lstrip("0")
        if asked and asked != self._face.meter.identity.number.lstrip("0"):
            return []
        self._wait()
        named = self._face.identification
        if self._face.mode == "A":
            return [Answer(named.octets + Plain(self._face.readout().removesuffix(b"!\r\n")).octets)]
        if self._face.mode == "B":
            return [
                Answer(named.octets, settings=named.settings()),
                Answer(Block(self._face.readout()).octets, settings=OPENING),
            ]
        self._state, self._reader.options = "identified", True
        return [Answer(named.octets)]

    def _option(self, option: Option) -> list[Answer]:
        named = self._face.identification
        fast = named.settings() if option.baud == named.baud else OPENING
        self._wait()
        if option.control == "0" and option.protocol in "01":
            readout = Block(self._face.readout()).octets
            return [Answer(b"", settings=fast), Answer(readout, settings=OPENING)]
        if option.control == "1" and option.protocol in "01":
            self._state = "programming"
            operand = Command("P0", f"({self._face.meter.identity.number[-8:]})".encode()).octets
            return [Answer(b"", settings=fast), Answer(operand)]
        if (option.protocol, option.control) == ("2", "2") and self._face.mode == "E" and self._face.binary:
            self._binary = self._face.binary()
            binary: LineSettings = named.settings(binary=True)
            return [Answer(option.octets, settings=binary)]
        return [Answer(Block(self._face.readout()).octets)]

    # ------------------------------------------------------------ programming mode

    def _command(self, command: Command) -> list[Answer]:
        self._rest.clear()
        if command.code[0] == "B":
            self._wait()
            return [Answer(b"", settings=OPENING)]
        sets = _sets(command)
        if sets is None or len(sets) != 1 or command.more:
            return [Answer(NAK)]
        if command.code[0] == "P":
            return self._password(command, sets[0])
        if command.code in ("R1", "R5", "R3"):
            return self._read(sets[0], partial=command.code == "R3")
        if command.code in ("W1", "W5"):
            return [self._write(sets[0])]
        return [_error(1)]

    def _password(self, command: Command, given: DataSet) -> list[Answer]:
        same = hmac.compare_digest(given.items[0].value.encode(), self._face.password.encode())
        self._trusted = command.code == "P1" and same
        if self._trusted:
            return [Answer(ACK)]
        self._wait()
        return [Answer(Command("B0").octets, settings=OPENING)]

    def _read(self, asked: DataSet, *, partial: bool) -> list[Answer]:
        found = self._face.found(asked.address) if asked.address else None
        if found is None and not (partial and asked.address == "0"):
            return [_error(2)]
        text = shown(found).encode() if found else self._face.readout().removesuffix(b"!\r\n")
        lots = [text[at : at + PARTIAL] for at in range(0, len(text), PARTIAL)] if partial else [text]
        self._rest = [Block(lot, more=at < len(lots) - 1) for at, lot in enumerate(lots)]
        first = Answer(self._rest[0].octets)
        if len(self._rest) == 1:
            self._rest.clear()
        return [first]

    def _write(self, given: DataSet) -> Answer:
        if not self._trusted:
            return _error(3)
        now = self._face.meter.now()
        pattern = {_DATE: "%y%m%d", _TIME: "%H%M%S"}.get(given.address)
        if pattern is None:
            return _error(3)
        try:
            to = dt.datetime.strptime(given.items[0].value, pattern)  # noqa: DTZ007  the meter's own time
        except ValueError:
            return _error(4)
        on, at = (to.date(), now.time()) if given.address == _DATE else (now.date(), to.time())
        self._face.meter.set_clock(dt.datetime.combine(on, at, now.tzinfo))
        return Answer(ACK, durable=True)


def _sets(command: Command) -> list[DataSet] | None:
    try:
        return parse(command.data or b"")
    except MalformedError:
        return None


def _error(number: int) -> Answer:
    """An error message: 1 command, 2 address, 3 no access, 4 value. The texts are the manufacturer's (6.5.3)."""
    return Answer(Block(f"(ER{number:02d})".encode()).octets)


class Pushing:
    """Mode D: the meter says what it has, again and again, and hears nothing."""

    def __init__(self, face: Face6205621) -> None:
        self._face = face
        self._next = -math.inf

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Nobody is listened to."""
        del octets, now
        return []

    def idle(self, now: float) -> list[Answer]:
        """Nothing to give up."""
        del now
        return []

    def next(self) -> float:
        """When the meter pushes again."""
        return self._next

    def run(self, now: float) -> list[Answer]:
        """A push, if it is time."""
        if now < self._next:
            return []
        self._next = now + self._face.every
        pushed = Plain(b"\r\n" + self._face.readout().removesuffix(b"!\r\n"))
        return [Answer(self._face.identification.octets + pushed.octets)]
