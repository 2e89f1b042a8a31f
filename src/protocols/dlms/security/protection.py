"""What an association does to every xDLMS APDU that leaves or enters it (DLMS UA 1000-2, 9.2.7)."""

from __future__ import annotations

from typing import Final, Protocol

from meterwire.errors import SecurityError


class Protection(Protocol):
    """The protection of one association, in either role.

    Every xDLMS APDU of the association passes through it once: each block of a service-specific block transfer on its
    own, but of a general block transfer what its blocks make together. The ACSE APDUs and GENERAL-BLOCK-TRANSFER itself
    do not pass. A request that is sent again is protected again: its invocation counter must be a new one.
    """

    @property
    def overhead(self) -> int:
        """Most octets by which an APDU grows; it must still fit into the size agreed on."""

    def protect(self, apdu: bytes) -> bytes:
        """What goes onto the line for a plain APDU.

        Raises:
            SecurityError: the invocation counter has come to its end, or the key is not there.
        """

    def unprotect(self, octets: bytes) -> bytes:
        """The plain APDU of what came.

        Raises:
            SecurityError: it does not verify, was seen before, or is protected less than was agreed.
        """


class Stale(SecurityError):  # noqa: N818  named as the other refusals are
    """It was taken before, or answers what is no longer asked: refused, and while an answer is due passed over."""


class CounterRefused(Stale):
    """The invocation counter was used before or lies behind; `expected` is the least that would be taken."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        super().__init__(f"the invocation counter was used before; at least {expected} was expected")


class PlainProtection:
    """No protection: what comes is handed through."""

    overhead: Final = 0

    def protect(self, apdu: bytes) -> bytes:
        """The APDU as it is."""
        return apdu

    def unprotect(self, octets: bytes) -> bytes:
        """The octets as they are."""
        return octets


PLAIN: Final = PlainProtection()
"""The protection of every association without ciphering."""
