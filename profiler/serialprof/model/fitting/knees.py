# SPDX-License-Identifier: Apache-2.0
"""The knee: the width at which the width work of a step takes as long as its chain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.optimize import brentq

from serialprof.estimate import Estimate
from serialprof.model.fitting.candidates import Band, Candidate
from serialprof.model.fitting.cells import nearest
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.solving import SUM, Design
from serialprof.model.statistics import Array, too_few
from serialprof.model.wording import count

#: A knee that may lie so many times beyond the sweep is no number.
BEYOND: Final = 2.0
#: A step in ln W for derivatives.
_STEP: Final = 1e-3
#: How far a knee is looked for outside the sweep.
_REACH: Final = 1e6
#: How far a knee may lie off in ln W.
_EXACT: Final = 1e-6


def knee(fitted: Fitted, threads: int) -> Estimate:
    """The width W where width work = chain on so many threads, over every form and structure that explains the times.

    Returns:
        A value only where the whole interval lies within the sweep or an octave beyond either end; else what bounds it
        from one side, if anything, with the reason. Unknown where serial and width work are not told apart, or one of
        them is nothing.
    """
    widths = [cell.width for cell in fitted.curves.cells if cell.threads == threads and not cell.lowered]
    least, most = min(widths), max(widths)
    if fitted.confusion:
        return Estimate.unknown(fitted.confusion, remedy=fitted.remedy)
    bands = [_band(fitted, candidate, threads) for candidate in fitted.candidates]
    value = math.exp(bands[0].value[0])
    if reason := too_few(fitted.curves.whole):
        if least / BEYOND <= value <= BEYOND * most:
            return Estimate(value, reason=reason)
        remedy = _more(least, most, below=value < least, beyond=value > most)
        return Estimate.unknown(f"{_side(value, least, most)}; {reason}", remedy=remedy)
    ends = [band.ends() for band in bands]
    low, high = _exp(min(low[0] for low, _ in ends)), _exp(max(high[0] for _, high in ends))
    below, beyond = low < least / BEYOND, high > BEYOND * most
    if not below and not beyond:
        return Estimate(value, low, high)
    # A bound may be moved outwards, to a width that was measured, never inwards.
    return Estimate(
        None,
        None if below else min(low, most),
        None if beyond else max(high, least),
        reason=_side(value, least, most, below=below, beyond=beyond),
        remedy=_more(least, most, below=below, beyond=beyond),
    )


def _exp(log: float) -> float:
    """exp, where an end that lies out of all bounds stays a number."""
    return math.exp(min(700.0, max(-700.0, log)))


def _side(value: float, least: float, most: float, *, below: bool = False, beyond: bool = False) -> str:
    """On which side of the sweep a knee lies, or may lie."""
    if value > most and not below:
        return f"beyond W = {count(most)}: the width work never takes as long as the chain in this sweep"
    if value < least and not beyond:
        return f"below W = {count(least)}: the width work takes longer than the chain at every width"
    sides = [f"below W = {count(least)}"] * below + [f"beyond W = {count(most)}"] * beyond
    return f"the knee may lie {' or '.join(sides)}"


def _more(least: float, most: float, *, below: bool, beyond: bool) -> str:
    wanted = [f"below {count(least)}"] * (below and least > 1) + [f"up to {count(4 * most)} and more"] * beyond
    return f"widths {' and '.join(wanted)}" if wanted else ""


def _band(fitted: Fitted, candidate: Candidate, threads: int) -> Band:
    """Ln of the knee by one candidate, with every source of its uncertainty.

    Where width work - chain is zero it stays zero, so d ln W / d parameter is minus its derivative by the parameter
    over that by ln W (implicit function theorem).
    """
    parameters = candidate.solution.parameters
    value, *units = _log_knees(fitted, candidate, threads, np.vstack([parameters, candidate.units]))
    cells = [cell for cell in fitted.curves.cells if cell.threads == threads and not cell.lowered]
    around = [nearest(cells, math.exp(value + offset)) for offset in (-_STEP, 0.0, _STEP)]
    design = Design.of(candidate.model, around)
    chain, width = design.sides(candidate.solution.form, parameters)
    slope = float((width - chain)[2] - (width - chain)[0]) / (2 * _STEP)
    weights = design.weights(replace(candidate.solution.form, outer=SUM), parameters)
    signs = np.where(design.chain, -1.0, np.where(design.computing | design.traffic, 1.0, 0.0))
    rows = -(weights * design.matrix * signs)[1] / slope if slope > 0 else np.zeros(len(parameters))
    return candidate.band(rows[None, :], np.array([value]), np.array(units)[:, None])


def _log_knees(fitted: Fitted, candidate: Candidate, threads: int, parameters: Array) -> Array:
    """Ln W [row] where width work = chain, for parameters [row, term]; the end of the reach where it never does."""
    cells = [cell for cell in fitted.curves.cells if cell.threads == threads and not cell.lowered]
    least, most = min(cell.width for cell in cells), max(cell.width for cell in cells)

    def excess(log_widths: Sequence[float], rows: Array) -> Array:
        """Width work - chain [row, width]."""
        design = Design.of(candidate.model, [nearest(cells, math.exp(log_width)) for log_width in log_widths])
        chain, width = design.sides(candidate.solution.form, rows)
        return width - chain

    def one(log_width: float, row: Array) -> float:
        return float(excess((log_width,), row)[0])

    first, last = math.log(least / _REACH), math.log(most * _REACH)
    ends = excess((first, last), parameters)
    found = np.where(ends[:, 0] >= 0, first, last)
    for row in np.flatnonzero((ends[:, 0] < 0) & (ends[:, 1] > 0)):
        found[row] = brentq(one, first, last, args=(parameters[row],), xtol=_EXACT)
    return found
