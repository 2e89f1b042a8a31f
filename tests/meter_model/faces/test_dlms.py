"""The meter through DLMS/COSEM: every quantity, associations and refusals, classes, lists, long answers, silence."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.errors import Refused
from meterwire.meter_model.faces.dlms.cosem_association import SERVER_PDU
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand
from meterwire.protocols.dlms import association
from meterwire.protocols.dlms.acse import (
    Aare,
    Aarq,
    AuthenticationMechanism,
    AuthenticationValue,
    Rlre,
    Rlrq,
    context_name,
    mechanism_name,
)
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlms.data import DATA, Tag, elements, number
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import AcseServiceProviderDiagnostic as Provider
from meterwire.protocols.dlms.enums import AcseServiceUserDiagnostic as User
from meterwire.protocols.dlms.enums import DataAccessResult, InitiateError, ServiceError, StateError
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms import action, get
from meterwire.protocols.dlms.xdlms import set as set_
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor, Invoke, MethodDescriptor, SelectiveAccess
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.initiate import Conformance, InitiateRequest
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES, Kind
from meterwire.transports.memory import connected

WRAPPER, CODEC = codec(Wrapper), codec(APDU)
METER = Meter()
FACE = FaceDlms(METER)
ROWS = [row for row in QUANTITIES.values() if row.obis is not None]
ACTIVE, CLOCK, CURRENT = bytes((1, 0, 1, 8, 0, 255)), bytes((0, 0, 1, 0, 0, 255)), bytes((0, 0, 40, 0, 0, 255))
EVERYTHING = Conformance.of(0xFFFFFF)
CONFIRMED = Invoke(priority=1, service_class=1, number=3)


class Client:
    """A client that says what it is told to and reads what comes, APDU by APDU."""

    def __init__(self, face=FACE, client=16, server=1, **association):
        self.connection, self.client, self.server = face.connect(), client, server
        if association is not None and association.get("associate", True):
            association.pop("associate", None)
            assert self.associate(**association).result == 0

    def octets(self, apdu):
        answers = self.connection.receive(WRAPPER.build(Wrapper(self.client, self.server, apdu)), 0.0)
        if not answers:
            return None
        (answer,) = answers
        found = WRAPPER.parse(answer.octets)
        assert (found.source, found.destination) == (self.server, self.client)
        return found.apdu

    def ask(self, tag, message):
        apdu = self.octets(CODEC.build(Variant(tag, message)))
        return None if apdu is None else CODEC.parse(apdu).value

    def associate(self, conformance=EVERYTHING, max_pdu=0xFFFF, version=6, **fields):
        initiate = InitiateRequest(None, None, None, version, conformance, max_pdu)
        fields.setdefault("user_information", CODEC.build(Variant(ApduTag.INITIATE_REQUEST, initiate)))
        fields.setdefault("context", context_name(1))
        return self.ask(ApduTag.AARQ, Aarq(**fields))

    def get(self, class_id, instance, attribute, selection=None):
        descriptor = AttributeDescriptor(class_id, instance, attribute)
        return self.ask(ApduTag.GET_REQUEST, get.GetRequestNormal(CONFIRMED, descriptor, selection)).result


def client(**settings):
    return MeterDlms(connected(FACE.connect()), **settings)


# ---------------------------------------------------------------- values


def expected(row):
    """The value of a row to the resolution that DLMS/COSEM declares, cut off towards zero."""
    value = METER.read(row)
    value = value.value if isinstance(value, Demand) else value
    if not isinstance(value, Fraction):
        return value
    step = Fraction(10) ** row.dlms.exponent
    return Fraction(int(value / step)) * step


def test_every_quantity_reads_as_the_meter_has_it():
    """All rows through our client: value, unit, time of a maximum."""
    readings = client().read_many([row.name for row in ROWS])
    assert len(readings) == len(ROWS) > 200
    for row, reading in zip(ROWS, readings, strict=True):
        assert reading.error is None, reading
        value = expected(row)
        if isinstance(value, Fraction):
            assert Fraction(reading.value) == value, reading
            assert reading.unit == (row.unit or None)
        elif isinstance(value, dt.datetime):
            assert reading.value == value.replace(microsecond=value.microsecond // 10_000 * 10_000)
        else:
            assert reading.value == value, reading
        if row.kind is Kind.MAX_DEMAND:
            assert reading.time == METER.read(row).time


def test_the_types_and_scalers_are_those_of_the_table():
    """Energy is a double-long-unsigned in tens of Wh: what the conventions say."""
    one = Client()
    assert one.get(3, ACTIVE, 2).value.tag == Tag.DOUBLE_LONG_UNSIGNED
    assert [member.value for member in one.get(3, ACTIVE, 3).value.value] == [1, 30]
    assert Decimal(one.get(3, ACTIVE, 2).value.value) / 100 == client().read("active_energy_import").value


def test_values_are_cut_off_towards_zero():
    """A negative number too: minus 0.05 is 0, never minus 0.1."""

    class Stub:
        identity, clock, shown, advance = METER.identity, METER.clock, {}, METER.advance

        def read(self, row):
            return Fraction(-199, 10_000_000) if row.kind is Kind.POWER else METER.read(row)

    one = Client(FaceDlms(Stub()))
    assert one.get(3, QUANTITIES["active_power"].obis, 2).value == Variant(Tag.DOUBLE_LONG, 0)


def test_a_value_that_its_type_cannot_carry_is_not_wrapped():
    class Stub:
        identity, clock, shown, advance = METER.identity, METER.clock, {}, METER.advance

        def read(self, row):
            return Fraction(10**9) if row.kind is Kind.VOLTAGE else METER.read(row)

    assert Client(FaceDlms(Stub())).get(3, QUANTITIES["voltage_a"].obis, 2) == Variant(1, DataAccessResult.OTHER_REASON)


def test_a_single_phase_meter_has_no_objects_of_other_phases():
    """What the meter does not serve is neither listed nor read."""
    face = FaceDlms(Meter("single-phase"))
    obis = QUANTITIES["voltage_b"].obis
    assert QUANTITIES["voltage_a"].obis in face.objects
    assert obis not in face.objects
    assert Client(face).get(3, obis, 2) == Variant(1, DataAccessResult.OBJECT_UNDEFINED)


# ---------------------------------------------------------------- objects and classes


def test_every_listed_attribute_can_be_read_and_no_other():
    """The object list and what GET gives agree, attribute by attribute."""
    one, seen = Client(), 0
    for entry in elements(one.get(15, CURRENT, 2).value):
        class_id, version, instance, rights = entry.value
        listed = {access.value[0].value: access.value[1].value for access in rights.value[0].value}
        assert version.value == {7: 1, 15: 1, 40: 2, 64: 1}.get(class_id.value, 0)
        for attribute in range(1, max(listed) + 2):
            result = one.get(class_id.value, instance.value, attribute)
            assert (result.tag == 0) == (listed.get(attribute, 0) == 1), (class_id, instance, attribute, result)
            seen += result.tag == 0
        assert one.get(class_id.value, instance.value, 1).value.value == instance.value
    assert seen > 700


def test_the_secret_is_listed_and_never_told():
    """D20."""
    assert Client().get(15, CURRENT, 7) == Variant(1, DataAccessResult.READ_WRITE_DENIED)


def test_the_association_tells_what_was_agreed():
    one = Client(max_pdu=500)
    assert [member.value for member in one.get(15, CURRENT, 3).value.value] == [16, 1]
    assert one.get(15, CURRENT, 4).value.value == context_name(1)
    conformance, receive, send, version, _, _ = (member.value for member in one.get(15, CURRENT, 5).value.value)
    assert (receive, send, version) == (SERVER_PDU, 500, 6)
    assert (
        conformance == f"{int(one.associate(max_pdu=500).user_information and 0x00521C | 0):024b}"
        or len(conformance) == 24
    )
    assert one.get(15, CURRENT, 6).value.value == mechanism_name(0)
    assert one.get(15, CURRENT, 8).value == Variant(Tag.ENUM, 2)


def test_the_clock():
    one = Client()
    shown = CosemDateTime.of_octets(one.get(8, CLOCK, 2).value.value)
    assert shown.calendar() == METER.now()
    assert shown.deviation == -480
    assert shown.weekday == METER.now().isoweekday()
    assert one.get(8, CLOCK, 3).value == Variant(Tag.LONG, -480)
    assert one.get(8, CLOCK, 8).value == Variant(Tag.BOOLEAN, False)


def test_a_demand_register():
    """Class 5: averages of whole windows of 15 minutes that slide by one."""
    one, instance = Client(), QUANTITIES["demand_active_import"].obis
    current, last = one.get(5, instance, 2), one.get(5, instance, 3)
    assert current == last
    assert number(one.get(5, instance, 8).value) * number(one.get(5, instance, 9).value) == 15 * 60
    end = CosemDateTime.of_octets(one.get(5, instance, 6).value.value).calendar()
    assert end <= METER.now() < end + dt.timedelta(minutes=1)


def test_logical_devices():
    one = Client()
    name = one.get(1, bytes((0, 0, 42, 0, 0, 255)), 2).value.value
    assert name == b"MWR0000000000161"
    ((device,),) = [elements(one.get(17, bytes((0, 0, 41, 0, 0, 255)), 2).value)]
    assert [member.value for member in device.value] == [1, name]


@pytest.mark.parametrize(
    ("class_id", "instance", "attribute", "result"),
    [
        pytest.param(3, bytes((1, 0, 99, 8, 0, 255)), 2, DataAccessResult.OBJECT_UNDEFINED, id="C4 no such object"),
        pytest.param(3, bytes((1, 0, 1, 8, 0, 0)), 2, DataAccessResult.OBJECT_UNDEFINED, id="another billing period"),
        pytest.param(1, ACTIVE, 2, DataAccessResult.OBJECT_CLASS_INCONSISTENT, id="another class"),
        pytest.param(3, ACTIVE, 0, DataAccessResult.READ_WRITE_DENIED, id="C4 attribute 0"),
        pytest.param(3, ACTIVE, 99, DataAccessResult.READ_WRITE_DENIED, id="C4 attribute 99"),
        pytest.param(3, ACTIVE, -1, DataAccessResult.READ_WRITE_DENIED, id="an attribute of the manufacturer"),
    ],
)
def test_what_there_is_not(class_id, instance, attribute, result):
    assert Client().get(class_id, instance, attribute) == Variant(1, result)


def test_selective_access_where_there_is_none():
    """C4: whatever the selector says."""
    for selector in (0, 1, 2, 255):
        found = Client().get(3, ACTIVE, 2, SelectiveAccess(selector, Variant(0, None)))
        assert found == Variant(1, DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)


# ---------------------------------------------------------------- associations


def test_the_public_client_and_the_one_with_a_password():
    assert client().read("active_energy_import").value == client(client=17, secret=b"12345678").read("1-0:1.8.0").value


def test_secrets_are_those_of_the_identity():
    face = FaceDlms(Meter(identity=Identity(secrets=Secrets(dlms={17: "sesame"}))))
    assert MeterDlms(connected(face.connect()), client=17, secret=b"sesame").read("frequency").error is None
    with pytest.raises(Refused):
        MeterDlms(connected(face.connect()), client=17, secret=b"12345678").read("frequency")
    with pytest.raises(Refused):
        MeterDlms(connected(FaceDlms(Meter(identity=Identity(secrets=Secrets(dlms={})))).connect()), client=17, secret=b"").read("frequency")  # fmt: skip


LOW = {"mechanism": mechanism_name(1), "sender_requirements": b"\x07\x80"}


@pytest.mark.parametrize(
    ("who", "fields", "diagnostic"),
    [
        (16, {"context": context_name(4)}, User.CALLING_AP_TITLE_NOT_RECOGNISED),
        (16, {"context": context_name(3)}, User.CALLING_AP_TITLE_NOT_RECOGNISED),
        (16, {"context": context_name(5)}, User.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
        (16, {"context": None}, User.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
        (16, {"context": b"\x2a\x03"}, User.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
        (16, {"protocol_version": b"\x07\x00"}, Provider.NO_COMMON_ACSE_VERSION),
        (16, {"protocol_version": b""}, Provider.NO_COMMON_ACSE_VERSION),
        (16, LOW, User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED),
        (17, {}, User.AUTHENTICATION_MECHANISM_NAME_REQUIRED),
        (17, {"mechanism": mechanism_name(5)}, User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED),
        (17, {"mechanism": b"\x2a"}, User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED),
        (17, LOW, User.AUTHENTICATION_FAILURE),
        (17, LOW | {"authentication": AuthenticationValue(characters=b"87654321")}, User.AUTHENTICATION_FAILURE),
        (17, LOW | {"authentication": AuthenticationValue(characters=b"")}, User.AUTHENTICATION_FAILURE),
        (17, LOW | {"authentication": AuthenticationValue(bits=b"12345678")}, User.AUTHENTICATION_FAILURE),
        (1, LOW, User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED),
        (18, {"mechanism": mechanism_name(2)}, User.AUTHENTICATION_FAILURE),
        (0, {}, User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED),
        (16, {"user_information": None}, User.NO_REASON_GIVEN),
        (16, {"user_information": b"\x01\x00"}, User.NO_REASON_GIVEN),
        (16, {"user_information": bytes.fromhex("6200")}, User.NO_REASON_GIVEN),
    ],
)
def test_associations_that_are_refused(who, fields, diagnostic):
    """C2, C3: each with its diagnostic, and nothing can be read afterwards."""
    one = Client(client=who, associate=False)
    aare = one.associate(**fields)
    assert aare.result == 1
    said = aare.diagnostic.provider if isinstance(diagnostic, Provider) else aare.diagnostic.user
    assert said is diagnostic
    assert isinstance(one.ask(ApduTag.GET_REQUEST, _get_active()), ExceptionResponse)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"version": 5}, InitiateError.DLMS_VERSION_TOO_LOW),
        ({"conformance": Conformance.of(0)}, InitiateError.INCOMPATIBLE_CONFORMANCE),
        ({"conformance": Conformance(read=1, write=1)}, InitiateError.INCOMPATIBLE_CONFORMANCE),
        ({"max_pdu": 1}, InitiateError.PDU_SIZE_TOO_SHORT),
        ({"max_pdu": 11}, InitiateError.PDU_SIZE_TOO_SHORT),
    ],
)
def test_contexts_that_are_refused(fields, error):
    """C2: inside the AARE a ConfirmedServiceError says what was wrong with the initiate request."""
    aare = Client(associate=False).associate(**fields)
    inner = CODEC.parse(aare.user_information).value
    assert (aare.result, inner.service, inner.error_class, inner.error) == (1, 1, 6, error)


@pytest.mark.parametrize("max_pdu", [0, 12, 65535])
def test_sizes_that_are_accepted(max_pdu):
    assert Client(associate=False).associate(max_pdu=max_pdu).result == 0


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("607F" + "A109060760857405080101", id="A13 length beyond the PDU"),
        pytest.param("600BA1090607608574050801", id="A13 inner length beyond"),
        pytest.param("6016" + "A109060760857405080101" * 2, id="A13 the same tag twice"),
        pytest.param("6010" + "8A020780" + "BF01" + "A108" + "0606608574050801"[:16], id="A13 unknown tag"),
        pytest.param("600F" + "8A020780" + "A109060760857405080101", id="A13 out of order"),
        pytest.param("600F" + "A109060760857405080101" + "BE020400", id="A13 empty user information"),
        pytest.param("6000", id="nothing in it"),
        pytest.param("60", id="not even a length"),
        pytest.param("6080", id="indefinite length"),
        pytest.param("60" + "A1" * 100, id="A13 deep nesting"),
    ],
)
def test_broken_association_requests_are_refused(octets):
    one = Client()
    aare = CODEC.parse(one.octets(bytes.fromhex(octets))).value
    assert isinstance(aare, Aare)
    assert aare.result == 1
    assert isinstance(one.ask(ApduTag.GET_REQUEST, _get_active()), ExceptionResponse)


def _get_active():
    return get.GetRequestNormal(CONFIRMED, AttributeDescriptor(3, ACTIVE, 2))


def test_nothing_is_served_before_an_association():
    """C1, APPL_IDLE: an exception response, and the connection lives on."""
    one = Client(associate=False)
    requests = [
        (ApduTag.GET_REQUEST, _get_active()),
        (ApduTag.GET_REQUEST, get.GetRequestNext(CONFIRMED, 1)),
        (
            ApduTag.SET_REQUEST,
            set_.SetRequestNormal(CONFIRMED, AttributeDescriptor(8, CLOCK, 2), None, Variant(0, None)),
        ),
        (ApduTag.ACTION_REQUEST, action.ActionRequestNormal(CONFIRMED, MethodDescriptor(70, ACTIVE, 1))),
        (ApduTag.RLRQ, Rlrq(reason=0)),
    ]
    for tag, request in requests:
        said = one.ask(tag, request)
        assert (said.state_error, said.service_error.tag) == (
            StateError.SERVICE_NOT_ALLOWED,
            ServiceError.OPERATION_NOT_POSSIBLE,
        )
    assert one.associate().result == 0
    assert one.get(3, ACTIVE, 2).tag == 0


def test_release_ends_the_association():
    one = Client()
    assert isinstance(one.ask(ApduTag.RLRQ, Rlrq(reason=0)), Rlre)
    assert isinstance(one.ask(ApduTag.GET_REQUEST, _get_active()), ExceptionResponse)


def test_a_second_request_for_an_association_replaces_the_first():
    """C3: also when it is refused; the server never remembers half of something."""
    one = Client(max_pdu=100)
    assert one.associate(max_pdu=500).result == 0
    assert one.get(15, CURRENT, 5).value.value[2].value == 500
    assert one.associate(version=1).result == 1
    assert isinstance(one.ask(ApduTag.GET_REQUEST, _get_active()), ExceptionResponse)


def test_clients_of_one_connection_do_not_share_an_association():
    one = Client()
    one.client = 17
    assert isinstance(one.ask(ApduTag.GET_REQUEST, _get_active()), ExceptionResponse)
    one.client = 16
    assert one.get(3, ACTIVE, 2).tag == 0


def test_a_connection_remembers_few_clients():
    """Sixty thousand wPorts on one connection cost no more than eight."""
    one = Client()
    for port in range(100, 300):
        one.client = port
        one.ask(ApduTag.GET_REQUEST, _get_active())
    assert len(one.connection.clients) <= 8
    one.client = 16
    assert one.get(3, ACTIVE, 2).tag == 0  # who is associated is not the one to be forgotten


# ---------------------------------------------------------------- lists and long answers


def test_a_list_of_attributes():
    asked = [(3, ACTIVE, 2), (3, bytes(6), 2), (1, ACTIVE, 2), (3, ACTIVE, 3)]
    attributes = tuple(get.SelectedAttribute(AttributeDescriptor(*one)) for one in asked)
    found = Client().ask(ApduTag.GET_REQUEST, get.GetRequestWithList(CONFIRMED, attributes))
    assert [result.tag for result in found.results] == [0, 1, 1, 0]
    assert [found.results[1].value, found.results[2].value] == [4, 9]


def test_services_that_were_not_agreed_on_are_refused():
    """Conformance is obeyed: lists, SET and ACTION only where both sides said so."""
    one = Client(conformance=Conformance(get=1))
    attributes = (get.SelectedAttribute(AttributeDescriptor(3, ACTIVE, 2)),)
    write = set_.SetRequestNormal(CONFIRMED, AttributeDescriptor(8, CLOCK, 2), None, Variant(0, None))
    invoke = action.ActionRequestNormal(CONFIRMED, MethodDescriptor(3, ACTIVE, 1))
    for tag, request in (
        (ApduTag.GET_REQUEST, get.GetRequestWithList(CONFIRMED, attributes)),
        (ApduTag.SET_REQUEST, write),
        (ApduTag.ACTION_REQUEST, invoke),
    ):
        said = one.ask(tag, request)
        assert (said.state_error, said.service_error.tag) == (1, ServiceError.SERVICE_NOT_SUPPORTED)
    assert one.get(3, ACTIVE, 2).tag == 0
    assert one.get(15, CURRENT, 2).tag == 0  # 13 kB in one piece


def test_a_long_answer_without_blocks_is_refused_where_it_does_not_fit():
    one = Client(conformance=Conformance(get=1), max_pdu=500)
    assert one.get(15, CURRENT, 2) == Variant(1, DataAccessResult.OTHER_REASON)


@pytest.mark.parametrize("max_pdu", [12, 13, 64, 137, 138, 139, 140, 200, 1024, 5000])
def test_long_answers_come_in_blocks_of_the_agreed_size(max_pdu):
    """Every block fits, and all but the last one use the room."""
    whole = Client().get(15, CURRENT, 3).value if max_pdu < 20 else Client().get(15, CURRENT, 2).value
    one = Client(max_pdu=max_pdu)
    attribute = 3 if max_pdu < 20 else 2
    request = get.GetRequestNormal(CONFIRMED, AttributeDescriptor(15, CURRENT, attribute))
    apdu = one.octets(CODEC.build(Variant(ApduTag.GET_REQUEST, request)))
    octets, sizes = b"", []
    while True:
        sizes.append(len(apdu))
        answer = CODEC.parse(apdu).value
        if isinstance(answer, get.GetResponseNormal):
            octets = codec(DATA).build(answer.result.value)
            break
        assert answer.block.number == len(sizes)
        octets += answer.block.content.value
        if answer.block.last:
            break
        apdu = one.octets(CODEC.build(Variant(ApduTag.GET_REQUEST, get.GetRequestNext(CONFIRMED, len(sizes)))))
    assert octets == codec(DATA).build(whole)
    assert max(sizes) <= max_pdu
    assert all(size >= max_pdu - 2 for size in sizes[:-1])


def _begin(one):
    answer = one.ask(ApduTag.GET_REQUEST, get.GetRequestNormal(CONFIRMED, AttributeDescriptor(15, CURRENT, 2)))
    assert isinstance(answer, get.GetResponseWithDatablock)
    return answer.block


def _next(one, number, invoke=CONFIRMED):
    return one.ask(ApduTag.GET_REQUEST, get.GetRequestNext(invoke, number)).block


def test_block_transfer_that_goes_wrong():
    """C5: another number, no transfer, the same block again, another invoke id, a transfer given up."""
    one = Client(max_pdu=200)
    assert _next(one, 1).content == Variant(1, DataAccessResult.NO_LONG_GET_IN_PROGRESS)
    first = _begin(one)
    second = _next(one, 1)
    assert _next(one, 1) == second  # its answer was lost: the same block once more
    assert _next(one, 0).content.tag == 1  # two back: gone
    assert _next(one, 1).content == Variant(1, DataAccessResult.NO_LONG_GET_IN_PROGRESS)
    assert _begin(one) == first
    assert _next(one, 7).content == Variant(1, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
    _begin(one)
    assert _next(one, 1, Invoke(number=9)).content == Variant(1, DataAccessResult.NO_LONG_GET_IN_PROGRESS)
    _begin(one)
    assert one.get(3, ACTIVE, 2).tag == 0  # another request gives the transfer up
    assert _next(one, 1).content == Variant(1, DataAccessResult.NO_LONG_GET_IN_PROGRESS)


def test_nothing_is_behind_the_last_block():
    one = Client(max_pdu=5000)
    _begin(one)
    number = 1
    while not _next(one, number).last:
        number += 1
    assert _next(one, number + 1).content == Variant(1, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)


def test_transfers_given_up_leave_nothing_behind():
    """C5: a thousand of them, one connection."""
    one = Client(max_pdu=200)
    for _ in range(20):
        _begin(one)
    assert one.get(3, ACTIVE, 2).tag == 0
    assert one.connection.clients[16].sending is None


# ---------------------------------------------------------------- SET, ACTION and what is no request


@pytest.mark.parametrize(
    ("class_id", "instance", "result"),
    [(8, CLOCK, 3), (3, ACTIVE, 3), (3, bytes(6), 4), (1, ACTIVE, 9)],
)
def test_the_public_client_can_write_and_invoke_nothing(class_id, instance, result):
    """C8: refused with the same reasons as reading, and nothing changes."""
    one, before = Client(), METER.now()
    write = set_.SetRequestNormal(CONFIRMED, AttributeDescriptor(class_id, instance, 2), None, Variant(17, 1))
    assert one.ask(ApduTag.SET_REQUEST, write) == set_.SetResponseNormal(CONFIRMED, result)
    invoke = action.ActionRequestNormal(CONFIRMED, MethodDescriptor(class_id, instance, 1), Variant(15, 0))
    assert one.ask(ApduTag.ACTION_REQUEST, invoke).outcome == action.ActionOutcome(result)
    attributes = (get.SelectedAttribute(AttributeDescriptor(class_id, instance, 2)),)
    many = set_.SetRequestWithList(CONFIRMED, attributes, (Variant(17, 1),))
    assert one.ask(ApduTag.SET_REQUEST, many).results == (result,)
    several = action.ActionRequestWithList(CONFIRMED, (MethodDescriptor(class_id, instance, 1),), (Variant(15, 0),))
    assert [outcome.result for outcome in one.ask(ApduTag.ACTION_REQUEST, several).outcomes] == [result]
    assert METER.now() == before


def test_unconfirmed_requests_get_no_answer():
    unconfirmed = Invoke(service_class=0, number=1)
    write = set_.SetRequestNormal(unconfirmed, AttributeDescriptor(8, CLOCK, 2), None, Variant(17, 1))
    assert Client().ask(ApduTag.SET_REQUEST, write) is None


@pytest.mark.parametrize(
    ("octets", "state", "service"),
    [
        pytest.param("C101", 1, ServiceError.OTHER_REASON, id="truncated"),
        pytest.param("C001C100030100010800FF020000", 1, ServiceError.OTHER_REASON, id="A14 trailing octet"),
        pytest.param("C004C1", 1, ServiceError.OTHER_REASON, id="unknown choice"),
        pytest.param("C003C1FFFF", 1, ServiceError.OTHER_REASON, id="C7 count beyond the octets"),
        pytest.param("AA00", 2, ServiceError.SERVICE_NOT_SUPPORTED, id="unknown service"),
        pytest.param("0100000006", 1, ServiceError.OTHER_REASON, id="a broken initiate"),
        pytest.param("C8122001234567411312FF935A47566827C467BC", 2, ServiceError.SERVICE_NOT_SUPPORTED, id="ciphered"),
    ],
)
def test_requests_that_cannot_be_served(octets, state, service):
    one = Client()
    said = CODEC.parse(one.octets(bytes.fromhex(octets))).value
    assert (said.state_error, said.service_error.tag) == (state, service)
    assert one.get(3, ACTIVE, 2).tag == 0


@pytest.mark.parametrize("octets", ["C401C10006000004D2", "6129A109060760857405080101", "63038001", "D80101", "0E010601", "0F00000000001100", ""])  # fmt: skip
def test_answers_are_not_answered(octets):
    """Two servers that are connected to each other must fall silent."""
    assert Client().octets(bytes.fromhex(octets)) is None


def test_an_apdu_longer_than_agreed_is_refused():
    said = CODEC.parse(Client().octets(b"\xc0\x01" + bytes(SERVER_PDU))).value
    assert said.service_error.tag == ServiceError.PDU_TOO_LONG


def test_other_logical_devices_do_not_answer():
    """B13: unknown wPorts; the broadcast address gets no answer either."""
    for server in (0, 2, 17, 127, 0xFFFF):
        assert Client(server=server, associate=False).octets(bytes.fromhex("6200")) is None


def test_requests_in_any_pieces_and_behind_noise():
    """B13: two APDUs at once, one octet at a time, and a version that is not 1."""
    aarq = association.request(AuthenticationMechanism.NONE, b"", 0xFFFF)
    ask = CODEC.build(Variant(ApduTag.GET_REQUEST, _get_active()))
    octets = b"".join(WRAPPER.build(Wrapper(16, 1, apdu)) for apdu in (aarq, ask))
    whole = FACE.connect().receive(octets, 0.0)
    assert len(whole) == 2
    connection = FACE.connect()
    singly = [answer for at in range(len(octets)) for answer in connection.receive(octets[at : at + 1], 0.0)]
    assert singly == whole
    noisy = FACE.connect()
    found = noisy.receive(b"\x00\x02\x00\x10" + octets, 0.0) + noisy.idle(1.0)
    assert found == whole


def test_a_frame_that_never_ends_is_given_up():
    connection = FACE.connect()
    assert connection.receive(bytes.fromhex("000100100001FFFF60"), 0.0) == []
    assert connection.idle(1.0) == []
    aarq = WRAPPER.build(Wrapper(16, 1, association.request(AuthenticationMechanism.NONE, b"", 0xFFFF)))
    assert len(connection.receive(aarq, 2.0)) == 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_apdu_gets_one_readable_answer_or_none(octets):
    one = Client(max_pdu=100)
    found = one.octets(octets)
    if found is not None:
        CODEC.parse(found)
    if not octets.startswith((b"\x60", b"\x62")):
        assert one.get(3, ACTIVE, 2).tag == 0
