"""HDLC behind an optical sign-on: the meter changes over to it in mode E of IEC 62056-21 (annex E)."""

from __future__ import annotations

from meterwire.protocols.dialogue import LineSettings, Patience, Reconfigure, Steps
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.hdlc.address import Address
from meterwire.protocols.hdlc.parameters import Parameters
from meterwire.protocols.hdlc.states import State
from meterwire.protocols.iec62056_21.client import SignOnProcedure
from meterwire.protocols.iec62056_21.messages import OPENING


class ModeECarrier(HdlcCarrier):
    """The same link, for which the meter is signed on first.

    Args:
        client, address, offer: as for HDLC.
        device: device address of the sign-on, empty for whoever is there.
        settings: of the line at sign-on.
    """

    def __init__(
        self,
        client: int,
        address: Address,
        offer: Parameters | None = None,
        *,
        device: str = "",
        settings: LineSettings = OPENING,
    ) -> None:
        super().__init__(client, address, offer)
        self._device, self._settings = device, settings

    def open(self, patience: Patience) -> Steps[None]:
        """Sign-on, change over, SNRM and UA, unless the link is connected."""
        if self.link.state is State.CONNECTED:
            return
        yield from SignOnProcedure(self._device, patience, self._settings).hand_over()
        yield from super().open(patience)

    def close(self, patience: Patience) -> Steps[None]:
        """DISC, and UA or DM, if the link is connected; the line is as at sign-on again."""
        if self.link.state is not State.CONNECTED:
            return
        yield from super().close(patience)
        yield Reconfigure(self._settings)
