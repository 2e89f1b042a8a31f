"""Abuse cases of cryptography and access control (D1 to D20) that concern DLMS/COSEM, by their id, on both sides."""

import hashlib
import logging
from datetime import UTC, datetime, timedelta

import pytest
from dlms_secured import (
    AUTHENTICATED,
    BOTH,
    FULL,
    METER_TITLE,
    SIGNED,
    TITLE,
    Form,
    Level,
    Mechanism,
    Wire,
    client,
    get_request,
    keys,
    pair,
    refusal,
    security,
    served,
)

from meterwire.errors import MeterwireError, Refused, SecurityError
from meterwire.meter_model.dlms_security import DlmsSecurity
from meterwire.meter_model.identity import Identity
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlms.acse import Aare, AuthenticationValue, Diagnostic, mechanism_name
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import GeneralSigning
from meterwire.protocols.dlms.data import Tag
from meterwire.protocols.dlms.enums import ServiceError
from meterwire.protocols.dlms.handshake import Handshake
from meterwire.protocols.dlms.security import certificates
from meterwire.protocols.dlms.security.ciphering import Ciphering, service_specific
from meterwire.protocols.dlms.security.counters import LAST, ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.curves import public_key, public_octets
from meterwire.protocols.dlms.security.gcm import BROADCAST, COMPRESSED, ENCRYPTED, Gcm
from meterwire.protocols.dlms.security.mechanisms import check_challenge
from meterwire.protocols.dlms.security.protection import CounterRefused
from meterwire.protocols.dlms.security.signing import sign, verify
from meterwire.protocols.dlms.security.suites import SUITES
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

CLOCK = (0, 0, 1, 0, 0, 255)
SETUP = (0, 0, 43, 0, 0, 255)
GET = get_request(8, CLOCK, 2)


class Between:
    """Somebody between client and meter: changes the APDUs of answers, by number from 0."""

    def __init__(self, connection, change):
        self._connection, self._change, self._number = connection, change, -1

    def receive(self, octets, now):
        return [self._changed(answer) for answer in self._connection.receive(octets, now)]

    def idle(self, now):
        return self._connection.idle(now)

    def _changed(self, answer):
        message = codec(Wrapper).parse(answer.octets)
        self._number += 1
        apdu = self._change(self._number, message.apdu)
        return Answer(codec(Wrapper).build(Wrapper(message.source, message.destination, apdu)))


def wire(who=1, suite=0, **more):
    meter, face = served(suite)
    brought = security(Mechanism.HIGH_GMAC, suite, meter=meter, sending=SendingCounter(1), **more)
    return meter, Wire(face, who).associate(brought)


def reading_through(change, mechanism=Mechanism.HIGH_GMAC, level=FULL, suite=0, **more):
    """Read through somebody who changes answers."""
    meter, face = served(suite)
    brought = security(mechanism, suite, level, meter, sending=SendingCounter(1), **more)
    line = ResponderLine(Between(face.connect(), change))
    one = client(face, brought, line=line)
    return one.get(8, bytes(CLOCK), 2)


def aare_changed(**fields):
    """Changes the AARE, which is the first answer."""
    import msgspec

    def change(number, apdu):
        if number:
            return apdu
        found = codec(APDU).parse(apdu)
        return codec(APDU).build(Variant(found.tag, msgspec.structs.replace(found.value, **fields)))

    return change


def test_D1_server_refuses_a_replay():
    _, one = wire()
    request = one.protection.protect(GET)
    assert refusal(one.raw(request)) is None
    assert refusal(one.raw(request)) == ServiceError.INVOCATION_COUNTER_ERROR
    assert one.ask(GET).result.tag == 0


def test_D1_client_refuses_a_replay():
    """An answer recorded before is passed over, and told of when nothing better comes."""
    kept = []

    def change(number, apdu):
        kept.append(apdu)
        return kept[2] if number > 2 else apdu

    meter, face = served()
    line = ResponderLine(Between(face.connect(), change))
    one = client(face, security(Mechanism.HIGH_GMAC, meter=meter, sending=SendingCounter(1)), line=line)
    assert one.get(8, bytes(CLOCK), 2).tag == Tag.OCTET_STRING
    with pytest.raises(CounterRefused):
        one.get(8, bytes(CLOCK), 2)


