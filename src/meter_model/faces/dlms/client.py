"""One client of a connection: its association, what it may see and do, the way of an APDU to its service and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import MalformedError, SecurityError, SequenceError
from meterwire.meter_model.faces.dlms.answers import LONGEST, LongAnswer, LongRequest, Response
from meterwire.meter_model.faces.dlms.cosem_association import (
    SERVER_PDU,
    Association,
    Rejected,
    accepted,
    associate,
    refused,
    released,
)
from meterwire.meter_model.faces.dlms.cosem_handshake import REPLIES
from meterwire.meter_model.faces.dlms.cosem_logical_device import hidden_from
from meterwire.meter_model.faces.dlms.cosem_model import CosemObject, Denied, Given, Level, level_of
from meterwire.meter_model.faces.dlms.notify import Notifications
from meterwire.meter_model.faces.dlms.services import CONTINUED, SERVICES, UNANSWERED, Service
from meterwire.meter_model.parameters import Author
from meterwire.protocols.dlms.acse import Aarq, Rlre, Rlrq
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import Receiving, Sending, Source
from meterwire.protocols.dlms.ciphering import GeneralBlockTransfer
from meterwire.protocols.dlms.data import octet_string
from meterwire.protocols.dlms.enums import (
    AcseServiceUserDiagnostic,
    DataAccessResult,
    ReleaseResponseReason,
    ServiceError,
    StateError,
)
from meterwire.protocols.dlms.security.protection import CounterRefused
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor, MethodDescriptor, SelectiveAccess
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.notify import DataNotificationConfirm
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.protocols.wire.remembering import remembering

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlms.face import FaceDlms

_ACSE: Final = frozenset({ApduTag.AARQ, ApduTag.RLRQ})
_IN_BLOCKS: Final = int(ApduTag.GENERAL_BLOCK_TRANSFER)


class Reply(msgspec.Struct, frozen=True):
    """What is sent for an APDU.

    Attributes:
        apdus: in order; none for no answer, several for the blocks of a window.
        durable: whether they acknowledge a change.
    """

    apdus: Sequence[bytes] = ()
    durable: bool = False


class ClientDlms:
    """One client of a connection.

    Attributes:
        association: what was agreed with it; None while there is nothing.
        sending: the answer that it fetches in the blocks of its service; likewise `receiving` for a request.
        notifications: what it is to be told unasked.
    """

    def __init__(self, face: FaceDlms, client: int, server: int) -> None:
        self.device, self.client, self.server = face, client, server
        self.meter = face.meter
        self.level: Level = level_of(client)
        self.association: Association | None = None
        self.sending: LongAnswer | None = None
        self.receiving: LongRequest | None = None
        self.notifications = Notifications()
        self._apdu, self._requests = codec(APDU), remembering(APDU)
        self._out: Sending | None = None
        self._in: Receiving | None = None
        self._changed = False

    # ------------------------------------------------------------ APDUs

    def serve(self, octets: bytes) -> Reply:
        """What is sent for an APDU."""
        self._changed = False
        if octets and octets[0] == _IN_BLOCKS:
            apdus = self._block(octets)
        else:
            self._out = self._in = None
            apdus = self._single(octets)
        self._note_counters()
        return Reply(apdus, self._changed)

    def _single(self, octets: bytes) -> list[bytes]:
        """The answer to an APDU that came whole."""
        if not octets or octets[0] in UNANSWERED:
            return []
        if len(octets) > SERVER_PDU:
            return [self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)]
        answer = self._answer(octets)
        if answer is None or isinstance(answer, bytes):
            return [] if answer is None else [answer]
        return self._fitted(answer)

    def _answer(self, octets: bytes) -> Response | bytes | None:
        if octets[0] in _ACSE:
            return self._acse(octets)
        if self.association is None:
            return self._unassociated(octets)
        try:
            plain = self.association.protection.unprotect(octets)
        except CounterRefused as refusal:
            return self._exception(
                StateError.SERVICE_NOT_ALLOWED, ServiceError.INVOCATION_COUNTER_ERROR, refusal.expected
            )
        except SecurityError:
            return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.DECIPHERING_ERROR)
        try:
            apdu = self._requests.parse(plain)
        except MalformedError:
            return self._malformed(plain[:1])
        return self._serve(apdu)

    def _unassociated(self, octets: bytes) -> bytes:
        try:
            self._apdu.parse(octets)
        except MalformedError:
            return self._malformed(octets[:1])
        return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)

    def _serve(self, apdu: Variant) -> Response | bytes | None:
        request = apdu.value
        if isinstance(request, DataNotificationConfirm):
            self.notifications.confirm(request.invoke.number)
            return None
        service = SERVICES.get(type(request))
        if service is None:
            return self._exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        for need in service.needs:
            if not self.agreed_on(need):
                return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.SERVICE_NOT_SUPPORTED)
        if type(request) not in CONTINUED:
            self.sending = self.receiving = None  # a new request gives up what was not fetched
        return self._performed(service, request)

    def _performed(self, service: Service, request: Any) -> Response | bytes | None:
        response = service.serve(self, request)
        if response is None and service.answered:
            return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)
        if response is None or (service.silent and not request.invoke.service_class):
            return None
        found: Response = response
        return found

    # ------------------------------------------------------------ what fits, and blocks

    def _room(self) -> int:
        agreed = self.association
        return 0 if agreed is None else agreed.max_pdu - agreed.protection.overhead

    def _fitted(self, response: Response) -> list[bytes]:
        """An answer whole if it fits into the agreed size, else its first block or blocks, else an error that fits."""
        room = self._room()
        if type(response.body) is bytes and len(response.head) + len(response.body) <= room:
            return self._protected(response.head + response.body)
        source = response.source()
        begun = source.take(max(room - len(response.head), 0))
        if source.ended and len(response.head) + len(begun) <= room:
            return self._protected(response.head + begun)
        if response.blocks is not None:
            held = Source(_pieces(source), begun[response.skipped :])
            return self._protected(response.blocks(held, room))
        if self.agreed_on("general_block_transfer"):
            return self._in_blocks(_pieces(source, response.head + begun), 0)
        if response.too_long is not None and len(response.too_long) <= room:
            return self._protected(response.too_long)
        return [self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)]

    def _protected(self, apdu: bytes) -> list[bytes]:
        if self.association is None:
            return [apdu]
        try:
            return [self.association.protection.protect(apdu)]
        except SecurityError:
            return [self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)]

    def _in_blocks(self, pieces: Iterable[bytes], acknowledged: int, window: int = 1) -> list[bytes]:
        """An answer by general block transfer; what is protected must be whole before."""
        agreed = self.association
        if agreed is None:
            return []
        if agreed.protection.overhead:
            whole = bytearray()
            for piece in pieces:
                whole += piece
                if len(whole) > LONGEST:
                    return [self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.PDU_TOO_LONG)]
            pieces = self._protected(bytes(whole))
        self._out = Sending(Source(pieces), agreed.max_pdu, window, acknowledged)  # blocks are not protected
        return self._window()

    def _window(self) -> list[bytes]:
        out = self._out
        if out is None or out.done:
            self._out = None
            return []
        try:
            blocks = out.blocks()
        except SequenceError:
            self._out = None
            return [self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)]
        return [self._built(block) for block in blocks]

    def _built(self, block: GeneralBlockTransfer) -> bytes:
        return self._apdu.build(Variant(ApduTag.GENERAL_BLOCK_TRANSFER, block))

    def _block(self, octets: bytes) -> list[bytes]:
        """A block of a request, or what the client says of ours."""
        if not self.agreed_on("general_block_transfer") or len(octets) > SERVER_PDU:
            return [self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.SERVICE_NOT_SUPPORTED)]
        try:
            block = self._apdu.parse(octets).value
        except MalformedError:
            return [self._malformed(octets[:1])]
        try:
            if self._out is not None and not block.data:
                self._out.acknowledge(block.acknowledged, block.control.window)
                return self._window()
            return self._received(block)
        except SequenceError:
            self._out = self._in = None
            return [self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)]

    def _received(self, block: GeneralBlockTransfer) -> list[bytes]:
        self._out = None
        if self._in is None:
            self._in = Receiving(LONGEST)
        incoming = self._in
        wants = incoming.receive(block)
        if incoming.whole is None:
            return [self._built(incoming.acknowledgement())] if wants else []
        self._in = None
        if incoming.whole[:1] in (b"", bytes((ApduTag.GENERAL_BLOCK_TRANSFER,))) or incoming.whole[0] in UNANSWERED:
            return []
        answer = self._answer(incoming.whole)
        if isinstance(answer, Response):
            return self._in_blocks(_pieces(answer.source(), answer.head), incoming.received, incoming.peer_window)
        return [] if answer is None else [answer]

    def _note_counters(self) -> None:
        """Counters that have been reserved, and who was taken in, are stored before anything bears them."""
        if self.takes_counters():
            self._changed = True

    def takes_counters(self) -> bool:
        """Whether counters have been reserved that are not stored yet."""
        guard = self.device.guard
        return guard is not None and guard.security.unsaved

    def unasked(self) -> list[bytes]:
        """The APDUs of its notifications, protected."""
        return [octets for apdu in self.notifications.take() for octets in self._protected(apdu)]

    # ------------------------------------------------------------ association

    def _acse(self, octets: bytes) -> bytes:
        try:
            apdu = self._apdu.parse(octets)
        except MalformedError:
            return self._malformed(octets[:1])
        if isinstance(apdu.value, Aarq):
            return self._associate(apdu.value)
        if self.association is None:
            return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
        return self._release(self.association, apdu.value)

    def _associate(self, aarq: Aarq) -> bytes:
        """A new AARQ ends whatever association there was, also when it is refused."""
        self.forget()
        try:
            made = associate(aarq, self.client, self.server, self.device.allowed, self.device.guard)
        except Rejected as rejected:
            return self._apdu.build(Variant(ApduTag.AARE, refused(rejected)))
        self.association = made
        return self._apdu.build(Variant(ApduTag.AARE, accepted(made)))

    def _release(self, association: Association, request: Rlrq) -> bytes:
        ended = released(association, request.user_information)
        if ended is None:  # protected less than the association: it goes on
            return self._apdu.build(Variant(ApduTag.RLRE, Rlre(reason=ReleaseResponseReason.NOT_FINISHED)))
        self.forget()
        return self._apdu.build(Variant(ApduTag.RLRE, ended))

    def forget(self) -> None:
        """The association has ended, and with it what was under way."""
        self.association = self.sending = self.receiving = self._out = self._in = None

    def _malformed(self, tag: bytes) -> bytes:
        """An APDU that cannot be read: for an AARQ a refusal, for anything else an exception."""
        if tag == bytes((ApduTag.AARQ,)):
            self.forget()
            rejected = Rejected(AcseServiceUserDiagnostic.NO_REASON_GIVEN)
            return self._apdu.build(Variant(ApduTag.AARE, refused(rejected)))
        if not tag or tag[0] not in set(ApduTag):
            return self._exception(StateError.SERVICE_UNKNOWN, ServiceError.SERVICE_NOT_SUPPORTED)
        return self._exception(StateError.SERVICE_NOT_ALLOWED, ServiceError.OTHER_REASON)

    def _exception(self, state: StateError, service: ServiceError, counter: int | None = None) -> bytes:
        response = ExceptionResponse(state, Variant(service, counter))
        return self._apdu.build(Variant(ApduTag.EXCEPTION_RESPONSE, response))

    # ------------------------------------------------------------ what services and objects need

    def agreed_on(self, service: str) -> bool:
        """Whether a bit of the conformance block is set in what was agreed."""
        return self.association is not None and bool(getattr(self.association.conformance, service))

    def changed(self) -> None:
        """Something has been changed: the answer must not leave before it is stored."""
        self._changed = True

    def objects(self) -> Iterable[CosemObject]:
        """The objects that this client can see, those that its context can name."""
        short = self.association is not None and self.association.short_names
        found = self.device.named_objects if short else self.device.objects.values()
        hidden = self.device.hidden.get(self.client)
        return hidden_from(found, hidden) if hidden else found

    def sees(self, one: CosemObject) -> bool:
        """Whether an object was not removed from this association."""
        return one.instance not in self.device.hidden.get(self.client, ())

    def agreed(self, attribute: int) -> Variant:
        """What was agreed on with this client."""
        if self.association is None:
            raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
        return self.association.attribute(attribute)

    def author(self, item: str) -> Author:
        """This client, as the one who changes something."""
        return Author(f"{self.client:08d}", item)

    def reply_to_hls(self, data: Variant) -> Variant:
        """The last step of high-level security, where it is under way."""
        association = self.association
        if association is None or association.pending is None or not isinstance(data.value, bytes):
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        try:
            proved = association.pending.conclude(data.value)
        except SecurityError:
            raise Denied(DataAccessResult.OTHER_REASON) from None
        self.association = msgspec.structs.replace(association, pending=None)
        return octet_string(proved)

    def check_proved(self) -> None:
        """Nothing is served to a client that has not proved yet who it is; raises `Denied`."""
        if self.association is not None and self.association.pending is not None:
            raise Denied(DataAccessResult.READ_WRITE_DENIED)

    def find(self, class_id: int, instance: bytes) -> CosemObject:
        """An object by its logical name; raises `Denied`."""
        found = self.device.objects.get(instance)
        if found is None or not self.sees(found):
            raise Denied(DataAccessResult.OBJECT_UNDEFINED)
        if found.kind.class_id != class_id:
            raise Denied(DataAccessResult.OBJECT_CLASS_INCONSISTENT)
        return found

    def read(self, descriptor: AttributeDescriptor, selection: SelectiveAccess | None) -> Given:
        """An attribute, or a part of it; raises `Denied`."""
        self.check_proved()
        found = self.find(descriptor.class_id, descriptor.instance)
        if selection is not None and not self.agreed_on("selective_access"):
            raise Denied(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
        return found.read(descriptor.attribute, self, selection)

    def write(
        self, descriptor: AttributeDescriptor, value: Variant, selection: SelectiveAccess | None
    ) -> DataAccessResult:
        """Set an attribute, and say what came of it."""
        try:
            self.check_proved()
            found = self.find(descriptor.class_id, descriptor.instance)
            found.write(descriptor.attribute, self, value, selection)
        except Denied as denied:
            return denied.result
        self.changed()
        return DataAccessResult.SUCCESS

    def act(self, descriptor: MethodDescriptor, parameters: Variant) -> Variant | None:
        """Invoke a method; raises `Denied`."""
        if (descriptor.class_id, descriptor.method) not in REPLIES:
            self.check_proved()
        found = self.find(descriptor.class_id, descriptor.instance)
        returned = found.act(descriptor.method, self, parameters)
        self.changed()
        return returned


def _pieces(source: Source, begun: bytes = b"") -> Iterable[bytes]:
    """What is left of a source, with something in front of it."""
    if begun:
        yield begun
    while not source.ended:
        yield source.take(1024)
