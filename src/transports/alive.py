"""Peers that are gone without a word: the kernel asks an idle connection now and then, and ends one that is dead."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any, Final

IDLE: Final = 60
"""Seconds without octets after which the peer is asked."""
EVERY: Final = 10
"""Seconds between two questions that nobody answers; and so many of them:"""
PROBES: Final = 3
GONE: Final = IDLE + EVERY * PROBES
"""Seconds after which a peer that is gone has been found out, also one that owes acknowledgements."""


def keep_alive(connection: Any) -> None:
    """Let the kernel look after a TCP connection; anything else, and what a system has not, is left as it is.

    Args:
        connection: a socket, or what an event loop gives for one; None for none.
    """
    if connection is None or connection.type != socket.SOCK_STREAM:
        return
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError, AttributeError):
        own = socket.socket(fileno=os.dup(connection.fileno()))  # not every loop lets options be set at its own
        try:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _OPTIONS.items():
                own.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        finally:
            own.close()


_OPTIONS: Final = {
    "TCP_KEEPIDLE": IDLE,
    "TCP_KEEPINTVL": EVERY,
    "TCP_KEEPCNT": PROBES,
    "TCP_USER_TIMEOUT": GONE * 1000,
}
