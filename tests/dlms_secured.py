"""A meter with DLMS/COSEM security, and clients for it: both ends in one process, on a virtual clock."""

import hashlib
from itertools import count

from meterwire.meter_model.faces.dlms import FaceDlms
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlms.acse import AuthenticationMechanism as Mechanism
from meterwire.protocols.dlms.client import AsyncMeterDlms, MeterDlms
from meterwire.protocols.dlms.security.agreement import ephemeral
from meterwire.protocols.dlms.security.ciphering import SIGNED, Level
from meterwire.protocols.dlms.security.curves import public_key, public_octets
from meterwire.protocols.dlms.security.forms import Form
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.security.suites import SUITES
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
        more |= {
            "client_signing_keys": dict.fromkeys(clients, signing),
            "client_agreement_keys": dict.fromkeys(clients, agreement),
        }
    return Secrets(dlms_suite=suite, **more)


def served(suite=0, **more):
    """A meter of this suite and its face."""
    meter = Meter(identity=Identity(secrets=secrets(suite, **more)))
    return meter, FaceDlms(meter, random=chance(99))


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
    more = {"random": chance(7), "title": TITLE, "keys": keys(suite, meter)} | more
    return Security(mechanism=mechanism, secret=SECRET, suite=suite, level=level, **more)


def client(face, brought, who=None, *, patience=None, line=None, asynchronous=False, **more):
    """A client of a face."""
    line = line or ResponderLine(face.connect())
    who = CLIENTS[brought.mechanism] if who is None else who
    patience = patience or Patience(tries=2, timeout=1.0)
    if asynchronous:
        return AsyncMeterDlms(Immediate(line), 1, client=who, security=brought, patience=patience, **more)
    return MeterDlms(line, 1, client=who, security=brought, patience=patience, **more)


__all__ = ["SIGNED", "Form", "Level", "Mechanism", "Security", "public_key"]
