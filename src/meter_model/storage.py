"""The state of a meter in a folder: SQLite with a write-ahead log, every commit synchronised with the disk.

Whatever an answer acknowledges is committed before the answer leaves. Energy is saved with every commit and every
`INTERVAL` seconds: a process that is killed loses at most that much of it, never an acknowledged write. The time in
which no process ran is an outage of the meter, where its clock follows the computer's.

One table has a row for each part of the meter, with the CRC of its octets, since SQLite does not notice a flipped bit.
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
from meterwire.meter_model.saved import marks_of, parts_of, restore

INTERVAL: Final = 10.0
"""Seconds between two saves: the most energy that a killed process loses is that of so much time."""
VERSION: Final = 1
"""Of the layout of the file; a newer one is refused."""
FILE: Final = "meter.sqlite3"
_APPLICATION: Final = 0x4D575354  # MWST
_WALL: Final = "wall"

_SCHEMA: Final = "CREATE TABLE part (name TEXT PRIMARY KEY, crc INTEGER NOT NULL, state BLOB NOT NULL) STRICT"


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
        parts = {
            name: msgspec.msgpack.encode(give())
            for name, give in parts_of(meter).items()
            if name not in marks or marks[name] != self._marks.get(name)
        }
        parts[_WALL] = msgspec.msgpack.encode(None if self._wall is None else self._wall())
        changed = {name: octets for name, octets in parts.items() if zlib.crc32(octets) != self._written.get(name)}
        try:
            with closing(self._base.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                cursor.executemany(
                    "INSERT OR REPLACE INTO part VALUES (?, ?, ?)",
                    [(name, zlib.crc32(octets), octets) for name, octets in changed.items()],
                )
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise StorageError(f"{self.path}: {error}") from error
        self._written |= {name: zlib.crc32(octets) for name, octets in changed.items()}
        self._marks = marks

    def close(self) -> None:
        """Save once more and let go of the file; more than once is harmless."""
        try:
            self.commit()
        finally:
            self._meter = None
            self._base.close()  # more than once is harmless

    def _open(self) -> dict[str, Any]:
        try:
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.execute("BEGIN EXCLUSIVE")
            try:
                self._check()
                rows = self._base.execute("SELECT name, crc, state FROM part").fetchall()
            finally:
                self._base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            text = "another process uses it" if "locked" in str(error) else str(error)
            raise StorageError(f"{self.path}: {text}") from error
        except sqlite3.DatabaseError as error:
            raise StorageError(f"{self.path}: damaged, or no state of a meter: {error}") from error
        return {name: self._part(name, crc, octets) for name, crc, octets in rows}

    def _check(self) -> None:
        """Make the table of a new file; refuse what is no file of ours."""
        application, version = (
            self._base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        empty = not self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if empty and not application:
            self._base.execute(_SCHEMA)
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

    def _part(self, name: str, crc: int, octets: bytes) -> Any:
        if zlib.crc32(octets) != crc:
            raise StorageError(f"{self.path}: damaged: the check of {name} fails")
        try:
            return msgspec.msgpack.decode(octets)
        except msgspec.DecodeError as error:
            raise StorageError(f"{self.path}: damaged: {name}: {error}") from error
