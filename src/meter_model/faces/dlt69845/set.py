"""SET of the DL/T 698.45 face: one attribute, several, and several each with a reading behind it.

Each attribute is written or refused for itself, in the order of the request; a refused one has changed nothing. The
meter reads at once where a request wants to be read after a delay: nothing that is written takes longer to hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from meterwire.meter_model.faces.dlt69845.attributes import write
from meterwire.meter_model.faces.dlt69845.context import Context, Handler, echo
from meterwire.meter_model.faces.dlt69845.get import result_of
from meterwire.meter_model.faces.dlt69845.rights import author, authorise, refuse_without_power
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services.set import (
    SetItem,
    SetRequestNormal,
    SetRequestNormalList,
    SetResponse,
    SetResponseNormal,
    SetResponseNormalList,
    SetResult,
    SetThenGetRequest,
    SetThenGetResponse,
    SetThenGetResult,
)


def set_normal(context: Context, request: SetRequestNormal) -> SetResponse:
    """SET of one attribute."""
    return SetResponse(SetResponseNormal(echo(request.piid), _put(context, request.item)))


def set_list(context: Context, request: SetRequestNormalList) -> SetResponse:
    """SET of several attributes."""
    results = tuple(_put(context, item) for item in request.items)
    return SetResponse(SetResponseNormalList(echo(request.piid), results))


def set_then_get(context: Context, request: SetThenGetRequest) -> SetResponse:
    """SET of several attributes, each with a reading."""
    results = tuple(SetThenGetResult(_put(context, one.item), result_of(context, one.get)) for one in request.items)
    return SetResponse(SetThenGetResponse(echo(request.piid), results))


def _put(context: Context, item: SetItem) -> SetResult:
    try:
        refuse_without_power(context)
        authorise(context)
        write(context.meter, item.oad, item.value, author(context, item.oad))
    except Denied as denied:
        return SetResult(item.oad, denied.dar)
    context.changed = True
    return SetResult(item.oad, Dar.SUCCESS)


SERVICES: Final[Mapping[type, Handler]] = {
    SetRequestNormal: set_normal,
    SetRequestNormalList: set_list,
    SetThenGetRequest: set_then_get,
}
