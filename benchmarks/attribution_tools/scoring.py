# SPDX-License-Identifier: Apache-2.0
"""What a tool's answers are worth: errors, coverage and widths beside the truth and the bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import erf

from benchmarks.attribution_tools.answers import Answer
from benchmarks.attribution_tools.bound import bound
from benchmarks.attribution_tools.laws import Array
from benchmarks.attribution_tools.noise import Noise
from benchmarks.attribution_tools.problems import Problem
from serialprof.estimate import Estimate

Mask = npt.NDArray[np.bool_]

#: Half-widths of the bound's own interval up to which a quantity counts as identifiable: of the share as it is, of
#: seconds and knees relative to the truth.
IDENTIFIABLE: Final = {"share": 0.05, "seconds": 0.25, "knee": 0.25}
#: Standard errors in the half-width of a normal interval of 95 %.
NORMAL: Final = 1.959964
#: Median of |x| of a standard normal x.
PROBABLE: Final = 0.674490

QUANTITIES: Final[dict[str, Callable[[Answer], Estimate | None]]] = {
    "share": lambda answer: answer.share,
    "seconds": lambda answer: answer.seconds,
    "knee": lambda answer: answer.knee,
}


@dataclass(frozen=True)
class Trial:
    """One answer of one tool.

    Attributes:
        problem: its number in the information set.
        answer: None where the tool failed.
        spent: wall seconds.
        failure: why it failed, empty where it did not.
    """

    problem: int
    answer: Answer | None
    spent: float
    failure: str = ""

    def says(self, quantity: str) -> Estimate | None:
        """Its estimate of a quantity."""
        return None if self.answer is None else QUANTITIES[quantity](self.answer)


@dataclass(frozen=True)
class Truth:
    """A quantity of a problem.

    Attributes:
        value: the truth, in the quantity's unit.
        error: the least standard error by the bound, likewise.
        scale: what errors are divided by: the truth itself where they are relative, else 1.
        identifiable: whether the bound's own interval is narrow enough for a number to mean something.
    """

    value: float
    error: float
    scale: float
    identifiable: bool


@dataclass(frozen=True)
class Score:
    """What the answers of a tool to one quantity are worth; None where nothing can be said.

    Attributes:
        median_error, p90_error: of the numbers given.
        excess: median of |error| / bound's standard error, over that of a normal error; 1 is as good as can be.
        coverage: of the answers with an end, those that contain the truth (a bracket and a one-sided bound count too).
        width: median width over the width of the bound's interval.
        verdicts: of the identifiable trials, those with a number and an interval; of peers, with a number.
        identifiable: of the trials, those whose quantity is.
        bare: of the trials that are not identifiable, those in which a number is given all the same.
        honest: of all trials, those in which the interval contains the truth or the tool admits a lack of fit.
    """

    median_error: float | None
    p90_error: float | None
    excess: float | None
    coverage: float | None
    width: float | None
    verdicts: float | None
    identifiable: float
    bare: float | None
    honest: float | None


def truths(problem: Problem, noise: Noise) -> dict[str, Truth]:
    """The truth of every quantity that a problem asks for."""
    least = bound(problem, noise)
    asked = {
        "share": (problem.share, least.share, 1.0),
        "seconds": (problem.seconds, least.seconds, problem.seconds),
        "knee": (problem.knee, least.knee, problem.knee),
    }
    found = {}
    for name, (value, error, scale) in asked.items():
        if value is not None and error is not None and scale is not None:
            narrow = NORMAL * error <= IDENTIFIABLE[name] * scale
            found[name] = Truth(value, error, scale, narrow and not (name == "knee" and problem.knee_beyond))
    return found


def score(quantity: str, trials: Sequence[Trial], known: Sequence[dict[str, Truth]]) -> Score | None:
    """The score of one quantity.

    Args:
        quantity: "share", "seconds" or "knee".
        trials: of one tool.
        known: the truths by problem.

    Returns:
        None where the problems do not have the quantity, or the tool never speaks of it.
    """
    trials = [trial for trial in trials if quantity in known[trial.problem]]
    if all(trial.says(quantity) is None for trial in trials):
        return None
    pairs = [(trial.says(quantity) or Estimate.unknown("failed"), known[trial.problem][quantity]) for trial in trials]
    told = _mask(estimate.value is not None for estimate, _ in pairs)
    bounded = _mask(estimate.low is not None or estimate.high is not None for estimate, _ in pairs)
    inside = bounded & _mask(contains(estimate, truth.value) for estimate, truth in pairs)
    identifiable = _mask(truth.identifiable for _, truth in pairs)
    admitted = _mask(bool(trial.answer and trial.answer.admits) for trial in trials)
    found = [(estimate.value, truth) for estimate, truth in pairs if estimate.value is not None]
    errors = [abs(value - truth.value) / truth.scale for value, truth in found]
    excesses = [abs(value - truth.value) / truth.error for value, truth in found if 0 < truth.error < np.inf]
    excess = _quantile(excesses, 0.5)
    return Score(
        median_error=_quantile(errors, 0.5),
        p90_error=_quantile(errors, 0.9),
        excess=None if excess is None else excess / PROBABLE,
        coverage=_mean(inside[bounded]),
        width=_quantile(_widths(pairs), 0.5),
        verdicts=_mean((told & bounded if bounded.any() else told)[identifiable]),
        identifiable=float(identifiable.mean()),
        bare=_mean(told[~identifiable]),
        honest=_mean(inside | admitted) if bounded.any() else None,
    )


def bound_score(quantity: str, trials: Sequence[Trial], known: Sequence[dict[str, Truth]]) -> Score | None:
    """The score of an estimator that reaches the bound with normal errors, over the same trials."""
    facts = [known[trial.problem][quantity] for trial in trials if quantity in known[trial.problem]]
    if not facts:
        return None
    errors = np.array([truth.error / truth.scale for truth in facts])
    identifiable = float(np.mean([truth.identifiable for truth in facts]))
    median, most = mixture_quantile(errors, 0.5), mixture_quantile(errors, 0.9)
    return Score(median, most, 1.0, 0.95, 1.0, None, identifiable, None, None)


def contains(estimate: Estimate, value: float) -> bool:
    """Whether the ends that an estimate has allow a value."""
    return (estimate.low is None or estimate.low <= value) and (estimate.high is None or value <= estimate.high)


def mixture_quantile(errors: Array, level: float) -> float:
    """The quantile of |x| when x is normal around 0 with each of these standard deviations equally often."""
    finite = errors[np.isfinite(errors)]
    if finite.size <= level * errors.size:
        return float("inf")

    def excess(size: float) -> float:
        return float(np.sum(erf(size / (finite * np.sqrt(2))))) / errors.size - level

    # 10 standard deviations of the widest hold everything that is finite.
    return float(brentq(excess, 0.0, 10 * float(finite.max())))


def remedies(trials: Sequence[Trial]) -> float | None:
    """Of the answers without seconds, those that say what would identify them; None where all have them."""
    answers = [trial.answer for trial in trials if trial.answer]
    silent = [answer.seconds for answer in answers if answer.seconds is not None and answer.seconds.value is None]
    return _mean(_mask(bool(estimate.remedy) for estimate in silent))


def admissions(trials: Sequence[Trial]) -> float | None:
    """The share of answers that admit a lack of fit; None where a tool has no word for it."""
    return _mean(_mask(trial.answer.admits for trial in trials if trial.answer and trial.answer.admits is not None))


def _widths(pairs: Sequence[tuple[Estimate, Truth]]) -> list[float]:
    return [
        estimate.half_width / (NORMAL * truth.error)
        for estimate, truth in pairs
        if estimate.half_width is not None and 0 < truth.error < np.inf
    ]


def _mask(values: Iterable[bool]) -> Mask:
    return np.array(list(values), dtype=bool)


def _quantile(values: Sequence[float], level: float) -> float | None:
    return float(np.quantile(values, level)) if values else None


def _mean(values: Mask) -> float | None:
    return float(values.mean()) if values.size else None
