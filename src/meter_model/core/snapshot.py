"""The octets of saved registers: a header, the arrays in little-endian order, a CRC-32 over all of it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Constants = tuple[NDArray[np.float64], NDArray[np.float64]]
    Arrays = tuple[NDArray[np.int64], ...]

MAGIC = b"MWREGS"
VERSION = 1
_HEADER = struct.Struct("<6sHBBxxxxQ")  # magic, version, phases, rates, meters
_CRC = struct.Struct("<I")


def pack(phases: int, constants: Constants, bank: NDArray[np.uint8], arrays: Arrays) -> bytes:
    """Write the state; `arrays[1]` is the one whose first axis is the rates."""
    body = b"".join(
        [
            _HEADER.pack(MAGIC, VERSION, phases, len(arrays[1]), len(bank)),
            *(_octets(array, "<f8") for array in constants),
            bank.tobytes(),
            *(_octets(array, "<i8") for array in arrays),
        ]
    )
    return body + _CRC.pack(zlib.crc32(body))


def unpack(
    saved: bytes, phases: int, constants: Constants, bank: NDArray[np.uint8], arrays: Arrays
) -> tuple[NDArray[np.uint8], list[NDArray[np.int64]]]:
    """Read a state of the same geometry and constants as the given one.

    Raises:
        ValueError: octets that `pack` did not write, or wrote for other registers.
    """
    try:
        saved = bytes(memoryview(saved))
    except TypeError as error:
        raise ValueError("saved registers: octets are needed") from error
    if len(saved) < _HEADER.size + _CRC.size or saved[: len(MAGIC)] != MAGIC:
        raise ValueError("saved registers: these octets are something else")
    _, version, stored_phases, rates, meters = _HEADER.unpack_from(saved)
    if version != VERSION:
        raise ValueError(f"saved registers: version {version} is not known here")
    if (stored_phases, rates, meters) != (phases, len(arrays[1]), len(bank)):
        raise ValueError(f"saved registers: made for {meters} meters of {stored_phases} phases and {rates} rates")
    whole = _HEADER.size + bank.nbytes + sum(array.nbytes for array in _all(constants, arrays)) + _CRC.size
    if len(saved) != whole or zlib.crc32(saved[: -_CRC.size]) != _CRC.unpack_from(saved, whole - _CRC.size)[0]:
        raise ValueError("saved registers: damaged")
    at = _HEADER.size
    for own in constants:
        if not np.array_equal(own, np.frombuffer(saved, "<f8", own.size, at)):
            raise ValueError("saved registers: made with other pulse constants")
        at += own.nbytes
    stored_bank = np.frombuffer(saved, np.uint8, bank.size, at)
    at += bank.nbytes
    stored = []
    for array in arrays:
        stored.append(np.frombuffer(saved, "<i8", array.size, at).astype(np.int64).reshape(array.shape))
        at += array.nbytes
    return stored_bank, stored


def _octets(array: NDArray[np.float64] | NDArray[np.int64], dtype: str) -> bytes:
    return array.astype(dtype).tobytes()


def _all(constants: Constants, arrays: Arrays) -> Iterable[NDArray[np.float64] | NDArray[np.int64]]:
    yield from constants
    yield from arrays
