"""Conversations without I/O: what a client says and waits for, what a server answers, and the two drivers.

A client procedure is a generator. It yields `Send`, `Receive`, `Pause` or `Reconfigure`, and is resumed with
`(now, octets)`: the line's time in seconds, and what was received (empty after everything else, and when `Receive`
ran into its time). It returns the result. `converse` and `aconverse` run it over a line; a test runs it by hand.

Only reads are repeated. A write or control whose answer is lost ends as `OutcomeUnknown`.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Generator, Iterable
from typing import Any, Concatenate, Final, Generic, Literal, ParamSpec, Protocol, TypeVar, cast, overload

import msgspec

from meterwire.errors import NoAnswer, OutcomeUnknown

T = TypeVar("T")
P = ParamSpec("P")


class LineSettings(msgspec.Struct, frozen=True):
    """What both ends of a serial line must agree on; printed as `2400 8E1`."""

    baud: int
    data_bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    def __str__(self) -> str:
        return f"{self.baud} {self.data_bits}{self.parity}{self.stop_bits}"

    def seconds(self, octets: int) -> float:
        """How long so many octets take on the line, start, parity and stop bits included."""
        bits = 1 + self.data_bits + (self.parity != "N") + self.stop_bits
        return octets * bits / self.baud


class Send(msgspec.Struct, frozen=True):
    """Write these octets."""

    octets: bytes


class Receive(msgspec.Struct, frozen=True):
    """Wait for octets, no longer than the line's time `until`."""

    until: float


class Pause(msgspec.Struct, frozen=True):
    """Let time pass; octets that arrive are kept for the next `Receive`."""

    until: float


class Reconfigure(msgspec.Struct, frozen=True):
    """Change speed and character format of the line, all at once."""

    settings: LineSettings


Step = Send | Receive | Pause | Reconfigure
Event = tuple[float, bytes]
Steps = Generator[Step, Event, T]


class Line(Protocol):
    """A blocking line of octets with a clock of its own."""

    def now(self) -> float:
        """Time in seconds; only differences mean something."""

    def write(self, octets: bytes) -> None:
        """Send everything; raises `Disconnected`."""

    def read(self, until: float) -> bytes:
        """What has arrived, waiting until then; empty when nothing came; raises `Disconnected`."""

    def pause(self, until: float) -> None:
        """Wait."""

    def reconfigure(self, settings: LineSettings) -> None:
        """Change the line's settings; a line that has none accepts any."""

    def close(self) -> None:
        """Give the line back; more than once is harmless."""


class AsyncLine(Protocol):
    """The same line for asyncio."""

    def now(self) -> float:
        """Time in seconds; only differences mean something."""

    async def write(self, octets: bytes) -> None:
        """Send everything; raises `Disconnected`."""

    async def read(self, until: float) -> bytes:
        """What has arrived, waiting until then; empty when nothing came; raises `Disconnected`."""

    async def pause(self, until: float) -> None:
        """Wait."""

    async def reconfigure(self, settings: LineSettings) -> None:
        """Change the line's settings; a line that has none accepts any."""

    async def close(self) -> None:
        """Give the line back; more than once is harmless."""


class Dialogue(Generic[T]):
    """One conversation, ready to be run once. Warns when it is thrown away without having been run."""

    def __init__(self, steps: Steps[T], name: str = "dialogue") -> None:
        self._steps, self._name, self._run = steps, name, False

    def __iter__(self) -> Steps[T]:
        self._run = True
        return self._steps

    def __del__(self) -> None:
        if not self._run:
            warnings.warn(f"{self._name} was made and never run", RuntimeWarning, stacklevel=2)


def converse(dialogue: Iterable[Any] | Dialogue[T], line: Line) -> T:
    """Run a dialogue over a blocking line and return its result."""
    steps = cast("Steps[T]", iter(dialogue))
    try:
        step = next(steps)
        while True:
            try:
                octets = _perform(step, line)
            except Exception as error:  # noqa: BLE001  the procedure decides what a broken line means for it
                step = steps.throw(error)
            else:
                step = steps.send((line.now(), octets))
    except StopIteration as done:
        return cast("T", done.value)
    finally:
        steps.close()


def _perform(step: Step, line: Line) -> bytes:
    if isinstance(step, Receive):
        return line.read(step.until)
    if isinstance(step, Send):
        line.write(step.octets)
    elif isinstance(step, Pause):
        line.pause(step.until)
    else:
        line.reconfigure(step.settings)
    return b""


