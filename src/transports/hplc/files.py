"""A file for the module or the nodes, in segments (AFN 15H), and what becomes of the versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from meterwire.protocols.gdw376_2.asking import NO_SEGMENT, FileAnswer, FileSegment
from meterwire.protocols.gdw376_2.codes import Denial, FileTarget
from meterwire.protocols.gdw376_2.unit import Unit
from meterwire.transports.hplc.denied import Denied

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module

LARGEST: Final = 8 << 20
"""Octets of a file that are taken at most."""
_HEADER: Final = 4
"""A file that begins with `MW` and two octets of BCD becomes that version; what is in others is not looked at."""
_NOT_YET: Final = NO_SEGMENT


class Upgrade:
    """The file that is being received or distributed."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._segments: dict[int, bytes] = {}
        self._size = 0
        self._target = int(FileTarget.CLEAR)
        self._total = 0
        self._nodes = module.settings.version
        self.running = False

    def take(self, heard: Unit) -> None:
        """A segment; raises Denied."""
        if not isinstance(heard.value, FileSegment):
            raise Denied(Denial.UNKNOWN_FUNCTION)
        self._module.send(heard.answered(FileAnswer(self._segment(heard.value))))

    def _segment(self, segment: FileSegment) -> int:
        """The number of a segment that was taken; segments may come twice and in any order."""
        if segment.target == FileTarget.CLEAR:
            self._clear()
            return segment.segment
        if segment.target not in set(FileTarget) or segment.segment >= max(segment.total, 1):
            return NO_SEGMENT
        if (segment.target, segment.total) != (self._target, self._total):
            self._clear()
            self._target, self._total = segment.target, segment.total
        self._size += len(segment.data) - len(self._segments.get(segment.segment, b""))
        if self._size > LARGEST:
            self._clear()
            return NO_SEGMENT
        self._segments[segment.segment] = segment.data
        if segment.last and len(self._segments) < segment.total:
            return _NOT_YET
        if len(self._segments) == segment.total and not self.running:
            self._distribute()
        return segment.segment

    def _clear(self) -> None:
        self._segments.clear()
        self._size, self._total, self._target, self.running = 0, 0, int(FileTarget.CLEAR), False

    def _distribute(self) -> None:
        """Everything is there: after some time the new version runs."""
        self.running = True
        clock = self._module.clock
        clock.at(clock.now() + self._module.settings.upgrade_seconds, self._installed)

    def _installed(self) -> None:
        if not self.running:
            return
        content = b"".join(self._segments[number] for number in sorted(self._segments))
        target = self._target
        self._clear()
        digits = content[2:_HEADER].hex()
        if content[:2] != b"MW" or len(content) < _HEADER or not digits.isdecimal():
            return
        if target in {FileTarget.CCO, FileTarget.CCO_AND_STA}:
            self._module.version = digits
        if target in {FileTarget.STA, FileTarget.CCO_AND_STA}:
            self._nodes = digits

    def version_of(self, address: str) -> str:
        """Version of the software of a node, or of the module itself."""
        return self._module.version if address == self._module.address else self._nodes
