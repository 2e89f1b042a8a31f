"""READ, WRITE and INFORMATION REPORT with short names (DLMS UA 1000-2, 9.3.14 to 9.3.18 and 9.5; IEC 61334-4-41)."""

from typing import Final

from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.xdlms.common import OCTETS
from meterwire.protocols.wire.declare import field, message, named
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    NOTHING,
    U8,
    U16,
    Bool,
    Choice,
    Enum,
    Many,
    Maybe,
    Variant,
)

_ERROR = Enum(U8, DataAccessResult)


@message(cite="DLMS UA 1000-2, 9.5, Variable-Access-Specification, variable-name")
class VariableName:
    """An attribute or a method by its short name."""

    name: int = field(U16, "short name: the base name of the object and the offset of the attribute")


@message(cite="DLMS UA 1000-2, 9.5, Parameterized-Access")
class ParameterizedAccess:
    """A part of an attribute, or a method that returns something."""

    name: int = field(U16, "short name")
    selector: int = field(U8, "selector")
    parameter: Variant = field(DATA, "parameter")


@message(cite="DLMS UA 1000-2, 9.5, Block-Number-Access")
class BlockNumberAccess:
    """Asks for the block behind the one with this number."""

    block: int = field(U16, "block number received last")


@message(cite="DLMS UA 1000-2, 9.5, Read-Data-Block-Access")
class ReadDataBlockAccess:
    """A block of a request that does not fit into one APDU."""

    last: bool = field(Bool(), "last block")
    block: int = field(U16, "block number, from 1")
    raw: bytes = field(OCTETS, "raw data")


@message(cite="DLMS UA 1000-2, 9.5, Write-Data-Block-Access")
class WriteDataBlockAccess:
    """Says that the data of a WRITE are a block of one that does not fit into one APDU."""

    last: bool = field(Bool(), "last block")
    block: int = field(U16, "block number, from 1")


VARIABLE_ACCESS: Final = named(
    "dlms.VariableAccess",
    Choice(
        U8,
        {
            2: VariableName,
            4: ParameterizedAccess,
            5: BlockNumberAccess,
            6: ReadDataBlockAccess,
            7: WriteDataBlockAccess,
        },
    ),
    doc="What is read or written with short names",
    cite="DLMS UA 1000-2, 9.5, Variable-Access-Specification",
)

VARIABLES: Final = named(
    "dlms.VariableList",
    Many(AXDR_LENGTH, VARIABLE_ACCESS),
    doc="What is read: also what the blocks of a long READ hold together",
    cite="DLMS UA 1000-2, 9.5, ReadRequest",
)


@message(cite="DLMS UA 1000-2, 9.5, ReadRequest")
class ReadRequest:
    """Asks for attributes."""

    variables: tuple[
        VariableName | ParameterizedAccess | BlockNumberAccess | ReadDataBlockAccess | WriteDataBlockAccess, ...
    ] = field(VARIABLES, "variable access specifications")


@message(cite="DLMS UA 1000-2, 9.5, Data-Block-Result")
class DataBlockResult:
    """One block of a long answer."""

    last: bool = field(Bool(), "last block")
    block: int = field(U16, "block number, from 1")
    raw: bytes = field(OCTETS, "raw data")


READ_DATA, READ_ERROR, READ_BLOCK, READ_NEXT = range(4)
"""What stands in an answer: Data, why there are none, a block of them, or the number of a block that came."""

READ_RESULTS: Final = named(
    "dlms.ReadResults",
    Many(
        AXDR_LENGTH,
        Choice(
            U8,
            {READ_DATA: DATA, READ_ERROR: _ERROR, READ_BLOCK: DataBlockResult, READ_NEXT: U16},
            into=Variant,
        ),
    ),
    doc="Results of a READ: also what the blocks of a long answer hold together",
    cite="DLMS UA 1000-2, 9.5, ReadResponse",
)


@message(cite="DLMS UA 1000-2, 9.5, ReadResponse")
class ReadResponse:
    """A result for each attribute, in order."""

    results: tuple[Variant, ...] = field(READ_RESULTS, "results")


@message(cite="DLMS UA 1000-2, 9.5, WriteRequest")
class WriteRequest:
    """Sets attributes, or invokes methods that return nothing."""

    variables: tuple[
        VariableName | ParameterizedAccess | BlockNumberAccess | ReadDataBlockAccess | WriteDataBlockAccess, ...
    ] = field(VARIABLES, "variable access specifications")
    values: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA), "data")


WRITE_SUCCESS, WRITE_ERROR, WRITE_NEXT = range(3)


@message(cite="DLMS UA 1000-2, 9.5, WriteResponse")
class WriteResponse:
    """What came of each."""

    results: tuple[Variant, ...] = field(
        Many(
            AXDR_LENGTH,
            Choice(U8, {WRITE_SUCCESS: NOTHING, WRITE_ERROR: _ERROR, WRITE_NEXT: U16}, into=Variant),
        ),
        "results: success, data access result, or the number of a block that came",
    )


@message(cite="DLMS UA 1000-2, 9.5, UnconfirmedWriteRequest")
class UnconfirmedWriteRequest:
    """As WRITE, without an answer."""

    variables: tuple[
        VariableName | ParameterizedAccess | BlockNumberAccess | ReadDataBlockAccess | WriteDataBlockAccess, ...
    ] = field(VARIABLES, "variable access specifications")
    values: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA), "data")


@message(cite="DLMS UA 1000-2, 9.5, InformationReportRequest")
class InformationReport:
    """Attributes that a server sends unasked."""

    time: bytes | None = field(Maybe(OCTETS), "current time, generalized time as text")
    variables: tuple[
        VariableName | ParameterizedAccess | BlockNumberAccess | ReadDataBlockAccess | WriteDataBlockAccess, ...
    ] = field(VARIABLES, "variable access specifications")
    values: tuple[Variant, ...] = field(Many(AXDR_LENGTH, DATA), "data")
