"""PROXY: what a concentrator does for its client on the meters behind it, and octets through its ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from meterwire.errors import LocalProtocolError, Refused
from meterwire.protocols.dialogue import IGNORED, Ignored, Steps, procedure
from meterwire.protocols.dlt69845.apdu import Service
from meterwire.protocols.dlt69845.data import Baud, FlowControl, Parity, PortSettings
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.selecting import tsa
from meterwire.protocols.dlt69845.services import proxied, proxy

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.descriptors import Oad
    from meterwire.protocols.dlt69845.services.action import (
        ActionItem,
        ActionResult,
        ActionThenGetItem,
        ActionThenGetResult,
    )
    from meterwire.protocols.dlt69845.services.common import ResultNormal, ResultRecord
    from meterwire.protocols.dlt69845.services.get import GetRecord
    from meterwire.protocols.dlt69845.services.set import SetItem, SetResult, SetThenGetItem, SetThenGetResult
    from meterwire.protocols.dlt69845.session import Session

R = TypeVar("R")
Answers = dict[str, tuple[R, ...]]
"""Results by address as it was asked for; a meter that the concentrator leaves out has none."""
TIMEOUT: Final = 60
"""Seconds that a concentrator is given for all meters where nothing else is said."""
PORT: Final = PortSettings(Baud.B9600, Parity.EVEN, 8, 1, FlowControl.NONE)
"""Settings of a meter's RS-485 port."""


