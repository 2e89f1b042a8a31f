"""`python -m docs.generate` (make docs) writes docs/messages.md: every registered message as a table."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import meterwire.protocols
from meterwire.protocols.wire.declare import REGISTRY
from meterwire.protocols.wire.markdown import markdown

PAGE = Path(__file__).parent / "messages.md"
HEAD = """# Messages

Every message and layout, from the declarations that parse and build them. Written by `make docs`; do not edit.
"""


def everything() -> dict[str, object]:
    """All registered messages by name, after importing every module that may declare one."""
    for found in pkgutil.walk_packages(meterwire.protocols.__path__, "meterwire.protocols."):
        if not found.name.endswith((".reference", ".strategies", ".columns")):
            importlib.import_module(found.name)
    packages = {found.name for found in pkgutil.iter_modules(meterwire.protocols.__path__)}
    return {name: layout for name, layout in sorted(REGISTRY.items()) if name.split(".")[0] in packages}


def page() -> str:
    """The page."""
    return "\n".join([HEAD, *(markdown(layout) for layout in everything().values())])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}: {len(everything())} messages")
