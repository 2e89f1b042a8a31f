"""The vectors: real frames and the standards' examples, each with what it says and where it is from."""

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "vectors"


@cache
def vectors(name):
    """All entries of one file, with the octets under `octets`."""
    entries = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [entry | {"octets": bytes.fromhex(entry["hex"])} for entry in entries]
