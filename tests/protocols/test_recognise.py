"""Telling dialects apart, in single messages and in streams of frames and noise."""

import random
from functools import cache

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_files import vectors

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlms.listen import PushListener
from meterwire.protocols.recognise import DIALECTS, Explanation, dissection, keys_of, pieces, plain, recognise
from meterwire.protocols.wire.checks import crc_x25
from meterwire.protocols.wire.dissect import tree
from meterwire.protocols.wire.nodes import Compact, Variant

DIALECT_OF = {
    "hdlc": "dlms-hdlc",
    "mbus": "mbus",
    "apdu": "dlms",
    "llc": "dlms",
    "acse": "dlms",
    "wrapper": "dlms",
    "axdr": "axdr",
    "dlt645-2007": "dlt645",
    "dlt645-1997": "dlt645",
    "gdw376.2": "gdw376-2",
}
NOISE = bytes.fromhex("00FF68AA6816FE7E0D0A")  # false starts, ends, wake-up octets, flags


def _dialect(name, vector):
    if name == "dlt69845":
        return "dlt69845"
    return DIALECT_OF.get(vector.get("layer") or vector.get("protocol"))


@cache
def known():
    """Every vector that is a message of a known dialect: dialect, whether framed, vector."""
    found = []
    for name in ("dlms", "dlt645_and_376_2", "dlt69845"):
        for vector in vectors(name):
            dialect = _dialect(name, vector)
            if dialect and vector.get("kind") != "negative":
                bare = (vector.get("layer") or vector.get("kind")) in ("apdu", "acse", "llc", "axdr")
                found.append((dialect, not bare, vector))
    return found


EVERY = [pytest.param(*one, id=one[2]["name"]) for one in known()]
FRAMED = [pytest.param(dialect, vector, id=vector["name"]) for dialect, framed, vector in known() if framed]


def is_faulty(vector):
    """Whether its source says that its own check is wrong."""
    frames = vector["expect"].get("frames")
    return isinstance(frames, list) and any(frame.get("fcs_ok") is False for frame in frames)


def whole(found, octets):
    """Nothing was lost or said twice, and offsets are right."""
    at = 0
    for piece in found:
        assert piece.offset == at
        at += len(piece.octets)
    return b"".join(piece.octets for piece in found) == octets


def leaves(item):
    """Spans of the items of one buffer that say something themselves, or hold nothing else."""
    children = [child for child in item.children if child.buffer == item.buffer]
    value = item.value
    while isinstance(value, Variant):
        value = value.value
    has_length = any(child.name == "length" for child in children)  # in front of it perhaps a tag
    if not children or has_length or value is None or isinstance(value, (bytes, str, int, float, Compact)):
        return [(item.start, item.end)]
    return [span for child in children for span in leaves(child)]


def covered(item):
    """Every octet of the item lies in some field of it."""
    spans = sorted(leaves(item))
    at = item.start
    for start, end in spans:
        if start > at:
            return False
        at = max(at, end)
    return at == item.end


@pytest.mark.parametrize(("dialect", "framed", "vector"), EVERY)
def test_every_vector_is_recognised(dialect, framed, vector):
    """Protects the choice of dialect for every real message, and that its tree says something of each octet."""
    del framed
    octets = vector["octets"]
    found = pieces(octets)
    assert whole(found, octets)
    assert {piece.candidate and piece.candidate.dialect for piece in found} == {dialect}
    assert recognise(found[0].octets)[0].dialect == dialect or found[0].shared
    for piece in found:
        assert piece.is_valid != is_faulty(vector)
        shown = dissection(piece)
        assert bool(shown.root.error) == is_faulty(vector)
        assert (shown.root.start, shown.root.end) == (
            piece.offset - len(piece.shared),
            piece.offset + len(piece.octets),
        )
        assert covered(shown.root)


