"""Hostile requests: whatever the data field of whatever function, there is an answer or silence, never an exception."""

import random

import pytest

from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD, Frame, asking
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.protocols.wire.codec import codec

from .dialect645 import ADDRESS, HIGH, LOW, OPERATOR, new_face

HEADS = [b"", LOW + OPERATOR, HIGH + OPERATOR, bytes([0x98, 0, 0, 1]) + OPERATOR, bytes([0x99, 0, 0, 0]) + OPERATOR]


def identifiers(chance: random.Random) -> bytes:
    """Near the ones that are: classes and groups that the meter serves."""
    high = chance.choice([0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x1D])
    group = chance.choice([0, 1, 2, 3, 4, 5, 6, 9, 0x0C, 0x11, 0x12, 0x15, 0x30, 0xFF, chance.randrange(256)])
    low = [chance.choice([0, 1, 2, 5, 0x0A, 0x10, 0xFF, chance.randrange(256)]) for _ in range(2)]
    return bytes([*low, group, high])


@pytest.mark.parametrize("edition", [1997, 2007])
def test_ten_thousand_requests_of_chance(edition):
    """Functions, identifiers and passwords are mostly right, so that chance gets behind them."""
    chance = random.Random(edition)
    face = Face645(new_face().meter, edition=edition)
    connection, frame = face.connect(), codec(Frame)
    answered = 0
    for _ in range(10_000):
        function = chance.choice([chance.randrange(32), 0x11, 0x14, 0x12, 0x1C, 0x03])
        data = chance.choice([b"", identifiers(chance)]) + chance.choice(HEADS)
        data += chance.randbytes(chance.choice([0, 0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 20, 40]))
        if chance.random() < 0.1:
            data = data[: chance.randrange(len(data) + 1)]
        address = chance.choice([face.address, WILDCARD, BROADCAST, ADDRESS])
        for answer in connection.receive(frame.build(Frame(address, asking(function), data[:255])), 0.0):
            frame.parse(answer.octets.lstrip(b"\xfe"))
            assert len(answer.octets) <= 4 + 12 + 200
            answered += 1
        face.meter.access.restore(face.meter.access.state() | {"locked_until": None, "failures": 0})
        if chance.random() < 0.01:
            face.meter.clock.step(600)
    assert answered > 1_000


def test_every_identifier_of_the_table_is_answered_with_what_it_declares():
    """Read one by one: data of the declared length, or a refusal."""
    face = new_face()
    wrong = []
    for di3 in range(0x20):
        for di2 in range(0x100):
            if identifier(di3 << 24 | di2 << 16) is None and identifier(di3 << 24 | di2 << 16 | 0x0101) is None:
                continue
            for low in (0x0000, 0x0001, 0x0101, 0x0100, 0x0201, 0x0002, 0xFF00, 0xFF01, 0x00FF):
                di = di3 << 24 | di2 << 16 | low
                if di3 == 0x06:
                    continue
                found, octets = identifier(di), face.octets(di)
                if octets is None or found is None or found.octets is None:
                    continue
                if len(octets) != found.octets:
                    wrong.append((f"{di:08X}", found.octets, len(octets)))
    assert wrong == []
