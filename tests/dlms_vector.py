"""What our own decoding finds in one vector of `dlms.json`, under the names that the vector's expectation uses.

The octets arrive through the framer of the vector's layer, whole or one at a time; segments and blocks are put together;
what is ciphered is opened with the vector's keys. Nothing of the expectation but its keys is used for it.
"""

from datetime import UTC, timedelta

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.acse import Aare, Aarq, AuthenticationMechanism, context_of, mechanism_of
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.ciphering import GeneralBlockTransfer, GeneralCiphered, Protected
from meterwire.protocols.dlms.data import DATA, TAG_NAMES, elements
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.decipher import CipherKeys, decipher
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlms.pushed_readings import readings_of
from meterwire.protocols.dlms.security.agreement import derived_key, shared_secret
from meterwire.protocols.dlms.security.counters import SendingCounter
from meterwire.protocols.dlms.security.curves import private_key, public_key, public_octets
from meterwire.protocols.dlms.security.gcm import Gcm
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.mechanisms import Parties, proof
from meterwire.protocols.dlms.security.signing import verify
from meterwire.protocols.dlms.security.suites import SUITES
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.action import ActionRequestNormal, ActionResponseNormal
from meterwire.protocols.dlms.xdlms.get import GetRequestNormal
from meterwire.protocols.dlms.xdlms.initiate import ConfirmedServiceError, InitiateRequest, InitiateResponse
from meterwire.protocols.dlms.xdlms.notify import DataNotification
from meterwire.protocols.hdlc.frame import UNNUMBERED, address_parts
from meterwire.protocols.hdlc.frame import Frame as HdlcFrame
from meterwire.protocols.hdlc.parameters import offered
from meterwire.protocols.mbus.frame import LongFrame
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer
from meterwire.quantities.reading import METER_ZONE

SERVICE_NAMES = {ActionResponseNormal: "-normal", ActionRequestNormal: "-normal", GetRequestNormal: "-normal"}


def octets(expect, *names):
    """The first of these that the expectation gives, as octets."""
    return next((bytes.fromhex(expect[name]) for name in names if expect.get(name)), b"")


def found_in(vector, size):
    """All that our decoding says of a vector whose octets come `size` at a time."""
    return READERS[vector["layer"]](vector["octets"], vector["expect"], size)


# ---------------------------------------------------------------- layers below the APDU


def framed(layout, stream, size):
    """The frames of one kind, through a framer; what is damaged only in its check is kept and marked."""
    framer = Framer(codec(layout), keep_checks=True)
    pieces = [piece for at in range(0, len(stream), size) for piece in framer.receive(stream[at : at + size])]
    return pieces + framer.idle()


def hdlc(stream, expect, size):
    frames = framed(HdlcFrame, stream, size)
    found = {"frames": [_hdlc_frame(frame) for frame in frames]}
    found["no_byte_stuffing"] = all(codec(HdlcFrame).build(frame.message) in stream for frame in frames)
    first = frames[0].message
    kind = UNNUMBERED.get(first.control & ~0x10)
    if kind in ("SNRM", "UA"):
        return found | {"type": kind} | _link(first, kind)
    apdus = list(_apdus(frames))
    if all(one[0] == ApduTag.GENERAL_BLOCK_TRANSFER for one in apdus):
        blocks = [codec(APDU).parse(one).value for one in apdus]
        assert [block.block for block in blocks] == list(range(1, len(blocks) + 1))
        assert [block.control.last for block in blocks] == [0] * (len(blocks) - 1) + [1]
        found["gbt"] = list(map(_block, blocks))
        apdus = [b"".join(block.data for block in blocks)]
    return found | (apdu(apdus[0], expect, size) if apdus[0][0] in set(ApduTag) else {})


def _apdus(frames):
    """What lies in them, segments put together, without the LLC octets; a frame of nothing says nothing."""
    held = b""
    for frame in frames:
        held += frame.message.information
        if not frame.message.format.segmented:
            yield (codec(Llc).parse(held).apdu if held[:1] == b"\xe6" else held) or b"\xff"
            held = b""


def _hdlc_frame(frame):
    message = frame.message
    found = {
        "dst": message.destination.hex(),
        "src": message.source.hex(),
        "control": message.control,
        "segmented": bool(message.format.segmented),
        "info": message.information.hex(),
    }
    return found if frame.error is None else {"fcs_ok": False} | found


def _link(frame, kind):
    """A client asks and a server answers: which of the two addresses is whose is said by the kind."""
    agreed = offered(frame.information)
    server, client = (frame.destination, frame.source) if kind == "SNRM" else (frame.source, frame.destination)
    logical, physical = address_parts(server)
    return {
        "server_logical": logical,
        "server_physical": physical,
        "client": address_parts(client)[0],
        "max_info_tx": agreed.info_tx,
        "max_info_rx": agreed.info_rx,
        "window_tx": agreed.window_tx,
        "window_rx": agreed.window_rx,
    }


def _block(block: GeneralBlockTransfer):
    return {
        "block_control": int(block.control),
        "block_number": block.block,
        "ack": block.acknowledged,
        "len": len(block.data),
    }