@pytest.mark.parametrize(("dialect", "vector"), FRAMED)
def test_garbage_before_between_and_after(dialect, vector):
    """Protects against losing octets or frames in the noise of a real line."""
    octets = vector["octets"]
    stream = NOISE + octets + NOISE[:6] + octets + b"\x00\x68"
    found = pieces(stream)
    assert whole(found, stream)
    alone = [piece.candidate.message for piece in pieces(octets)]
    frames = [piece for piece in found if piece.candidate]
    assert [piece.candidate.message for piece in frames] == alone * 2
    assert {piece.candidate.dialect for piece in frames} == {dialect}
    garbage = [piece for piece in found if not piece.candidate]
    assert len(garbage) >= 3
    assert all(piece.reason and not piece.is_valid for piece in garbage)


@pytest.mark.parametrize(("dialect", "vector"), [one for one in FRAMED if one.values[0] != "dlms"])
def test_a_frame_with_a_wrong_check_is_still_shown(dialect, vector):
    """Protects people who look for a wrong check: the frame, what it says, and the span that is wrong."""
    good = pieces(vector["octets"])[-1]
    at = good.offset + len(good.octets) - 2  # the last octet of the check
    octets = bytearray(vector["octets"])
    octets[at] ^= 0x40
    found = pieces(bytes(octets))[-1]
    assert (found.candidate.dialect, found.octets) == (dialect, bytes(octets[good.offset :]))
    assert not found.is_valid
    assert found.candidate.message == good.candidate.message
    assert found.candidate.likelihood < good.candidate.likelihood or is_faulty(vector)
    shown = dissection(found)
    wrong = [item for _, item in shown.root.walk() if item.error and not item.children]
    assert shown.root.error
    assert any(item.start <= at < item.end and "check" in item.error for item in wrong)


@pytest.mark.parametrize(("dialect", "vector"), [one for one in FRAMED if one.values[0] == "dlt69845"])
def test_a_header_check_alone_may_be_wrong(dialect, vector):
    """Protects frames whose header check was computed wrongly while the frame check over it is right, or wrong too."""
    octets = bytearray(vector["octets"])
    head = 1 + 2 + 1 + 1 + (octets[4] & 15) + 1 + 1
    octets[head] ^= 1
    for repaired in (False, True):
        if repaired:
            octets[-3:-1] = crc_x25(bytes(octets[1:-3])).to_bytes(2, "little")
        (found,) = pieces(bytes(octets))
        assert found.candidate.dialect == dialect
        wrong = {item.name for _, item in dissection(found).root.walk() if item.error and not item.children}
        assert {"hcs"} <= wrong <= {"hcs", "fcs"}
        assert ("fcs" in wrong) != repaired


def test_a_good_frame_wins_over_a_faulty_one_around_it():
    """Protects good frames against a false start whose length happens to end at their end."""
    good = bytes.fromhex("68610100000000681104333334331416")
    false = bytes.fromhex("681E004300002832006612020012") + good  # as long as it says, wrong check, forwards nothing
    stream = false[:1] + bytes([len(false)]) + false[2:]
    found = pieces(stream)
    assert whole(found, stream)
    assert [piece.candidate and piece.candidate.dialect for piece in found] == [None, "dlt645"]


@pytest.mark.parametrize("name", ["PROXY-Request-7#1", "PROXY-Request-7#2", "PROXY-Response-7#1"])
def test_tunnelled_frames_are_layers(name):
    """Protects proxies: what they pass on is a layer of their frame, with the octets' true places."""
    (vector,) = [v for v in vectors("dlt69845") if v["name"] == name]
    (piece,) = pieces(vector["octets"])
    apdu = vector["expect"]["apdu"]
    inner = bytes.fromhex(apdu["command"] if "command" in apdu else apdu["result"]["data"])
    items = [item for _, item in dissection(piece).root.walk() if item.name in ("dlt645.Frame", "gdw376_2.Frame")]
    assert [vector["octets"][item.start : item.end] for item in items] == [inner]


