# SPDX-License-Identifier: Apache-2.0
"""serialprof's model on made times: the same fit, intervals and refusals as in a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.attribution_tools.answers import Answer
from benchmarks.attribution_tools.laws import Array
from benchmarks.attribution_tools.problems import Question
from serialprof.catalog import Affine, Work
from serialprof.estimate import Estimate
from serialprof.limits import BarrierRung, Limits
from serialprof.model.fitting.fit import fit_family
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.knees import knee
from serialprof.model.fitting.memory import Memory
from serialprof.model.forecast.outlook import Outlook
from serialprof.model.results import SERIAL
from serialprof.model.steptimes import FamilyTimes
from serialprof.planning import Point
from serialprof.question import Change
from serialprof.setting import Setting

#: A footprint that is nothing beside this cache, so that no traffic is expected.
_CACHE: Final = 2**20
#: Seconds per thread, and a relative error beside which any cost is as likely as any other.
_SOME, _OPEN = 1e-6, 1e6
#: More pieces than any machine has threads.
_PIECES: Final = 1e9


@dataclass(frozen=True)
class Serialprof:
    """The instrument. A unit of its intervals is a repetition."""

    name: str = "serialprof"
    most: int | None = None

    def applies(self, question: Question) -> bool:  # noqa: ARG002, D102
        return True

    def answer(self, question: Question, times: Array) -> Answer:  # noqa: D102
        return _over_threads(question, times) if question.sweeps_threads else _over_widths(question, times)


def _over_threads(question: Question, times: Array) -> Answer:
    """A step of one width whose work may be cut as small as one likes; what threads wait for is one barrier of it.

    serialprof's synchronisation is nothing on one thread, so c p stands as serial c and synchronisation c (p - 1); its
    serial share on one thread is then that of the question, (s + c) / (1 + c).
    """
    counts = [cell.threads for cell in question.cells]
    work = Work(0.0, Affine(1.0), Affine(), Affine(), Affine(_PIECES))
    points = [Point(index, "made", Setting(threads=count), work) for index, count in enumerate(counts)]
    barriers = tuple(_barrier(question, count) for count in (*counts[1:], question.wanted.threads))
    made = FamilyTimes.of(points, np.log(times))
    fitted = fit_family(made, Memory(Limits(barriers=barriers), _CACHE))
    seconds = _predicted(made, fitted, 1, question.wanted.threads)
    return Answer(fitted.shares(SERIAL)[0], seconds, admits=_admits(fitted))


def _barrier(question: Question, threads: int) -> BarrierRung:
    """What threads cost as a measured barrier: c (p - 1), or what grows like it and has an error that leaves c open.

    That a cost in proportion to p may be there is what every other tool and the bound are told as well.
    """
    if question.cost is not None:
        return BarrierRung(threads, 0.0, question.cost * (threads - 1))
    some = _SOME * (threads - 1)
    return BarrierRung(threads, 0.0, some, error=_OPEN * some)


def _over_widths(question: Question, times: Array) -> Answer:
    """A step whose work grows with the width, on one thread."""
    widths = sorted({cell.width for cell in question.cells})
    work = Work(0.0, Affine(per_lane=1.0), Affine(), Affine(), Affine(per_lane=1.0))
    points = [Point(index, "made", Setting(width=width), work) for index, width in enumerate(widths)]
    overhead, steps = without_overhead(question, times, widths)
    made = FamilyTimes.of(points, np.log(steps))
    fitted = fit_family(made, Memory(Limits(), _CACHE))
    step = _predicted(made, fitted, question.wanted.width, 1)
    asked = question.share_at
    share = None if asked is None else fitted.shares(SERIAL)[widths.index(asked.width)]
    return Answer(share, _run(step, question.wanted.depth, overhead), knee(fitted, 1), _admits(fitted))


def without_overhead(question: Question, times: Array, widths: Sequence[int]) -> tuple[float, Array]:
    """What a run takes besides its steps, and the steps: T = o + D t(W) by relative least squares in every repetition.

    It is how serialprof takes the start-up from the time of whole programs, at more than its two depths.

    Args:
        question: its cells vary in depth and width.
        times: [repetition, cell], seconds of runs.
        widths: the widths of the cells.

    Returns:
        Mean overhead in seconds, and seconds per step [repetition, width].
    """
    columns = np.zeros((len(question.cells), 1 + len(widths)))
    columns[:, 0] = 1.0
    for row, cell in enumerate(question.cells):
        columns[row, 1 + widths.index(cell.width)] = cell.depth
    found = np.array([np.linalg.lstsq(columns / row[:, None], np.ones(len(row)), rcond=None)[0] for row in times])
    return float(found[:, 0].mean()), found[:, 1:]


def _predicted(made: FamilyTimes, fitted: Fitted, width: int, threads: int) -> Estimate:
    """Seconds of a step that was not timed, as `serialprof whatif` says it."""
    outlook = Outlook(made, fitted)
    target = outlook.cell(width, threads)
    return outlook.forecasts(target, [target], Change())[0].step


def _run(step: Estimate, depth: int, overhead: float) -> Estimate:
    """A run of so many steps. The overhead's own error is left out: it is a thousandth of such a run."""
    value, low, high = (None if end is None else overhead + depth * end for end in (step.value, step.low, step.high))
    return Estimate(value, low, high, "s", step.level, step.reason, step.remedy)


def _admits(fitted: Fitted) -> bool:
    """Whether somewhere in the sweep the interval of what is unattributed leaves out 0."""
    return any(
        (part.low is not None and part.low > 0) or (part.high is not None and part.high < 0)
        for part in fitted.unattributed()
    )
