# SPDX-License-Identifier: Apache-2.0
"""Where sweeps over width end, by made times."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from serialprof.measure.branches import PAST_KNEE, Branches, branch_of, fair_share, past_knee
from tests import made

OCTAVES = made.points(widths=[2**power for power in range(10)])
PLAN = replace(made.plan(OCTAVES, budget=1000.0), open_ended=("toy",))


def first_past(times: Callable[[int], float], widths: list[int]) -> int | None:
    """The first width at which a sweep upwards would end."""
    curve: dict[int, float] = {}
    for width in widths:
        curve[width] = times(width)
        if past_knee(curve):
            return width
    return None


DOUBLING = [2**power for power in range(15)]


@pytest.mark.parametrize(
    ("times", "widths", "end"),
    [
        (lambda width: max(1.0, width / 16), DOUBLING, 64),
        (lambda width: max(1.0, width / 16), [4**power for power in range(8)], 64),
        (lambda width: max(1.0, width / 16), [3**power for power in range(9)], 243),
        (lambda width: float(width), DOUBLING, 4),
        (lambda width: 1.0 + width / 16, DOUBLING, 16 * 32),
        (lambda width: 1.0 + 1e-6 * width, DOUBLING, None),
        (lambda width: 1.0 if width == 1 else max(3.0, width / 16), DOUBLING, 256),
        (lambda width: width**0.85, DOUBLING, None),
        (lambda width: max(1.0, width / 16), [1, 16, 24, 32, 48, 64], 64),
    ],
)
def test_a_sweep_ends_an_octave_after_that_in_which_time_began_to_grow_like_width(
    times: Callable[[int], float], widths: list[int], end: int | None
) -> None:
    assert first_past(times, widths) == end


def test_one_width_tells_nothing() -> None:
    assert not past_knee({1: 1.0}) and not past_knee({1: 0.0, 2: 1.0, 4: 2.0})


def test_wider_points_end_and_the_last_linear_one_stays() -> None:
    branches = Branches(PLAN)
    for point in OCTAVES[:5]:
        branches.calibrated(point, 1e-3 * max(1, point.setting.width // 4))
    assert [branches.ended(point) for point in OCTAVES] == [""] * 5 + [PAST_KNEE] * 5


def test_a_sweep_that_was_asked_for_never_ends_by_itself() -> None:
    branches = Branches(replace(PLAN, open_ended=()))
    for point in OCTAVES:
        branches.calibrated(point, 1e3 * point.setting.width)
    assert not any(map(branches.ended, OCTAVES))


def test_runs_longer_than_their_share_end_the_sweep_but_never_at_the_narrowest() -> None:
    share = fair_share(PLAN)
    branches = Branches(PLAN)
    branches.calibrated(OCTAVES[0], 2 * share)
    assert not branches.ended(OCTAVES[0])
    branches.calibrated(OCTAVES[1], 0.1 * share)
    assert "more than its fair share of the budget" in branches.ended(OCTAVES[1])
    assert not branches.ended(OCTAVES[0]) and branches.ended(OCTAVES[9])


def test_it_is_the_whole_branch_that_has_a_share() -> None:
    branches = Branches(PLAN)
    for point in OCTAVES[:4]:
        branches.calibrated(point, 0.26 * fair_share(PLAN))
    assert [bool(branches.ended(point)) for point in OCTAVES] == [False] * 3 + [True] * 7, "flat as it may be"


def test_the_share_leaves_time_for_five_blocks_of_every_branch() -> None:
    both = made.points(widths=[2**power for power in range(10)], threads=(1, 2))
    assert fair_share(PLAN) == pytest.approx(1000.0 / (2 * 5 * 3))
    assert fair_share(made.plan(both, budget=1000.0)) == pytest.approx(fair_share(PLAN) / 2)


def test_memory_ends_a_branch_unless_it_does_not_hold_its_narrowest() -> None:
    branches = Branches(replace(PLAN, open_ended=()))
    assert not branches.exhausted(OCTAVES[0], "out of memory")
    assert not branches.ended(OCTAVES[0])
    branches.calibrated(OCTAVES[0], 1.0)
    assert branches.exhausted(OCTAVES[3], "out of memory")
    assert [bool(branches.ended(point)) for point in OCTAVES] == [False] * 3 + [True] * 7
    branches.end(OCTAVES[5], "another reason")
    assert branches.ended(OCTAVES[5]) == "out of memory", "the first end counts"
    branches.end(OCTAVES[2], "another reason")
    assert branches.ended(OCTAVES[2]) == "another reason" == branches.ended(OCTAVES[9])


def test_branches_differ_in_everything_but_width() -> None:
    cell = OCTAVES[0]
    assert len({branch_of(point) for point in OCTAVES}) == 1
    others = [
        replace(cell, workload="other"),
        *(
            replace(cell, setting=replace(cell.setting, **change))  # type: ignore[arg-type]
            for change in (
                {"mode": "eager"}, {"device": "cuda:0"}, {"dtype": "bf16"}, {"form": "wide"}, {"threads": 2},
                {"parameters": {"hidden": 9}}, {"clock": 1e9},
            )
        ),
    ]  # fmt: skip
    assert len({branch_of(point) for point in (cell, *others)}) == 1 + len(others)