@pytest.mark.parametrize(
    ("name", "inner"),
    [("concurrent_two_frames", 2), ("concurrent_14_frames", 14), ("monitor_645_fe", 1), ("concurrent_97", 1)],
)
def test_frames_forwarded_by_a_concentrator_are_layers(name, inner):
    """Protects Q/GDW 10376.2: several frames back to back, wake-up octets in front, both editions of 645."""
    (vector,) = [v for v in vectors("dlt645_and_376_2") if v["name"] == name]
    (piece,) = pieces(vector["octets"])
    items = [item for _, item in dissection(piece).root.walk() if item.name == "dlt645.Frame"]
    assert len(items) == inner
    for item in items:
        assert vector["octets"][item.start] == 0x68
        assert vector["octets"][item.end - 1] == 0x16
        assert not item.error


def test_editions_of_645_are_told_apart():
    """Protects people with old meters: the edition is named, the two-octet identifier and its value are read."""
    (vector,) = [v for v in vectors("dlt645_and_376_2") if v["name"] == "97_energy"]
    (piece,) = pieces(vector["octets"])
    assert piece.candidate.title == "DL/T 645-1997"
    assert piece.preamble == b"\xfe" * 4
    texts = [item.text for _, item in dissection(piece).root.walk()]
    assert "9010 forward active energy, total (kWh)" in texts
    assert "1426.79 kWh" in texts


def test_what_is_not_sure_names_a_runner_up():
    """Protects honesty: bare Data could be of either language, and a check-framed message is sure."""
    (vector,) = [v for v in vectors("dlms") if v["layer"] == "axdr"]
    (piece,) = pieces(vector["octets"])
    assert piece.runner_up.title == "bare A-XDR Data of DL/T 698.45"
    assert "or bare A-XDR Data of DL/T 698.45" in dissection(piece).root.text
    for dialect, framed, other in known():
        if framed and dialect != "dlms":
            assert all(piece.runner_up is None for piece in pieces(other["octets"])), other["name"]


def test_hdlc_frames_may_share_a_flag():
    """Protects drivers that close one frame and open the next with the same flag (ISO/IEC 13239, 4.3.1)."""
    frames = [v["octets"] for v in vectors("dlms") if v["layer"] == "hdlc" and "session" in v["name"]][:3]
    stream = b"\x7e" + b"".join(frame[1:] for frame in frames)
    found = pieces(stream)
    assert whole(found, stream)
    assert [piece.frame for piece in found] == frames
    assert [piece.shared for piece in found] == [b"", b"\x7e", b"\x7e"]
    spaced = b"\x7e\x7e" + frames[0] + b"\x7e" + frames[1]
    assert [piece.frame for piece in pieces(spaced)] == frames[:2]
    assert [piece.preamble for piece in pieces(spaced)] == [b"\x7e\x7e", b"\x7e"]


def test_a_dialect_may_be_chosen():
    """Protects `--dialect`: nothing else is found then, and doubts are put aside."""
    (energy,) = [v["octets"] for v in vectors("dlt645_and_376_2") if v["name"] == "97_energy"]
    assert [piece.candidate for piece in pieces(energy, "dlt69845")] == [None]
    assert pieces(b"\x00", "axdr")[0].candidate.title == "bare A-XDR Data"
    assert pieces(b"\x00")[0].candidate is None
    odd = bytes.fromhex("00010010000100055502030405")
    assert pieces(odd)[0].candidate is None
    assert pieces(odd, "dlms")[0].candidate.title == "TCP wrapper"


