"""The relay: every order in every state, and what time does."""

import pytest

from meterwire.meter_model.meter import Meter
from meterwire.meter_model.relay import LONGEST_WAIT, Position, Reason, RelayRefused, Restore, Waiting

CLOSED, PERMITTED, OPEN = Position.CLOSED, Position.PERMITTED, Position.OPEN


def meter_at(position: Position = CLOSED, **parameters) -> Meter:
    meter = Meter()
    if position is not CLOSED:
        meter.relay.trip()
    if position is PERMITTED:
        meter.relay.permit()
    for name, value in parameters.items():
        meter.parameters.set(name, value)
    assert meter.relay.position is position
    return meter


ORDERS = {
    "trip": lambda relay: relay.trip(),
    "permit": lambda relay: relay.permit(),
    "close": lambda relay: relay.close(),
    "guard": lambda relay: relay.guard(True),
    "button": lambda relay: relay.press_button(),
}


@pytest.mark.parametrize(
    ("order", "from_closed", "from_permitted", "from_open"),
    [
        ("trip", OPEN, OPEN, OPEN),
        ("permit", CLOSED, PERMITTED, PERMITTED),
        ("close", CLOSED, CLOSED, CLOSED),
        ("guard", CLOSED, CLOSED, CLOSED),
        ("button", CLOSED, CLOSED, OPEN),
    ],
)
def test_every_order_from_every_position(order, from_closed, from_permitted, from_open):
    """The truth table; contacts and current follow the position, and each movement is an event."""
    for before, after in ((CLOSED, from_closed), (PERMITTED, from_permitted), (OPEN, from_open)):
        meter = meter_at(before)
        moves = meter.events.counts["relay-opened"] + meter.events.counts["relay-closed"]
        ORDERS[order](meter.relay)
        assert meter.relay.position is after
        assert meter.circuit.connected == (after is CLOSED)
        assert bool(meter.read("current_a")) == (after is CLOSED)
        assert meter.read("voltage_a") > 200
        moved = meter.events.counts["relay-opened"] + meter.events.counts["relay-closed"] - moves
        assert moved == ((before is CLOSED) != (after is CLOSED))


def test_an_open_relay_registers_nothing():
    """Energy stands still while the customer is off."""
    meter = meter_at(OPEN)
    before = meter.read("active_energy_import")
    meter.clock.step(86_400)
    assert meter.read("active_energy_import") == before
    meter.relay.close()
    meter.clock.step(3_600)
    assert meter.read("active_energy_import") > before


def test_a_guarded_relay_obeys_no_trip():
    """Until the guard is released."""
    meter = Meter()
    meter.relay.guard(True)
    for order, reason in (
        (meter.relay.trip, Reason.GUARDED),
        (lambda: meter.relay.trip(Restore.CLOSE, 300), Reason.RESTORATION_GUARDED),
    ):
        with pytest.raises(RelayRefused) as refused:
            order()
        assert refused.value.reason is reason
    meter.relay.guard(False)
    meter.relay.trip()
    assert meter.relay.position is OPEN


@pytest.mark.parametrize(("restore", "position"), [(Restore.CLOSE, CLOSED), (Restore.PERMIT, PERMITTED)])
def test_restoration_comes_by_itself_to_the_second(restore, position):
    """Whether anybody looks in between or not."""
    meter = Meter()
    meter.relay.trip(restore, 600)
    assert meter.relay.restores
    meter.clock.step(599)
    meter.advance()
    assert meter.relay.position is OPEN
    meter.clock.step(1)
    meter.advance()
    assert (meter.relay.position, meter.relay.restores) == (position, False)


