# SPDX-License-Identifier: Apache-2.0
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof.errors import StoreError
from serialprof.store import Sample, Store, Visit, read_run
from tests import made

CELLS = made.points(widths=(1, 2**40), threads=(1, 2), forms=("serial", "wide"))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    failed = Visit(1, 0, 0, "failed", "it \u2603 broke")
    flagged = replace(made.visit(2), samples=(Sample(1.0, 0.5, 3, "off the CPU"),), clock_before=None, cpu=None)
    run = made.stored(CELLS, (made.visit(0), failed, flagged))
    with Store(file, run) as store:
        store.set_limits(made.limits())
        store.finish("complete")
    assert read_run(file) == replace(run, status="complete")
    assert list(tmp_path.iterdir()) == [file], "the write-ahead log is folded into the one file"


def test_another_process_can_read_while_the_run_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS)) as store:
        store.add(made.visit(3))
        assert [visit.point for visit in read_run(file).visits] == [3]
        with sqlite3.connect(file) as other:
            assert other.execute("SELECT count(*) FROM sample").fetchone() == (2,)
        other.close()


def test_a_visit_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS)) as store:
        store.add(made.visit(0))
        broken = replace(made.visit(1), samples=(Sample(1.0, 1.0, 0), Sample(None, 1.0, 0)))  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="cannot write"):
            store.add(broken)
        store.add(made.visit(2))
    assert [visit.point for visit in read_run(file).visits] == [0, 2]


def test_an_interrupt_within_a_visit_leaves_a_file_that_can_be_finished(tmp_path: Path) -> None:
    class Interrupting(tuple):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Sample]:
            raise KeyboardInterrupt

    file = tmp_path / "a.serialprof"
    with Store(file, made.stored(CELLS)) as store:
        store.add(made.visit(0))
        with pytest.raises(KeyboardInterrupt):
            store.add(replace(made.visit(1), samples=Interrupting()))
        store.abandon("interrupted")
    run = read_run(file)
    assert (run.status, [visit.point for visit in run.visits]) == ("interrupted", [0])


def test_a_run_that_measured_nothing_leaves_no_file(tmp_path: Path) -> None:
    with Store(tmp_path / "a.serialprof", made.stored(CELLS)) as store:
        store.abandon("failed")
    assert list(tmp_path.iterdir()) == []


def test_every_visit_is_synced_to_the_disk(tmp_path: Path) -> None:
    with Store(tmp_path / "a.serialprof", made.stored(CELLS)) as store:
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "a.serialprof"
    file.write_text("precious")
    with pytest.raises(StoreError, match="exists"):
        Store(file, made.stored(CELLS))
    assert file.read_text() == "precious"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder"):
        Store(tmp_path / "nowhere" / "a.serialprof", made.stored(CELLS))


def _valid(folder: Path) -> Path:
    file = folder / "a.serialprof"
    with Store(file, made.stored(CELLS, (made.visit(0),))):
        pass
    return file


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("PRAGMA user_version=99", "schema 99"),
        ("PRAGMA application_id=1", "no run file"),
        ("DELETE FROM meta WHERE key = 'machine'", "damaged"),
        ("UPDATE meta SET value = '{' WHERE key = 'plan'", "damaged"),
        ("DELETE FROM point WHERE id = 1", "damaged"),
        ("UPDATE visit SET point = 99", "damaged"),
        ("UPDATE visit SET status = 'odd'", "damaged"),
        ("UPDATE visit SET runs = 'many'", "damaged"),
        ("UPDATE sample SET seconds = 'long'", "damaged"),
        ("DROP TABLE sample", "damaged"),
        ("UPDATE visit SET runs = 0", "damaged"),
        ("CREATE VIEW endless AS SELECT 1", "holds what no run file holds"),
    ],
)
def test_a_damaged_or_foreign_file_is_one_sentence(tmp_path: Path, statement: str, complaint: str) -> None:
    file = _valid(tmp_path)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=complaint):
        read_run(file)


def test_a_truncated_file_text_and_nothing(tmp_path: Path) -> None:
    file = _valid(tmp_path)
    file.write_bytes(file.read_bytes()[:5000])
    text = tmp_path / "b.serialprof"
    text.write_text("hello " * 1000)
    empty = tmp_path / "c.serialprof"
    empty.touch()
    for path in (file, text, empty):
        with pytest.raises(StoreError):
            read_run(path)
    with pytest.raises(StoreError, match="there is no run file"):
        read_run(tmp_path / "d.serialprof")