def test_bare_messages_lie_between_cuts():
    """Protects logs of APDUs: each line is one message, and frames may run across lines."""
    apdus = [v["octets"] for v in vectors("dlt69845") if v["kind"] == "apdu"][:4]
    frame = bytes.fromhex("68610100000000681104333334331416")
    parts = [*apdus[:2], frame[:7], frame[7:], *apdus[2:], b"\x68\x00"]
    cuts = [sum(map(len, parts[: place + 1])) for place in range(len(parts))]
    stream = b"".join(parts)
    found = pieces(stream, cuts=cuts)
    assert whole(found, stream)
    assert [piece.octets for piece in found] == [*apdus[:2], frame, *apdus[2:], b"\x68\x00"]
    assert [piece.candidate and piece.candidate.dialect for piece in found] == [
        "dlt69845",
        "dlt69845",
        "dlt645",
        "dlt69845",
        "dlt69845",
        None,
    ]


# ---------------------------------------------------------------- ciphered layers


def keys_for(expect, *, title=True, **others):
    key = expect.get("ek") or expect["key"]
    table = {"encryption_key": key, "authentication_key": expect.get("ak") or expect.get("authentication_key") or ""}
    if title and "system_title" in expect:
        table["system_title"] = expect["system_title"]
    return keys_of({"dlms": table | others})


CIPHERED = [
    v
    for v in vectors("dlms")
    if v["layer"] in ("apdu", "wrapper", "acse") and "plaintext" in v["expect"] and ("ek" in v["expect"])
]


@pytest.mark.parametrize("vector", CIPHERED, ids=[v["name"] for v in CIPHERED])
def test_ciphered_layers_are_opened_with_keys(vector):
    """Protects `--keys`: the plain APDU is a buffer of its own, numbered, with offsets from 0."""
    (piece,) = pieces(vector["octets"])
    closed = dissection(piece)
    assert len(closed.buffers) == 1
    shown = dissection(piece, Explanation(keys_for(vector["expect"])))
    assert [buffer.hex() for buffer in shown.buffers[1:]] == [vector["expect"]["plaintext"]]
    inner = [item for _, item in shown.root.walk() if item.buffer == 1]
    assert (inner[0].start, inner[0].end) == (0, len(shown.buffers[1]))
    assert not shown.error
    assert tree(shown.root)


def test_a_wrong_key_is_refused_politely():
    """Protects against garbage shown as plain text: the tag does not verify, the note says so, nothing is raised."""
    vector = CIPHERED[-1]
    (piece,) = pieces(vector["octets"])
    shown = dissection(piece, Explanation(keys_for(vector["expect"], encryption_key="00" * 16)))
    assert len(shown.buffers) == 1
    assert any("tag does not verify" in item.text for _, item in shown.root.walk())


def test_titles_are_learnt_from_the_association():
    """Protects captured sessions: the AARQ tells the client's title, so that the file need not."""
    aarq, get = (
        [v for v in vectors("dlms") if v["name"] == name]
        for name in ("AARQ ciphered LLS", "glo-get-request authenticated+encrypted")
    )
    explanation = Explanation(keys_for(aarq[0]["expect"], title=False))
    (first,), (second,) = pieces(aarq[0]["octets"]), pieces(get[0]["octets"])
    assert len(dissection(second, explanation).buffers) == 1
    assert len(dissection(first, explanation).buffers) == 2
    assert dissection(second, explanation).buffers[1].hex() == get[0]["expect"]["plaintext"]


@pytest.mark.parametrize(
    "table",
    [{}, {"dlms": 1}, {"dlms": {"encryption_key": "00"}}, {"dlms": {"authentication_key": "00" * 16}}, {"dlms": {"key": "x"}},
     {"dlms": {"encryption_key": "zz"}}, {"dlms": {"title": 5}}, {"dlms": {"encryption_key": 5}}],
)  # fmt: skip
def test_key_tables_are_checked(table):
    """Protects against silently ignoring a mistake in the keys file; secrets are not repeated."""
    with pytest.raises(LocalProtocolError):
        keys_of(table)


def test_keys_are_never_shown():
    """Protects secrets in logs and tracebacks."""
    assert "00000000" not in repr(keys_of({"dlms": {"encryption_key": "00" * 16}}))