def mbus(stream, expect, size):
    frames = [frame.message for frame in framed(LongFrame, stream, size)]
    told = [
        {
            "c": one.control,
            "a": one.address,
            "ci": int(one.information),
            "stsap": one.source,
            "dtsap": one.destination,
        }
        for one in frames
    ]
    assert [frame.information.sequence for frame in frames] == list(range(len(frames)))
    assert [frame.information.last for frame in frames] == [0] * (len(frames) - 1) + [1]
    counted = isinstance(expect["frames"], int)  # one source tells the frames, another how many there are
    return {"frames": len(told) if counted else told} | apdu(b"".join(frame.data for frame in frames), expect, size)


def wrapper(stream, expect, size):
    (frame,) = framed(Wrapper, stream, size)
    message = frame.message
    found = {"version": int.from_bytes(frame.octets[:2], "big"), "length": len(message.apdu)}
    return found | {"source": message.source, "destination": message.destination} | apdu(message.apdu, expect, size)


def llc(stream, expect, size):
    del size  # the frame around it is what cuts it
    return {"llc": stream[:3].hex()} | apdu(codec(Llc).parse(stream).apdu, expect, 1 << 20)


def bare(stream, expect, size):
    """An APDU without a link: it is put into a wrapper, so that it can arrive in pieces."""
    (frame,) = framed(Wrapper, codec(Wrapper).build(Wrapper(1, 16, stream)), size)
    return apdu(frame.message.apdu, expect, size)


# ---------------------------------------------------------------- APDUs


def apdu(stream, expect, size):
    """What an APDU says, and if it can be opened what the one inside says."""
    del size
    read = codec(APDU).parse(stream)
    value = read.value
    assert codec(APDU).build(read) == stream, "it is not sent again as it came"
    name = ApduTag(read.tag).name.lower().replace("_", "-") + SERVICE_NAMES.get(type(value), "")
    if isinstance(value, GeneralCiphered):
        return {"ciphering": name, "system_title": value.title.hex()} | _opened(value.content, value.title, expect)
    if isinstance(value, Protected):
        inner = _opened(value, octets(expect, "system_title"), expect)
        return inner | {"apdu": name}
    return {"apdu": name} | _said_by(value, expect)


def _opened(protected, title, expect):
    control = protected.control
    found = {
        "security_control": int(control),
        "suite": control.suite,
        "invocation_counter": protected.counter,
        "system_title": title.hex(),
    }
    encryption, authentication = octets(expect, "ek", "key"), octets(expect, "ak", "authentication_key")
    if not encryption:
        return found
    plain = decipher(protected, title, CipherKeys(encryption, authentication))
    if control.authenticated:
        found["tag_ok"] = True
    inner = apdu(plain, {}, 1)
    return found | {"plaintext": plain.hex(), **inner, _INNER.get(inner["apdu"], "get"): inner}


_INNER = {"initiate-request": "initiate"}


def _said_by(value, expect):
    reader = APDU_READERS.get(type(value))
    return reader(value, expect) if reader is not None else {}


def aarq(value, expect):
    found = {
        "context": context_of(value.context),
        "mechanism": mechanism_of(value.mechanism),
        "authentication_value": value.authentication.characters.hex() if value.authentication else None,
        "calling_ap_title": (value.calling_title or b"").hex(),
        "user_information": value.user_information.hex(),
    }
    inner = apdu(value.user_information, expect, 1)
    return {key: said for key, said in inner.items() if key != "apdu"} | found


def aare(value, expect):
    inner = apdu(value.user_information, expect, 1)
    found = {
        "result": value.result,
        "diagnostic_user": value.diagnostic.user,
        "mechanism": mechanism_of(value.mechanism),
        "responding_authentication_value": value.authentication.characters.hex() if value.authentication else None,
    }
    return {key: said for key, said in inner.items() if key != "apdu"} | found


def initiate(value, expect):
    del expect
    found = {
        "dlms_version": value.dlms_version,
        "conformance": f"{int(value.conformance):06x}",
        "max_pdu": value.max_pdu,
        "quality_of_service": value.quality_of_service,
    }
    if isinstance(value, InitiateResponse):
        return found | {"vaa_name": value.vaa_name}
    return found | {
        "dedicated_key": (value.dedicated_key or b"").hex(),
        "response_allowed": value.response_allowed is not False,
    }


def service_error(value, expect):
    del expect
    assert value.error_class == 6
    return {"confirmed_service_error": {"service": value.service, "initiate_error": value.error}}


def notification(value, expect):
    del expect
    found = {
        "long_invoke_id_and_priority": f"{int(value.invoke):08x}",
        "date_time": (value.date_time.value or b"").hex(),
        "raw_body": value.body.hex(),
        "trailing": "",
    }
    if value.date_time.tag == 9:
        found["date_time_nonconforming"] = "octet-string tag 09 present"
    try:
        found["value"] = said(codec(DATA).parse(value.body))
    except MalformedError:
        found["no_data"] = True
    try:
        found["points"] = {
            reading.item.split("/")[-2 if "/" in reading.item else 0]: reading
            for reading in readings_of(value.body, METER_ZONE)
        }
    except MalformedError:
        found["points"] = {}
    return found


