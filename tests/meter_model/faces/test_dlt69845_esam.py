"""The secure element as an object (F100): what it tells, sessions that end, and the wallet of a prepaid meter."""

from __future__ import annotations

import random
from decimal import Decimal

import msgspec
import pytest

from meterwire.errors import Refused, SecurityError
from meterwire.meter_model import Meter
from meterwire.meter_model.credit import CreditSettings
from meterwire.meter_model.esam69845 import SESSION_MINUTES, CipherMachine69845Double
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.profiles import load_profile
from meterwire.meter_model.saved import parts_of, restore
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.security import Protection
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

MASTER = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
ESAM = 0xF100
NULL = Variant(0, None)


def meter_of(kind="money", **settings):
    credit = CreditSettings(kind=kind, balance=Decimal("100.00"), **settings)
    meter = Meter(msgspec.structs.replace(load_profile("three-phase"), credit=credit))
    meter.parameters.set("customer_number", "000000001234")
    return meter


def client_of(meter):
    machine = CipherMachine69845Double(MASTER, random.Random(1).randbytes, meter.esam69845.counter)
    line = ResponderLine(Face69845(meter).connect())
    client = Meter69845(line, address=meter.identity.address, protection=Protection(machine))
    client.connect()
    return client, machine


def vouched(machine, *data, behind=()):
    """Data, the code over them, and what stands behind it."""
    proof = machine.vouch(b"".join(codec(DATA, 2021).build(one) for one in data))
    return Variant(2, (*data, Variant(94, proof), *behind))


def purchase(machine, meter, amount, count, *, what=1, customer=None, number=None):
    customer = meter.parameters["customer_number"] if customer is None else customer
    number = meter.parameters["meter_number"] if number is None else number
    data = Variant(15, what), Variant(6, amount), Variant(6, count), Variant(9, bytes.fromhex(customer))
    return vouched(machine, *data, behind=(Variant(9, bytes.fromhex(number)),))


def run(client, method, parameter):
    return client.act(ActionItem(Omd(ESAM, method), parameter))


def refusal(client, method, parameter):
    with pytest.raises(Refused) as refused:
        run(client, method, parameter)
    return refused.value.code


def read(client, attribute):
    (result,) = client.get([Oad(ESAM, attribute, 0)])
    return result.result.value.value if result.result.tag else result.result.value


def test_what_the_element_tells():
    """Serial, versions, keys for tests, how long sessions hold; what it does not have is refused."""
    meter = meter_of()
    client, _ = client_of(meter)
    assert (len(read(client, 2)), len(read(client, 3)), read(client, 4)) == (8, 5, bytes(16))
    assert (read(client, 5), read(client, 6)) == (SESSION_MINUTES, SESSION_MINUTES)
    meter.clock.step(3 * 60)
    assert read(client, 6) == SESSION_MINUTES - 3
    assert read(client, 15) == 0
    assert read(client, 10) == Dar.OBJECT_UNAVAILABLE
    for method in (3, 4, 7, 8, 11, 12):
        assert refusal(client, method, NULL) == Dar.OBJECT_UNAVAILABLE


def test_a_session_is_ended_with_a_protected_answer():
    """Method 5: its answer is the last of the session."""
    client, _ = client_of(meter_of())
    assert run(client, 5, NULL) is None
    with pytest.raises(Refused):
        read(client, 2)
    client.connect()
    assert read(client, 2)


def test_a_session_runs_out_by_the_meters_time():
    """After the limit that method 9 sets nothing is served any more; setting the clock makes it no longer."""
    meter = meter_of()
    client, machine = client_of(meter)
    run(client, 9, vouched(machine, Variant(6, 30)))
    assert read(client, 6) == 30
    client.connect()
    meter.clock.step(29 * 60)
    meter.set_clock(meter.now().replace(hour=5))
    assert read(client, 5) == 30
    meter.clock.step(60)
    with pytest.raises(Refused):
        read(client, 2)
    states = {name: part() for name, part in parts_of(meter).items()}
    later = meter_of()
    restore(later, msgspec.msgpack.decode(msgspec.msgpack.encode(states)))
    assert later.esam69845.minutes == 30


def test_limits_of_a_session_are_limited():
    """A minute to a year."""
    client, machine = client_of(meter_of())
    for minutes in (0, 525_601):
        assert refusal(client, 9, vouched(machine, Variant(6, minutes))) == Dar.SCOPE_OF_ACCESS_VIOLATED