# ---------------------------------------------------------------- streams of anything


FRAMES = [vector["octets"] for dialect, framed, vector in known() if framed and not is_faulty(vector)]
SINGLE = [octets for octets in FRAMES if len(pieces(octets)) == 1]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(SINGLE), st.binary(max_size=12)), max_size=8))
def test_frames_in_noise(parts):
    """Protects against losing octets; every frame in front of which no false start stands is found as it is."""
    stream = b"".join(parts)
    found = pieces(stream)
    assert whole(found, stream)
    if not any(set(part) & {0x68, 0x7E, 0xFE, 0x00} for part in parts if part not in SINGLE):
        frames = [piece.octets for piece in found if piece.is_valid]
        for part in parts:
            assert part not in SINGLE or any(part in piece for piece in frames), part.hex()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([None, *DIALECTS]), st.lists(st.integers(0, 300), max_size=4))
def test_any_octets_are_cut_and_shown(octets, dialect, cuts):
    """Protects the promise that nothing is lost and nothing is raised, whatever comes."""
    found = pieces(octets, dialect, cuts=cuts)
    assert whole(found, octets)
    for piece in found:
        shown = dissection(piece)
        if shown:
            tree(shown.root)
            plain(piece.candidate.message, piece.candidate.codec.layout)
    assert all(0 <= candidate.likelihood <= 1 for candidate in recognise(octets, dialect))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FRAMES), st.data())
def test_a_damaged_frame_is_never_lost(frame, data):
    """Protects people who look at what went wrong: damaged octets come out as they went in."""
    octets = bytearray(frame)
    for place in data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=4)):
        octets[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)))
    stream = bytes(octets[:cut])
    found = pieces(stream)
    assert whole(found, stream)
    for piece in found:
        dissection(piece)


def _header(octets):
    return b"\x68" + octets + crc_x25(octets).to_bytes(2, "little")


