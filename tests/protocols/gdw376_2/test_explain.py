"""What the dissector says of the concentrator's local interface."""

import pytest
from vector_files import vectors

from meterwire.protocols.gdw376_2.explain import annotator, data_layout, opener
from meterwire.protocols.gdw376_2.forwarding import ConcurrentAnswer, MonitorAnswer, MonitorRequest
from meterwire.protocols.gdw376_2.frame import Control, Downlink, Frame, Uplink, dt
from meterwire.protocols.gdw376_2.queries import RunningMode
from meterwire.protocols.wire.codec import codec

VECTORS = {v["name"]: v for v in vectors("dlt645_and_376_2") if v["protocol"] == "gdw376.2"}
ROUTE = codec(Downlink).parse(bytes(6)).route
CHANNEL = codec(Downlink).parse(bytes(6)).channel


def frame(function, number, data, *, up=False):
    information = codec(Uplink if up else Downlink).parse(bytes(6))
    control = Control(direction=int(up), initiator=1, mode=3)
    return Frame(control, information, None, None, None, function, *dt(number), data)


@pytest.mark.parametrize("name", ["rf_monitor", "monitor_645_fe", "concurrent_97", "concurrent_dup_2"])
def test_the_forwarded_frame_is_the_one_known(name):
    """Protects the layouts of forwarded data: protocol type, lengths, and exactly the octets of the frame."""
    vector = VECTORS[name]
    message = codec(Frame).parse(vector["octets"])
    inside = codec(data_layout(message)).parse(message.data)
    assert int(inside.protocol) == vector["expect"].get("protocol", int(inside.protocol))
    octets = inside.frame if hasattr(inside, "frame") else inside.frames
    known = vector["expect"].get("inner")
    if known:
        assert octets.hex().upper() == (known if isinstance(known, str) else "".join(known))
    assert opener(message, "data", message.data) is codec(data_layout(message))


@pytest.mark.parametrize(
    ("function", "number", "up", "layout"),
    [(0x13, 1, False, MonitorRequest), (0x13, 1, True, MonitorAnswer), (0x03, 9, True, MonitorAnswer),
     (0xF1, 1, True, ConcurrentAnswer), (0x03, 10, True, RunningMode), (0x05, 17, False, None), (0x77, 1, False, None)],
)  # fmt: skip
def test_the_layout_depends_on_direction(function, number, up, layout):
    """Protects against reading an answer as a request."""
    assert data_layout(frame(function, number, b"", up=up)) is layout


def test_functions_are_named():
    """Protects people who do not know the tables by heart; a DT1 that names no single function is said to."""
    message = codec(Frame).parse(VECTORS["band_query"]["octets"])
    assert annotator(message, "function", message.function) == "query data"
    assert annotator(message, "dt2", message.dt2) == "F16: frequency band"
    assert annotator(message, "control", message.control) == "the concentrator begins"
    odd = Frame(message.control, message.information, None, None, None, 0x03, 3, 0, b"")
    assert annotator(odd, "dt2", 0) == "names not exactly one Fn"
    assert data_layout(odd) is None
