"""The client against a scripted server: matching, tries, blocks, lists, refusals, and what it must not believe."""

import asyncio
from decimal import Decimal
from itertools import pairwise

import pytest

from meterwire.errors import (
    LocalProtocolError,
    MalformedError,
    NoAnswer,
    Refused,
    RemoteProtocolError,
    SecurityError,
    SequenceError,
)
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlms.acse import (
    Aare,
    AuthenticationMechanism,
    Diagnostic,
    Rlre,
    context_name,
    mechanism_name,
    mechanism_of,
)
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.client import AsyncMeterDlms, MeterDlms
from meterwire.protocols.dlms.data import DATA, octet_string, structure
from meterwire.protocols.dlms.enums import DataAccessResult, ServiceError, StateError
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.common import Invoke, ResultBlock
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.get import (
    RESULT_LIST,
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithDatablock,
    GetResponseWithList,
)
from meterwire.protocols.dlms.xdlms.initiate import Conformance, InitiateResponse
from meterwire.protocols.dlms.xdlms.notify import DataNotification, LongInvoke
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

WRAPPER, CODEC = codec(Wrapper), codec(APDU)
ACTIVE = bytes((1, 0, 1, 8, 0, 255))
PLAIN = Conformance(get=1, block_transfer_with_get=1)
LISTS = Conformance(get=1, block_transfer_with_get=1, multiple_references=1)
VALUE, SCALER = Variant(6, 349343), structure(Variant(15, 1), Variant(22, 30))


def apdu(tag, message):
    return WRAPPER.build(Wrapper(1, 16, CODEC.build(Variant(tag, message))))


def aare(conformance=PLAIN, version=6, max_pdu=1024, **other):
    initiate = CODEC.build(Variant(8, InitiateResponse(None, version, conformance, max_pdu, 7)))
    fields = {"context": context_name(1), "result": 0, "diagnostic": Diagnostic(user=0), "user_information": initiate}
    return apdu(ApduTag.AARE, Aare(**(fields | other)))


def answer(request, attributes, **changed):
    """The right answer to a GET: the Data of each attribute, an int for a refusal."""

    def result(descriptor):
        found = attributes.get(descriptor.attribute, 4)
        return Variant(0, found) if isinstance(found, Variant) else Variant(1, found)

    invoke = changed.get("invoke", request.invoke)
    if isinstance(request, GetRequestWithList):
        results = tuple(result(one.descriptor) for one in request.attributes)
        return apdu(ApduTag.GET_RESPONSE, GetResponseWithList(invoke, results))
    return apdu(ApduTag.GET_RESPONSE, GetResponseNormal(invoke, result(request.descriptor)))


class Script:
    """A blocking line to a server that is a function from the request to what comes back."""

    def __init__(self, serve, conformance=PLAIN, greeting=None):
        self.serve, self.greeting = serve, greeting or aare(conformance)
        self.time, self.requests, self.waiting = 0.0, [], []

    def now(self):
        return self.time

    def write(self, octets):
        message = CODEC.parse(WRAPPER.parse(octets).apdu)
        self.requests.append(message.value)
        if message.tag == ApduTag.AARQ:
            found = self.greeting
        elif message.tag == ApduTag.RLRQ:
            found = apdu(ApduTag.RLRE, Rlre(reason=0))
        else:
            found = self.serve(message.value)
        self.waiting += [found] if isinstance(found, bytes) else list(found)

    def read(self, until):
        if self.waiting:
            self.time += 0.01
            return self.waiting.pop(0)
        self.time = until
        return b""

    def pause(self, until):
        self.time = until

    def reconfigure(self, settings):
        pass

    def close(self):
        pass


def meter(serve, conformance=PLAIN, greeting=None, **settings):
    settings.setdefault("patience", Patience(tries=3, timeout=1.0, peer="the script"))
    return MeterDlms(Script(serve, conformance, greeting), **settings)


def register(request):
    return answer(request, {2: VALUE, 3: SCALER})


