"""The services of the server: what each request needs to have been agreed on, and who serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from meterwire.meter_model.faces.dlms import access as dlms_access
from meterwire.meter_model.faces.dlms import action as dlms_action
from meterwire.meter_model.faces.dlms import get as dlms_get
from meterwire.meter_model.faces.dlms import set as dlms_set
from meterwire.meter_model.faces.dlms import short_name_services as dlms_short_names
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.xdlms import access, action, get, short_names
from meterwire.protocols.dlms.xdlms import set as set_

UNANSWERED: Final = frozenset(
    {
        ApduTag.INITIATE_RESPONSE,
        ApduTag.READ_RESPONSE,
        ApduTag.WRITE_RESPONSE,
        ApduTag.CONFIRMED_SERVICE_ERROR,
        ApduTag.DATA_NOTIFICATION,
        ApduTag.INFORMATION_REPORT,
        ApduTag.EVENT_NOTIFICATION,
        ApduTag.AARE,
        ApduTag.RLRE,
        ApduTag.GET_RESPONSE,
        ApduTag.SET_RESPONSE,
        ApduTag.ACTION_RESPONSE,
        ApduTag.EXCEPTION_RESPONSE,
        ApduTag.ACCESS_RESPONSE,
    }
)
"""What a server sends, so that an answer to it would never end."""


class Service(msgspec.Struct, frozen=True):
    """One form of a request.

    Attributes:
        needs: bits of the conformance block.
        serve: makes the answer; None for none.
        silent: whether the service class of its invoke id can ask for no answer.
        answered: whether no answer from `serve` means that it could not be served.
    """

    needs: tuple[str, ...]
    serve: Callable[[Any, Any], Any]
    silent: bool = False
    answered: bool = True


_SET_BLOCKS: Final = ("set", "block_transfer_with_set")
_ACTION_BLOCKS: Final = ("action", "block_transfer_with_action")

SERVICES: Final[Mapping[type, Service]] = {
    get.GetRequestNormal: Service(("get",), dlms_get.normal),
    get.GetRequestNext: Service(("get",), dlms_get.following),
    get.GetRequestWithList: Service(("get", "multiple_references"), dlms_get.with_list),
    set_.SetRequestNormal: Service(("set",), dlms_set.normal, silent=True),
    set_.SetRequestWithFirstDatablock: Service(_SET_BLOCKS, dlms_set.first_block),
    set_.SetRequestWithDatablock: Service(_SET_BLOCKS, dlms_set.next_block),
    set_.SetRequestWithList: Service(("set", "multiple_references"), dlms_set.with_list, silent=True),
    set_.SetRequestWithListAndFirstDatablock: Service((*_SET_BLOCKS, "multiple_references"), dlms_set.first_block),
    action.ActionRequestNormal: Service(("action",), dlms_action.normal, silent=True),
    action.ActionRequestNextPblock: Service(_ACTION_BLOCKS, dlms_action.following),
    action.ActionRequestWithList: Service(("action", "multiple_references"), dlms_action.with_list, silent=True),
    action.ActionRequestWithFirstPblock: Service(_ACTION_BLOCKS, dlms_action.first_block),
    action.ActionRequestWithListAndFirstPblock: Service(
        (*_ACTION_BLOCKS, "multiple_references"), dlms_action.first_block
    ),
    action.ActionRequestWithPblock: Service(_ACTION_BLOCKS, dlms_action.next_block),
    access.AccessRequest: Service(("access",), dlms_access.serve, silent=True),
    short_names.ReadRequest: Service(("read",), dlms_short_names.read),
    short_names.WriteRequest: Service(("write",), dlms_short_names.write),
    short_names.UnconfirmedWriteRequest: Service(
        ("unconfirmed_write",), dlms_short_names.unconfirmed_write, answered=False
    ),
}
"""What serves each form of a request; one that is not here gets an exception response."""

CONTINUED: Final = frozenset(
    {
        get.GetRequestNext,
        set_.SetRequestWithDatablock,
        action.ActionRequestNextPblock,
        action.ActionRequestWithPblock,
        short_names.ReadRequest,
        short_names.WriteRequest,
    }
)
"""Requests that go on with what another one began; READ and WRITE see for themselves whether they do."""
