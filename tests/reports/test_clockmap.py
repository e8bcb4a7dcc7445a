# SPDX-License-Identifier: Apache-2.0
"""The decision map as it is drawn: contours, labels, what lies outside the measurement, and refusals."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import made
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.transforms import BboxBase

from serialprof.estimate import Estimate
from serialprof.model.answers import Refusal
from serialprof.model.decision import CLOCKS, DecisionMap
from serialprof_reports import clockmap
from serialprof_reports.plotting import INK, MUTED, SERIES


def a_map(threads: tuple[int, ...] = (1, 2, 4), most: int = 2, *, clocked: bool = False) -> DecisionMap:
    """A step of which half follows the clock for sure and nine tenths at most; all of it splits over threads."""

    def speed_up(clock: float, count: int) -> Estimate:
        ends = sorted(count / (1 - share + share / clock) for share in (0.5, 0.9))
        return Estimate.bracket(ends[0], ends[1], "one clock")

    rows = tuple(tuple(speed_up(clock, count) for count in threads) for clock in CLOCKS)
    return DecisionMap(
        16, "the first width of the verdict", CLOCKS, threads, rows, most, (0.85, 1.0) if clocked else None
    )


def drawn(found: DecisionMap) -> Figure:
    """The figure of a map, as it is laid out."""
    kept: list[Figure] = []
    original = clockmap.render

    def keep(draw, prefix, title):  # type: ignore[no-untyped-def]
        figure = Figure()
        draw(figure)
        kept.append(figure)
        return original(draw, prefix, title)

    family = made.family(made.stored_run((made.LSTM,)), made.LSTM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clockmap, "render", keep)
        clockmap.clock_map(family, found, "d")
    return kept[0]


def contours(figure: Figure, style: str) -> list[np.ndarray]:
    """Corners of the contours that are drawn in this style, without their gaps."""
    lines = [line for line in figure.axes[0].lines if line.get_color() == INK and line.get_linestyle() == style]
    corners = [np.column_stack(line.get_data()).astype(float) for line in lines]
    return [each[~np.isnan(each).any(axis=1)] for each in corners]


@pytest.mark.parametrize("clocked", [False, True])
def test_contours_are_dashed_outside_what_was_measured(clocked: bool) -> None:
    figure = drawn(a_map(clocked=clocked))
    solid, dashed = contours(figure, "-"), contours(figure, "--")
    assert solid and dashed
    assert all((corners[:, 1] <= 2 + 1e-9).all() for corners in solid)
    if clocked:
        assert all(((corners[:, 0] >= 0.85 - 1e-9) & (corners[:, 0] <= 1 + 1e-9)).all() for corners in solid)
    else:
        assert all((corners[:, 1] >= 2 - 1e-9).all() for corners in dashed)


def test_a_speed_up_is_named_once_however_many_pieces_its_contour_has() -> None:
    names = [text.get_text() for text in drawn(a_map(clocked=True)).axes[0].texts if text.get_text().endswith(" x")]
    assert "2 x" in names
    assert len(set(names)) == len(names)


def test_contours_end_where_nothing_is_told() -> None:
    told = a_map()
    rows = tuple((*row[:2], Estimate.unknown("a barrier")) for row in told.speedups)
    figure = drawn(replace(told, speedups=rows))
    assert contours(figure, "-") and not contours(figure, "--")


def test_contours_lie_where_their_speed_up_is_surely_reached() -> None:
    """The lower end is that of nine tenths below the present clock, of a half above it."""
    reached = []
    for corners in contours(drawn(a_map()), "-"):
        share = np.where(corners[:, 0] < 1, 0.9, 0.5)
        speed_ups = corners[:, 1] / (1 - share + share / corners[:, 0])
        assert np.ptp(speed_ups) < 0.01 * speed_ups[0]
        reached.append(round(float(speed_ups[0]), 2))
    assert sorted(reached) == [0.75, 0.9, 1.1, 1.25, 1.5, 2.0]


def _within(inner: BboxBase, outer: BboxBase) -> bool:
    """But for a pixel, by which the tail of a comma hangs out."""
    wide = outer.padded(1)
    return wide.x0 <= inner.x0 and inner.x1 <= wide.x1 and wide.y0 <= inner.y0 and inner.y1 <= wide.y1


@pytest.mark.parametrize("threads", [(1, 2, 4), (1, 2, 4, 8, 12, 14, 16, 64, 128)])
def test_no_label_stands_outside_the_figure_and_no_two_ticks_touch(threads: tuple[int, ...]) -> None:
    figure = drawn(a_map(threads, threads[-2]))
    figure.canvas.draw()
    texts = [text for text in (*figure.axes[0].texts, *figure.texts) if text.get_text()]
    outside = [text.get_text() for text in texts if not _within(text.get_window_extent(), figure.bbox)]
    assert outside == []
    ticks = [text for text in figure.axes[0].texts if text.get_text().isdigit()]
    heights = sorted((text.get_window_extent().y0, text.get_window_extent().y1) for text in ticks)
    assert all(lower[1] <= upper[0] + 2 for lower, upper in pairwise(heights))
    labels = {text.get_text() for text in figure.axes[0].texts}
    assert "1.25 x" in labels or "2 x" in labels


def test_the_areas_are_where_one_alone_surely_buys_more() -> None:
    patches = drawn(a_map()).axes[0].patches

    def inside(colour: str, place: tuple[float, float]) -> bool:
        return any(
            patch.get_path().contains_point(place) for patch in patches if to_hex(patch.get_facecolor()) == colour
        )

    clock, cores, tie = SERIES[0], SERIES[1], MUTED
    assert inside(clock, (1.45, 1.05)) and not inside(cores, (1.45, 1.05))
    assert inside(cores, (1.1, 1.9)) and not inside(clock, (1.1, 1.9))
    assert inside(tie, (1.45, 1.3)) and not inside(cores, (1.45, 1.3))


def test_a_refusal_stands_in_the_place_of_the_map() -> None:
    family = made.family(made.stored_run((made.LSTM,)), made.LSTM)
    plot = clockmap.clock_map(family, Refusal("decision map", "the clock is not told", "runs at two clocks"), "d")
    assert (plot.markup, plot.refusal) == ("", "the clock is not told; told by runs at two clocks")


def test_the_caption_says_where_it_is_and_how_the_clock_is_known() -> None:
    family = made.family(made.stored_run((made.LSTM,)), made.LSTM)
    bracket, swept = (clockmap.clock_map(family, a_map(clocked=clocked), "d") for clocked in (False, True))
    assert bracket.caption.startswith("At W = 16, the first width of the verdict. Only one clock was measured")
    assert "Clocks were measured from x0.85 to x1;" in swept.caption
    ElementTree.fromstring(bracket.markup)


def test_the_numbers_behind_it_name_what_was_not_measured() -> None:
    table = clockmap.speed_ups(a_map())
    assert table.columns == ("clock", "1 thread", "2 threads", "4 threads (not measured)")
    assert table.rows[3] == ("x1.5", "1.2 to 1.43", "2.4 to 2.86", "4.8 to 5.71")