@pytest.mark.parametrize("spoil", ["tag changed", "tag zero", "text flipped"])
def test_D2_server(spoil):
    _, one = wire()
    octets = bytearray(one.protection.protect(GET))
    if spoil == "tag zero":
        octets[-12:] = bytes(12)
    else:
        octets[-1 if spoil == "tag changed" else 8] ^= 1
    assert refusal(one.raw(bytes(octets))) == ServiceError.DECIPHERING_ERROR
    assert one.ask(GET).result.tag == 0


@pytest.mark.parametrize("at", [-1, 8, 12])
def test_D2_client_parses_nothing_that_does_not_verify(at):
    def change(number, apdu):
        return apdu if number < 2 else apdu[:at] + bytes([apdu[at] ^ 1]) + (apdu[at + 1 :] if at != -1 else b"")

    with pytest.raises(SecurityError, match="does not verify"):
        reading_through(change)


@pytest.mark.parametrize("length", [0, 4, 8, 11, 16])
def test_D3_tags_of_another_length(length):
    _, one = wire()
    own = keys(0, None)
    good = one.protection.protect(GET)
    text, tag = good[7:-12], (good[-12:] + bytes(4))[:length]
    counter = int.from_bytes(good[3:7], "big")
    if length == 16:  # a whole tag of GCM
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head = bytes([BOTH]) + own.authentication
        whole = AESGCM(own.unicast).encrypt(TITLE + counter.to_bytes(4, "big"), GET, head)
        text, tag = whole[:-16], whole[-16:]
    octets = good[:1] + bytes([5 + len(text) + length]) + good[2:7] + text + tag
    assert refusal(one.raw(octets)) == ServiceError.DECIPHERING_ERROR
    with pytest.raises(SecurityError):
        Gcm(own.unicast, own.authentication).open(TITLE, counter, BOTH, text + tag)


def test_D4_only_a_tag_that_verifies_moves_the_counter():
    meter, one = wire()
    before = meter.dlms_security.received(TITLE).expected
    forged = bytearray(one.protection.protect(GET))
    forged[3:7] = LAST.to_bytes(4, "big")
    assert refusal(one.raw(bytes(forged))) == ServiceError.DECIPHERING_ERROR
    assert meter.dlms_security.received(TITLE).expected == before
    assert one.ask(GET).result.tag == 0


def test_D4_client():
    def change(number, apdu):
        return apdu if number < 2 else apdu[:3] + LAST.to_bytes(4, "big") + apdu[7:]

    received = ReceivedCounter()
    with pytest.raises(SecurityError):
        reading_through(change, received=received)
    assert received.expected < 100


def test_D5_the_end_of_the_counter_on_both_sides():
    _, one = wire()
    one.protection.sending.next = LAST + 1
    with pytest.raises(SecurityError, match="new key"):
        one.protection.protect(GET)
    other_meter, other = wire()
    other_meter.dlms_security.sending.next = LAST + 1
    request = other.protection.protect(GET)
    answer = other.raw(request)
    assert answer is None or refusal(answer) is not None  # no ciphered answer with a number that was used


def test_D5_no_number_is_used_twice_after_a_crash():
    """What was reserved before the crash is skipped; nothing reserved is ever saved after it is used."""
    identity = Identity()
    used = set()
    state = DlmsSecurity(identity, lambda: 0).state()
    for _ in range(20):
        running = DlmsSecurity(identity, lambda: 0)
        running.restore(state)
        for step in range(1500):
            number = running.sending.take()
            if running.unsaved:  # what answers with a new block is stored before it leaves
                state = running.state()
            assert number not in used
            used.add(number)
            if step == len(used) % 977:
                break  # killed


@pytest.mark.parametrize("control", [None, 0, AUTHENTICATED, ENCRYPTED])
def test_D6_server_takes_nothing_weaker(control):
    _, one = wire()
    own = keys(0, None)
    octets = GET
    if control is not None:
        gcm = Gcm(own.unicast, own.authentication)
        octets = service_specific(gcm, TITLE, one.protection.sending.take(), control, GET)
    assert refusal(one.raw(octets)) == ServiceError.DECIPHERING_ERROR


