"""Generated code is written when it is first called: once, whoever calls it, and only what is called."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.services.common import Piid, PiidAcd, ResultNormal
from meterwire.protocols.dlt69845.services.get import (
    GetRequest,
    GetRequestNormal,
    GetResponse,
    GetResponseNormal,
    GetResponseNormalList,
)
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.generated.build import building_function
from meterwire.protocols.wire.generated.parse import reading_function
from meterwire.protocols.wire.nodes import Variant

RESULT = ResultNormal(Oad(0x0010, 2, 0), Variant(1, Variant(1, tuple(Variant(6, number) for number in range(5)))))
APDUS = [
    Apdu.of(body)
    for body in (
        GetRequest(GetRequestNormal(Piid(number=1), Oad(0x0010, 2, 0))),
        GetResponse(GetResponseNormal(PiidAcd(), RESULT)),
        GetResponse(GetResponseNormalList(PiidAcd(), (RESULT, RESULT))),
    )
]
THREADS = 8


@pytest.fixture
def impatient():
    """Threads take turns at nearly every instruction."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_many_threads_may_be_the_first(impatient):
    """A program that reads several meters in threads begins with all of them at once."""
    for _ in range(3):
        codec, gate = Codec(Apdu, 2021), threading.Barrier(THREADS)

        def work(first, codec=codec, gate=gate):
            gate.wait()
            return [codec.parse(codec.build(apdu)) == apdu for apdu in APDUS[first:] + APDUS[:first]]

        with ThreadPoolExecutor(THREADS) as pool:
            assert all(map(all, pool.map(work, [number % len(APDUS) for number in range(THREADS)])))


@pytest.mark.parametrize("make", [lambda: reading_function(Apdu, 2021, "parse"), lambda: building_function(Apdu, 2021)])
def test_what_is_not_met_is_not_written(make):
    """Protects the start of programs: an APDU leads to a hundred messages."""
    names = make().__globals__
    waiting = [name for name, value in names.items() if getattr(value, "__name__", "") == "first_call"]
    assert len(waiting) > 10
