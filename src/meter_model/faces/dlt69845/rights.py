"""Who may change the meter through DL/T 698.45, and under which name the change is recorded.

Reading is open to everybody. A change needs the password of an association at least; in security mode (F101) it needs
the secure element. The standard has neither levels of passwords nor a programming switch. A broadcast of the time needs
nothing, because nobody can associate with a broadcast address.
"""

from __future__ import annotations

from meterwire.meter_model.access import Authority
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.parameters import Author
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.enums import Dar


def authorise(context: Context) -> None:
    """Raise `Denied` unless this client may change the meter now."""
    needed = Authority.SECURED if context.meter.parameters["security_mode"] else Authority.PASSWORD
    if context.authority is Authority.PUBLIC:
        raise Denied(Dar.PASSWORD_WRONG_OR_UNAUTHORISED)
    if context.authority < needed:
        raise Denied(Dar.SECURITY_MISMATCH)


def refuse_without_power(context: Context) -> None:
    """Raise `Denied` where the meter can be read and nothing else."""
    if "write" not in context.meter.status.functions():
        raise Denied(Dar.TEMPORARY_FAILURE)


def author(context: Context, item: Oad | Omd) -> Author:
    """Who does it: the client's address stands for the operator, whom the standard does not name."""
    return Author(f"{context.client:08d}", str(item))
