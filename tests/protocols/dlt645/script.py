"""Running a client by hand: what it sends is kept, what it receives is written down beforehand."""

import pytest

from meterwire.protocols.dialogue import Patience, Receive, Send
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt645.frame import Frame, answering
from meterwire.protocols.dlt645.messages import FollowUpAnswer, ReadAnswer
from meterwire.protocols.wire.codec import codec

ADDRESS = "000000000161"
PATIENCE = Patience(tries=3, timeout=5.0, peer=f"{ADDRESS} at 2400 8E1", hint="check parity and address")


def client(address: str = ADDRESS, **more) -> Meter645:
    """A client without a line: its procedures are run by `run`."""
    return Meter645(None, address, **({"patience": PATIENCE, "preamble": b""} | more))


class Script:
    """A conversation: for each request a list of pieces that arrive after it, None being the time-out.

    Attributes:
        sent: the requests, in order.
        now: the time of the line.
    """

    def __init__(self, *answers, before: tuple = ()) -> None:
        self.answers = list(answers)
        self.arrived = list(before)
        self.sent: list[bytes] = []
        self.now = 100.0

    def run(self, steps):
        """Run a dialogue to its end; give its result or raise its error."""
        step = next(steps)
        while True:
            octets = b""
            if isinstance(step, Send):
                self.sent.append(step.octets)
                self.arrived = list(self.answers.pop(0)) if self.answers else []
            elif isinstance(step, Receive):
                octets = self._receive(step.until)
            else:
                pytest.fail(f"{step} is not expected of this client")
            try:
                step = steps.send((self.now, octets))
            except StopIteration as done:
                return done.value

    def _receive(self, until: float) -> bytes:
        if until <= self.now:  # what is there already
            return b"".join(self.arrived) if not self.sent and self._taken() else b""
        if self.arrived:
            self.now += 0.01
            return self.arrived.pop(0)
        self.now = until
        return b""

    def _taken(self) -> bool:
        self._once = getattr(self, "_once", True)
        taken, self._once = self._once, False
        return taken


def read_answer(di: int, data: bytes, *, more: bool = False, address: str = ADDRESS) -> bytes:
    """The frame 91H or B1H."""
    payload = codec(ReadAnswer).build(ReadAnswer(di, data))
    return codec(Frame).build(Frame(address, answering(0x11, follow_up=more), payload))


def next_answer(di: int, data: bytes, sequence: int, *, more: bool = False, address: str = ADDRESS) -> bytes:
    """The frame 92H or B2H."""
    payload = codec(FollowUpAnswer).build(FollowUpAnswer(di, data, sequence))
    return codec(Frame).build(Frame(address, answering(0x12, follow_up=more), payload))


def refused(function: int, data: bytes, address: str = ADDRESS) -> bytes:
    """An abnormal answer."""
    return codec(Frame).build(Frame(address, answering(function, abnormal=True), data))
