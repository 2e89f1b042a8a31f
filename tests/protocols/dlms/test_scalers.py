"""Scaler and unit as meters send them: whole numbers of any type, and nothing else."""

import pytest

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.data import DATA, integer
from meterwire.protocols.dlms.interpret import scaler_unit
from meterwire.protocols.wire.codec import codec


def data(text):
    return codec(DATA).parse(bytes.fromhex(text))


@pytest.mark.parametrize("text", ["02020fff161e", "020210ffff11" + "1e", "020217bf800000161e"])
def test_whole_numbers_of_any_type_are_read(text):
    """Protects reading meters that choose odd types: integer, long and even float scalers."""
    assert scaler_unit(data(text)) == (scaler_unit(data("02020fff161e")))


@pytest.mark.parametrize(
    "text",
    [
        "02020fff187ff0000000000000",  # unit is infinity
        "0202187ff8000000000000161e",  # scaler is no number
        "0202187fefffffffffffff161e",  # scaler has 309 digits
        "02020fff09" + "00",
        "02010fff",
        "0600000001",
    ],
)
def test_what_is_no_scaler_and_unit_is_malformed(text):
    """Protects clients from meters that send infinity, NaN or nonsense: the documented error, no other."""
    with pytest.raises(MalformedError):
        scaler_unit(data(text))


def test_a_whole_number_is_one():
    """Protects the one rule: finite, whole, and of a size that a type could carry."""
    assert integer(data("11ff")) == 255
    assert integer(data("173fc00000")) is None
    assert integer(data("187ff0000000000000")) is None
    assert integer(data("0900")) is None
