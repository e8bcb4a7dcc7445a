# SPDX-License-Identifier: Apache-2.0
"""What figures say in numbers: ticks that differ, labels that do not touch."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from serialprof.estimate import Estimate
from serialprof_reports import stackedbars
from serialprof_reports.frames import Ticks, arrange, at_places, frame, linear, logarithmic, new_axes
from serialprof_reports.plotting import SERIES, band, interval_points, render
from serialprof_reports.stackedbars import Bar


@pytest.mark.parametrize("ends", [(1.2e-4, 1.8e-4), (1e-4, 9e-4), (1e-6, 1e-3), (3.95e-4, 4.05e-4)])
def test_ticks_of_a_short_axis_differ(ends: tuple[float, float]) -> None:
    shown = [label for _, label in logarithmic(ends, "s").within(ends)]
    assert len(shown) >= 2
    assert len(set(shown)) == len(shown)


def test_labels_that_would_not_fit_leave_their_lines() -> None:
    few = at_places([256, 1, 16])
    assert few == Ticks((1, 16, 256), ("1", "16", "256"))
    many = at_places([1 << index for index in range(24)])
    assert len(many.places) == 24
    assert [label for label in many.labels if label] == ["1", "16", "256", "4 Ki", "64 Ki", "1 Mi"]


def test_figures_of_one_kind_have_one_left_edge_whatever_their_labels() -> None:
    def edges(scale: float) -> list[float]:
        figure = Figure()
        for axes in new_axes(figure, 2):
            axes.plot([1, 2], [scale, 2 * scale], label="a key")
            frame(axes, at_places([1, 2]), linear(axes.get_ylim()), "across", "up")
        arrange(figure, 1.0)
        upper, lower = (axes.get_position() for axes in figure.axes)
        assert upper.x0 == lower.x0
        assert upper.y0 > lower.y1
        return [lower.x0 * figure.get_figwidth(), lower.height * figure.get_figheight()]

    assert edges(1.0) == edges(123456.0)
    assert edges(1.0)[1] == pytest.approx(1.0)


def test_a_legend_names_every_labelled_line_as_it_is_drawn() -> None:
    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        for index, label in enumerate(("one", "two")):
            interval_points(axes, [1, 2], [Estimate(1.0, 0.5, 2.0), Estimate(2.0)], index, label=label)
        frame(axes, at_places([1, 2]), linear(axes.get_ylim()), "across", "up")
        arrange(figure, 1.0)

    root = ElementTree.fromstring(render(draw, "x", "a title"))
    texts = ["".join(text.itertext()) for text in root.iter("text")]
    assert texts[-2:] == ["one", "two"]
    marks = [element.get("class") for element in root.iter("use")]
    assert marks.count("f-series-0 s-series-0") == 3  # two points and the key
    assert marks.count("f-series-1 s-series-1") == 3


def test_an_interval_ends_where_it_ends_and_at_the_point_where_it_is_open() -> None:
    axes = Figure().subplots()
    interval_points(axes, [1, 2], [Estimate(1.0, 0.5, 2.0), Estimate(2.0)], 0)
    bars, points = axes.lines
    assert list(bars.get_ydata())[:2] + list(bars.get_ydata())[3:5] == [0.5, 2.0, 2.0, 2.0]
    assert list(points.get_ydata()) == [1.0, 2.0]


def test_a_band_has_a_gap_where_an_end_is_not_known() -> None:
    axes = Figure().subplots()
    unknown = float("nan")
    band(axes, [1, 2, 3, 4, 5], [1, 1, unknown, 1, 1], [2, 2, 2, 2, 2], SERIES[0])
    reaches = [sorted({float(x) for x in patch.get_xy()[:, 0]}) for patch in axes.patches]
    assert reaches == [[1.0, 2.0], [4.0, 5.0]]


def test_bars_lie_in_the_order_of_their_causes_and_below_zero_apart() -> None:
    figure = Figure()
    looks = {"chain": {"facecolor": SERIES[0]}, "rest": {"facecolor": SERIES[1]}}
    bars = [Bar("1 thread", {}), Bar("1", {"chain": 0.7, "rest": 0.3}), Bar("4", {"chain": 1.2, "rest": -0.2})]
    stackedbars.draw(figure, bars, ("chain", "rest"), looks.__getitem__, "cells")
    chain, rest = (
        [patch.get_path().vertices[first : first + 2, 0].tolist() for first in (0, 5)]  # left and right end of each
        for patch in figure.axes[0].patches
    )
    assert chain == [[0.0, 70.0], [0.0, 120.0]]
    assert rest == [[70.0, 100.0], [-20.0, 0.0]]
