"""Every frame and APDU of the vectors: real captures and the worked examples of the standard."""

import json
from pathlib import Path

import pytest

from meterwire.errors import ChecksumError, MalformedError
from meterwire.protocols.dlt69845.address import Address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.data import DATA_NAMES
from meterwire.protocols.dlt69845.dates import DateTime
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.link import EDITIONS, Fragment, FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.services import action, connect, get, presence, proxied, proxy, report, security
from meterwire.protocols.dlt69845.services import set as setting
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer, Garbage
from meterwire.protocols.wire.nodes import Variant

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt69845.json").read_text("utf-8"))
FRAMES = [v for v in VECTORS if v["kind"] in ("frame", "link")]
APDUS = [v for v in VECTORS if "apdu" in v["expect"]]
NEGATIVES = {v["name"]: bytes.fromhex(v["hex"]) for v in VECTORS if v["kind"] == "negative"}
NOT_CANONICAL: dict[str, str] = {}
"""Vectors that are not re-encoded to the same octets, by name, with the reason: so far there is none."""

KINDS = ("single", "wildcard", "group", "broadcast")
PIECES = {0: "start", 1: "end", 2: "confirm", 3: "middle"}


def named(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=[v["name"] for v in vectors])


# ---------------------------------------------------------------- what an APDU says, as the vectors write it


def hexed(octets):
    return octets.hex().upper()


def told_time(t):
    return f"{t.year:04d}-{t.month:02d}-{t.day:02d}(w{t.weekday}) {t.hour:02d}:{t.minute:02d}:{t.second:02d}.{t.millisecond:03d}"


def told_data(data):
    name, value = DATA_NAMES[data.tag], data.value
    if data.tag in (1, 2):
        return {name: [told_data(element) for element in value]}
    if data.tag == 91:
        return {name: told_column(value)}
    if data.tag == 92:
        return {name: told_meters(value)}
    if data.tag == 84:
        return {name: [int(value.unit), value.value]}
    if isinstance(value, bytes):
        return {name: hexed(value)}
    return {name: value if isinstance(value, (int, str, type(None))) else str(value)}


def told_column(column):
    if isinstance(column, Road):
        return {"oad": str(column.oad), "rel": [str(oad) for oad in column.related]}
    return str(column)


def told_meters(meters):
    told = {"ms": meters.tag}
    if meters.value is not None:
        told["v"] = [hexed(v) if isinstance(v, bytes) else v for v in meters.value]
    return told


def told_rows(rows):
    body = rows.value
    if rows.tag == 1:
        return {"sel": 1, "oad": str(body.column), "v": told_data(body.value)}
    if rows.tag == 2:
        ends = {"from": told_data(body.start), "to": told_data(body.end), "step": told_data(body.step)}
        return {"sel": 2, "oad": str(body.column)} | ends
    assert rows.tag == 10
    return {"sel": 10, "n": body.count, "ms": told_meters(body.meters)}


def told_result(result):
    told = {"oad": str(result.oad)}
    if result.result.tag == 0:
        return told | {"dar": int(result.result.value)}
    return told | {"data": told_data(result.result.value)}


def told_record(record):
    rows = [[told_data(value) for value in row] for row in record.result.value]
    return {"oad": str(record.oad), "cols": [told_column(c) for c in record.columns], "rows": rows}


def told_set(item):
    return {"oad": str(item.oad), "data": told_data(item.value)}


def told_set_result(result):
    return {"oad": str(result.oad), "dar": int(result.result)}


def told_action(item):
    return {"omd": str(item.omd), "param": told_data(item.parameters)}


def told_action_result(result):
    told = {"omd": str(result.omd), "dar": int(result.result)}
    return told if result.value is None else told | {"data": told_data(result.value)}


def told_get(body):
    told = {"piid": int(body.piid)}
    if isinstance(body, get.GetRequestNormal):
        return told | {"oad": str(body.oad)}
    if isinstance(body, get.GetRequestNormalList):
        return told | {"oads": [str(oad) for oad in body.oads]}
    if isinstance(body, get.GetRequestNext):
        return told | {"block": body.block}
    record = body.record
    return told | {
        "oad": str(record.oad),
        "rsd": told_rows(record.rows),
        "rcsd": [told_column(c) for c in record.columns],
    }


def told_got(body):
    told = {"piid_acd": int(body.piid)}
    if isinstance(body, get.GetResponseNormal):
        return told | {"result": told_result(body.result)}
    if isinstance(body, get.GetResponseNormalList):
        return told | {"results": [told_result(r) for r in body.results]}
    return told | {"record": told_record(body.record)}


