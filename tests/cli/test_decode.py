"""`meterwire decode`: whatever people keep frames in, shown as trees, garbage as garbage, nothing lost."""

import io
import json
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from vector_files import vectors

from meterwire.cli.main import run
from meterwire.transports.capture.pcapng import CaptureFile

READ = "68610100000000681104333334331416"
ANSWER = "6861010000000068910833333433593333338A16"
GET = "68170043052203000000000037210501012000020000CEBA16"
KEYS = {"object": {"dialect", "offset", "octets", "value", "tree", "error"}}


def decoded(capsys, *words):
    """Exit code and the objects of `--json`."""
    code = run(["decode", "--json", *words])
    out = capsys.readouterr()
    return code, json.loads(out.out)


def texts(item):
    """All meanings in a tree."""
    return [item.get("text", ""), *(text for child in item.get("children", ()) for text in texts(child))]


def joined(objects):
    """The input again: all pieces in order, without what was put together from them."""
    alone = [one for one in objects if "parts" not in one]
    return "".join(one["octets"] for one in sorted(alone, key=lambda one: one["offset"]))


def test_hex_is_shown_as_a_tree(capsys):
    """Protects the plain use: spans, names, value with unit."""
    assert run(["decode", ANSWER]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "dlt645 at 0: DL/T 645-2007"
    shown = " ".join(lines)
    assert "00010000 forward active energy, total, current (kWh)" in shown
    assert "[0.26 kWh]" in shown
    assert any(line.split()[0] == "14..18" for line in lines)


def test_json_has_one_object_for_each_piece(capsys):
    """Protects programs that read the output: the six names, offsets, octets, and garbage with its reason."""
    code, found = decoded(capsys, f"AABB {READ} 00 FEFE {GET} 6816")
    assert code == 0
    assert all(set(one) == KEYS["object"] for one in found)
    assert [one["dialect"] for one in found] == [None, "dlt645", None, "dlt69845", None]
    assert [one["offset"] for one in found] == [0, 2, 18, 19, 46]
    assert joined(found) == f"AABB{READ}00FEFE{GET}6816"
    garbage, frame = found[0], found[1]
    assert (garbage["value"], garbage["tree"]) == (None, None)
    assert garbage["error"]
    assert frame["error"] is None
    assert frame["value"]["address"] == "000000000161"
    assert frame["value"]["control"]["function"] == "read"
    assert frame["tree"]["span"] == [2, 18]
    assert found[3]["tree"]["span"] == [19, 46]
    assert found[3]["tree"]["children"][0]["name"] == "preamble"


@pytest.mark.parametrize(
    "text",
    [
        "{0} {1}",
        "{0}\n{1}\n",
        "2024-05-01 12:00:01.123 TX: {0}\n2024-05-01 12:00:01.456 RX: {1}\n",
        "[12:00:01:123] --> {0}\n[12:00:01:456] <-- {1}",
        "send {x0}\nrecv {x1}",
        "发送：{0}\n接收：{1}\n",
        "# a comment\n\n{c0}\n// another\n{h1}\n",
        "TX {a0}\nTX {b0}\nRX {1}\n",
        "0000  {a0}\n0007  {b0} {1}\n",
    ],
)
def test_logs_are_read_as_people_keep_them(capsys, tmp_path, text):
    """Protects logs: time stamps, prefixes, spaces, 0x, commas, colons, comments, frames across lines."""
    spaced = [bytes.fromhex(frame).hex(" ") for frame in (READ, ANSWER)]
    words = {
        "x0": ", ".join(f"0x{octet}" for octet in spaced[0].split()),
        "x1": " ".join(f"0x{octet}," for octet in spaced[1].split()),
        "c0": spaced[0].replace(" ", ":"),
        "h1": " ".join(f"{octet.upper()}H" for octet in spaced[1].split()),
        "a0": spaced[0][:20],
        "b0": spaced[0][21:],
    }
    file = tmp_path / "frames.log"
    file.write_text(text.format(*spaced, **words), encoding="utf-8")
    code, found = decoded(capsys, str(file))
    assert code == 0
    assert [one["octets"] for one in found] == [READ, ANSWER]
    assert [one["offset"] for one in found] == [0, 16]
    assert [one["error"] for one in found] == [None, None]
    assert run(["decode", str(file)]) == 0
    out = capsys.readouterr().out
    assert ("12:00:01" in out) == ("12:00:01" in text)


APDU = (  # a push without an object list, in the shape that meters of one Slovenian maker send, with other values
    "0F0000 0D7F 0C 07E8070903122819 00FF8880 0204 0910 49534B31 30343030 30303030 30303031 "
    "0908 31363832 30303130 06 000004D2 12 0905"
)


@pytest.mark.parametrize("before", ["", "(V) ", "12:00:01.123 :>"])
@pytest.mark.parametrize("head", ["", "E6E700"])
def test_a_message_without_a_frame_over_several_lines(capsys, tmp_path, before, head):
    """Protects dumps of what a program has unwrapped: a bare APDU may fill a paragraph, next to frames or alone."""
    octets = bytes.fromhex(head + APDU)
    lines = [octets[at : at + 16].hex(" ") for at in range(0, len(octets), 16)]
    assert len(lines) > 3
    text = "\n".join(f"{before}{line}" for line in lines)
    file = tmp_path / "dump.log"
    file.write_text(f"APDU:\n{text}\n\nanswer:\n{READ}\n{text}\n")
    code, found = decoded(capsys, str(file))
    assert code == 0
    assert [one["dialect"] for one in found][:2] == ["dlms", "dlt645"]
    assert found[0]["octets"] == octets.hex().upper()
    assert "double-long-unsigned 1234" in texts(found[0]["tree"])


def test_what_came_in_several_frames_is_shown_whole(capsys):
    """Protects whoever captured a push in segments: the whole of it behind its last frame, and where its parts are."""
    capture = str(Path(__file__).parents[2] / "captures/dlms_hdlc_push_segmented.hex")
    code, found = decoded(capsys, capture)
    assert code == 0
    whole = found[3]
    assert set(whole) == KEYS["object"] | {"parts"}
    assert (whole["dialect"], whole["offset"], whole["parts"]) == ("dlms", 0, [0, 166, 332])
    assert whole["tree"]["span"] == [0, len(whole["octets"]) // 2]
    assert any("1-0:1.7.0 active power +" in text for text in texts(whole["tree"]))
    assert run(["decode", capture]) == 0
    assert "dlms at 0, 166, 332, received: " in capsys.readouterr().out


def test_answers_between_the_parts_of_a_request(capsys, tmp_path):
    """Protects logs of full-duplex lines: each direction is a stream of its own."""
    file = tmp_path / "frames.log"
    file.write_text(f"TX {READ[:20]}\nRX {ANSWER[:10]}\nTX {READ[20:]}\nRX {ANSWER[10:]}\n")
    code, found = decoded(capsys, str(file))
    assert code == 0
    assert [one["octets"] for one in found] == [READ, ANSWER]
    assert [one["offset"] for one in found] == [0, 10]


@pytest.mark.parametrize("name", ["dlms", "dlt645_and_376_2", "dlt69845"])
def test_every_vector_is_shown(capsys, tmp_path, name):
    """Protects the promise for all real frames, from one log with time stamps and prefixes."""
    chosen = [v for v in vectors(name) if v.get("layer") != "crypto" and v.get("kind") != "negative"]
    lines = [
        f"12:00:{place % 60:02}.{place:03} {'RX' if place % 2 else 'TX'}: {v['octets'].hex(' ')}"
        for place, v in enumerate(chosen)
    ]
    file = tmp_path / "all.log"
    file.write_text("\n".join(lines))
    code, found = decoded(capsys, str(file))
    assert code == 0
    assert joined(found) == "".join(v["octets"].hex().upper() for v in chosen)
    assert all(one["dialect"] for one in found)
    assert sum(one["error"] is not None for one in found) == (1 if name == "dlms" else 0)  # fcs_ok is false there
    assert run(["decode", str(file)]) == 0
    assert "garbage" not in capsys.readouterr().out


def test_a_wrong_check_is_shown_and_is_not_valid(capsys):
    """Protects the exit code: a frame whose only fault is its check is shown, with the span, and is not valid."""
    wrong = READ[:-4] + "1516"
    code, (found,) = decoded(capsys, wrong)
    assert code == 1
    assert found["dialect"] == "dlt645"
    assert "check 15H" in found["error"]
    (child,) = [child for child in found["tree"]["children"] if "error" in child]
    assert (child["name"], child["span"]) == ("checksum", [14, 15])
    run(["decode", wrong])
    assert "!! check 15H, the octets give 14H" in capsys.readouterr().out


def test_faults_of_inner_layers_are_in_the_tree_alone(capsys):
    """Protects the meaning of `error`: it is the frame's own; rf_monitor forwards a frame with a wrong sum."""
    (vector,) = [v for v in vectors("dlt645_and_376_2") if v["name"] == "rf_monitor"]
    code, (found,) = decoded(capsys, vector["hex"])
    assert code == 0
    assert found["error"] is None
    assert "check EDH, the octets give F0H" in json.dumps(found["tree"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([READ], 0),
        (["DEADBEEF"], 1),
        (["--json", "DEADBEEF"], 1),
        (["no hex at all"], 2),
        (["68zz"], 2),
        ([""], 2),
        (["--dialect", "dlt645", READ], 0),
        (["--dialect", "dlms", READ], 1),
        (["--dialect", "modbus", READ], 2),
        (["--keys", "/nowhere/keys.toml", READ], 2),
        (["/"], 2),
        ([], 2),
    ],
)
def test_exit_codes(capsys, words, code):
    """Protects scripts: 0 a valid frame, 1 none, 2 wrong usage; a reason on stderr and never a traceback."""
    assert run(["decode", *words]) == code
    out = capsys.readouterr()
    assert "Traceback" not in out.err
    assert bool(out.err) == (code == 2)


@pytest.mark.parametrize("separator", ["", " "])
def test_a_long_frame_is_no_file_name(capsys, separator):
    """Protects whoever pastes a frame longer than a name may be (255 octets): it is hex text and never a missing file."""
    long = max((v["octets"] for v in vectors("dlt69845") if v.get("kind") == "frame"), key=len)
    text = separator.join(f"{octet:02X}" for octet in long)
    assert len(text) > 255
    code, (found,) = decoded(capsys, text)
    assert code == 0
    assert found["octets"] == long.hex().upper()


def test_standard_input(capsys, monkeypatch):
    """Protects pipes: text and raw octets."""
    for octets in (f"RX {READ}".encode(), bytes.fromhex(READ), f"\ufeff{READ}\r\n".encode("utf-16-le")):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(octets)))
        code, found = decoded(capsys, "-")
        assert code == 0
        assert [one["octets"] for one in found] == [READ]


