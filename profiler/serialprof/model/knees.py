# SPDX-License-Identifier: Apache-2.0
"""The knee: the width at which the width work of a step takes as long as its chain."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.optimize import brentq

from serialprof.estimate import Estimate
from serialprof.model.candidates import Candidate
from serialprof.model.cells import nearest
from serialprof.model.fit import Fitted
from serialprof.model.solving import Design
from serialprof.model.statistics import Array, half_widths, too_few

#: A knee that may lie so many times beyond the sweep is no number.
BEYOND: Final = 2.0
#: How far a knee is looked for outside the sweep.
_REACH: Final = 1e6


def knee(fitted: Fitted, threads: int) -> Estimate:
    """The width W where width work = chain on so many threads, over every form and structure that explains the times.

    Returns:
        A value only where the whole interval lies within the sweep or an octave beyond either end; else a one-sided
        bound with the reason. Unknown where serial and width work are not told apart, or one of them is nothing.
    """
    widths = [cell.width for cell in fitted.curves.cells if cell.threads == threads]
    least, most = min(widths), max(widths)
    if fitted.confusion:
        return Estimate.unknown(fitted.confusion, remedy=fitted.remedy)
    logs = [_logs(fitted, candidate, threads) for candidate in fitted.candidates]
    value = math.exp(logs[0][0])
    if reason := too_few(fitted.curves.whole):
        low = high = None
    else:
        reason = ""
        lows, highs = zip(*(_ends(found) for found in logs), strict=True)
        low, high = math.exp(min(lows)), math.exp(max(highs))
    # An end that lies further out than anybody looked is no end.
    if not (high or value) <= BEYOND * most:
        return Estimate(
            None,
            low=max(least, min(low or most, most)) if low is not None else None,
            reason=f"beyond W = {most:g}: the width work never takes as long as the chain in this sweep"
            if value > most
            else f"the knee may lie beyond W = {most:g}",
            remedy=f"widths up to {4 * most:g} and more",
        )
    if not (low or value) >= least / BEYOND:
        return Estimate(
            None,
            high=min(most, max(high or least, least)) if high is not None else None,
            reason=f"below W = {least:g}: the width work takes longer than the chain at every width",
            remedy="smaller widths",
        )
    return Estimate(value, low, high, reason=reason)


def _logs(fitted: Fitted, candidate: Candidate, threads: int) -> Array:
    """Ln of the knee by one candidate: first on the mean curve, then on every unit."""
    parameters = [candidate.solution.parameters, *candidate.units]
    return np.array([_log_knee(fitted, candidate, threads, row) for row in parameters])


def _log_knee(fitted: Fitted, candidate: Candidate, threads: int, parameters: Array) -> float:
    """Ln W where width work = chain; the end of the reach where it never does."""
    cells = [cell for cell in fitted.curves.cells if cell.threads == threads]
    least, most = min(cell.width for cell in cells), max(cell.width for cell in cells)

    def excess(log_width: float) -> float:
        design = Design.of(candidate.model, [nearest(cells, math.exp(log_width))])
        chain, width = (float(side[0]) for side in design.sides(candidate.solution.form, parameters))
        return width - chain

    first, last = math.log(least / _REACH), math.log(most * _REACH)
    if excess(first) >= 0:
        return first
    return last if excess(last) <= 0 else float(brentq(excess, first, last, xtol=1e-6))


def _ends(logs: Array) -> tuple[float, float]:
    """Ends of ln knee: the value on the mean curve with the t interval over units."""
    half = float(half_widths(logs[1:, None])[0])
    return float(logs[0]) - half, float(logs[0]) + half
