"""GET of record tables, one or several: what fits is answered at once, the rest in blocks that GET next fetches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from meterwire.meter_model.faces.dlt69845.context import Context, Handler, echo
from meterwire.meter_model.faces.dlt69845.events import EventRow
from meterwire.meter_model.faces.dlt69845.record_objects import table_of
from meterwire.meter_model.faces.dlt69845.records import Part, Reading, RecordBlocks, reading_of, refused
from meterwire.meter_model.faces.dlt69845.selection import tsa_of
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import PiidAcd
from meterwire.protocols.wire.nodes import Variant

BLOCK_COST: Final = 16
"""Octets that service, choice, PIID, block number, count and tails take, at most."""


def get_record(context: Context, request: get.GetRequestRecord) -> get.GetResponse:
    """GET of a record table."""
    piid, blocks = echo(request.piid), _begin(context, (request.record,))
    if not blocks.last or len(blocks.block) != 1:
        return _block(piid, blocks)
    context.blocks = []
    return get.GetResponse(get.GetResponseRecord(piid, blocks.block[0]))


def get_records(context: Context, request: get.GetRequestRecordList) -> get.GetResponse:
    """GET of several record tables."""
    piid, blocks = echo(request.piid), _begin(context, request.records)
    if not blocks.last:
        return _block(piid, blocks)
    context.blocks = []
    return get.GetResponse(get.GetResponseRecordList(piid, blocks.block))


def next_records(context: Context, piid: PiidAcd, received: int) -> get.GetResponse | None:
    """The block behind the last one received, which may be asked for again; None where that is no such number."""
    blocks = context.blocks
    if not isinstance(blocks, RecordBlocks):
        return None
    if received == blocks.number and not blocks.last:
        blocks.advance()
    elif received != blocks.number - 1:
        return None
    return _block(piid, blocks)


def _begin(context: Context, asked: tuple[get.GetRecord, ...]) -> RecordBlocks:
    parts = (part_of(context, one) for one in asked)
    context.blocks = blocks = RecordBlocks(parts, context.apdu_size - BLOCK_COST, context.codec)
    blocks.advance()
    return blocks


def part_of(context: Context, asked: get.GetRecord) -> Part:
    """What one table gives, or why not."""
    meter = context.meter
    try:
        reading = reading_of(table_of(meter, asked.oad), asked, tsa_of(meter.identity.address))
    except Denied as denied:
        return refused(asked, denied)
    _know(meter, reading)
    return reading


def _know(meter: Any, reading: Reading) -> None:
    """Events that a client reads by itself need not be reported any more."""
    waiting = {(notice.kind, notice.number): notice for notice in meter.reports.notices}
    for entry in reading.entries if waiting else ():
        if isinstance(entry, EventRow):
            notice = waiting.get((entry.record.kind, entry.record.number))
            if notice is not None:
                meter.reports.settle(notice)


def _block(piid: PiidAcd, blocks: RecordBlocks) -> get.GetResponse:
    found = Variant(2, blocks.block)
    return get.GetResponse(get.GetResponseNext(piid, last=blocks.last, block=blocks.number, result=found))


SERVICES: Final[Mapping[type, Handler]] = {
    get.GetRequestRecord: get_record,
    get.GetRequestRecordList: get_records,
}
