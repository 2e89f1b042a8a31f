"""Passwords, levels, the programming switch, and the lock-out on the meter's own time."""

import datetime as dt

import pytest

from meterwire.meter_model.access import CLEARING, LOCKED, WRITING, Access, Verdict
from meterwire.meter_model.meter import Meter


class Time:
    now = 1_000

    def __call__(self) -> int:
        return self.now


def lock(programming: bool = True) -> tuple[Access, Time]:
    time = Time()
    access = Access({2: "222222", 4: "444444"}, time)
    access.programming = programming
    return access, time


@pytest.mark.parametrize(
    ("level", "password", "needed", "verdict"),
    [
        (2, "222222", CLEARING, Verdict.GRANTED),
        (2, "222222", WRITING, Verdict.GRANTED),
        (4, "444444", WRITING, Verdict.GRANTED),
        (4, "444444", CLEARING, Verdict.LEVEL_TOO_LOW),
        (4, "222222", WRITING, Verdict.WRONG_PASSWORD),
        (2, "444444", WRITING, Verdict.WRONG_PASSWORD),
        (0, "000000", WRITING, Verdict.WRONG_PASSWORD),
        (9, "222222", WRITING, Verdict.WRONG_PASSWORD),
    ],
)
def test_a_level_grants_what_needs_it_and_everything_below(level, password, needed, verdict):
    """A level without a password grants nothing."""
    assert lock()[0].check(level, password, needed) is verdict


def test_without_the_switch_nothing_is_granted_and_nothing_counts_as_failure():
    """Unless what is asked for does not need it."""
    access, _ = lock(programming=False)
    for _ in range(5):
        assert access.check(4, "000000", WRITING) is Verdict.NOT_PERMITTED
    assert access.failures == 0
    assert access.check(4, "444444", WRITING, switch=False)


def test_three_wrong_passwords_lock_for_a_day():
    """The right one does not help until then; afterwards three more tries."""
    access, time = lock()
    for _ in range(3):
        assert access.check(4, "000000", WRITING) is Verdict.WRONG_PASSWORD
    assert access.check(4, "444444", WRITING) is Verdict.LOCKED_OUT
    time.now += LOCKED - 1
    assert access.check(2, "222222", WRITING, switch=False) is Verdict.LOCKED_OUT
    time.now += 1
    assert access.check(4, "000000", WRITING) is Verdict.WRONG_PASSWORD
    assert access.check(4, "444444", WRITING) is Verdict.GRANTED


def test_a_right_password_forgives_the_wrong_ones_before():
    """Three in a row lock, not three in a year."""
    access, _ = lock()
    for _ in range(4):
        access.check(4, "000000", WRITING)
        access.check(4, "000000", WRITING)
        assert access.check(4, "444444", WRITING)


def test_a_saved_lock_is_still_locked():
    """Switching the power off and on is no way round it."""
    access, time = lock()
    for _ in range(3):
        access.check(4, "000000", WRITING)
    twin = Access({}, time)
    twin.restore(access.state())
    assert twin.locked
    time.now += LOCKED
    assert twin.check(4, "444444", WRITING)


def test_setting_the_clock_neither_shortens_nor_lengthens_the_lock_out():
    """Who may set the clock may not open the lock by it."""
    meter = Meter()
    meter.access.programming = True
    for _ in range(3):
        meter.access.check(4, "999999", WRITING)
    meter.clock.jump(dt.datetime(2026, 2, 1))
    assert meter.access.locked
    meter.clock.step(LOCKED)
    assert not meter.access.locked
