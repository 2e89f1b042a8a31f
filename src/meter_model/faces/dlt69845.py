"""The meter as a DL/T 698.45 server: pure and synchronous, octets in, answers out."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.meter_model.faces.dlt69845_objects import Denied, Readable, attribute
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlt69845.address import Address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu, Service
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.link import (
    EDITION,
    EDITIONS,
    Flag17,
    Flag21,
    FrameLength,
    Function,
    Link,
    LinkControl,
)
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import Piid, PiidAcd, ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.connect import (
    ConnectRequest,
    ConnectResponse,
    ConnectResult,
    ErrorKind,
    FactoryVersion,
    Mechanism,
    ReleaseRequest,
    ReleaseResponse,
    ReleaseResult,
    ServerErrorResponse,
)
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.framing import Frame, Framer
from meterwire.protocols.wire.nodes import Variant

VERSION: Final = 0x0016
FRAME_SIZE: Final = 2048
"""Longest frame the meter takes and sends, octets; what is longer is noise to it."""
APDU_SIZE: Final = 1024
"""Longest APDU the meter sends where nothing smaller was agreed, octets."""
LEAST_SIZE: Final = 128
"""A client that says it takes less than this is sent this much: no attribute of the meter fits in less."""
FRAME_COST: Final = 32
"""Octets that frame and address add to an APDU, at most."""
TIMEOUT: Final = 7200

PROTOCOL: Final = (1 << 63 | 1 << 62 | 1 << 61 | 1 << 57).to_bytes(8, "big")
"""Protocol conformance, first bit highest: association, GET normal, normal list and next."""
FUNCTIONS: Final = (0xFF << 120).to_bytes(16, "big")
"""Functional conformance: active, bidirectional, reactive and apparent energy; demand of these; rates."""
_VERSIONS: Final = (Oad(0x4300, 3, 1), Oad(0x4300, 3, 2), Oad(0x4300, 3, 4))
"""Maker, software version and hardware version."""
_UNANSWERED: Final = frozenset({Service.LINK_RESPONSE, Service.REPORT_RESPONSE, Service.CLIENT_ERROR_RESPONSE})
"""What answers the server, so that an answer to it would never end."""
_LENGTH: Final = FrameLength()  # what it says follows when the frame is built
_ANSWERING: Final = tuple(
    LinkControl(direction=1, started_by_client=1, scrambled=scrambled, function=Function.USER) for scrambled in (0, 1)
)


class Meter(Readable, Protocol):
    """What the face needs of a meter."""

    @property
    def identity(self) -> Any:
        """Has `address`, twelve digits, and `secrets`."""

    @property
    def answers(self) -> bool:
        """Whether anything is answered: without power only after the button was pressed."""


class Face69845:
    """A meter seen through DL/T 698.45.

    Args:
        meter: what is read.
        edition: of the standard, 2017 or 2021; raises LocalProtocolError for another.
    """

    def __init__(self, meter: Meter, *, edition: int = EDITION) -> None:
        if edition not in EDITIONS:
            raise LocalProtocolError(f"there is no edition {edition} of DL/T 698.45: {' or '.join(map(str, EDITIONS))}")
        self.meter, self.edition = meter, edition

    def connect(self) -> Connection69845:
        """One connection of a client."""
        return Connection69845(self)


class Connection69845:
    """One connection: its framer, what was agreed, and the blocks of an answer that is not fetched yet."""

    def __init__(self, face: Face69845) -> None:
        self._face = face
        self._link: Codec[Link] = codec(Link, face.edition)
        self._apdu: Codec[Apdu] = codec(Apdu, face.edition)
        self._result: Codec[ResultNormal] = codec(ResultNormal, face.edition)
        self._framer: Framer[Link] = Framer(self._link, fill=b"\xfe", limit=FRAME_SIZE)
        self._size = APDU_SIZE
        self._blocks: list[tuple[ResultNormal, ...]] = []

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; answers to the requests that are now complete."""
        del now
        return self._answers(self._framer.receive(octets))

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: what is incomplete is given up."""
        del now
        return self._answers(self._framer.idle())

    def _answers(self, pieces: list[Any]) -> list[Answer]:
        if not self._face.meter.answers:
            return []
        answers = []
        for piece in pieces:
            answer = self._answer(piece.message) if isinstance(piece, Frame) else None
            if answer is not None:
                answers.append(answer)
        return answers

    # ------------------------------------------------------------ link layer

    def _answer(self, link: Link) -> Answer | None:
        own = self._face.meter.identity.address
        meant = address_in(link)
        if not _is_request(link.control) or meant.logic or not meant.matches(own):
            return None
        body = self._respond(link.user)
        if body is None or not meant.is_answered:
            return None
        flag, octets = _wire(own, self._face.edition)
        user = self._apdu.build(Apdu.of(body))
        control = _ANSWERING[link.control.scrambled]
        return Answer(self._link.build(Link(_LENGTH, control, flag, octets, link.client, user)))

    # ------------------------------------------------------------ services

    def _respond(self, user: bytes) -> Any:
        """The body of the answer to an APDU, None for none."""
        if user[:1] and user[0] in _UNANSWERED:
            return None
        try:
            request = self._apdu.parse(user)
        except MalformedError:
            return ServerErrorResponse(_piid_in(user), ErrorKind.UNPARSEABLE)
        if isinstance(request.body, get.GetRequest):
            asked = request.body.request
            serve = _GET.get(type(asked))
        else:
            asked = request.body
            serve = _SERVICES.get(type(asked))
        if serve is None:
            return ServerErrorResponse(_piid_in(user), ErrorKind.UNSUPPORTED)
        return serve(self, asked)

    def connect(self, request: ConnectRequest) -> ConnectResponse:
        """CONNECT: without security, or with the password; what needs a security chip is refused."""
        result = self._proven(request.mechanism)
        if result == ConnectResult.OK:
            theirs = min(request.apdu_size, request.receive_size - FRAME_COST)
            self._size = max(min(APDU_SIZE, theirs), LEAST_SIZE)
            self._blocks = []
        return ConnectResponse(
            _echo(request.piid),
            self._factory(),
            VERSION,
            _both(PROTOCOL, request.protocol),
            _both(FUNCTIONS, request.functions),
            FRAME_SIZE,
            FRAME_SIZE,
            1,
            APDU_SIZE,
            TIMEOUT,
            result,
        )

    def _factory(self) -> FactoryVersion:
        """Who made the meter; it does not say when."""
        maker, software, hardware = (_short(self._read(oad)) for oad in _VERSIONS)
        return FactoryVersion(maker, software, "000000", hardware, "000000", " " * 8)

    def _proven(self, mechanism: Variant) -> ConnectResult:
        if mechanism.tag == Mechanism.NULL:
            return ConnectResult.OK
        if mechanism.tag == Mechanism.SYMMETRY:
            return ConnectResult.SYMMETRIC_DECRYPTION_FAILED
        if mechanism.tag == Mechanism.SIGNATURE:
            return ConnectResult.ASYMMETRIC_DECRYPTION_FAILED
        given = mechanism.value if isinstance(mechanism.value, bytes) else mechanism.value.encode()
        right = hmac.compare_digest(given, self._face.meter.identity.secrets.dlt69845_password.encode())
        return ConnectResult.OK if right else ConnectResult.PASSWORD_WRONG

    def release(self, request: ReleaseRequest) -> ReleaseResponse:
        """RELEASE: back to what holds without a connection."""
        self._size, self._blocks = APDU_SIZE, []
        return ReleaseResponse(_echo(request.piid), ReleaseResult.OK)

    def get_normal(self, request: get.GetRequestNormal) -> get.GetResponse:
        """GET of one attribute."""
        self._blocks = []  # one result is never cut
        return get.GetResponse(get.GetResponseNormal(_echo(request.piid), self._read(request.oad)))

    def get_list(self, request: get.GetRequestNormalList) -> get.GetResponse:
        """GET of several attributes."""
        piid, results = _echo(request.piid), tuple(self._read(oad) for oad in request.oads)
        return self._whole(piid, results, get.GetResponseNormalList(piid, results))

    def get_next(self, request: get.GetRequestNext) -> get.GetResponse:
        """GET of the block behind the last one received; the last one sent may be asked for again."""
        piid = _echo(request.piid)
        if request.block < len(self._blocks):
            return self._block(piid, request.block)
        dar = Dar.DATA_BLOCK_NUMBER_INVALID if self._blocks else Dar.NOT_IN_FRAMED_TRANSFER
        return get.GetResponse(get.GetResponseNext(piid, last=True, block=request.block, result=Variant(0, dar)))

    def get_record(self, request: get.GetRequestRecord) -> get.GetResponse:
        """GET of a record table: the meter keeps none yet."""
        return get.GetResponse(get.GetResponseRecord(_echo(request.piid), _no_record(request.record)))

    def get_records(self, request: get.GetRequestRecordList) -> get.GetResponse:
        """GET of several record tables: the meter keeps none yet."""
        records = tuple(_no_record(record) for record in request.records)
        return get.GetResponse(get.GetResponseRecordList(_echo(request.piid), records))

    def _read(self, oad: Oad) -> ResultNormal:
        try:
            return ResultNormal(oad, Variant(1, attribute(self._face.meter, oad)))
        except Denied as denied:
            return ResultNormal(oad, Variant(0, denied.dar))

    # ------------------------------------------------------------ answers in blocks

    def _whole(self, piid: PiidAcd, results: tuple[ResultNormal, ...], response: Any) -> get.GetResponse:
        """The response where it fits, else the first of the blocks that it is cut into."""
        room = self._size - 16  # service, choice, PIID, block number, count and tails take less
        blocks: list[list[ResultNormal]] = [[]]
        used = 0
        for result in results:
            octets = len(self._result.build(result))
            if used + octets > room and blocks[-1]:
                blocks.append([])
                used = 0
            blocks[-1].append(result)
            used += octets
        if len(blocks) == 1:
            self._blocks = []
            return get.GetResponse(response)
        self._blocks = [tuple(block) for block in blocks]
        return self._block(piid, 0)

    def _block(self, piid: PiidAcd, place: int) -> get.GetResponse:
        last = place + 1 == len(self._blocks)
        found = Variant(1, self._blocks[place])
        return get.GetResponse(get.GetResponseNext(piid, last=last, block=place + 1, result=found))


_GET: Final[Mapping[type, Callable[..., Any]]] = {
    get.GetRequestNormal: Connection69845.get_normal,
    get.GetRequestNormalList: Connection69845.get_list,
    get.GetRequestNext: Connection69845.get_next,
    get.GetRequestRecord: Connection69845.get_record,
    get.GetRequestRecordList: Connection69845.get_records,
}
_SERVICES: Final[Mapping[type, Callable[..., Any]]] = {
    ConnectRequest: Connection69845.connect,
    ReleaseRequest: Connection69845.release,
}


@lru_cache(maxsize=256)
def _is_request(control: LinkControl) -> bool:
    """From a client, and whole: fragments are not put together yet, and get no answer."""
    if control.direction or control.fragment or not control.started_by_client:
        return False
    return control.function == Function.USER


@lru_cache(maxsize=4096)
def _wire(digits: str, edition: int) -> tuple[Flag17 | Flag21, bytes]:
    return Address(digits).wire(edition)


def _short(result: ResultNormal) -> str:
    """Four characters of a text, spaces where the meter does not have it."""
    text = result.result.value.value if result.result.tag else ""
    return str(text)[:4].encode("ascii", "replace").decode().ljust(4)


@lru_cache(maxsize=256)
def _echo(piid: Piid) -> PiidAcd:
    return PiidAcd(priority=piid.priority, access=0, number=piid.number)


def _piid_in(user: bytes) -> PiidAcd:
    """The PIID of an APDU that cannot be read: behind the service, and behind its choice where it has one."""
    place = 1 if user[:1] in (b"\x02", b"\x03") else 2
    octet = user[place] if len(user) > place else 0
    return PiidAcd(priority=octet >> 7, access=0, number=octet & 0x3F)


def _both(mine: bytes, theirs: bytes) -> bytes:
    return bytes(a & b for a, b in zip(mine, theirs, strict=True))


def _no_record(asked: get.GetRecord) -> ResultRecord:
    return ResultRecord(asked.oad, len(asked.columns), asked.columns, Variant(0, Dar.OBJECT_UNDEFINED))


__all__ = ["Connection69845", "Face69845"]