def told_request(body):
    """SET and ACTION, asked."""
    told = {"piid": int(body.piid)}
    if isinstance(body, setting.SetRequestNormal):
        return told | told_set(body.item)
    if isinstance(body, setting.SetRequestNormalList):
        return told | {"sets": [told_set(i) for i in body.items]}
    if isinstance(body, setting.SetThenGetRequest):
        return told | {"sets": [{"set": told_set(i.item), "get": str(i.get), "delay_s": i.delay} for i in body.items]}
    if isinstance(body, action.ActionRequestNormal):
        return told | told_action(body.item)
    items = [{"act": told_action(i.item), "get": str(i.get), "delay_s": i.delay} for i in body.items]
    return told | {"actions": items}


def told_response(body):
    """SET and ACTION, answered."""
    told = {"piid_acd": int(body.piid)}
    if isinstance(body, setting.SetResponseNormal):
        return told | told_set_result(body.result)
    if isinstance(body, setting.SetResponseNormalList):
        return told | {"results": [told_set_result(r) for r in body.results]}
    if isinstance(body, setting.SetThenGetResponse):
        results = [told_set_result(r.result) | {"get": told_result(r.get)} for r in body.results]
        return told | {"results": results}
    if isinstance(body, action.ActionResponseNormal):
        return told | told_action_result(body.result)
    return told | {"results": [told_action_result(r) for r in body.results]}


def told_proxy(body):
    told = {"piid": int(body.piid)}
    if isinstance(body, proxy.ProxyTransparent):
        s = body.settings
        settings = [int(s.baud), int(s.parity), s.data_bits, s.stop_bits, int(s.flow)]
        waits = {"wait_s": body.timeout, "byte_ms": body.gap, "command": hexed(body.octets)}
        return told | {"port": str(body.port), "comdcb": settings} | waits
    servers = []
    for server in body.servers:
        if isinstance(server, proxy.ProxyGet):
            items = [str(oad) for oad in server.oads]
        elif isinstance(server, proxy.ProxySet):
            items = [told_set(i) for i in server.items]
        else:
            items = [{"act": told_action(i.item), "get": str(i.get), "delay_s": i.delay} for i in server.items]
        servers.append({"tsa": hexed(server.server), "timeout_s": server.timeout, "items": items})
    return told | {"timeout_s": body.timeout, "servers": servers}


def told_connection(body):
    sizes = {"tx_max": body.send_size, "rx_max": body.receive_size, "window": body.window}
    conformance = {"proto_conf": hexed(body.protocol), "func_conf": hexed(body.functions)}
    return {"version": body.version, "apdu_max": body.apdu_size, "timeout_s": body.timeout} | conformance | sizes


def told_connect(body):
    mechanism = body.mechanism
    told = {"piid": int(body.piid)} | told_connection(body)
    told["mechanism"] = ("Null", "Password", "Symmetry", "Signature")[mechanism.tag]
    if mechanism.tag >= 2:
        told |= {"cipher": hexed(mechanism.value.cipher), "sign": hexed(mechanism.value.signature)}
    return told


def told_connected(body):
    f = body.factory
    told = {"piid_acd": int(body.piid), "result": int(body.result)} | told_connection(body)
    told["factory"] = [f.maker, f.software, f.software_date, f.hardware, f.hardware_date, f.extension]
    if body.proof is not None:
        told |= {"server_rn": hexed(body.proof.random), "server_sign": hexed(body.proof.signature)}
    return told


def told_link_request(body):
    kind = body.kind.name.lower()
    times = {"heartbeat_s": body.heartbeat, "time": told_time(body.time)}
    return {"service": "LINK-Request", "piid_acd": int(body.piid), "type": kind} | times


def told_link_response(body):
    result = {"clock_trusted": body.result.clock_trusted, "result": int(body.result.outcome)}
    times = {"request": body.requested, "received": body.received, "response": body.responded}
    assert all(isinstance(t, DateTime) for t in times.values())
    told = {name: told_time(t) for name, t in times.items()}
    return {"service": "LINK-Response", "piid": int(body.piid)} | result | told


def told_proof(proof):
    if proof.tag == 1:
        return {"RN": hexed(proof.value)}
    sid = proof.value.identifier
    return {
        "SID_MAC": {"id": f"{sid.identifier:08X}", "add": hexed(sid.additional), "mac": hexed(proof.value.mac)},
    }


def told_security(body):
    asked = isinstance(body, security.SecurityRequest)
    assert isinstance(body.content, security.PlainContent)
    verify = told_proof(body.proof) if asked else {"MAC": hexed(body.proof.value)}
    service = "SECURITY-Request" if asked else "SECURITY-Response"
    return {"service": service, "form": "plain", "apdu": told(body.content.apdu), "verify": verify}


