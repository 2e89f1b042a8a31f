"""Serial ports behind a network, against the server side of pyserial with a pseudo-terminal behind it."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import termios
import threading

import pytest
import serial
from serial import rfc2217

import meterwire
from meterwire.emulate import emulated
from meterwire.errors import LocalProtocolError, TransportError
from meterwire.meter_model.device import Device
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.lines import open_line
from meterwire.transports.rfc2217 import ComPort


class Port(serial.Serial):
    """A pseudo-terminal has no modem lines and no parity."""

    cts = dsr = ri = cd = property(lambda _: False)

    def _reconfigure_port(self, force_update: bool = False) -> None:
        with contextlib.suppress(termios.error):
            super()._reconfigure_port(force_update)


class Server(threading.Thread):
    """One client at a time; keeps the port that it serves."""

    def __init__(self, path: str) -> None:
        super().__init__(daemon=True)
        self.port = Port(path, 1200, timeout=0)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                with connection, contextlib.suppress(OSError):
                    self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        class Side:
            write = staticmethod(connection.sendall)

        manager = rfc2217.PortManager(self.port, Side())
        while True:
            ready, _, _ = select.select([connection, self.port.fileno()], [], [], 5)
            if connection in ready:
                octets = connection.recv(4096)
                if not octets:
                    return
                self.port.write(b"".join(manager.filter(octets)))
            if self.port.fileno() in ready:
                connection.sendall(b"".join(manager.escape(self.port.read(4096))))

    def end(self) -> None:
        self.listening.close()


@pytest.fixture(scope="module")
def server():
    """A meter on a pseudo-terminal that is served to the network."""
    with emulated(Device.of_profile("three-phase"), ["dlt645+pty:"], clock="frozen:2026-01-01T00:00:00") as meter:
        found = Server(Endpoint.parse(meter.emulation.urls[0]).path)
        yield found
        found.end()


ITEMS = ["active_energy_import", "voltage_a", "0001FF00"]


def test_a_meter_behind_a_port_server(server):
    """Speed and format are set there, octets FFH pass, and the reading is that of the meter."""
    with meterwire.connect(f"dlt645+rfc2217://{server.place}?baud=4800", address="000000000161") as meter:
        readings = meter.read_many(ITEMS)
    assert all(one.error is None for one in readings)
    assert readings[1].unit == "V"
    assert (server.port.baudrate, server.port.parity, server.port.bytesize) == (4800, "E", 8)


async def test_the_same_for_asyncio(server):
    """And the same values."""
    with meterwire.connect(f"dlt645+rfc2217://{server.place}", address="000000000161") as meter:
        wanted = [one.value for one in meter.read_many(ITEMS)]
    async with meterwire.aconnect(f"dlt645+rfc2217://{server.place}?baud=9600", address="000000000161") as meter:
        assert [one.value for one in await meter.read_many(ITEMS)] == wanted
        await meter.line.reconfigure(LineSettings(19200, 8, "N", 1))
        assert (server.port.baudrate, server.port.parity) == (19200, "N")


def test_a_scan_sets_the_speed_over_the_network(server):
    """As on a port of our own."""
    (found,) = meterwire.scan(f"dlt645+rfc2217://{server.place}?timeout=0.3&edition=2007")
    assert found.address == "000000000161"
    assert found.url.startswith(f"dlt645+rfc2217://{server.place}?")
    assert "baud=" in found.url


def test_a_server_that_speaks_something_else(monkeypatch):
    """A plain TCP bridge is told of; the connection is given back."""
    monkeypatch.setattr("meterwire.transports.rfc2217.ANSWER", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with pytest.raises(TransportError, match="does not speak RFC 2217"):
            open_line(f"dlt645+rfc2217://127.0.0.1:{mute.getsockname()[1]}")
        connection, _ = mute.accept()
        connection.recv(100)
        assert connection.recv(100) == b""
        connection.close()


def test_a_port_that_does_other_settings():
    """An error that says so, as on a port of our own."""
    port, settings = ComPort("there:1"), LineSettings(2400, 8, "E", 1)
    steps = port.opening(settings)
    next(steps)
    steps.send((0.0, b""))
    steps.send((0.1, bytes.fromhex("FFFD2C FFFB2C FFFB00")))
    steps.send((0.1, b""))
    told = [(101, b"\x00\x00\x12\xc0"), (102, b"\x08"), (103, b"\x03"), (104, b"\x01")]
    octets = b"".join(b"\xff\xfa\x2c" + bytes([what]) + value + b"\xff\xf0" for what, value in told)
    steps.send((0.1, b""))
    with pytest.raises(TransportError, match="the port does others"):
        steps.send((0.2, octets))


def test_any_octets_are_met(server):
    """Hostile servers: nothing is raised, what is kept is bounded, data come through however they are cut."""
    chance = random.Random(2217)
    for _ in range(300):
        port = ComPort("there:1")
        octets = chance.randbytes(60).replace(b"A", b"\xff\xfa") + b"\xff\xf0" * chance.randrange(2)
        for octet in octets:
            _, replies = port.received(bytes([octet]))
            assert len(replies) <= 3
    port = ComPort("there:1")
    port.received(b"\xff\xfa" + bytes(100_000))
    assert len(port._block) <= 256
    data = chance.randbytes(2000) + b"\xff\xff"
    port, came = ComPort("there:1"), b""
    for octet in port.sent(data):
        came += port.received(bytes([octet]))[0]
    assert came == data


def test_what_such_a_line_is_not_for():
    """Serving, and the wrapper of DLMS."""
    with pytest.raises(LocalProtocolError, match="use dlms-hdlc"):
        Endpoint.parse("dlms+rfc2217://there:1")
    with (
        pytest.raises(LocalProtocolError, match="for reading"),
        emulated(Device.of_profile("three-phase"), ["dlt645+rfc2217://127.0.0.1:0"]),
    ):
        pass
