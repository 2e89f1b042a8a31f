"""Asking the meter behind DL/T 645 by hand: requests as octets, answers as frames."""

import datetime as dt

from meterwire.meter_model.clock import VirtualClock
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt645.frame import Frame, asking
from meterwire.protocols.dlt645.messages import Password
from meterwire.protocols.wire.codec import codec

NOON = dt.datetime(2026, 3, 4, 12, 0, 30)
ADDRESS = "000000000161"
OPERATOR = bytes.fromhex("78563412")
SECRETS = Secrets(dlt645_passwords={"02": "222222", "04": "444444"})
HIGH, LOW = codec(Password).build(Password(2, "222222")), codec(Password).build(Password(4, "444444"))
WRONG = codec(Password).build(Password(4, "999999"))


def new_face(*, programming: bool = True, **more) -> Face645:
    """A meter with passwords of its own, whose programming switch is on."""
    meter = Meter(identity=Identity(secrets=SECRETS), clock=VirtualClock(NOON, frozen=True), **more)
    meter.access.programming = programming
    return Face645(meter)


def sent(face: Face645, function: int, data: bytes = b"", address: str = ADDRESS):
    """The answers of a new connection."""
    return face.connect().receive(codec(Frame).build(Frame(address, asking(function), data)), 0.0)


def asked(face: Face645, function: int, data: bytes = b"", address: str = ADDRESS) -> Frame:
    """The one frame that answers."""
    (answer,) = sent(face, function, data, address)
    return codec(Frame).parse(answer.octets.lstrip(b"\xfe"))


def done(face: Face645, function: int, data: bytes = b"", address: str = ADDRESS) -> bytes:
    """The data field of a normal answer."""
    frame = asked(face, function, data, address)
    assert (frame.control.direction, frame.control.abnormal, frame.control.function) == (1, 0, function), frame
    return frame.data


def refused(face: Face645, function: int, data: bytes = b"") -> str:
    """The data field of an abnormal answer, in hexadecimal digits."""
    frame = asked(face, function, data)
    assert (frame.control.direction, frame.control.abnormal, frame.control.function) == (1, 1, function), frame
    return frame.data.hex()


def di(text: str) -> bytes:
    """A data identifier as it is sent."""
    return bytes.fromhex(text)[::-1]


def writing(item: str, data: str, password: bytes = LOW) -> bytes:
    """The data field of 14H; the data as sent."""
    return di(item) + password + OPERATOR + bytes.fromhex(data)


def read(face: Face645, item: str) -> str:
    """The data of an item, in hexadecimal digits as sent."""
    return done(face, 0x11, di(item))[4:].hex()


OTHER, NO_DATA, UNAUTHORISED, BAUD, ZONES, SLOTS, RATES = "01", "02", "04", "08", "10", "20", "40"
