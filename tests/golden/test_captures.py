"""The dissection of every capture, word for word: what changes in it is meant to be seen."""

import difflib

import pytest

from captures.bless import HEADER, Octets, captures, dissection_text, header, write_session
from meterwire.cli.decode import decoded
from meterwire.cli.decode_input import read_input
from meterwire.protocols.recognise import DIALECTS

CAPTURES = captures()


def names(path):
    return path.stem


@pytest.mark.parametrize("path", CAPTURES, ids=names)
def test_the_dissection_is_the_golden_one(path):
    """Protects everything that people see of a frame: a change must be looked at, and blessed."""
    golden = path.with_suffix(".golden")
    known = golden.read_text(encoding="utf-8") if golden.exists() else ""
    shown = dissection_text(path)
    changes = difflib.unified_diff(
        known.splitlines(), shown.splitlines(), f"{golden.name} (known)", f"{golden.name} (now)", lineterm="", n=1
    )
    assert shown == known, "\n".join(["If this is meant, run `make bless` and commit it:", *changes])


@pytest.mark.parametrize("path", CAPTURES, ids=names)
def test_a_capture_says_where_it_is_from(path):
    """Protects provenance: dialect, direction and origin stand in every file, and the dialects are what is found."""
    said = header(path)
    assert set(said) == set(HEADER), path
    dialects = {word.strip() for word in said["dialect"].split(",")}
    assert dialects <= set(DIALECTS)
    found = {one.piece.candidate.dialect for one in decoded(read_input(str(path))) if one.piece.candidate}
    assert found == dialects


@pytest.mark.parametrize("path", [path for path in CAPTURES if path.with_suffix(".pcapng").exists()], ids=names)
def test_both_forms_of_a_session_hold_the_same_octets(path):
    """Protects the pcapng files, which no eye compares."""
    as_text, as_packets = (
        [one.piece.octets for one in decoded(read_input(str(file)))] for file in (path, path.with_suffix(".pcapng"))
    )
    assert as_text == as_packets


def test_every_golden_has_a_capture():
    """Protects against goldens that nothing compares any more."""
    folder = CAPTURES[0].parent
    assert {path.stem for path in folder.glob("*.golden")} == {path.stem for path in CAPTURES}


def test_a_session_is_written_in_both_forms(tmp_path, monkeypatch):
    """Protects the recording of sessions: joined per direction, readable in both forms."""
    monkeypatch.setattr("captures.bless.FOLDER", tmp_path)
    read, answer = bytes.fromhex("68610100000000681104333334331416"), bytes.fromhex("6861010000000068D101350C16")
    records = [
        Octets(1.0, "sent", read[:5]),
        Octets(1.1, "sent", read[5:]),
        Octets(1.2, "received", answer),
    ]
    write_session("one", "dlt645", records, "made by a test")
    assert header(tmp_path / "one.hex")["provenance"] == "made by a test"
    for name in ("one.hex", "one.pcapng"):
        shown = list(decoded(read_input(str(tmp_path / name))))
        assert [one.piece.octets for one in shown] == [read, answer]
        assert [one.chunk.direction for one in shown] == ["sent", "received"]
