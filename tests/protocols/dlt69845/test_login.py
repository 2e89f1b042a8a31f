"""LINK: who dials in and who is dialled, by hand and wired together."""

import datetime as dt
import math

import pytest

from meterwire.protocols.dlt69845.dates import DateTime
from meterwire.protocols.dlt69845.login import NO_TIME, Presence, Reception, Standing
from meterwire.protocols.dlt69845.services.common import Piid, PiidAcd
from meterwire.protocols.dlt69845.services.presence import LinkKind, LinkOutcome, LinkRequest, LinkResponse, LinkResult

NOON = dt.datetime(2026, 5, 19, 12, 0, 0)


def clock():
    return NOON


def answered(presence, request, now, outcome=LinkOutcome.OK):
    response = LinkResponse(
        Piid(number=request.piid.number), LinkResult(outcome=outcome), request.time, NO_TIME, NO_TIME
    )
    return presence.answered(response, now)


def test_login_then_heartbeats():
    """A server logs in at once, then says at each period that it is there, each time under the next number."""
    presence = Presence(clock, 60)
    assert presence.next() == -math.inf
    login = presence.run(100.0)
    assert (login.kind, login.heartbeat, login.piid.number) == (LinkKind.LOGIN, 60, 0)
    assert presence.run(100.1) is None
    assert answered(presence, login, 101.0)
    assert (presence.standing, presence.next()) == (Standing.PRESENT, 161.0)
    beat = presence.run(161.0)
    assert (beat.kind, beat.piid.number) == (LinkKind.HEARTBEAT, 1)


def test_unanswered_heartbeats_end_in_a_new_login():
    """Nobody answers: heartbeats are repeated, then the server logs in anew."""
    presence = Presence(clock, 60, wait=10.0, tries=3)
    answered(presence, presence.run(0.0), 0.0)
    kinds, now = [], 60.0
    for _ in range(5):
        kinds.append(presence.run(now).kind)
        now = presence.next()
    assert kinds == [LinkKind.HEARTBEAT] * 3 + [LinkKind.LOGIN] * 2
    assert presence.standing == Standing.STRANGER


@pytest.mark.parametrize("outcome", [LinkOutcome.ADDRESS_DUPLICATE, LinkOutcome.ILLEGAL_DEVICE, LinkOutcome.CAPACITY])
def test_a_server_that_is_not_wanted_asks_again_later(outcome):
    """A refused login is no presence; it is tried again, after a period and not at once."""
    presence = Presence(clock, 60)
    answered(presence, presence.run(0.0), 1.0, outcome)
    assert (presence.standing, presence.next()) == (Standing.REFUSED, 61.0)
    assert presence.run(61.0).kind == LinkKind.LOGIN


def test_answers_to_something_else_do_not_count():
    """A response with another number or another time answers nobody."""
    presence = Presence(clock, 60)
    login = presence.run(0.0)
    other = LinkResponse(Piid(number=9), LinkResult(), login.time, NO_TIME, NO_TIME)
    assert not presence.answered(other, 1.0)
    old = LinkResponse(Piid(number=0), LinkResult(), DateTime.of(NOON - dt.timedelta(1)), NO_TIME, NO_TIME)
    assert not presence.answered(old, 1.0)
    assert answered(presence, login, 1.0)
    assert not answered(presence, login, 1.0)


def test_after_logout_nothing_is_due():
    """Who has logged out is silent."""
    presence = Presence(clock, 60)
    answered(presence, presence.run(0.0), 0.0)
    logout = presence.logout()
    assert logout.kind == LinkKind.LOGOUT
    assert (presence.next(), presence.run(1e9)) == (math.inf, None)
    assert answered(presence, logout, 1.0)
    assert presence.standing == Standing.GONE


def test_reception_answers_with_its_times():
    """The response repeats number and time, gives its own times and says whether they can be trusted."""
    request = LinkRequest(PiidAcd(priority=1, access=1, number=5), LinkKind.LOGIN, 180, DateTime.of(NOON))
    told = Reception(clock)
    response = told.answer(request)
    assert (response.piid.number, response.piid.priority, response.piid.reserved) == (5, 1, 0)
    assert (response.requested, response.received) == (request.time, DateTime.of(NOON))
    assert (response.result.clock_trusted, response.result.outcome) == (1, LinkOutcome.OK)
    assert (told.present, told.heartbeat) == (True, 180)
    without = Reception().answer(request)
    assert (without.result.clock_trusted, without.received) == (0, NO_TIME)


def test_reception_turns_away():
    """Whoever decides about logins decides; a logout ends the presence."""
    request = LinkRequest(PiidAcd(), LinkKind.LOGIN, 180, DateTime.of(NOON))
    strict = Reception(clock, lambda _: LinkOutcome.ILLEGAL_DEVICE)
    assert strict.answer(request).result.outcome == LinkOutcome.ILLEGAL_DEVICE
    assert not strict.present
    kind = Reception(clock)
    kind.answer(request)
    kind.answer(LinkRequest(PiidAcd(), LinkKind.LOGOUT, 180, DateTime.of(NOON)))
    assert not kind.present
