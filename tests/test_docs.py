# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows works as shown."""

import json
import re
from contextlib import closing
from pathlib import Path

from benchmarks.kernels_tools.headline import headline
from serialprof.loading import load
from serialprof.measure.introspection import Introspector
from serialprof.setting import Setting
from serialprof.view import load as load_run

ROOT = Path(__file__).parents[1]


def test_the_workload_of_contributing_runs(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)
    (tmp_path / "sandpile.py").write_text(source)
    reference = f"{tmp_path}/sandpile.py:sandpile"
    with closing(Introspector(reference, 0)) as introspector:
        description, _ = introspector.describe()
        (work,) = introspector.declare([Setting(width=64)])
    assert (description.depth_name, description.width_name) == ("topplings", "cells")
    assert work is not None and work.flops.at(64) == 384
    load(reference).stepper(Setting(width=64)).run(10)


def test_the_links_of_the_documentation_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_what_readme_shows_is_what_the_stored_example_says() -> None:
    report = load_run(ROOT / "docs/examples/amd-epyc-2-cores.serialprof").render("terminal")
    shown = report[report.index("\nrule110\n") + 1 : report.index("\nlife\n")].rstrip()
    readme = (ROOT / "README.md").read_text()
    assert f"```\n{shown}\n```" in readme
    assert "@@" not in readme


def test_what_readme_shows_of_a_gpu_is_what_the_stored_example_says() -> None:
    run = load_run(ROOT / "docs/examples/nvidia-h200.serialprof")
    report = run.render("terminal")
    shown = report[report.index("\ntorch-lstm cuda:0\n") + 1 : report.index("\ntorch-lstm graph, cuda:0\n")].rstrip()
    assert f"```\n{shown}\n```" in (ROOT / "README.md").read_text()
    assert run.stored.run_id in (ROOT / "docs/examples/nvidia-h200.html").read_text()
    for family in run.analysis.families:
        assert family.device and family.device.steps and family.device.best
        assert family.device.sweep.knee.value or family.device.sweep.knee.reason


def test_the_planted_shares_of_readme_are_those_of_the_recorded_benchmark() -> None:
    name = "planted-two-threads-load-amd-epyc-2-cores.json"
    recorded = json.loads((ROOT / "benchmarks/results" / name).read_text())["result"]
    readme = (ROOT / "README.md").read_text()
    for row in recorded["table"]:
        told = f"| {row['contained']} of {row['runs']} | {row['median_half_width']:.4f} |"
        assert f"| {1e3 * row['step']:g} ms | {row['share']:.2f} {told}" in readme
        runs = [run for run in recorded["runs"][str(row["share"])] if run["step"] == row["step"]]
        assert (row["runs"], row["contained"]) == (len(runs), sum(run["contained"] for run in runs))
    assert f"{recorded['budget']:g} s of sampling a run" in readme


def test_the_coverage_of_readme_is_that_of_the_recorded_benchmark() -> None:
    recorded = json.loads((ROOT / "benchmarks/results/coverage-amd-epyc-2-cores.json").read_text())["result"]
    readme = (ROOT / "README.md").read_text()
    rows = {(row["noise"], row["quantity"]): row for row in recorded["table"]}
    names = {"independent": "independent", "drift": "drift in time", "bursts": "bursts"}
    names["bimodal"] = "two levels of fresh processes"
    for kind, name in names.items():
        cells = [rows[kind, quantity] for quantity in ("step time", "ratio")]
        told = " | ".join(f"{100 * cell['coverage']:.1f} %, {cell['ratio']:.2f} x" for cell in cells)
        assert f"| {name} | {told} |" in readme


def test_the_shares_of_the_limit_in_readme_are_those_of_the_recorded_benchmark() -> None:
    recorded = json.loads((ROOT / "benchmarks/results/kernels-amd-epyc-2-cores.json").read_text())["result"]
    assert "\n".join(headline(recorded["rows"])) + "\n\n" in (ROOT / "README.md").read_text()


def test_the_clock_meter_of_the_documentation_is_that_of_the_recorded_benchmark() -> None:
    recorded = json.loads((ROOT / "benchmarks/results/meter-amd-epyc-2-cores.json").read_text())["result"]
    told = (ROOT / "docs/clocks.md").read_text()
    for item in recorded["table"]:
        row, apart = item["row"], "1 ms apart" if item["gap"] else "back to back"
        middle, far = (100 * value for value in row["neighbours"])
        shares = " | ".join(f"{100 * row[name]:.{digits}f} %" for name, digits in (("hops", 1), ("in_a_bin", 1)))
        line = (
            f"| {item['condition']}, {apart} | {middle:.3f} %, {far:.2f} % | {shares} | {100 * row['rejected']:.2f} % |"
        )
        assert line in told
    assert f"other processes took {100 * recorded['others']:.1f} % of its CPUs" in told