def test_reads_value_and_scaler_and_remembers_the_scaler():
    one = meter(register)
    reading = one.read("active_energy_import")
    assert (str(reading.value), reading.unit, reading.quantity) == ("3493.43", "kWh", "active_energy_import")
    assert len(one.line.requests) == 3  # AARQ, value, scaler_unit
    one.read("active_energy_import")
    assert len(one.line.requests) == 4
    assert one.association.mechanism is AuthenticationMechanism.NONE


def test_asks_for_everything_at_once_where_it_may():
    one = meter(register, LISTS)
    assert one.read("1-0:1.8.0").value == Decimal("3493.43")
    (_, listed) = one.line.requests
    assert [selected.descriptor.attribute for selected in listed.attributes] == [2, 3]


def test_lists_are_cut_to_the_size_the_server_takes():
    one = meter(register, greeting=aare(LISTS, max_pdu=48))
    readings = one.read_many(["active_energy_import", "voltage_a", "current_a", "frequency"])
    assert all(reading.error is None for reading in readings)
    assert max(len(request.attributes) for request in one.line.requests[1:]) == 4


def test_the_meters_own_unit_is_said_where_it_is_another():
    cubic = structure(Variant(15, -2), Variant(22, 13))
    reading = meter(lambda request: answer(request, {2: Variant(20, 1234), 3: cubic})).read("active_energy_import")
    assert (str(reading.value), reading.unit) == ("12.34", "m3")


def test_invoke_ids_change_and_other_ones_are_ignored():
    """C9: a late or foreign answer is never given to the wrong caller."""

    def serve(request):
        wrong = Invoke(number=(request.invoke.number + 1) & 15)
        stray = answer(request, {2: Variant(6, 1), 3: SCALER}, invoke=wrong)
        return [stray, register(request)]

    one = meter(serve)
    assert [one.read("active_energy_import").value for _ in range(20)] == [Decimal("3493.43")] * 20
    numbers = [request.invoke.number for request in one.line.requests[1:]]
    assert all(first != second for first, second in pairwise(numbers))


def test_other_services_ports_and_pushes_are_ignored():
    push = apdu(ApduTag.DATA_NOTIFICATION, DataNotification(LongInvoke(), Variant(0, None), b"\x00"))

    def serve(request):
        right = register(request)
        octets = WRAPPER.parse(right).apdu
        elsewhere = [WRAPPER.build(Wrapper(2, 16, octets)), WRAPPER.build(Wrapper(1, 17, octets))]
        return [push, *elsewhere, aare(), right]

    one = meter(serve)
    assert one.read("active_energy_import").value == Decimal("3493.43")


@pytest.mark.parametrize("noise", [b"noise", b"\xff\x00\x00\x01", b"\x00\x01noise that claims to be a long frame"])
def test_garbage_in_front_of_an_answer_is_survived(noise):
    """Also where it looks like the beginning of a frame that is longer than all that comes: silence ends that."""
    assert meter(lambda request: noise + register(request)).read("frequency").value is not None


def test_silence_is_tried_again_and_then_told():
    one = meter(lambda request: [])
    with pytest.raises(NoAnswer, match="the script after 3 tries"):
        one.read("active_energy_import")
    assert len(one.line.requests) == 4
    assert one.association is None  # who knows what the server remembers: begin again


def test_a_lost_answer_is_asked_for_again():
    lost = []

    def serve(request):
        lost.append(request)
        return [] if len(lost) == 1 else register(request)

    assert meter(serve).read("active_energy_import").value == Decimal("3493.43")


def test_what_cannot_be_read_is_malformed():
    with pytest.raises(MalformedError):
        meter(lambda request: WRAPPER.build(Wrapper(1, 16, b"\xc4\x01\xc1\x00\x07"))).read("active_energy_import")


def test_refusals_are_raised_for_one_and_given_back_for_many():
    one = meter(lambda request: answer(request, {}))
    with pytest.raises(Refused) as refused:
        one.read("active_energy_import")
    assert refused.value.code is DataAccessResult.OBJECT_UNDEFINED
    (reading,) = one.read_many(["active_energy_import"])
    assert (reading.error.code, reading.error.text, reading.value) == (4, "object undefined", None)


