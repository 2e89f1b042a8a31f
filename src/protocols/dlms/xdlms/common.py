"""What the services with logical names share: invoke id, descriptors, selective access, results, blocks."""

from typing import Any

from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    I8,
    REST,
    U8,
    U16,
    U32,
    Bool,
    Choice,
    Enum,
    Octets,
    Sized,
    Variant,
)


@bits(U8)
class Invoke:
    """Invoke id and priority (DLMS UA 1000-2, 9.5, Invoke-Id-And-Priority)."""

    priority: int = part(1, "priority: 1 high", default=0)
    service_class: int = part(1, "service class: 1 confirmed", default=1)
    reserved: int = part(2, "reserved", default=0)
    number: int = part(4, "invoke id", default=0)


@message(cite="DLMS UA 1000-2, 9.5, Cosem-Attribute-Descriptor")
class AttributeDescriptor:
    """One attribute of one object."""

    class_id: int = field(U16, "interface class")
    instance: bytes = field(Octets(6), "logical name")
    attribute: int = field(I8, "attribute")


@message(cite="DLMS UA 1000-2, 9.5, Cosem-Method-Descriptor")
class MethodDescriptor:
    """One method of one object."""

    class_id: int = field(U16, "interface class")
    instance: bytes = field(Octets(6), "logical name")
    method: int = field(I8, "method")


@message(cite="DLMS UA 1000-2, 9.5, Selective-Access-Descriptor")
class SelectiveAccess:
    """Which part of an attribute is meant: for a profile buffer 1 a range of a column, 2 entries and columns."""

    selector: int = field(U8, "access selector")
    parameters: Variant = field(DATA, "access parameters")


DATA_CHOSEN = 0
ERROR_CHOSEN = 1

DATA_OR_ERROR = Choice(U8, {DATA_CHOSEN: DATA, ERROR_CHOSEN: Enum(U8, DataAccessResult)}, into=Variant)
"""Get-Data-Result: `Variant(0, Data)` or `Variant(1, data access result)`."""

OCTETS = Sized(AXDR_LENGTH, Octets(REST))
"""An octet string with its length."""


@message(cite="DLMS UA 1000-2, 9.5, DataBlock-G")
class ResultBlock:
    """One block of a long answer: raw octets, or why there are none."""

    last: bool = field(Bool(), "last block")
    number: int = field(U32, "block number, from 1")
    content: Any = field(
        Choice(U8, {DATA_CHOSEN: OCTETS, ERROR_CHOSEN: Enum(U8, DataAccessResult)}, into=Variant), "raw data or result"
    )


@message(cite="DLMS UA 1000-2, 9.5, DataBlock-SA")
class RequestBlock:
    """One block of a long request."""

    last: bool = field(Bool(), "last block")
    number: int = field(U32, "block number, from 1")
    raw: bytes = field(OCTETS, "raw data")