@pytest.mark.parametrize("control", [None, 0, AUTHENTICATED, ENCRYPTED])
def test_D6_client_takes_nothing_weaker(control):
    own = keys(0, None)
    plain = bytes.fromhex("c401c10009 00".replace(" ", ""))

    def change(number, apdu):
        if number < 2:
            return apdu
        if control is None:
            return plain
        gcm = Gcm(own.unicast, own.authentication)
        sealed = gcm.seal(METER_TITLE, 5000, control, plain)
        return bytes([ApduTag.GLO_GET_RESPONSE, 5 + len(sealed), control]) + (5000).to_bytes(4, "big") + sealed

    with pytest.raises(SecurityError):
        reading_through(change)


def test_D6_client_wants_a_ciphered_initiate_response():
    with pytest.raises(SecurityError):
        reading_through(aare_changed(user_information=bytes.fromhex("0800065f1f040000301d04c80007")))


@pytest.mark.parametrize(
    "fields",
    [
        {"mechanism": mechanism_name(1)},
        {"mechanism": mechanism_name(4)},
        {"mechanism": None},
        {"diagnostic": Diagnostic(user=0)},
        {"authentication": None},
        {"diagnostic": Diagnostic(user=0), "mechanism": None, "authentication": None},
    ],
    ids=["low", "sha1", "none", "no passes", "no challenge", "nothing left"],
)
@pytest.mark.parametrize("mechanism", [Mechanism.HIGH_MD5, Mechanism.HIGH_SHA256, Mechanism.HIGH_GMAC])
def test_D7_no_weaker_mechanism(mechanism, fields):
    level = FULL if mechanism is Mechanism.HIGH_GMAC else None
    with pytest.raises(SecurityError):
        reading_through(aare_changed(**fields), mechanism, level)


@pytest.mark.parametrize("answer", ["c701c00000", "c701c000010009 0c" + "00" * 12, "c701c0000009", "c701c10100"])
def test_D7_the_proof_of_the_meter_is_wanted(answer):
    """Absent, wrong, or an error: the association is given up."""

    def change(number, apdu):
        octets = bytes.fromhex(answer.replace(" ", ""))
        return octets[:2] + bytes([0xC1]) + octets[3:] if number == 1 else apdu

    with pytest.raises(MeterwireError):
        reading_through(change, Mechanism.HIGH_SHA1, None)


def test_D7_server_serves_nothing_before_the_third_pass():
    _, face = served()
    one = Wire(face, 20)
    handshake = Handshake(security(Mechanism.HIGH_SHA1, level=None), 0xFFFF)
    codec(APDU).parse(one.raw(handshake.aarq()))
    answer = codec(APDU).parse(one.raw(GET)).value
    assert answer.result.tag == 1
    assert codec(APDU).parse(one.raw(get_request(1, (0, 0, 42, 0, 0, 255), 2))).value.result.tag == 1


def test_D8_our_own_challenge_is_not_answered():
    """A meter that sends our challenge back wants us to compute its answer."""
    brought = security(Mechanism.HIGH_MD5, level=None)
    handshake = Handshake(brought, 0xFFFF)
    own = AuthenticationValue(characters=handshake._own)
    with pytest.raises(SecurityError, match="came back"):
        handshake.accepted(
            Aare(
                context=bytes.fromhex("60857405080101"),
                result=0,
                diagnostic=Diagnostic(user=14),
                mechanism=mechanism_name(3),
                authentication=own,
            )
        )


@pytest.mark.parametrize("size", [0, 7, 65])
def test_D8_challenges_of_a_wrong_size(size):
    for mechanism in (Mechanism.HIGH_MD5, Mechanism.HIGH_GMAC):
        with pytest.raises(SecurityError):
            check_challenge(mechanism, bytes(size), b"")
    with pytest.raises(SecurityError):
        reading_through(
            aare_changed(authentication=AuthenticationValue(characters=bytes(size))), Mechanism.HIGH_MD5, None
        )
    _, face = served()
    brought = security(Mechanism.HIGH_MD5, level=None, random=lambda _: b"\1" * size)
    with pytest.raises(Refused, match="authentication failure"):
        client(face, brought).get(8, bytes(CLOCK), 2)