def test_a_missing_scaler_is_an_error_not_a_wrong_number():
    (reading,) = meter(lambda request: answer(request, {2: VALUE})).read_many(["active_energy_import"])
    assert reading.error.code == 4
    nonsense = {2: VALUE, 3: octet_string(b"")}
    (reading,) = meter(lambda request: answer(request, nonsense)).read_many(["active_energy_import"])
    assert reading.error.code == "malformed"


def test_an_exception_response_is_a_refusal_in_words():
    said = ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, Variant(ServiceError.OPERATION_NOT_POSSIBLE, None))
    with pytest.raises(Refused, match="service not allowed, operation not possible") as refused:
        meter(lambda request: apdu(ApduTag.EXCEPTION_RESPONSE, said)).read("active_energy_import")
    assert refused.value.code is ServiceError.OPERATION_NOT_POSSIBLE


def test_a_server_that_refuses_lists_is_asked_one_by_one():
    said = ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, Variant(ServiceError.SERVICE_NOT_SUPPORTED, None))

    def serve(request):
        if isinstance(request, GetRequestWithList):
            return apdu(ApduTag.EXCEPTION_RESPONSE, said)
        return register(request)

    assert meter(serve, LISTS).read("active_energy_import").value == Decimal("3493.43")


@pytest.mark.parametrize("change", [lambda results: results[:-1], lambda results: results * 2])
def test_more_or_fewer_results_than_asked_for(change):
    """C10."""

    def serve(request):
        results = change(tuple(Variant(0, VALUE) for _ in request.attributes))
        return apdu(ApduTag.GET_RESPONSE, GetResponseWithList(request.invoke, results))

    with pytest.raises(SequenceError):
        meter(serve, LISTS).read("active_energy_import")


# ---------------------------------------------------------------- blocks


class Blocks:
    """A server that sends its answers in blocks of a few octets."""

    def __init__(self, octets, size=7, change=lambda number, block: block):
        self.octets, self.size, self.change = octets, size, change

    def __call__(self, request):
        number = request.block + 1 if isinstance(request, GetRequestNext) else 1
        start = (number - 1) * self.size
        last = start + self.size >= len(self.octets)
        block = ResultBlock(last, number, Variant(0, self.octets[start : start + self.size]))
        return apdu(ApduTag.GET_RESPONSE, GetResponseWithDatablock(request.invoke, self.change(number, block)))


LONG = octet_string(bytes(range(100)))


def test_blocks_are_put_together():
    assert meter(Blocks(codec(DATA).build(LONG))).get(1, ACTIVE, 2) == LONG


def test_blocks_of_a_list_are_put_together():
    octets = codec(RESULT_LIST).build((Variant(0, VALUE), Variant(0, SCALER)))
    assert meter(Blocks(octets), LISTS).read("active_energy_import").value == Decimal("3493.43")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda n, block: ResultBlock(block.last, n + (n == 3), block.content), SequenceError),
        (lambda n, block: ResultBlock(block.last, 0, block.content), SequenceError),
        (lambda n, block: ResultBlock(False, n, block.content), SequenceError),
        (lambda n, block: ResultBlock(n == 2, n, block.content), MalformedError),
        (lambda n, block: ResultBlock(n == 3, n, Variant(1, 15)) if n == 3 else block, Refused),
    ],
    ids=["a block skipped", "block 0", "never the last", "the last too early", "aborted"],
)
def test_C5_broken_transfers_end_as_errors(change, error):
    """C5."""
    with pytest.raises(error):
        meter(Blocks(codec(DATA).build(LONG), change=change)).get(1, ACTIVE, 2)


def test_a_block_sent_twice_is_taken_once():
    blocks = Blocks(codec(DATA).build(LONG))
    sent = []

    def serve(request):
        sent.append(blocks(request))
        return sent[-2:]  # the one before comes once more, first

    assert meter(serve).get(1, ACTIVE, 2) == LONG


def test_answers_without_end_are_given_up():
    def endless(request):
        number = request.block + 1 if isinstance(request, GetRequestNext) else 1
        block = ResultBlock(False, number, Variant(0, bytes(200)))
        return apdu(ApduTag.GET_RESPONSE, GetResponseWithDatablock(request.invoke, block))

    one = meter(endless, answer_limit=4096)
    with pytest.raises(SequenceError, match="without end"):
        one.get(1, ACTIVE, 2)
    assert len(one.line.requests) < 30


