"""`python -m fuzz [--inputs N] [--seconds S] [TARGET...]`: the targets, two at a time; 1 if any finds anything."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

from fuzz.runner import Report, run, targets


def _run(name: str, inputs: int, seed: int, seconds: float) -> Report:
    return run(next(t for t in targets() if name == t.NAME), inputs, seed, seconds)


def main() -> int:
    """Run the targets and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="mutated inputs for each target")
    parser.add_argument("--seconds", type=float, default=1800.0, help="most seconds for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("names", nargs="*", metavar="TARGET")
    given = parser.parse_args()
    names = given.names or [t.NAME for t in targets()]
    failed = False
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(_run, name, given.inputs, given.seed, given.seconds) for name in names]
        for job in jobs:
            report = job.result()
            print(report, flush=True)
            for finding in report.findings:
                print("   ", finding, flush=True)
            failed |= bool(report.findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