def test_a_file_of_raw_octets(capsys, tmp_path):
    """Protects dumps of a serial line as they came."""
    file = tmp_path / "line.bin"
    file.write_bytes(bytes.fromhex("00" + READ + "FF"))
    code, found = decoded(capsys, str(file))
    assert code == 0
    assert [one["octets"] for one in found] == ["00", READ, "FF"]


def test_an_empty_file_has_no_frames(capsys, tmp_path):
    """Protects programs: an empty array is JSON too."""
    file = tmp_path / "empty"
    file.write_bytes(b"")
    assert decoded(capsys, str(file)) == (1, [])


def _tcp(source, destination, sequence, octets, flags=0x18):
    tcp = struct.pack(">HHIIBBHHH", source, destination, sequence, 0, 0x50, flags, 1024, 0, 0) + octets
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + b"\x7f\0\0\1" * 2
    return ip + tcp


def _pcap(packets):
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    return head + b"".join(struct.pack("<IIII", 1700000000 + n, 0, len(p), len(p)) + p for n, p in enumerate(packets))


def test_tcp_is_put_together_for_each_direction(capsys, tmp_path):
    """Protects captures: segments late and twice, frames across segments, the other direction between them."""
    (frame,) = [v["octets"] for v in vectors("dlms") if v["name"] == "wrapper general-glo data-notification #0"]
    get = bytes.fromhex(GET)
    packets = [
        _tcp(4059, 5000, 99, b"", 2),
        _tcp(4059, 5000, 100, frame[:20]),
        _tcp(5000, 4059, 1, get[:9]),
        _tcp(4059, 5000, 150, frame[50:] + frame[:30]),
        _tcp(4059, 5000, 120, frame[20:50]),
        _tcp(4059, 5000, 120, frame[20:50]),
        _tcp(5000, 4059, 10, get[9:]),
        _tcp(4059, 5000, 208, frame[30:]),
    ]
    file = tmp_path / "session.pcap"
    file.write_bytes(_pcap(packets))
    code, found = decoded(capsys, str(file))
    assert code == 0
    assert [(one["dialect"], one["octets"]) for one in found] == [
        ("dlms", frame.hex().upper()),
        ("dlt69845", GET),
        ("dlms", frame.hex().upper()),
    ]
    assert run(["decode", str(file)]) == 0
    assert "127.0.0.1:4059 > 127.0.0.1:5000" in capsys.readouterr().out


