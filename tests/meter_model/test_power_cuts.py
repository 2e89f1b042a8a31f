"""The store survives a loss of power at any moment: what was acknowledged is there, and the state is one of its own.

What a disk may have after a cut is modelled sector by sector. A commit first appends to the write-ahead log, or writes
over it from its start, head first; then that is synchronised, and the commit is acknowledged; then pages may be copied to the
database, while the log stays. A cut leaves any part of what had been written since the last synchronisation: a prefix,
any subset of its sectors, a torn sector, garbage where nothing had arrived yet. METERWIRE_CUTS says how many cuts are
tried (`make crash CUTS=1000000`).
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from meterwire.meter_model import Constant, Meter, VirtualClock
from meterwire.meter_model.parameters import Author
from meterwire.meter_model.profiles import Profile, profile_table
from meterwire.meter_model.storage import FILE, Storage, StorageError

CUTS = int(os.environ.get("METERWIRE_CUTS", "600"))
COMMITS = 40
SECTOR = 512
HEAD = 32
"""Octets of the head of a write-ahead log."""
PAGES_OF_LOG = 60
"""A short log: checkpoints and new starts of the log are many."""


class Files(NamedTuple):
    """What lies in the folder."""

    base: bytes
    log: bytes


class Commit(NamedTuple):
    """What a commit did to the files, and the states before and after it."""

    before: Files
    after: Files
    old: dict[str, Any]
    new: dict[str, Any]


def meter_of() -> Meter:
    table = profile_table("single-phase")
    table["freezes"] = {"minute": {"depth": 20, "every": 1, "columns": ["active_energy_import"]}}
    clock = VirtualClock(dt.datetime(2026, 1, 5, 12, 0, 30), frozen=True)
    return Meter(msgspec.convert(table, Profile), clock=clock, load=Constant(1000, 100, 230))


def files_of(folder: Path) -> Files:
    log = folder / (FILE + "-wal")
    return Files((folder / FILE).read_bytes(), log.read_bytes() if log.exists() else b"")


def state_of(files: Files, folder: Path) -> dict[str, Any]:
    """What a meter that starts after the cut finds; raises StorageError."""
    (folder / FILE).write_bytes(files.base)
    (folder / (FILE + "-wal")).write_bytes(files.log)
    storage = Storage(folder)
    try:
        return storage._stored
    finally:
        storage._base.close()
        (folder / (FILE + "-wal")).unlink(missing_ok=True)


def life(folder: Path, chance: random.Random, *statements: str) -> list[Commit]:
    """Some commits of a meter that is written to, freezes every minute, and is cleared now and then."""
    meter, storage = meter_of(), Storage(folder / "life")
    storage._base.execute(f"PRAGMA wal_autocheckpoint = {PAGES_OF_LOG}")
    for statement in statements:
        storage._base.execute(statement)
    storage.attach(meter)
    commits = []
    spare = folder / "spare"
    spare.mkdir()
    before = files_of(folder / "life")
    old = state_of(before, spare)
    for number in range(COMMITS):
        meter.clock.step(chance.randrange(1, 400))
        meter.parameters.set("trip_delay", number, Author("12345678", "04001401"))
        if number % 13 == 12:
            meter.clear()
        storage.commit()
        after = files_of(folder / "life")
        new = state_of(after, spare)
        assert new != old
        commits.append(Commit(before, after, old, new))
        before, old = after, new
    storage._base.close()
    return commits


def mixed(old: bytes, new: bytes, chance: random.Random) -> bytes:
    """What a disk may have of a file on the way from one content to another."""
    size = chance.choice((len(old), len(new), chance.randint(min(len(old), len(new)), max(len(old), len(new)))))
    kind = chance.choice(("prefix", "sectors", "torn"))
    arrived = chance.randrange(len(new) // SECTOR + 2)
    likely = chance.random()
    found = bytearray()
    for at in range(0, max(size, 1), SECTOR):
        first, last = old[at : at + SECTOR], new[at : at + SECTOR]
        there = at // SECTOR < arrived if kind != "sectors" else chance.random() < likely
        if kind == "torn" and at // SECTOR == arrived:
            cut = chance.randrange(SECTOR + 1)
            last = last[:cut] + (first[cut:] or chance.choice((b"", bytes(SECTOR), chance.randbytes(SECTOR)))[cut:])
            there = True
        part = last if there else first
        found += part + bytes(min(SECTOR, size - at) - len(part)) if len(part) < min(SECTOR, size - at) else part
    return bytes(found[:size])


def cut_log(old: bytes, new: bytes, chance: random.Random) -> bytes:
    """As `mixed`; the head of a log that begins anew is synchronised before anything behind it is written."""
    if old[:HEAD] == new[:HEAD]:
        return mixed(old, new, chance)
    if chance.random() < 0.1:
        arrived = chance.randrange(HEAD + 1)
        return new[:arrived] + old[arrived:]
    return new[:HEAD] + mixed(old, new, chance)[HEAD:]


def cuts(commits: list[Commit], count: int, chance: random.Random) -> Iterator[tuple[Commit, Files, bool]]:
    """Moments of a cut: the commit, the files, and whether the commit had been acknowledged."""
    for _ in range(count):
        commit = chance.choice(commits)
        if commit.before.base != commit.after.base and chance.random() < 0.5:
            yield commit, Files(mixed(commit.before.base, commit.after.base, chance), commit.after.log), True
        else:
            yield commit, Files(commit.before.base, cut_log(commit.before.log, commit.after.log, chance)), False


def wrong(commits: list[Commit], count: int, chance: random.Random, folder: Path) -> int:
    """How many cuts leave something that must not be."""
    found = 0
    for commit, files, acknowledged in cuts(commits, count, chance):
        try:
            state = state_of(files, folder)
        except StorageError:
            found += 1
            continue
        found += state != commit.new and (acknowledged or state != commit.old)
    return found


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: what is tried here is not the disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        yield Path(name)


def test_no_cut_of_power_loses_what_was_acknowledged(memory) -> None:
    """Protects the promise of --state where kill -9 cannot: the commit before the cut is there, or the one under way."""
    chance = random.Random(CUTS)
    commits = life(memory, chance)
    assert sum(one.before.base != one.after.base for one in commits) >= 3, "checkpoints are among them"
    assert sum(len(one.after.log) and one.after.log[:32] != one.before.log[:32] for one in commits) >= 3, "new logs too"
    for commit in commits:  # the two ends of each: nothing has arrived, and everything
        assert state_of(commit.before, memory / "spare") == commit.old
        assert state_of(Files(commit.before.base, commit.after.log), memory / "spare") == commit.new
    assert wrong(commits, CUTS, chance, memory / "spare") == 0


def test_the_model_of_cuts_finds_a_store_without_a_log(memory) -> None:
    """Protects the test above: where pages are written over in place, cuts are found that destroy the state."""
    chance = random.Random(1)
    commits = life(memory, chance)
    inside = [
        Commit(Files(one.before.base, b""), Files(one.after.base, b""), one.old, one.new)
        for one in commits
        if one.before.base != one.after.base
    ]
    assert wrong(inside, 100, chance, memory / "spare") > 20


def test_commits_are_synchronised(memory) -> None:
    """Protects the order the model takes for granted: a commit returns when the log is on the disk."""
    storage = Storage(memory)
    asked = {name: storage._base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    storage.close()
    assert asked == {"journal_mode": "wal", "synchronous": 2}
    assert sqlite3.sqlite_version_info > (3, 7)
