"""Our client against our meter: every mechanism, plain and in every suite, blocking and with asyncio."""

import asyncio

import pytest
from dlms_secured import (
    AUTHENTICATED,
    BOTH,
    CLIENTS,
    ENCRYPTED,
    FULL,
    SIGNED,
    Form,
    Level,
    Mechanism,
    client,
    security,
    served,
)

from meterwire.errors import SecurityError

METERS = {suite: served(suite) for suite in (0, 1, 2)}

PLAIN = [
    Mechanism.NONE,
    Mechanism.LOW,
    Mechanism.HIGH,
    Mechanism.HIGH_MD5,
    Mechanism.HIGH_SHA1,
    Mechanism.HIGH_SHA256,
]
CASES = [(mechanism, None, 0) for mechanism in PLAIN]
CASES += [(mechanism, FULL, suite) for mechanism in (*PLAIN, Mechanism.HIGH_GMAC) for suite in (0, 1, 2)]
CASES += [(Mechanism.HIGH_ECDSA, FULL, suite) for suite in (1, 2)]
NAMES = [f"{mechanism.name}-{'plain' if level is None else suite}" for mechanism, level, suite in CASES]


@pytest.mark.parametrize(("mechanism", "level", "suite"), CASES, ids=NAMES)
def test_every_mechanism_associates_and_reads(mechanism, level, suite):
    meter, face = METERS[suite]
    one = client(face, security(mechanism, suite, level, meter))
    assert one.read("active_energy_import").unit == "kWh"
    assert one.association.mechanism is mechanism
    assert len(one.objects()) > 20  # in blocks
    one.release()
    assert one.association is None
    one.release()


@pytest.mark.parametrize(("mechanism", "level", "suite"), CASES, ids=NAMES)
def test_the_same_with_asyncio(mechanism, level, suite):
    meter, face = METERS[suite]

    async def run():
        one = client(face, security(mechanism, suite, level, meter), asynchronous=True)
        found = await one.read("active_energy_import")
        await one.release()
        return found.unit

    assert asyncio.run(run()) == "kWh"


@pytest.mark.parametrize("form", list(Form), ids=[form.name for form in Form])
@pytest.mark.parametrize("dedicated", [False, True], ids=["global", "dedicated"])
@pytest.mark.parametrize("suite", [1, 2])
def test_every_form_of_protection(form, dedicated, suite):
    """General-glo, general-ded, general-ciphering with named, wrapped and agreed keys."""
    meter, face = METERS[suite]
    level = Level(BOTH, BOTH, form)
    one = client(face, security(Mechanism.HIGH_GMAC, suite, level, meter, dedicated=dedicated))
    assert one.read("active_energy_import").unit == "kWh"
    assert one.read("voltage_a").unit == "V"
    one.release()


@pytest.mark.parametrize("form", [Form.SERVICE, Form.ONE_PASS], ids=["specific", "agreed"])
@pytest.mark.parametrize("suite", [1, 2])
def test_signed_apdus(form, suite):
    """General-signing around what is ciphered, in both directions."""
    meter, face = METERS[suite]
    level = Level(BOTH | SIGNED, BOTH | SIGNED, form)
    one = client(face, security(Mechanism.HIGH_ECDSA, suite, level, meter))
    assert one.read("active_energy_import").unit == "kWh"
    one.release()


@pytest.mark.parametrize("sends", [AUTHENTICATED, ENCRYPTED], ids=["authenticated", "encrypted"])
def test_weaker_protection_where_it_is_allowed(sends):
    """A client without required protection may ask with one of both, and is answered alike."""
    meter, face = METERS[0]
    one = client(face, security(Mechanism.LOW, 0, Level(sends, sends), meter))
    assert one.read("active_energy_import").unit == "kWh"


def test_clients_that_must_cipher_cannot_do_without():
    """The management client is let in with authentication and encryption alone."""
    meter, face = METERS[0]
    for level in (None, Level(AUTHENTICATED, AUTHENTICATED), Level(ENCRYPTED, ENCRYPTED)):
        one = client(face, security(Mechanism.HIGH_GMAC, 0, level, meter))
        with pytest.raises(Exception) as refusal:
            one.read("active_energy_import")
        assert "refused" in str(refusal.value)


@pytest.mark.parametrize("mechanism", [m for m in CLIENTS if m not in (Mechanism.NONE, Mechanism.HIGH_ECDSA)])
def test_who_has_not_the_secret_stays_outside(mechanism):
    """Wrong password, secret or key."""
    meter, face = served()
    brought = security(mechanism, 0, FULL if mechanism is Mechanism.HIGH_GMAC else None, meter)
    brought.secret = b"12345679"
    brought.keys = brought.keys.replaced(0, bytes(15) + b"\1")
    with pytest.raises(Exception) as refusal:
        client(face, brought).read("active_energy_import")
    assert isinstance(refusal.value, SecurityError) or "refused" in str(refusal.value)
