"""What the commands do with what passes a line: show it dissected, and record it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from meterwire.errors import LocalProtocolError
from meterwire.protocols.wire.dissect import render
from meterwire.transports.filtering import Filter


@contextmanager
def session_filters(url: str, *, trace: bool, record: Path | None, name: str) -> Iterator[list[Filter]]:
    """The filters of one client session; a recording is closed at the end."""
    filters: list[Filter] = []
    if trace:
        filters.append(trace_filter(url.split("+", 1)[0]))
    if record is None:
        yield filters
        return
    with recording(url, record, name) as recorder:
        yield [*filters, recorder]


@contextmanager
def recording(url: str, folder: Path, name: str) -> Iterator[Filter]:
    """A filter that records a session as pcapng in a folder."""
    from meterwire.transports.capture.pcapng import CaptureFile  # noqa: PLC0415  only when it is wanted
    from meterwire.transports.record import Record  # noqa: PLC0415  see above

    path = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{name}.pcapng"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("xb")
    except OSError as error:
        raise LocalProtocolError(f"the session cannot be recorded: {error}") from error
    capture = CaptureFile(file)
    try:
        yield Record(capture, name, url)
    finally:
        capture.close()


def trace_filter(dialect: str, say: Callable[[str], None] | None = None) -> Filter:
    """A filter that shows every frame, dissected, on stderr."""
    from meterwire.transports.trace import Trace  # noqa: PLC0415  only when it is wanted

    return Trace(FrameLog(dialect, say or _stderr))


class FrameLog:
    """The frame log: what passes, cut into frames, as trees of fields."""

    def __init__(self, dialect: str, say: Callable[[str], None]) -> None:
        self._dialect, self._say = dialect, say
        self._begun: float | None = None

    def __call__(self, direction: str, now: float, octets: bytes) -> None:
        """Octets were sent or received at this time."""
        from meterwire.protocols.recognise import dissection, pieces  # noqa: PLC0415  only when it is wanted

        if self._begun is None:
            self._begun = now
        arrow = "->" if direction == "sent" else "<-"
        self._say(f"{now - self._begun:9.3f} {arrow} {octets.hex(' ').upper()}")
        for piece in pieces(octets, self._dialect):
            found = dissection(piece)
            for line in render(found) if found is not None else ():
                self._say(f"             {line}")


def _stderr(text: str) -> None:
    print(text, file=sys.stderr)
