"""ConfirmedServiceError in words: which service failed, in which class of errors, and why (DLMS UA 1000-2, 9.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SERVICES: Final[Mapping[int, str]] = {
    1: "initiate",
    2: "get status",
    3: "get name list",
    4: "get variable attribute",
    5: "read",
    6: "write",
    7: "get data set attribute",
    8: "get TI attribute",
    9: "change scope",
    10: "start",
    11: "stop",
    12: "resume",
    13: "make usable",
    14: "initiate load",
    15: "load segment",
    16: "terminate load",
    17: "initiate up-load",
    18: "up-load segment",
    19: "terminate up-load",
}
"""Services by their number. Meters send 1, 5 and 6; the others are recalled."""
INITIATE: Final = 6
"""The class of errors of the initiate service."""
CLASSES: Final[Mapping[int, tuple[str, tuple[str, ...]]]] = {
    0: (
        "application reference",
        (
            "other",
            "time elapsed",
            "application unreachable",
            "application reference invalid",
            "application context unsupported",
            "provider communication error",
            "deciphering error",
        ),
    ),
    1: (
        "hardware resource",
        (
            "other",
            "memory unavailable",
            "processor resource unavailable",
            "mass storage unavailable",
            "other resource unavailable",
        ),
    ),
    2: ("VDE state", ("other", "no DLMS context", "loading data set", "status nochange", "status inoperable")),
    3: ("service", ("other", "PDU size", "service unsupported")),
    4: (
        "definition",
        ("other", "object undefined", "object class inconsistent", "object attribute inconsistent"),
    ),
    5: (
        "access",
        ("other", "scope of access violated", "object access violated", "hardware fault", "object unavailable"),
    ),
    INITIATE: (
        "initiate",
        (
            "other",
            "dlms version too low",
            "incompatible conformance",
            "pdu size too short",
            "refused by the vde handler",
        ),
    ),
    7: (
        "load data set",
        (
            "other",
            "primitive out of sequence",
            "not loadable",
            "data set size too large",
            "not awaited segment",
            "interpretation failure",
            "storage failure",
            "data set not ready",
        ),
    ),
    9: ("task", ("other", "no remote control", "TI stopped", "TI running", "TI unusable")),
}
"""Classes of errors with their errors, in the order of their numbers."""


def service_name(service: int) -> str:
    """Which service failed."""
    return SERVICES.get(service, f"service {service}")


def class_name(number: int) -> str:
    """A class of errors."""
    return CLASSES[number][0] if number in CLASSES else f"class {number}"


def error_name(number: int, error: int) -> str:
    """An error of a class."""
    named = CLASSES[number][1] if number in CLASSES else ()
    return named[error] if error < len(named) else f"error {error}"


def in_words(service: int, number: int, error: int) -> str:
    """All of it: `read failed: access, object unavailable`."""
    return f"{service_name(service)} failed: {class_name(number)}, {error_name(number, error)}"
