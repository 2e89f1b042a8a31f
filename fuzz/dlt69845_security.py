"""Invariant: nobody without the keys is served under protection, and no client takes an answer that he cannot check.

The octets come as protected requests to a meter with a session: they are refused, or get an ERROR-Response, or no
answer; they come as APDUs in the clear, which are refused but for CONNECT; and they come as answers to a protected
request of a client, which end in a documented error. No other exception leaves either side.
"""

import random

from fuzz.vectors import seeds
from meterwire.errors import MalformedError, SecurityError
from meterwire.meter_model.esam69845 import CipherMachine69845Double
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.meter_model.faces.dlt69845.services import respond
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.security import Shield, unwrapped
from meterwire.protocols.dlt69845.services.connect import Mechanism, ServerErrorResponse
from meterwire.protocols.dlt69845.services.security import RefusedContent, SecurityResponse
from meterwire.protocols.wire.codec import codec

NAME = "dlt69845_security"
_APDU = codec(Apdu, 2021)
MASTER = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
NUMBER = "000000000161"
READ = bytes.fromhex("0501014001020000")
METER = Meter()
MACHINE = CipherMachine69845Double(MASTER, random.Random(1).randbytes)


def _connected() -> Context:
    context = Context(METER, 2021)
    MACHINE.opened(context.element.open(MACHINE.open(NUMBER, Mechanism.SYMMETRY)))
    context.mechanism, context.connected = Mechanism.SYMMETRY, context.now()
    return context


_FRAMES = seeds("dlt69845", lambda v: v["kind"] == "frame" and v["name"].startswith("SECURITY"))
SEEDS = [
    *seeds("dlt69845", lambda v: v["kind"] == "apdu" and "security" in v["name"]),
    *(
        _APDU.build(Apdu.of(CipherMachine69845Double(MASTER, random.Random(2).randbytes).protect(NUMBER, READ, shield)))
        for shield in (Shield.PLAIN_RANDOM,)
    ),
    bytes.fromhex("1000080501014001020000008501020306123456789012041234567800"),
    bytes.fromhex("10010501020304050204010203040412345678"),
    bytes.fromhex("10000405010140030000000100"),
    bytes.fromhex("900105010203040501000412345678"),
    bytes.fromhex("900214"),
    READ,
    bytes.fromhex("030100"),
]
CONTEXT = _connected()


def target(data: bytes) -> None:
    """A request to the meter, protected or not, and an answer to the client."""
    if data[:1] != b"\x02":
        answer = respond(CONTEXT, data)
        if answer is not None:
            body = _APDU.parse(answer).body
            refused = isinstance(body, SecurityResponse) and isinstance(body.content, RefusedContent)
            random_read = data[:2] == b"\x10\x00" and isinstance(body, SecurityResponse)
            assert refused or random_read or isinstance(body, ServerErrorResponse), "served without protection"
    MACHINE.protect(NUMBER, READ, Shield.CIPHER_MAC)
    try:
        body = _APDU.parse(data).body
        inside = unwrapped(MACHINE, body, Shield.CIPHER_MAC) if isinstance(body, SecurityResponse) else None
    except (MalformedError, SecurityError):
        return
    assert inside is None, "an answer of nobody was taken"
