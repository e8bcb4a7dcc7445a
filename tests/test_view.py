# SPDX-License-Identifier: Apache-2.0
import math
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof.errors import UsageError
from serialprof.model import examination
from serialprof.model.fitting.fit import fit_family
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.memory import Memory
from serialprof.model.steptimes import FamilyTimes
from serialprof.setting import Form
from serialprof.store import Readings, Sample, StepTicks, Visit
from serialprof.view import Run
from serialprof_reports.whatifpage import whatifs
from tests import made


@pytest.fixture
def run() -> Run:
    """Widths 1, 4, 16, 64 on one thread, six units, step time proportional to 1 + W; one point failed."""
    cells = made.points(widths=(1, 4, 16, 64, 256))
    visits = [
        made.visit(cell.id, block, seconds=[20e-6 * (1 + cell.setting.width) * factor for factor in (0.99, 1, 1.01)])
        for block in range(6)
        for cell in cells[:-1]
    ]
    return Run(made.stored(cells, (*visits, Visit(4, 0, 0, "failed", "boom"))), Path("a.serialprof"))


def test_a_stored_run_is_read_without_anything_that_measures() -> None:
    code = "import sys; from serialprof import load; print([name for name in sys.modules if 'measure' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_tables(run: Run) -> None:
    samples = run.samples
    assert len(samples) == 6 * 4 * 3
    assert samples.columns[:12].tolist() == [
        "workload", "parameters", "mode", "device", "dtype", "form", "width", "depth", "threads", "block", "turn",
        "process",
    ]  # fmt: skip
    assert {"disturbed", "cpu", "clock_before_hertz", "clock_after_hertz", "cycles", "instructions"} < set(samples)
    assert samples.query("width == 4 and block == 2").step_seconds.median() == pytest.approx(5e-6)
    points = run.points.set_index("width")
    assert points.loc[4, "step_seconds"] == pytest.approx(5e-6)
    assert points.loc[4, "units"] == 6
    assert points.loc[256, "failed"] == "boom"
    assert set(zip(points.device, points.dtype, strict=True)) == {("cpu", "fp32")}
    assert run.failed == ("toy: boom",)
    assert (
        points[["startup_seconds", "p50_seconds", "p95_seconds", "p99_seconds", "longest_seconds"]]
        .isna()
        .all(axis=None)
    )


def test_verdict_and_attribution_by_name(run: Run) -> None:
    assert run.verdict("toy").grade == "C"
    assert run.attribution("toy", width=64).step.value == pytest.approx(65e-6)


def test_what_the_run_lacks_is_named(run: Run) -> None:
    with pytest.raises(UsageError, match="no workload 'life'; it has toy"):
        run.verdict("life")
    with pytest.raises(UsageError, match="no attribution at width 3, threads 1"):
        run.attribution("toy", width=3)
    with pytest.raises(
        UsageError, match="unknown format 'pdf'; choose from chrome-trace, csv, html, json, markdown, parquet, terminal"
    ):
        run.render("pdf")


def test_steps_on_a_device_have_parts_there_and_no_attribution() -> None:
    from tests.model.device import builder

    run = Run(builder.run(noise=0.01), Path("a.serialprof"))
    with pytest.raises(UsageError, match="no attribution at width 4") as caught:
        run.attribution("toy", width=4)
    assert "measured on the device" in caught.value.remedy


def test_options_reach_the_renderer(run: Run) -> None:
    assert max(map(len, run.render("terminal", width=60).splitlines())) <= 60
    assert "\x1b[" in run.render("terminal", color=True)


#: Both forms at two widths on one and two threads; ids count forms first, then threads, then widths.
CELLS = made.points(widths=(1, 4), threads=(1, 2), forms=("serial", "wide"))


def cell(width: int, threads: int = 1, form: Form = "serial") -> int:
    """The id of a cell."""
    return next(
        point.id
        for point in CELLS
        if (point.setting.width, point.setting.threads, point.setting.form) == (width, threads, form)
    )


def visit(point: int, seconds: float, block: int = 0, turn: int = 0) -> Visit:
    """A visit of one turn."""
    return replace(made.visit(point, block, (seconds,)), turn=turn)


def of(*visits: Visit) -> Run:
    """A run of the cells."""
    return Run(made.stored(CELLS, visits), Path("a.serialprof"))


