"""What the services of a client share: outcomes, targets, and pieces that fit."""

from __future__ import annotations

from collections.abc import Iterator

from meterwire.errors import MeterwireError, Refused
from meterwire.protocols.dlms.block_transfer import block_room
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, AttributeDescriptor, MethodDescriptor, RequestBlock
from meterwire.protocols.wire.nodes import Variant

Outcome = Variant | MeterwireError
"""Data of an attribute, or why there is none."""


def descriptor(target: Target) -> AttributeDescriptor:
    """A target as GET and SET name it."""
    return AttributeDescriptor(target.class_id, target.instance, target.attribute)


def method(target: Target) -> MethodDescriptor:
    """A target as ACTION names it."""
    return MethodDescriptor(target.class_id, target.instance, target.attribute)


def outcome_of(result: Variant) -> Outcome:
    """What a Get-Data-Result says."""
    outcome: Outcome = result.value if result.tag == DATA_CHOSEN else Refused(result.value)
    return outcome


def request_blocks(octets: bytes, room: int, first_head: int, head: int) -> Iterator[RequestBlock]:
    """Data in blocks; in the first there is less room."""
    sizes, start, number = block_room(room, first_head), 0, 1
    while True:
        end = start + sizes
        yield RequestBlock(end >= len(octets), number, octets[start:end])
        if end >= len(octets):
            return
        start, number, sizes = end, number + 1, block_room(room, head)
