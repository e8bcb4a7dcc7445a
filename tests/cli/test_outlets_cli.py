# SPDX-License-Identifier: Apache-2.0
"""`serialprof report` and `export`: where documents go, and files that are no run."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from serialprof.cli import main
from serialprof.cli.delivery import deliver
from serialprof.errors import StoreError
from serialprof.store import SCHEMA_VERSION, Store
from tests import made

COMMANDS = [
    ("report",),
    ("report", "--format", "html"),
    ("report", "--format", "markdown"),
    ("export", "--format", "json"),
    ("export", "--format", "csv"),
    ("export", "--format", "parquet"),
    ("export", "--format", "chrome-trace"),
]
FAILED = made.Visit(0, 0, 0, "failed", "the worker was killed by signal 9")


def stored(path: Path, *visits: made.Visit) -> Path:
    with Store(path, made.stored(made.points(widths=(1,)), visits)):
        pass
    return path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["serialprof", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def damage(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE meta SET value = '{' WHERE key = 'plan'")
        connection.commit()


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def make_foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE song (title TEXT)")
        connection.commit()


BAD = {
    "damaged": (damage, "is damaged"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:5000]), "is damaged"),
    "foreign": (make_foreign, "is a database, but no run file of serialprof"),
    "newer": (make_newer, f"has schema {SCHEMA_VERSION + 1}, this serialprof reads {SCHEMA_VERSION}"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "text": (lambda path: path.write_text("hello " * 1000), "no run file of serialprof"),
    "absent": (lambda path: path.unlink(), "there is no run file"),
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_run_gets_one_sentence(
    kind: str,
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil, told = BAD[kind]
    file = stored(tmp_path / "a.serialprof", made.visit(0))
    spoil(file)
    assert call(monkeypatch, command[0], str(file), *command[1:]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("serialprof: ") and told in line
    assert {path.name for path in tmp_path.iterdir()} <= {"a.serialprof"}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_in_place_of_a_run_gets_one_sentence(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, command[0], ".", *command[1:]) == 2
    assert capsys.readouterr().err == "serialprof: there is no run file .; give the path of a *.serialprof file\n"
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", [each for each in COMMANDS if "html" not in each], ids=" ".join)
def test_a_run_in_which_everything_failed_says_so_everywhere(
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    if "parquet" in command:
        pytest.importorskip("pyarrow")
    file = stored(tmp_path / "a.serialprof", FAILED)
    assert call(monkeypatch, command[0], str(file), *command[1:]) == 0
    printed = capsysbinary.readouterr()
    assert b"killed by signal 9" in printed.out + printed.err
    if command[0] == "export":
        assert printed.err == b"serialprof: nothing was measured; toy: the worker was killed by signal 9\n"


def test_a_document_is_written_whole_and_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, output = stored(tmp_path / "a.serialprof", made.visit(0)), tmp_path / "a.trace.json"
    arguments = ("export", str(file), "--format", "chrome-trace", "-o", str(output))
    assert call(monkeypatch, *arguments) == 0
    assert json.loads(output.read_text())["traceEvents"]
    assert call(monkeypatch, *arguments) == 2
    assert "exists" in capsys.readouterr().err


def test_bytes_are_written_whole_and_over_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    deliver(b"PAR1\x00\xff", path)
    assert path.read_bytes() == b"PAR1\x00\xff"
    with pytest.raises(StoreError, match="exists"):
        deliver(b"other", path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", full)
    with pytest.raises(StoreError, match="No space left"):
        deliver(b"other", tmp_path / "b.parquet")
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]


def test_a_price_is_for_the_page_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(stored(tmp_path / "a.serialprof", FAILED))
    assert call(monkeypatch, "report", run, "--price", "1+1") == 2
    assert "--price is for the sliders of a page; add --format html" in capsys.readouterr().err
    assert call(monkeypatch, "report", run, "--format", "html", "--price", "1+1", "--watts", "0+0") == 2
    assert "costs nothing" in capsys.readouterr().err
    assert call(monkeypatch, "report", run, "--format", "html", "--price", "1+1", "--watts", "20+4") == 0
    assert (tmp_path / "a.html").exists()
