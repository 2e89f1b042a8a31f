"""`meterwire quantities`: the table of quantities."""

from __future__ import annotations

from meterwire.cli.output import print_json
from meterwire.protocols.dlms.obis import Obis
from meterwire.quantities import QUANTITIES, Quantity


def quantities(pattern: str, *, json: bool) -> int:
    """Show the rows whose names contain the pattern; 1 if there is none."""
    found = [row for name, row in QUANTITIES.items() if pattern.lower() in name]
    if json:
        print_json(_row(row) for row in found)
    else:
        width = max((len(row.name) for row in found), default=0)
        print(f"{'quantity':<{width}}  {'unit':<6} {'DI':<9}{'OAD':<9}OBIS (class/code/attribute)")
        for row in found:
            shown = _row(row)
            unit, di, oad = shown["unit"] or "", shown["di"] or "-", shown["oad"] or "-"
            print(f"{row.name:<{width}}  {unit:<6} {di:<9}{oad:<9}{shown['obis'] or '-'}")
    return 0 if found else 1


def _row(row: Quantity) -> dict[str, str | None]:
    return {
        "quantity": row.name,
        "unit": row.unit or None,
        "di": None if row.di is None else f"{row.di:08X}",
        "oad": None if row.oad is None else f"{row.oad:08X}",
        "obis": f"{row.class_id}/{Obis(row.obis)}/{row.attribute}" if row.obis else None,
    }
