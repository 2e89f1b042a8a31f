"""The meter as DL/T 645-2007 shows it: every function, in one file each or a few together.

What it cannot do it refuses with the error word that says why; what the standard answers with silence it leaves
unanswered: other addresses, broadcasts, a wrong sum, and an address that cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.meter_model.access import Verdict
from meterwire.meter_model.clock import local_seconds
from meterwire.meter_model.faces.dlt645.answers import Denied, Served, Silent, other_error
from meterwire.meter_model.faces.dlt645.clearing import Clearing
from meterwire.meter_model.faces.dlt645.control import Controlling
from meterwire.meter_model.faces.dlt645.curve import CURVES, CurveItems
from meterwire.meter_model.faces.dlt645.edition1997 import WRITE_ADDRESS, Functions1997
from meterwire.meter_model.faces.dlt645.freezes import FreezeItems
from meterwire.meter_model.faces.dlt645.harmonics import HarmonicItems
from meterwire.meter_model.faces.dlt645.items import Items
from meterwire.meter_model.faces.dlt645.line import LineFunctions
from meterwire.meter_model.faces.dlt645.load import LOAD_CLASS, LoadItems
from meterwire.meter_model.faces.dlt645.parameters import ParameterItems
from meterwire.meter_model.faces.dlt645.purchases import PurchaseItems
from meterwire.meter_model.faces.dlt645.reading import Reading
from meterwire.meter_model.faces.dlt645.records import RecordItems
from meterwire.meter_model.faces.dlt645.refusals import refused
from meterwire.meter_model.faces.dlt645.registers import RegisterItems
from meterwire.meter_model.faces.dlt645.report import Report
from meterwire.meter_model.faces.dlt645.security import Securing
from meterwire.meter_model.faces.dlt645.single import SingleItems
from meterwire.meter_model.faces.dlt645.status import StatusItems
from meterwire.meter_model.faces.dlt645.transfer import IN_FIRST, IN_NEXT, LAST_SEQUENCE
from meterwire.meter_model.faces.dlt645.voltage import VoltageItems
from meterwire.meter_model.faces.dlt645.writing import Writing
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlt645.address import covers
from meterwire.protocols.dlt645.frame import BROADCAST, READ_LIMIT, WAKE_UP, Frame, Function, answering
from meterwire.protocols.dlt645.messages import BroadcastTime
from meterwire.protocols.dlt645.report import REPORT
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame as Found
from meterwire.protocols.wire.framing import Framer, Garbage

_LONGEST_FRAME: Final = 12 + 0xFF
_NOTHING: Final = Served()
_BROADCAST_TIME: Final = Function.BROADCAST_TIME
_SILENT: Final = frozenset({Function.READ_ADDRESS, Function.WRITE_ADDRESS, Function.BROADCAST_TIME})
"""Functions that have no abnormal answer."""


class Face645:
    """One meter behind DL/T 645-2007, for any number of connections.

    Args:
        meter: what is read, written and controlled.
        preamble: wake-up octets in front of each answer, 0 to 4: meters in the field differ.
        fixed: further items with octets that never change, by data identifier.
        limit: longest data field of an answer, in octets; longer items are split into follow-up frames.
        edition: 2007, or 1997, whose meters know neither each other's functions nor identifiers.

    Attributes:
        parameters: those of the meter by data identifier.
        report: what the meter wants to tell unasked.

    Raises:
        LocalProtocolError: `preamble`, `limit` or an item is out of range.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        preamble: int = 4,
        fixed: Mapping[int, bytes] | None = None,
        limit: int = READ_LIMIT,
        edition: int = 2007,
    ) -> None:
        if edition not in (1997, 2007):
            raise LocalProtocolError(f"there is no edition {edition} of DL/T 645: 1997 or 2007")
        if not 0 <= preamble <= 4 or not IN_NEXT < limit <= 0xFF:
            raise LocalProtocolError("0 to 4 wake-up octets, and a data field of 6 to 255 octets")
        longest = limit - IN_FIRST + LAST_SEQUENCE * (limit - IN_NEXT)
        if any(len(octets) > longest for octets in (fixed or {}).values()):
            raise LocalProtocolError(f"an item has at most {longest} octets")
        self.meter = meter
        self.edition = edition
        self.parameters = ParameterItems(meter)
        self.report = Report(meter)
        self._load = LoadItems(meter)
        self._curves = CurveItems(meter, longest)
        self._items = Items(
            meter,
            fixed or {},
            self.parameters.octets,
            StatusItems(meter).octets,
            RecordItems(meter).octets,
            SingleItems(meter).octets,
            RegisterItems(meter).octets,
            FreezeItems(meter).octets,
            VoltageItems(meter).octets,
            HarmonicItems(meter).octets,
            PurchaseItems(meter).octets,
        )
        self.preamble = WAKE_UP * preamble
        self.limit = limit

    def connect(self) -> Responder645:
        """The responder of a new connection."""
        return Responder645(self)

    @property
    def address(self) -> str:
        """The meter's address, 12 digits."""
        return self.meter.identity.address

    def octets(self, di: int, selection: bytes = b"") -> bytes | None:
        """The data of an item, None where the meter does not have it; a selection is for load records and curves."""
        if di >> 16 == CURVES:
            return self._curves.octets(di, selection)
        if selection or di >> 24 == LOAD_CLASS:
            return self._load.octets(di, selection)
        return self.report.octets() if di == REPORT else self._items.octets(di)

    def set_time(self, text: str) -> bool:
        """Obey a broadcast time (YYMMDDhhmmss) where the rules of `access` allow it; say whether it was."""
        year, month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 12, 2))
        now = self.meter.clock.now()
        try:
            wanted = datetime(2000 + year, month, day, hour, minute, second, tzinfo=now.tzinfo)
        except ValueError:
            return False
        second = local_seconds(wanted.replace(tzinfo=None))
        if self.meter.access.permit_broadcast(second) is not Verdict.GRANTED:
            return False
        self.meter.set_clock(wanted, recorded=False)
        return True


