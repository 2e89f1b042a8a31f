"""What the tries of one exchange have in common: answers passed over, and the account of silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from meterwire.errors import NoAnswer
from meterwire.protocols.dialogue import IGNORED, Ignored
from meterwire.protocols.dlms.security.protection import Stale

T = TypeVar("T")


class Held:
    """Passes over answers that were taken before, so that the right one still counts; tells of them if none comes."""

    def __init__(self) -> None:
        self.error: Stale | None = None

    def passing_over(self, accept: Callable[[bytes], T | Ignored]) -> Callable[[bytes], T | Ignored]:
        """The same `accept`, for which a stale answer is none."""

        def take(octets: bytes) -> T | Ignored:
            try:
                return accept(octets)
            except Stale as error:
                self.error = error
                return IGNORED

        return take


def after(silence: NoAnswer, tries: int) -> NoAnswer:
    """The silence of the last try as that of all."""
    return NoAnswer(str(silence).replace(" after 1 try", f" after {tries} tries")) if tries > 1 else silence
