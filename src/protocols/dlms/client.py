"""The DLMS/COSEM client: procedures that run over a blocking or an asyncio line (DLMS UA 1000-2, 9.3 and 9.4)."""

from __future__ import annotations

from meterwire.protocols.dialogue import AsyncFace, AsyncLine, Line, SyncFace
from meterwire.protocols.dlms.client_images import ImageProcedures
from meterwire.protocols.dlms.client_profile import ProfileProcedures
from meterwire.protocols.dlms.client_reading import CosemObject, L
from meterwire.protocols.dlms.client_securing import SecuringProcedures
from meterwire.protocols.dlms.session import Session


class Procedures(ProfileProcedures[L], SecuringProcedures[L], ImageProcedures[L]):
    """What a client can do; the faces below say how it is run."""


class MeterDlms(SyncFace, Procedures[Line]):
    """A DLMS/COSEM client whose calls block."""


class AsyncMeterDlms(AsyncFace, Procedures[AsyncLine]):
    """A DLMS/COSEM client whose calls are awaited."""


__all__ = ["AsyncMeterDlms", "CosemObject", "MeterDlms", "Procedures", "Session"]
