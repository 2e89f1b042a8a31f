"""Invariant: whatever comes over an optical port, meter and reader go on, or end in a documented error.

The meter hears the octets when it waits, when it is identified and in programming mode, and can be signed on to
afterwards; the reader hears them in place of the identification, of the data block, and of the answer to a command.
"""

from meterwire.errors import MeterwireError
from meterwire.meter_model.faces.iec62056_21 import Face6205621
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience, Receive
from meterwire.protocols.iec62056_21.client import Meter6205621, Procedures
from meterwire.protocols.iec62056_21.messages import ACK, NAK, Block, Command, Identification, Option, SignOn
from meterwire.protocols.iec62056_21.reader import Reader

NAME = "iec62056_21"
_NAMED = Identification("MWR", "5", "161").octets
_READOUT = b"F.F(00)\r\n1.8.0(000012.3*kWh)\r\n1.6.0(1.0*kW)(2512141819)\r\n0.9.1(101112)\r\n0.9.2(260101)\r\n"
SEEDS = [
    SignOn().octets,
    SignOn("000000000161").octets,
    _NAMED,
    Identification("ISk", "5", "MT382", "2").octets + b"\r\n" + _READOUT + b"!1A2B\r\n",
    Option("0", "5", "0").octets,
    Option("0", "5", "1").octets,
    Command("P1", b"(00000000)").octets,
    Command("R5", b"1.8.0()").octets,
    Command("R3", b"0()").octets + ACK + NAK + ACK,
    Command("W5", b"0.9.1(101112)").octets,
    Command("B0").octets,
    Block(_READOUT + b"!\r\n").octets,
    Block(b"1.8.0(1)", more=True).octets + Block(b"(ER01)").octets,
]
LARGEST = 2048
"""Octets looked at: each is delivered many times over."""
_PATIENCE = Patience(tries=2, timeout=1.0)


class _Few(Face6205621):
    """A meter that reads out little, so that a thousand inputs a second are possible."""

    def readout(self) -> bytes:
        return _READOUT + b"!\r\n"


FACE = _Few(Meter())


class NeverNow:
    """A line that is never touched: the dialogue is run by hand."""


def target(data: bytes) -> None:
    """Both roles."""
    data = data[:LARGEST]
    for before in ((), (SignOn(),), (SignOn(), Option("0", "5", "1"))):
        connection = FACE.connect()
        for message in before:
            connection.receive(message.octets, 0.0)
        answers = connection.receive(data, 1.0) + connection.idle(2.0)
        assert sum(len(one.octets) for one in answers) <= 4000 + 600 * len(data), "answers out of all proportion"
        connection.receive(b"", 100.0)
        assert connection.receive(SignOn().octets, 200.0), "the meter cannot be signed on to any more"
    for heard in ((data,), (_NAMED, data, data), (_NAMED, b"", Command("P0", b"(1)").octets, data, data)):
        _reader(Procedures.read_many, (["1.8.0", "date_time"],), heard)
    _reader(_single, (), (_NAMED, Command("P0", b"(1)").octets, data, data))
    whole = Reader().receive(data)
    reader, singly = Reader(), []
    for octet in data[:512]:
        singly += reader.receive(bytes((octet,)))
    if len(data) <= 512 and not any(isinstance(getattr(one, "message", None), Identification) for one in whole):
        messages = [one.message for one in whole if hasattr(one, "message")]
        assert messages == [one.message for one in singly if hasattr(one, "message")], "cut differently octet by octet"


class _single:  # noqa: N801  stands in for a procedure
    """Programming mode: one command."""

    @staticmethod
    def steps(meter):
        """Enter, read."""
        yield from Procedures.program.steps(meter)
        yield from Procedures.get.steps(meter, "1.8.0")


def _reader(procedure, arguments, heard) -> None:
    meter = Meter6205621(NeverNow(), patience=_PATIENCE)  # type: ignore[arg-type]  not used
    steps = procedure.steps(meter, *arguments)
    now, waiting = 0.0, list(heard)
    try:
        step = next(steps)
        for _ in range(5000):
            octets = b""
            if isinstance(step, Receive):
                octets = waiting.pop(0) if waiting else b""
                now = now + 0.01 if octets else max(now, step.until)
            step = steps.send((now, octets))
        raise AssertionError("a dialogue without end")
    except StopIteration:
        return
    except MeterwireError:
        return
