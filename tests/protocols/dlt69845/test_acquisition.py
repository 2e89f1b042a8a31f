"""Archive, schemes and tasks as classes: downloads as masters send them, and the table of objects says the same."""

import datetime as dt

import msgspec
import pytest

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt69845 import acquisition as a
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.dates import DateTimeS, Interval, IntervalUnit
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.explain import annotator
from meterwire.protocols.dlt69845.link import EDITION
from meterwire.protocols.dlt69845.objects import attribute_of, method_of
from meterwire.protocols.dlt69845.selecting import ALL_METERS, every
from meterwire.protocols.dlt69845.shapes import Shape, type_text
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

ARCHIVE = (
    "070106 60007F00 0204 120001 020A 5507050000000000011603160351F2010201090600000000000011041100160312089812000F"
    "0204 55070500000000000009060000000000001200011200010100 00"
)
TASK = (
    "070137 60127F00 0101 020C 1101 54010005 1601 1101 1C07E10815000000 1C08330909090909 54010002 1102 1601 120000 120000"
    "0202 1600 0101 0204 1100 1100 1117 113B 00"
)
SCHEME = "070136 60147F00 0101 0206 1101 120100 0202 1100 00 0103 5B0000100200 5B0020000200 5B0020010200 5C01 1602 00"
FREEZE_SCHEME = "07013D 60147F00 0101 0206 1101 120100 0202 1101 1101 0101 5B01500402000100100200 5C01 1604 00"
EVENTS = "07012E 60167F00 0101 0205 1101 0202 1100 0101 52 30000600 03 20220200 201E0200 20200200 5C01 0300 120100 00"
"""Downloads in the form in which public master-station tools send them."""


def sent(text):
    """The parameter of an ACTION, after the APDU has been built again to the same octets."""
    octets = bytes.fromhex(text)
    apdu = codec(Apdu, EDITION).parse(octets)
    assert codec(Apdu, EDITION).build(apdu) == octets
    return apdu.body.request.item.parameters


def test_a_meter_of_the_archive():
    """Protects reading of archives as masters send them."""
    unit = a.Archived.of(sent(ARCHIVE))
    assert unit.number == 1
    assert unit.basic == a.Basic(bytes.fromhex("05000000000001"), 3, 3, a.RS485, bytes(6), 4, 0, 3, 2200, 15)
    assert (unit.extended.voltage_ratio, unit.extended.current_ratio) == (1, 1)
    assert unit.annex == ()
    assert unit.data() == sent(ARCHIVE)


def test_a_task_with_either_type_of_priority():
    """Protects masters of both readings of the standard: the priority is an enum, or a number."""
    (data,) = sent(TASK).value
    task = a.Task.of(data)
    assert task.every == Interval(IntervalUnit.MINUTE, 5)
    assert (task.kind, task.scheme, task.priority, task.state) == (1, 1, 2, 1)
    assert task.start == DateTimeS(2017, 8, 21, 0, 0, 0)
    assert task.periods.clocks == (a.Clocks(0, 0, 23, 59),)
    assert a.Task.of(task.data()) == task
    assert task.data().value[7].tag == 22


@pytest.mark.parametrize(
    ("text", "columns", "way"),
    [
        (SCHEME, (Oad.of("00100200"), Oad.of("20000200"), Oad.of("20010200")), a.Way(0, Variant(0, None))),
        (FREEZE_SCHEME, (Road(Oad.of("50040200"), (Oad.of("00100200"),)),), a.Way(1, Variant(17, 1))),
    ],
)
def test_a_normal_scheme(text, columns, way):
    """Protects columns of both kinds, and the ways of collecting."""
    (data,) = sent(text).value
    scheme = a.Scheme.of(data)
    assert scheme.columns == columns
    assert scheme.way == way
    assert scheme.meters == ALL_METERS
    assert scheme.data() == data


def test_an_event_scheme():
    """Protects record tables with their columns inside a parameter."""
    (data,) = sent(EVENTS).value
    scheme = a.EventScheme.of(data)
    assert scheme.way.tables.value[0].value.oad == Oad.of("30000600")
    assert (scheme.report, scheme.depth) == (False, 256)
    assert scheme.data() == data