@pytest.mark.parametrize("size", [31, 65])
def test_D8_challenges_of_ecdsa_have_32_to_64_octets(size):
    with pytest.raises(SecurityError):
        check_challenge(Mechanism.HIGH_ECDSA, b"\1" * size, b"")
    check_challenge(Mechanism.HIGH_ECDSA, b"\1" * 32, b"")


def test_D8_a_challenge_that_comes_again_is_refused():
    constant = AuthenticationValue(characters=b"\5" * 16)
    _, face = served()
    line = ResponderLine(Between(face.connect(), aare_changed(authentication=constant)))
    one = client(face, security(Mechanism.HIGH_MD5, level=None), line=line)
    with pytest.raises(SecurityError):
        one.associate()  # our answer is to another challenge than the meter's
    handshake = Handshake(security(Mechanism.HIGH_MD5, level=None), 0xFFFF, b"\5" * 16)
    with pytest.raises(SecurityError, match="before"):
        handshake._check_pending(
            Aare(diagnostic=Diagnostic(user=14), mechanism=mechanism_name(3), authentication=constant)
        )


def test_D8_our_challenges_come_from_the_source_given_and_do_not_repeat():
    """The default of a meter is the operating system's source."""
    import inspect
    import os

    from meterwire.meter_model.faces.dlms.face import FaceDlms

    assert inspect.signature(FaceDlms).parameters["random"].default is os.urandom
    _, face = served()
    seen = set()
    for _ in range(2000):
        answer = codec(APDU).parse(Wire(face, 19).raw(Handshake(security(Mechanism.HIGH_MD5, level=None), 1024).aarq()))
        seen.add(answer.value.authentication.characters)
    assert len(seen) == 2000


def test_D9_guessing_passwords_is_locked_out():
    meter, face = served()
    wrong = security(Mechanism.LOW, level=None)
    wrong.secret = b"00000000"
    for _ in range(5):
        with pytest.raises(Refused):
            client(face, wrong).get(8, bytes(CLOCK), 2)
    with pytest.raises(Refused):
        client(face, security(Mechanism.LOW, level=None)).get(8, bytes(CLOCK), 2)
    meter.clock.step(60)
    assert client(face, security(Mechanism.LOW, level=None)).get(8, bytes(CLOCK), 2)


def test_D9_comparisons_take_the_same_time():
    """Nothing secret is compared by ==: what compares is hmac.compare_digest."""
    import inspect

    from meterwire.meter_model.faces.dlms import cosem_association
    from meterwire.protocols.dlms.security import gcm, mechanisms

    assert "compare_digest(given, policy.secret)" in inspect.getsource(cosem_association)
    assert "compare_digest(made[:TAG_OCTETS], tag)" in inspect.getsource(gcm)
    assert inspect.getsource(mechanisms).count("compare_digest(") >= 3


@pytest.mark.parametrize("apdu", [GET, bytes.fromhex("c301c100460000600300ff01010f00")], ids=["read", "relay"])
def test_D10_the_broadcast_key_is_for_no_unicast_association(apdu):
    meter, face = served(0, broadcast_key=b"\7" * 16)
    one = Wire(face).associate(security(Mechanism.HIGH_GMAC, meter=meter, sending=SendingCounter(1)))
    for key in (b"\7" * 16, keys(0, None).unicast):
        gcm = Gcm(key, keys(0, None).authentication)
        octets = service_specific(gcm, TITLE, one.protection.sending.take(), BOTH | BROADCAST, apdu)
        assert refusal(one.raw(octets)) == ServiceError.DECIPHERING_ERROR


@pytest.mark.parametrize("name", ["Key_Tx_N1", "Key_Tx_N2"])
def test_D11_key_transfer(name):
    """Wrong master key, wrong integrity, unknown key, the same key again, half of a list: the cases named after it."""
    from tests.conformance import test_symsec_named

    getattr(test_symsec_named, name)(served())


