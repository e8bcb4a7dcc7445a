# SPDX-License-Identifier: Apache-2.0
"""The file of a recording: a SQLite database of its own kind, written whole; only numbers and JSON come out of it."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Final, get_type_hints

import msgspec

from serialprof.errors import StoreError
from serialprof.files import appearing
from serialprof.live.records import Block, Loop, Place, Spread, Step, StoredLive
from serialprof.store.kind import LIVE, open_read_only
from serialprof.store.schema import APPLICATION_ID, decode, encode

SCHEMA_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE loop (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL);
"""


def write_live(path: Path, live: StoredLive) -> None:
    """Writes a recording to a file that does not exist yet: whole, or not at all.

    Raises:
        StoreError: it exists or cannot be written.
    """
    try:
        with appearing(path) as beside, closing(sqlite3.connect(beside)) as connection:
            _write(connection, live)
    except sqlite3.Error as error:
        raise StoreError(f"cannot write {path}: {error}", "name another file") from None


def read_live(path: Path) -> StoredLive:
    """Reads the file of a recording.

    Raises:
        StoreError: it is absent, empty, damaged, the file of a run, or of another schema.
    """
    with open_read_only(path, LIVE, SCHEMA_VERSION) as connection:
        try:
            live = _read(connection)
            for loop in live.loops:
                _check(loop)
        except sqlite3.Error as error:
            raise StoreError(f"{path} is damaged ({error})", "give another file") from None
        except (msgspec.MsgspecError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise StoreError(f"{path} is damaged: {error}", "give another file") from None
    return live


def _write(connection: sqlite3.Connection, live: StoredLive) -> None:
    connection.executescript(_TABLES)
    meta = {field.name: getattr(live, field.name) for field in fields(live) if field.name != "loops"}
    rows = [("kind", encode(LIVE)), *((name, encode(value)) for name, value in meta.items())]
    with connection:
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        connection.executemany(
            "INSERT INTO loop VALUES (?, ?, ?)",
            [(index, loop.name, encode(loop)) for index, loop in enumerate(live.loops)],
        )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _read(connection: sqlite3.Connection) -> StoredLive:
    meta: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta"))
    loops = [decode(text, Loop) for (text,) in connection.execute("SELECT value FROM loop ORDER BY id")]
    values = {name: decode(meta[name], kind) for name, kind in get_type_hints(StoredLive).items() if name != "loops"}
    return StoredLive(**values, loops=tuple(loops))


def _check(loop: Loop) -> None:
    """What the analysis relies on."""
    places = len(loop.places)
    rows: list[Block | Step] = [*loop.blocks, *loop.kept, *loop.slowest]
    if any(len(row.places) != places for row in rows):
        raise ValueError(f"loop {loop.name!r} has times of other places than it names")
    numbers = [number for row in rows for number in (row.seconds, row.start, *row.places)]
    if not all(map(math.isfinite, (*numbers, loop.seconds, *loop.first))):
        raise ValueError(f"loop {loop.name!r} has a time that is no number")
    if any(block.steps < 1 for block in loop.blocks if block.seconds):
        raise ValueError(f"loop {loop.name!r} has a block without steps")
    for spread in (loop.spread, *(place.spread for place in loop.places)):
        _check_spread(loop.name, spread)
    known: set[tuple[str, ...]] = set()
    for place in loop.places:
        _check_place(loop.name, place, known)
        known.add(place.path)
    for step in loop.device.steps:
        if len(step.paths) != len(step.parts) or not all(step.paths):
            raise ValueError(f"loop {loop.name!r} has a device step that names other parts than it has")


def _check_spread(name: str, spread: Spread) -> None:
    if not len(spread.lows) == len(spread.widths) == len(spread.counts) or any(count < 1 for count in spread.counts):
        raise ValueError(f"loop {name!r} has a spread that is none")


def _check_place(name: str, place: Place, known: set[tuple[str, ...]]) -> None:
    if not place.path or (len(place.path) > 1 and place.path[:-1] not in known):
        raise ValueError(f"loop {name!r} has a place under one that it does not name")
