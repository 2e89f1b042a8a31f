"""What a scan tells while it runs."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Whoever is told."""

    def say(self, text: str) -> None:
        """Something worth a line."""

    def asking(self, text: str) -> None:
        """A question goes out."""

    def expect(self, questions: int | None) -> None:
        """So many questions are to come in all; None when nobody can know."""


class Unheard:
    """Nobody is told."""

    def say(self, text: str) -> None:
        """Something worth a line."""

    def asking(self, text: str) -> None:
        """A question goes out."""

    def expect(self, questions: int | None) -> None:
        """So many questions are to come in all."""
