# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from serialprof.errors import UsageError
from serialprof.store import Visit
from serialprof.view import Run
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


def test_tables(run: Run) -> None:
    samples = run.samples
    assert len(samples) == 6 * 4 * 3
    assert samples.query("width == 4 and block == 2").step_seconds.median() == pytest.approx(5e-6)
    points = run.points.set_index("width")
    assert points.loc[4, "step_seconds"] == pytest.approx(5e-6)
    assert points.loc[4, "units"] == 6
    assert points.loc[256, "failed"] == "boom"
    assert run.failed == ("toy: boom",)


def test_verdict_and_attribution_by_name(run: Run) -> None:
    assert run.verdict("toy").grade == "C"
    assert run.attribution("toy", width=64).step.value == pytest.approx(65e-6)


def test_what_the_run_lacks_is_named(run: Run) -> None:
    with pytest.raises(UsageError, match="no workload 'life'; it has toy"):
        run.verdict("life")
    with pytest.raises(UsageError, match="no attribution at width 3, threads 1"):
        run.attribution("toy", width=3)
    with pytest.raises(UsageError, match="unknown format 'pdf'; choose from csv, html, json, terminal"):
        run.render("pdf")


def test_options_reach_the_renderer(run: Run) -> None:
    assert max(map(len, run.render("terminal", width=60).splitlines())) <= 60
    assert "\x1b[" in run.render("terminal", color=True)
