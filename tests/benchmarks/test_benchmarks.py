"""`make bench` says what it should: figures, ratios and verdicts; its works do the same as their peers."""

import pytest

from benchmarks import codecs, dlms, gurux, records, report, serving
from benchmarks.rows import BY_HAND, Row, number, quantity


def row(**changes):
    given = {"what": "reads", "ours": 2.0, "peer": "them", "theirs": 4.0, "unit": "s"} | changes
    return Row(**given)


@pytest.mark.parametrize(
    ("changes", "ratio", "reached", "verdict"),
    [
        ({}, 2.0, None, "-"),
        ({"goal": 2.5}, 2.0, True, "yes"),
        ({"goal": 1.0}, 2.0, False, "no: 2.00 times off"),
        ({"unit": "reads/s"}, 0.5, None, "-"),
        ({"unit": "reads/s", "goal": 3.0}, 0.5, False, "no: 1.50 times off"),
        ({"unit": "reads/s", "goal": 0.5, "goal_is_ratio": True}, 0.5, True, "yes"),
        ({"unit": "reads/s", "goal": 0.8, "goal_is_ratio": True}, 0.5, False, "no: 62% of it"),
    ],
)
def test_a_verdict_follows_from_the_figures(changes, ratio, reached, verdict):
    """Protects honesty: less time or more per second is better, and a goal that is missed says by how much."""
    one = row(**changes)
    assert (one.ratio, one.reached, one.verdict) == (pytest.approx(ratio), reached, verdict)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.234e-6, "s", "1.23 us"),
        (0.0271, "s", "27.1 ms"),
        (1.5, "s", "1.5 s"),
        (194.4e-3, "s", "194 ms"),
        (98_765.0, "reads/s", "98,800 reads/s"),
    ],
)
def test_figures_are_shown_with_three_digits(value, unit, text):
    """Protects readers from digits that a busy machine does not give."""
    assert quantity(value, unit) == text
    assert number(999.6) == "1,000"


def test_what_is_missed_is_told_once_and_what_is_reached_not():
    """Protects the list of goals that are not reached: one line for each work, however many peers it has."""
    rows = [row(goal=1.0), row(goal=1.0, peer="others"), row(what="writes", goal=9.0)]
    told = report.missed([*rows, row(goal=1.0, peer="by hand", theirs=1.5)])
    assert told.count("reads") == 1
    assert "by hand 1.5 s in the same run" in told
    assert "writes" not in told
    assert report.missed(rows[2:]).endswith("is reached.")
    table = report.table(rows).splitlines()
    assert len(table) == 2 + len(rows)
    assert len({len(line) for line in table}) == 1


def test_the_codecs_agree_with_their_peers(monkeypatch):
    """Protects the comparison: every work reads and builds the same, which the benchmark asserts before it measures."""
    monkeypatch.setattr(codecs, "ROUNDS", 1)
    monkeypatch.setattr(records, "ROUNDS", 1)
    rows = codecs.run()
    peers = {one.peer for one in rows}
    assert {codecs.CONSTRUCT, BY_HAND} <= peers
    assert ("gurux-dlms, to lists" in peers) == (gurux.version() is not None)


def test_exchanges_agree_with_their_peers(monkeypatch):
    """Protects the same for association, GET and HDLC: each work comes to the value that its peer comes to."""
    monkeypatch.setattr(codecs, "ROUNDS", 1)
    peers = {one.peer for one in dlms.run()}
    assert codecs.CONSTRUCT in peers
    assert ("gurux-dlms" in peers) == (gurux.version() is not None)


def test_the_meter_is_served_under_load(monkeypatch):
    """Protects the serving benchmark: every dialect answers every request, and the last answers hold the energy."""
    monkeypatch.setattr(serving, "ROUNDS", 1)
    monkeypatch.setattr(serving, "SECONDS", 0.05)
    rows = serving.run()
    assert len(rows) == 4
    assert all(one.ours > 0 and one.theirs > 0 for one in rows)
