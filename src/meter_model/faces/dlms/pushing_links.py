"""A meter that speaks of its own accord, over the wrapper, and over HDLC in UI frames that never break in on others."""

from __future__ import annotations

import math
from typing import Any, Final

from meterwire.meter_model.faces.dlms.face import ConnectionDlms, FaceDlms
from meterwire.meter_model.faces.dlms.hdlc import ConnectionHdlc, FaceDlmsHdlc
from meterwire.meter_model.faces.dlms.pushing import Manner, Pusher
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.hdlc_carrier import RESPONSE
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.hdlc.address import client_address, server_address
from meterwire.protocols.hdlc.session import Link
from meterwire.protocols.hdlc.states import Role, State
from meterwire.protocols.wire.codec import codec

QUIET: Final = 5.0
"""Seconds without a frame before the meter speaks on a line that others may use."""


class PushingFace(FaceDlms):
    """A meter seen through DLMS/COSEM that also speaks of its own accord; see `FaceDlms`.

    Args:
        meter: what is read.
        manner: how it pushes.
    """

    def __init__(self, meter: Any, manner: Manner, **settings: Any) -> None:
        super().__init__(meter, **settings)
        self.manner = manner

    def connect(self) -> ConnectionDlms:
        """One connection."""
        return _PushingConnection(self)


class _PushingConnection(ConnectionDlms):
    """One that is run when its time has come."""

    def __init__(self, face: PushingFace) -> None:
        super().__init__(face)
        self._pusher = Pusher(face, face.manner, self.clients.values)

    def next(self) -> float:
        """When to call `run`."""
        return self._pusher.next()

    def run(self, now: float) -> list[Answer]:
        """What is sent now."""
        pushed = self._pusher.run(now)
        meter: Any = self._face.meter
        place = meter.identity.logical_device, meter.dlms_push.settings.client
        unsaved = self._face.guard is not None and self._face.guard.security.unsaved
        wrapped = [Answer(codec(Wrapper).build(Wrapper(*place, apdu)), durable=unsaved) for apdu in pushed]
        return wrapped + self.unasked()

    def _answer(self, asked: Wrapper) -> list[Answer]:
        if asked.apdu[:1] == bytes((ApduTag.DATA_NOTIFICATION_CONFIRM,)):
            self._pusher.confirm(asked.apdu)
            return []
        return super()._answer(asked)


# ---------------------------------------------------------------- over HDLC


class PushingFaceHdlc(FaceDlmsHdlc):
    """The same over HDLC; see `FaceDlmsHdlc`.

    Args:
        meter: what is read.
        manner: how it pushes.
    """

    def __init__(self, meter: Any, manner: Manner, **settings: Any) -> None:
        super().__init__(meter, **settings)
        self.manner = manner

    def connect(self) -> ConnectionHdlc:
        """One line."""
        return _PushingLine(self)


class _PushingLine(ConnectionHdlc):
    """A line that the meter speaks on when nobody else has for a while, and no link is connected."""

    def __init__(self, face: PushingFaceHdlc) -> None:
        super().__init__(face)
        self._pusher = Pusher(face.services, face.manner, tuple)
        self._heard = -math.inf

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived."""
        self._heard = now
        return super().receive(octets, now)

    def next(self) -> float:
        """When to call `run`."""
        return max(self._pusher.next(), self._heard + QUIET)

    def run(self, now: float) -> list[Answer]:
        """What is sent now, in UI frames."""
        if any(one.link.state is State.CONNECTED for one in self._stations.values()):
            self._heard = now
            return []
        meter: Any = self._face.meter
        identity = meter.identity
        own = server_address(identity.logical_device, identity.physical_device).octets
        link = Link(Role.SECONDARY, own, client_address(meter.dlms_push.settings.client))
        pushed = self._pusher.run(now)
        guard = self._face.services.guard
        unsaved = guard is not None and guard.security.unsaved
        return [Answer(link.unnumbered(RESPONSE + apdu), durable=unsaved) for apdu in pushed]
