"""What many services share: the invocation identifier, results, and the optional tails of an APDU."""

from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.dates import DateTimeS, Interval
from meterwire.protocols.dlt69845.descriptors import CSD, Oad, Road
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, Choice, Enum, Many, Maybe, Node, Ref, Variant

DAR = Enum(U8, Dar)
"""Data access result."""


@bits(U8)
class Piid:
    """Invocation identifier of the client (PIID)."""

    priority: int = part(1, "D7: 1 high priority", default=0)
    reserved: int = part(1, "D6: reserved; some masters set it", default=0)
    number: int = part(6, "D5 to D0: number of the invocation; the answer repeats it", default=0)


@bits(U8)
class PiidAcd:
    """Invocation identifier of the server, with its request for access (PIID-ACD)."""

    priority: int = part(1, "D7: 1 high priority", default=0)
    access: int = part(1, "D6 (ACD): 1 where the server wants to be asked", default=0)
    number: int = part(6, "D5 to D0: number of the invocation", default=0)


@message(cite="DL/T 698.45-2017, application layer: TimeTag")
class TimeTag:
    """When a request was sent, and how long it is good for."""

    sent: DateTimeS = field(DateTimeS, "time of sending")
    delay: Interval = field(Interval, "delay allowed (TI)")


@message(cite="DL/T 698.45-2017, application layer: A-ResultNormal")
class ResultNormal:
    """One attribute as it was read."""

    oad: Oad = field(Oad, "attribute (OAD)")
    result: Variant = field(Choice(U8, {0: DAR, 1: DATA}, into=Variant), "0: why not (DAR); 1: Data")


@message(cite="DL/T 698.45-2017, application layer: A-ResultRecord")
class ResultRecord:
    """Rows of a record table. A row has one value for each column and no count of its own."""

    oad: Oad = field(Oad, "record table (OAD)")
    width: int = field(AXDR_LENGTH, "number of columns (of the RCSD)")
    columns: tuple[Oad | Road, ...] = field(Many(Ref("width"), CSD), "columns (RCSD)")
    result: Variant = field(
        Choice(U8, {0: DAR, 1: Many(AXDR_LENGTH, Many(Ref("width"), DATA))}, into=Variant), "0: why not (DAR); 1: rows"
    )


RESULTS = Many(AXDR_LENGTH, ResultNormal)
RECORDS = Many(AXDR_LENGTH, ResultRecord)

FOLLOW_REPORT: Node[Variant | None] = Maybe(Choice(U8, {1: RESULTS, 2: RECORDS}, into=Variant))
"""FollowReport: what a server reports in passing, 1 attributes or 2 records."""

TIME_TAG: Node[TimeTag | None] = Maybe(TimeTag)
