"""Secrets of the command line: from a file or the environment, never from its words, which everybody can list."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from meterwire.errors import LocalProtocolError

if TYPE_CHECKING:
    from meterwire.protocols.dlt645.credentials import Credentials

VARIABLE: Final = "METERWIRE_PASSWORD"
_LARGEST: Final = 4096


def secret(file: Path | None, variable: str = VARIABLE) -> str:
    """A secret from its file, or else from the environment.

    Raises:
        LocalProtocolError: there is neither, or the file cannot be read.
    """
    if file is None:
        found = os.environ.get(variable)
        if not found:
            raise LocalProtocolError(f"a password is needed: --password-file FILE, or {variable} in the environment")
        return found.strip()
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(_LARGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LocalProtocolError(f"the password file cannot be read: {error}") from error


def credentials(file: Path | None, level: int, operator: str) -> Credentials:
    """What DL/T 645 wants of whoever changes a meter; raises LocalProtocolError."""
    from meterwire.protocols.dlt645.credentials import Credentials  # noqa: PLC0415  only when it is wanted

    return Credentials(secret(file), level, operator.rjust(8, "0"))
