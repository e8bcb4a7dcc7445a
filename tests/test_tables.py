# SPDX-License-Identifier: Apache-2.0
"""Everything that a run holds as DataFrames."""

import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd
import pytest

from serialprof.store import Readings, Sample, StepTicks, Visit
from serialprof.view import Run, load
from tests import made

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES: Final = Path(__file__).parents[1] / "docs/examples"
TABLES: Final = (
    "samples", "visits", "points", "tails", "failures", "fits", "knees", "attributions", "tradeoffs", "limit_shares",
    "verdicts", "refusals", "limits", "machine", "findings",
)  # fmt: skip
#: The columns by which rows of any two tables about families are joined.
FAMILY: Final = ["workload", "parameters", "mode", "device", "dtype"]


@pytest.fixture(scope="module")
def run() -> Run:
    return load(EXAMPLES / "amd-epyc-2-cores.serialprof")


@pytest.fixture(scope="module")
def on_device() -> Run:
    return load(EXAMPLES / "nvidia-h200.serialprof")


def small() -> Run:
    """Widths 1 and 4, one of which failed; one visit with ticks of single steps, one disturbed sample."""
    cells = made.points(widths=(1, 4))
    ticks = StepTicks(2e-9, struct.pack("<100q", *range(1, 101)))
    samples = (Sample(1e-3, 1e-3, 0), Sample(2e-3, 1e-3, 0, "stolen"))
    readings = Readings(samples, steal=0.25, temperature=61.0, ticks=ticks, warmup_seconds=0.5)
    visits = (Visit(0, 3, 1, "ok", started=7.0, runs=2, turn=1, readings=readings), Visit(1, 0, 0, "failed", "boom"))
    return Run(made.stored(cells, visits), Path("a.serialprof"))


def columns_of(table: pd.DataFrame) -> "Iterator[tuple[str, str]]":
    return ((name, str(table[name].dtype)) for name in table.columns)


@pytest.mark.parametrize("name", TABLES)
def test_a_run_without_a_visit_has_every_table_with_its_columns(name: str, run: Run) -> None:
    nothing = Run(made.stored(made.points(widths=(1, 4)), ()), Path("a.serialprof"))
    assert list(getattr(nothing, name).columns) == list(getattr(run, name).columns) != []


@pytest.mark.parametrize("name", TABLES)
def test_no_column_mixes_kinds_but_the_machine_s_facts(name: str, run: Run, on_device: Run) -> None:
    for each in (run, on_device):
        mixed = [column for column, kind in columns_of(getattr(each, name)) if kind == "object"]
        assert mixed == {"machine": ["value"], "refusals": ["points"]}.get(name, []), name


def test_a_visit_s_row_says_how_it_went() -> None:
    first, second = small().visits.to_dict("records")
    assert (first["width"], first["block"], first["turn"], first["process"], first["status"]) == (1, 3, 1, 1, "ok")
    assert (first["samples"], first["disturbed"], first["runs"]) == (2, 1, 2)
    assert (first["started_seconds"], first["warmup_seconds"], first["steal_seconds"]) == (7.0, 0.5, 0.25)
    assert first["temperature_celsius"] == 61.0 and first["steady"]
    assert (second["width"], second["status"], second["reason"]) == (4, "failed", "boom")


def test_samples_name_their_workload_as_all_tables_do() -> None:
    run = small()
    reference = "/home/me/mine.py:toy"
    plan = run.stored.plan
    points = tuple(replace(point, workload=reference) for point in plan.points)
    description = replace(plan.descriptions[0], reference=reference, name="toy")
    renamed = Run(replace(run.stored, plan=replace(plan, points=points, descriptions=(description,))), run.path)
    for name in ("samples", "visits", "points", "verdicts", "failures"):
        assert set(getattr(renamed, name)["workload"]) == {"toy"}, name


def test_a_failed_point_has_a_row_with_its_reason_and_place() -> None:
    (row,) = small().failures.to_dict("records")
    assert (row["workload"], row["width"], row["form"], row["reason"]) == ("toy", 4, "serial", "boom")