class Responder645:
    """One connection: frames in, answers out."""

    def __init__(self, face: Face645) -> None:
        self._face = face
        self._frame = codec(Frame)
        self._framer = Framer(self._frame, fill=WAKE_UP, limit=_LONGEST_FRAME, again=True)
        self._is_old = face.edition == 1997
        self._silent = frozenset({WRITE_ADDRESS}) if self._is_old else _SILENT
        self._functions = Functions1997(face).functions if self._is_old else _functions(face)

    def receive(self, octets: bytes, now: float) -> list[Answer]:  # noqa: ARG002  the meter has its own clock
        """Octets arrived; give the answers."""
        return self._answers(self._framer.receive(octets))

    def idle(self, now: float) -> list[Answer]:  # noqa: ARG002  see above
        """The line has been silent: an unfinished frame will not be finished."""
        return self._answers(self._framer.idle())

    def _answers(self, pieces: list[Found[Frame] | Garbage]) -> list[Answer]:
        answers = []
        for piece in pieces:
            answer = self._answer(piece.message) if type(piece) is Found else None
            if answer is not None:
                answers.append(answer)
        return answers

    def _answer(self, frame: Frame) -> Answer | None:
        control = frame.control
        if control.direction or control.abnormal or control.follow_up:
            return None  # another meter answers
        if frame.address == BROADCAST:
            self._obey(control.function, frame.data)
        if not covers(frame.address, self._face.address):
            return None
        if control.function == _BROADCAST_TIME:
            self._set_time(frame.data)
            return None
        self._face.meter.advance()
        return self._served(control.function, frame.data)

    def _obey(self, function: int, request: bytes) -> None:
        """A broadcast: the time or a freeze, and never an answer (DL/T 645-2007, 5.2, address field)."""
        if function == Function.BROADCAST_TIME:
            self._set_time(request)
        elif function == Function.FREEZE and not self._is_old:
            self._served(function, request)

    def _served(self, function: int, request: bytes) -> Answer | None:
        served = _NOTHING
        handler = self._functions.get(function)
        try:
            if handler is None:
                raise Silent if self._is_old else other_error()  # a code that was no function yet; recalled
            served = handler(request)
            control = answering(function, follow_up=True) if served.more else answering(function)
            answer = Frame(self._face.address, control, served.data)
        except Silent:
            return None
        except (Denied, MalformedError) as error:
            if function in self._silent:
                return None
            why = error.data if isinstance(error, Denied) else self._malformed(function)
            answer = Frame(self._face.address, answering(function, abnormal=True), why)
        return Answer(self._face.preamble + self._frame.build(answer), served.changed, served.settings)

    def _malformed(self, function: int) -> bytes:
        return (refused(other=1) if function == Function.SECURITY and not self._is_old else other_error()).data

    def _set_time(self, request: bytes) -> None:
        found: Any = codec(BroadcastTime).attempt(request)
        if not isinstance(found, MalformedError):
            self._face.set_time(found.time)


def _functions(face: Face645) -> Mapping[int, Callable[[bytes], Served]]:
    """Those of 2007, and of the filings since."""
    return {
        **Reading(face).functions,
        **Writing(face).functions,
        **LineFunctions(face).functions,
        **Clearing(face).functions,
        **Controlling(face).functions,
        **Securing(face).functions,
    }
