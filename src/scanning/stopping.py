"""A scan in a thread that somebody else may end."""

from __future__ import annotations

from meterwire.errors import TransportError
from meterwire.scanning.progress import Progress


class Stopping:
    """Hands on what a scan tells until it is stopped; then the next question ends the scan.

    Args:
        told: who hears it.
    """

    def __init__(self, told: Progress) -> None:
        self._told = told
        self._stopped = False

    def stop(self) -> None:
        """No more questions."""
        self._stopped = True

    def say(self, text: str) -> None:
        """Something worth a line."""
        self._told.say(text)

    def asking(self, text: str) -> None:
        """A question goes out; raises TransportError when it shall not."""
        if self._stopped:
            raise TransportError("the scan was cancelled")
        self._told.asking(text)

    def expect(self, questions: int | None) -> None:
        """So many questions are to come in all."""
        self._told.expect(questions)
