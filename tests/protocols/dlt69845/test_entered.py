"""Values as people write them: by the type of the table, or with their type in front."""

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.assignments import assignment, invocation
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.entered import entered
from meterwire.protocols.wire.codec import codec


@pytest.mark.parametrize(
    ("text", "data_type", "exponent", "octets"),
    [
        ("5", "unsigned", 0, "1105"),
        ("220.5", "long-unsigned", -1, "12089D"),
        ("long-unsigned:2205", "unsigned", -1, "12089D"),
        ("-1", "integer", 0, "0FFF"),
        ("1E3", "double-long", 0, "05000003E8"),
        ("true", "bool", 0, "0301"),
        ("0101", "bit-string(8)", 0, "040450"),
        ("0A0B", "octet-string(6)", 0, "09020A0B"),
        ("text, with: colon", "visible-string", 0, "0A11" + b"text, with: colon".hex().upper()),
        ("2026-01-31T12:30:05", "date_time_s", 0, "1C07EA011F0C1E05"),
        ("2026-01-31T12:30:05", "date_time", 0, "1907EA011F060C1E050000"),
        ("2026-01-31", "date", 0, "1A07EA011F06"),
        ("12:30:05", "time", 0, "1B0C1E05"),
        ("15 minute", "TI", 0, "5401000F"),
        ("3011", "OI", 0, "503011"),
        ("00100200", "OAD", 0, "5100100200"),
        ("80008100", "OMD", 0, "5380008100"),
        ("50040200(00100200)", "ROAD", 0, "52500402000100100200"),
        ("000000000161", "TSA", 0, "550705000000000161"),
        ("NULL", "NULL", 0, "00"),
        ("{1, 00100200, 7}", "structure{long-unsigned,OAD,long-unsigned}", 0, "02031200015100100200120007"),
        ("[{1,true},{2,false}]", "array<structure{unsigned,bool}>", 0, "0102" + "020211010301" + "020211020300"),
        ("[]", "array<OAD>", 0, "0100"),
        ("{unsigned:1, array:[OI:3011]}", "", 0, "020211010101503011"),
        ("float32:1.5", "any", 0, "173FC00000"),
    ],
)
def test_what_is_entered(text, data_type, exponent, octets):
    """Each type has its text; nested lists take the types of their members, and a type in front is raw."""
    assert codec(DATA, 2021).build(entered(text, data_type, exponent)).hex().upper() == octets


@pytest.mark.parametrize(
    ("text", "data_type", "reason"),
    [
        ("5", "", "write it in front"),
        ("300", "unsigned", "does not fit"),
        ("1.5", "unsigned", "steps of"),
        ("NaN", "unsigned", "does not fit"),
        ("five", "unsigned", "number is needed"),
        ("2026-13-01", "date", "is no date"),
        ("maybe", "bool", "is no bool"),
        ("0G", "octet-string", "is no octet-string"),
        ("{1}", "structure{unsigned,unsigned}", "1 members"),
        ("1", "array<unsigned>", "is no array"),
        ("x", "Region", "cannot be written as text"),
        ("x", "nonsense", "there is no type"),
        ("{" * 40 + "}" * 40, "", "nested too deeply"),
        ("00100200", "ROAD", "is no ROAD"),
    ],
)
def test_what_cannot_be_entered_is_told(text, data_type, reason):
    """A text that is no value is refused in words, whatever is wrong with it."""
    with pytest.raises(LocalProtocolError, match=reason):
        entered(text, data_type)


def test_names_are_looked_up():
    """An item is a quantity or an OAD, with its scale; a method is an OMD, or an object with the method's name."""
    assert assignment("active_energy_import", "1.25").value.value == 125
    assert assignment("40000200", "2026-01-01T00:00:00").value.tag == 28
    assert str(invocation("8000.trip", "[{F2050201,0,0,false}]").omd) == "80008100"
    assert invocation("43000100", "").parameters.tag == 15
    assert invocation("4300.initialise-data", "").parameters.tag == 0
    for wrong in ("8000.fly", "80.trip", "ZZZZ.trip", "800081"):
        with pytest.raises(LocalProtocolError):
            invocation(wrong, "")
