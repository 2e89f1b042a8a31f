"""SET with logical names: request and response in all their forms (DLMS UA 1000-2, 9.3.7 and 9.5)."""

from typing import Final

from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor, Invoke, RequestBlock, SelectiveAccess
from meterwire.protocols.dlms.xdlms.get import SelectedAttribute
from meterwire.protocols.wire.declare import field, message, named
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, U32, Choice, Enum, Many, Maybe, Variant

_RESULT = Enum(U8, DataAccessResult)


@message(cite="DLMS UA 1000-2, 9.5, Set-Request-Normal")
class SetRequestNormal:
    """Sets one attribute."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")
    selection: SelectiveAccess | None = field(Maybe(SelectiveAccess), "access selection")
    value: Variant = field(DATA, "value")


@message(cite="DLMS UA 1000-2, 9.5, Set-Request-With-First-Datablock")
class SetRequestWithFirstDatablock:
    """Begins to set one attribute to a value that needs several blocks."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")
    selection: SelectiveAccess | None = field(Maybe(SelectiveAccess), "access selection")
    block: RequestBlock = field(RequestBlock, "data block")


@message(cite="DLMS UA 1000-2, 9.5, Set-Request-With-Datablock")
class SetRequestWithDatablock:
    """A further block."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: RequestBlock = field(RequestBlock, "data block")


@message(cite="DLMS UA 1000-2, 9.5, Set-Request-With-List")
class SetRequestWithList:
    """Sets several attributes at once."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    attributes: tuple[SelectedAttribute, ...] = field(Many(AXDR_LENGTH, SelectedAttribute), "attribute descriptors")
    values: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA), "values")


@message(cite="DLMS UA 1000-2, 9.5, Set-Request-With-List-And-First-Datablock")
class SetRequestWithListAndFirstDatablock:
    """Begins to set several attributes, with values that need several blocks."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    attributes: tuple[SelectedAttribute, ...] = field(Many(AXDR_LENGTH, SelectedAttribute), "attribute descriptors")
    block: RequestBlock = field(RequestBlock, "data block")


@message(cite="DLMS UA 1000-2, 9.5, Set-Response-Normal")
class SetResponseNormal:
    """Whether the attribute was set."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    result: int = field(_RESULT, "result")


@message(cite="DLMS UA 1000-2, 9.5, Set-Response-Datablock")
class SetResponseDatablock:
    """Acknowledges a block that is not the last."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: int = field(U32, "block number")


@message(cite="DLMS UA 1000-2, 9.5, Set-Response-Last-Datablock")
class SetResponseLastDatablock:
    """Whether the attribute was set, after its last block."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    result: int = field(_RESULT, "result")
    block: int = field(U32, "block number")


@message(cite="DLMS UA 1000-2, 9.5, Set-Response-Last-Datablock-With-List")
class SetResponseLastDatablockWithList:
    """Which attributes were set, after the last block."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    results: tuple[int, ...] = field(Many(AXDR_LENGTH, _RESULT), "results")
    block: int = field(U32, "block number")


@message(cite="DLMS UA 1000-2, 9.5, Set-Response-With-List")
class SetResponseWithList:
    """Which attributes were set."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    results: tuple[int, ...] = field(Many(AXDR_LENGTH, _RESULT), "results")


SET_REQUEST: Final = named(
    "dlms.SetRequest",
    Choice(
        U8,
        {
            1: SetRequestNormal,
            2: SetRequestWithFirstDatablock,
            3: SetRequestWithDatablock,
            4: SetRequestWithList,
            5: SetRequestWithListAndFirstDatablock,
        },
    ),
    doc="SET-request in one of its forms",
    cite="DLMS UA 1000-2, 9.5, Set-Request",
)
SET_RESPONSE: Final = named(
    "dlms.SetResponse",
    Choice(
        U8,
        {
            1: SetResponseNormal,
            2: SetResponseDatablock,
            3: SetResponseLastDatablock,
            4: SetResponseLastDatablockWithList,
            5: SetResponseWithList,
        },
    ),
    doc="SET-response in one of its forms",
    cite="DLMS UA 1000-2, 9.5, Set-Response",
)
