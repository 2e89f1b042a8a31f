"""How a scan shows on stderr that it goes on: a line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from meterwire.scanning import progress as scanning


class Progress(scanning.Progress, Protocol):
    """What tells people while a scan runs."""

    def close(self) -> None:
        """It is over."""


class PlainProgress:
    """Lines on stderr; questions are not shown one by one."""

    def say(self, text: str) -> None:
        """Something worth a line."""
        print(text, file=sys.stderr, flush=True)

    def asking(self, text: str) -> None:
        """A question goes out."""

    def expect(self, questions: int | None) -> None:
        """So many questions are to come in all."""

    def close(self) -> None:
        """It is over."""


class LiveProgress:
    """A bar on a terminal, with lines above it; it is gone when the scan is over."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415  a scan that is not on a terminal does without it
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415  see above

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bar = Bar(*columns, console=Console(stderr=True, highlight=False, markup=False), transient=True)
        self._task: Any = self._bar.add_task("scan", total=None)
        self._bar.start()

    def say(self, text: str) -> None:
        """Something worth a line."""
        self._bar.console.print(text, soft_wrap=True)

    def asking(self, text: str) -> None:
        """A question goes out."""
        self._bar.update(self._task, description=text, advance=1)

    def expect(self, questions: int | None) -> None:
        """So many questions are to come in all."""
        self._bar.update(self._task, total=questions)

    def close(self) -> None:
        """It is over."""
        self._bar.stop()


def progress(*, live: bool) -> Progress:
    """What suits stderr; `live` says that nothing else is written there meanwhile."""
    return LiveProgress() if live and sys.stderr.isatty() else PlainProgress()
