"""Values of the meter model cut to what a format of DL/T 645 declares."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from meterwire.meter_model.values import truncated

_NUMBER: Final = re.compile(r"\(?±?[XN]+(?:\.([XN]+))?.*")


def cut(value: Any, layout: str) -> Any:
    """A number cut towards zero to the decimals of a format; other values as they are."""
    found = _NUMBER.fullmatch(layout.lstrip("|"))
    if not isinstance(value, Fraction) or found is None:
        return value
    decimals = len(found[1] or "")
    return Decimal(truncated(value, -decimals)).scaleb(-decimals)
