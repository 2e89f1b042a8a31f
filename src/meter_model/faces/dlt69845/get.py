"""GET of the DL/T 698.45 face: attributes, lists of them, and long answers in blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from meterwire.meter_model.faces.dlt69845.attributes import ASSOCIATION, read
from meterwire.meter_model.faces.dlt69845.context import Context, Handler, echo
from meterwire.meter_model.faces.dlt69845.object_list import association
from meterwire.meter_model.faces.dlt69845.record_services import next_records
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal
from meterwire.protocols.wire.nodes import Variant

BLOCK_COST: Final = 16
"""Octets that service, choice, PIID, block number, count and tails take, at most."""
_TOO_LONG: Final = Variant(0, Dar.DATA_BLOCK_UNAVAILABLE)
_ANY_SIZE: Final = frozenset({1, 2, 9, 10})
"""Tags of arrays, structures and strings."""


def result_of(context: Context, oad: Oad) -> ResultNormal:
    """One attribute as it is read, or why not: one that no APDU of the agreed size has room for is refused too."""
    result = _read(context, oad)
    if result.result.tag and result.result.value.tag in _ANY_SIZE and not _fits(context, _built(context, result)[0]):
        return ResultNormal(oad, _TOO_LONG)
    return result


def _read(context: Context, oad: Oad) -> ResultNormal:
    try:
        found = association(context, oad) if oad.oi == ASSOCIATION else read(context.meter, oad)
    except Denied as denied:
        return ResultNormal(oad, Variant(0, denied.dar))
    return ResultNormal(oad, Variant(1, found))


def _fits(context: Context, octets: bytes) -> bool:
    return len(octets) <= context.apdu_size - BLOCK_COST


def _built(context: Context, result: ResultNormal) -> tuple[bytes, ResultNormal]:
    """The result as octets, and what stands for it; that of an attribute that is `shown` is kept as long as that is."""
    shown, place = context.meter.shown, (context.edition, result.oad)
    kept: tuple[Any, tuple[bytes, ResultNormal]] | None = shown.get(place)
    if kept is not None and kept[0] is result.result.value:
        return kept[1]
    made = context.codec(ResultNormal).prepared(result)
    if result.oad in shown:
        shown[place] = result.result.value, made
    return made


def _answered(context: Context, oad: Oad) -> tuple[bytes, ResultNormal]:
    """As `result_of`, with its octets, and what stands for it in an answer."""
    made = _built(context, _read(context, oad))
    return made if _fits(context, made[0]) else _built(context, ResultNormal(oad, _TOO_LONG))


def get_normal(context: Context, request: get.GetRequestNormal) -> get.GetResponse:
    """GET of one attribute."""
    context.blocks = []  # one result is never cut
    result = _answered(context, request.oad)[1]
    return get.GetResponse(get.GetResponseNormal(echo(request.piid), result))


def get_list(context: Context, request: get.GetRequestNormalList) -> get.GetResponse:
    """GET of several attributes."""
    results = [_answered(context, oad) for oad in request.oads]
    return _whole(context, echo(request.piid), results)


def get_next(context: Context, request: get.GetRequestNext) -> get.GetResponse:
    """GET of the block behind the last one received; the last one sent may be asked for again."""
    piid = echo(request.piid)
    records = next_records(context, piid, request.block)
    if records is not None:
        return records
    if isinstance(context.blocks, list) and request.block < len(context.blocks):
        return _block(context, piid, request.block)
    dar = Dar.DATA_BLOCK_NUMBER_INVALID if context.blocks else Dar.NOT_IN_FRAMED_TRANSFER
    return get.GetResponse(get.GetResponseNext(piid, last=True, block=request.block, result=Variant(0, dar)))


def get_md5(context: Context, request: get.GetRequestMd5) -> get.GetResponse:
    """MD5 of one attribute: over its Data as it is sent, tag and all (recalled)."""
    found = result_of(context, request.oad).result
    if found.tag:
        octets = context.codec(DATA).build(found.value)
        found = Variant(1, hashlib.md5(octets, usedforsecurity=False).digest())
    return get.GetResponse(get.GetResponseMd5(echo(request.piid), request.oad, found))


# ---------------------------------------------------------------- answers in blocks


def _whole(context: Context, piid: PiidAcd, results: list[tuple[bytes, ResultNormal]]) -> get.GetResponse:
    """The response where it fits, else the first of the blocks that it is cut into."""
    room = context.apdu_size - BLOCK_COST
    blocks: list[list[ResultNormal]] = [[]]
    used = 0
    for built, result in results:
        octets = len(built)
        if used + octets > room and blocks[-1]:
            blocks.append([])
            used = 0
        blocks[-1].append(result)
        used += octets
    if len(blocks) == 1:
        context.blocks = []
        return get.GetResponse(get.GetResponseNormalList(piid, tuple(blocks[0])))
    context.blocks = [tuple(block) for block in blocks]
    return _block(context, piid, 0)


def _block(context: Context, piid: PiidAcd, place: int) -> get.GetResponse:
    last = place + 1 == len(context.blocks)
    found = Variant(1, context.blocks[place])
    return get.GetResponse(get.GetResponseNext(piid, last=last, block=place + 1, result=found))


SERVICES: Final[Mapping[type, Handler]] = {
    get.GetRequestNormal: get_normal,
    get.GetRequestNormalList: get_list,
    get.GetRequestNext: get_next,
    get.GetRequestMd5: get_md5,
}
