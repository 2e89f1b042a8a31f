"""On what the figures were measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = ("construct", "gurux-dlms", "numpy", "msgspec", "uvloop", "fastcrc")


def description() -> str:
    """Processor, cores, system, Python and the versions of the peers."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; Python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    )


def load() -> str:
    """How busy the machine was, beside the benchmark itself."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in named.items()}
    family = f"family {fields['cpu family']} model {fields['model']}" if "model" in fields else platform.machine()
    return f"{fields.get('model name', platform.machine())} ({family})"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