@pytest.mark.parametrize("name", ["SecPol_1", "SecPol_2", "SecPol_3"])
def test_D14_the_policy_goes_upwards_through_strong_associations(name):
    from tests.conformance import test_symsec_named

    getattr(test_symsec_named, name)(served())


@pytest.mark.parametrize("key", [bytes(16), b"\1" * 8, b"\1" * 32, "unicast"], ids=str)
def test_D12_dedicated_keys(key):
    _, face = served()
    key = keys(0, None).unicast if key == "unicast" else key
    handshake = Handshake(security(Mechanism.HIGH_GMAC, sending=SendingCounter(1)), 0xFFFF)
    handshake._dedicated = key
    assert codec(APDU).parse(Wire(face).raw(handshake.aarq())).value.result != 0


@pytest.mark.parametrize(
    "title", [bytes(8), TITLE, b"", b"short", None], ids=["zero", "ours", "empty", "short", "none"]
)
def test_D13_titles_of_a_meter(title):
    with pytest.raises(SecurityError):
        reading_through(aare_changed(responding_title=title))


@pytest.mark.parametrize("title", [bytes(8), METER_TITLE, b"MMM\0\0\0\0\2"], ids=["zero", "the meter's", "another"])
def test_D13_titles_of_a_client(title):
    _, face = served()
    with pytest.raises(Refused, match="calling ap title"):
        client(face, security(Mechanism.HIGH_GMAC, title=title, sending=SendingCounter(1))).get(8, bytes(CLOCK), 2)


def test_D13_a_title_that_changes_within_the_association():
    _, face = served()
    brought = security(Mechanism.HIGH_GMAC, level=Level(BOTH, BOTH, Form.GENERAL), sending=SendingCounter(1))
    one = Wire(face).associate(brought)
    octets = one.protection.protect(GET)
    assert octets[:2] == bytes([ApduTag.GENERAL_GLO_CIPHERING, 8])
    assert refusal(one.raw(octets[:2] + b"MMM\0\0\0\0\2" + octets[10:])) == ServiceError.DECIPHERING_ERROR


def test_D15_compression_is_not_taken():
    _, one = wire()
    gcm = Gcm(keys(0, None).unicast, keys(0, None).authentication)
    octets = service_specific(gcm, TITLE, one.protection.sending.take(), BOTH | COMPRESSED, GET + b"\x80" * 500)
    assert refusal(one.raw(octets)) == ServiceError.DECIPHERING_ERROR

    def change(number, apdu):
        return apdu if number < 2 else apdu[:2] + bytes([apdu[2] | COMPRESSED]) + apdu[3:]

    with pytest.raises(SecurityError, match="compressed"):
        reading_through(change)


@pytest.mark.parametrize("number", [1, 2])
def test_D16_signatures_and_points(number):
    suite, key = SUITES[number], pair(number, b"any")
    size, public = suite.coordinate_octets, key.public_key()
    good = sign(suite, key, b"text")
    verify(suite, public, b"text", good)
    order = {1: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551}.get(number, (1 << 384) - 1)
    for r in (bytes(size), order.to_bytes(size, "big"), b"\xff" * size):
        for bad in (r + good[size:], good[:size] + r, good[:-1], good + b"\0", b""):
            with pytest.raises(SecurityError):
                verify(suite, public, b"text", bad)
    with pytest.raises(SecurityError):
        verify(SUITES[3 - number], public, b"text", good)
    octets = public_octets(public)
    for point in (octets[:-1] + bytes([octets[-1] ^ 1]), bytes(2 * size), octets[:-1], octets + b"\0"):
        with pytest.raises(SecurityError):
            public_key(suite, point)


