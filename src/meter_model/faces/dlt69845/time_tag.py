"""Time tags of the DL/T 698.45 face: a request that was too long on its way is not served (DAR 32, time tag invalid).

Which form the refusal of a whole request takes is recalled, not read: the DAR stands where the answer has room for it,
else an ERROR-Response does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services import action, get
from meterwire.protocols.dlt69845.services import set as setting
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.connect import ErrorKind, ServerErrorResponse
from meterwire.protocols.dlt69845.time_tags import holds
from meterwire.protocols.wire.nodes import Variant

_LATE: Final = Dar.TIME_TAG_INVALID
_NOTHING: Final = Variant(0, _LATE)


def expired(context: Context, body: Any) -> bool:
    """Whether the request has a time tag that does not hold now."""
    return getattr(body, "time_tag", None) is not None and not holds(body, context.now())


def _get_normal(piid: PiidAcd, asked: get.GetRequestNormal) -> Any:
    return get.GetResponse(get.GetResponseNormal(piid, ResultNormal(asked.oad, _NOTHING)))


def _get_list(piid: PiidAcd, asked: get.GetRequestNormalList) -> Any:
    return get.GetResponse(get.GetResponseNormalList(piid, tuple(ResultNormal(oad, _NOTHING) for oad in asked.oads)))


def _record(asked: get.GetRecord) -> ResultRecord:
    return ResultRecord(asked.oad, len(asked.columns), asked.columns, _NOTHING)


def _get_record(piid: PiidAcd, asked: get.GetRequestRecord) -> Any:
    return get.GetResponse(get.GetResponseRecord(piid, _record(asked.record)))


def _get_records(piid: PiidAcd, asked: get.GetRequestRecordList) -> Any:
    return get.GetResponse(get.GetResponseRecordList(piid, tuple(_record(one) for one in asked.records)))


def _get_next(piid: PiidAcd, asked: get.GetRequestNext) -> Any:
    return get.GetResponse(get.GetResponseNext(piid, last=True, block=asked.block, result=_NOTHING))


def _set_normal(piid: PiidAcd, asked: setting.SetRequestNormal) -> Any:
    return setting.SetResponse(setting.SetResponseNormal(piid, setting.SetResult(asked.item.oad, _LATE)))


def _act_normal(piid: PiidAcd, asked: action.ActionRequestNormal) -> Any:
    return action.ActionResponse(action.ActionResponseNormal(piid, action.ActionResult(asked.item.omd, _LATE, None)))


_REFUSALS: Final[Mapping[type, Callable[[PiidAcd, Any], Any]]] = {
    get.GetRequestNormal: _get_normal,
    get.GetRequestNormalList: _get_list,
    get.GetRequestRecord: _get_record,
    get.GetRequestRecordList: _get_records,
    get.GetRequestNext: _get_next,
    setting.SetRequestNormal: _set_normal,
    action.ActionRequestNormal: _act_normal,
}


def late(body: Any, piid: PiidAcd) -> Any:
    """The body of the answer to a request whose time tag does not hold."""
    asked = getattr(body, "request", body)
    refuse = _REFUSALS.get(type(asked))
    return ServerErrorResponse(piid, ErrorKind.OTHER) if refuse is None else refuse(piid, asked)
