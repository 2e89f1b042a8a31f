"""What somebody at the meter can do to it beside its terminals: covers, a magnet, batteries, an auxiliary supply."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Volts = Annotated[float, msgspec.Meta(ge=0, le=20)]


class Inputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of everything that is not electricity at the terminals.

    Attributes:
        cover_open: the meter's case; likewise terminal_cover_open.
        magnetic_field: a strong constant field at the case.
        auxiliary_supply: None: this meter has none; whether it is there.
        clock_battery: V; None: what its profile says. Likewise outage_battery, for reading while there is no power.
    """

    cover_open: bool = False
    terminal_cover_open: bool = False
    magnetic_field: bool = False
    auxiliary_supply: bool | None = None
    clock_battery: Volts | None = None
    outage_battery: Volts | None = None

    def state(self) -> dict[str, Any]:
        """As builtins."""
        return msgspec.structs.asdict(self)

    @staticmethod
    def of(state: Any) -> Inputs:
        """From builtins; raises msgspec.ValidationError."""
        return msgspec.convert(state, Inputs)


NOTES = {
    "cover_open": ("cover-open", "cover-closed"),
    "terminal_cover_open": ("terminal-cover-open", "terminal-cover-closed"),
    "magnetic_field": ("magnet-on", "magnet-off"),
    "auxiliary_supply": ("auxiliary-on", "auxiliary-off"),
}
"""What is noted when a truth becomes true or false."""
