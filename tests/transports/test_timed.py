"""Responders that speak of their own accord: late answers, reports, heartbeats."""

import asyncio

import pytest

from meterwire.protocols.dialogue import Answer
from meterwire.transports.memory import ResponderLine, apair
from meterwire.transports.serve import serve_line
from meterwire.transports.simulation import run


class Beating:
    """Says its name every ten seconds, and at once what it hears."""

    def __init__(self, period=10.0):
        self._period, self._due, self.runs = period, period, 0

    def receive(self, octets, now):
        self._due = now + self._period
        return [Answer(octets)]

    def idle(self, now):
        return []

    def next(self):
        return self._due

    def run(self, now):
        self.runs += 1
        if now < self._due:
            return []
        self._due = now + self._period
        return [Answer(b"beat")]


class Stuck(Beating):
    """Is always due, and never says anything."""

    def run(self, now):
        self.runs += 1
        return []


def test_a_line_in_memory_brings_what_is_said_unasked():
    """Protects reports in simulations: they come at their time, and hearing something moves it."""
    line = ResponderLine(Beating())
    assert (line.read(15.0), line.now()) == (b"beat", 10.0)
    line.pause(17.0)
    line.write(b"x")
    assert line.read(30.0) == b"x"
    assert (line.read(30.0), line.now()) == (b"beat", 27.0)
    assert line.read(30.0) == b""


def test_a_served_connection_says_it_unasked():
    """Protects reports over real transports, which are pumped by the same connection."""

    async def main():
        ours, theirs = apair()
        connection = serve_line(theirs, Beating)
        loop = asyncio.get_running_loop()
        first = await ours.read(loop.time() + 15.0), round(loop.time(), 3)
        second = await ours.read(loop.time() + 15.0), round(loop.time(), 3)
        connection.abort()
        return first, second

    assert run(main()) == ((b"beat", 10.0), (b"beat", 20.0))


@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_who_is_always_due_does_not_stop_the_world(way):
    """Protects a process that serves many from one responder that is due again and again without a word."""
    stuck = Stuck(0.0)

    async def main():
        ours, theirs = apair()
        connection = serve_line(theirs, lambda: stuck)
        await ours.read(asyncio.get_running_loop().time() + 10.0)
        connection.abort()

    if way == "asyncio":
        run(main())
    else:
        ResponderLine(stuck).read(10.0)
    assert 100 < stuck.runs < 300
