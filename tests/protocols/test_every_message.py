"""Every registered message: documented, shown by octets that somebody else or a person wrote, and read alike by all."""

import json
import re
from pathlib import Path

import pytest

from meterwire.errors import MalformedError
from meterwire.protocols.wire.declare import bits_info, info
from meterwire.protocols.wire.markdown import markdown
from meterwire.protocols.wire.nodes import Named
from meterwire.protocols.wire.reference import construct_layout
from tests.protocols.wire.differential import Pair, check_message, editions, inside, load_registry, same

VECTORS = Path(__file__).parent.parent / "vectors"
MESSAGES = {
    name: entries
    for path in sorted(VECTORS.glob("messages*.json"))
    for name, entries in json.loads(path.read_text()).items()
}
EVERY = load_registry()
IN_EDITIONS = [
    pytest.param(name, year, id=f"{name}-{year}" if year else name) for name in EVERY for year in editions(EVERY[name])
]
SHOWN = [
    pytest.param(name, entry, id=f"{name}-{place}")
    for name, entries in MESSAGES.items()
    for place, entry in enumerate(entries)
]
EXAMPLES = 8


@pytest.mark.parametrize("name", EVERY)
def test_is_documented(name):
    """A message names its clause, and every field and part says what the standard calls it."""
    layout = EVERY[name]
    declared = layout if isinstance(layout, Named) else info(layout)
    assert re.search(r"\d", declared.cite), f"{name} cites no clause"
    assert declared.doc, f"{name} is not described"
    for f in () if isinstance(layout, Named) else declared.fields:
        assert f.doc.strip(), f"{name}.{f.name} is not described"
    for node in inside(layout):
        held = bits_info(getattr(node, "cls", None))
        for part in held.parts if held else ():
            assert part.doc.strip(), f"{held.name}.{part.name} is not described"


@pytest.mark.parametrize("name", EVERY)
def test_has_a_vector(name):
    """Somebody has written down octets of this message and where they come from."""
    assert MESSAGES.get(name), f"tests/vectors/messages*.json have no octets of {name}"


def test_vectors_are_of_messages():
    """A vector of a message that is no more would be tested by nobody."""
    assert not set(MESSAGES) - set(EVERY)


def texts():
    """Everything that the collected vectors say in hex, by file and name; data fields of DL/T 645 also without 33H."""
    found = {}
    for path in VECTORS.glob("*.json"):
        rows = json.loads(path.read_text())
        for row in rows if isinstance(rows, list) else ():
            text = json.dumps(row).lower()
            plain = bytes((octet - 0x33) & 0xFF for octet in bytes.fromhex(row.get("hex", "")))
            found[row["name"], path.name] = f"{text} {plain.hex()}"
    return found


TEXTS = texts()


@pytest.mark.parametrize(("name", "entry"), SHOWN)
def test_vector(name, entry):
    """The octets of a vector are read alike by both engines and come back when built; an outside one can be found."""
    octets, edition = bytes.fromhex(entry["hex"]), entry.get("edition")
    assert re.match(r"(external|by hand): \S", entry["origin"]), entry["origin"]
    if entry["origin"].startswith("external"):
        sources = [text for (row, file), text in TEXTS.items() if f"{row} in {file}" in entry["origin"]]
        assert any(octets.hex() in text for text in sources), f"{entry['hex']} is not in {entry['origin']}"
    pair = Pair(EVERY[name], edition if editions(EVERY[name]) != [None] else None)
    value = pair.read(octets)
    assert not isinstance(value, MalformedError), value
    again = pair.build(value)
    assert again == octets or entry.get("canonical") is False, again.hex()
    assert same(pair.read(again), value)


@pytest.mark.parametrize(("name", "edition"), IN_EDITIONS)
def test_readers_agree(name, edition):
    """Generated and construct readers are equal on valid, mutated and truncated octets, and on values that are wrong."""
    check_message(EVERY[name], edition, EXAMPLES)


@pytest.mark.parametrize(("name", "edition"), IN_EDITIONS)
def test_other_readers(name, edition):
    """There is nothing in a layout that documentation or construct's own users could not read."""
    assert f"{name}" in markdown(EVERY[name], edition)
    assert construct_layout(EVERY[name], edition) is not None
