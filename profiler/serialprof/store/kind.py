# SPDX-License-Identifier: Apache-2.0
"""Files of serialprof are of two kinds, runs and recordings of live loops; each reader refuses the other's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from serialprof.errors import StoreError
from serialprof.store.schema import APPLICATION_ID

RUN: Final = "run"
LIVE: Final = "live"
_CALLED: Final = {RUN: "a run file", LIVE: "a recording of live loops"}
_REMEDY: Final = {
    RUN: "give it to serialprof report, compare, whatif or export",
    LIVE: "serialprof report and load_live show it; serialprof run measures one that can be compared and asked",
}


def kind_of(path: Path) -> str:
    """Which kind of file this is, "run" also where it is none at all: whoever reads it will say so."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return stored_kind(connection)
    except sqlite3.Error:
        return RUN


def stored_kind(connection: sqlite3.Connection) -> str:
    """The kind that an open file says it is of; runs say nothing.

    Raises:
        sqlite3.Error: it is no database, or has no such table.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'kind'").fetchone()
    return LIVE if row == (f'"{LIVE}"',) else RUN


def other_kind(path: Path, found: str) -> StoreError:
    """What is said of a file of the other kind."""
    return StoreError(f"{path} is {_CALLED[found]}", _REMEDY[found])


@contextmanager
def open_read_only(path: Path, kind: str, version: int) -> Iterator[sqlite3.Connection]:
    """A file of this kind and schema, in one state of it.

    Raises:
        StoreError: it is absent, empty, no such file, or of another schema.
    """
    called = _CALLED[kind]
    if not path.is_file() or not path.stat().st_size:  # to SQLite, an empty file is an empty database
        problem = f"{path} is empty" if path.is_file() else f"there is no file {path}"
        raise StoreError(problem, "give the path of a *.serialprof file")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise StoreError(f"cannot read {path}: {error}", "give another file") from None
    with closing(connection):
        try:
            _check_header(path, connection, kind, version)
            connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise StoreError(f"{path} is damaged or not {called} ({error})", "give another file") from None
        yield connection


def _check_header(path: Path, connection: sqlite3.Connection, kind: str, version: int) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database, but not of serialprof", "give a *.serialprof file")
    if {each for (each,) in connection.execute("SELECT type FROM sqlite_master")} - {"table", "index"}:
        raise StoreError(f"{path} holds what no file of serialprof holds", "give another file")
    if (found := stored_kind(connection)) != kind:
        raise other_kind(path, found)
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema != version:
        raise StoreError(
            f"{path} has schema {schema}, this serialprof reads {version}", "use the version that wrote it"
        )
