"""The command `meterwire`: one function a command; what a command needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

from cyclopts import App, CycloptsError, Parameter

import meterwire
from meterwire.errors import LocalProtocolError, MeterwireError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

app = App(
    name="meterwire",
    version=meterwire.__version__,
    help="Talk to electricity meters over DL/T 645, DL/T 698.45 and DLMS/COSEM, and emulate them.",
    version_flags=["--version"],
)

Url = Annotated[str, Parameter(help="Endpoint: DIALECT+TRANSPORT://PLACE?options.")]
PasswordFile = Annotated[
    Path | None, Parameter(help="File with the password; without it METERWIRE_PASSWORD of the environment is taken.")
]
Objects = Annotated[Path | None, Parameter(help="DL/T 698.45: CSV file with objects that the standard has not.")]
Keys = Annotated[Path | None, Parameter(help="Key file of a DLMS association (TOML).")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON array and nothing else.")]


@app.command
def demo(*, keep: Annotated[Path | None, Parameter(help="Keep the sessions as pcapng files here.")] = None) -> int:
    """Emulate a three-phase meter, read it through every dialect, and check that the numbers agree."""
    from meterwire.cli.demo import demo as run  # noqa: PLC0415

    return run(keep)


@app.command
def serve(
    *,
    profile: Annotated[str, Parameter(help="three-phase or single-phase.")] = "three-phase",
    listen: Annotated[list[str] | None, Parameter(help="Endpoint to serve; may be given many times.")] = None,
    seed: Annotated[int | None, Parameter(help="Seed of load and faults; by default that of the device, or 1.")] = None,
    device: Annotated[Path | None, Parameter(help="Device file (TOML) instead of a profile.")] = None,
    clock: Annotated[str, Parameter(help="real, frozen:ISO or xN.")] = "real",
    control: Annotated[str | None, Parameter(help="Control surface, such as tcp://127.0.0.1:0.")] = None,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[
        Path | None, Parameter(help="Record the octets of each endpoint as pcapng in this folder.")
    ] = None,
    state: Annotated[Path | None, Parameter(help="Keep the meter's state in this folder, and go on from it.")] = None,
    gateway: Annotated[
        Path | None, Parameter(help="Area file (TOML): serve an HPLC module with the meters behind it.")
    ] = None,
    concentrator: Annotated[
        Path | None, Parameter(help="Area file (TOML): serve a DL/T 698.45 concentrator with the meters behind it.")
    ] = None,
) -> int:
    """Serve one emulated meter, or a module or a concentrator with many, until it is interrupted."""
    if gateway is not None:
        from meterwire.cli.serve_area import serve as run_area  # noqa: PLC0415

        if device is not None or state is not None:
            raise LocalProtocolError("--device and --state are for a meter, not for a --gateway")
        return run_area(gateway, listen or [], clock, control, trace=trace, record=record)
    if concentrator is not None:
        from meterwire.cli.serve_concentrator import serve as run_concentrator  # noqa: PLC0415

        if device is not None:
            raise LocalProtocolError("--device is for a meter, not for a --concentrator")
        return run_concentrator(concentrator, listen or [], clock, control, state, trace=trace, record=record)
    from meterwire.cli.serve import serve as run  # noqa: PLC0415

    return run(profile, listen or [], seed, device, clock, control, trace=trace, record=record, state=state)


@app.command
def meter(
    words: Annotated[list[str], Parameter(help="URL of the control surface, then set, get or event and its words.")],
    /,
    *,
    of: Annotated[str | None, Parameter(name="--meter", help="Behind a gateway: which meter, or all.")] = None,
    json: Json = False,
) -> int:
    """Change a served meter or area while others talk to it: `meter URL set phase b off`, `meter URL get clock`."""
    from meterwire.cli.meter import meter as run  # noqa: PLC0415

    return run(words, of, json=json)


@app.command
def read(
    url: Url,
    /,
    *items: Annotated[str, Parameter(help="Quantity, data identifier, OAD, or OBIS code with attribute.")],
    address: Annotated[str | None, Parameter(help="Address of the meter.")] = None,
    addresses: Annotated[Path | None, Parameter(help="File with the addresses of many meters, one a line.")] = None,
    edition: Annotated[str | None, Parameter(help="DL/T 645: 1997, 2007 or auto.")] = None,
    password_file: Annotated[Path | None, Parameter(help="File with the password of a DLMS association.")] = None,
    keys: Keys = None,
    objects: Objects = None,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Json = False,
) -> int:
    """Read items from a meter."""
    from meterwire.cli.read import read as run  # noqa: PLC0415

    return run(
        url,
        list(items),
        address,
        password_file,
        addresses,
        edition,
        objects,
        keys,
        trace=trace,
        record=record,
        json=json,
    )


@app.command
def write(
    url: Url,
    /,
    *items: Annotated[str, Parameter(help="ITEM=VALUE, such as 04001401=5.")],
    address: Annotated[str | None, Parameter(help="Address of the meter.")] = None,
    password_file: PasswordFile = None,
    operator: Annotated[str, Parameter(help="Operator code that the meter records.")] = "00000000",
    level: Annotated[int, Parameter(help="Level of the password, 0 the highest.")] = 4,
    edition: Annotated[str | None, Parameter(help="DL/T 645: 1997, 2007 or auto.")] = None,
    objects: Objects = None,
    keys: Keys = None,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Json = False,
) -> int:
    """Write items of a meter, each once; what was lost is read back."""
    from meterwire.cli.write import write as run  # noqa: PLC0415

    return run(
        url,
        list(items),
        address,
        password_file,
        operator,
        level,
        edition,
        objects,
        keys,
        trace=trace,
        record=record,
        json=json,
    )


@app.command
def act(
    url: Url,
    /,
    *words: Annotated[str, Parameter(help="Order and its words; none shows them all.")],
    address: Annotated[str | None, Parameter(help="Address of the meter.")] = None,
    password_file: PasswordFile = None,
    new_password_file: Annotated[Path | None, Parameter(help="File with the new password.")] = None,
    operator: Annotated[str, Parameter(help="Operator code that the meter records.")] = "00000000",
    level: Annotated[int, Parameter(help="Level of the password, 0 the highest.")] = 4,
    valid: Annotated[int, Parameter(help="Minutes for which an order to the relay holds.")] = 5,
    edition: Annotated[str | None, Parameter(help="DL/T 645: 1997, 2007 or auto.")] = None,
    objects: Objects = None,
    keys: Keys = None,
    yes: Annotated[bool, Parameter(negative="", help="Do it: it moves a relay, clears, or changes keys.")] = False,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Json = False,
) -> int:
    """Give a meter an order: trip, close, clear-demand, freeze, change-password ..."""
    from meterwire.cli.act import act as run  # noqa: PLC0415

    return run(
        url,
        list(words),
        address,
        password_file,
        new_password_file,
        operator,
        level,
        valid,
        edition,
        objects,
        keys,
        yes=yes,
        trace=trace,
        record=record,
        json=json,
    )


@app.command
def profile(
    url: Url,
    kind: Annotated[
        str, Parameter(help="hour, day, timed, instant ..., load, load-1 ..., curve-voltage ..., or a logical name.")
    ],
    /,
    *,
    start: Annotated[str | None, Parameter(name="--from", help="ISO time of the first row, the meter's own.")] = None,
    end: Annotated[str | None, Parameter(name="--to", help="ISO time of the last row.")] = None,
    count: Annotated[
        int | None, Parameter(help="At most so many: the latest freezes, or records from --from on.")
    ] = None,
    address: Annotated[str | None, Parameter(help="Address of the meter.")] = None,
    csv: Annotated[
        str | None,
        Parameter(help="File of the table, or - for stdout; Parquet if .parquet.", allow_leading_hyphen=True),
    ] = None,
    edition: Annotated[str | None, Parameter(help="DL/T 645: 1997, 2007 or auto.")] = None,
    objects: Objects = None,
    keys: Keys = None,
    password_file: Annotated[Path | None, Parameter(help="File with the password of a DLMS association.")] = None,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Json = False,
) -> int:
    """Read what a meter has stored, freezes or load records, as a table with times."""
    from meterwire.cli.profile import profile as run  # noqa: PLC0415

    return run(
        url,
        kind,
        start,
        end,
        count,
        address,
        csv,
        edition,
        objects,
        password_file,
        keys,
        trace=trace,
        record=record,
        json=json,
    )


@app.command
def listen(
    url: Url,
    /,
    *,
    count: Annotated[int | None, Parameter(help="End after so many pushes or reports.")] = None,
    seconds: Annotated[float | None, Parameter(help="End after so long.")] = None,
    keys: Annotated[Path | None, Parameter(help="File with keys (TOML), for pushes that are ciphered.")] = None,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object a line.")] = False,
) -> int:
    """Show what meters say unasked: pushes of DLMS (HDLC, wrappers, M-Bus frames), reports of DL/T 698.45."""
    from meterwire.cli.listen import listen as run  # noqa: PLC0415

    return run(url, count, seconds, keys, record=record, json=json)


@app.command
def scan(
    url: Url,
    /,
    *,
    edition: Annotated[str | None, Parameter(help="DL/T 645: 1997, 2007 or auto, both.")] = None,
    thorough: Annotated[bool, Parameter(negative="", help="Ask for every low octet whatever is heard.")] = False,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Json = False,
) -> int:
    """Find meters on a line: speed, parity and addresses on a serial port, addresses behind a gateway."""
    from meterwire.cli.scan import scan as run  # noqa: PLC0415

    return run(url, edition, thorough=thorough, trace=trace, record=record, json=json)


@app.command
def gateway(
    url: Url,
    what: Annotated[str, Parameter(help="topology, nodes, archive, phase, versions or read.")],
    items: Annotated[list[str] | None, Parameter(help="What to read: quantities, data identifiers, OADs.")] = None,
    /,
    *,
    addresses: Annotated[Path | None, Parameter(help="File with the meters to read; without it the archive.")] = None,
    limit: Annotated[int, Parameter(help="Meters read at a time.")] = 20,
    svg: Annotated[Path | None, Parameter(help="Draw the topology into this file.")] = None,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Json = False,
) -> int:
    """Ask an HPLC module for its network, or read the meters behind it, many at a time."""
    from meterwire.cli.gateway import gateway as run  # noqa: PLC0415

    return run(url, what, items or [], addresses, limit, svg, trace=trace, record=record, json=json)


@app.command
def concentrator(
    url: Url,
    what: Annotated[str, Parameter(help="archive, tasks, meters, rows, read or enter.")],
    items: Annotated[
        list[str] | None, Parameter(help="Columns of rows, what to read of meters, or the plan file to enter.")
    ] = None,
    /,
    *,
    address: Annotated[str | None, Parameter(help="Address of the concentrator.")] = None,
    meter: Annotated[list[str] | None, Parameter(help="Address of a meter behind it; may be given many times.")] = None,
    start: Annotated[str | None, Parameter(name="--from", help="Rows stored from this ISO time on.")] = None,
    end: Annotated[str | None, Parameter(name="--to", help="Rows stored before this ISO time.")] = None,
    password_file: PasswordFile = None,
    trace: Annotated[bool, Parameter(negative="", help="Show every frame, dissected, on stderr.")] = False,
    record: Annotated[Path | None, Parameter(help="Record the octets as pcapng in this folder.")] = None,
    json: Json = False,
) -> int:
    """Ask a DL/T 698.45 concentrator what it knows and has collected, enter a plan, or read meters through it."""
    from meterwire.cli.concentrator import concentrator as run  # noqa: PLC0415

    return run(
        url,
        what,
        items or [],
        address,
        meter or [],
        start,
        end,
        password_file,
        trace=trace,
        record=record,
        json=json,
    )


@app.command
def decode(
    source: Annotated[
        str, Parameter(help="Hex text, a file (hex, log, pcap, pcapng), or - for stdin.", allow_leading_hyphen=True)
    ],
    /,
    *,
    dialect: Annotated[str | None, Parameter(help="Take this dialect instead of recognising one.")] = None,
    keys: Annotated[Path | None, Parameter(help="File with keys (TOML), to look into ciphered layers.")] = None,
    objects: Objects = None,
    json: Json = False,
) -> int:
    """Show frames as trees of fields with octet spans, names and units."""
    from meterwire.cli.decode import decode as run  # noqa: PLC0415

    return run(source, dialect=dialect, json=json, keys=keys, objects=objects)


@app.command
def quantities(
    pattern: Annotated[str, Parameter(help="Show names that contain this.")] = "", /, *, json: Json = False
) -> int:
    """Show the table of quantities with their names in every dialect."""
    from meterwire.cli.quantities import quantities as run  # noqa: PLC0415

    return run(pattern, json=json)


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and give its exit code."""
    try:
        with_code: Callable[..., Any] = app
        result = with_code(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _say(f"{error}\nTry: meterwire --help", USAGE)
    except LocalProtocolError as error:
        return _say(str(error), USAGE)
    except MeterwireError as error:
        return _say(str(error), FAILED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return result if isinstance(result, int) else DONE


def _say(text: str, code: int) -> int:
    print(f"meterwire: {text}", file=sys.stderr)
    return code


def main() -> NoReturn:
    """Entry point."""
    sys.exit(run())
