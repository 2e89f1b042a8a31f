"""`meterwire gateway`: a module of Q/GDW 10376.2, its archive and network, and the meters read through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from meterwire.cli.gateway_tree import drawing, in_order
from meterwire.cli.output import print_json, print_rows, print_table, rows
from meterwire.cli.scan_progress import progress
from meterwire.cli.session import session_filters
from meterwire.connect import patience
from meterwire.errors import LocalProtocolError, MeterwireError
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.codes import MeterProtocol, ModuleKind, Role
from meterwire.transports.endpoint import MODULE, Endpoint
from meterwire.transports.lines import open_line

PHASES: Final = {1: "A", 2: "B", 4: "C", 7: "ABC", 0: "?"}
_DIALECTS: Final = {
    MeterProtocol.DLT645_1997: "dlt645-1997",
    MeterProtocol.DLT645_2007: "dlt645",
    MeterProtocol.DLT69845: "dlt69845",
    MeterProtocol.TRANSPARENT: "transparent",
}


def gateway(
    url: str,
    what: str,
    items: list[str],
    addresses: Path | None,
    limit: int,
    svg: Path | None,
    *,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    """Ask, and print; 1 if anything was refused."""
    endpoint = Endpoint.parse(url)
    if endpoint.dialect != MODULE:
        raise LocalProtocolError(f"a module speaks {MODULE}, not {endpoint.dialect}")
    if what not in {*_TABLES, "read"}:
        raise LocalProtocolError(f"there is no {what!r}: {', '.join([*_TABLES, 'read'])}")
    if (what == "read") != bool(items):
        raise LocalProtocolError("items are read with `read`: gateway URL read active_energy_import")
    if svg is not None and what != "topology":
        raise LocalProtocolError("a picture is drawn of the topology: gateway URL topology --svg FILE")
    with session_filters(url, trace=trace, record=record, name="gateway") as filters:
        line = open_line(endpoint, *filters)
        try:
            module = Module3762(line, patience=patience(endpoint, "the module"))
            if what == "read":
                return _read(module, items, addresses, limit, json=json, live=not trace)
            found = _TABLES[what](module)
        finally:
            line.close()
    if svg is not None:
        svg.write_text(drawing(found))
    if json:
        print_json(found)
    else:
        print_table(in_order(found) if what == "topology" else found)
    return 0


# ---------------------------------------------------------------- tables


def _topology(module: Module3762) -> list[dict[str, Any]]:
    nodes = module.topology()
    addresses = {node.tei: node.address for node in nodes}
    return [
        {
            "address": node.address,
            "tei": node.tei,
            "level": node.place.level,
            "role": _name(node.place.role, Role),
            "proxy": addresses.get(node.proxy),
        }
        for node in nodes
    ]


def _nodes(module: Module3762) -> list[dict[str, Any]]:
    return [
        {
            "address": node.address,
            "protocol": _protocol(node.state.protocol),
            "relays": node.state.relays,
            "quality": node.state.quality,
            "phase": PHASES.get(node.state.phase, str(node.state.phase)),
            "joined": bool(node.state.quality),
        }
        for node in module.nodes()
    ]


def _archive(module: Module3762) -> list[dict[str, Any]]:
    return [{"address": node.address, "protocol": _protocol(node.state.protocol)} for node in module.nodes()]


def _phase(module: Module3762) -> list[dict[str, Any]]:
    return [
        {
            "address": node.address,
            "phase": PHASES.get(node.phase.phases, str(node.phase.phases)),
            "three_phase": bool(node.phase.three_phase),
            "fault": bool(node.phase.fault),
        }
        for node in module.phases()
    ]


def _versions(module: Module3762) -> list[dict[str, Any]]:
    return [
        {
            "address": chip.address,
            "device": _name(chip.device, ModuleKind),
            "version": chip.version,
            "chip": chip.chip.hex().upper(),
        }
        for chip in module.chips()
    ]


_TABLES: Final[Mapping[str, Callable[[Module3762], list[dict[str, Any]]]]] = {
    "topology": _topology,
    "nodes": _nodes,
    "archive": _archive,
    "phase": _phase,
    "versions": _versions,
}


def _name(code: int, names: Any) -> str:
    return str(code.name) if isinstance(code, names) else str(code)


def _protocol(code: int) -> str:
    return _DIALECTS.get(MeterProtocol(code), str(code)) if code in set(MeterProtocol) else str(code)


# ---------------------------------------------------------------- meters


def _read(module: Module3762, items: list[str], addresses: Path | None, limit: int, *, json: bool, live: bool) -> int:
    archive = {node.address: node.state.protocol for node in module.nodes()}
    wanted = _listed(addresses) if addresses is not None else list(archive)
    shown = progress(live=live)
    shown.say(f"reading {len(wanted)} meters, {limit} at a time")
    shown.expect(len(wanted))
    jobs = {
        module.tunnel(address, MeterProtocol(protocol), "concurrent"): _steps(protocol, address, items)
        for address in wanted
        if (protocol := archive.get(address, MeterProtocol.DLT645_2007)) in set(MeterProtocol)
    }
    try:
        outcomes = module.gather(jobs, limit=limit, done=lambda address, _: shown.asking(address))
    finally:
        shown.close()
    read_at, found, failed = datetime.now(UTC), [], False
    for address in wanted:
        outcome = outcomes.get(address)
        if isinstance(outcome, MeterwireError) or outcome is None:
            failed = True
            error = {"code": type(outcome).__name__, "text": str(outcome)}
            empty = dict.fromkeys(("quantity", "value", "unit", "time"))
            found += [{"address": address, "item": item, **empty, "error": error} for item in items]
            continue
        for reading in outcome:
            failed |= reading.error is not None
            found += [{"address": address, **row} for row in rows(reading, read_at)]
    (print_json if json else print_rows)(found)
    return int(failed)


def _steps(protocol: int, address: str, items: list[str]) -> Any:
    """A client's dialogue with one meter; the line is that of the module."""
    if protocol == MeterProtocol.DLT69845:
        from meterwire.protocols.dlt69845.client import Meter69845  # noqa: PLC0415  loaded when it is spoken

        return Meter69845.read_many.steps(Meter69845(None, address=address), items)
    from meterwire.protocols.dlt645.client import Meter645  # noqa: PLC0415  see above

    edition = 1997 if protocol == MeterProtocol.DLT645_1997 else 2007
    nowhere: Any = None
    return Meter645.read_many.steps(Meter645(nowhere, address=address, edition=edition), items)


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LocalProtocolError(f"{path} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
