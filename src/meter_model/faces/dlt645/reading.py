"""Functions 11H to 13H: reading, follow-up frames with the active report behind them, the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from meterwire.meter_model.faces.dlt645.answers import Served, Silent, no_data
from meterwire.meter_model.faces.dlt645.transfer import IN_FIRST, Transfer
from meterwire.protocols.dlt645.frame import Function
from meterwire.protocols.dlt645.messages import Address, FollowUpAnswer, FollowUpRequest, ReadAnswer, ReadRequest
from meterwire.protocols.dlt645.report import REPORT
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.remembering import remembering

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlt645.face import Face645


class Reading:
    """The reading functions of one connection."""

    def __init__(self, face: Face645) -> None:
        self._face = face
        self._request, self._answer = remembering(ReadRequest), codec(ReadAnswer)
        self._transfer: Transfer | None = None
        self.functions: Mapping[int, Callable[[bytes], Served]] = {
            Function.READ: self._read,
            Function.READ_FOLLOW_UP: self._follow_up,
            Function.READ_ADDRESS: self._address,
        }

    def _read(self, request: bytes) -> Served:
        asked = self._request.parse(request)
        self._transfer = None
        octets = self._face.octets(asked.identifier, asked.selection)
        if octets is None:
            raise no_data()
        more = asked.identifier != REPORT and self._face.report.waits
        if more or len(octets) > self._face.limit - IN_FIRST:
            self._transfer = Transfer(asked.identifier, octets, self._face.limit)
            octets, more = self._transfer.part(0), True
        return Served(self._answer.build(ReadAnswer(asked.identifier, octets)), more)

    def _follow_up(self, request: bytes) -> Served:
        asked = codec(FollowUpRequest).parse(request)
        transfer, report = self._transfer, self._face.report
        if transfer is None or transfer.di != asked.identifier or not asked.sequence:
            raise no_data()
        if transfer.ends_before(asked.sequence) and report.waits:
            return _next(FollowUpAnswer(REPORT, report.octets(), asked.sequence), more=False)
        part = transfer.take(asked.sequence)
        if part is None:
            raise no_data()
        more = bool(transfer.part(asked.sequence + 1)) or report.waits
        return _next(FollowUpAnswer(asked.identifier, part, asked.sequence), more=more)

    def _address(self, request: bytes) -> Served:
        if request:
            raise Silent
        return Served(codec(Address).build(Address(self._face.address)))


def _next(answer: FollowUpAnswer, *, more: bool) -> Served:
    return Served(codec(FollowUpAnswer).build(answer), more)
