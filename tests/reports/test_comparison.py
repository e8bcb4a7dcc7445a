"""Comparisons as text and as JSON."""

import json
from dataclasses import replace
from pathlib import Path

from serialprof.estimate import Estimate
from serialprof.model.comparison.comparing import compare
from serialprof.model.comparison.records import BesideDevice, BesidePart, Comparison
from serialprof.records import StoredRun
from serialprof.store import read_run
from serialprof_reports import comparison as outlet
from tests.model import builder
from tests.reports.made import spread

DOCS = Path(__file__).parents[2] / "docs"


def run(factor: float, seed: int) -> StoredRun:
    made = builder.run(lambda *_: factor * 1e-6, (1, 4, 16), forms=("serial", "wide"), noise=0.01, seed=seed)
    return replace(made, run_id=str(seed))


def compared(*factors: float) -> Comparison:
    runs = [run(factor, seed) for seed, factor in enumerate(factors)]
    return compare(runs, [f"{letter}.serialprof" for letter in "abc"[: len(runs)]])


def test_the_verdict_stands_first_then_the_comparison_then_the_tables() -> None:
    text = outlet.terminal(compared(1.5, 1.0))
    assert text.startswith("B is 1.5")
    places = [
        text.index(words) for words in ("faster than A", "a.serialprof", "6 points shared", "= clock", "all serial")
    ]
    assert places == sorted(places)
    assert "not told" in text
    assert "which lies in other: the cycles of dependent operations are not among the limits" in " ".join(text.split())


def test_no_line_is_longer_than_the_terminal_and_nothing_is_coloured() -> None:
    comparison = compared(1.5, 1.0, 0.01)
    for width in (80, 120):
        assert max(map(len, outlet.terminal(comparison, width=width).splitlines())) <= width
    assert "\x1b" not in outlet.terminal(comparison)
    assert "\x1b" in outlet.terminal(comparison, color=True)


def test_every_point_has_its_ratio_and_who_is_faster() -> None:
    rows = [line.split() for line in outlet.terminal(compared(1.5, 1.0)).splitlines()]
    points = [row for row in rows if row[:2] in (["serial", "1"], ["wide", "1"])]
    assert len(points) == 6
    assert all(row[-1] == "B" and row[-3].startswith(("1.4", "1.5")) for row in points)


def test_names_of_files_and_machines_cannot_steer_the_terminal() -> None:
    first = run(1.0, 0)
    evil = replace(first, machine=replace(first.machine, host="\x1b[2J" + "x" * 500))
    text = outlet.terminal(compare((evil, run(1.0, 1)), ("\x1b]0;a", "[red]b")))
    assert "\x1b" not in text
    assert "[red]b" in text
    assert max(map(len, text.splitlines())) <= 80


def test_knees_and_parts_of_a_device_stand_beside_each_other() -> None:
    comparison = compared(1.5, 1.0)
    part = BesidePart("host dispatch", spread(0.5, 0.1), Estimate.unknown("not measured"))
    device = BesideDevice(spread(64.0, 0.1), Estimate.unknown("beyond B = 4 Ki"), 1, (part,))
    (pair,) = comparison.pairs
    family = replace(pair.families[0], device=device)
    text = outlet.terminal(replace(comparison, pairs=(replace(pair, families=(family,)),)))
    assert "A: B = 64.0 (57.6 to 70.4); B: beyond B = 4 Ki" in text
    assert "share at B = 1" in text
    assert next(line for line in text.splitlines() if "host dispatch" in line).split() == [
        "host", "dispatch", "50", "±5", "%", "-",
    ]  # fmt: skip


def test_what_the_documentation_shows_is_what_the_stored_examples_say() -> None:
    names = ("amd-epyc-2-cores.serialprof", "amd-epyc-2-cores-avx2.serialprof")
    comparison = compare([read_run(DOCS / "examples" / name) for name in names], names)
    text = outlet.terminal(comparison)
    shown = text[: text.index("\ndecode\n")].rstrip()
    assert f"```\n{shown}\n```" in (DOCS / "compare.md").read_text()
    page = (DOCS / "examples/comparison.html").read_text()
    assert comparison.pairs[0].verdict in page
    assert all(side.run_id in page for side in comparison.sides)


def test_the_json_is_versioned_and_holds_what_the_records_hold() -> None:
    comparison = compared(1.5, 1.0)
    document = json.loads(outlet.json(comparison))
    assert document["schema"] == {"name": "serialprof.comparison", "version": 1}
    assert [side["label"] for side in document["sides"]] == ["A", "B"]
    (pair,) = document["pairs"]
    (kind,) = pair["kinds"]
    told = comparison.pairs[0].kinds[0].pooled[0].ratio
    assert kind["pooled"][0]["ratio"]["value"] == told.value
    assert kind["pooled"][0]["ratio"]["identified"] is True
    cycles = next(factor for factor in kind["pooled"][0]["factors"] if factor["name"] == "cycles per step")
    assert cycles["factor"]["identified"] is False
    assert cycles["factor"]["what_would_identify_it"]
