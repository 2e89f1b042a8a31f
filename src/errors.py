"""The one family of errors that leaves this library, sorted by who is at fault and what to do about it."""

from __future__ import annotations


class MeterwireError(Exception):
    """Anything this library raises on purpose."""


class LocalProtocolError(MeterwireError):
    """You asked for what the protocol forbids now, or gave a value that its layout cannot carry: fix the caller."""


class RemoteProtocolError(MeterwireError):
    """The peer broke the protocol."""


class MalformedError(RemoteProtocolError):
    """The octets do not form the message.

    Attributes:
        path: names of the fields and indices down to the one that failed, joined by dots.
        offset: octet offset of the failure, counted from the start of the octets given to the reader.
        expected: what should have stood there.
    """

    def __init__(self, expected: str, path: str = "", offset: int = 0) -> None:
        self.expected = expected
        self.path = path
        self.offset = offset
        super().__init__(f"{path or 'message'} at octet {offset}: {expected}")


class ChecksumError(MalformedError):
    """A check (sum or CRC) does not match the octets it covers; raised by a direct parse only."""


class SequenceError(RemoteProtocolError):
    """A well-formed message at the wrong time."""


class Refused(MeterwireError):  # noqa: N818  a refusal is the peer's answer, not a fault of the library
    """The peer understood and said no.

    Attributes:
        code: the dialect's own reason, a member of its enumeration where known, else a number.
    """

    def __init__(self, code: int, text: str = "") -> None:
        self.code = code
        self.text = text or getattr(code, "name", str(code)).lower().replace("_", " ")
        super().__init__(f"refused: {self.text}")


class SecurityError(MeterwireError):
    """Authentication, decryption, replay or downgrade: do not trust the peer."""


class TransportError(MeterwireError):
    """The line failed, not the protocol."""


class NoAnswer(TransportError):  # noqa: N818
    """No usable answer after all tries; says what garbage came instead."""


class OutcomeUnknown(TransportError):  # noqa: N818
    """A write or control was sent and its answer was lost: read back before trying again."""


class Disconnected(TransportError):  # noqa: N818
    """The other end, or the line, went away."""
