"""What faces keep of readings is gone as soon as readings may differ: every parameter, and everything done to a meter."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.load import Constant
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import parameters
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.quantities import QUANTITIES
from meterwire.transports.memory import ResponderLine

NAMED = {
    "dlt645": [row.name for row in QUANTITIES.values() if row.di is not None],
    "dlt69845": [row.name for row in QUANTITIES.values() if row.oad is not None],
    "dlms": [row.name for row in QUANTITIES.values() if row.obis is not None],
}


class Seen:
    """A meter through every dialect."""

    def __init__(self):
        self.meter = Meter()
        self.meter.clock.step(3600)

    def values(self):
        """Every quantity through every dialect, or why there is none."""
        address = self.meter.identity.address
        clients = {
            "dlt645": Meter645(ResponderLine(Face645(self.meter).connect()), address),
            "dlt69845": Meter69845(ResponderLine(Face69845(self.meter).connect()), address=address),
            "dlms": MeterDlms(ResponderLine(FaceDlms(self.meter).connect())),
        }
        return {
            (dialect, reading.item): reading.error.text if reading.error else (reading.value, reading.time)
            for dialect, client in clients.items()
            for reading in client.read_many(NAMED[dialect])
        }

    def check(self):
        """What is seen now is what is seen when nothing has been kept."""
        kept = self.values()
        self.meter.shown.clear()
        fresh = self.values()
        assert {name: (kept[name], fresh[name]) for name in kept if kept[name] != fresh[name]} == {}


def other(value):
    """Some other value of the same sort."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return value + 1 if value < 4 else value - 1
    if isinstance(value, dt.datetime):
        return value + dt.timedelta(days=1)
    if isinstance(value, str) and value and value[-1].isdigit():
        return value[:-1] + ("1" if value[-1] == "0" else "0")
    return None


@pytest.fixture(scope="module")
def seen():
    return Seen()


def test_every_parameter(seen):
    """Protects readings from being those of an older setting: after each change everything is read anew."""
    meter, changed = seen.meter, 0
    seen.values()
    for name in parameters():
        new = other(meter.parameters[name])
        try:
            if new is None:
                continue
            meter.parameters.set(name, new)
        except LocalProtocolError:
            continue
        changed += 1
        if changed % 32 == 0:  # a mistake is found out all the same, and tells among few
            seen.check()
    seen.check()
    assert changed > 100


ACTS = {
    "load": lambda meter: meter.set_load(Constant(active=500.0)),
    "phase": lambda meter: meter.cut_phase("b"),
    "phase back": lambda meter: meter.restore_phase("b"),
    "turned": lambda meter: meter.turn_current("a", turned=True),
    "exchanged": lambda meter: meter.exchange_phases(voltage=True),
    "demand": lambda meter: meter.clear_demand(),
    "clock": lambda meter: meter.set_clock(meter.clock.now() + dt.timedelta(days=40)),
    "step": lambda meter: meter.clock.step(1),
    "freeze": lambda meter: meter.freezes.freeze(),
    "relay": lambda meter: meter.relay.trip(),
    "relay back": lambda meter: meter.relay.close(),
    "energy": lambda meter: meter.clear(),
    "events": lambda meter: meter.clear_events(),
    "dark": lambda meter: setattr(meter, "powered", False),
    "light": lambda meter: setattr(meter, "powered", True),
}


@pytest.mark.parametrize("act", ACTS)
def test_whatever_is_done_to_it(seen, act):
    """Protects readings from being those before something was done to the meter."""
    if seen.meter.answers:
        seen.values()
    ACTS[act](seen.meter)
    if seen.meter.answers:
        seen.check()
