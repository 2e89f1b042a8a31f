"""The table of objects as data, and tables of provinces and makers that are put on top of it."""

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.object_table import ObjectTable
from meterwire.protocols.dlt69845.objects import describe_oad, describe_omd, object_of, objects, using

PROVINCE = """oi,kind,number,name,name_zh,class_id,type,scale,unit
E001,,,transformer oil temperature,油温,6,long,-1,degC
0010,,,energy of the province,,1,array<double-long-unsigned>,-3,kWh
E001,attribute,5,limit,,,long,,
E001,method,127,calibrate,,,structure{long},,
"""


def test_every_row_of_the_standard_is_usable():
    """698 objects, every one with a name, a class that has a name, and members that have numbers."""
    table = ObjectTable.standard()
    assert len(objects()) == len(table.objects()) == 698
    assert [row.oi for row in table.objects()] == sorted(row.oi for row in table.objects())
    for row in table.objects():
        assert row.name
        assert table.class_name(row.class_id)
        assert table.members_of(row.oi, "attribute")[0].number == 1
        described = describe_oad(row.oi << 16 | 0x0200)
        assert described.startswith(f"{row.oi:04X}0200 {row.name}, attribute 2")
    assert sum(bool(row.name_zh) for row in table.objects()) > 600


def test_classes_1_to_24_have_attributes_and_names():
    """Each class has a name and at least one attribute beside the logical name."""
    table = ObjectTable.standard()
    classes = {row.class_id: row.oi for row in table.objects()}
    for class_id in range(1, 25):
        assert table.class_name(class_id)
        if class_id in classes:
            assert len(table.members_of(classes[class_id], "attribute")) > 1


def test_a_province_adds_and_replaces():
    """A file adds objects, members of one object, and replaces rows; everybody inside `using` sees it, nobody else."""
    table = ObjectTable.standard().extended(PROVINCE)
    assert len(table.objects()) == len(objects()) + (object_of(0xE001) is None)
    assert table.object_of(0xE001).name_zh == "油温"
    assert table.scaler_unit(0xE0010200) == (-1, "degC")
    assert table.scaler_unit(0x00100201) == (-3, "kWh")
    with using(table):
        assert describe_oad(0xE0010500) == "E0010500 transformer oil temperature, attribute 5 (limit)"
        assert describe_omd(0xE0017F00) == "E0017F00 transformer oil temperature, method 127 (calibrate)"
    assert describe_oad(0x00100201).endswith("kWh 10^-2")


def test_types_of_attributes_and_of_their_elements():
    """The type of an attribute comes from the object where its class leaves it open; an index means one element."""
    table = ObjectTable.standard()
    assert table.type_of(0x00100200) == "array<double-long-unsigned>"
    assert table.type_of(0x00100201) == "double-long-unsigned"
    assert table.type_of(0x50040300) == "array<structure{long-unsigned,OAD,long-unsigned}>"
    assert table.type_of(0xFFFF0200) == ""


@pytest.mark.parametrize(
    "text",
    [
        "oi,name\nZZ,nothing\n",
        "name\nno identifier\n",
        "oi,name\n10000,too large\n",
        "oi,name,scale\n0010,energy,many\n",
        "oi,name,kind\n0010,energy,verb\n",
        "oi,kind,name\n0010,method,without a number\n",
    ],
)
def test_what_is_no_table_is_refused(text):
    """A table that cannot be read is refused with its line, never half taken."""
    with pytest.raises(LocalProtocolError, match="line 2"):
        ObjectTable.standard().extended(text)