async def aconverse(dialogue: Iterable[Any] | Dialogue[T], line: AsyncLine) -> T:
    """Run a dialogue over an asyncio line and return its result."""
    steps = cast("Steps[T]", iter(dialogue))
    try:
        step = next(steps)
        while True:
            try:
                octets = await _aperform(step, line)
            except Exception as error:  # noqa: BLE001  the procedure decides what a broken line means for it
                step = steps.throw(error)
            else:
                step = steps.send((line.now(), octets))
    except StopIteration as done:
        return cast("T", done.value)
    finally:
        steps.close()


async def _aperform(step: Step, line: AsyncLine) -> bytes:
    if isinstance(step, Receive):
        return await line.read(step.until)
    if isinstance(step, Send):
        await line.write(step.octets)
    elif isinstance(step, Pause):
        await line.pause(step.until)
    else:
        await line.reconfigure(step.settings)
    return b""


# ---------------------------------------------------------------- one exchange, with tries and time-out, for everybody


class Framed(Protocol):
    """What `exchange` needs of a framer: it gives frames, and pieces that are none (they have a `reason`)."""

    def receive(self, data: bytes) -> list[Any]:
        """Take octets, give the frames and the garbage that are now complete."""

    def idle(self) -> list[Any]:
        """The line fell silent: give up what is incomplete."""


class Patience(msgspec.Struct, frozen=True):
    """How often and how long to try.

    Attributes:
        tries: how many times a read is sent; a write is sent once whatever it says.
        timeout: seconds to wait for the answer after the request has been written.
        peer: who is asked and how, for people: `000000000161 at 2400 8E1`.
        hint: what to check when nobody answers.
    """

    tries: int = 3
    timeout: float = 10.0
    peer: str = "the meter"
    hint: str = "check address and line"


class Ignored:
    """The answer of an `accept` function to a frame that is not the one it waits for."""


IGNORED: Final = Ignored()


class Reply(Ignored, msgspec.Struct, frozen=True):
    """The answer of an `accept` function to a frame that is not the one it waits for, but wants an answer itself.

    Attributes:
        octets: what to send, nothing where empty.
        more: whether what we wait for is on its way, so that its time begins anew.
    """

    octets: bytes = b""
    more: bool = False


def exchange(
    request: bytes,
    framer: Framed,
    accept: Callable[[Any], T | Ignored],
    patience: Patience,
    *,
    repeatable: bool,
) -> Steps[T]:
    """Send a request and wait for the frame that `accept` takes.

    Args:
        request: octets to send.
        framer: cuts the octets received into frames.
        accept: gives the result for a frame, `IGNORED`, or a `Reply` to send at once while waiting on; may raise
            `Refused` or another documented error.
        patience: tries, time-out and what to tell people.
        repeatable: whether the request may be sent again; true for reads alone.

    Raises:
        NoAnswer: nothing usable came after all tries; says what garbage came.
        OutcomeUnknown: the answer to a request that must not be repeated was lost.
    """
    heard = _Heard(request)
    tries = patience.tries if repeatable else 1
    for _ in range(tries):
        now, _ = yield Send(request)
        deadline = now + patience.timeout
        while now < deadline:
            now, octets = yield Receive(deadline)
            heard.note(octets)
            pieces = framer.receive(octets) if octets else []
            if now >= deadline:
                pieces += framer.idle()  # a good frame may lie behind a false start that claimed to be longer
            for piece in pieces:
                if hasattr(piece, "reason"):
                    heard.garbage.append(piece)
                    continue
                result = accept(piece)
                if not isinstance(result, Ignored):
                    return result
                if isinstance(result, Reply):
                    if result.octets:
                        now, _ = yield Send(result.octets)
                    deadline = now + patience.timeout if result.more else deadline
                    continue
                heard.strangers += 1
    raise _silence(patience, tries, heard, repeatable=repeatable)


