"""Faults of a link that change while its connections live."""

from __future__ import annotations

from typing import Any

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.transports import memory, simulation
from meterwire.transports.link_faults import LinkFaults
from meterwire.transports.serve import serve_line


def spoilt(filter_: Any, count: int = 200) -> list[bytes]:
    """What becomes of the same piece, sent many times."""
    return [piece for _ in range(count) for _, piece in filter_.sent(0.0, b"0123456789")]


def test_changes_reach_connections_that_are_open() -> None:
    """Drop half, then nothing, then everything: the same filter obeys."""
    faults = LinkFaults(1)
    filter_ = faults.filter("peer")
    assert len(spoilt(filter_)) == 200
    faults.change({"drop": 0.5})
    assert 50 < len(spoilt(filter_)) < 150
    faults.clear()
    assert spoilt(filter_) == [b"0123456789"] * 200
    faults.change({"sent": {"drop": 1}})
    assert spoilt(filter_) == []
    assert filter_.received(0.0, b"x") == [(0.0, b"x")]
    assert faults.injected()["sent drop"] > 250


def test_the_seed_decides_and_each_connection_has_its_own() -> None:
    """A run is replayable; two connections do not suffer alike."""

    def run(seed: int) -> list[list[bytes]]:
        faults = LinkFaults(seed)
        faults.change({"flip": 0.01})
        return [spoilt(faults.filter(), 50) for _ in range(2)]

    assert run(1) == run(1) != run(2)
    first, second = run(1)
    assert first != second


def test_settings_are_told_as_they_are_given() -> None:
    """What is told can be given back."""
    faults = LinkFaults()
    faults.change({"drop": 0.25, "sent": {"delay": 1, "seconds": 2.5}})
    told = faults.settings()
    assert told == {"sent": {"drop": 0.25, "delay": 1.0, "seconds": 2.5}, "received": {"drop": 0.25}}
    other = LinkFaults()
    other.change(told)
    assert other.settings() == told


@pytest.mark.parametrize(
    "wrong",
    [
        {"drip": 1},
        {"drop": 1.01},
        {"drop": -0.1},
        {"drop": float("nan")},
        {"drop": True},
        {"drop": "1"},
        {"seconds": 61},
        {"sent": 1},
        {"received": {"drop": 2}},
        {"flip": 0.5, "received": {"nothing": 1}},
    ],
)
def test_wrong_rates_change_nothing(wrong: dict[str, Any]) -> None:
    """All or none of a change."""
    faults = LinkFaults()
    faults.change({"drop": 0.5})
    with pytest.raises(LocalProtocolError):
        faults.change(wrong)
    assert faults.settings() == {"sent": {"drop": 0.5}, "received": {"drop": 0.5}}


def test_a_served_connection_goes_past_quiet_faults_and_through_them_when_they_change(Repeater: Any) -> None:
    """Faults reach a connection that was opened without any, and what they hold back keeps its place when they end."""

    async def main() -> None:
        faults = LinkFaults(3)
        line, other = memory.apair()
        connection = serve_line(other, Repeater, filters=[faults.filter])

        async def asked(octets: bytes, wait: float = 1.0) -> bytes:
            await line.write(octets)
            return await line.read(line.now() + wait)

        assert await asked(b"1") == b"1"
        faults.change({"sent": {"drop": 1}})
        assert await asked(b"2") == b""
        faults.clear()
        faults.change({"sent": {"delay": 1, "seconds": 60}})
        assert await asked(b"3", 0.0) == b""
        faults.clear()
        assert await asked(b"4", 0.0) == b"", "4 has overtaken 3"
        assert await line.read(line.now() + 61) == b"34"
        before = line.now()
        assert await asked(b"5") == b"5"
        assert line.now() == before
        connection.close()

    simulation.run(main())


def test_quiet_faults_want_to_see_nothing() -> None:
    """A link without faults costs nothing: its filter need not be asked, at once when the last fault ends."""
    faults = LinkFaults()
    filter_ = faults.filter()
    assert filter_.passes
    faults.change({"received": {"flip": 1e-6}})
    assert not filter_.passes
    assert not faults.filter().passes
    faults.clear()
    faults.change({"seconds": 5})
    assert filter_.passes
