"""Invariant: whatever a server answers, a read ends in bounded time with readings or a documented error.

The octets are the APDU that comes after each request but the first, which is granted an association; a following read
gets them as the raw octets of the line.
"""

from fuzz.dlms_face import SEEDS as _REQUESTS
from fuzz.vectors import seeds
from meterwire.errors import MeterwireError
from meterwire.protocols.dialogue import Patience, Receive, Send
from meterwire.protocols.dlms.client import MeterDlms, Procedures
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.wire.codec import codec

NAME = "dlms_client"
PATIENCE = Patience(tries=2, timeout=1.0)
AARE = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000301d04c80007")
LARGEST = 8192
"""Octets looked at: each is delivered several times over."""
ITEMS = ["active_energy_import", "demand_active_import_max", "date_time", "1-0:99.97.5", "3/1-0:1.8.0/3"]
SEEDS = (
    seeds("dlms", lambda v: v["layer"] in ("acse", "apdu"))
    + _REQUESTS[-3:]
    + [
        bytes.fromhex(text)
        for text in (
            "c401c10006000004d2",
            "c401c10104",
            "c402c10000000001000401020304",
            "c402c1010000000100050600000001",
            "c403c1020006000004d20002020f01161e",
            "c403c10500060000000100090c07ea01010400000000fe20000002020f01161e0104010b",
            "c401c10001010204120003110009060100010800ff020201000100",
            "d80101",
            "0e010601",
            "63038001 00".replace(" ", ""),
        )
    ]
)


class NeverNow:
    """A line that is never touched: the dialogue is run by hand."""


def target(data: bytes) -> None:
    """Read several items, first with the octets as APDUs, then with them as what the line delivers."""
    data = data[:LARGEST]
    for wrap in (True, False):
        meter = MeterDlms(NeverNow(), patience=PATIENCE, answer_limit=4096)  # type: ignore[arg-type]  not used
        try:
            _run(Procedures.read_many.steps(meter, ITEMS), _answers(data, wrap=wrap))
        except MeterwireError:
            continue


def _answers(data: bytes, *, wrap: bool):
    yield codec(Wrapper).build(Wrapper(1, 16, AARE))
    for number in range(1, 100_000):
        apdu = bytearray(data)
        if len(apdu) > 2 and apdu[0] == 0xC4:
            apdu[2] = 0xC0 | number & 15  # the invoke id it waits for, most of the time
        if len(apdu) > 7 and apdu[0] == 0xC4 and apdu[1] == 2:
            apdu[4:8] = number.to_bytes(4, "big")
        yield codec(Wrapper).build(Wrapper(1, 16, bytes(apdu))) if wrap else data


def _run(steps, answers) -> None:
    now, octets = 1.0, b""
    step = next(steps)
    try:
        for _ in range(10_000):
            came = b""
            if isinstance(step, Send):
                octets = next(answers)
            elif isinstance(step, Receive):
                came, octets = octets, b""
                now = now + 0.001 if came else step.until
            step = steps.send((now, came))
    except StopIteration:
        return
    raise AssertionError("the dialogue does not end")
