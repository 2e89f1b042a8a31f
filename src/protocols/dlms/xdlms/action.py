"""ACTION with logical names: request and response in all their forms (DLMS UA 1000-2, 9.3.8 and 9.5)."""

from typing import Final

from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import ActionResult
from meterwire.protocols.dlms.xdlms.common import DATA_OR_ERROR, Invoke, MethodDescriptor, RequestBlock
from meterwire.protocols.wire.declare import field, message, named
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, U32, Choice, Enum, Many, Maybe, Variant


@message(cite="DLMS UA 1000-2, 9.5, Action-Request-Normal")
class ActionRequestNormal:
    """Invokes one method."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    descriptor: MethodDescriptor = field(MethodDescriptor, "method descriptor")
    parameters: Variant | None = field(Maybe(DATA), "method invocation parameters", default=None)


@message(cite="DLMS UA 1000-2, 9.5, Action-Request-Next-Pblock")
class ActionRequestNextPblock:
    """Asks for the block behind the one with this number."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: int = field(U32, "block number received last")


@message(cite="DLMS UA 1000-2, 9.5, Action-Request-With-List")
class ActionRequestWithList:
    """Invokes several methods."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    methods: tuple[MethodDescriptor, ...] = field(Many(AXDR_LENGTH, MethodDescriptor), "method descriptors")
    parameters: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA), "method invocation parameters")


@message(cite="DLMS UA 1000-2, 9.5, Action-Request-With-First-Pblock")
class ActionRequestWithFirstPblock:
    """Begins to invoke a method whose parameters need several blocks."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    descriptor: MethodDescriptor = field(MethodDescriptor, "method descriptor")
    block: RequestBlock = field(RequestBlock, "parameter block")


@message(cite="DLMS UA 1000-2, 9.5, Action-Request-With-List-And-First-Pblock")
class ActionRequestWithListAndFirstPblock:
    """Begins to invoke several methods whose parameters need several blocks."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    methods: tuple[MethodDescriptor, ...] = field(Many(AXDR_LENGTH, MethodDescriptor), "method descriptors")
    block: RequestBlock = field(RequestBlock, "parameter block")


@message(cite="DLMS UA 1000-2, 9.5, Action-Request-With-Pblock")
class ActionRequestWithPblock:
    """A further block."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: RequestBlock = field(RequestBlock, "parameter block")


@message(cite="DLMS UA 1000-2, 9.5, Action-Response-With-Optional-Data")
class ActionOutcome:
    """What came of one method."""

    result: int = field(Enum(U8, ActionResult), "result")
    returned: Variant | None = field(Maybe(DATA_OR_ERROR), "return parameters", default=None)


@message(cite="DLMS UA 1000-2, 9.5, Action-Response-Normal")
class ActionResponseNormal:
    """What came of the method."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    outcome: ActionOutcome = field(ActionOutcome, "result and return parameters")


@message(cite="DLMS UA 1000-2, 9.5, Action-Response-With-Pblock")
class ActionResponseWithPblock:
    """One block of long return parameters."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: RequestBlock = field(RequestBlock, "parameter block")


@message(cite="DLMS UA 1000-2, 9.5, Action-Response-With-List")
class ActionResponseWithList:
    """What came of each method, in order."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    outcomes: tuple[ActionOutcome, ...] = field(Many(AXDR_LENGTH, ActionOutcome), "results and return parameters")


@message(cite="DLMS UA 1000-2, 9.5, Action-Response-Next-Pblock")
class ActionResponseNextPblock:
    """Acknowledges a block that is not the last."""

    invoke: Invoke = field(Invoke, "invoke id and priority")
    block: int = field(U32, "block number")


ACTION_REQUEST: Final = named(
    "dlms.ActionRequest",
    Choice(
        U8,
        {
            1: ActionRequestNormal,
            2: ActionRequestNextPblock,
            3: ActionRequestWithList,
            4: ActionRequestWithFirstPblock,
            5: ActionRequestWithListAndFirstPblock,
            6: ActionRequestWithPblock,
        },
    ),
    doc="ACTION-request in one of its forms",
    cite="DLMS UA 1000-2, 9.5, Action-Request",
)
ACTION_RESPONSE: Final = named(
    "dlms.ActionResponse",
    Choice(
        U8,
        {
            1: ActionResponseNormal,
            2: ActionResponseWithPblock,
            3: ActionResponseWithList,
            4: ActionResponseNextPblock,
        },
    ),
    doc="ACTION-response in one of its forms",
    cite="DLMS UA 1000-2, 9.5, Action-Response",
)

PARAMETER_LIST: Final = named(
    "dlms.ActionParameterList",
    Many(AXDR_LENGTH, DATA),
    doc="What the blocks of long parameters of several methods, or of several long values, hold together",
    cite="DLMS UA 1000-2, 9.3.7 and 9.3.8 (block transfer with list)",
)
OUTCOME_LIST: Final = named(
    "dlms.ActionOutcomeList",
    Many(AXDR_LENGTH, ActionOutcome),
    doc="What the blocks of long return parameters of several methods hold together",
    cite="DLMS UA 1000-2, 9.3.8 (block transfer with list)",
)
