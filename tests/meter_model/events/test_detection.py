"""Delays of events: the vectorised detector against an oracle that walks every second."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meterwire.meter_model.events.detection import Detector

slots = st.lists(st.tuples(st.integers(1, 70), st.sampled_from(["on", "off", "between"])), min_size=1, max_size=12)


def oracle(pieces: list[tuple[int, str]], delay: int, release: int) -> list[tuple[int, bool]]:
    """Walk from second to second: what has held for its whole delay changes the state, at that very second."""
    truth = [state for length, state in pieces for _ in range(length)]
    active, held, turns = False, 0, []
    for second, state in enumerate([*truth, None]):
        changed = True
        while changed:
            wanted, wait = ("off", release) if active else ("on", delay)
            ripe = held >= wait if wait else state == wanted
            changed = ripe and (held > 0 or state == wanted)
            if changed:
                active, held = not active, 0
                turns.append((second, active))
        held = held + 1 if state == ("off" if active else "on") else 0
    return turns


def scan(detector: Detector, start: int, pieces: list[tuple[int, str]], delay: int, release: int):
    edges = np.cumsum([start, *(length for length, _ in pieces)])
    states = [state for _, state in pieces]
    on = np.array([state == "on" for state in states])
    off = np.array([state == "off" for state in states])
    return [(turn.second, turn.begins) for turn in detector.scan(edges, on, off, delay, release)]


@settings(max_examples=150, deadline=None)
@given(slots, st.integers(0, 90), st.integers(0, 90))
@example([(60, "off"), (60, "on"), (60, "off")], 60, 60)
@example([(10, "on"), (10, "off")], 0, 0)
def test_every_turn_is_where_the_oracle_has_it(pieces, delay, release):
    """Protects starts and ends to the second, whatever the delays and however short the slots."""
    assert scan(Detector(), 0, pieces, delay, release) == oracle(pieces, delay, release)


@settings(max_examples=150, deadline=None)
@given(slots, st.integers(0, 90), st.integers(0, 90), st.data())
def test_cutting_time_changes_nothing(pieces, delay, release, data):
    """Protects that to ask a meter more often changes no event: any cutting into calls and slots gives the same."""
    whole, cut = Detector(), Detector()
    expected = scan(whole, 0, pieces, delay, release)
    found, start = [], 0
    for length, state in pieces:
        rest = length
        while rest:
            part = data.draw(st.integers(1, rest))
            found += scan(cut, start, [(part, state)], delay, release)
            start, rest = start + part, rest - part
    assert found == expected
    assert cut == whole


@given(st.integers(0, 5), st.integers(1, 9))
def test_a_look_and_a_scan_agree(delay, length):
    """Protects changes made at a standing clock: looking at them at once and letting time pass give the same turn."""
    looked, scanned = Detector(), Detector()
    turn = looked.look(100, on=True, off=False, delay=delay, release=0)
    turns = [] if turn is None else [(turn.second, turn.begins)]
    turns += scan(looked, 100, [(length, "on")], delay, 0)
    assert turns == scan(scanned, 100, [(length, "on")], delay, 0)
