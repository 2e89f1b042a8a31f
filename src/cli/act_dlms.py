"""Methods of DLMS/COSEM for `meterwire act`: `8/0-0:1.0.0/3` is method 3 of the clock."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlms.items import Target, method_item
from meterwire.protocols.dlms.typed import parameter_of

HARMLESS: Final = frozenset({(7, 2), *((8, method) for method in range(1, 7))})
"""Class and method of what can be undone or repeated: capturing a row, and setting the clock by its methods."""
USAGE: Final = "say which method: CLASS/LOGICAL NAME/METHOD [VALUE], such as 7/1-0:99.1.4/2 or 8/0-0:1.0.0/6 60"


class Order(msgspec.Struct, frozen=True):
    """A method and its parameter as text."""

    target: Target
    text: str
    value: str | None

    @property
    def risky(self) -> bool:
        """Whether `--yes` is needed."""
        return (self.target.class_id, self.target.attribute) not in HARMLESS


def order_of(words: list[str]) -> Order:
    """What the words order; raises LocalProtocolError."""
    if not 1 <= len(words) <= 2:
        raise LocalProtocolError(USAGE)
    value = words[1] if len(words) > 1 else None
    parameter_of(value)
    return Order(method_item(words[0]), words[0], value)


def told(returned: Any) -> dict[str, Any]:
    """What a method returned, for people."""
    from meterwire.protocols.axdr.plain import pretty  # noqa: PLC0415  for methods that return something alone

    return {} if returned is None else {"returned": str(pretty(returned))}
