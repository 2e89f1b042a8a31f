"""The meter as a DLMS/COSEM server behind the wrapper: pure and synchronous, octets in, answers out."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from meterwire.meter_model.dlms_security import DlmsSecurity
from meterwire.meter_model.faces.dlms.client import ClientDlms
from meterwire.meter_model.faces.dlms.cosem_association import Association, Policy, policies
from meterwire.meter_model.faces.dlms.cosem_handshake import guard_of
from meterwire.meter_model.faces.dlms.cosem_logical_device import CURRENT, short_association
from meterwire.meter_model.faces.dlms.cosem_model import CosemObject, Denied, Meter
from meterwire.meter_model.faces.dlms.cosem_objects import catalogue
from meterwire.meter_model.faces.dlms.short_names import ShortNames
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.wrapper_framer import WrapperFramer
from meterwire.protocols.dlms.xdlms.initiate import Conformance
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame
from meterwire.protocols.wire.nodes import Variant

_CLIENTS: Final = 8
"""Associations that one connection may hold at a time, one for each client it speaks for."""
_LONGEST: Final = 4096
"""Octets of the longest APDU that is waited for; one longer than the meter takes is still refused in words."""
_STATUS: Final = 8
_NON_ASSOCIATED: Final = 0


class _Forgetful:
    """In place of what a meter keeps, for one that keeps nothing."""

    def __init__(self) -> None:
        self.client_secrets: dict[int, bytes] = {}
        self.hidden: dict[int, set[bytes]] = {}


class FaceDlms:
    """A meter seen through DLMS/COSEM.

    Args:
        meter: what is read.
        allowed: how each client may associate, by its wPort; by default with the secrets of the meter's identity.
        random: gives as many unpredictable octets, for challenges and keys.

    Attributes:
        guard: keys and counters that secure associations; None for a meter that has none.
        preset_time: the time that the clock can be set to, and from when till when.
    """

    def __init__(
        self, meter: Meter, allowed: Mapping[int, Policy] | None = None, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.meter, self.guard = meter, guard_of(meter, random)
        self._kept: DlmsSecurity | _Forgetful = getattr(meter, "dlms_security", None) or _Forgetful()
        self._allowed = dict(policies(meter.identity.secrets.dlms) if allowed is None else allowed)
        self.preset_time: tuple[dt.datetime, dt.datetime, dt.datetime] | None = None

    @property
    def allowed(self) -> Mapping[int, Policy]:
        """How each client may associate, with the secrets that clients have changed; through any face of the meter."""
        changed = self._kept.client_secrets
        if not changed:
            return self._allowed
        return self._allowed | {
            client: msgspec.structs.replace(self._allowed[client], secret=secret)
            for client, secret in changed.items()
            if client in self._allowed
        }

    @property
    def hidden(self) -> dict[int, set[bytes]]:
        """Logical names that were removed from the association of a client."""
        return self._kept.hidden

    @cached_property
    def objects(self) -> dict[bytes, CosemObject]:
        """The objects of the meter by logical name."""
        return catalogue(self.meter, self.allowed)

    @cached_property
    def short_names(self) -> ShortNames:
        """The names of the same objects for clients that use short ones."""
        return ShortNames(self.objects.values(), short_association())

    @cached_property
    def named_objects(self) -> list[CosemObject]:
        """The objects that have short names, with the association that such a client sees."""
        others = [one for one in self.objects.values() if one.instance != CURRENT and one.instance in self.short_names]
        return [short_association(), *others]

    def association_attribute(self, client: int, attribute: int) -> Variant:
        """An attribute of the association of a client that is not there now; raises `Denied`."""
        if attribute == _STATUS:
            from meterwire.protocols.dlms.data import Tag  # noqa: PLC0415  for this alone

            return Variant(Tag.ENUM, _NON_ASSOCIATED)
        policy = self.allowed.get(client)
        if policy is None:
            raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
        none = Association(client, self.meter.identity.logical_device, policy.mechanism, Conformance(), 0)
        return none.attribute(attribute)

    def change_secret(self, client: int, secret: bytes) -> None:
        """Change the password or secret of a client; raises `Denied` where it has none."""
        policy = self.allowed.get(client)
        if policy is None or not policy.secret:
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        self._kept.client_secrets[client] = secret

    def connect(self) -> ConnectionDlms:
        """One connection of a client."""
        return ConnectionDlms(self)


class ConnectionDlms:
    """One connection: its framer and the associations made over it."""

    def __init__(self, face: FaceDlms) -> None:
        self._face = face
        self._wrapper = codec(Wrapper)
        own = face.meter.identity.logical_device
        self._framer = WrapperFramer(lambda _, destination: destination == own, limit=_LONGEST, again=True)
        self.clients: dict[int, ClientDlms] = {}

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; answers to the requests that are now complete."""
        del now
        return self._answers(self._framer.receive(octets))

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: what is incomplete is given up."""
        del now
        return self._answers(self._framer.idle())

    def unasked(self) -> list[Answer]:
        """What clients are to be told unasked, now, protected as their associations are."""
        return [
            Answer(self._wrapper.build(Wrapper(client.server, client.client, apdu)), durable=client.takes_counters())
            for client in self.clients.values()
            for apdu in client.unasked()
        ]

    def _answers(self, pieces: list[Any]) -> list[Answer]:
        answers = []
        for piece in pieces:
            if type(piece) is Frame:
                answers += self._answer(piece.message)
        return answers

    def _answer(self, asked: Wrapper) -> list[Answer]:
        if asked.destination != self._face.meter.identity.logical_device:
            return []
        client = self.clients.get(asked.source)
        if client is None:
            if len(self.clients) >= _CLIENTS:
                self._forget_one()
            client = self.clients[asked.source] = ClientDlms(self._face, asked.source, asked.destination)
        reply = client.serve(asked.apdu)
        answers = []
        for apdu in reply.apdus:
            octets = self._wrapper.build(Wrapper(asked.destination, asked.source, apdu))
            answers.append(Answer(octets, reply.durable))
        return answers

    def _forget_one(self) -> None:
        """Make room: whoever has no association goes first, then the oldest."""
        idle = (port for port, client in self.clients.items() if client.association is None)
        del self.clients[next(idle, next(iter(self.clients)))]
