# SPDX-License-Identifier: Apache-2.0
"""The planted laws against what is written down by hand, and against differences."""

import numpy as np
import pytest

from benchmarks.attribution_tools.laws import (
    CacheKnee,
    Cell,
    DepthWidth,
    NumaThreads,
    Ratio,
    Threads,
    TurboThreads,
    UnevenThreads,
)
from benchmarks.attribution_tools.problems import SETS


def test_threads_split_what_spreads_and_each_adds_its_cost() -> None:
    law = Threads(0.2, 0.01)
    assert law.seconds([Cell(threads=1), Cell(threads=4)]) == pytest.approx([1.01, 0.2 + 0.8 / 4 + 0.04])


def test_the_share_on_one_thread_is_all_that_threads_do_not_shorten() -> None:
    law = Threads(0.2, 0.01)
    assert law.share(Cell()).of(law.parameters) == pytest.approx(0.21 / 1.01)
    assert law.share(Cell(threads=4)).of(law.parameters) == pytest.approx(0.24 / 0.44)


def test_far_memory_slows_what_spreads_beyond_a_node() -> None:
    law = NumaThreads(0.2, 0.0)
    assert law.seconds([Cell(threads=16), Cell(threads=32)]) == pytest.approx([0.2 + 0.05, 0.2 + 1.3 * 0.025])


def test_the_thread_with_the_most_pieces_decides() -> None:
    law = UnevenThreads(0.0, 0.0)
    assert law.seconds([Cell(threads=1), Cell(threads=64)]) == pytest.approx([1.0, 0.02])


def test_turbo_slows_everything() -> None:
    law = TurboThreads(0.5, 0.0)
    assert law.seconds([Cell(threads=1), Cell(threads=4)]) == pytest.approx([1.0, (0.5 + 0.125) / 0.92])


@pytest.mark.parametrize(("hides", "step"), [(False, [1.25, 3.0]), (True, [1.0, 2.0])])
def test_a_step_adds_the_width_work_or_hides_the_smaller(hides: bool, step: list[float]) -> None:
    law = DepthWidth(overhead=5.0, latency=1.0, width_at_knee=8.0, hides=hides)
    found = law.seconds([Cell(depth=10, width=2), Cell(depth=10, width=16)])
    assert found == pytest.approx([5 + 10 * step[0], 5 + 10 * step[1]])
    assert law.knee.of(law.parameters) == pytest.approx(8.0)


def test_lanes_cost_more_beyond_the_cache() -> None:
    law = CacheKnee(overhead=0.0, latency=1.0, width_at_knee=1.0, edge=4.0, factor=3.0)
    assert law.seconds([Cell(width=4), Cell(width=6)]) == pytest.approx([1 + 4, 1 + 4 + 3 * 2])


@pytest.mark.parametrize("hides", [False, True])
def test_regressors_are_the_gradient(hides: bool) -> None:
    law, cells = DepthWidth(0.02, 1e-3, 10.0, hides), [Cell(16, 4), Cell(64, 4), Cell(64, 16)]
    size = 1e-6
    more = [
        DepthWidth(0.02 * (1 + size), 1e-3, 10.0, hides),
        DepthWidth(0.02, 1e-3 * (1 + size), 10.0 * (1 + size), hides),  # L alone: tau = L / knee stays
        DepthWidth(0.02, 1e-3, 10.0 / (1 + size), hides),
    ]
    for index, other in enumerate(more):
        assert other.parameters == pytest.approx(law.parameters * np.where(np.arange(3) == index, 1 + size, 1.0))
        slope = (other.seconds(cells) - law.seconds(cells)) / (size * law.parameters[index])
        assert slope == pytest.approx(law.regressors(cells)[:, index], rel=1e-5, abs=1e-5)


def test_the_gradient_of_a_ratio() -> None:
    ratio, parameters = Ratio((1.0, 0.0), (1.0, 2.0)), np.array([3.0, 0.5])  # x / (x + 2 y) = 3 / 4
    assert ratio.of(parameters) == 0.75
    assert ratio.gradient(parameters) == pytest.approx([(1 - 0.75) / 4, -0.75 * 2 / 4])


def test_every_table_asks_what_its_truths_can_tell() -> None:
    for item in SETS:
        for problem in item.problems:
            assert problem.seconds > 0
            assert problem.knee_beyond == item.name.endswith("-beyond")
            assert problem.share is None or 0 < problem.share < 1