def test_a_ratio_is_compared_turn_by_turn() -> None:
    # The machine is slow in every other turn; a mean over the block would mix what never met.
    run = of(
        *(visit(cell(1), 1.0 * slow, block, turn) for block in range(5) for turn, slow in enumerate((1, 7))),
        *(visit(cell(4), 2.5 * slow, block, turn) for block in range(5) for turn, slow in enumerate((1, 7))),
        *(visit(cell(4), 90.0, block, 2) for block in range(5)),
    )
    ratio = run.ratio("toy", (4, 1), (1, 1))
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2.5, 2.5, 2.5))
    assert run.ratio("toy", (1, 1), (4, 1)).value == pytest.approx(0.4)


def test_the_interval_of_a_ratio_by_hand() -> None:
    # ln ratio = ln 2 + (-0.2 .. 0.2): s^2 = 0.025, n = 5, t(4, 0.975) = 2.776, half 2.776 * sqrt(0.005) = 0.1963
    logs = (-0.2, -0.1, 0.0, 0.1, 0.2)
    run = of(
        *(visit(cell(1, 2), 3.0, block) for block in range(5)),
        *(visit(cell(1, 1), 6.0 * math.exp(log), block) for block, log in enumerate(logs)),
    )
    ratio = run.ratio("toy", (1, 1), (1, 2))
    assert ratio.value == pytest.approx(2.0)
    assert ratio.low == pytest.approx(2 * math.exp(-0.1963), rel=1e-4)
    assert ratio.high == pytest.approx(2 * math.exp(0.1963), rel=1e-4)


def test_a_ratio_is_of_one_form() -> None:
    run = of(
        *(visit(cell(width, form=form), seconds) for width, form, seconds in [
            (1, "serial", 1.0), (4, "serial", 3.0), (1, "wide", 1.0), (4, "wide", 8.0),
        ])
    )  # fmt: skip
    assert run.ratio("toy", (4, 1), (1, 1)).value == pytest.approx(3.0)
    assert run.ratio("toy", (4, 1), (1, 1), form="wide").value == pytest.approx(8.0)


def test_a_ratio_without_enough_or_any_common_units_says_so() -> None:
    few = of(*(visit(cell(width), 1.0 * width, block) for width in (1, 4) for block in range(4)))
    ratio = few.ratio("toy", (4, 1), (1, 1))
    assert (ratio.value, ratio.low, ratio.high) == (pytest.approx(4.0), None, None)
    assert "5 independent units" in ratio.reason
    for first, second in [((4, 2), (1, 1)), ((3, 1), (1, 1))]:  # not visited; not in the plan
        ratio = few.ratio("toy", first, second)
        assert (ratio.value, bool(ratio.reason)) == (None, True)
    apart = of(visit(cell(1), 1.0, block=0), visit(cell(4), 1.0, block=1))
    assert apart.ratio("toy", (4, 1), (1, 1)).value is None
    with pytest.raises(UsageError, match="no workload 'life'; it has toy"):
        few.ratio("life", (4, 1), (1, 1))


def test_single_steps_and_start_up_stand_in_the_table() -> None:
    # 100 steps of 1 .. 100 ticks at 2 ns: the median is 101 ns.
    ticks = StepTicks(2e-9, struct.pack("<100q", *range(1, 101)))
    run = of(*(replace(item, readings=replace(item.readings, ticks=ticks)) for item in [visit(cell(1), 1.0)]))
    row = run.points.iloc[cell(1)]
    assert row.p50_seconds == pytest.approx(101e-9)
    assert row.p50_seconds < row.p95_seconds < row.p99_seconds < row.longest_seconds
    assert row.longest_seconds == pytest.approx(200e-9)


def test_the_start_up_of_a_program_stands_in_the_table() -> None:
    short = made.points(widths=(1,))[0]
    long = replace(short, id=1, setting=replace(short.setting, depth=40))
    stored = made.stored((short, long))
    plan = replace(stored.plan, descriptions=(replace(made.description(), startup=True),))
    visits = tuple(
        Visit(point.id, block, block, "ok", readings=Readings((Sample(0.5 + 0.01 * point.setting.depth, 0.0, 0),)))
        for block in range(5)
        for point in (short, long)
    )
    points = Run(replace(stored, plan=plan, visits=visits), Path("a.serialprof")).points
    assert points[["depth", "step_seconds", "startup_seconds"]].to_numpy().tolist() == [pytest.approx([40, 0.01, 0.5])]


def test_a_family_is_fitted_once_and_only_where_that_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[FamilyTimes] = []

    def fit(times: FamilyTimes, memory: Memory) -> Fitted:
        fitted.append(times)
        return fit_family(times, memory)

    monkeypatch.setattr(examination, "fit_family", fit)
    run.render("csv")
    run.ratio("toy", (4, 1), (1, 1))
    assert not fitted
    run.render("json")
    whatifs(run)
    run.whatif("toy", clock=1.1)
    assert len(fitted) == 1
