"""Which ciphered APDU carries which plain one (DLMS UA 1000-2, 9.5, XDLMS-APDU)."""

from __future__ import annotations

from typing import Final

from meterwire.protocols.dlms.apdu import ApduTag


def _pairs(prefix: str) -> dict[int, int]:
    return {int(ApduTag[tag.name.removeprefix(prefix)]): int(tag) for tag in ApduTag if tag.name.startswith(prefix)}


GLOBAL: Final = _pairs("GLO_")
"""Tag of the APDU ciphered with the global key, by the tag of the plain one."""
DEDICATED: Final = _pairs("DED_")
"""The same with the dedicated key."""
INNER: Final = {outer: plain for pairs in (GLOBAL, DEDICATED) for plain, outer in pairs.items()}
"""Tag of the plain APDU by the tag of the service-specific ciphered one."""
DEDICATED_TAGS: Final = frozenset(DEDICATED.values())

NEVER_CIPHERED: Final = frozenset({ApduTag.EXCEPTION_RESPONSE, ApduTag.GENERAL_BLOCK_TRANSFER})
"""An exception may tell that deciphering failed; of a general block transfer the whole is ciphered, not its blocks."""
