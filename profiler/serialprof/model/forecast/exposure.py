# SPDX-License-Identifier: Apache-2.0
"""How much of what the sweep hides behind another part of a step may show under other conditions.

Where two sides of a step overlap fully, the shorter one does not show. Of a term that is hidden at every measured point
nothing bounds the seconds from below, and only this from above: nowhere did it take longer than the step did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.fitting.candidates import Candidate
from serialprof.model.fitting.curves import Curves
from serialprof.model.fitting.family import BARRIER
from serialprof.model.fitting.solving import Design
from serialprof.model.forecast.uniting import AGREEMENT
from serialprof.model.statistics import Array

#: Why hidden terms leave no value, and what would tell.
HIDDEN: Final = "what the sweep hides behind a longer part of the step may come to show"
HIDDEN_REMEDY: Final = "measured points nearer to it"


@dataclass(frozen=True)
class Hidden:
    """The terms that a candidate hides everywhere.

    Attributes:
        candidate: whose terms.
        largest: [term], the largest parameter that every measured step has room for; 0 for terms that show somewhere.
    """

    candidate: Candidate
    largest: Array

    @classmethod
    def of(cls, candidate: Candidate, curves: Curves) -> Hidden:
        """Of a term of regressor r: the least, over measured cells, of (step less its barriers) / r."""
        design, parameters = Design.of(candidate.model, curves.cells), candidate.solution.parameters
        works = design.matrix > 0
        shown = (design.weights(candidate.solution.form, parameters) > 0) & works
        barriers = candidate.model.of(BARRIER)
        room = np.maximum(0.0, curves.mean - design.matrix[:, barriers] @ parameters[barriers])
        most = np.min(np.where(works, room[:, None] / np.where(works, design.matrix, 1.0), np.inf), axis=0)
        return cls(candidate, np.where(works.any(axis=0) & ~shown.any(axis=0), most, 0.0))

    def seconds(self, regressors: Array) -> Array:
        """[cell]: what a step takes at most, as far as the hidden terms go, with its barriers on top; 0 without such.

        Args:
            regressors: [cell, term], seconds per unit of the parameter at most.
        """
        if not self.largest.any():
            return np.zeros(len(regressors))
        barriers = self.candidate.model.of(BARRIER)
        most: Array = regressors @ np.where(barriers, self.candidate.solution.parameters, self.largest)
        return most


def with_hidden(estimate: Estimate, most: float) -> Estimate:
    """An estimate of a step (or its share) that may be as large as `most` where hidden terms come to show."""
    if (estimate.high is None and estimate.value is None) or most <= (estimate.high or estimate.value or 0.0):
        return estimate
    high = None if estimate.high is None else most
    if estimate.value is None or most > estimate.value * (1 + AGREEMENT):
        return replace(estimate, value=None, high=high, reason=HIDDEN, remedy=HIDDEN_REMEDY)
    return replace(estimate, high=high)
