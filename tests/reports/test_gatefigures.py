# SPDX-License-Identifier: Apache-2.0
"""Figures of a gate, as they are drawn before they become SVG."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure

from serialprof_reports import gatefigures
from serialprof_reports.gatefigures import forest
from tests.gating import made


def test_no_upright_line_of_the_forest_goes_through_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Figure()

    def draw_alone(draw: Callable[[Figure], None], *_: str) -> str:
        draw(figure)
        return ""

    monkeypatch.setattr(gatefigures, "render", draw_alone)
    outcomes = [outcome for outcome in made.failing().outcomes if outcome.judgement]
    forest(outcomes, "f")
    (axes,) = figure.axes
    rows = [text.get_position()[1] for text in axes.texts if ": " in text.get_text()]
    assert len(rows) == len(outcomes)
    names = [axes.transData.transform((0, row))[1] for row in rows]
    drawn = [line.get_transform().transform(line.get_xydata()) for line in axes.lines]
    upright = [points for points in drawn if len(points) > 1 and len({*points[:, 0]}) == 1]
    assert len(upright) == 3 * len(outcomes)  # no change, the tolerance and the MDE of each
    assert not [name for name in names for points in upright if min(points[:, 1]) < name < max(points[:, 1])]
