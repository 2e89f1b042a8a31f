"""Invariant: whatever a client of DLMS/COSEM sends, the meter answers with whole wrapped APDUs, or not at all.

No exception leaves it, each answer is an APDU that a client can read and no longer than was agreed, and there are never
more answers than requests, but for the blocks of a window. The octets are sent as they are, and once more as the APDU
of a wrapper before and after associating, so that the services are reached.
"""

from fuzz.vectors import seeds
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms import association
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.wire.codec import codec

NAME = "dlms_face"
_WRAPPER, _APDU = codec(Wrapper), codec(APDU)
_LARGEST = 200
SEEDS = seeds("dlms", lambda v: v["layer"] in ("acse", "apdu", "wrapper")) + [
    bytes.fromhex(text)
    for text in (
        "c001c100030100010800ff0200",
        "c001c1000f0000280000ff0200",
        "c001c1000f0000280000ff0500",
        "c001c100080000010000ff0200",
        "c003c10300030100010800ff020000030100010800ff030000040100010600ff0500",
        "c001c1000701006301 00ff02010102040600000001060000000012000112 0000".replace(" ", ""),
        "c002c100000001",
        "c101c100080000010000ff020000",
        "c301c100460000600300ff010101",
        "c102c1000100006001 01ff0200000000000104 09034142".replace(" ", ""),
        "c103c1010000000201 43".replace(" ", ""),
        "c104c10100010000600101ff020001 0903414243".replace(" ", ""),
        "c301c1000700016301 04ff0201 0f00".replace(" ", ""),
        "c304c100080000010000ff0600000000010310000a",
        "c302c100000001",
        "d94000000100020100080000010000ff020200010000600101ff0202000903414243",
        "e0c1000100000dc001c1000f0000280000ff0200",
        "e081000100000d" + "c001c1000f0000280000ff0200",
        "e03f00010001 00".replace(" ", ""),
        "050102fa08",
        "050202fa0002fa08",
        "050104fa08010000",
        "05010500 01".replace(" ", ""),
        "06010201080109034142 43".replace(" ", ""),
        "0601070000 010109 03010208".replace(" ", ""),
        "160102010801090141",
        "100000000100",
        "6203800100",
        "6200",
    )
]
FACE = FaceDlms(Meter())


def wrapped(apdu: bytes, client: int) -> bytes:
    """A request of a client."""
    return _WRAPPER.build(Wrapper(client, 1, apdu[:0xFFFF]))


def target(data: bytes) -> None:
    """One connection: the octets; the octets as an APDU; the same twice within an association."""
    connection = FACE.connect()
    answers = connection.receive(data, 0.0) + connection.idle(0.0)
    answers += _only(connection.receive(wrapped(data, 16), 0.0))
    associate = association.request(AuthenticationMechanism.NONE, b"", _LARGEST)
    (answer,) = connection.receive(wrapped(associate, 16), 0.0)
    answers.append(answer)
    for request in (data, data, bytes.fromhex("c002c100000001")):
        own = _only(connection.receive(wrapped(request, 16), 0.0))
        if not request.startswith(b"\x60"):
            assert all(len(answer.octets) <= _LARGEST + 8 for answer in own), "an answer longer than was agreed"
        answers += own
    for answer in answers:
        message = _WRAPPER.parse(answer.octets)
        assert message.source == 1, "an answer of somebody else"
        _APDU.parse(message.apdu)


def _only(answers: list) -> list:
    assert len(answers) <= 1 or all(answer.octets[8] == 0xE0 for answer in answers), "one request, several answers"
    assert len(answers) <= 63
    return answers
