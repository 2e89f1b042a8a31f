"""What the meter shows of itself through DLMS/COSEM: its objects by logical name.

An interface class is a table of attributes and methods (`cosem_model`). The rows of the table of quantities become
instances; what the meter stores become profiles.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from meterwire.meter_model.faces.dlms.cosem_clock import CLOCK
from meterwire.meter_model.faces.dlms.cosem_image import image_objects
from meterwire.meter_model.faces.dlms.cosem_logical_device import own_objects
from meterwire.meter_model.faces.dlms.cosem_model import CosemClass, CosemObject, Denied, Meter
from meterwire.meter_model.faces.dlms.cosem_profiles import profiles
from meterwire.meter_model.faces.dlms.cosem_push import push_objects
from meterwire.meter_model.faces.dlms.cosem_registers import (
    DATA,
    DEMAND_REGISTER,
    EXTENDED_REGISTER,
    REGISTER,
    SETTABLE,
)
from meterwire.meter_model.faces.dlms.cosem_security import security_objects
from meterwire.meter_model.values import NotServed
from meterwire.quantities import QUANTITIES, Quantity

CLASSES: Final = {kind.class_id: kind for kind in (DATA, REGISTER, EXTENDED_REGISTER, DEMAND_REGISTER, CLOCK)}
"""The classes that rows of the table of quantities are instances of."""


def catalogue(meter: Meter, clients: Iterable[int] = ()) -> dict[bytes, CosemObject]:
    """The objects of a meter by logical name: its own, a row of the table each where the meter serves it, profiles."""
    own = (*own_objects(clients), *security_objects(meter), *push_objects(meter), *image_objects(meter))
    found = {one.instance: one for one in own}
    for row in QUANTITIES.values():
        if row.obis is None or row.class_id not in CLASSES or not _served(meter, row):
            continue
        found.setdefault(row.obis, CosemObject(_class_of(row, row.class_id), row.obis, row))
    for one in profiles(meter):
        found.setdefault(one.instance, one)
    return found


def _class_of(row: Quantity, class_id: int) -> CosemClass:
    return SETTABLE.get(row.name, CLASSES[class_id])


def _served(meter: Meter, row: Quantity) -> bool:
    try:
        meter.read(row)
    except NotServed:
        return False
    return True


__all__ = ["CosemObject", "Denied", "Meter", "catalogue"]
