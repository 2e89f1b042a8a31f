"""The objects of a concentrator (6000 to 6035): archive, schemes, tasks, and the records that tasks have collected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.meter_model.concentrator import archive, numbered
from meterwire.meter_model.concentrator.concentrator import Concentrator
from meterwire.meter_model.faces.dlt69845.collected_rows import CollectedTable, SettingsTable
from meterwire.meter_model.faces.dlt69845.records import Table
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845 import acquisition
from meterwire.protocols.dlt69845.acquisition import Archived, Basic, NewBasic, NewExtended, TaskState
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.shapes import Shape
from meterwire.protocols.wire.nodes import Variant

_ARRAY, _STRUCTURE = 1, 2
RULES: Final = 0x601E
_VALUE: Final = 2
_U8, _U16, _ENUM, _OI, _LOGICAL = 17, 18, 22, 0x50, 9
_MOST_OF: Final = {acquisition.ARCHIVE: archive.MOST, acquisition.STATES: archive.MOST}
_IDLE: Final = 0


class _Object(msgspec.Struct, frozen=True):
    """One object that holds shapes: which, and the object identifier of one of them."""

    entries: Callable[[Concentrator], Iterable[Shape]]
    element: int


_OBJECTS: Final[Mapping[int, _Object]] = {
    acquisition.ARCHIVE: _Object(lambda own: own.archive, 0x6001),
    acquisition.SEARCH: _Object(lambda own: own.found, 0x6003),
    acquisition.TASKS: _Object(lambda own: own.tasks, 0x6013),
    acquisition.SCHEMES: _Object(lambda own: own.schemes, 0x6015),
    acquisition.EVENT_SCHEMES: _Object(lambda own: own.event_schemes, 0x6017),
    acquisition.TRANSPARENT_SCHEMES: _Object(lambda own: own.transparent_schemes, 0x6019),
    acquisition.REPORT_SCHEMES: _Object(lambda own: own.report_schemes, 0x601D),
    acquisition.STATES: _Object(lambda own: own.states(), 0x6033),
    acquisition.MONITORING: _Object(lambda own: own.monitoring(), 0x6035),
}


_SERVED: Final = frozenset({*_OBJECTS, RULES})


def objects_of(meter: Any) -> Collection[int]:
    """The acquisition objects that a device has, by OI: none unless it is a concentrator."""
    return _SERVED if getattr(meter, "concentrator", None) is not None else ()


def read(meter: Any, oad: Oad) -> Variant:
    """An attribute, or an element of it; raises `Denied`."""
    own = _own(meter)
    own.run()
    if oad.oi == RULES:
        return _rules(own, oad)
    served = _OBJECTS[oad.oi]
    if (oad.oi, oad.number) == (acquisition.TASKS, 3):
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)  # thousands of rows: they are read as records
    entries = list(served.entries(own))
    whole: dict[int, Callable[[], Variant]] = {
        1: lambda: Variant(_LOGICAL, oad.oi.to_bytes(2, "big")),
        2: lambda: Variant(_ARRAY, tuple(entry.data() for entry in entries)),
        3: lambda: Variant(_U16, len(entries)),
        4: lambda: Variant(_U16, _MOST_OF.get(oad.oi, numbered.MOST)),
    }
    if oad.oi == acquisition.SEARCH:
        whole[10] = lambda: Variant(_ENUM, _IDLE)
    value = whole.get(oad.number)
    if value is None or oad.attribute != oad.number:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return value() if not oad.index else _element(value(), oad.index)


def _rules(own: Concentrator, oad: Oad) -> Variant:
    if oad.attribute not in {1, 2}:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    whole = own.rules if oad.number == _VALUE else Variant(_LOGICAL, oad.oi.to_bytes(2, "big"))
    return whole if not oad.index else _element(whole, oad.index)


def put(meter: Any, oad: Oad, data: Variant) -> None:
    """Write an attribute: acquisition rules alone are written, all else is entered by methods; raises `Denied`."""
    if oad != Oad(RULES, _VALUE, 0):
        raise Denied(Dar.READ_WRITE_DENIED)
    if data.tag != _ARRAY:
        raise Denied(Dar.TYPE_UNMATCHED)
    _own(meter).rules = data


def _element(whole: Variant, index: int) -> Variant:
    if whole.tag != _ARRAY or index > len(whole.value):
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    found: Variant = whole.value[index - 1]
    return found


def table_of(meter: Any, oad: Oad) -> Table:
    """The record table that an OAD names: settings entry by entry, or collected rows; raises `Denied`."""
    own, served = _own(meter), _OBJECTS.get(oad.oi)
    own.run()
    if served is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    if (oad.oi, oad.number) == (acquisition.TASKS, 3):
        return CollectedTable(own)
    if oad.number != 2:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return SettingsTable(tuple(served.entries(own)), served.element)


def act(meter: Any, oi: int, method: int, parameter: Variant) -> Variant | None:
    """Run a method; raises `Denied`, and then nothing has changed."""
    run = _METHODS.get((oi, method))
    if run is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    own = _own(meter)
    try:
        run(own, parameter)
    except MalformedError:
        raise Denied(Dar.TYPE_UNMATCHED) from None
    except LocalProtocolError:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None
    return None


def methods_of(oi: int) -> Sequence[int]:
    """The methods of an object."""
    return [method for of, method in _METHODS if of == oi]


def _own(meter: Any) -> Concentrator:
    own: Concentrator = meter.concentrator
    return own


# ---------------------------------------------------------------- methods

_Run = Callable[[Concentrator, Variant], Any]


def _array(parameter: Variant) -> Sequence[Variant]:
    """What stands in an array; one thing alone is taken as an array of itself, as some masters send it."""
    if parameter.tag == _ARRAY:
        found: Sequence[Variant] = parameter.value
        return found
    return (parameter,)


def _numbers(parameter: Variant, tags: frozenset[int] = frozenset({_U8, _U16})) -> list[int]:
    found = _array(parameter)
    if any(one.tag not in tags for one in found):
        raise MalformedError("numbers")
    return [int(one.value) for one in found]


def _pair(parameter: Variant, first: int, second: int) -> tuple[Any, Any]:
    if parameter.tag != _STRUCTURE or [one.tag for one in parameter.value] != [first, second]:
        raise MalformedError("a structure of two")
    return parameter.value[0].value, parameter.value[1].value


def _some(deleted: int) -> None:
    if not deleted:
        raise Denied(Dar.OBJECT_UNAVAILABLE)


def _delete_address(own: Concentrator, parameter: Variant) -> None:
    address, port = _pair(parameter, 85, 81)
    _some(own.archive.delete_address(address, port))


def _change_columns(own: Concentrator, parameter: Variant) -> None:
    number, columns = _pair(parameter, _U8, _ARRAY)
    scheme = own.schemes.get(number)
    if scheme is None or any(one.tag != 91 for one in columns):
        raise Denied(Dar.OBJECT_UNAVAILABLE if scheme is None else Dar.TYPE_UNMATCHED)
    own.schemes.put([msgspec.structs.replace(scheme, columns=tuple(one.value for one in columns))])


def _change_reporting(own: Concentrator, parameter: Variant) -> None:
    number, report = _pair(parameter, _U8, 3)
    scheme = own.event_schemes.get(number)
    if scheme is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    own.event_schemes.put([msgspec.structs.replace(scheme, report=bool(report))])


def _change_state(own: Concentrator, parameter: Variant) -> None:
    number, state = _pair(parameter, _U8, _ENUM)
    task = own.tasks.get(number)
    if task is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    if state not in set(TaskState):
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    own.tasks.put([msgspec.structs.replace(task, state=state)])


def _table(name: str, shape: type[Shape]) -> dict[tuple[int, int], _Run]:
    """Adding, deleting and clearing of what is told apart by a number."""
    methods = acquisition.METHODS[shape]

    def put(own: Concentrator, parameter: Variant) -> None:
        table = getattr(own, name)
        table.put([table.shape.of(one) for one in _array(parameter)])

    return {
        (methods.oi, methods.add): put,
        (methods.oi, methods.delete): lambda own, parameter: getattr(own, name).delete(_numbers(parameter)),
        (methods.oi, methods.clear): lambda own, _: getattr(own, name).clear(),
    }


_METHODS: Final[Mapping[tuple[int, int], _Run]] = {
    (acquisition.ARCHIVE, 127): lambda own, data: own.archive.put(*map(Archived.of, _array(data))),
    (acquisition.ARCHIVE, 128): lambda own, data: own.archive.put(*map(Archived.of, _array(data))),
    (acquisition.ARCHIVE, 129): lambda own, data: own.archive.change(NewBasic.of(data)),
    (acquisition.ARCHIVE, 130): lambda own, data: own.archive.change(NewExtended.of(data)),
    (acquisition.ARCHIVE, 131): lambda own, data: _some(sum(map(own.archive.delete_number, _numbers(data)))),
    (acquisition.ARCHIVE, 132): lambda own, data: _some(own.archive.delete_basic(Basic.of(data))),
    (acquisition.ARCHIVE, 133): _delete_address,
    (acquisition.ARCHIVE, 134): lambda own, _: own.archive.clear(),
    (acquisition.SEARCH, 127): lambda own, _: own.search(),
    (acquisition.SEARCH, 128): lambda own, _: own.search_cleared(),
    **_table("tasks", acquisition.Task),
    (acquisition.TASKS, 130): _change_state,
    **_table("schemes", acquisition.Scheme),
    (acquisition.SCHEMES, 130): _change_columns,
    **_table("event_schemes", acquisition.EventScheme),
    (acquisition.EVENT_SCHEMES, 130): _change_reporting,
    **_table("transparent_schemes", acquisition.TransparentScheme),
    **_table("report_schemes", acquisition.ReportScheme),
}
