# SPDX-License-Identifier: Apache-2.0
"""What figures say in numbers: ticks that differ, labels that do not touch."""

from __future__ import annotations

from dataclasses import replace

import made
import pytest
from matplotlib.figure import Figure

from serialprof.estimate import Estimate
from serialprof_reports import clockmap
from serialprof_reports.plotting import log_ticks


@pytest.mark.parametrize("ends", [(1.2e-4, 1.8e-4), (1e-4, 9e-4), (1e-6, 1e-3), (3.95e-4, 4.05e-4)])
def test_ticks_of_a_short_axis_differ(ends: tuple[float, float]) -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.set_yscale("log")
    axes.set_ylim(*ends)
    log_ticks(axes, "s")
    figure.draw_without_rendering()
    shown = [label.get_text() for label in axes.get_yticklabels() if ends[0] <= label.get_position()[1] <= ends[1]]
    assert len(shown) >= 2
    assert len(set(shown)) == len(shown)


def test_marks_that_nearly_touch_share_a_label() -> None:
    family = made.family(made.stored_run((made.LSTM,)), made.LSTM)
    places = {1: 0.9, 4: -0.4, 16: 0.95, 64: 1.0, 256: 0.97}
    marks = sorted(
        (replace(item, cores=Estimate(places[item.width])) for item in family.tradeoffs),
        key=lambda item: item.cores.value or 0.0,
    )
    (first, last) = clockmap._labels(marks, 0.2)
    assert first == (-0.4, "4")
    assert last == (pytest.approx(0.955), "1, 16, 256,\n64")
    many = [replace(marks[0], width=width) for width in range(1, 12)]
    assert clockmap._labels(many, 0.2) == [(pytest.approx(-0.4), "1 ... 11")]
