"""The state of a meter in a folder: SQLite with a write-ahead log, every commit synchronised with the disk.

Whatever an answer acknowledges is committed before the answer leaves. Energy is saved with every commit and every
`INTERVAL` seconds: a process that is killed loses at most that much of it, never an acknowledged write. The time in
which no process ran is an outage of the meter, where its clock follows the computer's.

One table has a row for each part of the meter, another one for each row of freezes and load profile, so that a commit
writes what is new and not what has been there for weeks. Each has the CRC of its octets, since SQLite does not notice a
flipped bit.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.saved import assembled, heads_of, marks_of, restore, series_of

INTERVAL: Final = 10.0
"""Seconds between two saves: the most energy that a killed process loses is that of so much time."""
VERSION: Final = 2
"""Of the layout of the file; a newer one is refused."""
FILE: Final = "meter.sqlite3"
_APPLICATION: Final = 0x4D575354  # MWST
_WALL: Final = "wall"

_PARTS: Final = "CREATE TABLE part (name TEXT PRIMARY KEY, crc INTEGER NOT NULL, state BLOB NOT NULL) STRICT"
_ROWS: Final = """CREATE TABLE row (
    series TEXT NOT NULL, number INTEGER NOT NULL, crc INTEGER NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (series, number)
) STRICT, WITHOUT ROWID"""


class _Part(msgspec.Struct, frozen=True):
    """A part as it is written."""

    name: str
    octets: bytes
    crc: int


class _NewRows(msgspec.Struct, frozen=True):
    """What has changed of a ring: rows before `begin` are forgotten, those from `first` on are new."""

    name: str
    begin: int
    first: int
    rows: list[tuple[int, bytes]]


class StorageError(LocalProtocolError):
    """The stored state of a meter cannot be used, or cannot be written."""


class Storage:
    """The stored state of one meter; one process at a time has it open.

    Args:
        folder: made if it is not there, for the owner alone: the state holds secrets.
        wall: seconds since 1970 UTC, such as `time.time`; without it no time passes between two runs.

    Raises:
        StorageError: the folder cannot be used, the file is damaged, of another program or of a newer version, or
            another process has it.
    """

    def __init__(self, folder: str | Path, wall: Callable[[], float] | None = None) -> None:
        self.path = Path(folder) / FILE
        self._wall = wall
        self._written: dict[str, int] = {}
        self._marks: dict[str, Any] = {}
        self._rows: dict[str, tuple[int, int]] = {}
        self._meter: Meter | None = None
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self._base = sqlite3.connect(self.path, timeout=0.2, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"{self.path}: {error}") from error
        try:
            self._stored = self._open()
        except BaseException:
            self._base.close()
            raise

    def attach(self, meter: Meter) -> bool:
        """Let a new meter go on from what is stored, and store it from now on; say whether there was anything.

        Raises:
            StorageError: what is stored is another meter's, or cannot be read.
        """
        found = bool(self._stored)
        if found:
            follows = not meter.clock.frozen and meter.clock.rate == 1
            try:
                restore(meter, self._stored)
            except LocalProtocolError as error:
                self._base.close()
                raise StorageError(f"{self.path}: {error}") from error
            if follows and self._wall is not None and self._stored.get(_WALL) is not None:
                meter.miss(self._wall() - float(self._stored[_WALL]))
        self._meter = meter
        self._stored = {}
        self.commit()
        return found

    def commit(self) -> None:
        """Write everything that has changed, in one transaction; it is on the disk when this returns.

        Raises:
            StorageError: it could not be written.
        """
        meter = self._meter
        if meter is None:
            return
        meter.advance()
        marks = marks_of(meter)
        parts, rings = self._changed_parts(meter, marks), self._changed_rings(meter)
        try:
            with closing(self._base.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                _write(cursor, parts, rings)
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise StorageError(f"{self.path}: {error}") from error
        self._written |= {part.name: part.crc for part in parts}
        self._rows |= {ring.name: (ring.begin, ring.first + len(ring.rows)) for ring in rings}
        self._marks = marks

    def close(self) -> None:
        """Save once more and let go of the file; more than once is harmless."""
        try:
            self.commit()
        finally:
            self._meter = None
            self._base.close()  # more than once is harmless

    def _changed_parts(self, meter: Meter, marks: dict[str, Any]) -> list[_Part]:
        gives = heads_of(meter) | {_WALL: lambda: None if self._wall is None else self._wall()}
        found = []
        for name, give in gives.items():
            if name not in marks or marks[name] != self._marks.get(name):
                octets = msgspec.msgpack.encode(give())
                found.append(_Part(name, octets, zlib.crc32(octets)))
        return [part for part in found if part.crc != self._written.get(part.name)]

    def _changed_rings(self, meter: Meter) -> list[_NewRows]:
        found = []
        for name, series in series_of(meter).items():
            begin, end = self._rows.get(name, (0, 0))
            if (begin, end) != (series.begin, series.end):
                first = max(end, series.begin) if end <= series.end else series.begin
                rows = [(number, msgspec.msgpack.encode(row)) for number, row in series.numbered(first)]
                found.append(_NewRows(name, series.begin, first, rows))
        return found

    def _open(self) -> dict[str, Any]:
        try:
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.execute("BEGIN EXCLUSIVE")
            try:
                self._check()
                parts = self._base.execute("SELECT name, crc, state FROM part").fetchall()
                rows = self._base.execute("SELECT * FROM row ORDER BY series, number").fetchall()
            finally:
                self._base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            text = "another process uses it" if "locked" in str(error) else str(error)
            raise StorageError(f"{self.path}: {text}") from error
        except sqlite3.DatabaseError as error:
            raise StorageError(f"{self.path}: damaged, or no state of a meter: {error}") from error
        kept: dict[str, list[Any]] = {}
        for series, number, crc, octets in rows:
            kept.setdefault(series, []).append(self._part(f"{series} {number}", crc, octets))
            self._rows[series] = self._rows.get(series, (number, 0))[0], number + 1
        return assembled({name: self._part(name, crc, octets) for name, crc, octets in parts}, kept)

    def _check(self) -> None:
        """Make the tables of a new file, or that which an older one lacks; refuse what is no file of ours."""
        application, version = (
            self._base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        empty = not self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if empty and not application:
            self._base.execute(_PARTS)
            self._base.execute(_ROWS)
            self._base.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._base.execute(f"PRAGMA user_version = {VERSION}")
            return
        if application != _APPLICATION:
            raise StorageError(f"{self.path}: no state of a meter")
        if version > VERSION:
            raise StorageError(f"{self.path}: written by a newer version (layout {version}, known is {VERSION})")
        (told,) = self._base.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            raise StorageError(f"{self.path}: damaged: {told}")
        if version < VERSION:
            self._base.execute(_ROWS)
            self._base.execute(f"PRAGMA user_version = {VERSION}")

    def _part(self, name: str, crc: int, octets: bytes) -> Any:
        if zlib.crc32(octets) != crc:
            raise StorageError(f"{self.path}: damaged: the check of {name} fails")
        try:
            return msgspec.msgpack.decode(octets)
        except msgspec.DecodeError as error:
            raise StorageError(f"{self.path}: damaged: {name}: {error}") from error


def _write(cursor: sqlite3.Cursor, parts: list[_Part], rings: list[_NewRows]) -> None:
    """In a transaction."""
    cursor.executemany(
        "INSERT OR REPLACE INTO part VALUES (?, ?, ?)", [(part.name, part.crc, part.octets) for part in parts]
    )
    for ring in rings:
        cursor.execute("DELETE FROM row WHERE series = ? AND number < ?", (ring.name, ring.begin))
        cursor.execute("DELETE FROM row WHERE series = ? AND number >= ?", (ring.name, ring.first))
        cursor.executemany(
            "INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)",
            [(ring.name, number, zlib.crc32(octets), octets) for number, octets in ring.rows],
        )
