"""Renew what is known of the captures: the recorded sessions, and the dissection of every capture.

`python -m captures.bless` (`make bless`) records the demo's sessions again and writes a `.golden` beside each `.hex`.
What changed is then a readable difference, to be looked at before it is committed. `--goldens` leaves the sessions
alone.

A capture is `NAME.hex`: a header `# dialect: ..`, `# direction: ..`, `# provenance: ..`, then frames as `meterwire
decode` reads them. `NAME.toml` beside it has keys for ciphered layers. A session also has `NAME.pcapng`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from meterwire.cli.decode import as_lines, decoded, keys_in
from meterwire.cli.decode_input import read_input
from meterwire.transports.capture.pcapng import CaptureFile

FOLDER: Final = Path(__file__).parent
HEADER: Final = ("dialect", "direction", "provenance")
_LABELS: Final = {"sent": "TX", "received": "RX"}


class Octets(msgspec.Struct, frozen=True):
    """Octets of a session: when they passed, in seconds since 1970, which way as the client saw it, and what."""

    time: float
    direction: Literal["sent", "received"]
    octets: bytes


def captures() -> list[Path]:
    """All captures, in order of their names."""
    return sorted(FOLDER.glob("*.hex"))


def header(path: Path) -> dict[str, str]:
    """What a capture says of itself."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, value = line.removeprefix("#").strip().partition(": ")
        if line.startswith("#") and colon and name in HEADER:
            found[name] = value.strip()
    return found


def dissection_text(path: Path) -> str:
    """The dissection of a capture, as `meterwire decode` shows it."""
    keys = path.with_suffix(".toml")
    shown = decoded(read_input(str(path)), keys=keys_in(keys) if keys.exists() else ())
    return "".join(f"{line}\n" for one in shown for line in as_lines(one))


def write_session(name: str, dialect: str, records: Iterable[Octets], provenance: str = "") -> None:
    """Write a session as pcapng and as hex text, to be blessed like any other capture.

    Octets that passed one behind the other in the same direction are one record: how they were cut up on their way
    differs from run to run.

    Args:
        name: of the files, without ending.
        dialect: as `meterwire decode` calls it.
        records: in order.
        provenance: how it was recorded.
    """
    joined = _joined(records)
    lines = [
        f"# dialect: {dialect}",
        "# direction: both, TX from the client",
        f"# provenance: {provenance or 'recorded'}",
    ]
    lines += [f"{_LABELS[record.direction]} {record.octets.hex(' ').upper()}" for record in joined]
    (FOLDER / f"{name}.hex").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    file = CaptureFile((FOLDER / f"{name}.pcapng").open("wb"))
    line = file.interface(name, f"{dialect}: {provenance}" if provenance else dialect)
    for record in joined:
        file.packet(line, record.time, record.octets, record.direction)
    file.close()


def _joined(records: Iterable[Octets]) -> list[Octets]:
    joined: list[Octets] = []
    for record in records:
        if joined and joined[-1].direction == record.direction:
            last = joined.pop()
            joined.append(Octets(last.time, last.direction, last.octets + record.octets))
        else:
            joined.append(record)
    return joined


def bless() -> list[str]:
    """Write the golden of every capture; the names of those that changed."""
    changed = []
    for path in captures():
        golden, text = path.with_suffix(".golden"), dissection_text(path)
        if not golden.exists() or golden.read_text(encoding="utf-8") != text:
            golden.write_text(text, encoding="utf-8")
            changed.append(golden.name)
    return changed


def renew_sessions() -> None:
    """Record the demo's sessions again, with times of their own, so that only what was said can differ."""
    from captures.sessions import demo_sessions  # noqa: PLC0415  it starts a meter

    begin = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    for dialect, said in demo_sessions().items():
        records = [Octets(begin + place / 10, direction, octets) for place, (direction, octets) in enumerate(said)]
        write_session(f"demo_{dialect}", dialect, records, "meterwire demo, the emulated three-phase meter")


def main() -> int:
    """Renew everything and say what changed."""
    if "--goldens" not in sys.argv[1:]:
        renew_sessions()
    changed = bless()
    print(f"{len(captures())} captures; changed: {', '.join(changed) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
