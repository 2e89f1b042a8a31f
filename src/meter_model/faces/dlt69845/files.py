"""Files through DL/T 698.45 (interface class 18): whole (F000), in blocks (F001), or from a file server (F002).

All three are doors to one transfer: what came through one is checked, and made to run, through any. Layout of F001 as
firmware of meters and terminals has it: start {{source, target, size, attributes, version, category}, block size,
{kind of check, digest} or NULL}, block {number from 0, octets}, states of blocks as a bit-string whose first bit is
block 0. The numbers of the result (attribute 3) are recalled: up to 99 per cent, 100 done, 255 none.

F000 takes or gives a file with one method, whose APDU the link cuts into pieces; that its methods 7 and 8 have a file's
information and content is assumed, method 127 (name, place, length) is that of a terminal's firmware. F002 is told a
server (attribute 4) and then to fetch (7) or send (8) a file {information, protocol}, as the same firmware has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt69845.stored import time_data
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.files import Announced, Files, NoTransfer
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.dates import NOT_SPECIFIED, DateTimeS
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.nodes import Variant

FRAMED, BLOCKS, EXTENDED = OBJECTS = (0xF000, 0xF001, 0xF002)
_BLOCK_SIZE: Final = 512
"""The size of blocks that the meter names as its own; it takes others."""
_DONE, _NO_FILE, _CHECK_FAILED = 100, 255, 104
_CHECKS: Final = {0: "crc", 1: "md5", 2: "sha1", 255: "other"}
_LARGE_BLOCK: Final = 4096
"""Octets of the blocks that a file is kept in which came whole."""
_MOST_ON_SERVER: Final = 16
_FILE: Final = (10, 10, 6, 4, 10, 22)
_LONGEST_TEXT: Final = 128


def read(meter: Meter, oi: int, number: int) -> Variant:
    """An attribute, whole; raises `Denied`."""
    serve = _ATTRIBUTES.get(number) if number in _SHARED or oi == BLOCKS else None
    if serve is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return serve(meter.files)


def put(meter: Meter, oi: int, number: int, data: Variant) -> None:
    """Set attribute 7, when what has been taken shall run; not specified takes that back. Raises `Denied`."""
    if number != 7 or oi != BLOCKS:
        raise Denied(Dar.READ_WRITE_DENIED)
    if data.tag != 28 or not isinstance(data.value, DateTimeS):
        raise Denied(Dar.TYPE_UNMATCHED)
    due = data.value.datetime()
    if due is None and data.value != NOT_SPECIFIED:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    meter.files.schedule(due)


def act(meter: Meter, oi: int, method: int, parameter: Variant) -> Variant | None:
    """Run a method and give what it answers; raises `Denied`."""
    serve = _COMMON.get(method) or _METHODS[oi].get(method)
    if serve is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    try:
        return serve(meter.files, parameter)
    except NoTransfer:
        raise Denied(Dar.NO_BLOCK_WRITE_IN_PROGRESS) from None
    except IndexError:
        raise Denied(Dar.DATA_BLOCK_NUMBER_INVALID) from None
    except LocalProtocolError:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None


def methods_of(oi: int) -> frozenset[int]:
    """The methods that an object for files has."""
    return frozenset({*_COMMON, *_METHODS.get(oi, {})})


# ---------------------------------------------------------------- attributes


def _information(files: Files) -> Variant:
    """The file that is being taken, or was taken last; empty where there is none."""
    file = files.announced or Announced("", "", 0, "000", "", _NO_FILE, 1)
    texts = Variant(10, file.source), Variant(10, file.target)
    rest = Variant(4, file.attributes), Variant(10, file.version), Variant(22, file.category)
    return Variant(2, (*texts, Variant(6, file.size), *rest))


def _result(files: Files) -> Variant:
    if files.announced is None:
        return Variant(22, _NO_FILE)
    if not files.complete:
        return Variant(22, min(99, files.progress))
    return Variant(22, _DONE if files.verified else _CHECK_FAILED)


def _states(files: Files) -> Variant:
    if files.announced is None:
        raise Denied(Dar.NO_BLOCK_WRITE_IN_PROGRESS)
    return Variant(4, files.blocks)


def _due(files: Files) -> Variant:
    return Variant(28, NOT_SPECIFIED) if files.due is None else time_data(files.due)


_SHARED: Final = frozenset({2, 3})
"""Attributes of the class; the others are those of F001."""
_ATTRIBUTES: Final[Mapping[int, Callable[[Files], Variant]]] = {
    2: _information,
    3: _result,
    4: _states,
    5: lambda _: Variant(9, b""),
    6: lambda _: Variant(18, _BLOCK_SIZE),
    7: _due,
}


# ---------------------------------------------------------------- methods


def _members(parameter: Variant, tags: tuple[int, ...]) -> tuple[Any, ...]:
    if parameter.tag != 2 or tuple(one.tag for one in parameter.value) != tags:
        raise Denied(Dar.TYPE_UNMATCHED)
    return tuple(one.value for one in parameter.value)


def _cancel(files: Files, parameter: Variant) -> None:
    del parameter
    files.cancel()


def _verify(files: Files, parameter: Variant) -> None:
    """Method 4: whether what has come is the file; what its parameter may name is not known, and is not looked at."""
    del parameter
    if files.announced is None:
        raise NoTransfer
    if not files.complete:
        raise Denied(Dar.DATA_BLOCK_UNAVAILABLE)
    if not files.verified:
        raise Denied(Dar.OTHER)


def _file_of(information: Variant, block: int, check: str = "none", digest: bytes = b"") -> Announced:
    source, target, size, attributes, version, category = _members(information, _FILE)
    texts = [str(one) if isinstance(one, str) else one.decode("latin-1") for one in (source, target, version)]
    if any(len(one) > _LONGEST_TEXT for one in texts) or len(attributes) > 8:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    return Announced(texts[0], texts[1], size, attributes, texts[2], category, block, check, digest)


def _start(files: Files, parameter: Variant) -> None:
    """Method 7: information, size of blocks (16 or 32 bits), check."""
    if parameter.tag != 2 or len(parameter.value) != 3:
        raise Denied(Dar.TYPE_UNMATCHED)
    information, block, check = parameter.value
    if block.tag not in {18, 6} or check.tag not in {2, 0}:
        raise Denied(Dar.TYPE_UNMATCHED)
    kind, digest = _members(check, (22, 9)) if check.tag else (0, b"")
    if kind not in _CHECKS:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    files.start(_file_of(information, block.value, _CHECKS[kind] if digest else "none", digest))


def _write(files: Files, parameter: Variant) -> None:
    files.write(*_members(parameter, (18, 9)))


def _read(files: Files, parameter: Variant) -> Variant:
    """The block as {number, octets}: the form of the answer is that of method 8 (assumed)."""
    (number,) = (parameter.value,) if parameter.tag == 18 else _members(parameter, (18,))
    return Variant(2, (Variant(18, number), Variant(9, files.read(number))))


def _take(files: Files, parameter: Variant) -> None:
    """Method 7 of F000: information, content."""
    if parameter.tag != 2 or len(parameter.value) != 2 or parameter.value[1].tag != 9:
        raise Denied(Dar.TYPE_UNMATCHED)
    files.take(_file_of(parameter.value[0], _LARGE_BLOCK), parameter.value[1].value)


def _give(files: Files, parameter: Variant) -> Variant:
    """Method 8 of F000: the file that was taken last; its information says which, and is not looked at."""
    _members(parameter, _FILE)
    return Variant(9, files.content())


def _give_part(files: Files, parameter: Variant) -> Variant:
    """Method 127 of F000: so many octets of it from a place on; fewer at its end."""
    _, place, length = _members(parameter, (10, 6, 6))
    found = files.content()[place : place + length]
    if not found:
        raise Denied(Dar.READ_WRITE_DENIED)
    return Variant(9, found)


def _asked_of_server(parameter: Variant) -> Announced:
    """Information and protocol; which protocol it is makes no difference to a server that is a stand-in."""
    if parameter.tag != 2 or len(parameter.value) != 2 or parameter.value[1].tag != 22:
        raise Denied(Dar.TYPE_UNMATCHED)
    return _file_of(parameter.value[0], _LARGE_BLOCK)


def _fetch(files: Files, parameter: Variant) -> None:
    """Method 7 of F002: the file of that source, as the server has it."""
    file = _asked_of_server(parameter)
    if file.source not in files.server:
        raise Denied(Dar.TEMPORARY_FAILURE)
    files.take(file, files.server[file.source])


def _send(files: Files, parameter: Variant) -> None:
    """Method 8 of F002: what was taken last, to the server under the target's name; it has room for so many."""
    target = _asked_of_server(parameter).target
    if target not in files.server and len(files.server) >= _MOST_ON_SERVER:
        raise Denied(Dar.TEMPORARY_FAILURE)
    files.server[target] = files.content()


def _compare(files: Files, parameter: Variant) -> Variant:
    """Method 10: {processor, key, address of the factor, address and length of the data} to {octets}."""
    processor, _, factor, address, length = _members(parameter, (17, 17, 6, 6, 18))
    if processor:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return Variant(2, (Variant(9, files.compare(factor, address, length)),))


_Method = Callable[[Files, Variant], Variant | None]
_COMMON: Final[Mapping[int, _Method]] = {1: _cancel, 3: _cancel, 4: _verify}
_METHODS: Final[Mapping[int, Mapping[int, _Method]]] = {
    FRAMED: {7: _take, 8: _give, 127: _give_part},
    BLOCKS: {7: _start, 8: _write, 9: _read, 10: _compare},
    EXTENDED: {7: _fetch, 8: _send},
}
