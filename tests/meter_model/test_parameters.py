"""Parameters: every row of the table can be set within its limits, and nothing beyond them."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author, Change, Parameters, checked, parameters

TABLE = parameters()
GOOD = {
    "date_time": dt.datetime(2026, 5, 1, 2, 30),
    "time_of_day": 330,
    "moment_of_year": (2, 29, 23, 59),
    "moment_of_month": (28, 23),
    "seasons": ((1, 1, 1), (7, 15, 8)),
    "slots": ((0, 4), (480, 2)),
    "holiday": (dt.date(2026, 10, 1), 2),
    "baud": 9600,
}
BAD = {
    "number": [True, 1.5, "1", None, Decimal("NaN"), Decimal("1E9"), -1],
    "flags": [-1, 1 << 64, True, "1"],
    "digits": ["", "A" * 12, "1" * 13, 1, None],
    "text": ["x" * 33, "\n", "é", 1],
    "baud": [0, 300, 38400, True],
    "date_time": [dt.date(2026, 1, 1), dt.datetime(1999, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 5],
    "time_of_day": [1440, -1, None],
    "moment_of_year": [(13, 1, 0, 0), (2, 30, 0, 0), (1, 1, 24, 0), (1, 1), None],
    "moment_of_month": [(29, 0), (0, 0), (1, 24), 5],
    "seasons": [((2, 30, 1),), ((1, 1, 9),), ((1, 1, 1),) * 15, ((1, 1),), None],
    "slots": [((1440, 1),), ((0, 0),), ((0, 64),), ((0, 1),) * 15],
    "holiday": [(dt.datetime(2026, 1, 1), 1), (dt.date(2026, 1, 1), 0), 3],
}


def good(parameter):
    if parameter.kind == "number":
        return parameter.high
    if parameter.kind == "flags":
        return (1 << int(parameter.low)) - 1
    if parameter.kind in {"digits", "text"}:
        return "7" * int(parameter.low)
    return GOOD[parameter.kind]


def test_every_parameter_takes_its_largest_value_and_gives_it_back_also_through_a_saved_state():
    """No row is forgotten, and what is stored is plain JSON."""
    first, second = Parameters(), Parameters()
    for name, parameter in TABLE.items():
        first.set(name, good(parameter))
        assert first[name] == good(parameter), name
    second.restore(json.loads(json.dumps(first.state())))
    assert all(second[name] == first[name] for name in TABLE)
    assert len(TABLE) > 1000


def test_every_default_is_a_value_of_its_kind():
    """A meter starts with nothing that could not be written to it."""
    meter = Meter()
    missing = []
    for name in TABLE:
        value = meter.parameters[name]
        if value is None and TABLE[name].kind in {"number", "flags", "digits", "baud", "time_of_day"}:
            missing.append(name)
        elif value is not None:
            assert checked(name, value) == value, name
    assert missing == []


@pytest.mark.parametrize("kind", BAD)
def test_values_that_are_none_of_the_kind_are_refused_and_change_nothing(kind):
    """Whatever a dialect hands over."""
    name = next(name for name, row in TABLE.items() if row.kind == kind)
    held = Parameters()
    before = held[name]
    for value in BAD[kind]:
        with pytest.raises(LocalProtocolError, match=name):
            held.set(name, value)
    assert held[name] == before


def test_watchers_are_told_who_wrote_what_even_where_nothing_changes():
    """The programming record is made from this."""
    held, seen = Parameters({"trip_delay": 3}), []
    held.watch(seen.append)
    by = Author("00000007", "04001401")
    held.set("trip_delay", 3, by)
    held.set("trip_delay", 4)
    assert seen == [Change("trip_delay", 3, 3, by), Change("trip_delay", 3, 4, None)]


def test_an_unknown_name_is_the_callers_fault():
    """Reading as well as writing."""
    for use in (lambda: Parameters()["nothing"], lambda: Parameters().set("rate_price_1_64", 1)):
        with pytest.raises(LocalProtocolError, match="no parameter"):
            use()
    assert "rate_price_1_63" in Parameters()
    assert "rate_price_1_64" not in Parameters()


def test_names_of_the_meter_change_its_identity_and_are_recorded():
    """All faces show the new address at once."""
    meter = Meter()
    meter.parameters.set("address", "202603040017", Author("00000001", "04000401"))
    meter.parameters.set("asset_number", "X7")
    assert (meter.identity.address, meter.read("address"), meter.read("asset_number")) == (
        "202603040017",
        "202603040017",
        "X7",
    )
    assert meter.identity.number == "000000000161"
    assert [(one.operator, one.item) for one in meter.programming.last()] == [("00000001", "04000401")]
    assert meter.events.counts["programming"] == 2


def test_numbers_that_are_quantities_read_as_written():
    """The parameter is the quantity."""
    meter = Meter()
    assert meter.read("pulse_width") == 80
    meter.parameters.set("pulse_width", 120)
    assert meter.read("pulse_width") == 120


def test_the_combination_words_recombine_the_energies():
    """Forward minus reverse instead of their sum, from the next reading on."""
    meter = Meter()
    forward, reverse = meter.read("active_energy_import"), meter.read("active_energy_export")
    assert meter.read("active_energy_combined") == forward + reverse
    meter.parameters.set("active_combination", 0b1001)
    assert meter.read("active_energy_combined") == forward - reverse


def test_what_faces_have_made_of_readings_is_gone_as_soon_as_readings_may_differ():
    """A written parameter, time, a load, an event: none of them may leave an old value to be shown."""
    meter = Meter()
    operator = Author("00000001", "04000306")
    changes = [
        lambda: meter.parameters.set("current_transformer_ratio", Decimal(20), operator),
        lambda: meter.parameters.set("current_transformer_ratio", Decimal(40), operator),
        lambda: meter.parameters.set("rate_count", Decimal(3)),
        lambda: meter.clock.step(1),
        lambda: meter.set_clock(dt.datetime(2027, 1, 1)),
        lambda: meter.cut_phase("a"),
        lambda: meter.note_event("button"),
        meter.clear_demand,
        meter.clear,
    ]
    for change in changes:
        meter.read("active_energy_import")
        meter.shown["what a face made"] = 1
        change()
        meter.advance()
        assert not meter.shown
