"""Invariant: whatever a client with the password writes or orders, the meter takes it whole or refuses it with a DAR.

The octets are the APDU of a connection that may change everything: no exception leaves the meter, each answer is an
APDU that a client can read, what is refused has changed no parameter, and every attribute can still be read.
"""

import datetime as dt

from meterwire.meter_model.access import Authority
from meterwire.meter_model.clock import VirtualClock
from meterwire.meter_model.faces.dlt69845.attributes import read, rows
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.faces.dlt69845.services import respond
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.data import IdentifiedMac, SecurityIdentifier
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.services import action
from meterwire.protocols.dlt69845.services import set as setting
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

NAME = "dlt69845_orders"
_APDU = codec(Apdu, 2021)
START = dt.datetime(2026, 1, 1, 12)  # noqa: DTZ001  the meter's local time
METER = Meter(clock=VirtualClock(START, frozen=True))
FACE = Face69845(METER)
PRISTINE = METER.parameters.state()
_ROWS = [row for own in rows().values() for row in own.values()]


def _writing() -> list[bytes]:
    """Every attribute that can be written, as it is."""
    found = []
    for row in _ROWS:
        oad = Oad(row.oi, row.number, 0)
        if row.access == "w" and row.is_there(METER):
            item = setting.SetItem(oad, read(METER, oad))
            found.append(_APDU.build(Apdu.of(setting.SetRequest(setting.SetRequestNormal(Piid(), item)))))
    return found


def _files() -> dict[str, Variant]:
    names = Variant(10, "a"), Variant(10, "b")
    information = Variant(2, (*names, Variant(6, 64), Variant(4, "111"), Variant(10, "1"), Variant(22, 0)))
    check = Variant(2, (Variant(22, 1), Variant(9, bytes(16))))
    return {
        "F0000700": Variant(2, (information, Variant(9, bytes(64)))),
        "F0007F00": Variant(2, (Variant(10, "a"), Variant(6, 0), Variant(6, 10))),
        "F0010700": Variant(2, (information, Variant(18, 32), check)),
        "F0010800": Variant(2, (Variant(18, 0), Variant(9, bytes(32)))),
        "F0010900": Variant(18, 0),
        "F0010A00": Variant(2, (Variant(17, 0), Variant(17, 0), Variant(6, 0), Variant(6, 0), Variant(18, 9))),
        "F0020700": Variant(2, (information, Variant(22, 0))),
        "F0020800": Variant(2, (information, Variant(22, 0))),
    }


def _element() -> dict[str, Variant]:
    code = Variant(94, IdentifiedMac(SecurityIdentifier(0x801C3110, bytes(4)), bytes(4)))
    bought = Variant(15, 1), Variant(6, 100), Variant(6, 1), Variant(9, bytes(6)), code, Variant(9, bytes(6))
    return {
        "F1000600": Variant(2, bought),
        "F1000900": Variant(2, (Variant(6, 30), code)),
        "F1000500": Variant(0, None),
    }


def _ordering() -> list[bytes]:
    relay = Variant(81, Oad.of("F2050201"))
    column = Variant(2, (Variant(18, 5), Variant(81, Oad.of("00100200")), Variant(18, 10)))
    orders = {
        "80008100": Variant(1, (Variant(2, (relay, Variant(17, 1), Variant(18, 5), Variant(3, True))),)),
        "80008200": Variant(1, (Variant(2, (relay, Variant(22, 1))),)),
        "80017F00": Variant(0, None),
        "43000600": Variant(0, None),
        "10100100": Variant(15, 0),
        "50000300": Variant(18, 0),
        "50010400": column,
        "50010700": Variant(1, (column,)),
        "20157F00": Variant(4, "1" * 32),
        **_files(),
        **_element(),
    }
    items = [action.ActionItem(Omd.of(omd), value) for omd, value in orders.items()]
    several = action.ActionRequest(action.ActionRequestList(Piid(), tuple(items)))
    singly = [action.ActionRequest(action.ActionRequestNormal(Piid(), item)) for item in items]
    return [_APDU.build(Apdu.of(body)) for body in (several, *singly)]


SEEDS = _writing() + _ordering()
LARGEST = 1500
"""Octets of an APDU: what fits into a frame."""


def target(data: bytes) -> None:
    """One request of a client that may do anything."""
    if METER.clock.now().replace(tzinfo=None) != START:
        METER.clock.jump(START)
    METER.parameters.restore(PRISTINE)
    context = FACE.connect().context
    context.authority = Authority.SECURED
    answer = respond(context, data[:LARGEST])
    if answer is not None:
        _APDU.parse(answer if isinstance(answer, bytes) else _APDU.build(Apdu.of(answer)))
    if not context.changed:
        assert METER.parameters.state() == PRISTINE, "a refused request has changed something"
        return
    for row in _ROWS:
        try:
            read(METER, Oad(row.oi, row.number, 0))
        except Denied:
            continue
