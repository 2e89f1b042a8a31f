"""ACCESS: gets, sets and actions in one request (DLMS UA 1000-2, 9.3.9 and 9.5)."""

from typing import Any, Final

from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import ActionResult, DataAccessResult
from meterwire.protocols.dlms.xdlms.common import OCTETS, AttributeDescriptor, MethodDescriptor, SelectiveAccess
from meterwire.protocols.dlms.xdlms.notify import LongInvoke
from meterwire.protocols.wire.declare import field, message, named
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, Choice, Enum, Many, Maybe, Variant


@message(cite="DLMS UA 1000-2, 9.5, Access-Request-Get")
class AccessGet:
    """Reads an attribute."""

    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")


@message(cite="DLMS UA 1000-2, 9.5, Access-Request-Set")
class AccessSet:
    """Sets an attribute."""

    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")


@message(cite="DLMS UA 1000-2, 9.5, Access-Request-Action")
class AccessAction:
    """Invokes a method."""

    descriptor: MethodDescriptor = field(MethodDescriptor, "method descriptor")


@message(cite="DLMS UA 1000-2, 9.5, Access-Request-Get-With-Selection")
class AccessSelectedGet:
    """Reads a part of an attribute."""

    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")
    selection: SelectiveAccess = field(SelectiveAccess, "access selection")


@message(cite="DLMS UA 1000-2, 9.5, Access-Request-Set-With-Selection")
class AccessSelectedSet:
    """Sets a part of an attribute."""

    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")
    selection: SelectiveAccess = field(SelectiveAccess, "access selection")


ACCESS_SPECIFICATION: Final = named(
    "dlms.AccessSpecification",
    Choice(U8, {1: AccessGet, 2: AccessSet, 3: AccessAction, 4: AccessSelectedGet, 5: AccessSelectedSet}),
    doc="One of the things that an ACCESS is to do",
    cite="DLMS UA 1000-2, 9.5, Access-Request-Specification",
)

AccessSpecification = AccessGet | AccessSet | AccessAction | AccessSelectedGet | AccessSelectedSet

GET_DONE, SET_DONE, ACTION_DONE = 1, 2, 3
"""What was done, in an answer."""


@message(cite="DLMS UA 1000-2, 9.5, Access-Request")
class AccessRequest:
    """A list of things to do, and Data for each: null-data for what needs none."""

    invoke: LongInvoke = field(LongInvoke, "long invoke id and priority")
    date_time: bytes = field(OCTETS, "date-time")
    specifications: tuple[Any, ...] = field(Many(AXDR_LENGTH, ACCESS_SPECIFICATION), "access specifications")
    values: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA), "list of data")


@message(cite="DLMS UA 1000-2, 9.5, Access-Response")
class AccessResponse:
    """Data and a result for each thing that was to be done, in order."""

    invoke: LongInvoke = field(LongInvoke, "long invoke id and priority")
    date_time: bytes = field(OCTETS, "date-time")
    specifications: tuple[Any, ...] | None = field(
        Maybe(Many(AXDR_LENGTH, ACCESS_SPECIFICATION)), "access specifications, sent back"
    )
    values: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA), "list of data")
    results: tuple[Variant, ...] = field(
        Many(
            AXDR_LENGTH,
            Choice(
                U8,
                {
                    GET_DONE: Enum(U8, DataAccessResult),
                    SET_DONE: Enum(U8, DataAccessResult),
                    ACTION_DONE: Enum(U8, ActionResult),
                },
                into=Variant,
            ),
        ),
        "results: of a get, a set or an action",
    )
