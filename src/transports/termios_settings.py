"""Speed and character format of a terminal device, set all at once and read back (POSIX termios)."""

from __future__ import annotations

import array
import fcntl
import os
import termios
from typing import Any, Final, Literal, cast

from meterwire.errors import LocalProtocolError, TransportError
from meterwire.protocols.dialogue import LineSettings

_SPEEDS: Final = {
    int(name[1:]): cast("int", getattr(termios, name)) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()
}
_BAUDS: Final = {code: baud for baud, code in _SPEEDS.items()}
_PSEUDO: Final = range(136, 144)  # major device numbers of the user's side of Unix 98 pseudo-terminals (Linux)
_FORMAT: Final = termios.CSIZE | termios.PARENB | termios.PARODD | termios.CSTOPB
_RAW_INPUT: Final = (
    termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.INPCK | termios.ISTRIP
    | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON | termios.IXOFF
)  # fmt: skip
_RAW_LOCAL: Final = termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN


def is_pseudo(fd: int) -> bool:
    """Whether this is the user's side of a pseudo-terminal, on which speed and parity mean nothing."""
    return os.major(os.fstat(fd).st_rdev) in _PSEUDO


def apply(fd: int, settings: LineSettings, place: str) -> LineSettings:
    """Set everything in one call and give what the device really does.

    A device may keep eight bits without parity whatever it is told (pseudo-terminals do, and their refusal is an error
    of no family); then that is what is given back.

    Raises:
        LocalProtocolError: termios has no such speed.
        TransportError: the device does not take the speed, or is gone.
    """
    code = _SPEEDS.get(settings.baud)
    if not code:
        raise LocalProtocolError(f"{place}: {settings.baud} baud is not a speed that this system can set")
    try:
        attributes = termios.tcgetattr(fd)
        attributes[0] &= ~_RAW_INPUT
        attributes[1] &= ~termios.OPOST
        attributes[2] = attributes[2] & ~_FORMAT | _flags(settings) | termios.CLOCAL | termios.CREAD
        attributes[3] &= ~_RAW_LOCAL
        attributes[4] = attributes[5] = code
        try:
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
        except termios.error as error:
            if error.args[0] != 22:  # EINVAL: the device kept another format; the reading back tells
                raise
        actual = read(fd)
    except (termios.error, OSError) as error:
        raise TransportError(f"{place}: cannot set {settings}: {error.args[-1]}") from error
    if actual.baud != settings.baud:
        raise TransportError(f"{place}: asked for {settings.baud} baud, the device does {actual.baud}")
    return actual


def read(fd: int) -> LineSettings:
    """What the device is set to now; raises `termios.error`."""
    attributes: list[Any] = termios.tcgetattr(fd)
    flags = attributes[2]
    parity: Literal["N", "E", "O"] = "N"
    if flags & termios.PARENB:
        parity = "O" if flags & termios.PARODD else "E"
    return LineSettings(
        _BAUDS.get(attributes[5], 0),
        7 if flags & termios.CSIZE == termios.CS7 else 8,
        parity,
        2 if flags & termios.CSTOPB else 1,
    )


def unsent(fd: int) -> int:
    """How many octets the device still has to send; 0 when it does not tell."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(fd, termios.TIOCOUTQ, count)
    except OSError:
        return 0
    return count[0]


def discard_unsent(fd: int) -> None:
    """Throw away what has not been sent, so that closing cannot wait for a peer that takes nothing."""
    try:
        termios.tcflush(fd, termios.TCOFLUSH)
    except (termios.error, OSError):
        return


def _flags(settings: LineSettings) -> int:
    flags = termios.CS7 if settings.data_bits == 7 else termios.CS8
    if settings.parity != "N":
        flags |= termios.PARENB
    if settings.parity == "O":
        flags |= termios.PARODD
    return flags | (termios.CSTOPB if settings.stop_bits == 2 else 0)
