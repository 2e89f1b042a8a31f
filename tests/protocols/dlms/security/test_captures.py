"""A capture of a ciphered session is read with the keys alone: titles, counters and dedicated keys come out of it."""

import pytest
from dlms_secured import BOTH, FULL, Form, Level, Mechanism, client, keys, security, served

from meterwire.protocols.dlms.decipher import CipherKeys
from meterwire.protocols.dlms.security.curves import private_octets, public_octets
from meterwire.protocols.dlms.security.suites import SUITES
from meterwire.protocols.recognise import Explanation, TitleKeys, dissection, keys_of, pieces
from meterwire.protocols.wire.dissect import render
from meterwire.transports.memory import ResponderLine
from tests.vector_files import vectors


class Tap:
    """A connection whose octets are kept, both ways in their order."""

    def __init__(self, connection):
        self._connection, self.octets = connection, []

    def receive(self, octets, now):
        answers = self._connection.receive(octets, now)
        self.octets += [octets, *(answer.octets for answer in answers)]
        return answers

    def idle(self, now):
        return self._connection.idle(now)


@pytest.mark.parametrize(
    ("level", "dedicated"),
    [
        (FULL, False),
        (FULL, True),
        (Level(BOTH, BOTH, Form.GENERAL), False),
        (Level(BOTH, BOTH, Form.GENERAL), True),
        (Level(BOTH, BOTH, Form.IDENTIFIED), False),
        (Level(BOTH, BOTH, Form.WRAPPED), False),
    ],
    ids=["glo", "ded", "general-glo", "general-ded", "named", "wrapped"],
)
def test_a_session_opens_with_the_keys(level, dedicated):
    meter, face = served()
    tap = Tap(face.connect())
    one = client(face, security(Mechanism.HIGH_GMAC, 0, level, meter, dedicated=dedicated), line=ResponderLine(tap))
    one.get(8, bytes((0, 0, 1, 0, 0, 255)), 2)
    own = keys(0, meter)
    given = (TitleKeys(b"", CipherKeys(own.unicast, own.authentication), own.master),)
    for known, opened in ((given, True), ((), False)):
        explanation = Explanation(known)
        lines = [
            line
            for octets in tap.octets
            for piece in pieces(octets, None)
            for line in render(dissection(piece, explanation))
        ]
        shown = "\n".join(lines)
        assert ("0-0:1.0.0" in shown) is opened
        assert ("the authentication tag verifies" in shown) is opened
        assert "not opened" not in shown


@pytest.mark.parametrize(
    "table",
    [
        {"dlms": {"encryption_key": "{ek}", "authentication_key": "{ak}", "system_title": "{title}"}},
        {"unicast_key": "{ek}", "authentication_key": "{ak}", "meter_title": "{title}"},
    ],
    ids=["keys of a title", "key file of a client"],
)
def test_a_title_that_is_left_out_is_that_of_the_keys(table):
    """A push whose title is empty, with nothing before it that would tell the title."""
    (vector,) = [one for one in vectors("dlms") if one["name"] == "wrapper general-glo data-notification #0"]
    expect, apdu = vector["expect"], vector["octets"][8:]
    told = {"ek": expect["ek"], "ak": expect["ak"], "title": expect["system_title"]}
    filled = {
        name: {key: text.format(**told) for key, text in value.items()}
        if isinstance(value, dict)
        else value.format(**told)
        for name, value in table.items()
    }
    explanation = Explanation(keys_of(filled))
    (piece,) = pieces(apdu[:1] + b"\0" + apdu[10:], None)
    shown = "\n".join(render(dissection(piece, explanation)))
    assert f"sender {told['title'].upper()}, the authentication tag verifies" in shown


@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize(("form", "sides"), [(Form.STATIC, 2), (Form.ONE_PASS, 1)])
def test_agreed_keys_open_for_who_has_a_private_key(suite, form, sides):
    """With static keys both directions; with an ephemeral key of the sender what was sent to us."""
    meter, face = served(suite)
    tap = Tap(face.connect())
    brought = security(Mechanism.HIGH_GMAC, suite, Level(BOTH, BOTH, form), meter)
    one = client(face, brought, line=ResponderLine(tap))
    one.get(8, bytes((0, 0, 1, 0, 0, 255)), 2)
    group, theirs = SUITES[suite], meter.dlms_security.keys.agreement.public_key()
    explanation = Explanation(
        keys_of(
            {
                "suite": suite,
                "unicast_key": brought.keys.unicast.hex(),
                "authentication_key": brought.keys.authentication.hex(),
                "agreement_key": private_octets(group, brought.keys.agreement).hex(),
                "meter_agreement_key": public_octets(theirs).hex(),
            }
        )
    )
    shown = [
        "\n".join(render(dissection(piece, explanation)))
        for octets in tap.octets[-2:]
        for piece in pieces(octets, None)
    ]
    opened = ["the authentication tag verifies" in text for text in shown]
    assert opened == ([True, True] if sides == 2 else [False, True])
    assert ("0-0:1.0.0" in shown[0]) is (sides == 2)
    assert ["not opened" in text for text in shown] == [not one for one in opened]
