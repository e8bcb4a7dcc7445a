# SPDX-License-Identifier: Apache-2.0
"""Fits a family: which forms and structures explain its step times, and which of them wins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import Final

import numpy as np
from scipy.optimize import brentq

from serialprof.model.fitting.candidates import Candidate
from serialprof.model.fitting.curves import Curves, RefusedFitError, complete
from serialprof.model.fitting.family import Model
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.memory import Memory
from serialprof.model.fitting.solving import BETWEEN, MAX, SUM, Design, Form, Problem, Solution
from serialprof.model.fitting.structures import Structure, collinear, structure
from serialprof.model.statistics import LEVEL, Array, f_quantile
from serialprof.model.steptimes import FamilyTimes

#: Level of the F test by which a form must beat a simpler one to take its place.
_SURELY: Final = 0.999

#: What a parameter more must take off the sum of squares (Akaike 1974).
_WORTH: Final = 2.0

#: Seconds that a regressor predicts per second measured, and their inverse, stay within this.
_RANGE: Final = 1e100


def fit_family(times: FamilyTimes, memory: Memory) -> Fitted:
    """Fits a family in every form, and in every structure that may explain its times.

    Raises:
        RefusedFitError: there is too little to fit, or the declared work is no work.
    """
    curves = complete(times)
    built = structure(curves.cells, memory)
    design = Design.of(built.full, curves.cells)
    _check(design, curves)
    spread = _spread(built.full, curves)
    forms = _forms(built.full, curves, spread)
    winner = _winner(forms, curves, spread)
    kept = [(built.full, winner, 1.0), *_comparable(built, curves, spread, forms, winner)]
    notes = [*built.notes, *curves.notes]
    names = list(dict.fromkeys(solution.form.name for _, solution, _ in kept))
    if len(names) > 1:
        notes.append(f"these forms explain the times equally well, and the intervals cover all: {'; '.join(names)}")
    if len({cell.threads for cell in curves.cells}) == 1:
        notes.append("only one thread count was measured")
    # Unweighted: what a form hides would only make the terms look further apart.
    rows = Problem(design, curves.mean, spread).rows(np.ones(design.matrix.shape))
    confused = bool(built.smaller) and collinear(rows)
    return Fitted(
        curves,
        memory,
        tuple(Candidate.of(model, solution, curves, spread, left) for model, solution, left in kept),
        built.confusion if confused else "",
        built.remedy if confused else "",
        {form.name: solution.residual for form, solution in forms.items()},
        1 - (curves.errors / spread) ** 2,
        tuple(notes),
    )


def _spread(model: Model, curves: Curves) -> Array:
    """[cell]: what the best form may miss a time by: its noise, and the same lack of fit at every cell.

    Where the residuals surely exceed noise (F test at 5 %), the lack of fit is what makes their mean square 1 (Paule
    and Mandel 1982); with it, a model that does not fit neither bends what was measured apart nor clings to the
    quietest points.
    """
    best = min(_forms(model, curves, curves.errors).values(), key=lambda solution: solution.squares)
    if best.squares / best.freedom <= f_quantile(best.freedom, curves.freedom):
        return curves.errors
    predicted = Design.of(model, curves.cells).seconds(best.form, best.parameters).sum(axis=1)
    missed = predicted / curves.mean - 1

    def excess(variance: float) -> float:
        return float(np.sum(missed**2 / (curves.errors**2 + variance))) - best.freedom

    most = float(np.sum(missed**2)) / best.freedom  # which alone would be too much
    spread: Array = np.sqrt(curves.errors**2 + (brentq(excess, 0.0, most) if excess(0.0) > 0 else 0.0))
    return spread


def _forms(model: Model, curves: Curves, spread: Array) -> dict[Form, Solution]:
    """The solutions by form, the simplest first: every pair of sum and max, and the best of partial overlap.

    Only what a model has can overlap: without a chain, or without traffic, fewer forms are left.
    """
    problem = Problem(Design.of(model, curves.cells), curves.mean, spread)
    inner = (SUM, MAX) if (problem.design.traffic.any() and problem.design.computing.any()) else (SUM,)
    outer = (SUM, MAX) if problem.design.chain.any() else (SUM,)
    solved: dict[Form, Solution] = {}
    for form in (Form(*exponents) for exponents in product(outer, inner)):
        solved[form] = problem.solve(form, *(solution.parameters for solution in solved.values()))
    starts = [solution.parameters for solution in solved.values()]
    partial = [Form(exponent, within) for exponent in BETWEEN for within in inner if MAX in outer]
    partial += [Form(without, exponent) for exponent in BETWEEN for without in outer if MAX in inner]
    if partial:
        between = min((problem.solve(form, *starts) for form in partial), key=lambda solution: solution.squares)
        solved[between.form] = between
    return solved


def _winner(forms: Mapping[Form, Solution], curves: Curves, spread: Array) -> Solution:
    """The simplest form that no other surely beats: the sum, then those with full overlap, then partial overlap.

    Where none fits within noise, it is the one with full or no overlap that misses least, if partial overlap, which has
    a parameter more, is not surely better.
    """
    best = min(forms.values(), key=lambda solution: solution.squares)
    if _noisy(curves, spread):
        return next(solution for solution in forms.values() if _as_well(solution, best, curves, spread, _SURELY))
    sharp = min((item for item in forms.values() if item.form.sharp), key=lambda solution: solution.rank)
    return sharp if _as_well(sharp, best, curves, spread) else best


def _comparable(
    built: Structure, curves: Curves, spread: Array, forms: Mapping[Form, Solution], winner: Solution
) -> list[tuple[Model, Solution, float]]:
    """The other forms and structures that explain the times as well as the best, each with its allowance.

    Partial overlap has a parameter more than the rest; it counts only where that explains more than it costs (Akaike
    1974: 2 in the sum of squares).
    """
    found = []
    for model in (built.full, *built.smaller, *built.others):
        solved = forms if model is built.full else _forms(model, curves, spread)
        best = min(forms.values(), key=lambda solution: solution.squares)
        sharp = min(solution.squares for solution in solved.values() if solution.form.sharp)
        for solution in solved.values():
            worth = solution.form.sharp or solution.squares <= sharp - _WORTH
            left = allowance(solution, best, curves, spread)
            if solution is not winner and worth and left > 0:
                found.append((model, solution, left))
    return found


def allowance(solution: Solution, best: Solution, curves: Curves, spread: Array, level: float = LEVEL) -> float:
    """What is left of the half-widths of a solution that explains the times less well than the best; 0 if nothing is.

    The profile of the sum of squares: the parameters may move until the squares exceed the least of all forms by the F
    quantile F of one parameter. Of that, a solution with D more than the least has F - D left, which its parameters use
    up within sqrt(1 - D / F) of the half-width.
    """
    freedom = curves.freedom if _noisy(curves, spread) else best.freedom
    used = (solution.squares - best.squares) / f_quantile(1, freedom, level)
    return math.sqrt(max(0.0, 1 - used))


def _as_well(solution: Solution, best: Solution, curves: Curves, spread: Array, level: float = LEVEL) -> bool:
    """Whether a solution explains the times as well as the best: the F test of one more parameter."""
    return allowance(solution, best, curves, spread, level) > 0


def _noisy(curves: Curves, spread: Array) -> bool:
    """Whether noise alone explains what the best form misses; else the spread was taken from its residuals."""
    return bool((spread <= curves.errors).all())


def _check(design: Design, curves: Curves) -> None:
    """Refuses declared work that is negative or not finite, or too large or small to be squared."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        relative = design.matrix / curves.mean[:, None]
    sound = (relative == 0) | ((relative >= 1 / _RANGE) & (relative <= _RANGE))
    if not sound.all():
        raise RefusedFitError("no fit: the declared work is negative or not finite at some width")
