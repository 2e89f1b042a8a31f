"""A line to a meter that is a function, and the answers such a function is made of."""

import asyncio

from meterwire.protocols.dlt69845.address import Address
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.link import FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.services.common import PiidAcd
from meterwire.protocols.wire.codec import codec

TRUE = Address("000000000161")
LINK, APDU = codec(Link, 2021), codec(Apdu, 2021)


class Script:
    """A blocking line to a meter that is a function from request to the octets that come back."""

    def __init__(self, answer):
        self.answer, self.time, self.sent, self.waiting = answer, 0.0, [], []

    def now(self):
        return self.time

    def write(self, octets):
        if not octets:
            return  # asks for the time alone
        self.sent.append(octets)
        found = self.answer(octets)
        self.waiting += [found] if isinstance(found, bytes) else list(found)

    def read(self, until):
        if self.waiting:
            self.time += 0.01
            return self.waiting.pop(0)
        self.time = until
        return b""

    def pause(self, until):
        self.time = until

    def reconfigure(self, settings):
        raise AssertionError("nothing to reconfigure")

    def close(self):
        pass


class AsyncScript:
    """The same for asyncio."""

    def __init__(self, answer):
        self._line = Script(answer)

    def now(self):
        return self._line.now()

    async def write(self, octets):
        self._line.write(octets)

    async def read(self, until):
        await asyncio.sleep(0)
        return self._line.read(until)


def asked(octets):
    """Link frame and body of a request."""
    link = LINK.parse(octets.lstrip(b"\xfe"))
    return link, APDU.parse(link.user).body


def reply(link, body, sender=TRUE, **control):
    flag, octets = sender.wire(2021)
    bits = {"direction": 1, "started_by_client": 1} | control
    user = body if isinstance(body, bytes) else APDU.build(Apdu.of(body))
    return LINK.build(Link(FrameLength(), LinkControl(**bits), flag, octets, link.client, user))


def number_of(request):
    return PiidAcd(number=request.piid.number)