def test_D16_a_signature_over_another_title():
    meter, face = served(1)
    level = Level(BOTH | SIGNED, BOTH | SIGNED)
    brought = security(Mechanism.HIGH_ECDSA, 1, level, meter, sending=SendingCounter(1))
    one = Wire(face, 23).associate(brought)
    message = codec(APDU).parse(one.protection.protect(GET)).value
    assert isinstance(message, GeneralSigning)
    for fields in (
        {"originator": b"MMM\0\0\0\0\2"},
        {"recipient": TITLE},
        {"content": GET},
        {"transaction": bytes(8)},
        {"other": b"x"},
    ):
        import msgspec

        forged = msgspec.structs.replace(message, **fields)
        octets = codec(APDU).build(Variant(ApduTag.GENERAL_SIGNING, forged))
        assert refusal(one.raw(octets)) == ServiceError.DECIPHERING_ERROR
    assert one.ask(GET).result.tag == 0


NOW = datetime(2026, 1, 1, tzinfo=UTC)
VALID = (NOW - timedelta(days=1), NOW + timedelta(days=1))


def certificate(purpose=certificates.Purpose.SIGNING, valid=VALID, title=TITLE, number=1):
    issuer = pair(number, b"issuer")
    key = pair(number, b"subject").public_key()
    return certificates.made(title, key, purpose, "Test CA", issuer, valid, 5)


def test_D16_certificates():
    """Good ones are believed; expired ones, others' and those for another purpose or curve are not."""
    check, signing = certificates.checked_key, certificates.Purpose.SIGNING
    good = certificate()
    assert certificates.read(certificates.octets_of(good)) == good
    assert public_octets(check(good, signing, SUITES[1], TITLE, NOW)) == public_octets(pair(1, b"subject").public_key())
    for one, purpose, number, title, now in (
        (certificate(valid=(VALID[0], NOW - timedelta(hours=1))), signing, 1, TITLE, NOW),
        (certificate(valid=(NOW + timedelta(hours=1), VALID[1])), signing, 1, TITLE, NOW),
        (certificate(certificates.Purpose.AGREEMENT), signing, 1, TITLE, NOW),
        (good, certificates.Purpose.AGREEMENT, 1, TITLE, NOW),
        (good, signing, 2, TITLE, NOW),
        (good, signing, 1, METER_TITLE, NOW),
    ):
        with pytest.raises(SecurityError):
            check(one, purpose, SUITES[number], title, now)
    with pytest.raises(SecurityError):
        check(good, signing, SUITES[1], TITLE, NOW, issuer=certificate(title=METER_TITLE))
    for octets in (b"", b"\x30\x03abc", b"-----BEGIN CERTIFICATE-----", bytes(10_000)):
        with pytest.raises(SecurityError):
            certificates.read(octets)


def test_D20_secrets_are_not_read():
    """Neither passwords nor keys, and nothing of them is in what is shown of the objects that hold them."""
    meter, one = wire()
    assert one.get(15, (0, 0, 40, 0, 0, 255), 7).result.tag == 1
    for attribute in range(-2, 20):
        answer = one.protection.unprotect(one.raw(one.protection.protect(get_request(64, SETUP, attribute))))
        for secret in (keys(0, None).unicast, keys(0, None).authentication, keys(0, None).master, b"12345678"):
            assert secret not in answer
    for shown in map(repr, (meter.dlms_security, meter.dlms_security.keys, meter.identity.secrets, one.protection)):
        assert "12345678" not in shown
        assert "\\x01\\x02\\x03" not in shown


def test_D20_nothing_is_logged(caplog):
    with caplog.at_level(logging.DEBUG):
        wire()
    assert not caplog.text


def test_half_a_counter_block_is_never_a_reason_to_answer_in_clear():
    """Whatever is thrown at a ciphered association, what leaves it is ciphered or an exception without content."""
    _, one = wire()
    seed = hashlib.sha256(b"noise").digest()
    for number in range(300):
        seed = hashlib.sha256(seed).digest()
        good = bytearray(one.protection.protect(GET))
        good[seed[0] % len(good)] ^= seed[1] or 1
        answer = one.raw(bytes(good))
        if answer is not None:
            assert answer[0] in (ApduTag.EXCEPTION_RESPONSE, ApduTag.GLO_GET_RESPONSE, ApduTag.AARE, ApduTag.RLRE), (
                number
            )
    assert isinstance(one.protection, Ciphering)
