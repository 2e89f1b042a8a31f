"""Where the keys of a TOML text stand, which the parser of the standard library does not say."""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"^\s*([A-Za-z0-9_.\"' -]+?)\s*=")


class TomlLines:
    """Line numbers of tables and keys; a key inside an inline table or a long array has the line of what holds it."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            header, key = _HEADER.match(line), _KEY.match(line)
            if header:
                table = _plain(header[1])
                self._lines.setdefault(table, number)
            elif key:
                name = _plain(key[1])
                self._lines.setdefault(f"{table}.{name}" if table else name, number)

    def line(self, key: str) -> int:
        """The line of a dotted key, or of the nearest thing above it that has one; 0 for none."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key.rpartition(".")[0]
        return 0


def _plain(name: str) -> str:
    return ".".join(part.strip(" \"'") for part in name.split("."))
