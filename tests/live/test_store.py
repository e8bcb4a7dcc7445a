# SPDX-License-Identifier: Apache-2.0
"""The file of a recording: what comes back, and what is refused with one sentence."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from serialprof.errors import StoreError
from serialprof.live.records import Losses
from serialprof.live.view import load_live
from serialprof.store import read_run
from tests.live import made

EXAMPLE = Path(__file__).parents[2] / "docs/examples/amd-epyc-2-cores.serialprof"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "live.serialprof"
    made.live(made.with_cpu(made.loop(500), 0.5, 1.5), losses=Losses(nested=2)).save(path)
    return path


def damaged(path: Path, statement: str, *values: object) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)
    return path


def test_what_was_written_is_read(file: Path) -> None:
    expected = made.live(made.with_cpu(made.loop(500), 0.5, 1.5), losses=Losses(nested=2))
    assert load_live(file).stored == expected.stored
    assert load_live(file).analysis == expected.analysis


def test_nothing_is_overwritten(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(StoreError, match="exists"):
        made.live().save(file)
    assert file.read_bytes() == before and len(list(file.parent.iterdir())) == 1


def test_each_reader_refuses_the_other_kind(file: Path) -> None:
    with pytest.raises(StoreError, match=r"is a recording of live loops; serialprof report and load_live show it"):
        read_run(file)
    with pytest.raises(StoreError, match=r"is a run file; give it to serialprof report"):
        load_live(EXAMPLE)


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no file"):
        load_live(tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(StoreError, match="empty"):
        load_live(tmp_path / "empty")
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(StoreError, match="damaged or not"):
        load_live(tmp_path / "text")
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE meta (key, value)")
    with pytest.raises(StoreError, match="not of serialprof"):
        load_live(tmp_path / "other")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 3),
        ("seen", "many"),
        ("seconds", None),
        ("places", []),
        ("spread", {"lows": [1.0], "widths": [], "counts": [1]}),
        ("spread", {"lows": [1.0], "widths": [1.0], "counts": [0]}),
        ("first", [1e999]),
        ("device", {"times": "guessed", "steps": [], "dropped": 0}),
        ("device", {"times": "events", "steps": [{"seconds": 1.0, "paths": [["a"]], "parts": []}], "dropped": 0}),
    ],
)
def test_a_damaged_loop_is_refused(file: Path, key: str, value: object) -> None:
    with closing(sqlite3.connect(file)) as connection:
        ((text,),) = connection.execute("SELECT value FROM loop").fetchall()
    damaged(file, "UPDATE loop SET value = ?", json.dumps(json.loads(text) | {key: value}))
    with pytest.raises(StoreError, match="damaged"):
        load_live(file)


def test_another_schema_and_foreign_tables_are_refused(file: Path) -> None:
    damaged(file, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        load_live(file)
    damaged(file, "CREATE VIEW endless AS SELECT 1")
    with pytest.raises(StoreError, match="holds what"):
        load_live(file)
    damaged(file, "DROP TABLE meta")
    with pytest.raises(StoreError, match=r"holds what|damaged"):
        load_live(file)


def test_missing_facts_are_refused(file: Path) -> None:
    damaged(file, "DELETE FROM meta WHERE key = 'machine'")
    with pytest.raises(StoreError, match="damaged"):
        load_live(file)
