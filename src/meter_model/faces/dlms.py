"""The meter as a DLMS/COSEM server behind the TCP wrapper: pure and synchronous, octets in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.cosem_association import (
    SERVER_PDU,
    Association,
    Policy,
    Rejected,
    accepted,
    associate,
    policies,
    refused,
)
from meterwire.meter_model.faces.cosem_objects import CosemObject, Denied, Meter, catalogue
from meterwire.meter_model.faces.long_get import LongGet
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlms.acse import Aarq, Rlre
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.enums import (
    AcseServiceUserDiagnostic,
    ActionResult,
    DataAccessResult,
    ReleaseResponseReason,
    ServiceError,
    StateError,
)
from meterwire.protocols.dlms.wrapper import LARGEST_APDU, Wrapper
from meterwire.protocols.dlms.xdlms import action, get
from meterwire.protocols.dlms.xdlms import set as set_
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, ERROR_CHOSEN, AttributeDescriptor, SelectiveAccess
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer
from meterwire.protocols.wire.nodes import Variant

_CLIENTS: Final = 8
"""Associations that one connection may hold at a time, one for each client it speaks for."""

_UNANSWERED: Final = frozenset(
    {
        ApduTag.INITIATE_RESPONSE,
        ApduTag.CONFIRMED_SERVICE_ERROR,
        ApduTag.DATA_NOTIFICATION,
        ApduTag.EVENT_NOTIFICATION,
        ApduTag.AARE,
        ApduTag.RLRE,
        ApduTag.GET_RESPONSE,
        ApduTag.SET_RESPONSE,
        ApduTag.ACTION_RESPONSE,
        ApduTag.EXCEPTION_RESPONSE,
    }
)
"""What a server sends, so that an answer to it would never end."""

_SERVICES: Final[Mapping[int, tuple[str, ApduTag]]] = {
    ApduTag.GET_REQUEST: ("get", ApduTag.GET_RESPONSE),
    ApduTag.SET_REQUEST: ("set", ApduTag.SET_RESPONSE),
    ApduTag.ACTION_REQUEST: ("action", ApduTag.ACTION_RESPONSE),
}
"""The bit of the conformance block that each service needs, and its answer."""


class FaceDlms:
    """A meter seen through DLMS/COSEM.

    Args:
        meter: what is read.
        allowed: how each client may associate, by its wPort; by default with the secrets of the meter's identity.
    """

    def __init__(self, meter: Meter, allowed: Mapping[int, Policy] | None = None) -> None:
        self.meter = meter
        self.allowed = policies(meter.identity.secrets.dlms) if allowed is None else allowed
        self._objects: dict[bytes, CosemObject] | None = None

    @property
    def objects(self) -> dict[bytes, CosemObject]:
        """The objects of the meter by logical name."""
        if self._objects is None:
            self._objects = catalogue(self.meter)
        return self._objects

    def connect(self) -> ConnectionDlms:
        """One connection of a client."""
        return ConnectionDlms(self)


class ConnectionDlms:
    """One connection: its framer and the associations made over it."""

    def __init__(self, face: FaceDlms) -> None:
        self._face = face
        self._wrapper = codec(Wrapper)
        self._framer: Framer[Wrapper] = Framer(self._wrapper, limit=LARGEST_APDU + 8)
        self._clients: dict[int, ClientDlms] = {}

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; answers to the requests that are now complete."""
        del now
        return self._answers(self._framer.receive(octets))

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: what is incomplete is given up."""
        del now
        return self._answers(self._framer.idle())

    def _answers(self, pieces: list[Any]) -> list[Answer]:
        answers = []
        for piece in pieces:
            octets = self._answer(piece.message) if isinstance(piece, Frame) else None
            if octets is not None:
                answers.append(Answer(octets))
        return answers

    def _answer(self, asked: Wrapper) -> bytes | None:
        if asked.destination != self._face.meter.identity.logical_device:
            return None
        client = self._clients.get(asked.source)
        if client is None:
            if len(self._clients) >= _CLIENTS:
                self._forget_one()
            client = self._clients[asked.source] = ClientDlms(self._face, asked.source, asked.destination)
        apdu = client.respond(asked.apdu)
        return None if apdu is None else self._wrapper.build(Wrapper(asked.destination, asked.source, apdu))

    def _forget_one(self) -> None:
        """Make room: whoever has no association goes first, then the oldest."""
        idle = (port for port, client in self._clients.items() if client.association is None)
        del self._clients[next(idle, next(iter(self._clients)))]


class ClientDlms:
    """One client of a connection: its association and its long answer, and the services it may use."""

    def __init__(self, face: FaceDlms, client: int, server: int) -> None:
        self._face, self._client, self._server = face, client, server
        self._apdu = codec(APDU)
        self._long: LongGet | None = None
        self.association: Association | None = None
        self.meter = face.meter

    def respond(self, octets: bytes) -> bytes | None:
        """The APDU that answers an APDU, None for none."""
        if not octets or octets[0] in _UNANSWERED:
            return None
        if len(octets) > SERVER_PDU:
            return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)
        try:
            apdu = self._apdu.parse(octets)
        except MalformedError:
            return self._malformed(octets[0])
        if apdu.tag == ApduTag.AARQ:
            return self._associate(apdu.value)
        if self.association is None:
            return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
        if apdu.tag == ApduTag.RLRQ:
            return self._release()
        return self._serve(apdu, self.association)

    def _serve(self, apdu: Variant, association: Association) -> bytes | None:
        request, agreed, form = apdu.value, association.conformance, type(apdu.value)
        service, answer = _SERVICES.get(apdu.tag, ("", None))
        serve = _HANDLERS.get(form)
        if answer is None or serve is None:
            return self._exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        if not getattr(agreed, service) or (form in _LISTS and not agreed.multiple_references):
            return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.SERVICE_NOT_SUPPORTED)
        if form is not get.GetRequestNext:
            self._long = None  # a new request gives up what was not fetched
        response = serve(self, request)
        if answer is not ApduTag.GET_RESPONSE and not request.invoke.service_class:
            return None
        octets = self._apdu.build(Variant(answer, response))
        return octets if len(octets) <= association.max_pdu else self._shorter(octets, response, association)

    def _shorter(self, octets: bytes, response: Any, association: Association) -> bytes:
        """Of a response that does not fit into the agreed size its first block, or an error that does."""
        skipped = _HEADS.get(type(response))
        if skipped is None:
            return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)
        if association.conformance.block_transfer_with_get:
            self._long = LongGet(octets[skipped:], association.max_pdu, response.invoke)
            first = get.GetResponseWithDatablock(response.invoke, self._long.after(0, response.invoke))
            return self._apdu.build(Variant(ApduTag.GET_RESPONSE, first))
        error = Variant(ERROR_CHOSEN, DataAccessResult.OTHER_REASON)
        short: get.GetResponse = get.GetResponseNormal(response.invoke, error)
        if isinstance(response, get.GetResponseWithList):
            short = get.GetResponseWithList(response.invoke, (error,) * len(response.results))
        octets = self._apdu.build(Variant(ApduTag.GET_RESPONSE, short))
        if len(octets) <= association.max_pdu:
            return octets
        return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)

    # ------------------------------------------------------------ association

    def _associate(self, aarq: Aarq) -> bytes:
        """A new AARQ ends whatever association there was, also when it is refused."""
        self.association, self._long = None, None
        try:
            made = associate(aarq, self._client, self._server, self._face.allowed)
        except Rejected as rejected:
            return self._apdu.build(Variant(ApduTag.AARE, refused(rejected)))
        self.association = made
        return self._apdu.build(Variant(ApduTag.AARE, accepted(made)))

    def _release(self) -> bytes:
        self.association, self._long = None, None
        return self._apdu.build(Variant(ApduTag.RLRE, Rlre(reason=ReleaseResponseReason.NORMAL)))

    def _malformed(self, tag: int) -> bytes:
        """An APDU that cannot be read: for an AARQ a refusal, for anything else an exception."""
        if tag == ApduTag.AARQ:
            self.association, self._long = None, None
            rejected = Rejected(AcseServiceUserDiagnostic.NO_REASON_GIVEN)
            return self._apdu.build(Variant(ApduTag.AARE, refused(rejected)))
        if tag not in set(ApduTag):
            return self._exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)

    def _exception(self, state: StateError, service: ServiceError) -> bytes:
        response = ExceptionResponse(state, Variant(service, None))
        return self._apdu.build(Variant(ApduTag.EXCEPTION_RESPONSE, response))

    # ------------------------------------------------------------ what attributes see

    def objects(self) -> Iterable[CosemObject]:
        """The objects that this client can see: all of them."""
        return self._face.objects.values()

    def agreed(self, attribute: int) -> Variant:
        """What was agreed on with this client."""
        if self.association is None:
            raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
        return self.association.attribute(attribute)

    def _object(self, class_id: int, instance: bytes) -> CosemObject:
        found = self._face.objects.get(instance)
        if found is None:
            raise Denied(DataAccessResult.OBJECT_UNDEFINED)
        if found.kind.class_id != class_id:
            raise Denied(DataAccessResult.OBJECT_CLASS_INCONSISTENT)
        return found

    def _read(self, descriptor: AttributeDescriptor, selection: SelectiveAccess | None) -> Variant:
        try:
            found = self._object(descriptor.class_id, descriptor.instance)
            if selection is not None and descriptor.attribute in found.kind.attributes:
                raise Denied(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
            return Variant(DATA_CHOSEN, found.read(descriptor.attribute, self))
        except Denied as denied:
            return Variant(ERROR_CHOSEN, denied.result)

    # ------------------------------------------------------------ GET

    def get_normal(self, request: get.GetRequestNormal) -> get.GetResponse:
        """GET of one attribute."""
        return get.GetResponseNormal(request.invoke, self._read(request.descriptor, request.selection))

    def get_list(self, request: get.GetRequestWithList) -> get.GetResponse:
        """GET of several attributes."""
        results = tuple(self._read(one.descriptor, one.selection) for one in request.attributes)
        return get.GetResponseWithList(request.invoke, results)

    def get_next(self, request: get.GetRequestNext) -> get.GetResponse:
        """GET of the next block of a long answer; the block sent last may be asked for again."""
        block = (self._long or LongGet.none()).after(request.block, request.invoke)
        if block.content.tag == ERROR_CHOSEN:
            self._long = None
        return get.GetResponseWithDatablock(request.invoke, block)

    # ------------------------------------------------------------ SET and ACTION: nothing is writable yet

    def _denial(self, class_id: int, instance: bytes) -> DataAccessResult:
        try:
            self._object(class_id, instance)
        except Denied as denied:
            return denied.result
        return DataAccessResult.READ_WRITE_DENIED

    def set_normal(self, request: set_.SetRequestNormal) -> Any:
        """SET of one attribute."""
        denial = self._denial(request.descriptor.class_id, request.descriptor.instance)
        return set_.SetResponseNormal(request.invoke, denial)

    def set_list(self, request: set_.SetRequestWithList) -> Any:
        """SET of several attributes."""
        asked = (one.descriptor for one in request.attributes)
        results = tuple(self._denial(descriptor.class_id, descriptor.instance) for descriptor in asked)
        return set_.SetResponseWithList(request.invoke, results)

    def action_normal(self, request: action.ActionRequestNormal) -> Any:
        """ACTION of one method."""
        denial = self._denial(request.descriptor.class_id, request.descriptor.instance)
        outcome = action.ActionOutcome(ActionResult(int(denial)))
        return action.ActionResponseNormal(request.invoke, outcome)

    def action_list(self, request: action.ActionRequestWithList) -> Any:
        """ACTION of several methods."""
        denials = (self._denial(method.class_id, method.instance) for method in request.methods)
        outcomes = tuple(action.ActionOutcome(ActionResult(int(denial))) for denial in denials)
        return action.ActionResponseWithList(request.invoke, outcomes)


_HEADS: Final[Mapping[type, int]] = {get.GetResponseNormal: 4, get.GetResponseWithList: 3}
"""Octets in front of what goes into the blocks of a long answer: the Data, or the list of results with its count."""

_LISTS: Final = (get.GetRequestWithList, set_.SetRequestWithList, action.ActionRequestWithList)

_HANDLERS: Final[Mapping[type, Callable[..., Any]]] = {
    get.GetRequestNormal: ClientDlms.get_normal,
    get.GetRequestNext: ClientDlms.get_next,
    get.GetRequestWithList: ClientDlms.get_list,
    set_.SetRequestNormal: ClientDlms.set_normal,
    set_.SetRequestWithList: ClientDlms.set_list,
    action.ActionRequestNormal: ClientDlms.action_normal,
    action.ActionRequestWithList: ClientDlms.action_list,
}
"""What each request is answered by; a form that is not here gets an exception response."""
