"""`python -m benchmarks [SECTION...]`: measure, print, and after a whole run write `docs/benchmarks.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import area, ciphered, codecs, dlms, fleet, machine, report, serving, start, unseen, weight
from benchmarks.rows import Row

WRITTEN = Path(__file__).parent.parent / "docs" / "benchmarks.md"

SECTIONS: dict[str, tuple[str, Callable[[], list[Row]]]] = {
    "codecs": ("Octets to objects and back", codecs.run),
    "dlms": ("DLMS/COSEM exchanges", dlms.run),
    "ciphered": ("Ciphered", ciphered.run),
    "serving": ("Reads served per core", serving.run),
    "unseen": ("Requests that were never seen", unseen.run),
    "start": ("Start of the command line", start.run),
    "fleet": ("The fleet step", fleet.run),
    "area": ("An area behind a module", area.run),
    "weight": ("Memory of many meters", weight.run),
}
ABOUT = {
    "codecs": codecs.__doc__,
    "dlms": dlms.__doc__,
    "ciphered": ciphered.__doc__,
    "serving": serving.__doc__,
    "unseen": unseen.__doc__,
    "start": start.__doc__,
    "fleet": fleet.__doc__,
    "area": area.__doc__,
    "weight": weight.__doc__,
}


def main(names: list[str]) -> int:
    unknown = set(names) - set(SECTIONS)
    if unknown:
        sys.stderr.write(f"no section is called {', '.join(sorted(unknown))}: {', '.join(SECTIONS)}\n")
        return 2
    busy = f"Machine: {machine.description()}. Load average before the run: {machine.load()}."
    parts, rows = [report.INTRODUCTION, busy], list[Row]()
    print("\n\n".join(parts), flush=True)
    for name in names or SECTIONS:
        title, run = SECTIONS[name]
        found = run()
        rows += found
        parts.append(report.section(title, (ABOUT[name] or "").strip(), found))
        print("\n" + parts[-1], flush=True)
    parts += [report.missed(rows), report.NOT_YET]
    print("\n" + "\n\n".join(parts[-2:]))
    if not names:
        WRITTEN.write_text("\n\n".join(parts) + "\n")
        print(f"\nwritten to {WRITTEN}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