def test_a_broken_capture_shows_what_came_before(capsys, tmp_path):
    """Protects captures that were cut off: the frames are shown, and that it is broken is said on stderr."""
    file = tmp_path / "session.pcap"
    file.write_bytes(_pcap([_tcp(5000, 4059, 1, bytes.fromhex(GET))]) + b"\x01\x02\x03")
    assert run(["decode", "--json", str(file)]) == 0
    out = capsys.readouterr()
    assert [one["octets"] for one in json.loads(out.out)] == [GET]
    assert "broken" in out.err


def test_recorded_sessions_are_read(capsys, tmp_path):
    """Protects `--record`: what the recorder wrote is a capture with directions."""
    file = tmp_path / "session.pcapng"
    capture = CaptureFile(file.open("wb"))
    line = capture.interface("session", "dlt645+pty:")
    capture.packet(line, 1.0, bytes.fromhex(READ), "sent")
    capture.packet(line, 1.2, bytes.fromhex(ANSWER[:12]), "received")
    capture.packet(line, 1.3, bytes.fromhex(ANSWER[12:]), "received")
    capture.close()
    code, found = decoded(capsys, str(file))
    assert code == 0
    assert [one["octets"] for one in found] == [READ, ANSWER]


def test_keys_open_ciphered_layers(capsys, tmp_path):
    """Protects `--keys`: the plain APDU is a numbered buffer; without keys, or with wrong ones, it stays closed."""
    (vector,) = [v for v in vectors("dlms") if v["name"] == "wrapper general-glo data-notification #0"]
    keys = tmp_path / "keys.toml"
    expect = vector["expect"]
    keys.write_text(f'[dlms]\nencryption_key = "{expect["ek"]}"\nauthentication_key = "{expect["ak"]}"\n')
    code, (found,) = decoded(capsys, "--keys", str(keys), vector["hex"])
    assert code == 0
    assert '"buffer": 1' in json.dumps(found["tree"])
    assert any("the authentication tag verifies" in text for text in texts(found["tree"]))
    keys.write_text(f'[dlms]\nencryption_key = "{"00" * 16}"\nauthentication_key = "{expect["ak"]}"\n')
    code, (found,) = decoded(capsys, "--keys", str(keys), vector["hex"])
    assert code == 0
    assert '"buffer"' not in json.dumps(found["tree"])
    assert any("the authentication tag does not verify" in text for text in texts(found["tree"]))


