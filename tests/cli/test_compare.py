"""`serialprof compare`: what it prints and writes, and what it refuses."""

import json
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof.store import Store
from tests.cli.calling import called, processed
from tests.model import builder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a.serialprof, and b.serialprof, whose steps take half as long."""
    folder = tmp_path_factory.mktemp("compare")
    for seed, (name, seconds) in enumerate((("a", 2e-6), ("b", 1e-6))):
        run = builder.run(lambda *_, seconds=seconds: seconds, (1, 4), noise=0.01, seed=seed)
        with Store(folder / f"{name}.serialprof", replace(run, visits=(), run_id=name)) as store:
            for visit in run.visits:
                store.add(visit)
            store.finish("complete")
    return folder


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return called("compare", *arguments, cwd=folder)


def test_the_verdict_comes_first_and_is_plain_when_piped(folder: Path) -> None:
    done = processed("compare", "a.serialprof", "b.serialprof", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(("B is 2.0", "B is 1.9"))
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout


def test_the_same_file_twice_gives_1x(folder: Path) -> None:
    done = compare(folder, "a.serialprof", "a.serialprof")
    assert done.returncode == 0, done.stderr
    assert "the data cannot tell A from B on serial work (1.00x" in " ".join(done.stdout.split())


def test_json_alone_stands_on_standard_output_or_in_a_new_file(folder: Path) -> None:
    done = compare(folder, "a.serialprof", "b.serialprof", "--json")
    assert json.loads(done.stdout)["schema"]["name"] == "serialprof.comparison"
    written = compare(folder, "a.serialprof", "b.serialprof", "--format", "json", "-o", "c.json")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "written: c.json\n")
    assert (folder / "c.json").read_text() == done.stdout
    again = compare(folder, "a.serialprof", "b.serialprof", "-o", "c.json")
    assert again.returncode == 2
    assert "c.json exists" in again.stderr


def test_json_beside_another_format_is_bad_usage(folder: Path) -> None:
    done = compare(folder, "a.serialprof", "b.serialprof", "--json", "--format", "html")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--json and --format html are two formats; give one of them" in done.stderr
    assert not (folder / "comparison.html").exists()


def test_prices_stand_beside_the_ratios_and_are_asked_of_every_run(folder: Path) -> None:
    done = compare(folder, "a.serialprof", "b.serialprof", "--price", "0.1+0", "--price", "0+0.2")
    text = " ".join(done.stdout.split())
    assert "For the same money B makes" in text and "0.2 per thread an hour" in text
    document = json.loads(compare(folder, "a.serialprof", "b.serialprof", "--json", *done.args[-4:]).stdout)
    assert document["sides"][1]["price"] == {"base": 0.0, "per_thread": 0.2}
    assert document["pairs"][0]["families"][0]["points"][0]["cost"]["first"]["unit"] == "price"
    assert "1 price given for 2 runs" in refused(folder, "a.serialprof", "b.serialprof", "--price", "0.1+0")
    assert "write it like --price" in compare(folder, "a.serialprof", "b.serialprof", "--price", "cheap").stderr


def test_a_page_goes_beside_the_first_run_or_where_it_is_asked_for(folder: Path, tmp_path: Path) -> None:
    for name in ("a.serialprof", "b.serialprof"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    runs = (str(tmp_path / "a.serialprof"), str(tmp_path / "b.serialprof"))
    done = compare(folder, *runs, "--format", "html")
    page = tmp_path / "comparison.html"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"page: {page}\n")
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>") and ("B is 2.0" in text or "B is 1.9" in text)
    assert "comparison.html exists" in refused(folder, *runs, "--format", "html")
    assert page.read_text() == text
    elsewhere = compare(folder, *runs, "-o", str(tmp_path / "other.html"))  # its ending says what it is
    assert elsewhere.stderr == f"page: {tmp_path / 'other.html'}\n"
    assert (tmp_path / "other.html").read_text() == text


def refused(folder: Path, *arguments: str) -> str:
    done = compare(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_files_that_cannot_be_read_get_one_sentence_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "a.serialprof").read_bytes()
    (tmp_path / "good.serialprof").write_bytes(whole)
    (tmp_path / "empty.serialprof").write_bytes(b"")
    (tmp_path / "foreign.serialprof").write_text("not a database")
    (tmp_path / "cut.serialprof").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "newer.serialprof").write_bytes(whole)
    with sqlite3.connect(tmp_path / "newer.serialprof") as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    for name in ("empty", "foreign", "cut", "newer", "absent"):
        for format_ in ("json", "html"):
            line = refused(tmp_path, "good.serialprof", f"{name}.serialprof", "--format", format_, "-o", "out.txt")
            assert f"{name}.serialprof" in line
    assert not [path for path in tmp_path.iterdir() if "out.txt" in path.name]


def test_what_cannot_be_asked_gets_one_sentence(folder: Path) -> None:
    assert "name two run files or more" in refused(folder, "a.serialprof")
    assert "choose from html, json, terminal" in refused(folder, "a.serialprof", "b.serialprof", "--format", "tablet")


def test_a_folder_is_no_run(folder: Path) -> None:
    assert "there is no run file ." in refused(folder, ".", "b.serialprof", "--format", "html")


def test_runs_that_share_nothing_are_refused(folder: Path, tmp_path: Path) -> None:
    run = builder.run(lambda *_: 1e-6, (2, 8))
    with Store(tmp_path / "other.serialprof", replace(run, visits=())) as store:
        for visit in run.visits:
            store.add(visit)
        store.finish("complete")
    for format_ in ("terminal", "html"):
        line = refused(folder, "a.serialprof", str(tmp_path / "other.serialprof"), "--format", format_)
        assert "no point with the same" in line
    assert not (folder / "comparison.html").exists()
