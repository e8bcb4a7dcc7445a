# SPDX-License-Identifier: Apache-2.0
"""Predictions of points that were not fitted, on made times with known answers."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from benchmarks.heldout import Prediction, announced, covers, held_out, predict, row, split, subset
from benchmarks.prediction import SWEEPS
from serialprof.catalog import Affine, Work
from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.model.fitting.memory import Memory
from serialprof.model.steptimes import FamilyTimes
from serialprof.planning import Point
from serialprof.setting import Setting

OCTAVES = tuple(1 << octave for octave in range(10))
MEMORY = Memory.of(Limits(), 1 << 20)
LATENCY, LANE = 1e-5, 1e-7


def work(lane_ops: float = 1.0) -> Work:
    return Work(5, Affine(5, lane_ops), Affine(), Affine(0, 8), Affine(0, 1))


def additive(point: Point) -> float:
    assert point.work is not None
    lanes = point.work.flops.per_lane * point.setting.width
    return LATENCY + LANE * lanes / min(point.setting.threads, point.setting.width)


def made(
    step: Callable[[Point], float] = additive,
    widths: Sequence[int] = OCTAVES,
    lane_ops: Callable[[int], float] = lambda width: 1.0,
    noise: float = 1e-3,
) -> FamilyTimes:
    settings = [Setting(width, threads=threads) for width in widths for threads in (1, 2)]
    points = [Point(at, "toy", setting, work(lane_ops(setting.width))) for at, setting in enumerate(settings)]
    seconds = np.array([step(point) for point in points])
    draw = np.random.default_rng(1)
    return FamilyTimes.of(points, np.log(seconds) + noise * draw.standard_normal((8, len(points))))


def test_every_second_width_is_fitted_and_the_widest_is_beyond() -> None:
    parts = split(reversed((*OCTAVES, 4)))
    assert parts.fitted == (1, 4, 16, 64, 256)
    assert parts.between == (2, 8, 32, 128)
    assert parts.beyond == (512,)


def test_both_ends_of_the_sweep_are_fitted() -> None:
    parts = split(OCTAVES[:-1])
    assert parts.fitted == (1, 4, 16, 64, 128)
    assert parts.between == (2, 8, 32)
    assert parts.beyond == (256,)


@pytest.mark.parametrize("name", SWEEPS)
def test_sweeps_are_octaves_of_which_half_are_fitted(name: str) -> None:
    widths = SWEEPS[name].widths
    assert widths == tuple(SWEEPS[name].least * 2**octave for octave in range(len(widths)))
    assert widths[-1] == SWEEPS[name].most
    assert len(split(widths).fitted) == len(widths) / 2


def test_a_subset_is_what_would_have_been_measured_without_the_others() -> None:
    times = made()
    part = subset(times, (4, 64))
    assert [(point.setting.width, point.setting.threads) for point in part.points] == [(4, 1), (4, 2), (64, 1), (64, 2)]
    assert [summary.point for summary in part.summaries] == list(part.points)
    for width, threads in ((4, 1), (64, 2)):
        column = part.column(width, threads, "serial")
        assert column is not None
        assert (column == times.column(width, threads, "serial")).all()
    assert part.column(8, 1, "serial") is None
    assert part.logs.shape == (8, 4)
    assert len(times.points) == 20


def test_what_is_inside_the_family_is_predicted() -> None:
    fitted, predictions = predict(made(), MEMORY)
    assert {cell.width for cell in fitted.curves.cells} == {1, 4, 16, 64, 256}
    places = {(item.width, item.threads): item.part for item in predictions}
    assert places == {
        (width, threads): "beyond" if width == 512 else "between"
        for width in (2, 8, 32, 128, 512)
        for threads in (1, 2)
    }
    assert max(abs(item.error) for item in predictions) < 0.003
    found = row("toy", predictions, fitted.unattributed())
    assert (found["missed"], found["announced"]) == ([], None)


def test_a_point_is_predicted_with_the_work_that_it_declares() -> None:
    times = made(lane_ops=lambda width: 3.0 if width in (32, 512) else 1.0)
    fitted, predictions = predict(times, MEMORY)
    assert max(abs(item.error) for item in predictions) < 0.01
    point = next(point for point in times.points if point.setting.width == 32)
    assert held_out(fitted.curves.cells, point).work == point.work


def test_a_point_that_was_not_measured_is_not_predicted() -> None:
    times = made()
    times.logs[:, [point.setting.width == 32 for point in times.points]] = np.nan
    times = FamilyTimes.of(times.points, times.logs)
    _, predictions = predict(times, MEMORY)
    assert {item.width for item in predictions} == {2, 8, 128, 512}


def test_a_jump_outside_the_family_is_missed_and_announced() -> None:
    fitted, predictions = predict(
        made(lambda point: additive(point) * (1.5 if point.setting.width >= 64 else 1)), MEMORY
    )
    found = row("toy", predictions, fitted.unattributed())
    assert "between" in found["missed"]
    assert found["announced"]


@pytest.mark.parametrize(
    ("measured", "half", "covered"),
    [
        (1.09, 0.0, True),
        (1.11, 0.0, False),
        (1.11, 0.05, True),  # hypot(.1, .05) = .1118
        (1.112, 0.05, False),
        (0.81, 0.0, True),
        (0.79, 0.0, False),
        (0.79, 0.07, True),  # hypot(.2, .07) = .2119
        (0.78, 0.07, False),
    ],
)
def test_each_half_of_an_interval_is_widened_by_the_measurements(measured: float, half: float, covered: bool) -> None:
    assert covers(Estimate(1.0, 0.8, 1.1), Estimate(measured, measured - half, measured + half)) is covered


def test_without_an_interval_nothing_is_covered() -> None:
    assert not covers(Estimate(1.0), Estimate(1.0, 0.9, 1.1))
    assert not covers(Estimate(1.0, low=0.9), Estimate(1.0, 0.9, 1.1))
    assert covers(Estimate(1.0, 0.9, 1.1), Estimate(1.05))


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (Estimate(0.05, 0.01, 0.09), True),
        (Estimate(-0.05, -0.09, -0.01), True),
        (Estimate(0.05, -0.01, 0.11), False),
        (Estimate(0.02, 0.01, 0.03), False),
        (Estimate(0.5), False),
        (Estimate.bracket(0.1, 0.2, "confused"), False),
    ],
)
def test_a_miss_is_announced_where_a_share_is_surely_left_over(share: Estimate, said: bool) -> None:
    assert announced([Estimate(0.0, -0.01, 0.01), share]) is said


def test_a_bracket_covers_and_has_no_error() -> None:
    bracket = Estimate.bracket(0.5, 2.0, "confused")
    assert covers(bracket, Estimate(2.0))
    assert not covers(bracket, Estimate(2.1))
    assert covers(bracket, Estimate(2.1, 1.6, 2.6))
    refused = Prediction(512, 1, "beyond", Estimate(1.0), bracket)
    assert refused.error == math.inf
    found = row("toy", [off("between", 0.0), off("beyond", 0.0), refused, refused], [])
    assert (found["refused"], found["beyond"], found["missed"]) == (2, math.inf, ["beyond"])


def off(part: str, error: float, half: float = 1.0) -> Prediction:
    predicted = Estimate(1 + error, 1 + error - half, 1 + error + half)
    return Prediction(1, 1, part, Estimate(1.0), predicted)  # type: ignore[arg-type]


def test_a_row_holds_medians_and_what_they_miss() -> None:
    between = [off("between", error) for error in (-0.01, 0.02, 0.06)]
    found = row("toy", [*between, off("beyond", -0.09, half=0.01)], [Estimate(-0.01), Estimate(0.04), Estimate(0.02)])
    assert found["between"] == pytest.approx(0.02)
    assert found["between_p90"] == pytest.approx(0.02 + 0.8 * 0.04)
    assert found["beyond"] == pytest.approx(0.09)
    assert found["covered"] == 0.75
    assert (found["unattributed"], found["unattributed_most"]) == (0.02, 0.04)
    assert found["missed"] == ["beyond", "covered"]
    assert found["announced"] is False


def test_without_predictions_every_goal_is_missed() -> None:
    found = row("toy", [], [])
    assert found["missed"] == ["between", "beyond", "covered"]
    assert found["between"] == math.inf
