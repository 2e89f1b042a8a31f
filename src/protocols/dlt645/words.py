"""What the bits of status, mode and feature words mean (DL/T 645-2007, annex C, and the words of 1997).

The table is `words.csv`: word, lowest bit, width, both names, what the values 0, 1, 2.. of the field stand for, and how
sure that is: V read in the standard's text, C agreed by several public programs, R recalled only.
"""

from __future__ import annotations

import csv
from functools import cache

import msgspec

from meterwire.protocols.dlt645.report import EVENTS

__all__ = ["Flag", "told", "word", "words"]


class Flag(msgspec.Struct, frozen=True):
    """One field of a word.

    Attributes:
        bit: its lowest bit.
        values: what the values 0, 1 and so on stand for; empty where 1 means that the name is true.
        confidence: V, C or R.
    """

    bit: int
    width: int
    name: str
    name_zh: str
    values: tuple[str, ...]
    confidence: str

    def of(self, value: int) -> int:
        """The field's value in a word."""
        return value >> self.bit & (1 << self.width) - 1


@cache
def words() -> dict[str, tuple[Flag, ...]]:
    """All words by name, their fields from bit 0 up."""
    from importlib.resources import files  # noqa: PLC0415  needed only once a word is looked at

    found: dict[str, list[Flag]] = {"report": [Flag(bit, 1, _plain(name), "", (), "V") for bit, name in EVENTS.items()]}
    for row in csv.DictReader(files(__package__).joinpath("words.csv").read_text("utf-8").splitlines()):
        values = tuple(row["values"].split("|")) if row["values"] else ()
        flag = Flag(int(row["bit"]), int(row["width"]), row["name"], row["name_zh"], values, row["confidence"])
        found.setdefault(row["word"], []).append(flag)
    found["report_reset"] = found["report"]
    return {name: tuple(sorted(flags, key=lambda flag: flag.bit)) for name, flags in found.items()}


def word(name: str) -> tuple[Flag, ...]:
    """The fields of a word, from bit 0 up; empty where the word is not known."""
    return words().get(name, ())


def told(name: str, value: int) -> list[str]:
    """What the bits of a word say, lowest first.

    A flag is named where it is set, a choice with its value where that is not 0, and a bit that has no meaning by its
    number: nothing that a meter sent is left out. In the word that resets the active report a 0 resets, a 1 keeps.
    """
    if name == "report_reset":
        return [f"resets {flag.name}" for flag in word("report") if not flag.of(value)]
    flags = word(name)
    text = {flag.bit: _said(flag, flag.of(value)) for flag in flags if flag.of(value)}
    named = sum((1 << flag.width) - 1 << flag.bit for flag in flags)
    rest = value & ~named
    text |= {bit: f"bit {bit}" for bit in range(rest.bit_length()) if rest >> bit & 1}
    return [text[bit] for bit in sorted(text)]


def _said(flag: Flag, value: int) -> str:
    if not flag.values:
        return flag.name
    known = flag.values[value] if value < len(flag.values) else ""
    return f"{flag.name}: {known or value}"


def _plain(name: str) -> str:
    return name.replace("_", " ")
