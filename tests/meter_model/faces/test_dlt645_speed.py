"""17H on a line that has a speed: the answer at the old one, then both ends at the new one."""

import pytest

from meterwire.errors import NoAnswer
from meterwire.protocols.dialogue import LineSettings, Patience
from meterwire.protocols.dlt645.client import Meter645
from meterwire.transports.bus import Bus

from .dialect645 import ADDRESS, new_face

SLOW = LineSettings(2400, 8, "E", 1)


@pytest.mark.parametrize("baud", [600, 1200, 4800, 9600, 19200])
def test_both_ends_change_together(baud):
    """And the meter is deaf to the old speed afterwards."""
    bus, face = Bus(), new_face()
    device = bus.attach(face.connect(), SLOW)
    meter = Meter645(bus.line(SLOW, echo="on"), ADDRESS, settings=SLOW)
    before = meter.read("voltage_a").value
    meter.change_baud(baud)
    assert meter.read("voltage_a").value == before
    assert (device.settings.baud, meter.settings.baud) == (baud, baud)
    late = Meter645(bus.line(SLOW), ADDRESS, patience=Patience(1, 2.0))
    with pytest.raises(NoAnswer):
        late.read("voltage_a")


def test_the_same_speed_changes_nothing():
    """Asked for what is there already."""
    bus, face = Bus(), new_face()
    bus.attach(face.connect(), SLOW)
    meter = Meter645(bus.line(SLOW), ADDRESS, settings=SLOW)
    meter.change_baud(2400)
    assert meter.read("voltage_a").value > 200
