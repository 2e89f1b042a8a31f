"""The flagship through the gateway: every quantity reads the same directly and behind an HPLC module."""

import pytest

from meterwire.meter_model.clock import parse_clock
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.codes import MeterProtocol
from meterwire.quantities import QUANTITIES
from meterwire.transports.hplc.line import HplcLine
from meterwire.transports.hplc.meters import Behind
from meterwire.transports.hplc.module import Module
from meterwire.transports.hplc.settings import NetworkSettings
from meterwire.transports.memory import ResponderLine

ADDRESS = "000000000161"
DIALECTS = {
    "dlt645": (MeterProtocol.DLT645_2007, Face645, Meter645, "di"),
    "dlt69845": (MeterProtocol.DLT69845, Face69845, Meter69845, "oad"),
    "dlms": (MeterProtocol.TRANSPARENT, FaceDlms, MeterDlms, "obis"),
}
PATIENCE = Patience(timeout=95.0)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_quantity_reads_the_same_through_the_module(dialect):
    """Protects the promise that the gateway is a transport: nothing that passes through it is changed or lost.

    Also a network that loses a tenth of the frames on every hop: its own tries and the client's make good for it.
    """
    protocol, face, client, name = DIALECTS[dialect]
    meter = Meter(clock=parse_clock("frozen:2026-03-04T05:06:07"), seed=5)
    rows = [row.name for row in QUANTITIES.values() if getattr(row, name) is not None]
    behind = Behind(protocol, face(meter).connect)
    module = Module({ADDRESS: behind}, network=NetworkSettings(loss=0.1, levels=1), seed=1)
    line = ResponderLine(module.connect())
    gateway = Module3762(line)
    gateway.listen(30.0)
    through = HplcLine(line, gateway.tunnel(ADDRESS, protocol, "concurrent"))
    where = {} if dialect == "dlms" else {"address": ADDRESS}
    direct = client(ResponderLine(face(meter).connect()), **where).read_many(rows)
    behind_the_module = client(through, patience=PATIENCE, **where).read_many(rows)
    assert behind_the_module == direct
    assert sum(reading.error is None for reading in direct) >= 100
