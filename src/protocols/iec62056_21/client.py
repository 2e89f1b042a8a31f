"""The IEC 62056-21 client: sign-on, readout and programming mode over a blocking or an asyncio line (clause 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any, Final, Generic, TypeVar

from meterwire.errors import LocalProtocolError, MalformedError, NoAnswer, Refused, SequenceError
from meterwire.protocols.dialogue import (
    IGNORED,
    AsyncFace,
    AsyncLine,
    Ignored,
    Line,
    LineSettings,
    Patience,
    Pause,
    Receive,
    Reconfigure,
    Send,
    Steps,
    SyncFace,
    exchange,
    procedure,
)
from meterwire.protocols.iec62056_21.messages import (
    ACK,
    OPENING,
    PUSH,
    Acknowledge,
    Block,
    Command,
    Identification,
    Option,
    Plain,
    Repeat,
    SignOn,
)
from meterwire.protocols.iec62056_21.reader import Found, Reader
from meterwire.protocols.iec62056_21.readings import Listed, name_of, reduced
from meterwire.protocols.iec62056_21.text import DataSet, Item, parse, shown
from meterwire.quantities.reading import METER_ZONE, Reading

L = TypeVar("L", Line, AsyncLine)

REACTION: Final = 0.3
"""Seconds before the line changes speed and the next message goes out: 200 ms to 1500 ms (6.3.14)."""
ANSWER: Final = 1.5
"""Seconds within which a meter begins to answer (6.3.14)."""
MOST_BLOCKS: Final = 4096
_QUIET: Final = 2.0


class SignOnProcedure:
    """What signing on needs, and remembers."""

    def __init__(self, device: str, patience: Patience, settings: LineSettings) -> None:
        self.device, self.patience, self.opening = device, patience, settings
        self.reader = Reader()
        self.identification: Identification | None = None

    def sign_on(self) -> Steps[Identification]:
        """Request message, and the identification that answers it."""
        self.reader.reset()
        yield Reconfigure(self.opening)

        def accept(piece: Any) -> Identification | Ignored:
            found = piece.message
            return found if isinstance(found, Identification) else IGNORED

        request = SignOn(self.device).octets
        self.identification = yield from exchange(request, self.reader, accept, self.patience, repeatable=True)
        return self.identification

    def choose(self, control: str) -> Steps[None]:
        """Option select message, and the change of speed behind it."""
        named = self.identification
        if named is None:
            raise LocalProtocolError("sign on first")
        binary = control == "2"
        now, _ = yield Pause(0.0)
        yield Pause(now + REACTION)
        now, _ = yield Send(Option("2" if binary else "0", named.baud, control).octets)
        if not binary:
            yield Reconfigure(named.settings())

    def hand_over(self) -> Steps[None]:
        """Sign-on of mode E: afterwards the line speaks HDLC, eight bits without parity.

        Raises:
            Refused: the meter does not announce HDLC.
            NoAnswer: nobody is there.
        """
        named = yield from self.sign_on()
        if named.mode != "E":
            raise Refused(0, f"{named.manufacturer} meter does not offer HDLC (mode E), but mode {named.mode}")
        self.reader.options = True
        yield from self.choose("2")
        now, _ = yield Pause(0.0)
        deadline = now + min(self.patience.timeout, ANSWER)
        answered = False
        while now < deadline and not answered:
            now, octets = yield Receive(deadline)
            pieces = self.reader.receive(octets)
            answered = any(isinstance(one, Found) and isinstance(one.message, Option) for one in pieces)
        yield Pause(now + REACTION)  # an answer equals its question, and may have been dropped as an echo: go on anyhow
        yield Reconfigure(named.settings(binary=True))


class Procedures(Generic[L]):
    """What a client can do; the faces below say how it is run.

    Args:
        line: to the meter.
        device: device address, empty for whoever is there.
        mode: to read in; by default the one that the identification announces. D waits for what the meter pushes.
        password: of the programming mode, empty for none.
        patience: tries and time-out.
        settings: of the line at sign-on.
        zone: of the meter's clock.
    """

    line: L

    def __init__(
        self,
        line: L,
        device: str = "",
        *,
        mode: str | None = None,
        password: str = "",
        patience: Patience | None = None,
        settings: LineSettings | None = None,
        zone: tzinfo = METER_ZONE,
    ) -> None:
        self.line, self.mode, self.zone, self._password = line, mode, zone, password
        peer = f"meter {device}" if device else "any meter"
        patience = patience or Patience(peer=peer, hint="check address, optical head and line")
        self._own = SignOnProcedure(device, patience, settings or (PUSH if mode == "D" else OPENING))
        self._programming = False

    @property
    def identification(self) -> Identification | None:
        """What the meter said last."""
        return self._own.identification

    # ------------------------------------------------------------ readout

    @procedure
    def sign_on(self) -> Steps[Identification]:
        """Ask for the identification alone."""
        return (yield from self._own.sign_on())

    @procedure
    def readout(self) -> Steps[list[DataSet]]:
        """Everything the meter reads out by itself.

        Raises:
            NoAnswer: nothing usable came.
            MalformedError: the data block is no list of data sets.
        """
        return (yield from self._readout())

    @procedure
    def read(self, item: str) -> Steps[Reading]:
        """Read one item: a quantity, or an identification code such as `1.8.0`.

        Raises:
            LocalProtocolError: the text names nothing.
            Refused: the meter's readout does not contain it.
        """
        name_of(item)
        reading = (yield from self._read([item]))[0]
        if reading.error is not None:
            raise Refused(0, reading.error.text)
        return reading

    @procedure
    def read_many(self, items: Sequence[str]) -> Steps[list[Reading]]:
        """Read items out of one readout; what it does not contain is asked for in programming mode, where there is one.

        Raises:
            LocalProtocolError: a text names nothing; nothing has been sent then.
            NoAnswer: nothing usable came.
        """
        for item in items:
            name_of(item)
        return (yield from self._read(items))

    @procedure
    def listen(self) -> Steps[list[DataSet]]:
        """One push of a meter in mode D."""
        return (yield from self._pushed())

    def _read(self, items: Sequence[str]) -> Steps[list[Reading]]:
        sets = yield from self._readout()
        listed = Listed(sets, self.zone)
        missing = [item for item in items if item not in listed]
        named = self._own.identification
        if missing and self.mode in (None, "C") and named is not None and named.mode in "CE":
            sets += yield from self._singly(missing)
            listed = Listed(sets, self.zone)
        return [listed.reading(item) for item in items]

    def _singly(self, items: Sequence[str]) -> Steps[list[DataSet]]:
        found = []
        yield from self._program()
        for item in items:
            address = reduced(name_of(item))
            try:
                found += yield from self._asked("R5", DataSet(address, (Item(""),)))
            except Refused:
                continue
        yield from self._sign_off()
        return [one if one.address else DataSet("", one.items) for one in found]

    def _readout(self) -> Steps[list[DataSet]]:
        if self.mode == "D":
            return (yield from self._pushed())
        last: Exception = NoAnswer(f"no answer from {self._own.patience.peer}: no tries are allowed")
        for _ in range(self._own.patience.tries):
            named = yield from self._own.sign_on()
            mode = named.mode if self.mode is None else self.mode
            if mode in "CE":
                yield from self._own.choose("0")
            elif mode == "B":
                yield Reconfigure(named.settings())
            self._own.reader.plain = True
            try:
                return parse((yield from self._block()))
            except (NoAnswer, MalformedError) as error:
                last = error
        raise last

    def _pushed(self) -> Steps[list[DataSet]]:
        yield Reconfigure(self._own.opening)
        self._own.reader.reset()
        now, _ = yield Pause(0.0)
        yield from self._await(lambda one: True if isinstance(one, Identification) else IGNORED, now)
        self._own.reader.plain = True
        return parse((yield from self._block()))

    def _block(self) -> Steps[bytes]:
        """The data block, put together from partial blocks, each of them acknowledged."""
        found = b""
        for _ in range(MOST_BLOCKS):
            now, _ = yield Pause(0.0)
            message: Block | Plain = yield from self._await(_block, now)
            found += message.data
            if isinstance(message, Plain) or not message.more:
                return found.rstrip().removesuffix(b"!")
            yield Send(ACK)
        raise SequenceError("blocks without end")

    def _await(self, accept: Callable[[Any], Any], now: float) -> Steps[Any]:
        """What `accept` takes; the time-out begins anew as long as octets come, for a readout takes its time."""
        patience, reader = self._own.patience, self._own.reader
        deadline, most = now + patience.timeout, now + 100 * patience.timeout
        while now < min(deadline, most):
            pieces = reader.receive(b"")
            octets = b""
            if not pieces:
                now, octets = yield Receive(min(deadline, most))
                pieces = reader.receive(octets)
            deadline = max(deadline, now + _QUIET) if octets else deadline
            if now >= min(deadline, most):
                pieces += reader.idle()
            for piece in pieces:
                found = accept(piece.message) if isinstance(piece, Found) else IGNORED
                if not isinstance(found, Ignored):
                    return found
        raise NoAnswer(f"no answer from {patience.peer}: {patience.hint}")

    # ------------------------------------------------------------ programming mode

    @procedure
    def program(self) -> Steps[None]:
        """Enter the programming mode, with the password if there is one.

        Raises:
            Refused: the meter does not take the password.
        """
        yield from self._program()

    @procedure
    def get(self, address: str, data: str = "", code: str = "R5") -> Steps[list[DataSet]]:
        """Read in programming mode: R1, R2, R5, R6, or R3 and R4 for partial blocks.

        Raises:
            Refused: the meter answers with an error message.
        """
        return (yield from self._asked(code, DataSet(address, (Item(data),))))

    @procedure
    def set(self, address: str, data: str, code: str = "W5") -> Steps[None]:
        """Write in programming mode; never sent twice.

        Raises:
            Refused: the meter answers with an error message.
            OutcomeUnknown: its answer was lost.
        """
        answer = yield from self._command(Command(code, shown(DataSet(address, (Item(data),))).encode()), once=True)
        if isinstance(answer, Block):
            raise _refusal(answer.data)

    @procedure
    def sign_off(self) -> Steps[None]:
        """Break message: the meter goes back to the speed of the sign-on."""
        yield from self._sign_off()

    @procedure
    def release(self) -> Steps[None]:
        """Leave the programming mode, if we are in it."""
        if self._programming:
            yield from self._sign_off()

    def _program(self) -> Steps[None]:
        if self._programming:
            return
        named = yield from self._own.sign_on()
        if named.mode not in "CE":
            raise Refused(0, f"the meter speaks mode {named.mode}, which has no programming mode")
        yield from self._own.choose("1")
        now, _ = yield Pause(0.0)
        yield from self._await(lambda one: True if isinstance(one, Command) and one.code == "P0" else IGNORED, now)
        self._programming = True
        if self._password:
            given = shown(DataSet("", (Item(self._password),))).encode()
            answer = yield from self._command(Command("P1", given))
            if isinstance(answer, Command) or (isinstance(answer, Block) and answer.data):
                self._programming = False
                raise Refused(0, "the meter does not take the password")

    def _command(self, command: Command, *, once: bool = False) -> Steps[Any]:
        if not self._programming:
            raise LocalProtocolError("enter the programming mode first")
        kinds = (Acknowledge, Repeat, Block, Command)

        def accept(piece: Any) -> Any:
            found = piece.message
            if isinstance(found, Command) and found.code[0] != "B":
                return IGNORED
            return found if isinstance(found, kinds) else IGNORED

        answer = yield from exchange(command.octets, self._own.reader, accept, self._own.patience, repeatable=not once)
        if isinstance(answer, Repeat):
            raise Refused(0x15, "the meter does not understand the command (NAK)")
        return answer

    def _asked(self, code: str, wanted: DataSet) -> Steps[list[DataSet]]:
        message = yield from self._command(Command(code, shown(wanted).encode()))
        found = b""
        for _ in range(MOST_BLOCKS):
            if not isinstance(message, Block):
                raise Refused(0, "the meter breaks off")
            found += message.data
            if not message.more:
                break
            now, _ = yield Send(ACK)
            message = yield from self._await(lambda one: one if isinstance(one, Block | Command) else IGNORED, now)
        else:
            raise SequenceError("blocks without end")
        sets = parse(found)
        if len(sets) == 1 and not sets[0].address and len(sets[0].items) == 1 and sets[0].items[0].value[:2] == "ER":
            raise _refusal(found)
        return [one if one.address else DataSet(wanted.address, one.items) for one in sets]

    def _sign_off(self) -> Steps[None]:
        self._programming = False
        now, _ = yield Send(Command("B0").octets)
        yield Pause(now + REACTION)
        yield Reconfigure(self._own.opening)


def _block(message: Any) -> Block | Plain | Ignored:
    return message if isinstance(message, Block | Plain) else IGNORED


def _refusal(data: bytes) -> Refused:
    return Refused(0, f"error message {data.decode('ascii', 'replace')}")


class Meter6205621(SyncFace, Procedures[Line]):
    """An IEC 62056-21 client whose calls block."""


class AsyncMeter6205621(AsyncFace, Procedures[AsyncLine]):
    """An IEC 62056-21 client whose calls are awaited."""