@pytest.mark.parametrize("kind", ["money", "energy"])
def test_a_purchase_is_booked_once(kind):
    """Method 6: amount and count; the same count again, a gap and too much are refused with their own reasons."""
    meter = meter_of(kind)
    meter.parameters.set("hoarding_limit", Decimal(500))
    client, machine = client_of(meter)
    run(client, 6, purchase(machine, meter, 5050, 1))
    assert meter.credit.purchases()[0].amount == Decimal("50.50")
    (wallet,) = client.get([Oad.of("202C0200")])
    assert [one.value for one in wallet.result.value.value] == [15050, 1]
    assert refusal(client, 6, purchase(machine, meter, 5050, 1)) == Dar.REPEATED_RECHARGE
    assert refusal(client, 6, purchase(machine, meter, 5050, 3)) == Dar.RECHARGE_COUNT_WRONG
    assert refusal(client, 6, purchase(machine, meter, 40_000, 2)) == Dar.PURCHASE_EXCEEDS_LIMIT
    assert refusal(client, 6, purchase(machine, meter, 0, 2)) == Dar.SCOPE_OF_ACCESS_VIOLATED
    assert refusal(client, 6, purchase(machine, meter, 100, 2, what=2)) == Dar.SCOPE_OF_ACCESS_VIOLATED
    assert refusal(client, 6, purchase(machine, meter, 100, 2, customer="000000009999")) == Dar.CUSTOMER_NUMBER_MISMATCH
    assert refusal(client, 6, purchase(machine, meter, 100, 2, number="000000009999")) == Dar.ADDRESS_ABNORMAL
    assert meter.credit.count == 1


def test_a_purchase_has_a_record():
    """3028: the wallet before and after it, and all that has been bought; it survives a restart and can be reported."""
    meter = meter_of()
    client, machine = client_of(meter)
    run(client, 6, purchase(machine, meter, 5050, 1))
    meter.clock.step(60)
    run(client, 6, purchase(machine, meter, 100, 2))
    states = {name: part() for name, part in parts_of(meter).items()}
    later = meter_of()
    restore(later, msgspec.msgpack.decode(msgspec.msgpack.encode(states)))
    client, _ = client_of(later)
    table = client.records("3028")
    assert [(one.name, one.unit) for one in table.headings[-4:]] == [
        ("wallet file, money left, before", "CNY"),
        ("wallet file, money left, after", "CNY"),
        ("wallet file, purchases, after", ""),
        ("cumulative purchase, after", "CNY"),
    ]
    assert [row[-4:] for row in table.rows] == [
        tuple(map(Decimal, ("100.00", "150.50", "1", "150.50"))),
        tuple(map(Decimal, ("150.50", "151.50", "2", "151.50"))),
    ]


def test_a_wallet_begins_anew():
    """Method 10, and method 6 with 0: a balance and no purchases."""
    meter = meter_of()
    client, machine = client_of(meter)
    run(client, 10, vouched(machine, Variant(6, 3000)))
    assert (meter.credit.balance, meter.credit.count) == (30, 0)
    run(client, 6, purchase(machine, meter, 700, 0, what=0))
    assert meter.credit.balance == 7


def test_a_meter_without_account_has_no_wallet():
    """What somebody else charges is not bought here."""
    meter = meter_of("none")
    client, machine = client_of(meter)
    assert refusal(client, 6, purchase(machine, meter, 100, 1)) == Dar.OBJECT_UNAVAILABLE


def test_codes_over_data_are_checked_and_used_up():
    """An altered amount, a code again, a code of another session, and data without a code: nothing is booked."""
    meter = meter_of()
    client, machine = client_of(meter)
    good = purchase(machine, meter, 1000, 1)
    altered = Variant(2, (good.value[0], Variant(6, 99_999), *good.value[2:]))
    assert refusal(client, 6, altered) == Dar.ESAM_VERIFICATION_FAILED
    run(client, 6, good)
    again = Variant(2, (*good.value[:2], Variant(6, 1), *good.value[3:]))
    assert refusal(client, 6, again) == Dar.ESAM_VERIFICATION_FAILED
    stale = purchase(machine, meter, 1000, 2)
    client.connect()
    assert refusal(client, 6, stale) == Dar.ESAM_VERIFICATION_FAILED
    assert refusal(client, 6, Variant(2, stale.value[:4])) == Dar.TYPE_UNMATCHED
    assert meter.credit.count == 1


def test_a_password_opens_no_wallet():
    """Without a session of the element nothing vouches for the data."""
    meter = meter_of()
    _, machine = client_of(meter)
    plain = Meter69845(ResponderLine(Face69845(meter).connect()), address=meter.identity.address)
    plain.connect(meter.identity.secrets.dlt69845_password)
    assert refusal(plain, 6, purchase(machine, meter, 1000, 1)) == Dar.ESAM_VERIFICATION_FAILED
    with pytest.raises(SecurityError):
        CipherMachine69845Double(MASTER, random.Random(1).randbytes).vouch(b"")
