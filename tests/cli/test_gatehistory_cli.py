# SPDX-License-Identifier: Apache-2.0
"""`serialprof gate history`: files in, series out; sentences for what cannot be read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from serialprof.cli.gatehistory import command
from serialprof.errors import StoreError, UsageError
from serialprof_reports.gate import json as rendered
from tests.gating import made

EXAMPLE = Path(__file__).parents[2] / "docs/examples/amd-epyc-2-cores.serialprof"


def chain(folder: Path, changes: list[float]) -> list[str]:
    """The JSON of gates of successive commits, with a benchmark that changes by this much in each."""
    paths = []
    for index, change in enumerate(changes):
        report = replace(
            made.report(made.outcome("lstm", made.pairs(change, seed=index))),
            base=replace(made.BASE, commit=f"c{index}"),
            head=replace(made.HEAD, commit=f"c{index + 1}"),
            started=1_780_000_000.0 - 86400 * index,  # commits need not be gated in their order
        )
        path = folder / f"{index}.json"
        path.write_text(rendered(report))
        paths.append(str(path))
    return paths


def called(*words: str) -> str:
    return CliRunner().invoke(command, words, catch_exceptions=False).output


def test_a_commit_that_made_it_slower_is_named(tmp_path: Path) -> None:
    text = " ".join(called("--ordered", *chain(tmp_path, [0.0, 0.0, 0.1, 0.0])).split())
    assert "4 files as given, 1 series, 1 changed" in text
    assert "until 2026-05-27 (c2), 1.10" in text
    assert "since 2026-05-26 (c3): +" in text


def test_without_ordered_files_are_put_by_time(tmp_path: Path) -> None:
    told = json.loads(called("--json", *chain(tmp_path, [0.0, 0.0])))
    assert [moment["label"] for moment in told["series"][0]["moments"]] == ["c1", "c2", "c1"]
    assert told["ordered"] is False


def test_json_beside_another_format_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are two formats"):
        called("--json", "--format", "html", *chain(tmp_path, [0.0]))


def test_runs_and_gates_may_be_mixed(tmp_path: Path) -> None:
    told = json.loads(called("--json", str(EXAMPLE), *chain(tmp_path, [0.0])))
    assert {series["kind"] for series in told["series"]} == {"step", "chain"}
    assert told["files"] == 2


def test_a_page_goes_to_a_new_file(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    paths = chain(tmp_path, [0.0, 0.1])
    assert f"page: {page}" in called("-o", str(page), *paths)
    assert page.read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(StoreError, match="exists"):
        called("--format", "html", "-o", str(page), *paths)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(StoreError, match=r"bad\.json is no report of a gate"):
        called(str(bad))
    with pytest.raises(UsageError, match="unknown format"):
        called("--format", "pdf", str(bad))