HOSTILE = {
    "zeros": b"\x00",
    "starts": b"\x68",
    "starts and ends": b"\x68\x16",
    "wake-up": b"\xfe\xfe\xfe\x68",
    "flags": b"\x7e\xa7",
    "long 376.2": bytes.fromhex("680040430000000000000003010016161600"),
    "long 698.45 with good headers": _header(bytes.fromhex("f03f43052203000000000000")) + b"\x16\x16",
    "wrappers": bytes.fromhex("000100100001FFF0C401C10001020000"),
    "wrappers of nulls": bytes.fromhex("000100010001FF00C401C1000182F000"),
    "645": bytes.fromhex("686101000000006891FF"),
    "lengths": bytes.fromhex("68FFFF68"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_streams_cost_little(name):
    """Protects against streams made to be slow: the readers are called a bounded number of times for each octet."""
    unit = HOSTILE[name]
    work = {}
    for size in (1 << 12, 1 << 14):
        stream = (unit * (size // len(unit) + 1))[:size]
        work[size] = _octets_read(stream)
        assert whole(pieces(stream), stream)
    assert work[1 << 14] <= 8 * work[1 << 12] + (1 << 20)


def _octets_read(stream):
    """Octets that readers were given, all attempts together."""
    from unittest.mock import patch

    from meterwire.protocols.wire.codec import Codec

    count = 0
    attempt, trace = Codec.attempt, Codec.trace

    def counted(original):
        def call(self, octets, *rest, **named):
            nonlocal count
            count += len(octets)
            return original(self, octets, *rest, **named)

        return call

    with patch.object(Codec, "attempt", counted(attempt)), patch.object(Codec, "trace", counted(trace)):
        pieces(stream)
    return count


def test_a_long_stream_of_frames_and_noise():
    """Protects captures of whole days: frames of all dialects behind one another, each found."""
    chosen = random.Random(7)
    parts = [
        chosen.choice(SINGLE) if chosen.random() < 0.8 else bytes([chosen.choice(b"\x01\x02\x55\xaa")])
        for _ in range(300)
    ]
    stream = b"".join(parts)
    found = pieces(stream)
    assert whole(found, stream)
    assert sum(piece.is_valid for piece in found) == sum(part in SINGLE for part in parts)


def test_messages_become_plain_objects():
    """Protects `value` of the JSON output: names for Data and numbers with names, digits for octets."""
    (wrapper,) = [v for v in vectors("dlms") if v["layer"] == "axdr"]
    (piece,) = pieces(wrapper["octets"])
    made = plain(piece.candidate.message, piece.candidate.codec.layout)
    assert list(made) == ["array"]
    assert made["array"][0]["structure"][0] == {"octet-string": "07E30C1F0217000000FFC400"}
    (request,) = [v for v in vectors("dlt645_and_376_2") if v["name"] == "req_voltage_a" or v["name"] == "rhilex_req"]
    made = plain(pieces(request["octets"])[0].candidate.message)
    assert made == {
        "address": "100023669245",
        "control": {"direction": 0, "abnormal": 0, "follow_up": 0, "function": "read"},
        "data": "00010102",
    }


@pytest.mark.parametrize(
    "octets", ["680C00400301010300E83016", "681A00A0040000000000889999888804020701 0201E801027A16"]
)
def test_a_foreign_protocol_in_a_known_shell(octets):
    """Protects people from a wrong reading: the Southern Power Grid's frames share the shell and the sum of 10376.2."""
    octets = bytes.fromhex(octets)
    octets = octets[:-2] + bytes([sum(octets[3:-2]) & 0xFF]) + octets[-1:]
    best = recognise(octets)[0]
    assert best.dialect == "csg"
    assert "Southern Power Grid" in best.title


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("push hdlc_norway_han_3phase", ("double-long-unsigned 1122 = 1.122 kW", "long-unsigned 2307 = 230.7 V")),
        ("Kaifa MA110M", ()),
    ],
)
def test_registers_in_lists_are_told_in_their_unit(name, said):
    """Protects readers of pushes: a number between its name and its scaler is said scaled, any other as it is."""
    (vector,) = [v for v in vectors("dlms") if v["name"].startswith(name)]
    shown = [
        item.text for piece in pieces(vector["octets"]) for _, item in dissection(piece, Explanation()).root.walk()
    ]
    assert set(said) <= set(shown)
    assert any(" = " in text for text in shown) == bool(said)


ENTRY = "0204 120003 0906 0100010700FF 0F{} 120000"
OBJECTS = "0F0000000100 0203 0102" + ENTRY.format("02") + ENTRY.format("03") + "06000004D2 02020F00161B"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("push raw_energomera", ("0-0:97.98.0 alarm register 0: double-long-unsigned 16",)),
        ("push raw_sagecom_xt211", ("octet-string 35313030303035313439 '5100005149'", "0-0:96.1.1 device ID 2")),
        ("", ("1-0:1.7.0 active power +, instantaneous value: double-long-unsigned 1234 = 1.234 kW",)),
    ],
)
def test_values_are_named_by_the_list_in_front_of_them(name, said):
    """Protects readers of pushes: values far behind their object list, or behind bare descriptors, say what they are."""
    octets = vector_octets(name) if name else bytes.fromhex(OBJECTS)
    (piece,) = pieces(octets)
    found = dissection(piece, Explanation())
    assert not found.error
    shown = "\n".join(item.text for _, item in found.root.walk())
    for text in said:
        assert text in shown


def vector_octets(name):
    return next(v["octets"] for v in vectors("dlms") if v["name"].startswith(name))