CHOICES = {
    get.GetRequest: ("GET-Request", "request", told_get, (1, 2, 3, 4, 5, 6)),
    get.GetResponse: ("GET-Response", "response", told_got, (1, 2, 3, 4, 5, 6)),
    setting.SetRequest: ("SET-Request", "request", told_request, (1, 2, 3)),
    setting.SetResponse: ("SET-Response", "response", told_response, (1, 2, 3)),
    action.ActionRequest: ("ACTION-Request", "request", told_request, (1, 2, 3)),
    action.ActionResponse: ("ACTION-Response", "response", told_response, (1, 2, 3)),
    report.ReportResponse: (
        "REPORT-Response",
        "receipt",
        lambda b: {"piid": int(b.piid), "oads": [str(o) for o in b.oads]},
        (1, 2),
    ),
    proxy.ProxyRequest: ("PROXY-Request", "request", told_proxy, (1, 2, 3, 4, 5, 6, 7)),
    proxied.ProxyResponse: (
        "PROXY-Response",
        "response",
        lambda b: {"piid_acd": int(b.piid), "port": str(b.port), "result": {"data": hexed(b.result.value)}},
        (1, 2, 3, 4, 5, 6, 7),
    ),
}


def told(octets):
    """An APDU as the vectors write it."""
    body = codec(Apdu, 2021).parse(octets).body
    for cls, function in (
        (presence.LinkRequest, told_link_request),
        (presence.LinkResponse, told_link_response),
        (security.SecurityRequest, told_security),
        (security.SecurityResponse, told_security),
    ):
        if isinstance(body, cls):
            return function(body)
    tails = {"time_tag": body.time_tag}
    if hasattr(body, "follow_report"):
        tails["follow_report"] = body.follow_report
    if isinstance(body, connect.ConnectRequest):
        return {"service": "CONNECT-Request"} | told_connect(body) | tails
    if isinstance(body, connect.ConnectResponse):
        return {"service": "CONNECT-Response"} | told_connected(body) | tails
    service, name, function, _ = CHOICES[type(body)]
    return {"service": service, "choice": octets[1]} | function(getattr(body, name)) | tails


# ---------------------------------------------------------------- tests


def user_data(vector):
    octets = bytes.fromhex(vector["hex"])
    return octets if vector["kind"] == "apdu" else codec(Link, 2021).parse(octets).user


@named(FRAMES)
@pytest.mark.parametrize("edition", EDITIONS)
def test_link_fields_are_those_of_the_vector(vector, edition):
    """A frame of either edition gives the addresses, control bits and unscrambled content that were captured."""
    octets, expect = bytes.fromhex(vector["hex"]), vector["expect"]
    link = codec(Link, edition).parse(octets)
    if "L" not in expect:
        assert link.user == b"12"
        return
    control, sender = link.control, address_in(link)
    found = {
        "L": link.length.size,
        "dir": control.direction,
        "prm": control.started_by_client,
        "fragment": control.fragment,
        "sc": control.scrambled,
        "func": int(control.function),
        "sa_type": KINDS[sender.kind],
        "logic": sender.logic,
        "sa": sender.digits,
        "ca": link.client,
    }
    assert found == {name: expect[name] for name in found}
    if "unscrambled" in expect:
        assert hexed(link.user) == expect["unscrambled"]
    if "frag" in expect:
        fragment = codec(Fragment).parse(link.user)
        assert {"seq": fragment.word.number, "type": PIECES[fragment.word.kind]} == expect["frag"]
        assert hexed(fragment.piece) == expect["piece"]


@named(APDUS)
def test_apdu_says_what_the_vector_says(vector):
    """Every APDU gives every field that the vector lists, and none that it does not."""
    assert told(user_data(vector)) == vector["expect"]["apdu"]


