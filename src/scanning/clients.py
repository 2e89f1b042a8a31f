"""Which clients a DLMS/COSEM server knows, once it has been found: who is let in, and who must say who it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from meterwire.errors import Disconnected, MeterwireError, NoAnswer, Refused
from meterwire.scanning.progress import Progress

PUBLIC: Final = 16
CLIENTS: Final = (1, 17, 18, 19, 20, 22, 23, 32, 48, 64, 102)
"""Clients that are met beside the public one: management, readers, installers, pushes."""
FEW: Final = (1, 17, 32)
"""Those that are tried where nobody answers the public client."""
_MOST_SILENCES: Final = 3
_WANTS: Final = frozenset({12, 13, 14})
"""Diagnostics of a server that knows the client: a mechanism is wanted, or the authentication failed or is wanted."""
_CONTEXT: Final = 2
"""Another application context: such a client must cipher."""


def known_clients(
    make: Callable[[int], Any], progress: Progress, clients: Sequence[int] = CLIENTS
) -> dict[str, list[int]]:
    """What comes of an association without authentication for each client, in words.

    Args:
        make: gives a client of the server with this number.
        progress: is told what is asked.
        clients: numbers to try.
    """
    found: dict[str, list[int]] = {}
    silences = 0
    for number in clients:
        if silences >= _MOST_SILENCES:
            break
        progress.asking(f"client {number}")
        meter = make(number)
        try:
            meter.associate()
        except NoAnswer:
            silences += 1
            continue
        except Refused as refused:
            word = _word(int(refused.code))
        except Disconnected:
            break
        except MeterwireError:
            continue
        else:
            word = "let in"
        with suppress(MeterwireError):
            meter.release()
        if word:
            found.setdefault(word, []).append(number)
    return found


def _word(diagnostic: int) -> str:
    if diagnostic in _WANTS:
        return "want authentication"
    return "want ciphering" if diagnostic == _CONTEXT else ""


def in_words(found: dict[str, list[int]]) -> str:
    """The same for people; empty for none."""
    return "".join(f"; {word}: {', '.join(map(str, numbers))}" for word, numbers in found.items())
