"""How a handler of the module refuses a command."""

from __future__ import annotations

from meterwire.protocols.gdw376_2.codes import Denial


class Denied(Exception):  # noqa: N818  an answer to the concentrator, never seen outside
    """The command is denied, and why."""

    def __init__(self, error: Denial) -> None:
        self.error = error