def test_the_object_list_tells_the_class_of_a_stranger():
    stranger = bytes((0, 0, 199, 1, 2, 255))
    listed = Variant(1, (structure(Variant(18, 4), Variant(17, 0), octet_string(stranger), structure()),))

    def serve(request):
        if isinstance(request, GetRequestNormal) and request.descriptor.class_id == 15:
            return answer(request, {2: listed})
        return register(request)

    one = meter(serve)
    assert one.read("0-0:199.1.2").unit == "Wh"
    (unknown,) = one.read_many(["0-0:199.1.3"])
    assert "no such object" in unknown.error.text
    assert [(thing.class_id, thing.instance) for thing in one.objects()] == [(4, stranger)]


# ---------------------------------------------------------------- association


def test_low_level_security_sends_the_password():
    one = meter(register, client=17, secret=b"12345678", greeting=None)
    one.line.greeting = WRAPPER.build(Wrapper(1, 17, WRAPPER.parse(aare()).apdu))
    one.associate()
    (aarq,) = one.line.requests
    assert mechanism_of(aarq.mechanism) is AuthenticationMechanism.LOW
    assert aarq.authentication.characters == b"12345678"


@pytest.mark.parametrize(
    ("greeting", "error", "text"),
    [
        (aare(result=1, diagnostic=Diagnostic(user=13)), Refused, "authentication failure"),
        (aare(result=2, diagnostic=Diagnostic(provider=2)), Refused, "no common acse version"),
        (aare(result=1, diagnostic=None), Refused, "no reason given"),
        (
            aare(result=1, diagnostic=Diagnostic(user=1), user_information=bytes.fromhex("0e010601")),
            Refused,
            "dlms version too low",
        ),
        (aare(user_information=bytes.fromhex("0e010603")), Refused, "pdu size too short"),
        (aare(result=None), RemoteProtocolError, "no result"),
        (aare(context=context_name(3)), SecurityError, "context"),
        (aare(mechanism=mechanism_name(5)), SecurityError, "mechanism"),
        (aare(version=5), RemoteProtocolError, "version 5"),
        (aare(user_information=None), RemoteProtocolError, "octet 0"),
        (aare(user_information=b"\xc0"), RemoteProtocolError, "octet 1"),
    ],
)
def test_an_association_that_is_refused_or_not_what_was_asked_for(greeting, error, text):
    """D7: another context or mechanism than ours is no association."""
    one = meter(register, greeting=greeting)
    with pytest.raises(error, match=text):
        one.read("active_energy_import")
    assert one.association is None


def test_release_and_associate_again():
    one = meter(register)
    one.release()
    assert one.line.requests == []
    one.read("active_energy_import")
    one.release()
    assert one.association is None
    one.read("active_energy_import")
    assert len(one.line.requests) == 6  # AARQ, two GETs, RLRQ, AARQ, GET


def test_a_server_that_knows_of_no_association_lets_go_too():
    one = meter(register)
    one.associate()
    said = ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, Variant(1, None))
    one.line.write = lambda octets: one.line.waiting.append(apdu(ApduTag.EXCEPTION_RESPONSE, said))
    one.release()
    assert one.association is None


def test_wrong_items_are_found_before_anything_is_sent():
    one = meter(register)
    with pytest.raises(LocalProtocolError):
        one.read_many(["active_energy_import", "no_such_thing"])
    assert one.line.requests == []


class AsyncScript:
    """The same line for asyncio."""

    def __init__(self, line):
        self.line = line

    def now(self):
        return self.line.now()

    async def write(self, octets):
        self.line.write(octets)

    async def read(self, until):
        await asyncio.sleep(0)
        return self.line.read(until)

    async def pause(self, until):
        self.line.pause(until)

    async def reconfigure(self, settings):
        pass

    async def close(self):
        pass


async def test_the_awaited_client_is_the_same_one():
    one = AsyncMeterDlms(AsyncScript(Script(register, LISTS)))
    reading = await one.read("active_energy_import")
    assert reading.value == Decimal("3493.43")
    assert [found.value for found in await one.read_many(["active_energy_import"])] == [reading.value]
    await one.release()
