"""Rows of a DL/T 698.45 record table to columns with names, units, decimals and times."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

from benchmarks.rows import BY_HAND, Row
from benchmarks.timing import cpu_medians
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.link import EDITION
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultRecord
from meterwire.protocols.dlt69845.services.get import GetResponse, GetResponseRecord
from meterwire.protocols.dlt69845.stored_rows import RecordTable, table_of
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities.reading import METER_ZONE

ROWS = 1000
COLUMNS = tuple(map(Oad.of, ("20210200", "00100201", "00200201", "20000201", "20000202", "20010201", "20040201")))
TAGS = (28, 6, 6, 18, 18, 5, 5)
EXPONENTS = (None, -2, -2, -1, -1, -3, -4)
ROUNDS = 15
_ROW = struct.Struct(">xHBBBBBxIxIxHxHxixi")


def samples() -> bytes:
    """An answer to GET record: quarters of an hour of time, two energies, two voltages, current and power."""
    begin = datetime(2026, 1, 1)  # noqa: DTZ001  as the meter says it
    rows = []
    for at in range(ROWS):
        values = (DateTimeS.of(begin + timedelta(minutes=15 * at)), 123456 + at, 99, 2200 + at % 9, 2199, 4980, -4571)
        rows.append(tuple(Variant(tag, value) for tag, value in zip(TAGS, values, strict=True)))
    record = ResultRecord(Oad.of("50020200"), len(COLUMNS), COLUMNS, Variant(1, tuple(rows)))
    return codec(Apdu, EDITION).build(Apdu.of(GetResponse(GetResponseRecord(PiidAcd(number=1), record))))


def to_columns(octets: bytes) -> RecordTable:
    """What the client does with an answer."""
    return table_of(codec(Apdu, EDITION).parse(octets).body.response.record, METER_ZONE)


def by_hand(octets: bytes) -> list[tuple[Any, ...]]:
    """The same for this one layout, nothing checked."""
    head = len(octets) - 2 - ROWS * _ROW.size
    found = []
    for at in range(head, len(octets) - 2, _ROW.size):
        year, month, day, hour, minute, second, *numbers = _ROW.unpack_from(octets, at)
        when = datetime(year, month, day, hour, minute, second, tzinfo=METER_ZONE)
        found.append((when, *(Decimal(n).scaleb(e) for n, e in zip(numbers, EXPONENTS[1:], strict=True))))
    return list(zip(*found, strict=True))


def run() -> list[Row]:
    """Ours beside a loop by hand, and beside the objects that the codec of dlt698 makes where it is installed."""
    octets = samples()
    ours = to_columns(octets)
    assert [tuple(column) for column in ours.columns] == by_hand(octets)
    peers: dict[str, Callable[[], Any]] = {f"{BY_HAND}, nothing checked": lambda: by_hand(octets)}
    try:
        native = import_module("dlt698")._native
    except ImportError:
        pass
    else:
        peers["dlt698 1.0.1 (C++), to objects without scale"] = lambda: native.decode_apdu(octets)
    own, *others = cpu_medians(ROUNDS, lambda: to_columns(octets), *peers.values())
    what = f"DL/T 698.45 GET-response-record, {ROWS} x {len(COLUMNS)}, {len(octets) / 1000:.0f} kB: to scaled columns"
    return [
        Row(what=what, ours=own, peer=peer, theirs=theirs, unit="s") for peer, theirs in zip(peers, others, strict=True)
    ]