def test_a_long_step_of_the_clock_registers_as_many_short_ones():
    """Energy before the trip and after the restoration, none in between."""
    long, short = Meter(), Meter()
    for meter in (long, short):
        meter.parameters.set("trip_delay", 7)
        meter.relay.trip(Restore.CLOSE, 900)
    long.clock.step(7_200)
    for _ in range(7_200 // 60):
        short.clock.step(60)
        short.advance()
    assert long.read("active_energy_import") == short.read("active_energy_import")
    assert [(e.time, e.name) for e in long.events.last(2)] == [(e.time, e.name) for e in short.events.last(2)]


def test_restorations_that_cannot_be():
    """No time, or nothing to restore."""
    for meter, after, reason in ((Meter(), 0, Reason.NO_TIME), (meter_at(OPEN), 300, Reason.ALREADY_OPEN)):
        with pytest.raises(RelayRefused) as refused:
            meter.relay.trip(Restore.CLOSE, after)
        assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("order", "position"), [("trip", OPEN), ("permit", PERMITTED), ("close", CLOSED), ("guard", CLOSED)]
)
def test_a_newer_order_ends_a_running_restoration(order, position):
    """What was to happen by itself does not happen any more."""
    meter = Meter()
    meter.relay.trip(Restore.CLOSE, 600)
    ORDERS[order](meter.relay)
    assert (meter.relay.position, meter.relay.restores) == (position, False)
    meter.clock.step(1_200)
    meter.advance()
    assert meter.relay.position is position


def test_a_trip_waits_for_its_delay_and_closing_calls_it_off():
    """Minutes of the parameter."""
    meter = meter_at(trip_delay=5)
    meter.relay.trip()
    assert (meter.relay.position, meter.relay.waiting) == (CLOSED, Waiting.DELAY)
    meter.clock.step(299)
    meter.advance()
    assert meter.relay.position is CLOSED
    meter.clock.step(1)
    meter.advance()
    assert (meter.relay.position, meter.relay.waiting) == (OPEN, Waiting.NOTHING)
    meter.relay.close()
    meter.relay.trip()
    meter.relay.close()
    meter.clock.step(900)
    meter.advance()
    assert meter.relay.position is CLOSED


def test_a_trip_waits_for_the_current_to_fall_but_no_longer_than_a_day():
    """Contacts are not made for breaking more than their limit."""
    meter = Meter()
    assert meter.read("current_a") > 1
    meter.parameters.set("trip_current_limit", 1)
    meter.relay.trip()
    assert (meter.relay.position, meter.relay.waiting) == (CLOSED, Waiting.CURRENT)
    meter.clock.step(LONGEST_WAIT - 60)
    meter.advance()
    assert meter.relay.position is CLOSED
    meter.clock.step(120)
    meter.advance()
    assert meter.relay.position is OPEN


def test_without_power_the_relay_does_not_move():
    """The restoration comes when the power does."""
    meter = Meter()
    meter.relay.trip(Restore.CLOSE, 300)
    meter.powered = False
    meter.clock.step(3_600)
    meter.advance()
    assert meter.relay.position is OPEN
    meter.powered = True
    meter.clock.step(60)
    meter.advance()
    assert meter.relay.position is CLOSED


def test_a_clock_that_is_set_changes_no_delay():
    """Ten minutes stay ten minutes."""
    import datetime as dt

    meter = Meter()
    meter.relay.trip(Restore.CLOSE, 600)
    meter.clock.jump(dt.datetime(2026, 6, 1))
    meter.advance()
    assert meter.relay.position is OPEN
    meter.clock.step(600)
    meter.advance()
    assert meter.relay.position is CLOSED


def test_a_saved_relay_goes_on_where_it_was():
    """Delays and restorations outlive a restart of the emulator."""
    meter = meter_at(trip_delay=2)
    meter.relay.trip(Restore.PERMIT, 300)
    twin = meter_at(trip_delay=2)
    twin.relay.restore(meter.relay.state())
    for one in (meter, twin):
        one.clock.step(121)
        one.advance()
        assert one.relay.position is OPEN
        one.clock.step(300)
        one.advance()
        assert one.relay.position is PERMITTED


def test_the_alarm_is_told_once():
    """Each change is an event."""
    meter = Meter()
    meter.relay.warn(True)
    meter.relay.warn(True)
    meter.relay.warn(False)
    assert (meter.events.counts["alarm-on"], meter.events.counts["alarm-off"], meter.relay.ended) == (1, 1, "alarm")
