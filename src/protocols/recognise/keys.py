"""Keys for ciphered layers, as a device's secrets file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlms.decipher import KEY_OCTETS, TITLE_OCTETS, CipherKeys
from meterwire.protocols.dlms.security.suites import SUITES

_NAMES: Final = frozenset({"encryption_key", "authentication_key", "system_title"})


class TitleKeys(msgspec.Struct, frozen=True):
    """The keys for what one system title sends; an empty title means whoever sends.

    Attributes:
        title: system title.
        keys: symmetric keys.
        master: unwraps others.
        suite: security suite of the keys below.
        agreement: own private key of key agreement, and `peer_agreement` the public one of the other side, x || y.
    """

    title: bytes
    keys: CipherKeys
    master: bytes = b""
    suite: int = 0
    agreement: bytes = b""
    peer_agreement: bytes = b""

    def __repr__(self) -> str:
        return "TitleKeys(...)"


def keys_of(table: Mapping[str, Any]) -> tuple[TitleKeys, ...]:
    """The keys in a parsed TOML file.

    `[dlms]` has `encryption_key`, `authentication_key` and perhaps `system_title`, all in hexadecimal digits;
    `[[dlms.title]]` has the same for further titles. A client's key file does as well: `unicast_key`,
    `broadcast_key`, `authentication_key`, `master_key`, `title`, `meter_title`, and with `suite` also `agreement_key`
    and `meter_agreement_key`, without a section.

    Raises:
        LocalProtocolError: the table says something else. The message never repeats a key.
    """
    section = table.get("dlms")
    if section is None and "unicast_key" in table:
        return _of_client(table)
    if not isinstance(section, Mapping):
        raise LocalProtocolError("the keys file has no [dlms] section")
    own = {name: value for name, value in section.items() if name != "title"}
    others = section.get("title", [])
    if not isinstance(others, list) or not all(isinstance(other, Mapping) for other in others):
        raise LocalProtocolError("keys of further titles are written as [[dlms.title]]")
    return tuple(_one(entry) for entry in ([own] if own else []) + others)


def _one(entry: Mapping[str, Any]) -> TitleKeys:
    unknown = sorted(set(entry) - _NAMES)
    if unknown:
        raise LocalProtocolError(f"the keys file says {', '.join(unknown)}; known are {', '.join(sorted(_NAMES))}")
    if "encryption_key" not in entry:
        raise LocalProtocolError("an encryption_key is missing in the keys file")
    encryption = _octets(entry, "encryption_key", KEY_OCTETS)
    authentication = _octets(entry, "authentication_key", (0, *KEY_OCTETS))
    return TitleKeys(_octets(entry, "system_title", (0, TITLE_OCTETS)), CipherKeys(encryption, authentication))


def _of_client(table: Mapping[str, Any]) -> tuple[TitleKeys, ...]:
    authentication = _octets(table, "authentication_key", (0, *KEY_OCTETS))
    master = _octets(table, "master_key", (0, *KEY_OCTETS))
    keys = (_octets(table, name, (0, *KEY_OCTETS)) for name in ("unicast_key", "broadcast_key"))
    titles = (_octets(table, name, (0, TITLE_OCTETS)) for name in ("title", "meter_title"))
    known = (b"", *filter(None, titles))  # whoever sends; and where nothing is announced, those that are named
    suite = table.get("suite", 0)
    agreed = _agreement(table, suite) if suite in SUITES and SUITES[suite].curve else {}
    return tuple(
        TitleKeys(one, CipherKeys(key, authentication), master, **agreed) for key in keys if key for one in known
    )


def _agreement(table: Mapping[str, Any], number: int) -> dict[str, Any]:
    size = SUITES[number].coordinate_octets
    own = _octets(table, "agreement_key", (0, size))
    return {"suite": number, "agreement": own, "peer_agreement": _octets(table, "meter_agreement_key", (0, 2 * size))}


def _octets(entry: Mapping[str, Any], name: str, sizes: tuple[int, ...]) -> bytes:
    text = entry.get(name, "")
    try:
        octets = bytes.fromhex(text)
    except (TypeError, ValueError):
        raise LocalProtocolError(f"{name} in the keys file is not text of hexadecimal digits") from None
    if len(octets) not in sizes:
        raise LocalProtocolError(f"{name} in the keys file has {len(octets)} octets")
    return octets
