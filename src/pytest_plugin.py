"""The pytest plugin: `emulated_meter`, a meter served on real endpoints for the length of a test.

    def test_head_end(emulated_meter):
        with emulated_meter(listen=["dlt645+tcp://127.0.0.1:0"]) as meter:
            meter.set_load(kind="constant", active=1000)
            meter.clock.step(3600)
            assert read_it_somehow(meter.url("dlt645")) == ...

The meter lives in a thread of its own; whatever is done to it from a test is done between two octets of its faces.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from meterwire.emulate import Background
    from meterwire.meter_model.load import LoadModel
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.values import Value

T = TypeVar("T")

LISTEN: Final = ("dlt645+tcp://127.0.0.1:0", "dlt69845+tcp://127.0.0.1:0", "dlms+tcp://127.0.0.1:0")
CLOCK: Final = "frozen:2026-01-01T00:00:00"


class EmulatedMeter:
    """A running emulated meter; use it as a context manager, or `close` it.

    Args:
        profile: type of meter.
        listen: endpoints to serve; port 0 is any free one.
        device: device file, instead of a profile.
        clock: as for `meterwire serve --clock`; by default that of the device file, or frozen, so that tests repeat.
        seed: of load and faults.
        load: what is connected, instead of the profile's.
        control: place of a control surface to serve too, such as `tcp://127.0.0.1:0`.
        state: folder that keeps the meter's state.

    Attributes:
        clock: the meter's clock: `step`, `jump`, `freeze`, `run`, `now`.
    """

    def __init__(
        self,
        profile: str = "three-phase",
        listen: Sequence[str] = LISTEN,
        *,
        device: str | Path | None = None,
        clock: str = "",
        seed: int = 1,
        load: LoadModel | None = None,
        control: str | None = None,
        state: str | Path | None = None,
    ) -> None:
        from meterwire.emulate import emulated  # noqa: PLC0415  a test run that uses no meter imports none of this
        from meterwire.meter_model.device import Device  # noqa: PLC0415

        made = Device.load(device) if device is not None else Device.of_profile(profile, seed)
        self._stack = contextlib.ExitStack()
        serving = emulated(made, listen, clock=clock or made.clock or CLOCK, control=control, state=state)
        self._background: Background = self._stack.enter_context(serving)
        self.clock = EmulatedClock(self)
        if load is not None:
            self.set_load(load)

    # ------------------------------------------------------------ where it is

    @property
    def urls(self) -> list[str]:
        """What a client opens, in the order of `listen`."""
        return self._background.emulation.urls

    def url(self, dialect: str = "") -> str:
        """The first endpoint of a dialect, or the first of all; raises LocalProtocolError if there is none."""
        return self._background.url(dialect)

    @property
    def control_url(self) -> str:
        """The place of the control surface, empty when none is served."""
        return self._background.emulation.control_url

    # ------------------------------------------------------------ what can be done to it

    def control(self, **request: Any) -> Any:
        """One operation of the control surface; gives the value of its reply; see `meter_model.control`."""
        return self._background.call(self._background.emulation.control.do, request)

    def set_load(self, load: LoadModel | None = None, **settings: Any) -> None:
        """Connect another load, as an object or as the settings of one: `kind="constant", active=1000`."""
        if load is None:
            self.control(op="set", what="load", **settings)
        else:
            self.apply(lambda meter: meter.set_load(load))

    def cut_phase(self, phase: str) -> None:
        """Take the voltage of a phase away."""
        self.control(op="set", what="phase", phase=phase, on=False)

    def restore_phase(self, phase: str) -> None:
        """Give it back."""
        self.control(op="set", what="phase", phase=phase, on=True)

    def set_phase(self, phase: str, **values: float | None) -> None:
        """Replace `voltage`, `active` or `reactive` of a phase; None gives a value back to the load."""
        self.control(op="set", what="phase", phase=phase, **values)

    def power(self, on: bool) -> None:
        """Switch the meter's power."""
        self.control(op="set", what="power", on=on)

    def fault(self, link: str | None = None, **rates: Any) -> None:
        """Spoil a link, named by its dialect, or all links: `fault("dlt645", drop=0.1)`."""
        self.control(op="set", what="fault", **({} if link is None else {"link": link}), **rates)

    def clear_faults(self) -> None:
        """Leave all links in peace."""
        self.control(op="set", what="fault", clear=True)

    def misbehave(self, link: str | None = None, **manners: float) -> None:
        """Let the meter do wrong on a link, or on all: `silent=1`, `late=2.5`, `abnormal=1`; see `misbehaviour`."""
        self.control(op="set", what="misbehave", **({} if link is None else {"link": link}), **manners)

    def behave(self) -> None:
        """Let the meter do right again."""
        self.control(op="set", what="misbehave", clear=True)

    def event(self, name: str) -> None:
        """Something happens to the meter: `cover-open`."""
        self.control(op="event", name=name)

    def display(self) -> str | None:
        """The line that a person reads on it now, None where the display is dark; `event("button")` turns it on."""
        shown: str | None = self.control(op="get", what="display")["shown"]
        return shown

    def read(self, quantity: str) -> Value:
        """What the meter itself holds, exact: the truth that clients are compared with."""
        return self.apply(lambda meter: meter.read(quantity))

    def apply(self, change: Callable[[Meter], T]) -> T:
        """Do anything to the meter, in its own thread."""
        return self._background.call(change, self._background.emulation.meter)

    # ------------------------------------------------------------ end

    def close(self) -> None:
        """Stop serving; more than once is harmless."""
        self._stack.close()

    def __enter__(self) -> EmulatedMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EmulatedClock:
    """The clock of an emulated meter, seen from a test."""

    def __init__(self, meter: EmulatedMeter) -> None:
        self._meter = meter

    def now(self) -> dt.datetime:
        """The time the meter shows."""
        return self._meter.apply(lambda meter: meter.now())

    def step(self, seconds: float) -> None:
        """Let time pass at once; energy accumulates."""
        self._meter.apply(lambda meter: meter.clock.step(seconds))

    def jump(self, to: dt.datetime) -> None:
        """Set the clock; nothing is registered for the difference."""
        self._meter.apply(lambda meter: meter.clock.jump(to))

    def freeze(self) -> None:
        """Stand still."""
        self._meter.apply(lambda meter: meter.clock.freeze())

    def run(self, rate: float | None = None) -> None:
        """Run, at so many times the speed."""
        self._meter.apply(lambda meter: meter.clock.run(rate))


@pytest.fixture
def emulated_meter() -> Iterator[Callable[..., EmulatedMeter]]:
    """Makes emulated meters, which end with the test; takes what `EmulatedMeter` takes."""
    with contextlib.ExitStack() as stack:

        def make(*args: Any, **settings: Any) -> EmulatedMeter:
            return stack.enter_context(EmulatedMeter(*args, **settings))

        yield make