def test_short_frames_of_mbus():
    """Protects logs of M-Bus lines: the reset in front of a push is told apart, a wrong sum or function is nothing."""
    (reset, push) = pieces(bytes.fromhex("1040F03016") + vector_octets("push mbus_kmswest"))
    assert (reset.candidate.title, push.candidate.title) == ("M-Bus short frame", "M-Bus long frame")
    for octets in ("1040F03116", "1041F03116"):
        assert [piece.candidate for piece in pieces(b"\x00\x01" + bytes.fromhex(octets))] == [None]


def sealed(text, *, counted):
    """A frame with its length and sum: Q/GDW 10376.2 counts all of it and sums from C, DL/T 645 sums all in front."""
    octets = bytearray.fromhex(text)
    if counted:
        octets[1:3] = (len(octets) + 2).to_bytes(2, "little")
    octets.append(sum(octets[3 if counted else 0 :]) & 0xFF)
    return bytes(octets) + b"\x16"


UNUSUAL = {
    "addresses of modules are hexadecimal": (
        "gdw376-2",
        sealed("6800004104002800006 8ABCDEF012345FEDCBA54321003010000".replace(" ", ""), counted=True),
    ),
    "a function of an older edition": (
        "gdw376-2",
        sealed("6800004A1400000000 0A 161514131211 262524232221 363534333231 0A0100 000101", counted=True),
    ),
    "a meter's address is hexadecimal": ("dlt645", sealed("68 EFEEEDECEBEA 68 1104 33333433", counted=False)),
    "an address of ones": ("dlt645", sealed("68 FFFFFFFFFFFF 68 9108 33333433 AB896745", counted=False)),
}


@pytest.mark.parametrize("name", UNUSUAL)
@pytest.mark.parametrize("named", [False, True])
def test_frames_that_stray_from_the_text_are_read(name, named):
    """Protects first contacts: a good frame is shown, alone or where its dialect is named, whatever its address."""
    dialect, octets = UNUSUAL[name]
    (piece,) = pieces(octets, dialect if named else None)
    assert piece.is_valid
    assert piece.candidate.dialect == dialect


NEAR_MISSES = [
    ("0701 05 60147F00 0101 0206 1101 120020 0202 1102 00 01", "dlt69845"),  # ends within its Data
    ("8501 01 00100200 01 0105 06000004D2 06", "dlt69845"),
    ("C401C1 00 0103 0203 090C", "dlms"),
]


@pytest.mark.parametrize(("octets", "dialect"), NEAR_MISSES)
def test_what_an_apdu_lacks_is_said(octets, dialect):
    """Protects whoever pasted half a message: which it nearly is, and where it ends being one."""
    (piece,) = pieces(bytes.fromhex(octets), dialect)
    assert not piece.is_valid
    assert piece.reason.startswith(f"like an APDU of {dialect}, but it fails at octet ")
    assert dialect in pieces(bytes.fromhex(octets))[0].reason


def test_a_title_with_its_length_in_front_of_it():
    """Protects pushes of meters that say the length of their title twice: whose they are, and that they can be opened."""
    title, key = b"MET\0\0\0\0\7", bytes(range(16))
    push = bytes.fromhex("0F00000001 00 0202 0600000001 0600000002")
    sealed = AESGCM(key).encrypt(title + bytes(4), push, b"\x30" + bytes(16))
    content = b"\x30" + bytes(4) + sealed[:-4]
    octets = b"\xdb\x09\x08" + title + bytes((len(content),)) + content
    keys = keys_of(
        {"dlms": {"encryption_key": key.hex(), "authentication_key": bytes(16).hex(), "system_title": title.hex()}}
    )
    (piece,) = pieces(octets)
    said = [item.text for _, item in dissection(piece, Explanation(keys)).root.walk()]
    assert "MET 0000000007" in said
    assert "double-long-unsigned 2" in said
    wrapped = bytes.fromhex("000100010010") + len(octets).to_bytes(2, "big") + octets
    (push_heard,) = PushListener(keys).receive(wrapped)
    assert [reading.value for reading in push_heard.readings] == [1, 2]
