"""Invariant: whatever pieces of a DL/T 698.45 APDU come, and in whatever order, a receiver never hands over a mixture.

No exception leaves it; there is at most one acknowledgement for a piece, and none for an acknowledgement; what is
handed over begins with a first piece and ends with the last one received, is no longer than the limit, and no more than
that is kept. The octets are cut into user data by a length octet in front of each.
"""

from fuzz.vectors import seeds
from meterwire.protocols.dlt69845.fragments import Incoming, Outgoing, pieces
from meterwire.protocols.dlt69845.link import Fragment, FragmentKind, Link
from meterwire.protocols.wire.codec import codec

NAME = "dlt69845_fragments"
_FRAGMENT = codec(Fragment)
LIMIT = 512
LONGEST = 8192
"""Octets that are looked at."""


def _listed(users: list[bytes]) -> bytes:
    return b"".join(bytes([len(user)]) + user for user in users)


_WHOLE = pieces(bytes(range(100)), 24)
SEEDS = [
    _listed(_WHOLE),
    _listed(_WHOLE[:2] + _WHOLE),
    _listed([user for user in _WHOLE for _ in (0, 1)]),
    _listed(pieces(bytes(600), 40)),
    _listed(_WHOLE[:2] + pieces(bytes(50), 24)),
    _listed([codec(Link, 2021).parse(frame).user for frame in seeds("dlt69845", lambda v: "fragment-" in v["name"])]),
]


def users_in(data: bytes) -> list[bytes]:
    """User data, each behind its length."""
    found, place = [], 0
    while place < len(data):
        found.append(data[place + 1 : place + 1 + data[place]])
        place += 1 + data[place]
    return [user for user in found if len(user) >= 2]


def target(data: bytes) -> None:
    """The pieces to a receiver; their words as acknowledgements to a sender."""
    incoming, outgoing = Incoming(LIMIT), Outgoing(wait=1.0, tries=3)
    first, latest, now = b"", b"", 0.0
    outgoing.send(bytes(200), 40, now)
    for user in users_in(data[:LONGEST]):
        fragment = _FRAGMENT.parse(user)
        kind = FragmentKind(fragment.word.kind)
        taken = incoming.receive(fragment)
        assert not (kind == FragmentKind.ACKNOWLEDGE and taken.reply), "an acknowledgement is acknowledged"
        if taken.news and kind == FragmentKind.FIRST:
            first = fragment.piece
        latest = fragment.piece
        if taken.apdu is not None:
            assert kind == FragmentKind.LAST, "handed over before the last piece"
            assert taken.apdu.startswith(first), "begins with another piece"
            assert taken.apdu.endswith(latest), "ends with another piece"
            assert len(taken.apdu) <= LIMIT, "longer than the limit"
        assert sum(map(len, incoming._pieces)) <= LIMIT, "keeps more than the limit"
        now += 0.3
        outgoing.late(now)
        said = outgoing.acknowledged(fragment.word.number, now)
        assert not said or len(said) <= 40, "a piece longer than its room"