class ProxyProcedures:
    """PROXY 1 to 8. The patience of the client must be longer than the time the concentrator is given."""

    session: Session

    @procedure
    def proxy_get(
        self, wanted: Mapping[str, Sequence[Oad]], timeout: int = TIMEOUT, each: int = 0
    ) -> Steps[Answers[ResultNormal]]:
        """Read attributes from several meters (PROXY 1).

        Args:
            wanted: attributes by address of the meter.
            timeout: seconds for all meters.
            each: seconds for one meter, 0 as the concentrator likes.

        Raises:
            Refused: the request as a whole.
            NoAnswer: nothing usable came after all tries.
        """
        servers = tuple(proxy.ProxyGet(tsa(one), each, tuple(oads)) for one, oads in wanted.items())
        asked = proxy.ProxyGetRequestList(self.session.next_piid(), timeout, servers)
        found = yield from _asked(self.session, asked, proxied.ProxyGetResponseList)
        return _by_address(wanted, found.servers)

    @procedure
    def proxy_record(self, server: str, record: GetRecord, timeout: int = TIMEOUT) -> Steps[ResultRecord]:
        """Read rows of a record table from one meter (PROXY 2); the answer comes whole.

        Raises:
            Refused: the request as a whole, or the record table, with the `Dar`.
            NoAnswer: nothing usable came after all tries.
        """
        asked = proxy.ProxyGetRequestRecord(self.session.next_piid(), timeout, tsa(server), record)
        found = yield from _asked(self.session, asked, proxied.ProxyGetResponseRecord)
        result = cast("ResultRecord", found.record)
        if result.result.tag == 0:
            raise Refused(result.result.value, words(result.result.value))
        return result

    @procedure
    def proxy_set(
        self, wanted: Mapping[str, Sequence[SetItem]], timeout: int = TIMEOUT, each: int = 0
    ) -> Steps[Answers[SetResult]]:
        """Write attributes to several meters (PROXY 3); never repeated.

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown: the answer was lost.
        """
        servers = tuple(proxy.ProxySet(tsa(one), each, tuple(items)) for one, items in wanted.items())
        asked = proxy.ProxySetRequestList(self.session.next_piid(), timeout, servers)
        found = yield from _asked(self.session, asked, proxied.ProxySetResponseList, repeatable=False)
        return _by_address(wanted, found.servers)

    @procedure
    def proxy_set_then_get(
        self, wanted: Mapping[str, Sequence[SetThenGetItem]], timeout: int = TIMEOUT, each: int = 0
    ) -> Steps[Answers[SetThenGetResult]]:
        """Write attributes to several meters and then read others (PROXY 4); never repeated.

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown: the answer was lost.
        """
        servers = tuple(proxy.ProxySetThenGet(tsa(one), each, tuple(items)) for one, items in wanted.items())
        asked = proxy.ProxySetThenGetRequestList(self.session.next_piid(), timeout, servers)
        found = yield from _asked(self.session, asked, proxied.ProxySetThenGetResponseList, repeatable=False)
        return _by_address(wanted, found.servers)

    @procedure
    def proxy_action(
        self, wanted: Mapping[str, Sequence[ActionItem]], timeout: int = TIMEOUT, each: int = 0
    ) -> Steps[Answers[ActionResult]]:
        """Run methods on several meters (PROXY 5); never repeated.

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown: the answer was lost.
        """
        servers = tuple(proxy.ProxyAction(tsa(one), each, tuple(items)) for one, items in wanted.items())
        asked = proxy.ProxyActionRequestList(self.session.next_piid(), timeout, servers)
        found = yield from _asked(self.session, asked, proxied.ProxyActionResponseList, repeatable=False)
        return _by_address(wanted, found.servers)

    @procedure
    def proxy_action_then_get(
        self, wanted: Mapping[str, Sequence[ActionThenGetItem]], timeout: int = TIMEOUT, each: int = 0
    ) -> Steps[Answers[ActionThenGetResult]]:
        """Run methods on several meters and then read attributes (PROXY 6); never repeated.

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown: the answer was lost.
        """
        servers = tuple(proxy.ProxyActionThenGet(tsa(one), each, tuple(items)) for one, items in wanted.items())
        asked = proxy.ProxyActionThenGetRequestList(self.session.next_piid(), timeout, servers)
        found = yield from _asked(self.session, asked, proxied.ProxyActionThenGetResponseList, repeatable=False)
        return _by_address(wanted, found.servers)

    @procedure
    def pass_through(
        self,
        octets: bytes,
        port: Oad,
        settings: PortSettings = PORT,
        timeout: int = TIMEOUT,
        gap: int = 100,
        *,
        repeatable: bool = False,
    ) -> Steps[bytes]:
        """Send octets through a port as they are and give what comes back (PROXY 7).

        Args:
            octets: such as a frame of DL/T 645.
            port: F2010201 for the first RS-485 port, F2090201 for the module.
            settings: of the port.
            timeout: seconds to wait for the answer.
            gap: milliseconds of silence that end it.
            repeatable: whether the octets only read, so that they may be sent again.

        Raises:
            Refused: with the `Dar`.
            OutcomeUnknown, NoAnswer: the answer was lost.
        """
        asked = proxy.ProxyTransparent(self.session.next_piid(), port, settings, timeout, gap, octets)
        found = yield from _asked(self.session, asked, proxied.ProxyTransparentResponse, repeatable=repeatable)
        if found.result.tag == 0:
            raise Refused(found.result.value, words(found.result.value))
        return cast("bytes", found.result.value)

    @procedure
    def pass_inside(
        self, commands: Sequence[proxy.InnerCommand], *, repeatable: bool = False
    ) -> Steps[tuple[proxied.InnerResult, ...]]:
        """Pass octets to logical devices of the same meter (PROXY 8, of 2021).

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown, NoAnswer: the answer was lost.
        """
        asked = proxy.ProxyInner(self.session.next_piid(), tuple(commands))
        found = yield from _asked(self.session, asked, proxied.ProxyInnerResponse, repeatable=repeatable)
        return cast("tuple[proxied.InnerResult, ...]", found.results)


def _asked(session: Session, asked: Any, answer: type[Any], *, repeatable: bool = True) -> Steps[Any]:
    if getattr(asked, "servers", asked) == ():
        raise LocalProtocolError("name at least one meter")

    def accept(body: Any) -> Any | Ignored:
        found = body.response
        mine: bool = isinstance(found, answer) and found.piid.number == asked.piid.number
        return found if mine else IGNORED

    body = proxy.ProxyRequest(asked)
    return (yield from session.exchange(body, Service.PROXY_RESPONSE, accept, repeatable=repeatable))


def _by_address(wanted: Mapping[str, Any], servers: Sequence[Any]) -> dict[str, tuple[Any, ...]]:
    """Results by address; concentrators differ in the flag octet, so that the digits decide."""
    names = {tsa(one)[1:]: one for one in wanted}
    return {names[one.server[1:]]: one.results for one in servers if one.server[1:] in names}
