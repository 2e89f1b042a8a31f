"""Files in blocks through DL/T 698.45 (interface class 18, object F001): announce, write, read, check, run, compare.

Layout as firmware of meters and terminals has it: start {{source, target, size, attributes, version, category}, block
size, {kind of check, digest}}, block {number from 0, octets}, states of blocks as a bit-string whose first bit is block
0. The numbers of the result (attribute 3) are recalled: up to 99 per cent, 100 done, 255 none.
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

FILES: Final = 0xF001
_BLOCK_SIZE: Final = 512
"""The size of blocks that the meter names as its own; it takes others."""
_DONE, _NO_FILE, _CHECK_FAILED = 100, 255, 104
_CHECKS: Final = {0: "crc", 1: "md5", 2: "sha1", 255: "other"}
_START: Final = (2, 18, 2)
_FILE: Final = (10, 10, 6, 4, 10, 22)
_LONGEST_TEXT: Final = 128


def read(meter: Meter, number: int) -> Variant:
    """An attribute, whole; raises `Denied`."""
    serve = _ATTRIBUTES.get(number)
    if serve is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return serve(meter.files)


def put(meter: Meter, number: int, data: Variant) -> None:
    """Set attribute 7, when what has been taken shall run; not specified takes that back. Raises `Denied`."""
    if number != 7:
        raise Denied(Dar.READ_WRITE_DENIED)
    if data.tag != 28 or not isinstance(data.value, DateTimeS):
        raise Denied(Dar.TYPE_UNMATCHED)
    due = data.value.datetime()
    if due is None and data.value != NOT_SPECIFIED:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    meter.files.schedule(due)


def act(meter: Meter, method: int, parameter: Variant) -> Variant | None:
    """Run a method and give what it answers; raises `Denied`."""
    serve = _METHODS.get(method)
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


def _start(files: Files, parameter: Variant) -> None:
    file, block, check = _members(parameter, _START)
    source, target, size, attributes, version, category = _members(Variant(2, file), _FILE)
    kind, digest = _members(Variant(2, check), (22, 9))
    texts = [str(one) if isinstance(one, str) else one.decode("latin-1") for one in (source, target, version)]
    if kind not in _CHECKS or any(len(one) > _LONGEST_TEXT for one in texts) or len(attributes) > 8:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    name = _CHECKS[kind] if digest else "none"
    files.start(Announced(texts[0], texts[1], size, attributes, texts[2], category, block, name, digest))


def _write(files: Files, parameter: Variant) -> None:
    files.write(*_members(parameter, (18, 9)))


def _read(files: Files, parameter: Variant) -> Variant:
    """The block as {number, octets}: the form of the answer is that of method 8 (assumed)."""
    if parameter.tag != 18:
        raise Denied(Dar.TYPE_UNMATCHED)
    return Variant(2, (parameter, Variant(9, files.read(parameter.value))))


def _compare(files: Files, parameter: Variant) -> Variant:
    """Method 10: {processor, key, address of the factor, address and length of the data} to {octets}."""
    processor, _, factor, address, length = _members(parameter, (17, 17, 6, 6, 18))
    if processor:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return Variant(2, (Variant(9, files.compare(factor, address, length)),))


_METHODS: Final[Mapping[int, Callable[[Files, Variant], Variant | None]]] = {
    1: _cancel,
    3: _cancel,
    4: _verify,
    7: _start,
    8: _write,
    9: _read,
    10: _compare,
}
