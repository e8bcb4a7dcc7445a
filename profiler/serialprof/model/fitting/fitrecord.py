# SPDX-License-Identifier: Apache-2.0
"""A fit as it is reported: parameters, curves and knees with their intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.fitting.candidates import Band, Candidate
from serialprof.model.fitting.cells import nearest
from serialprof.model.fitting.family import BARRIER, LATENCY, OPERATIONS, TRAFFIC
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.knees import knee
from serialprof.model.fitting.solving import Design
from serialprof.model.results import SYNCHRONISATION, Curve, Fit

MEASURED_APART: Final = "declared barriers x the barrier measured on its own, within its error"

_CURVE_POINTS: Final = 49


def fit_record(fitted: Fitted) -> Fit:
    """The record of a fit."""
    threads = sorted({cell.threads for cell in fitted.curves.cells if not cell.lowered})
    return Fit(
        form=fitted.winner.solution.form.name,
        residual=fitted.residual,
        latency=_latency(fitted),
        compute=_parameter(fitted, OPERATIONS, "s"),
        memory=_parameter(fitted, TRAFFIC, "1"),
        synchronisation={count: _synchronisation(fitted, count) for count in threads if count > 1},
        units=fitted.curves.whole,
        curves=tuple(_curve(fitted, count) for count in threads),
        notes=fitted.notes,
        knees={count: knee(fitted, count) for count in threads},
    )


def measured_apart(fitted: Fitted) -> bool:
    """Whether synchronisation was measured on its own instead of fitted."""
    return any(term.kind == BARRIER and term.given is not None for term in fitted.winner.model.terms)


def _parameter(fitted: Fitted, kind: str, unit: str) -> Estimate:
    """A parameter at the highest clock, over the candidates; one that lacks the term has it at zero."""
    bands = []
    for candidate in fitted.candidates:
        terms = candidate.model.of(kind)
        if terms.any():
            bands.append(candidate.parameter(terms))
        else:
            nothing = np.zeros(1)
            bands.append(Band(nothing, np.zeros((len(fitted.curves.units), 1)), nothing, 0, nothing))
    if not any(candidate.model.of(kind).any() for candidate in fitted.candidates):
        return Estimate.unknown("the model of this family has no such term", unit, "declared work that has one")
    return fitted.estimates(bands, unit, np.max([band.value for band in bands], axis=0))[0]


def _latency(fitted: Fitted) -> Estimate:
    """L; where a comparable max form hides it at every width, anything up to the shortest step may be hidden."""
    latency = _parameter(fitted, LATENCY, "s")
    if latency.high is None or not any(_hides_all(fitted, candidate) for candidate in fitted.candidates):
        return latency
    shortest = float(np.min(fitted.curves.mean))
    return replace(latency, high=max(latency.high, shortest), reason="it may be hidden behind the width work")


def _hides_all(fitted: Fitted, candidate: Candidate) -> bool:
    solution, design = candidate.solution, Design.of(candidate.model, fitted.curves.cells)
    shown = design.weights(solution.form, solution.parameters)[:, design.chain]
    return bool(design.chain.any() and not shown.any())


def _synchronisation(fitted: Fitted, threads: int) -> Estimate:
    """Seconds that a step synchronises, at the widest cell of a thread count."""
    measured = (cell for cell in fitted.curves.cells if cell.threads == threads and not cell.lowered)
    widest = max(measured, key=lambda cell: cell.width)
    bands = fitted.bands([widest], lambda model: model.of_cause(SYNCHRONISATION))
    (estimate,) = fitted.estimates(bands, "s", np.max([band.value for band in bands], axis=0))
    return replace(estimate, reason=estimate.reason or MEASURED_APART) if measured_apart(fitted) else estimate


def _curve(fitted: Fitted, threads: int) -> Curve:
    cells = [cell for cell in fitted.curves.cells if cell.threads == threads and not cell.lowered]
    measured = [cell.width for cell in cells]
    widths = sorted({*np.geomspace(min(measured), max(measured), _CURVE_POINTS).tolist(), *measured})
    return Curve(threads, tuple(widths), fitted.predict([nearest(cells, width) for width in widths]))
