"""Every request of the vectors gets the answer of a checked-in table from each profile."""

import json

import pytest

from meterwire.protocols.dlt645.explain import data_text
from meterwire.protocols.dlt645.frame import Frame
from meterwire.protocols.wire.codec import codec
from tests.golden.dlt645_answers import PROFILES, TABLE, answers, requests

GOLDEN = json.loads(TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("profile", PROFILES)
def test_the_answers_are_those_of_the_table(profile):
    """A change of any octet that a head-end would see is seen here first; the script beside the table writes it anew."""
    assert answers(profile) == GOLDEN[profile]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_answers_say_what_they_should(profile):
    """Data of the item asked for, or an error word; silence to what is for all, and to what the edition ignores."""
    for name, edition, octets in requests():
        asked = codec(Frame).parse(octets.lstrip(b"\xfe"))
        given = [codec(Frame).parse(bytes.fromhex(text).lstrip(b"\xfe")) for text in GOLDEN[profile][name]]
        if asked.control.function == 0x08:
            assert given == [], name
            continue
        (answer,) = given
        assert (answer.control.direction, answer.control.function) == (1, asked.control.function), name
        if answer.control.abnormal:
            assert len(answer.data) == 1, name
        elif edition == 2007 and asked.control.function == 0x11:
            assert answer.data[:4] == asked.data[:4], name
            di = int.from_bytes(answer.data[:4], "little")
            assert "not as declared" not in data_text(di, answer.data[4:]), name


def test_the_table_has_every_request_and_both_kinds_of_answers():
    """Nothing is left out, and it is not all refusals."""
    names = {name for name, _, _ in requests()}
    assert len(names) > 20
    for profile in PROFILES:
        assert set(GOLDEN[profile]) == names
        refused = [name for name, given in GOLDEN[profile].items() if given and len(given[0]) == 2 * (4 + 13)]
        assert 0 < len(refused) < len(names) / 2
