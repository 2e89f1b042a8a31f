"""What has happened to a meter and has not been told to anybody yet: the state behind active reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any


class Reports:
    """How often each event has happened since it was last told, by name; a dialect picks those it can report."""

    def __init__(self) -> None:
        self._new: Counter[str] = Counter()

    def note(self, name: str) -> None:
        """An event has happened."""
        self._new[name] += 1

    def waiting(self, names: Iterable[str]) -> dict[str, int]:
        """Those of some names that have not been told, with how often they happened."""
        return {name: self._new[name] for name in names if name in self._new}

    def told(self, names: Iterable[str]) -> None:
        """These are known now."""
        for name in names:
            self._new.pop(name, None)

    def state(self) -> dict[str, int]:
        """Everything, as builtins."""
        return dict(self._new)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self._new = Counter(state)
