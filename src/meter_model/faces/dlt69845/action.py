"""ACTION of the DL/T 698.45 face: one method, several, and several each with a reading behind it; see SET."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from meterwire.meter_model.faces.dlt69845.association import LONGEST_APDU
from meterwire.meter_model.faces.dlt69845.context import Context, Handler, echo
from meterwire.meter_model.faces.dlt69845.get import result_of
from meterwire.meter_model.faces.dlt69845.methods import act
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services.action import (
    ActionItem,
    ActionRequestList,
    ActionRequestNormal,
    ActionResponse,
    ActionResponseList,
    ActionResponseNormal,
    ActionResult,
    ActionThenGetRequest,
    ActionThenGetResponse,
    ActionThenGetResult,
)


def action_normal(context: Context, request: ActionRequestNormal) -> ActionResponse:
    """ACTION of one method."""
    return ActionResponse(ActionResponseNormal(echo(request.piid), _run(context, request.item)))


def action_list(context: Context, request: ActionRequestList) -> ActionResponse:
    """ACTION of several methods."""
    results = tuple(_run(context, item) for item in request.items)
    return ActionResponse(ActionResponseList(echo(request.piid), results))


def action_then_get(context: Context, request: ActionThenGetRequest) -> ActionResponse:
    """ACTION of several methods, each with a reading."""
    results = tuple(ActionThenGetResult(_run(context, one.item), result_of(context, one.get)) for one in request.items)
    return ActionResponse(ActionThenGetResponse(echo(request.piid), results))


def _run(context: Context, item: ActionItem) -> ActionResult:
    try:
        value = act(context, item.omd, item.parameters)
    except Denied as denied:
        return ActionResult(item.omd, denied.dar)
    context.changed = True
    if value is not None and len(context.codec(DATA).build(value)) > LONGEST_APDU:
        return ActionResult(item.omd, Dar.DATA_BLOCK_UNAVAILABLE)  # it can be asked for in parts
    return ActionResult(item.omd, Dar.SUCCESS, value)


SERVICES: Final[Mapping[type, Handler]] = {
    ActionRequestNormal: action_normal,
    ActionRequestList: action_list,
    ActionThenGetRequest: action_then_get,
}