MADE = [
    a.archived(7, "000000000161"),
    a.scheme(1, ["50020200(00100200)"], a.Collected.BY_INTERVAL, every(15)),
    a.scheme(2, ["50040200(00100200)"], a.Collected.NTH_LAST, 1),
    a.event_scheme(3, ["30110200(20220200)"]),
    a.task(4, 1, every(15), dt.datetime(2026, 1, 1)),
    a.ReportScheme(5, (Oad.of("45000200"),), every(1), 3, a.ReportContent(0, Variant(81, Oad.of("40000200")))),
    a.TransparentScheme(6, (), 8),
    a.Monitored(1, 2, DateTimeS(2026, 1, 1, 0, 0, 0), DateTimeS(2026, 1, 1, 0, 1, 0), 3, 2, 5, 4),
]


@pytest.mark.parametrize("shape", MADE, ids=lambda shape: type(shape).__name__)
def test_what_is_made_comes_back(shape):
    """Protects each class in both directions, and that a missing or another member is an error."""
    data = shape.data()
    assert type(shape).of(data) == shape
    with pytest.raises(MalformedError):
        type(shape).of(Variant(2, data.value[:-1]))
    with pytest.raises(MalformedError):
        type(shape).of(Variant(2, (Variant(3, True), *data.value[1:])))
    with pytest.raises(MalformedError):
        type(shape).of(Variant(17, 1))


def test_a_column_must_be_one():
    """Protects people from schemes that no concentrator understands."""
    with pytest.raises(LocalProtocolError):
        a.scheme(1, ["energy"])


TYPES = [
    (a.ARCHIVE, 2, 128, a.Archived, True),
    (a.ARCHIVE, None, 127, a.Archived, False),
    (a.ARCHIVE, None, 129, a.NewBasic, False),
    (a.ARCHIVE, None, 130, a.NewExtended, False),
    (a.ARCHIVE, None, 132, a.Basic, False),
    (a.SEARCH, 2, None, a.Found, True),
    (a.TASKS, 2, 127, a.Task, True),
    (a.SCHEMES, 2, 127, a.Scheme, True),
    (a.EVENT_SCHEMES, 2, 127, a.EventScheme, True),
    (a.TRANSPARENT_SCHEMES, 2, 127, a.TransparentScheme, True),
    (a.REPORT_SCHEMES, 2, 127, a.ReportScheme, True),
    (a.STATES, 2, None, a.MeterState, True),
    (a.MONITORING, 2, None, a.Monitored, True),
]


@pytest.mark.parametrize(("oi", "attribute", "method", "shape", "several"), TYPES)
def test_the_table_of_objects_says_the_same(oi, attribute, method, shape: type[Shape], several):
    """Protects the one fact in two places: the type in the table is that of the class."""
    text = f"array<{type_text(shape)}>" if several else type_text(shape)
    if attribute is not None:
        assert attribute_of(oi << 16 | attribute << 8).data_type == text
    if method is not None:
        assert method_of(oi << 16 | method << 8).data_type == text


def test_shapes_are_values():
    """Protects comparison and change of what has been entered."""
    unit = a.archived(1, "000000000161")
    assert unit == a.archived(1, "000000000161")
    assert msgspec.structs.replace(unit, number=2) != unit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SCHEME,
            "number 1, depth 256, way (kind 0, parameter NULL), columns [00100200, 20000200, 20010200], meters all",
        ),
        (TASK, "number 1, every 5 minute, kind 1, scheme 1, start 2017-08-21 00:00:00"),
        (ARCHIVE, "number 1, basic (address 05000000000001, baud 3"),
    ],
)
def test_what_a_concentrator_is_told_is_shown_in_words(text, said):
    """Protects people who look at a capture: members of schemes, tasks and meters by name."""
    apdu = codec(Apdu, EDITION).parse(bytes.fromhex(text))
    assert said in annotator(apdu.body.request.item, "parameters", apdu.body.request.item.parameters)
