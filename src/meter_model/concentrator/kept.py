"""Data as octets, in the widest edition, for what is kept over a restart."""

from __future__ import annotations

from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.descriptors import CSD, Oad, Road
from meterwire.protocols.dlt69845.link import EDITIONS
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant


def octets_of(data: Variant) -> bytes:
    """Data as octets."""
    return codec(DATA, max(EDITIONS)).build(data)


def data_of(octets: bytes) -> Variant:
    """The Data of octets; raises MalformedError."""
    return codec(DATA, max(EDITIONS)).parse(octets)


def octets_of_column(column: Oad | Road) -> bytes:
    """A column as octets."""
    return codec(CSD).build(column)


def column_of(octets: bytes) -> Oad | Road:
    """The column of octets; raises MalformedError."""
    found: Oad | Road = codec(CSD).parse(octets)
    return found
