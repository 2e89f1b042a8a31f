"""Our client does all of its work with our meter: every mechanism, plain and in every suite, over both links, both ways
of naming, blocking and with asyncio: object list, registers, and a profile of 200 rows whole, by range, by entry, in
blocks, and in a list."""

import asyncio
import inspect
from decimal import Decimal
from functools import cache

import pytest
from dlms_secured import CLIENTS, FULL, Mechanism, client, secured, security

from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.client_services.get import LIST_LIMIT
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.hdlc.address import server_address

PLAIN = tuple(mechanism for mechanism in CLIENTS if mechanism not in (Mechanism.HIGH_GMAC, Mechanism.HIGH_ECDSA))
CASES = [(mechanism, None, 0) for mechanism in PLAIN]
CASES += [(mechanism, FULL, suite) for mechanism in (*PLAIN, Mechanism.HIGH_GMAC) for suite in (0, 1, 2)]
CASES += [(Mechanism.HIGH_ECDSA, FULL, suite) for suite in (1, 2)]
NAMES = [f"{mechanism.name.lower()}-{'plain' if level is None else suite}" for mechanism, level, suite in CASES]
PROFILE, ROWS, PERIOD = "1-0:99.1.4", 200, 900
BLOCKS = 400
"""A client that takes no longer APDUs than this gets the rows in blocks."""


@cache
def meters():
    """For each suite a meter with 200 rows of its load profile."""
    measured = Meter()
    measured.clock.step(ROWS * PERIOD)
    return {suite: secured(measured, suite) for suite in (0, 1, 2)}


def made(case, link, *, short, asynchronous, **more):
    mechanism, level, suite = case
    meter = meters()[suite]
    brought = security(mechanism, suite, level, meter, short_names=short)
    number = CLIENTS[mechanism]
    if link == "hdlc":
        more |= {
            "carrier": HdlcCarrier(number, server_address(1, 17)),
            "public": HdlcCarrier(16, server_address(1, 17)),
        }
    face = FaceDlmsHdlc(meter) if link == "hdlc" else FaceDlms(meter)
    return client(face, brought, number, asynchronous=asynchronous, **more)


async def got(found):
    """What a call gives, also if it is to be awaited."""
    return await found if inspect.isawaitable(found) else found


async def work(begin):
    """All of it; `begin` makes a client."""
    one = begin()
    assert len(await got(one.objects())) > 200
    energy = await got(one.read("active_energy_import"))
    assert energy.unit == "kWh"
    assert energy.value > 0
    whole = await got(one.profile(PROFILE))
    check_rows(whole)
    start, end = whole.times[50], whole.times[79]
    assert (await got(one.profile(PROFILE, start, end))).times == whole.times[50:80]
    by_entry = await got(one.profile(PROFILE, entries=(11, 30)))
    assert by_entry.times == whole.times[10:30]
    assert by_entry.columns[0].values == whole.columns[0].values[10:30]
    listed = await got(one.read_many(["active_energy_import", f"7/{PROFILE}/7", "1-0:99.77.1", "voltage_a"]))
    assert listed[0].value == energy.value
    assert listed[1].value == ROWS
    assert listed[2].error is not None
    assert listed[3].unit == "V"
    await got(one.release())
    few = begin(max_pdu=BLOCKS)
    assert (await got(few.profile(PROFILE))).columns[0].values == whole.columns[0].values
    await got(few.release())


def check_rows(table):
    assert len(table.times) == ROWS
    assert {later - earlier for earlier, later in zip(table.times, table.times[1:], strict=False)} == {
        table.times[1] - table.times[0]
    }
    assert (table.times[1] - table.times[0]).total_seconds() == PERIOD
    values = table.columns[0].values
    assert values == sorted(values)
    assert isinstance(values[0], Decimal)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asyncio"])
@pytest.mark.parametrize("link", ["wrapper", "hdlc"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_all_of_the_work(case, link, asynchronous):
    """With logical names."""
    asyncio.run(work(lambda **more: made(case, link, short=False, asynchronous=asynchronous, **more)))


@pytest.mark.parametrize("link", ["wrapper", "hdlc"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_all_of_the_work_with_short_names(case, link):
    """The same by short names; the proofs of high-level security go through Association SN."""
    asyncio.run(work(lambda **more: made(case, link, short=True, asynchronous=link == "hdlc", **more)))


def test_the_matrix_is_whole():
    """Six mechanisms plain and in three suites, GMAC in three, ECDSA in the two that have curves."""
    assert len(CASES) == 6 * 4 + 3 + 2
    assert LIST_LIMIT >= 4
