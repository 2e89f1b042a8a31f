"""What the meter sends unasked: events, pushes and their repetition, reports (DLMS UA 1000-2, 9.3.10 and 9.3.18)."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor
from meterwire.protocols.dlms.xdlms.notify import DataNotification, EventNotification, LongInvoke
from meterwire.protocols.dlms.xdlms.short_names import InformationReport, VariableName
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

MOST_WAITING: Final = 16
"""APDUs that wait for somebody to take them, and pushes that wait for their confirmation; the oldest give way."""
_NUMBERS: Final = 1 << 24


class Notifications:
    """The notifications of one association.

    Attributes:
        dropped: how many gave way before they were taken or confirmed.
    """

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._unconfirmed: OrderedDict[int, bytes] = OrderedDict()
        self._number = 0
        self.dropped = 0

    def event(self, descriptor: AttributeDescriptor, value: Variant, time: bytes | None = None) -> None:
        """An attribute, because something happened; the time is that of a date-time, 12 octets."""
        self._add(_apdu(ApduTag.EVENT_NOTIFICATION, EventNotification(time, descriptor, value)))

    def report(self, name: int, value: Variant) -> None:
        """An attribute by its short name."""
        self._add(_apdu(ApduTag.INFORMATION_REPORT, InformationReport(None, (VariableName(name),), (value,))))

    def push(self, body: Variant, time: bytes = b"", *, confirmed: bool = False) -> int:
        """Data; gives the long invoke id, under which they are repeated until they are confirmed, if they are to be."""
        self._number = (self._number + 1) % _NUMBERS
        invoke = LongInvoke(service_class=int(confirmed), number=self._number)
        when = Variant(len(time), time or None)
        octets = _apdu(ApduTag.DATA_NOTIFICATION, DataNotification(invoke, when, codec(DATA).build(body)))
        if confirmed:
            self._unconfirmed[self._number] = octets
            if len(self._unconfirmed) > MOST_WAITING:
                self._unconfirmed.popitem(last=False)
                self.dropped += 1
        self._add(octets)
        return self._number

    def confirm(self, number: int) -> None:
        """A push has arrived; a number that is not waited for means nothing."""
        self._unconfirmed.pop(number, None)

    def give_up(self) -> None:
        """Nobody waits for confirmations any more."""
        self.dropped += len(self._unconfirmed)
        self._unconfirmed.clear()

    def repeat(self) -> None:
        """Send again what has not been confirmed."""
        for octets in list(self._unconfirmed.values()):
            if octets not in self._waiting:
                self._add(octets)

    @property
    def unconfirmed(self) -> Sequence[int]:
        """Long invoke ids that are waited for."""
        return list(self._unconfirmed)

    def take(self) -> list[bytes]:
        """The APDUs that are to be sent now, in order."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def _add(self, octets: bytes) -> None:
        self._waiting.append(octets)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1


def _apdu(tag: ApduTag, message: object) -> bytes:
    return codec(APDU).build(Variant(tag, message))
