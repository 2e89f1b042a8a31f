"""Seeds from the vectors of the tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "tests" / "vectors"


def seeds(name: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> list[bytes]:
    """The octets of the vectors of one file that are wanted."""
    entries = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [bytes.fromhex(entry["hex"]) for entry in entries if wanted(entry)]