def action(value, expect):
    del expect
    found = {"invoke": int(value.invoke)}
    if isinstance(value, ActionRequestNormal):
        at = value.descriptor
        place = {"class": at.class_id, "ln": ".".join(map(str, at.instance)), "method": at.method}
        return found | place | {"parameter": said(value.parameters)}
    returned = value.outcome.returned
    failed = returned is not None and returned.tag == 1
    data = None if returned is None or failed else said(returned.value)
    found |= {"result": value.outcome.result, "data": data}
    return found | ({"return_data_error": returned.value} if failed else {})


def get(value, expect):
    del expect
    at = value.descriptor
    assert value.selection is None
    place = {"class": at.class_id, "ln": ".".join(map(str, at.instance)), "attribute": at.attribute}
    return {"type": "normal"} | place


APDU_READERS = {
    Aarq: aarq,
    Aare: aare,
    InitiateRequest: initiate,
    InitiateResponse: initiate,
    ConfirmedServiceError: service_error,
    DataNotification: notification,
    ActionRequestNormal: action,
    ActionResponseNormal: action,
    GetRequestNormal: get,
}


def said(data):
    """Data in the notation of the vectors: {type: value}, lists for what has members, None for null-data."""
    name = TAG_NAMES[data.tag]
    if data.value is None:
        return None
    if isinstance(data.value, tuple):
        return {name: [said(member) for member in data.value]}
    return {name: data.value.hex() if isinstance(data.value, bytes) else data.value}


# ---------------------------------------------------------------- Data, and algorithms


def axdr(stream, expect, size):
    """Until its last octet has come it is no Data."""
    for end in range(0, len(stream), max(size, 1)):
        assert isinstance(codec(DATA).attempt(stream[:end]), MalformedError)
    data = codec(DATA).parse(stream)
    assert codec(DATA).build(data) == stream
    first = CosemDateTime.of_octets(elements(elements(data)[0])[0].value)
    begin = first.calendar(UTC).astimezone(UTC).replace(tzinfo=None) + timedelta(minutes=-first.deviation)
    rows = range(len(elements(data)))
    stamps = [begin + row * timedelta(minutes=expect["capture_period_minutes"]) for row in rows]
    return {
        "value": said(data),
        "deviation_minutes": first.deviation,
        "timestamps": [stamp.isoformat() for stamp in stamps],
        "capture_period_minutes": expect["capture_period_minutes"],  # an input: it is not in the octets
    }


def crypto(stream, expect, size):
    del size
    return ALGORITHMS[expect["op"]](stream, expect) | {"op": expect["op"], "suite": expect["suite"]}


def gmac(challenge, expect):
    keys = Keys(unicast=octets(expect, "ek"), authentication=octets(expect, "ak"))
    parties = Parties(
        AuthenticationMechanism.HIGH_GMAC, octets(expect, "system_title"), b"", b"", challenge, b"", 0, keys
    )
    made = proof(parties, SendingCounter(expect["invocation_counter"]))
    return {
        "f": made.hex(),
        "security_control": made[0],
        "invocation_counter": int.from_bytes(made[1:5], "big"),
        "tag": made[5:].hex(),
    }


def agreement(secret, expect):
    suite, found = SUITES[expect["suite"]], {}
    own = private_key(suite, octets(expect, "ephemeral_private", "static_private"))
    peer = public_key(suite, octets(expect, "peer_static_public", "peer_ephemeral_public"))
    if "ephemeral_private" in expect:
        static = private_key(suite, octets(expect, "peer_static_private"))
        found["ephemeral_public"] = public_octets(own.public_key()).hex()
        found["peer_static_public"] = public_octets(static.public_key()).hex()
    z = shared_secret(suite, own, peer)
    assert z == secret
    key = derived_key(suite, z, octets(expect, "party_u"), octets(expect, "party_v")).hex()
    return found | {"z": z.hex(), "z_matches_keys": True, "ek": key, "algorithm_id": suite.algorithm_id.hex()}


def gcm(plain, expect):
    sealed = Gcm(octets(expect, "ek"), octets(expect, "ak")).seal(
        octets(expect, "originator"), int(expect["invocation_counter"], 16), expect["security_control"], plain
    )
    return {"ciphertext_and_tag": sealed.hex(), "ciphertext": sealed[:-12].hex()}


def signature(text, expect):
    suite = SUITES[expect["suite"]]
    key = public_octets(private_key(suite, octets(expect, "private_key")).public_key())
    verify(suite, public_key(suite, key), bytes((expect["key_id"],)) + text, octets(expect, "signature"))
    return {"public_key": key.hex(), "curve": suite.curve}


ALGORITHMS = {"gmac": gmac, "ecdh+kdf": agreement, "gcm": gcm, "ecdsa-verify": signature}

READERS = {
    "hdlc": hdlc,
    "mbus": mbus,
    "wrapper": wrapper,
    "llc": llc,
    "apdu": bare,
    "acse": bare,
    "axdr": axdr,
    "crypto": crypto,
}
