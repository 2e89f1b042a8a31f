"""What SNRM and UA negotiate: how long information fields are, and how many frames go unacknowledged."""

from __future__ import annotations

from typing import Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.declare import field, hidden, message
from meterwire.protocols.wire.nodes import REST, U8, Const, Many, Octets, Sized


@message(cite="IEC 62056-46, 6.4.4.4.3.2 (ISO/IEC 13239, 5.5.3.2.2)")
class Parameter:
    """One parameter. The value is a number of one to four octets."""

    identifier: int = field(
        U8, "parameter identifier: 5 and 6 information field, 7 and 8 window, each as sent, received"
    )
    value: bytes = field(Sized(U8, Octets(REST)), "parameter value")


@message(cite="IEC 62056-46, 6.4.4.4.3.2 (ISO/IEC 13239, 5.5.3.2.1)")
class ParameterGroup:
    """The information field of SNRM and UA."""

    format = hidden(Const(b"\x81"), "format identifier")
    group = hidden(Const(b"\x80"), "group identifier")
    parameters: tuple[Parameter, ...] = field(Sized(U8, Many(REST, Parameter)), "parameters with the group length")


LARGEST_INFORMATION: Final = 2030
"""Octets of the longest information field for which every form of address leaves room."""
DEFAULT_INFORMATION, DEFAULT_WINDOW, LARGEST_WINDOW = 128, 1, 7
_SMALLEST: Final = 8


class Parameters(msgspec.Struct, frozen=True):
    """How one end may send and receive; the defaults are those of the standard.

    Attributes:
        info_tx: octets of the longest information field it sends.
        info_rx: octets of the longest it takes.
        window_tx: most frames that it sends before it waits, 1 to 7.
        window_rx: most that it takes.
    """

    info_tx: int = DEFAULT_INFORMATION
    info_rx: int = DEFAULT_INFORMATION
    window_tx: int = DEFAULT_WINDOW
    window_rx: int = DEFAULT_WINDOW

    def agreed(self, peer: Parameters) -> Parameters:
        """What this end uses with a peer that offers `peer`: what one sends, the other must take."""
        return Parameters(
            min(self.info_tx, peer.info_rx),
            min(self.info_rx, peer.info_tx),
            min(self.window_tx, peer.window_rx),
            min(self.window_rx, peer.window_tx),
        )


_NAMES: Final = {5: "info_tx", 6: "info_rx", 7: "window_tx", 8: "window_rx"}


def offered(information: bytes) -> Parameters:
    """The parameters in an SNRM or UA; what is missing is the default, what is out of range is moved into it.

    Raises:
        MalformedError: the information field holds something else.
    """
    if not information:
        return Parameters()
    given = {}
    for one in codec(ParameterGroup).parse(information).parameters:
        name = _NAMES.get(one.identifier)
        if name is None:
            continue
        if not 1 <= len(one.value) <= 4:
            raise MalformedError("a number of one to four octets", "hdlc.Parameter.value")
        low, high = (1, LARGEST_WINDOW) if one.identifier > 6 else (_SMALLEST, LARGEST_INFORMATION)
        given[name] = min(max(int.from_bytes(one.value, "big"), low), high)
    return Parameters(**given)


def encoded(parameters: Parameters) -> bytes:
    """The information field that offers these."""
    rows = []
    for identifier, name in _NAMES.items():
        value = getattr(parameters, name)
        size = 4 if identifier > 6 else 1 if value < 0x100 else 2
        rows.append(Parameter(identifier, value.to_bytes(size, "big")))
    return codec(ParameterGroup).build(ParameterGroup(tuple(rows)))
