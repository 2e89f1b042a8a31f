"""What changes a meter: SET, ACTION, and both followed by a GET. Nothing of it is sent twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from meterwire.errors import LocalProtocolError, Refused
from meterwire.protocols.dialogue import IGNORED, Ignored, Steps, procedure
from meterwire.protocols.dlt69845.apdu import Service
from meterwire.protocols.dlt69845.assignments import assignment, invocation
from meterwire.protocols.dlt69845.objects import ObjectTable, using
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.services import action
from meterwire.protocols.dlt69845.services import set as setting

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.services.action import (
        ActionItem,
        ActionResult,
        ActionThenGetItem,
        ActionThenGetResult,
    )
    from meterwire.protocols.dlt69845.services.set import SetItem, SetResult, SetThenGetItem, SetThenGetResult
    from meterwire.protocols.dlt69845.session import Session
    from meterwire.protocols.wire.nodes import Variant

Results = tuple[Any, ...]


class WriteProcedures:
    """SET and ACTION. An answer that is lost ends as `OutcomeUnknown`: read back before trying again."""

    session: Session
    objects: ObjectTable

    @procedure
    def set(self, items: Sequence[SetItem]) -> Steps[tuple[SetResult, ...]]:
        """Write attributes (SET normal or normal list); one result for each, in their order.

        Raises:
            Refused: the request as a whole, with an `ErrorKind` or a `Dar`.
            OutcomeUnknown: the answer was lost.
        """
        piid, wanted = self.session.next_piid(), tuple(items)
        asked = (
            setting.SetRequestNormal(piid, wanted[0])
            if len(wanted) == 1
            else setting.SetRequestNormalList(piid, wanted)
        )
        oads = tuple(item.oad for item in wanted)
        whole: Accepted = {
            setting.SetResponseNormal: lambda found: (found.result,),
            setting.SetResponseNormalList: lambda found: found.results,
        }
        return (
            yield from _changed(
                self.session,
                setting.SetRequest(asked),
                Service.SET_RESPONSE,
                whole,
                oads,
                lambda results: tuple(result.oad for result in results),
            )
        )

    @procedure
    def set_then_get(self, items: Sequence[SetThenGetItem]) -> Steps[tuple[SetThenGetResult, ...]]:
        """Write attributes and then read others (SET then GET); one result for each.

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown: the answer was lost.
        """
        wanted = tuple(items)
        asked = setting.SetThenGetRequest(self.session.next_piid(), wanted)
        return (
            yield from _changed(
                self.session,
                setting.SetRequest(asked),
                Service.SET_RESPONSE,
                {setting.SetThenGetResponse: lambda found: found.results},
                tuple((item.item.oad, item.get) for item in wanted),
                lambda results: tuple((result.result.oad, result.get.oad) for result in results),
            )
        )

    @procedure
    def action(self, items: Sequence[ActionItem]) -> Steps[tuple[ActionResult, ...]]:
        """Run methods (ACTION normal or normal list); one result for each, in their order.

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown: the answer was lost.
        """
        piid, wanted = self.session.next_piid(), tuple(items)
        asked = (
            action.ActionRequestNormal(piid, wanted[0]) if len(wanted) == 1 else action.ActionRequestList(piid, wanted)
        )
        return (
            yield from _changed(
                self.session,
                action.ActionRequest(asked),
                Service.ACTION_RESPONSE,
                {
                    action.ActionResponseNormal: lambda found: (found.result,),
                    action.ActionResponseList: lambda found: found.results,
                },
                tuple(item.omd for item in wanted),
                lambda results: tuple(result.omd for result in results),
            )
        )

    @procedure
    def action_then_get(self, items: Sequence[ActionThenGetItem]) -> Steps[tuple[ActionThenGetResult, ...]]:
        """Run methods and then read attributes (ACTION then GET); one result for each.

        Raises:
            Refused: the request as a whole.
            OutcomeUnknown: the answer was lost.
        """
        wanted = tuple(items)
        asked = action.ActionThenGetRequest(self.session.next_piid(), wanted)
        return (
            yield from _changed(
                self.session,
                action.ActionRequest(asked),
                Service.ACTION_RESPONSE,
                {action.ActionThenGetResponse: lambda found: found.results},
                tuple((item.item.omd, item.get) for item in wanted),
                lambda results: tuple((result.result.omd, result.get.oad) for result in results),
            )
        )

    @procedure
    def write(self, item: SetItem) -> Steps[None]:
        """Write one attribute; a refusal is raised.

        Raises:
            Refused: with the `Dar`, in words.
            OutcomeUnknown: the answer was lost.
        """
        (result,) = yield from WriteProcedures.set.steps(self, [item])
        if result.result:
            raise Refused(result.result, words(result.result))

    @procedure
    def act(self, item: ActionItem) -> Steps[Variant | None]:
        """Run one method and give what it returns, None for nothing; a refusal is raised.

        Raises:
            Refused: with the `Dar`, in words.
            OutcomeUnknown: the answer was lost.
        """
        (result,) = yield from WriteProcedures.action.steps(self, [item])
        if result.result:
            raise Refused(result.result, words(result.result))
        value: Variant | None = result.value
        return value

    @procedure
    def write_text(self, item: str, text: str) -> Steps[None]:
        """Write one attribute as a person names and writes it.

        Args:
            item: a neutral name, or an OAD of eight hexadecimal digits.
            text: the value in the unit that a read gives, or with its type in front; see `entered`.

        Raises:
            LocalProtocolError: there is no such item, or the text is no value of it.
            Refused: with the `Dar`, in words.
            OutcomeUnknown: the answer was lost.
        """
        with using(self.objects):
            wanted = assignment(item, text)
        yield from WriteProcedures.write.steps(self, wanted)

    @procedure
    def act_text(self, method: str, text: str = "") -> Steps[Variant | None]:
        """Run one method as a person names it, and give what it returns.

        Args:
            method: an OMD of eight hexadecimal digits, or object and name of the method: `8000.trip`.
            text: its parameter, by the type that the table has or with its type in front; see `entered`.

        Raises:
            LocalProtocolError: there is no such method, or the text is no parameter of it.
            Refused: with the `Dar`, in words.
            OutcomeUnknown: the answer was lost.
        """
        with using(self.objects):
            wanted = invocation(method, text)
        return (yield from WriteProcedures.act.steps(self, wanted))


Accepted = dict[type, Callable[[Any], Results]]
"""Which responses are the answer, and where their results are."""


def _changed(
    session: Session,
    body: Any,
    service: Service,
    accepted: Accepted,
    wanted: Results,
    items_of: Callable[[Results], Results],
) -> Steps[Results]:
    """Send once; the results must be of what was asked, in its order."""
    if not wanted:
        raise LocalProtocolError("nothing to do: name at least one attribute or method")
    number = body.request.piid.number

    def accept(answer: Any) -> Results | Ignored:
        found = answer.response
        if found.piid.number != number or type(found) not in accepted:
            return IGNORED
        results = accepted[type(found)](found)
        return results if items_of(results) == wanted else IGNORED

    return (yield from session.exchange(body, service, accept, repeatable=False))
