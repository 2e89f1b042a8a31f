"""`python -m fuzz.coverage_guided TARGET [libFuzzer options]`: a target under atheris, guided by coverage.

Needs the extra `fuzz`. Generated readers are instrumented as they are written; without that the fuzzer sees nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["meterwire", "fuzz"]):
    from fuzz.runner import targets
    from meterwire.protocols.wire.generated.source import Source


def _instrument_generated() -> None:
    compile_plain = Source.compile

    def compile_instrumented(self: Source) -> dict[str, Any]:
        names = compile_plain(self)
        for name, value in list(names.items()):
            if name.startswith(("parse_", "trace_")) and hasattr(value, "__code__"):
                names[name] = atheris.instrument_func(value)
        return names

    Source.compile = compile_instrumented  # type: ignore[method-assign]


def main() -> None:
    """Fuzz one target until it fails or the options end it."""
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    found = {t.NAME: t for t in targets()}
    if name not in found:
        sys.exit(f"choose a target: {', '.join(sorted(found))}")
    _instrument_generated()
    atheris.Setup(sys.argv, found[name].target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
