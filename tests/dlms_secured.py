"""A meter with DLMS/COSEM security, and clients for it: both ends in one process, on a virtual clock."""

import copy
import hashlib
from itertools import count

from meterwire.errors import SecurityError
from meterwire.meter_model.dlms_security import DlmsSecurity
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlms.acse import AuthenticationMechanism as Mechanism
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.client import AsyncMeterDlms, MeterDlms
from meterwire.protocols.dlms.data import octet_string
from meterwire.protocols.dlms.handshake import Handshake
from meterwire.protocols.dlms.security.agreement import ephemeral
from meterwire.protocols.dlms.security.ciphering import SIGNED, Level  # noqa: F401  for the tests
from meterwire.protocols.dlms.security.curves import public_octets
from meterwire.protocols.dlms.security.forms import Form  # noqa: F401  for the tests
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.security.suites import SUITES
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.action import ActionRequestNormal
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor, Invoke, MethodDescriptor
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.get import GetRequestNormal
from meterwire.protocols.dlms.xdlms.set import SetRequestNormal
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import Immediate, ResponderLine

CLIENTS = {
    Mechanism.NONE: 16,
    Mechanism.LOW: 17,
    Mechanism.HIGH: 18,
    Mechanism.HIGH_MD5: 19,
    Mechanism.HIGH_SHA1: 20,
    Mechanism.HIGH_SHA256: 22,
    Mechanism.HIGH_GMAC: 1,
    Mechanism.HIGH_ECDSA: 23,
}
TITLE = bytes.fromhex("4D4D4D0000000001")
METER_TITLE = bytes.fromhex("4D57520000000161")
SECRET = b"12345678"
BOTH = AUTHENTICATED | ENCRYPTED
FULL = Level(BOTH, BOTH)


def chance(seed=1):
    """Random octets that a test can repeat."""
    numbers = count()

    def give(size):
        out = b""
        while len(out) < size:
            out += hashlib.sha256(b"%d/%d" % (seed, next(numbers))).digest()
        return out[:size]

    return give


def pair(suite, name):
    return ephemeral(SUITES[suite], hashlib.sha512(name).digest())


def secrets(suite, **more):
    if suite:
        signing = public_octets(pair(suite, b"client signing").public_key())
        agreement = public_octets(pair(suite, b"client agreement").public_key())
        clients = CLIENTS.values()
        more = {
            "client_signing_keys": dict.fromkeys(clients, signing),
            "client_agreement_keys": dict.fromkeys(clients, agreement),
        } | more
    return Secrets(dlms_suite=suite, **more)


METER, OBJECTS = Meter(), {}


def secured(meter, suite=0, **more):
    """The same meter with new secrets, of this suite."""
    found = copy.copy(meter)
    found.identity = Identity(secrets=secrets(suite, **more))
    found.dlms_security = DlmsSecurity(found.identity, found.clock.seconds)
    return found


def served(suite=0, **more):
    """A meter of this suite and its face; what the meter measures is always the same, its secrets are new ones."""
    meter = secured(METER, suite, **more)
    face = FaceDlms(meter, random=chance(99))
    OBJECTS.update(OBJECTS or face.objects)
    face.__dict__["objects"] = dict(OBJECTS)
    return meter, face


def keys(suite, meter):
    """What the client of a meter knows: the published test keys, its own pairs, and the meter's public keys."""
    twice = 2 if suite == 2 else 1
    own = Secrets()
    asymmetric = {}
    if suite:
        theirs = meter.dlms_security.keys
        asymmetric = {
            "signing": pair(suite, b"client signing"),
            "agreement": pair(suite, b"client agreement"),
            "peer_signing": theirs.signing.public_key(),
            "peer_agreement": theirs.agreement.public_key(),
        }
    return Keys(
        unicast=own.unicast_key * twice,
        authentication=own.authentication_key * twice,
        master=own.master_key * twice,
        **asymmetric,
    )


def security(mechanism, suite=0, level=FULL, meter=None, **more):
    """What a client brings; without a level it does without ciphering."""
    more = {"random": chance(7), "title": TITLE} | more
    if "keys" not in more:
        more["keys"] = keys(suite, meter)
    return Security(mechanism=mechanism, secret=SECRET, suite=suite, level=level, **more)


def client(face, brought, who=None, *, patience=None, line=None, asynchronous=False, **more):
    """A client of a face."""
    line = line or ResponderLine(face.connect())
    who = CLIENTS[brought.mechanism] if who is None else who
    patience = patience or Patience(tries=2, timeout=1.0)
    if asynchronous:
        return AsyncMeterDlms(Immediate(line), 1, client=who, security=brought, patience=patience, **more)
    return MeterDlms(line, 1, client=who, security=brought, patience=patience, **more)


class Wire:
    """A client by hand: whatever octets it likes, with the protection of an association that was really made."""

    def __init__(self, face, who=1):
        self.connection, self.who = face.connect(), who
        self.protection = None

    def raw(self, octets):
        """The octets that answer an APDU; None for none."""
        answers = self.connection.receive(codec(Wrapper).build(Wrapper(self.who, 1, octets)), 0.0)
        assert len(answers) <= 1
        return codec(Wrapper).parse(answers[0].octets).apdu if answers else None

    def associate(self, brought):
        """All passes; raises what the handshake raises."""
        handshake = Handshake(brought, 0xFFFF)
        aare = codec(APDU).parse(self.raw(handshake.aarq())).value
        self.protection = handshake.accepted(aare).protection
        if handshake.pending:
            outcome = self.act(15, (0, 0, 40, 0, 0, 255), 1, octet_string(handshake.answer())).outcome
            if outcome.result:
                raise SecurityError("not accepted")
            handshake.conclude(outcome.returned.value.value)
        return self

    def ask(self, apdu):
        """What a plain APDU is answered with, protected both ways."""
        return codec(APDU).parse(self.protection.unprotect(self.raw(self.protection.protect(apdu)))).value

    def get(self, class_id, instance, attribute):
        return self.ask(get_request(class_id, instance, attribute))

    def act(self, class_id, instance, method, data=None):
        request = ActionRequestNormal(
            Invoke(priority=1, number=2), MethodDescriptor(class_id, bytes(instance), method), data
        )
        return self.ask(codec(APDU).build(Variant(ApduTag.ACTION_REQUEST, request)))

    def write(self, class_id, instance, attribute, data):
        descriptor = AttributeDescriptor(class_id, bytes(instance), attribute)
        request = SetRequestNormal(Invoke(priority=1, number=3), descriptor, None, data)
        return self.ask(codec(APDU).build(Variant(ApduTag.SET_REQUEST, request)))


def get_request(class_id, instance, attribute):
    request = GetRequestNormal(Invoke(priority=1, number=1), AttributeDescriptor(class_id, bytes(instance), attribute))
    return codec(APDU).build(Variant(ApduTag.GET_REQUEST, request))


def refusal(octets):
    """The service error of a plain exception response; None for anything else."""
    found = codec(APDU).parse(octets).value
    return found.service_error.tag if isinstance(found, ExceptionResponse) else None
