"""Invariant: arbitrary octets are Data, or a MalformedError; what is accepted is built again and reads back the same.

Its value is told to people without an exception, and as columns it has the values that the reader of single values
finds in it.
"""

from datetime import UTC

from fuzz.vectors import seeds
from meterwire.errors import MalformedError
from meterwire.protocols.dlms.data import DATA, elements, number
from meterwire.protocols.dlms.interpret import scaler_unit, value_of
from meterwire.protocols.dlms.items import item
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.columns import columns, columns_of

NAME = "dlms_data"
CODEC = codec(DATA)
ITEMS = [item(name) for name in ("1/1-0:1.8.0/2", "date_time", "date", "meter_number")]
SEEDS = seeds("dlms", lambda v: v["layer"] == "axdr") + [
    bytes.fromhex(text)
    for text in (
        "020403010409a5800c02c3a40a0141",
        "130202121106000101000202",
        "130100020f0401ff02fe",
        "02020fff161e",
        "090c07ea01010400000000fe2000",
        "01030202060000000112000502020600000002120006020206000000031200ff",
        "01020203090c07ea01010400000000fe20000600000001110102030006000000021102",
        "010202040902aabb0c02c3a4030100020409020000" + "0c02ffff030000",
        "173fc00000",
        "187ff0000000000000",
        "02020fff187ff0000000000000",
        "1301200200020f0401ff02fe",
        "ff",
    )
]


def target(data: bytes) -> None:
    """Read, build again, tell; and read as columns."""
    try:
        value = CODEC.parse(data)
    except MalformedError:
        value = None
    if value is not None:
        again = CODEC.build(value)
        assert repr(CODEC.parse(again)) == repr(value), "built again it says something else"
        _tell(value)
    _tabulate(data, value)


def _tell(value: object) -> None:
    elements(value)
    number(value)
    for one in ITEMS:
        try:
            value_of(value, one, UTC)
        except MalformedError:
            continue
    try:
        scaler_unit(value)
    except MalformedError:
        return


def _tabulate(data: bytes, value: object) -> None:
    try:
        found = columns(CODEC, data)
    except MalformedError:
        return
    assert value is not None, "columns of what is no Data"
    assert repr(found.tolist()) == repr(columns_of(CODEC, value).tolist()), "columns with other values"
