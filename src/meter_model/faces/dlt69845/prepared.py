"""Reports of a concentrator: record tables and collected rows that a scheme wants its master to have."""

from __future__ import annotations

from typing import Any

from meterwire.meter_model.faces.dlt69845.collected_rows import STANDARD, CollectedRow
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.meter_model.faces.dlt69845.record_services import BLOCK_COST, part_of
from meterwire.meter_model.faces.dlt69845.records import RecordBlocks
from meterwire.meter_model.reports import Prepared
from meterwire.protocols.dlt69845.acquisition import RECORDS
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultRecord
from meterwire.protocols.dlt69845.services.report import ReportRecordList
from meterwire.protocols.wire.nodes import Variant


def prepared_report(context: Context, notice: Prepared, piid: PiidAcd) -> Any:
    """The report; of records that do not fit into one APDU the rest is prepared as reports of their own."""
    if notice.kind == "results":
        return ReportRecordList(piid, notice.content)
    if notice.kind == "rows":
        return ReportRecordList(piid, (_rows(*notice.content),))
    blocks = RecordBlocks(
        (part_of(context, asked) for asked in notice.content), context.apdu_size - BLOCK_COST, context.codec
    )
    blocks.advance()
    first = blocks.block
    while not blocks.last:
        blocks.advance()
        context.meter.reports.prepare("results", blocks.block, notice.attempts)
    return ReportRecordList(piid, first)


def _rows(columns: tuple[Any, ...], rows: tuple[Any, ...]) -> ResultRecord:
    whole = (*STANDARD, *columns)
    cells = tuple(tuple(map(CollectedRow(row, columns).cell, whole)) for row in rows)
    return ResultRecord(RECORDS, len(whole), whole, Variant(1, cells))
