"""Every fuzz target, in short: ten thousand mutated inputs give only documented errors, within time and memory."""

import os

import pytest

from fuzz.runner import extremes, mutants, run, targets

TARGETS = targets()
CONSTRUCT = os.environ.get("METERWIRE_CODEC") == "construct"


@pytest.mark.parametrize("target", TARGETS, ids=[t.NAME for t in TARGETS])
def test_only_documented_errors(target):
    """Protects users from hostile octets: nothing but the error family leaves, in 50 ms and 10 x the input + 1 MiB."""
    inputs = 300 if CONSTRUCT else 10_000  # the reference is slow, and bounded in depth and memory alone
    report = run(target, inputs, seed=20, extreme_seeds=0 if CONSTRUCT else 1, bounded=not CONSTRUCT)
    print(report)
    assert report.inputs >= inputs
    assert not report.findings


def test_a_finding_is_found():
    """Protects the runner itself: an undocumented error, a slow and a greedy target are each reported."""

    class Broken:
        NAME = "broken"
        SEEDS = (b"\x68\x01\x02\x16",)

        @staticmethod
        def target(data):
            if data[:1] == b"\x68" and data[1:2] != b"\x01":
                raise KeyError(data[1:2])

    assert run(Broken, 2000).findings

    class Greedy(Broken):
        @staticmethod
        def target(data):
            return [bytearray(64) for _ in range(60000)]

    assert any("memory" in finding for finding in run(Greedy, 1).findings)


def test_mutants_are_reproducible():
    """Protects replay: the same seed gives the same inputs."""
    first, second = mutants([b"abc", b"\x68\x16"], 7), mutants([b"abc", b"\x68\x16"], 7)
    assert [next(first) for _ in range(500)] == [next(second) for _ in range(500)]
    assert all(len(data) <= 1 << 16 for data in extremes([b"abc"]))
