"""The states of a link as a table. It does not know which end looks at it: both follow the frames that pass.

Everything that moves a link from one state to another stands here (IEC 62056-46, 6.4.4.3 to 6.4.4.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from meterwire.protocols.hdlc.control import Kind


class State(Enum):
    """Of a link between one primary and one secondary station."""

    DISCONNECTED = "NDM"
    """Normal disconnected mode."""
    CONNECTING = "SNRM sent"
    CONNECTED = "NRM"
    """Normal response mode."""
    DISCONNECTING = "DISC sent"
    REJECTED = "FRMR sent"
    """The secondary has rejected a frame: only SNRM and DISC help."""


class Role(Enum):
    """Who speaks first."""

    PRIMARY = "client"
    SECONDARY = "server"


COMMANDS: Final = frozenset({Kind.SNRM, Kind.DISC})
"""Only the primary sends these."""
RESPONSES: Final = frozenset({Kind.UA, Kind.DM, Kind.FRMR})
"""Only the secondary sends these."""
NUMBERED: Final = frozenset({Kind.I, Kind.RR, Kind.RNR})
"""Frames that need a connection."""

TRANSITIONS: Final[Mapping[State, Mapping[Kind, State]]] = {
    State.DISCONNECTED: {
        Kind.SNRM: State.CONNECTING,
        Kind.DISC: State.DISCONNECTED,
        Kind.DM: State.DISCONNECTED,
        Kind.UI: State.DISCONNECTED,
    },
    State.CONNECTING: {
        Kind.SNRM: State.CONNECTING,
        Kind.UA: State.CONNECTED,
        Kind.DM: State.DISCONNECTED,
        Kind.DISC: State.DISCONNECTING,
        Kind.UI: State.CONNECTING,
    },
    State.CONNECTED: {
        Kind.I: State.CONNECTED,
        Kind.RR: State.CONNECTED,
        Kind.RNR: State.CONNECTED,
        Kind.UI: State.CONNECTED,
        Kind.SNRM: State.CONNECTING,
        Kind.DISC: State.DISCONNECTING,
        Kind.DM: State.DISCONNECTED,
        Kind.FRMR: State.REJECTED,
    },
    State.DISCONNECTING: {
        Kind.DISC: State.DISCONNECTING,
        Kind.UA: State.DISCONNECTED,
        Kind.DM: State.DISCONNECTED,
        Kind.SNRM: State.CONNECTING,
    },
    State.REJECTED: {
        Kind.FRMR: State.REJECTED,
        Kind.SNRM: State.CONNECTING,
        Kind.DISC: State.DISCONNECTING,
        Kind.DM: State.DISCONNECTED,
    },
}
"""What a frame that passes, in either direction, does to the link; a frame that is not listed does not belong there."""


def may_send(role: Role, kind: Kind) -> bool:
    """Whether this end may send such frames at all."""
    return kind not in (RESPONSES if role is Role.PRIMARY else COMMANDS)
