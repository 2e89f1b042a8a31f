"""The client: connect, read by name or by descriptor, release; the same procedures for blocking code and asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from meterwire.errors import LocalProtocolError, MalformedError, Refused, SequenceError
from meterwire.protocols.dialogue import (
    IGNORED,
    AsyncFace,
    AsyncLine,
    Ignored,
    Line,
    Patience,
    Steps,
    SyncFace,
    exchange,
    procedure,
)
from meterwire.protocols.dlt69845.address import ANY, Address, address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu, Service
from meterwire.protocols.dlt69845.items import item, reading
from meterwire.protocols.dlt69845.link import EDITION, EDITIONS, FrameLength, Function, Link, LinkControl
from meterwire.protocols.dlt69845.services.common import Piid, ResultNormal
from meterwire.protocols.dlt69845.services.connect import (
    ConnectRequest,
    ConnectResponse,
    ConnectResult,
    ErrorKind,
    Mechanism,
    ReleaseRequest,
    ServerErrorResponse,
)
from meterwire.protocols.dlt69845.services.get import (
    GetRequest,
    GetRequestNext,
    GetRequestNormal,
    GetRequestNormalList,
    GetResponseNext,
    GetResponseNormal,
    GetResponseNormalList,
)
from meterwire.protocols.dlt69845.services.security import RefusedContent, SecurityResponse
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities.reading import METER_ZONE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from meterwire.protocols.dlt69845.descriptors import Oad
    from meterwire.quantities.reading import Reading

T = TypeVar("T")

VERSION: Final = 0x0016
"""Version of the protocol that is offered; 0016H is what captures show."""
WAKE: Final = b"\xfe"
"""What may stand in front of a frame on a serial line, four times."""
LIST_SIZE: Final = 16
"""Attributes asked for in one request."""


class Procedures:
    """What both clients can do.

    Args:
        line: where the meter is.
        address: the meter's address, as text or `Address`; without one whoever is there is asked, and the address of
            the first answer is used from then on.
        client: the client's own address (CA), 0 to 255.
        patience: tries, time-out, and what to tell people.
        edition: of the standard that the meter follows, 2017 or 2021.
        wake: FEH octets in front of each frame: 4 on a serial line, none over TCP.
        scrambled: whether to add 33H to the user data (SC).
        zone: of the meter's clock, which does not say it.
    """

    def __init__(
        self,
        line: Any,
        *,
        address: str | Address | None = None,
        client: int = 16,
        patience: Patience | None = None,
        edition: int = EDITION,
        wake: int = 0,
        scrambled: bool = False,
        zone: dt.tzinfo = METER_ZONE,
    ) -> None:
        if edition not in EDITIONS:
            raise LocalProtocolError(f"there is no edition {edition} of DL/T 698.45: {' or '.join(map(str, EDITIONS))}")
        if not 0 <= client <= 255:
            raise LocalProtocolError(f"a client address is a number from 0 to 255, not {client}")
        self.line = line
        self.address = _address(address)
        self.client, self.zone, self.edition = client, zone, edition
        self.patience = patience or Patience(peer=str(self.address))
        self.granted: ConnectResponse | None = None
        self._wake, self._scrambled = WAKE * wake, scrambled
        self._number = 0
        self._link, self._apdu = codec(Link, edition), codec(Apdu, edition)

    # ------------------------------------------------------------ procedures

    @procedure
    def connect(self) -> Steps[ConnectResponse]:
        """Make an application connection without security (CONNECT, mechanism Null); gives what the meter grants.

        A meter answers plain reads without one.

        Raises:
            Refused: with a `ConnectResult`, or an `ErrorKind`.
            NoAnswer: nothing usable came after all tries.
        """
        piid = self._next()
        body = ConnectRequest(
            piid, VERSION, b"\xff" * 8, b"\xff" * 16, 1024, 1024, 1, 1024, 7200, Variant(Mechanism.NULL, None)
        )

        def accept(answer: Any) -> ConnectResponse | Ignored:
            return answer if answer.piid.number == piid.number else IGNORED

        granted = yield from self._exchange(body, Service.CONNECT_RESPONSE, accept)
        if granted.result != ConnectResult.OK:
            raise Refused(granted.result)
        self.granted = granted
        return granted

    @procedure
    def release(self) -> Steps[None]:
        """End the application connection (RELEASE); nothing is sent where none was made."""
        if self.granted is None:
            return
        piid = self._next()

        def accept(answer: Any) -> bool | Ignored:
            return True if answer.piid.number == piid.number else IGNORED

        yield from self._exchange(ReleaseRequest(piid), Service.RELEASE_RESPONSE, accept)
        self.granted = None

    @procedure
    def get(self, oads: Sequence[Oad]) -> Steps[tuple[ResultNormal, ...]]:
        """Read attributes as the meter gives them, in the order asked for (GET normal, normal list and next).

        Raises:
            Refused: with an `ErrorKind`, or a `Dar` that stands for the whole answer.
            SequenceError: the blocks of a long answer do not follow each other, or it answers what was not asked.
            NoAnswer: nothing usable came after all tries.
        """
        if not oads:
            return ()
        piid, wanted = self._next(), tuple(oads)
        asked = GetRequestNormal(piid, wanted[0]) if len(wanted) == 1 else GetRequestNormalList(piid, wanted)

        def accept(answer: Any) -> GetResponseNext | Ignored:
            found = answer.response
            if found.piid.number != piid.number:
                return IGNORED
            if isinstance(found, GetResponseNext):
                return found if found.block == 1 else IGNORED
            results = _results(found)
            whole = GetResponseNext(found.piid, last=True, block=1, result=Variant(1, results))
            return whole if _answers(results, wanted) else IGNORED

        first = yield from self._exchange(GetRequest(asked), Service.GET_RESPONSE, accept)
        return (yield from self._blocks(first, wanted))

    @procedure
    def read_many(self, items: Sequence[str]) -> Steps[list[Reading]]:
        """Read items, each a neutral name or an OAD of eight hexadecimal digits; one reading for each, in their order.

        What the meter refuses has an `error` in place of a value.

        Raises:
            LocalProtocolError: an item is neither a quantity of DL/T 698.45 nor an OAD.
            Refused: the request as a whole, with an `ErrorKind`.
            NoAnswer: nothing usable came after all tries.
        """
        asked = [item(text) for text in items]
        results: list[ResultNormal] = []
        for start in range(0, len(asked), LIST_SIZE):
            oads = [one.oad for one in asked[start : start + LIST_SIZE]]
            results += yield from Procedures.get.steps(self, oads)
        return [reading(one, result, self.zone) for one, result in zip(asked, results, strict=True)]

    @procedure
    def read(self, item: str) -> Steps[Reading]:
        """Read one item, a neutral name or an OAD of eight hexadecimal digits; see `read_many`."""
        readings = yield from Procedures.read_many.steps(self, [item])
        return readings[0]

    # ------------------------------------------------------------ one exchange

    def _blocks(self, first: GetResponseNext, wanted: tuple[Oad, ...]) -> Steps[tuple[ResultNormal, ...]]:
        results: list[ResultNormal] = []
        block = first
        while True:
            if block.result.tag == 0:
                raise Refused(block.result.value)
            if block.result.tag != 1 or (not block.result.value and not block.last):
                raise SequenceError("a block without attributes in the answer to a read of attributes")
            results += block.result.value
            if block.last or len(results) > len(wanted):
                break
            block = yield from self._block(block.block)
        if not _answers(tuple(results), wanted):
            raise SequenceError("the blocks of the answer together are not what was asked for")
        return tuple(results)

    def _block(self, last: int) -> Steps[GetResponseNext]:
        piid = self._next()

        def accept(answer: Any) -> GetResponseNext | Ignored:
            found = answer.response
            if not isinstance(found, GetResponseNext) or found.piid.number != piid.number:
                return IGNORED
            if found.result.tag and found.block != last + 1:
                raise SequenceError(f"block {found.block} came where {last + 1} was due")
            return found

        found = yield from self._exchange(GetRequest(GetRequestNext(piid, last)), Service.GET_RESPONSE, accept)
        return found

    def _next(self) -> Piid:
        self._number = (self._number + 1) & 0x3F
        return Piid(number=self._number)

    def _exchange(self, body: Any, service: Service, accept: Callable[[Any], T | Ignored]) -> Steps[T]:
        number = body.piid.number if hasattr(body, "piid") else body.request.piid.number

        def take(frame: Frame[Link]) -> T | Ignored:
            link = frame.message
            if not self._is_answer(link):
                return IGNORED
            apdu = self._understood(link.user, service)
            if apdu is None:
                return IGNORED
            _refusal(apdu, number)
            result = accept(apdu.body) if apdu.service == service else IGNORED
            if not isinstance(result, Ignored):
                self._learn(link)
            return result

        framer = Framer(self._link, fill=WAKE)
        return (yield from exchange(self._frame(body), framer, take, self.patience, repeatable=True))

    def _frame(self, body: Any) -> bytes:
        flag, octets = self.address.wire(self.edition)
        control = LinkControl(started_by_client=1, scrambled=int(self._scrambled), function=Function.USER)
        user = self._apdu.build(Apdu.of(body))
        return self._wake + self._link.build(Link(FrameLength(), control, flag, octets, self.client, user))

    def _is_answer(self, link: Link) -> bool:
        """From the meter that was asked, to us; pieces of long answers are not put together yet."""
        control = link.control
        if not control.direction or not control.started_by_client or control.fragment:
            return False
        sender = address_in(link)
        mine = sender.logic == self.address.logic and self.address.matches(sender.digits)
        return mine and link.client in (self.client, 0)

    def _understood(self, user: bytes, service: Service) -> Apdu | None:
        """The APDU; what is none is the answer's fault where it begins like the answer, else somebody else's."""
        try:
            return self._apdu.parse(user)
        except MalformedError:
            if user[:1] == bytes([service]):
                raise
            return None

    def _learn(self, link: Link) -> None:
        if "A" in self.address.digits:
            self.address = address_in(link)


def _address(given: str | Address | None) -> Address:
    made = ANY if given is None else address(given) if isinstance(given, str) else given
    if not made.is_answered:
        raise LocalProtocolError(f"nobody answers at {made}: a client needs the address of one meter")
    return made


def _refusal(apdu: Apdu, number: int) -> None:
    body = apdu.body
    if isinstance(body, ServerErrorResponse) and (
        body.piid.number == number or body.error == ErrorKind.UNPARSEABLE  # who cannot read us cannot know the number
    ):
        raise Refused(body.error)
    if isinstance(body, SecurityResponse) and isinstance(body.content, RefusedContent):
        raise Refused(body.content.result)


def _results(answer: Any) -> tuple[ResultNormal, ...]:
    if isinstance(answer, GetResponseNormal):
        return (answer.result,)
    return answer.results if isinstance(answer, GetResponseNormalList) else ()


def _answers(results: tuple[ResultNormal, ...], wanted: tuple[Oad, ...]) -> bool:
    return tuple(result.oad for result in results) == wanted


class Meter69845(SyncFace, Procedures):
    """A meter that speaks DL/T 698.45, for blocking code."""

    line: Line


class AsyncMeter69845(AsyncFace, Procedures):
    """A meter that speaks DL/T 698.45, for asyncio."""

    line: AsyncLine
