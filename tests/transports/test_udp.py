"""DLMS/COSEM in datagrams, over IPv4 and IPv6: read, served, and lost datagrams asked for again."""

import pytest

import meterwire
from meterwire.emulate import emulated
from meterwire.errors import NoAnswer
from meterwire.meter_model.device import Device
from meterwire.transports.filtering import Filter


@pytest.fixture(scope="module", params=["127.0.0.1", "[::1]"])
def url(request):
    listen = [f"dlms+udp://{request.param}:0"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as meter:
        yield meter.url("dlms") + "?timeout=0.3"


class Losing(Filter):
    """Loses some of what is sent, by number."""

    def __init__(self, *lost):
        self.lost, self.count = lost, 0

    def sent(self, now, octets):
        self.count += 1
        return [] if self.count in self.lost else [(now, octets)]


def test_read(url):
    """Protects the wrapper over UDP: the object list in blocks, and values."""
    with meterwire.connect(url) as meter:
        assert str(meter.read("active_energy_import").value) == "3493.43"
        assert len(meter.objects()) > 200


async def test_read_async(url):
    async with meterwire.aconnect(url) as meter:
        assert str((await meter.read("active_energy_import")).value) == "3493.43"


def test_lost_datagrams_are_asked_for_again(url):
    """Protects reads from the loss of any one datagram, and from believing in one that never came."""
    for lost in (1, 2, 3):
        with meterwire.connect(url, filters=[Losing(lost)]) as meter:
            assert str(meter.read("voltage_a").value) == "219.9"
    with meterwire.connect(url, filters=[Losing(*range(2, 30))]) as meter:
        meter.associate()
        with pytest.raises(NoAnswer, match="3 tries"):
            meter.read("voltage_a")
