"""The emulated meter: one physics, read by as many faces as one likes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import readings
from meterwire.meter_model.agenda import Agenda
from meterwire.meter_model.books import Books
from meterwire.meter_model.circuit import Circuit, Instant, PhaseOverride
from meterwire.meter_model.clock import VirtualClock, local_time
from meterwire.meter_model.display import Display
from meterwire.meter_model.events import Events
from meterwire.meter_model.files import Files
from meterwire.meter_model.fittings import Fittings
from meterwire.meter_model.history import Given, give_past
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.inputs import NOTES, Inputs
from meterwire.meter_model.ledger import Ledger, Settlement
from meterwire.meter_model.load import LoadModel, Site
from meterwire.meter_model.moment import Moment
from meterwire.meter_model.noise import uniform_at
from meterwire.meter_model.profiles import Profile, load_profile
from meterwire.meter_model.reports import Reports
from meterwire.meter_model.sampling import sample_of
from meterwire.meter_model.status import Status
from meterwire.meter_model.values import NotServed, Value
from meterwire.quantities import Kind, Quantity
from meterwire.quantities import quantity as named

if TYPE_CHECKING:
    from meterwire.meter_model.concentrator.concentrator import Concentrator
    from meterwire.meter_model.demand import DemandSettings, MaximumDemand
    from meterwire.meter_model.energy import CombinationWords, Energies
    from meterwire.meter_model.sample import Sample
    from meterwire.meter_model.tariff import BillingDays
    from meterwire.meter_model.tariff_plan import TariffPlan

_TEMPERATURE = 90
_REGISTERED = frozenset({Kind.ENERGY, Kind.MAX_DEMAND})


class Meter:
    """A meter that registers what its load takes, at the pace of its own clock.

    It does nothing by itself: whenever it is asked or changed, it first registers everything up to its clock's now.
    Readings belong to whole seconds; the clock quantities alone have fractions of one cut off.

    Args:
        profile: the type of meter, by name or as an object.
        identity: who it is.
        clock: by default one that stands still at 2026-01-01T00:00:00.
        load: what is connected; by default that of the profile.
        seed: of all noise, and of the past that a new meter has.
        given: readings it is to start with, by register: the total in kWh, or one number per rate.
        objects: values that replace those of the model, by name of the quantity; None takes a quantity away.

    Attributes:
        circuit: load, phases and supply; change them through the methods here.
        events: what has happened to the meter.
        reports: what of that nobody has been told yet.
        inputs: its case and batteries; change them through the methods here.
        status: its state as named bits.
        display: what a person sees.
        made_as: the profile it began with; likewise made_with_number.
        agenda: what it has to do at a moment to come.
        parameters: what can be set.
        access: who may set it.
        programming: who has set what.
        relay: what connects the customer.
        esam: stands in for the secure element; `esam69845` does for DL/T 698.45.
        dlms_security: keys and counters of DLMS/COSEM.
        dlms_push: what it pushes through DLMS/COSEM, and how it tries.
        tariff: which sets of tables are in force.
        freezes: what it stored of itself at an order and at set times.
        load_profile: what it stores all the time.
        files: what it takes in blocks, and the program that it runs.
        credit: what the energy costs, and what is left of what was paid.
        voltage_quality: for how long the voltage was within its limits.
        concentrator: what this device is beside a meter, None for nothing.
        shown: what faces have made of readings, by names of their dialects; gone as soon as readings may differ.
    """

    def __init__(
        self,
        profile: Profile | str = "three-phase",
        identity: Identity | None = None,
        clock: VirtualClock | None = None,
        load: LoadModel | None = None,
        seed: int = 1,
        *,
        given: Given | None = None,
        objects: Mapping[str, Decimal | str | None] | None = None,
    ) -> None:
        self.profile = load_profile(profile) if isinstance(profile, str) else profile
        self.identity = identity or Identity()
        self.clock = clock or VirtualClock(frozen=True)
        self.seed = seed
        ratings = self.profile.ratings
        site = Site(seed, self.profile.phases, ratings.voltage, ratings.frequency)
        self.circuit = Circuit(site, load or self.profile.load, self.profile.spectrum)
        self.inputs = Inputs()
        self.reports = Reports()
        self._overrides = dict.fromkeys(self.profile.absent) | dict(objects or {})
        second = self.clock.seconds()
        self._ledger = Ledger(self.profile, self.circuit, second)
        give_past(self._ledger, self.profile, seed, -(-second // 60), given or {})
        self._second = second
        self._quiet = False
        self.events = self._ledger.watcher = Events(self, second)
        self._cache: dict[tuple[str, str, str, int, int], Value] = {}
        self.shown: dict[Any, Any] = {}
        self._view: Energies | None = None
        self._instant: Instant | None = None
        self.agenda = Agenda()
        self._at_appointment = False
        self._fittings = fittings = Fittings(self)
        self.parameters, self.access, self.programming = fittings.parameters, fittings.access, fittings.programming
        self.relay, self.esam, self.dlms_security = fittings.relay, fittings.esam, fittings.dlms_security
        self.dlms_push = fittings.dlms_push
        self.esam69845 = fittings.esam69845
        self.status, self.display = Status(self), Display(self)
        self.parameters.watch(self.events.parameter_changed)
        self.programming.watch(self.events.announced)
        self._books = books = Books(self)
        self.tariff, self.freezes, self.load_profile = books.tariff, books.freezes, books.load_profile
        self.credit, self.voltage_quality = books.credit, books.voltage_quality
        self.files = Files(self)
        self._ledger.sampler = books.sampling
        self._ledger.observers.append(books.voltage_quality)
        books.begin()
        self.clock.watch(self._before_setting, self._after_setting)
        self.concentrator: Concentrator | None = None
        self.made_as, self.made_with_number = self.profile, self.identity.number

    # ------------------------------------------------------------ reading

    def read(self, quantity: Quantity | str) -> Value:
        """The value of a quantity now, exact, in the unit of its row.

        Raises:
            NotServed: this meter does not have it.
            LocalProtocolError: no quantity is called so.
        """
        row = named(quantity) if isinstance(quantity, str) else quantity
        self.advance()
        place = (row.kind, row.register, row.phase, row.rate, row.settlement)
        found = self._cache.get(place)
        if found is None:
            found = self._cache[place] = self._read(row)
        return found

    def now(self) -> dt.datetime:
        """The time the meter shows, aware."""
        return self.clock.now()

    def _read(self, row: Quantity) -> Value:
        if row.name in self._overrides:
            return _replaced(row, self._overrides[row.name])
        return readings.read(self, row)

    # ------------------------------------------------------------ what the readers of `readings` need, at this second

    @property
    def second(self) -> int:
        """Whole seconds since 1970 local up to which everything is registered."""
        return self._second

    @property
    def energies(self) -> Energies:
        """The energy registers."""
        if self._view is None:
            self._view = self._ledger.readings_at(self._second)
        return self._view

    def energies_at(self, second: int) -> Energies:
        """The energy registers at a second, less than a minute after the last grid point of the ledger."""
        return self._ledger.readings_at(second)

    def read_at(self, moment: Moment, row: Quantity) -> Value:
        """As `read`, for a second that need not be now; raises NotServed."""
        if row.name in self._overrides:
            return _replaced(row, self._overrides[row.name])
        now = self._second, self._view, self._instant
        instant = None if row.kind in _REGISTERED else moment.instant  # costs as much as all registers
        self._second, self._view, self._instant = moment.second, moment.energies, instant
        try:
            return readings.read(self, row)
        finally:
            self._second, self._view, self._instant = now

    def read_from(self, sample: Meter, row: Quantity) -> Value:
        """As `read`, of a copied state of this meter; raises NotServed."""
        if row.name in self._overrides:
            return _replaced(row, self._overrides[row.name])
        return readings.read(sample, row)

    def sample(self, *, everything: bool = True) -> Sample:
        """A copy of the state at the present second: all of it, or the totals and what flows."""
        rows = self.circuit.rows(self._second // 60, 1) if self.powered else None
        return sample_of(self, self._ledger.demand, self.energies, self._second, rows, everything=everything)

    def plan_samples(self) -> None:
        """Find the moments of freezes and load profile anew: something they depend on has been set."""
        self._books.sampling.plan(self._second // 60)

    @property
    def demand(self) -> MaximumDemand:
        """The demand as of the last whole minute."""
        return self._ledger.demand

    @property
    def rate_in_force(self) -> int:
        """The rate under which the present minute is registered."""
        return self._ledger.rate_at(self._second)

    @property
    def rate_count(self) -> int:
        """How many rates are in use."""
        return int(self.parameters["rate_count"])

    @property
    def dark_seconds(self) -> int:
        """How long the meter has been without power in all."""
        return self._ledger.dark_seconds_at(self._second)

    @property
    def instant(self) -> Instant:
        """The electrical state."""
        if self._instant is None:
            self._instant = self.circuit.at(self._second // 60)
        return self._instant

    @property
    def instant_time(self) -> dt.datetime:
        """The time, in whole seconds, aware."""
        return local_time(self._second).replace(tzinfo=self.clock.zone)

    @property
    def temperature(self) -> Fraction:
        """Inside the case, degrees Celsius."""
        return self.temperature_at(self._second)

    def temperature_at(self, second: int) -> Fraction:
        """The same at a second: it wanders by two degrees in the course of hours."""
        typical = self.profile.numbers.internal_temperature
        return Fraction(round(typical * 10 + 40 * uniform_at(self.seed, _TEMPERATURE, second // 7200) - 20), 10)

    def settlement(self, number: int) -> Settlement:
        """The settlement so many billing days back, 1 the last; raises IndexError."""
        if number < 1:
            raise IndexError(number)
        return self._ledger.settlements[number - 1]

    # ------------------------------------------------------------ changing

    @property
    def powered(self) -> bool:
        """Whether the meter has power; without it the faces are silent and nothing is registered."""
        return self._ledger.running

    @powered.setter
    def powered(self, on: bool) -> None:
        if on != self.circuit.supplied:
            self._close_step()
            self.circuit.supplied = on
            self._feed()

    @property
    def answers(self) -> bool:
        """Whether it can be read: it has power, or was woken by its button and has a good battery."""
        return self._ledger.running or self.status.awake

    def _feed(self) -> None:
        """Live or die with what feeds the meter: any phase, or its auxiliary supply."""
        on = self.circuit.alive or bool(self.inputs.auxiliary_supply)
        if on != self._ledger.running:
            self._intervene("power-on" if on else "power-off")
            self._ledger.power(on=on)
            self.events.look(settled=False)

    @property
    def outages(self) -> int:
        """How often it has lost its power since the program began, for those who ask at every read."""
        return self._ledger.outages

    @property
    def power_losses(self) -> int:
        """How often the meter has lost its power."""
        return self.events.counts.get("power-off", 0)

    def set_load(self, load: LoadModel) -> None:
        """Connect another load; phase overrides stay."""
        self._intervene("load-changed")
        self.circuit.load = load

    def cut_phase(self, phase: str) -> None:
        """Take the voltage of a phase away; raises LocalProtocolError for a phase it does not have."""
        self.circuit.refuse_unknown(phase)
        if phase not in self.circuit.cut:
            self._intervene(f"phase-{phase}-lost")
            self.circuit.cut |= {phase}
            self._feed()

    def restore_phase(self, phase: str) -> None:
        """Give the voltage of a phase back."""
        self.circuit.refuse_unknown(phase)
        if phase in self.circuit.cut:
            self._intervene(f"phase-{phase}-restored")
            self.circuit.cut -= {phase}
            self._feed()

    def override_phase(self, phase: str, values: PhaseOverride | None) -> None:
        """Replace voltage or powers of a phase; None gives them back to the load; raises LocalProtocolError."""
        self.circuit.refuse_unknown(phase)
        self._intervene("load-changed")
        self.circuit.override(phase, values)
        self._feed()

    def turn_current(self, phase: str, turned: bool) -> None:
        """Connect the current of a phase the wrong way round, or the right way; raises LocalProtocolError."""
        self.circuit.refuse_unknown(phase)
        if turned != (phase in self.circuit.turned):
            self._intervene(f"phase-{phase}-turned" if turned else f"phase-{phase}-turned-back")
            self.circuit.turned ^= {phase}

    def exchange_phases(self, *, voltage: bool | None = None, current: bool | None = None) -> None:
        """Let voltages or currents follow each other the wrong way round, or the right way; None leaves them."""
        self._intervene("phases-exchanged")
        if voltage is not None:
            self.circuit.voltage_reversed = voltage
        if current is not None:
            self.circuit.current_reversed = current

    def change_inputs(self, inputs: Inputs) -> None:
        """Open or close covers, bring a magnet, wear batteries out."""
        old = self.inputs
        notes = [
            names[0] if getattr(inputs, name) else names[1]
            for name, names in NOTES.items()
            if getattr(inputs, name) is not getattr(old, name)
        ]
        if (inputs.clock_battery, inputs.outage_battery) != (old.clock_battery, old.outage_battery):
            notes.append("battery-changed")
        for note in notes:
            self._intervene(note)
        self.inputs = inputs
        self._feed()
        self._forget()
        self.events.look(settled=False)

    def connect_customer(self, on: bool) -> None:
        """Close or open the relay's contacts; orders go to `relay`, which knows the rules."""
        self._intervene("relay-closed" if on else "relay-opened", self.relay.ordered_by)
        self.circuit.connected = on

    def clear_demand(self) -> None:
        """Forget the maxima of the running billing period."""
        self._intervene("demand-cleared")
        self._ledger.clear_demand()

    def clear_energy(self, register: str, phase: str = "total") -> None:
        """Let one register of energy begin at zero, that of a total with its rates; its record is written before."""
        self._close_step()
        self.credit.registers_change(lambda: self._ledger.energies.clear_one(register, phase))
        self._forget()

    def clear(self) -> None:
        """Forget all energies, demands, settlements and events, as the order to clear the meter does."""
        self._intervene("meter-cleared")
        self._books.clear()
        self._ledger.clear()
        self._forget()
        self.events.clear_meter()

    def clear_events(self, kinds: Collection[str] | None = None) -> None:
        """Forget what has happened, of some kinds or of all; that the meter and its events were cleared stays known."""
        self.advance()
        self.events.clear(kinds)

    def recombine(self, words: CombinationWords) -> None:
        """Make the combined registers of other parts from now on; the energies that are there combine anew."""
        self._intervene("recombined")
        self.profile = msgspec.structs.replace(self.profile, combination=words)
        self._ledger.demand.recombine(words.of_demands)

    def retariff(self, plan: TariffPlan) -> None:
        """Register under another plan from now on; `tariff` knows the rules."""
        self._intervene("tariff-changed")
        self._ledger.retariff(plan)

    def settle_on(self, billing: BillingDays) -> None:
        """End billing periods at other moments from now on."""
        self._intervene("settlement-days-changed")
        self._ledger.settle_on(billing)

    def measure_demand(self, settings: DemandSettings) -> None:
        """Measure the demand over other windows from now on; maxima that are there stay."""
        self._intervene("demand-window-changed")
        self.profile = msgspec.structs.replace(self.profile, demand=settings)
        self._ledger.measure_demand(settings)

    def note_event(self, name: str) -> None:
        """Record something that happened to the meter, such as `button`."""
        self._intervene(name)

    def set_clock(self, to: dt.datetime, *, recorded: bool = True) -> None:
        """Set the clock; a broadcast does so without a record of its own. Raises LocalProtocolError."""
        self._quiet = not recorded
        try:
            self.clock.jump(to)
        finally:
            self._quiet = False

    # ------------------------------------------------------------ time

    def advance(self) -> None:
        """Register everything up to the clock's now; whoever reads or changes the meter has it done."""
        if self._at_appointment:
            return
        second = self.clock.seconds()
        if second == self._second and second < self.agenda.earliest:
            return
        while (due := self.agenda.next()) is not None and due <= second:
            self._register(max(due, self._second))
            self._at_appointment = True
            try:
                self.agenda.run()
            finally:
                self._at_appointment = False
        self._register(second)

    def _register(self, second: int) -> None:
        if second != self._second:
            self.events.look()
            self._ledger.advance(second)
            self._second = second
            self._forget()

    def _intervene(self, event: str, source: str = "") -> None:
        """Close the step of the ledger here and note why: something changes."""
        self._close_step()
        self.events.note(self.instant_time if self._at_appointment else self.now(), event, source)
        self._forget()
        self._books.stir()

    def _close_step(self) -> None:
        self.advance()
        self._ledger.close_step(self._second)
        self.events.touch()
        self._forget()

    # ------------------------------------------------------------ going on from a saved state; see `saved`

    def ledger_state(self) -> dict[str, Any]:
        """The registers, as builtins."""
        return self._ledger.state()

    def begin_at(self, micro: int) -> None:
        """Begin at a saved time instead, with nothing planned."""
        self.clock.restore(micro)
        self._second = self.clock.seconds()
        self.agenda.clear()
        self._ledger.set_clock(self._second)
        self._forget()

    def restore_ledger(self, state: Mapping[str, Any]) -> None:
        """Take saved registers over; parameters and tariff have been restored before."""
        self._fittings.parameters_restored()
        self._books.restore_plans()
        self._ledger.restore(state)
        self._forget()

    def be_thrifty(self) -> None:
        """Spend time to save memory: for a process with hundreds of meters."""
        for series in (*self.freezes.series.values(), *self.load_profile.series.values()):
            series.be_thrifty()

    def miss(self, seconds: float) -> None:
        """So much time has passed in which nobody ran the meter: it had no power."""
        if seconds < 1:
            return
        powered, supplied = self.powered, self.circuit.supplied
        if powered:
            self._intervene("power-off")
            self._ledger.power(on=False)
            self.circuit.supplied = False
        self.clock.step(seconds)
        self.advance()
        if powered:
            self._intervene("power-on")
            self.circuit.supplied = supplied
            self._ledger.power(on=True)

    def _before_setting(self) -> None:
        self._intervene("clock-broadcast" if self._quiet else "clock-set")

    def _after_setting(self) -> None:
        before, self._second = self._second, self.clock.seconds()
        self._ledger.set_clock(self._second)
        self.agenda.shift(self._second - before)
        self._fittings.clock_set(self._second - before)
        self._books.clock_set()
        self.events.clock_set(self._second - before, recorded=not self._quiet)
        self.status.clock_set(self._second - before)
        self._forget()

    def _forget(self) -> None:
        self._cache.clear()
        self.shown.clear()
        self._view = self._instant = None


def _replaced(row: Quantity, value: Decimal | str | None) -> Value:
    if value is None:
        raise NotServed(f"{row.name}: taken away from this meter")
    if isinstance(value, str):
        return value
    if row.kind in {Kind.MAX_DEMAND, Kind.DATE, Kind.TIME, Kind.DATE_TIME, Kind.TEXT}:
        raise LocalProtocolError(f"{row.name} cannot be replaced by a number")
    return Fraction(value)
