"""Associations of our client with our meter: forms and levels of protection, and who stays outside."""

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


@pytest.mark.parametrize("short", [False, True], ids=["logical names", "short names"])
@pytest.mark.parametrize("mechanism", [m for m in CLIENTS if m not in (Mechanism.NONE, Mechanism.HIGH_ECDSA)])
def test_who_has_not_the_secret_stays_outside(mechanism, short):
    """Wrong password, secret or key."""
    meter, face = served()
    level = FULL if mechanism is Mechanism.HIGH_GMAC else None
    brought = security(mechanism, 0, level, meter, short_names=short)
    brought.secret = b"12345679"
    brought.keys = brought.keys.replaced(0, bytes(15) + b"\1")
    with pytest.raises(Exception) as refusal:
        client(face, brought).read("active_energy_import")
    assert isinstance(refusal.value, SecurityError) or "refused" in str(refusal.value)
