"""Invariant: who holds the keys can do no more harm than who does not, in either role.

The octets come as a ciphered APDU, and once more sealed under the right keys as if they were a plain one. The meter
answers with an APDU that opens under the keys of the client, with an exception, or not at all; a client gets the plain
octets or a documented error. Neither ever gives out what does not verify.
"""

from fuzz.vectors import seeds
from meterwire.errors import MeterwireError, SecurityError
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.handshake import Handshake
from meterwire.protocols.dlms.security.ciphering import Ciphering, Level
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.wire.codec import codec

NAME = "dlms_ciphered"
_LARGEST = 1000
_CLIENT = 16
_FULL = Level(AUTHENTICATED | ENCRYPTED, AUTHENTICATED | ENCRYPTED)
_CLEAR = frozenset({ApduTag.EXCEPTION_RESPONSE, ApduTag.AARE, ApduTag.RLRE, ApduTag.GENERAL_BLOCK_TRANSFER})
_SECRETS = Secrets(dlms_suite=1)
_KEYS = Keys(_SECRETS.unicast_key, _SECRETS.authentication_key, master=_SECRETS.master_key)
_TITLE = b"MMM\0\0\0\0\1"
FACE = FaceDlms(Meter(identity=Identity(secrets=_SECRETS)), random=lambda size: b"\5" * size)
SEEDS = seeds("dlms", lambda v: v["layer"] in ("acse", "apdu")) + [
    bytes.fromhex(text)
    for text in (
        "c001c100080000010000ff0200",
        "c001c100400000 2b0000ff0200".replace(" ", ""),
        "c301c100400000 2b0000ff0201010102020203160009 18".replace(" ", "") + "00" * 24,
        "c301c1000f0000280000ff01010910" + "00" * 16,
        "c401c1000910" + "00" * 16,
        "d80106000000ff",
        "db084d4d4d0000000001" + "1e31000000ff" + "00" * 25,
        "dd080000000000000001084d4d4d0000000001084d5752000000016100000100001e31000000ff" + "00" * 25,
        "dd080000000000000001084d4d4d0000000001084d575200000001610000010100181f"
        + "00" * 23
        + "1e31000000ff"
        + "00" * 25,
        "df080000000000000001084d4d4d0000000001084d5752000000016100000dc001c100080000010000ff020040" + "00" * 64,
    )
]


class _Client:
    """A client with the keys, associated with the meter by hand."""

    def __init__(self) -> None:
        self.server = FACE.connect()
        self.ciphering: Ciphering | None = None
        self._theirs: object = None

    def ask(self, apdu: bytes) -> bytes | None:
        """What the meter answers."""
        from meterwire.protocols.dlms.wrapper import Wrapper

        wrapper = codec(Wrapper)
        answers = self.server.receive(wrapper.build(Wrapper(_CLIENT, 1, apdu)), 0.0)
        return wrapper.parse(answers[0].octets).apdu if answers else None

    def associated(self) -> Ciphering:
        """The protection of an association that is open now."""
        if self.ciphering is None or self._protection() is not self._theirs:  # an AARQ ends what there was
            greatest = FACE.guard.security.greatest if FACE.guard is not None else 0
            security = Security(
                mechanism=AuthenticationMechanism.NONE,  # a secret could be changed by what is fuzzed
                title=_TITLE,
                suite=1,
                keys=_KEYS,
                level=_FULL,
                sending=SendingCounter(greatest + 1),
                random=lambda size: b"\6" * size,
            )
            handshake = Handshake(security, 0xFFFF)
            protection = handshake.accepted(codec(APDU).parse(self.ask(handshake.aarq()) or b"").value).protection
            assert isinstance(protection, Ciphering)
            self.ciphering, self._theirs = protection, self._protection()
        return self.ciphering

    def _protection(self) -> object:
        client = self.server.clients.get(_CLIENT)
        return client.association.protection if client is not None and client.association is not None else self


_ONE = _Client()


def target(data: bytes) -> None:
    """Both roles, the octets as they are and sealed."""
    data = data[:_LARGEST]
    _server(data)
    _receiver(data)


def _server(data: bytes) -> None:
    ciphering = _ONE.associated()
    _opens(_ONE.ask(data), ciphering)
    ciphering = _ONE.associated()
    if data:
        _opens(_ONE.ask(ciphering.protect(data)), ciphering)


def _opens(answer: bytes | None, ciphering: Ciphering) -> None:
    if not answer or answer[0] in _CLEAR:
        return
    codec(APDU).parse(ciphering.unprotect(answer))


def _receiver(data: bytes) -> None:
    """A client whose meter sends this."""
    own, peer = b"MWR\0\0\0\0\1", _TITLE
    meter = Ciphering(1, peer, own, _KEYS, sending=SendingCounter(5), received=ReceivedCounter(), level=_FULL)
    client = Ciphering(1, own, peer, _KEYS, sending=SendingCounter(5), received=ReceivedCounter(), level=_FULL)
    try:
        plain = client.unprotect(data)
        assert data[0] in (ApduTag.EXCEPTION_RESPONSE, ApduTag.GENERAL_BLOCK_TRANSFER), "what did not verify came out"
        assert plain == data
    except SecurityError:
        assert client.received.expected == 0, "what did not verify moved the counter"
    if data and data[0] not in (ApduTag.EXCEPTION_RESPONSE, ApduTag.GENERAL_BLOCK_TRANSFER):
        try:
            assert client.unprotect(meter.protect(data)) == data
        except MeterwireError:
            return
