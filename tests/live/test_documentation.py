# SPDX-License-Identifier: Apache-2.0
"""docs/live.md works as shown, and its figures are those of the recorded benchmark."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import serialprof

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/live.md"


def test_the_example_runs(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    subprocess.run([sys.executable, "-c", source], cwd=tmp_path, check=True)
    live = serialprof.load_live(tmp_path / "service.serialprof")
    (loop,) = live.stored.loops
    assert (loop.name, loop.seen) == ("decode", 2000)
    assert {place.path: place.calls for place in loop.places} == {
        ("next(loop)",): 2000,
        ("forward",): 2000,
        ("sample",): 2000,
    }
    assert "decode" in live.render("terminal")


def test_the_report_that_it_shows_is_that_of_the_stored_recording() -> None:
    report = serialprof.load_live(ROOT / "docs/examples/live.serialprof").render("terminal")
    shown = report[report.index("decode\n") : report.index("\nOwn time")].rstrip()
    assert f"```\n{shown}\n```" in PAGE.read_text()


def test_its_figures_are_those_of_the_recorded_benchmark() -> None:
    recorded = json.loads((ROOT / "benchmarks/results/live-amd-epyc-2-cores.json").read_text())["result"]
    page = PAGE.read_text()
    for name, row in recorded["table"].items():
        goal = f"{1e9 * recorded['goals'][name]:.0f} ns" if name in recorded["goals"] else ""
        assert f"| {name} | {1e9 * row['min']:.0f} ns | {1e9 * row['median']:.0f} ns | {goal} |" in page
    for name in ("a step, from Python", "a region, from Python"):
        assert recorded["table"][name]["median"] <= recorded["goals"][name]


@pytest.mark.parametrize("name", ["steps", "region", "recording", "include", "live_table", "load_live"])
def test_what_it_names_is_there(name: str) -> None:
    assert callable(getattr(serialprof, name)) and name in serialprof.__all__
