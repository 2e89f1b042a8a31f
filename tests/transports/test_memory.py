"""Lines in memory, the virtual clock and the simulated event loop."""

import asyncio

import pytest

from meterwire.errors import Disconnected
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports import memory, simulation
from meterwire.transports.clock import VirtualClock
from meterwire.transports.serve import serve_line


def test_the_clock_runs_events_in_order():
    """Protects determinism: by time, then by order of entry; events may enter events."""
    clock, seen = VirtualClock(10.0), []
    clock.at(12.0, lambda: seen.append("b"))
    clock.at(11.0, lambda: (seen.append("a"), clock.at(11.5, lambda: seen.append("a2"))))
    clock.at(12.0, lambda: seen.append("c"))
    clock.advance(12.0)
    assert (seen, clock.now()) == (["a", "a2", "b", "c"], 12.0)
    clock.advance(1.0)
    assert clock.now() == 12.0  # time never goes back


def test_a_pair():
    """Protects the plain line in memory: octets, time, the end."""
    one, other = memory.pair()
    one.write(b"ab")
    one.write(b"c")
    assert other.read(1.0) == b"abc"
    assert other.now() == 0.0
    assert other.read(1.5) == b""
    one.pause(2.0)
    assert one.now() == other.now() == 2.0
    one.reconfigure(LineSettings(300))
    one.write(b"last")
    one.close()
    assert other.read(9.0) == b"last"
    for call in (lambda: other.read(9.0), lambda: other.write(b""), lambda: one.write(b""), lambda: one.read(9.0)):
        with pytest.raises(Disconnected):
            call()


def test_a_line_to_a_responder(Reverser, frame):
    """Protects what the dialects' tests stand on: answers, latency, silence, commits."""
    commits = []
    responder = Reverser(durable=True)
    line = memory.ResponderLine(responder, latency=0.25, commit=lambda: commits.append(line.now()))
    line.write(frame(b"ab"))
    assert line.read(0.2) == b""
    assert (line.read(5.0), line.now(), commits) == (frame(b"ba"), 0.25, [0.0])
    line.write(b"\x05half")
    assert (line.read(5.0), line.now()) == (frame(b"?"), 1.0)  # silence after 0.5 s, then the latency
    assert (line.read(5.0), line.now(), responder.idles) == (b"", 5.0, 1)
    line.close()
    with pytest.raises(Disconnected):
        line.write(b"x")


async def test_a_line_to_a_responder_for_asyncio(Reverser, frame):
    """Protects the same for asyncio, without any waiting."""
    line = memory.aconnected(Reverser(), latency=3600.0)
    await line.write(frame(b"ab"))
    await line.reconfigure(LineSettings(300))
    assert await line.read(line.now() + 7200) == frame(b"ba")
    await line.pause(1e6)
    assert line.now() == 1e6
    await line.close()


def test_a_simulated_day():
    """Protects the simulated loop: a day of polls over a pair in memory takes no time and repeats exactly."""

    async def day():
        one, other = memory.apair()
        log = []

        async def meter():
            while True:
                octets = await other.read(other.now() + 1e5)
                await other.pause(other.now() + 0.02)
                await other.write(octets[::-1])

        serving = asyncio.create_task(meter())
        while one.now() < 86400:
            await one.write(b"ab")
            log.append((await one.read(one.now() + 1), round(one.now(), 6)))
            await one.pause(one.now() + 900)
        serving.cancel()
        await one.close()
        with pytest.raises(Disconnected):
            await other.read(other.now() + 1)
        return log

    first, second = simulation.run(day()), simulation.run(day())
    assert first == second
    assert len(first) == 96
    assert first[0] == (b"ba", 0.02)


def test_a_simulation_that_cannot_go_on_says_so():
    """Protects from a simulation that hangs for ever."""
    with pytest.raises(RuntimeError, match="come to a stop"):
        simulation.run(asyncio.Event().wait())


def test_a_served_line_in_a_simulation(Reverser, frame):
    """Protects serving on any open line, with silence on virtual time."""

    async def main():
        one, other = memory.apair()
        settings = LineSettings(9600)
        connection = serve_line(other, lambda: Reverser(settings=settings), silence=30.0)
        await one.write(frame(b"ab"))
        assert await one.read(one.now() + 1) == frame(b"ba")
        await asyncio.sleep(0)
        assert other.settings == settings  # changed after the answer had left
        await one.write(b"\x09half")
        assert await one.read(one.now() + 60) == frame(b"?")
        assert one.now() == pytest.approx(30.0)
        connection.close()
        await connection.ended.wait()
        with pytest.raises(Disconnected):
            await one.read(one.now() + 1)

    simulation.run(main())