def test_tails_are_in_seconds() -> None:
    (row,) = small().tails.to_dict("records")
    assert (row["width"], row["steps"]) == (1, 100)
    assert row["p50_seconds"] == pytest.approx(101e-9) and row["longest_seconds"] == pytest.approx(200e-9)


def test_parts_of_an_attribution_add_up_to_the_step(run: Run) -> None:
    table = run.attributions
    whole = table[~table.finer & table.workload.eq("lstm") & table.threads.eq(1) & table.width.eq(16)]
    assert whole["share"].sum() == pytest.approx(1.0)
    found = run.attribution("lstm", width=16)
    for row in whole.itertuples():
        part = found.part(str(row.cause))
        assert (row.seconds, row.share_low, row.share_high) == (part.seconds.value, part.share.low, part.share.high)
    finer = table[table.finer]
    assert set(finer.cause) == {part.cause for part in found.finer} and len(finer)


def test_steps_on_a_device_are_attributed_to_the_parts_measured_there(on_device: Run) -> None:
    table = on_device.attributions
    family = next(item for item in on_device.analysis.families if item.device and item.device.steps)
    assert family.device is not None
    first = family.device.steps[0]
    rows = table[(table.workload == family.description.name) & (table["mode"] == family.family.mode)]
    rows = rows[rows.width == first.width]
    assert rows.cause.tolist() == [part.cause for part in first.parts]
    assert on_device.knees.threads.tolist() == [1] * len(on_device.knees)


def test_verdicts_fits_and_trade_offs_join_by_family(run: Run) -> None:
    joined = run.verdicts.merge(run.fits, on=FAMILY)
    assert joined.workload.tolist() == ["decode", "lstm", "rule110", "life"]
    assert joined.sentence.tolist() == [run.verdict(name).sentence for name in joined.workload]
    assert len(run.tradeoffs.merge(run.verdicts, on=FAMILY)) == len(run.tradeoffs)


def test_every_limit_says_its_unit(run: Run, on_device: Run) -> None:
    limits = run.limits
    add = limits[limits.limit == "add latency"].iloc[0]
    assert (add.value, add.unit) == (run.stored.limits.chains["add"], "s")
    read = limits[limits.limit == "read bandwidth"].iloc[0]
    rung = run.stored.limits.stream[0]
    assert (read.value, read.footprint_bytes, read.threads) == (rung.bandwidth, rung.footprint, rung.threads)
    assert "update bandwidth" not in set(limits.limit), "this run is from before updates were measured"
    assert set(limits.device) == {"host"} < set(on_device.limits.device)
    assert set(on_device.limits.unit) == {"Hz", "s", "B", "B/s", "FLOP/s"}


def test_the_machine_and_what_the_doctor_found(run: Run) -> None:
    facts = dict(zip(run.machine.fact, run.machine.value, strict=True))
    assert (facts["cores"], facts["processor"]) == (run.stored.machine.cores, run.stored.machine.processor)
    assert set(run.findings.state) <= {"costs", "unknown", "good"}
    assert (run.findings.what.str.len() > 0).all()


def test_loading_a_run_loads_no_table_and_no_notebook() -> None:
    code = (
        "import sys, serialprof; serialprof.load(sys.argv[1]); serialprof.run;"
        "print([name for name in ('pandas', 'matplotlib', 'IPython', 'rich', 'cloudpickle') if name in sys.modules])"
    )
    path = str(EXAMPLES / "amd-epyc-2-cores.serialprof")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_limit_share_has_the_floor_of_every_limit(run: Run) -> None:
    table = run.limit_shares
    row = table[(table.workload == "decode") & (table.width == 1) & (table.threads == 1)].iloc[0]
    step = run.points.query("workload == 'decode' and width == 1 and threads == 1 and form == 'serial'").iloc[0]
    assert row.limit == "bandwidth" and pd.isna(row.arithmetic_seconds), "its file is older than declared arithmetic"
    assert row.share == pytest.approx(row.bandwidth_seconds / step.step_seconds)
    assert row.share_low < row.share < row.share_high