@pytest.mark.parametrize("content", ["", "not toml", '[dlms]\nencryption_key = "00"', "[dlms]\nsecret = 1"])
def test_a_bad_keys_file_is_wrong_usage(capsys, tmp_path, content):
    """Protects against decoding without the keys one believes to have given."""
    keys = tmp_path / "keys.toml"
    keys.write_text(content)
    assert run(["decode", "--keys", str(keys), READ]) == 2
    assert capsys.readouterr().err


def test_a_doubt_is_said(capsys, monkeypatch):
    """Protects honesty: bare Data could be of either language."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"0203 1200E7 0600000001 0901AA")))
    assert run(["decode", "-"]) == 0
    head = capsys.readouterr().out.splitlines()[0]
    assert head == "axdr at 0: bare A-XDR Data; or bare A-XDR Data of DL/T 698.45 (axdr)"


def test_text_on_the_wire_cannot_command_the_terminal(capsys):
    """Protects people's terminals: control characters in a string of the meter are shown, not obeyed."""
    text = b"\x1b[2J\x07\n"
    assert run(["decode", (b"\x0a" + bytes([len(text)]) + text).hex()]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2J\\x07" in out
    run(["decode", f"\x1b[2J said: {READ}"])
    assert "\x1b" not in capsys.readouterr().out


def test_colours_change_nothing_else(capsys, monkeypatch):
    """Protects people at a terminal: the same characters, with colours."""
    import re

    run(["decode", READ])
    plain = capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    run(["decode", READ])
    coloured = capsys.readouterr().out
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
