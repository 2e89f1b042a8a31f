"""Text as meters write it: ASCII, UTF-8, or GB 18030 with GB 2312 and GBK in it, in fields that are declared ASCII."""

from __future__ import annotations

from typing import Final

_CHINESE: Final = (("\u3000", "\u303f"), ("\u4e00", "\u9fff"), ("\uff00", "\uffef"))
"""Punctuation, characters, full-width forms: nothing else is taken for GB 18030, where most octets mean something."""


def readable(octets: bytes) -> str | None:
    """The text in some octets, without the zeros that fill it up; None where they are none that people could read."""
    filled = octets.rstrip(b"\0")
    for encoding in ("utf-8", "gb18030"):
        try:
            text = filled.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.isprintable() and (encoding == "utf-8" or all(c < "\x7f" or _is_chinese(c) for c in text)):
            return text
    return None


def _is_chinese(character: str) -> bool:
    return any(first <= character <= last for first, last in _CHINESE)
