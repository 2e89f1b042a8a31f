"""Key pairs of DLMS/COSEM that a meter has made for itself: waiting for their certificate, and in use behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security import certificates
from meterwire.protocols.dlms.security.agreement import ephemeral
from meterwire.protocols.dlms.security.certificates import Purpose
from meterwire.protocols.dlms.security.curves import private_key, private_octets, public_octets
from meterwire.protocols.dlms.security.suites import Suite

FIELDS = {Purpose.SIGNING: "signing", Purpose.AGREEMENT: "agreement"}
"""Where a pair is held among the keys of a meter."""


class KeyPairs:
    """The pairs of one meter.

    Attributes:
        fresh: made, and not in use before a certificate for them comes.
        adopted: in use in place of the pair that the meter had.
    """

    def __init__(self) -> None:
        self.fresh: dict[Purpose, Any] = {}
        self.adopted: dict[Purpose, Any] = {}

    def __repr__(self) -> str:
        return "KeyPairs(...)"

    def generate(self, group: Suite, purpose: Purpose, random: Callable[[int], bytes]) -> None:
        """Make another pair; one that still waits is forgotten.

        Raises:
            SecurityError: the suite has no curve, or the meter has no pairs for this.
        """
        if purpose not in FIELDS:
            raise SecurityError("the meter makes no key pair for this")
        self.fresh[purpose] = ephemeral(group, random(group.coordinate_octets + 8))

    def request(self, purpose: Purpose, title: bytes, current: Any) -> bytes:
        """A certificate request in DER, for the pair that waits, else for the one in use.

        Raises:
            SecurityError: there is neither.
        """
        pair = self.fresh.get(purpose, current)
        if pair is None:
            raise SecurityError("there is no key pair to certify")
        return certificates.requested(title, pair)

    def adopt(self, purpose: Purpose, public: bytes) -> Any:
        """The pair that waits, if this is its public key: it is in use from now on; else None."""
        pair = self.fresh.get(purpose)
        if pair is None or public_octets(pair.public_key()) != public:
            return None
        del self.fresh[purpose]
        self.adopted[purpose] = pair
        return pair

    def state(self, group: Suite) -> dict[str, dict[str, bytes]]:
        """Both sorts as builtins; secrets."""
        return {
            name: {str(int(purpose)): private_octets(group, pair) for purpose, pair in pairs.items()}
            for name, pairs in (("fresh", self.fresh), ("adopted", self.adopted))
        }

    def restore(self, group: Suite, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self.fresh, self.adopted = (_pairs(group, state.get(name, {})) for name in ("fresh", "adopted"))


def _pairs(group: Suite, saved: Mapping[str, Any]) -> dict[Purpose, Any]:
    return {Purpose(int(purpose)): private_key(group, bytes(octets)) for purpose, octets in saved.items()}