@named([v for v in VECTORS if v["kind"] != "negative"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_octets_are_built_again(vector, edition):
    """What was read is built to the same octets, link and APDU, but for what is listed with its reason."""
    octets = bytes.fromhex(vector["hex"])
    if vector["kind"] != "apdu":
        link = codec(Link, edition).parse(octets)
        assert codec(Link, edition).build(link) == octets
    if "apdu" in vector["expect"]:
        user = user_data(vector)
        made = codec(Apdu, edition).build(codec(Apdu, edition).parse(user))
        assert (made == user) == (vector["name"] not in NOT_CANONICAL)


@named(FRAMES)
def test_frame_is_found_octet_by_octet(vector):
    """However the line cuts it, behind four wake-up octets or not, a frame is found once, with nothing left over."""
    octets = bytes.fromhex(vector["hex"])
    for lead in (b"", b"\xfe" * 4):
        framer = Framer(codec(Link, 2021), fill=b"\xfe")
        pieces = [piece for octet in lead + octets for piece in framer.receive(bytes([octet]))]
        assert [type(piece) for piece in pieces] == [Frame]
        assert (pieces[0].octets, pieces[0].preamble) == (octets, lead)
        assert pieces[0].message == codec(Link, 2021).parse(octets)
        assert framer.idle() == []


@named([v for v in VECTORS if v["kind"] == "apdu"])
@pytest.mark.parametrize("scrambled", [0, 1])
def test_apdu_is_found_octet_by_octet(vector, scrambled):
    """An APDU that was recorded without its frame comes out of one, octet by octet, scrambled or not, as it went in."""
    octets = bytes.fromhex(vector["hex"])
    flag, server = Address("000000000161").wire(2021)
    control = LinkControl(direction=octets[0] >> 7, started_by_client=1, scrambled=scrambled)
    frame = codec(Link, 2021).build(Link(FrameLength(), control, flag, server, 16, octets))
    framer = Framer(codec(Link, 2021), fill=b"\xfe")
    pieces = [piece for octet in frame for piece in framer.receive(bytes([octet]))]
    assert [piece.message.user for piece in pieces] == [octets]
    assert told(pieces[0].message.user) == vector["expect"]["apdu"]


@named(APDUS)
def test_apdus_that_end_too_soon_are_refused(vector):
    """Every cut of every APDU is malformed, with an offset inside it: nothing is read that was not sent."""
    user = user_data(vector)
    for size in range(1, len(user)):
        with pytest.raises(MalformedError) as caught:
            codec(Apdu, 2021).parse(user[:size])
        assert 0 <= caught.value.offset <= size


@pytest.mark.parametrize("name", ["negative: bad FCS", "negative: bad HCS"])
def test_bad_checks_are_refused(name):
    """A frame with a wrong check is a checksum error to a parser and garbage to a framer."""
    octets = NEGATIVES[name]
    with pytest.raises(ChecksumError) as caught:
        codec(Link, 2021).parse(octets)
    assert caught.value.path.endswith(name[-3:].lower())
    framer = Framer(codec(Link, 2021))
    pieces = framer.receive(octets) + framer.idle()
    assert pieces
    assert all(isinstance(piece, Garbage) for piece in pieces)
    assert b"".join(piece.octets for piece in pieces) == octets


def test_garbage_behind_a_frame_is_garbage():
    """Octets behind the end octet are no part of the frame, and do not spoil it."""
    octets = NEGATIVES["negative: tail garbage after 16 is not part of frame"]
    with pytest.raises(MalformedError):
        codec(Link, 2021).parse(octets)
    framer = Framer(codec(Link, 2021))
    pieces = framer.receive(octets) + framer.idle()
    assert [piece.octets for piece in pieces] == [octets[:25], octets[25:]]
    assert isinstance(pieces[0], Frame)
    assert told(pieces[0].message.user)["oad"] == "60120200"


def test_stream_of_all_frames_with_noise_between_loses_none():
    """A false start between frames, with a plausible large length, does not swallow the good frames behind it."""
    octets = [bytes.fromhex(v["hex"]) for v in FRAMES]
    noise = bytes.fromhex("68FF3F")
    framer = Framer(codec(Link, 2021), fill=b"\xfe")
    pieces = framer.receive(noise.join(octets)) + framer.idle()
    assert [piece.octets for piece in pieces if isinstance(piece, Frame)] == octets


def test_longer_forms_of_a_length_are_read_and_not_sent():
    """A terminal sends the count 7 as 82 00 07: that is read, and the shortest form is sent."""
    apdu = bytes.fromhex("0502018200010010020000")
    parsed = codec(Apdu, 2021).parse(apdu)
    assert parsed.body.request.oads == (Oad(0x0010, 2, 0),)
    assert codec(Apdu, 2021).build(parsed) == bytes.fromhex("050201010010020000")


def test_unknown_services_are_left_as_octets():
    """A service without a layout, such as COMPACT-GET, is kept whole and built again."""
    for octets in (b"\x45\x01\x02\x03", b"\x00", b"\xff" * 30):
        parsed = codec(Apdu, 2021).parse(octets)
        assert parsed.body == octets[1:]
        assert codec(Apdu, 2021).build(parsed) == octets


def test_record_rows_have_as_many_values_as_there_are_columns():
    """Rows have no count of their own: two rows of three columns are six values."""
    vector = next(v for v in APDUS if v["name"] == "GET-Response-3#2")
    record = codec(Apdu, 2021).parse(user_data(vector)).body.response.record
    assert record.width == len(record.columns) == 3
    assert record.result == Variant(
        1,
        (
            (Variant(6, 123000), Variant(18, 2405), Variant(5, 4980)),
            (Variant(6, 123456), Variant(18, 2413), Variant(5, 5000)),
        ),
    )
