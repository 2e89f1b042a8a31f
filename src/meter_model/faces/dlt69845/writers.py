"""What is written and is no parameter: the clock, the password of an association, how long an authentication holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import EARLIEST, LATEST
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author, checked
from meterwire.protocols.dlt69845.enums import Dar


def set_clock(meter: Meter, value: Any, by: Author, *, recorded: bool = True) -> None:
    """Set the clock to a local time; raises `Denied` for none, or one that the meter's calendar does not have."""
    if value is None or not EARLIEST <= value <= LATEST:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    if recorded:
        meter.programming.note(by, "clock-set")
    meter.set_clock(value.replace(tzinfo=meter.clock.zone), recorded=recorded)


def store(meter: Meter, changes: Mapping[str, Any], by: Author) -> None:
    """Set the parameters that differ; where none does the first is set, so that no write goes unrecorded.

    Raises:
        Denied: a value is none of its parameter; nothing has been set then.
    """
    held = meter.parameters
    if not changes:  # an empty array, as it is
        meter.programming.note(by)
    try:
        wanted = {name: checked(name, value) for name, value in changes.items()}
    except LocalProtocolError:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None
    differing = [name for name, value in wanted.items() if held[name] != value]
    for name in differing or list(wanted)[:1]:
        held.set(name, wanted[name], by)


def _set_password(meter: Meter, value: Any, by: Author) -> None:
    text = value if isinstance(value, str) else ""
    if not text or not all(" " <= mark <= "~" for mark in text):
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    meter.programming.note(by)
    meter.access.change_association(text)


def _set_minutes(meter: Meter, value: Any, by: Author) -> None:
    if not value:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    meter.programming.note(by)
    meter.esam.minutes = value


WRITERS: Final[Mapping[str, Callable[[Meter, Any, Author], None]]] = {
    "@now": set_clock,
    "@association_password": _set_password,
    "@authentication_minutes": _set_minutes,
}
"""By what the attribute holds."""
