"""Frames and APDUs to objects and back, beside construct, gurux-dlms and what somebody writes by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import floor, gurux, records, samples
from benchmarks.rows import BY_HAND, Row
from benchmarks.timing import cpu_medians
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlt645.frame import Frame
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.link import EDITION, Link
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.columns import columns

CONSTRUCT = "construct"
ROUNDS = 31


def beside(what: str, ours: Callable[[], Any], peers: dict[str, Callable[[], Any]], goal: float | None) -> list[Row]:
    """One row for each peer, all measured in turn."""
    own, *others = cpu_medians(ROUNDS, ours, *peers.values())
    return [
        Row(what=what, ours=own, peer=peer, theirs=theirs, unit="s", goal=goal)
        for peer, theirs in zip(peers, others, strict=True)
    ]


def rows_645() -> list[Row]:
    octets = samples.frame_645()
    ours, reference = codec(Frame), Codec(Frame, None, CONSTRUCT)
    frame, plain = ours.parse(octets), floor.parse_645(octets)
    for built in (ours.build(frame), reference.build(frame), floor.build_645(plain)):
        assert built == octets
    assert reference.parse(octets) == frame
    assert plain == floor.Frame645(frame.address, int(frame.control), frame.data)
    parsing = {CONSTRUCT: lambda: reference.parse(octets), BY_HAND: lambda: floor.parse_645(octets)}
    building = {CONSTRUCT: lambda: reference.build(frame), BY_HAND: lambda: floor.build_645(plain)}
    return [
        *beside("DL/T 645 frame, 20 octets: parse", lambda: ours.parse(octets), parsing, 2.4e-6),
        *beside("DL/T 645 frame, 20 octets: build", lambda: ours.build(frame), building, 2.2e-6),
    ]


def rows_698() -> list[Row]:
    octets = samples.list_698()
    links = codec(Link, EDITION), Codec(Link, EDITION, CONSTRUCT)
    apdus = codec(Apdu, EDITION), Codec(Apdu, EDITION, CONSTRUCT)

    def parse(which: int) -> Any:
        link = links[which].parse(octets)
        return link, apdus[which].parse(link.user)

    def build(which: int, link: Any, apdu: Any) -> bytes:
        changed = type(link)(link.length, link.control, link.flag, link.server, link.client, apdus[which].build(apdu))
        return links[which].build(changed)

    link, apdu = parse(0)
    results = apdu.body.response.results
    assert parse(1) == (link, apdu)
    by_hand = floor.parse_698(octets).results
    assert [one.result for one in results[:-1]] == [one.result for one in by_hand[:-1]]  # the last one is a time
    assert build(0, link, apdu) == build(1, link, apdu) == octets
    parsing = {CONSTRUCT: lambda: parse(1), BY_HAND: lambda: floor.parse_698(octets)}
    what = "DL/T 698.45 GET-response-list, 180 octets, link and APDU"
    return [
        *beside(f"{what}: parse", lambda: parse(0), parsing, 12e-6),
        *beside(f"{what}: build", lambda: build(0, link, apdu), {CONSTRUCT: lambda: build(1, link, apdu)}, None),
    ]


def rows_profile() -> list[Row]:
    data = samples.profile()
    apdu = samples.get_response(data)
    ours, reference = codec(APDU), Codec(APDU, None, CONSTRUCT)
    found = ours.parse(apdu)
    assert reference.parse(apdu) == found
    assert floor.parse_profile(apdu) == found.value.result.value
    parsing = {
        CONSTRUCT: lambda: reference.parse(apdu),
        **_gurux(apdu),
        f"{BY_HAND}, to the same objects": lambda: floor.parse_profile(apdu),
        f"{BY_HAND}, to plain lists": lambda: floor.plain(apdu),
    }
    building = {CONSTRUCT: lambda: reference.build(found)}
    head = len(apdu) - len(data)
    by_columns = columns(DATA, apdu, head).arrays
    for found_one, trusted in zip(by_columns[1:], list(floor.columns(apdu).values())[1:], strict=True):
        assert (found_one == trusted).all()
    to_columns = {
        **{name: read for name, read in parsing.items() if name.startswith("gurux")},
        f"{BY_HAND}, to plain lists": parsing[f"{BY_HAND}, to plain lists"],
        "NumPy, nothing checked": lambda: floor.columns(apdu),
    }
    what = f"DLMS GET-response, {samples.ROWS} x {samples.COLUMNS}, {len(apdu) / 1000:.0f} kB"
    return [
        *beside(f"{what}: to columns", lambda: columns(DATA, apdu, head), to_columns, 60e-6),
        *beside(f"{what}: to objects", lambda: ours.parse(apdu), parsing, 3.5e-3),
        *beside(f"{what}: build", lambda: ours.build(found), building, None),
    ]


def _gurux(apdu: bytes) -> dict[str, Callable[[], Any]]:
    if gurux.version() is None:
        return {}
    read = gurux.reader(samples.wrapped(apdu))
    found, plain = read(), floor.plain(apdu)[0]
    assert [list(row) for row in found] == [[bytearray(row[0]), *row[1:]] for row in plain]
    return {"gurux-dlms, to lists": read}


def run() -> list[Row]:
    """All rows of this file."""
    return [*rows_645(), *rows_698(), *records.run(), *rows_profile()]