class _Heard:
    """What came instead of the answer, for advice to people; bounded."""

    def __init__(self, request: bytes) -> None:
        self.garbage: list[Any] = []
        self.strangers = 0
        self._request = request
        self._octets = bytearray()

    def note(self, octets: bytes) -> None:
        """Octets came."""
        if len(self._octets) < _REMEMBERED:
            self._octets += octets

    def account(self) -> str:
        """What came, in words; empty for nothing."""
        if self.strangers:
            return f"; {self.strangers} frames came that do not answer it"
        octets = sum(len(piece.octets) for piece in self.garbage)
        return f"; {octets} octets of garbage came ({self.garbage[-1].reason})" if octets else ""

    def advice(self, hint: str) -> str:
        """What to check first."""
        octets = bytes(self._octets)
        if octets and not octets.replace(self._request, b""):
            return "our own request came back and nothing else: the line echoes, and the meter is silent or not reached"
        if self.strangers:
            return "somebody else answers: check the address, and who else is on the line"
        if len(octets) >= _TELLING and len({octet.bit_count() & 1 for octet in octets}) == 1:
            return "every octet has the same parity: the line is set to the wrong data bits or parity"
        if self.garbage and "does not end" in self.garbage[-1].reason:
            return "a frame began and did not end: the line loses octets, or the time-out is too short"
        if self.garbage:
            return f"speed or parity may be wrong: {hint}"
        return hint


_REMEMBERED: Final = 4096
_TELLING: Final = 12
"""So many octets of equal parity do not come by chance."""


def _silence(patience: Patience, tries: int, heard: _Heard, *, repeatable: bool) -> NoAnswer | OutcomeUnknown:
    also = heard.account()
    if not repeatable:
        return OutcomeUnknown(f"the answer from {patience.peer} was lost{also}: read back before trying again")
    plural = "try" if tries == 1 else "tries"
    return NoAnswer(f"no answer from {patience.peer} after {tries} {plural}{also}: {heard.advice(patience.hint)}")


# ---------------------------------------------------------------- one method list, two faces


class SyncFace:
    """A client whose procedures block: they run over `line`."""

    line: Line


class AsyncFace:
    """A client whose procedures are awaited: they run over `line`."""

    line: AsyncLine


class procedure(Generic[P, T]):  # noqa: N801  used as a decorator
    """A generator method that both faces of a client offer: a call on one, an awaitable on the other.

    Inside another procedure use `yield from type(self).name.steps(self, ...)`.
    """

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self.steps = steps
        self.__doc__ = steps.__doc__
        self.__name__ = getattr(steps, "__name__", "procedure")
        self.__wrapped__ = steps

    @overload
    def __get__(self, client: SyncFace, owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncFace, owner: Any = None) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, owner: Any = None) -> procedure[P, T]: ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        if client is None:
            return self
        steps, name = self.steps, self.__name__

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            dialogue = Dialogue(steps(client, *args, **kwargs), name)
            return (aconverse if isinstance(client, AsyncFace) else converse)(dialogue, client.line)

        call.__doc__, call.__name__ = self.__doc__, name
        return call


# ---------------------------------------------------------------- servers


class Answer(msgspec.Struct, frozen=True):
    """Octets a server sends.

    Attributes:
        octets: what is sent.
        durable: what they acknowledge must be committed before they leave.
        settings: what the serial line changes to once they have left; a line that has none ignores it.
    """

    octets: bytes
    durable: bool = False
    settings: LineSettings | None = None


class Responder(Protocol):
    """One connection of a server: pure and synchronous, octets and time in, answers out."""

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived at this time; give what is to be sent, in order."""

    def idle(self, now: float) -> list[Answer]:
        """The line has been silent for longer than a frame may pause."""


class Timed(Responder, Protocol):
    """A responder that also speaks of its own accord: late answers, reports, repetitions, heartbeats."""

    def next(self) -> float:
        """When it wants to be run, in the line's time; infinite for not at all. Asked again after every call."""

    def run(self, now: float) -> list[Answer]:
        """The time has come, or nearly; give what is to be sent now."""


AGAIN: Final = 0.05
"""Seconds after which a responder is run again that is due and has just been run."""


def timed(responder: Responder) -> Timed | None:
    """The responder where it speaks of its own accord, None where it only answers."""
    return cast("Timed", responder) if hasattr(responder, "next") and hasattr(responder, "run") else None


def farewell(responder: Responder) -> list[Answer]:
    """What a responder says before its side hangs up: what its `goodbye` gives, nothing where it has none."""
    goodbye: Callable[[], list[Answer]] | None = getattr(responder, "goodbye", None)
    return [] if goodbye is None else goodbye()
