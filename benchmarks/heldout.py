# SPDX-License-Identifier: Apache-2.0
"""Points that a model is not fitted to, and how well it predicts them: pure functions of a family's step times."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.fitting.cells import Cell, nearest
from serialprof.model.fitting.fit import fit_family
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.memory import Memory
from serialprof.model.results import COMPUTE, MEMORY, SERIAL, SYNCHRONISATION
from serialprof.model.steptimes import FamilyTimes
from serialprof.planning import Point

Part: TypeAlias = Literal["between", "beyond"]

#: The goals: largest median errors, and the least share of predictions whose interval covers the measurement.
MOST_BETWEEN: Final = 0.03
MOST_BEYOND: Final = 0.08
LEAST_COVERED: Final = 0.9


@dataclass(frozen=True)
class Split:
    """Widths that a model is fitted to, and those that it is to predict, ascending."""

    fitted: tuple[int, ...]
    between: tuple[int, ...]
    beyond: tuple[int, ...]


def split(widths: Iterable[int]) -> Split:
    """Holds out the widest as the one beyond; of the others every second is fitted, and both ends."""
    *sweep, last = sorted(set(widths))
    fitted = sorted({*sweep[::2], sweep[-1]})
    return Split(tuple(fitted), tuple(width for width in sweep if width not in fitted), (last,))


def subset(times: FamilyTimes, widths: Iterable[int]) -> FamilyTimes:
    """The step times of the points at some widths, as if no others had been measured."""
    wanted = set(widths)
    kept = [index for index, point in enumerate(times.points) if point.setting.width in wanted]
    return replace(
        times,
        points=tuple(times.points[index] for index in kept),
        logs=times.logs[:, kept],
        turns=times.turns[:, :, kept],
        summaries=tuple(times.summaries[index] for index in kept),
    )


@dataclass(frozen=True)
class Prediction:
    """A held-out point.

    Attributes:
        width, threads: which.
        part: where it lies.
        measured, predicted: seconds per step.
    """

    width: int
    threads: int
    part: Part
    measured: Estimate
    predicted: Estimate

    @property
    def error(self) -> float:
        """Predicted over measured, less 1; infinite where the fit gives no number."""
        if self.predicted.value is None or self.measured.value is None:
            return math.inf
        return self.predicted.value / self.measured.value - 1

    @property
    def covered(self) -> bool:
        """Whether the measurement lies within the prediction's interval, widened by its own."""
        return covers(self.predicted, self.measured)


def covers(predicted: Estimate, measured: Estimate) -> bool:
    """Whether a measurement lies in a prediction's interval, each half widened in quadrature by its own half-width.

    A bracket without a value has two equal halves. A prediction without an interval covers nothing; a measurement
    without one widens nothing.
    """
    low, high, found = predicted.low, predicted.high, measured.value
    if low is None or high is None or found is None:
        return False
    value = (low + high) / 2 if predicted.value is None else predicted.value
    own = measured.half_width or 0.0
    return -math.hypot(value - low, own) <= found - value <= math.hypot(high - value, own)


def held_out(cells: Sequence[Cell], point: Point) -> Cell:
    """The cell of a point that was not fitted: its own declared work, and the measured step of the nearest cell."""
    setting = point.setting
    return replace(nearest(cells, setting.width, setting.threads), work=point.work)


def predict(times: FamilyTimes, memory: Memory) -> tuple[Fitted, tuple[Prediction, ...]]:
    """Fits a family to the widths that `split` chooses, and predicts the others.

    Raises:
        RefusedFitError: there is too little to fit.
    """
    parts = split(point.setting.width for point in times.points)
    fitted = fit_family(subset(times, parts.fitted), memory)
    asked = [
        (point, summary.step)
        for point, summary in zip(times.points, times.summaries, strict=True)
        if point.setting.width not in parts.fitted and summary.units
    ]
    predicted = fitted.predict([held_out(fitted.curves.cells, point) for point, _ in asked])
    return fitted, tuple(
        Prediction(
            point.setting.width,
            point.setting.threads,
            "beyond" if point.setting.width in parts.beyond else "between",
            measured,
            estimate,
        )
        for (point, measured), estimate in zip(asked, predicted, strict=True)
    )


def announced(unattributed: Iterable[Estimate]) -> bool:
    """Whether a fit shows that it misses: some share is surely not zero, and as large as a miss."""
    return any(
        share.value is not None
        and share.low is not None
        and share.high is not None
        and (share.low > 0 or share.high < 0)
        and abs(share.value) >= MOST_BETWEEN
        for share in unattributed
    )


def row(workload: str, predictions: Sequence[Prediction], unattributed: Sequence[Estimate]) -> dict[str, Any]:
    """One line of the table: errors and coverage of held-out points, what was missed, and what the fit says of itself.

    Args:
        workload: a name.
        predictions: of held-out points; one without a value is off by everything.
        unattributed: shares at the fitted points.
    """
    between = [abs(item.error) for item in predictions if item.part == "between"]
    beyond = [abs(item.error) for item in predictions if item.part == "beyond"]
    left = [abs(share.value) for share in unattributed if share.value is not None]
    covered = sum(item.covered for item in predictions) / len(predictions) if predictions else 0.0
    found = {
        "between": statistics.median(between) if between else math.inf,
        "between_p90": float(np.quantile(between, 0.9)) if between else math.inf,
        "beyond": statistics.median(beyond) if beyond else math.inf,
        "covered": covered,
        "unattributed": statistics.median(left) if left else math.inf,
        "unattributed_most": max(left, default=math.inf),
    }
    goals = {
        "between": found["between"] <= MOST_BETWEEN,
        "beyond": found["beyond"] <= MOST_BEYOND,
        "covered": covered >= LEAST_COVERED,
    }
    missed = [name for name, met in goals.items() if not met]
    return {
        "workload": workload,
        "points": len(predictions),
        "refused": sum(item.predicted.value is None for item in predictions),
        **found,
        "missed": missed,
        "announced": announced(unattributed) if missed else None,
    }


def details(fitted: Fitted, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """What stands behind a line: the fit, every fitted point with its parts, every prediction."""
    model, solution = fitted.winner.model, fitted.winner.solution
    shares = {cause: fitted.shares(cause) for cause in (SERIAL, SYNCHRONISATION, COMPUTE, MEMORY)}
    return {
        "form": solution.form.name,
        "residual": fitted.residual,
        "noise": float(np.median(fitted.curves.errors)),
        "blocks": fitted.curves.whole,
        "parameters": {
            f"{term.kind} {term.threads or ''}".strip(): float(value)
            for term, value in zip(model.terms, solution.parameters, strict=True)
        },
        "candidates": len(fitted.candidates),
        "confusion": fitted.confusion,
        "notes": fitted.notes,
        "fitted": [
            {
                "width": int(cell.width),
                "threads": cell.threads,
                "measured": float(fitted.curves.mean[index]),
                "unattributed": share,
                "shares": {cause: found[index].value for cause, found in shares.items()},
            }
            for index, (cell, share) in enumerate(zip(fitted.curves.cells, fitted.unattributed(), strict=True))
        ],
        "held_out": [{**asdict(item), "error": item.error, "covered": item.covered} for item in predictions],
    }
