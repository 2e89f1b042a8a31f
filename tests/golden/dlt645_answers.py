"""What each profile answers to every request among the vectors of DL/T 645; run as a script it writes the table anew.

python tests/golden/dlt645_answers.py
"""

import datetime as dt
import json
from pathlib import Path

from meterwire.meter_model.clock import VirtualClock
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt645.frame import WILDCARD, Frame
from meterwire.protocols.wire.codec import codec

HERE = Path(__file__).parent
TABLE = HERE / "dlt645_answers.json"
VECTORS = HERE.parent / "vectors" / "dlt645_and_376_2.json"
PROFILES = ("three-phase", "single-phase")
START = dt.datetime(2026, 3, 4, 12, 0, 30)


def requests() -> list[tuple[str, int, bytes]]:
    """Name, edition and octets of the vectors that a master sends."""
    found = []
    for entry in json.loads(VECTORS.read_text(encoding="utf-8")):
        if not entry["protocol"].startswith("dlt645"):
            continue
        octets = bytes.fromhex(entry["hex"])
        if not codec(Frame).parse(octets.lstrip(b"\xfe")).control.direction:
            found.append((entry["name"], int(entry["protocol"][-4:]), octets))
    return found


def answers(profile: str) -> dict[str, list[str]]:
    """By name of the vector what a new meter answers that has the address asked; edition as the vector's."""
    found = {}
    for name, edition, octets in requests():
        address = codec(Frame).parse(octets.lstrip(b"\xfe")).address
        number = address if address not in (WILDCARD, "9" * 12) else "000000000161"
        meter = Meter(profile, Identity(number=number), VirtualClock(START, frozen=True), seed=1)
        given = Face645(meter, edition=edition).connect().receive(octets, 0.0)
        found[name] = [answer.octets.hex().upper() for answer in given]
    return found


def table() -> dict[str, dict[str, list[str]]]:
    """Everything."""
    return {profile: answers(profile) for profile in PROFILES}


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=1) + "\n", encoding="utf-8")
