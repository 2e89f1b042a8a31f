"""GET with logical names: request and response in all their forms (DLMS UA 1000-2, 9.3.6 and 9.5)."""

from typing import Final

from meterwire.protocols.dlms.xdlms.common import (
    DATA_OR_ERROR,
    AttributeDescriptor,
    Invoke,
    ResultBlock,
    SelectiveAccess,
)
from meterwire.protocols.wire.declare import field, message, named
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, U32, Choice, Many, Maybe, Variant


@message(cite="DLMS UA 1000-2, 9.5, Cosem-Attribute-Descriptor-With-Selection")
class SelectedAttribute:
    """An attribute, or a part of it."""

    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")
    selection: SelectiveAccess | None = field(Maybe(SelectiveAccess), "access selection", default=None)


@message(cite="DLMS UA 1000-2, 9.5, Get-Request-Normal")
class GetRequestNormal:
    """Asks for one attribute."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")
    selection: SelectiveAccess | None = field(Maybe(SelectiveAccess), "access selection", default=None)


@message(cite="DLMS UA 1000-2, 9.5, Get-Request-Next")
class GetRequestNext:
    """Asks for the block behind the one with this number."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: int = field(U32, "block number received last")


@message(cite="DLMS UA 1000-2, 9.5, Get-Request-With-List")
class GetRequestWithList:
    """Asks for several attributes at once."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    attributes: tuple[SelectedAttribute, ...] = field(Many(AXDR_LENGTH, SelectedAttribute), "attribute descriptors")


@message(cite="DLMS UA 1000-2, 9.5, Get-Response-Normal")
class GetResponseNormal:
    """The attribute, or why it cannot be had."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    result: Variant = field(DATA_OR_ERROR, "result")


@message(cite="DLMS UA 1000-2, 9.5, Get-Response-With-Datablock")
class GetResponseWithDatablock:
    """One block of a long answer."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: ResultBlock = field(ResultBlock, "data block")


@message(cite="DLMS UA 1000-2, 9.5, Get-Response-With-List")
class GetResponseWithList:
    """A result for each attribute asked for, in order."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    results: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA_OR_ERROR), "results")


GET_REQUEST: Final = named(
    "dlms.GetRequest",
    Choice(U8, {1: GetRequestNormal, 2: GetRequestNext, 3: GetRequestWithList}),
    doc="GET-request: normal, next or with list",
    cite="DLMS UA 1000-2, 9.5, Get-Request",
)
GET_RESPONSE: Final = named(
    "dlms.GetResponse",
    Choice(U8, {1: GetResponseNormal, 2: GetResponseWithDatablock, 3: GetResponseWithList}),
    doc="GET-response: normal, with data block or with list",
    cite="DLMS UA 1000-2, 9.5, Get-Response",
)

RESULT_LIST: Final = named(
    "dlms.GetResultList",
    Many(AXDR_LENGTH, DATA_OR_ERROR),
    doc="What the blocks of a long answer to a GET with list hold together",
    cite="DLMS UA 1000-2, 9.3.6 (block transfer with list)",
)

GetRequest = GetRequestNormal | GetRequestNext | GetRequestWithList
GetResponse = GetResponseNormal | GetResponseWithDatablock | GetResponseWithList
