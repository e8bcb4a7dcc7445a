# SPDX-License-Identifier: Apache-2.0
"""How the fitted step answers to a few more threads: -dlnT/dlnp at every fitted operating point."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.fitting.candidates import Candidate
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.family import BARRIER
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.quantities import Quantity
from serialprof.model.forecast.carrying import GROWTHS, thread_slopes
from serialprof.model.forecast.conditions import on_threads
from serialprof.model.forecast.uniting import AGREEMENT, joined, united
from serialprof.model.statistics import Array

_BEYOND = "how barriers and bandwidth go on beyond {} threads was not measured"


def core_elasticities(fitted: Fitted, usable: int | None = None) -> tuple[Estimate, ...]:
    """-dlnT/dlnp towards more threads, by the fit, at every fitted cell.

    Where it is not told, the remedy asks for no more threads than are `usable` at once, where that is known.

    By the chain rule it is -(sum of a term's weight x its parameter x d regressor / dlnp) over the step less its noise;
    the weights are the derivatives of the step by its terms (`solving`), the slopes those of `carrying.thread_slopes`.
    """
    cases = []
    for growth, shared in product(GROWTHS, (True, False)):
        slopes = thread_slopes(fitted.union, fitted.curves.cells, growth, shared=shared)
        bands = [
            _elasticity(fitted, candidate, slopes[:, fitted.columns(candidate)]).band(candidate)
            for candidate in fitted.candidates
        ]
        cases.append(fitted.estimates(bands, "1", np.ones(len(fitted.curves.cells)), floor=-np.inf))
    largest = max(cell.threads for cell in fitted.curves.cells)
    return tuple(
        _told(fitted, usable, united([case[index] for case in cases], AGREEMENT, *_doubt(cell, largest, usable)))
        for index, cell in enumerate(fitted.curves.cells)
    )


def _elasticity(fitted: Fitted, candidate: Candidate, slopes: Array) -> Quantity:
    """By one candidate, of whose regressors these are the slopes [cell, term]."""
    design, solution = candidate.design, candidate.solution
    rows = -design.weights(solution.form, solution.parameters) * slopes
    shown = design.weights(solution.form, candidate.units) * slopes
    units = -(shown @ candidate.units[:, :, None])[..., 0]
    saved = Quantity(rows @ solution.parameters, units, rows, np.zeros(len(rows), dtype=bool))
    return saved.over(fitted.told(candidate))


def _doubt(cell: Cell, largest: int, usable: int | None) -> tuple[str, str]:
    if cell.threads < largest:
        return "", ""
    remedy = on_threads(f"--threads with {2 * largest} among them", 2 * largest, usable)
    return _BEYOND.format(largest), remedy


def _told(fitted: Fitted, usable: int | None, estimate: Estimate) -> Estimate:
    """The estimate as an upper bound where only one thread was measured: a second one brings a barrier along."""
    if max(other.threads for other in fitted.curves.cells) > 1 or fitted.winner.model.of(BARRIER).any():
        return estimate
    high = estimate.value if estimate.high is None else estimate.high
    reason = joined([estimate.reason, "what a second thread loses at its barrier was not measured"])
    return replace(
        estimate, value=None, low=None, high=high, reason=reason, remedy=on_threads("--threads 1,2", 2, usable)
    )
