# SPDX-License-Identifier: Apache-2.0
"""Quantities of one candidate that are near enough to linear in its parameters: sums, ratios, and their bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serialprof.model.fitting.candidates import Band, Candidate
from serialprof.model.fitting.solving import Design
from serialprof.model.statistics import Array, Mask


@dataclass(frozen=True)
class Quantity:
    """Quantities [q] with what their uncertainty is read off.

    Attributes:
        value: [q], on the mean curve.
        units: [unit, q], on every unit.
        slopes: [q, term], derivatives of `value` by the candidate's parameters.
        timed: [q], whether measured times are in it beside the parameters: its scatter is then known from units alone.
    """

    value: Array
    units: Array
    slopes: Array
    timed: Mask

    @classmethod
    def modelled(cls, candidate: Candidate, design: Design, wanted: Mask | None = None) -> Quantity:
        """The seconds of a step at the cells [q] of a design, or those that the wanted terms [term] stand for."""
        form, parameters = candidate.solution.form, candidate.solution.parameters
        chosen = np.ones(len(parameters), dtype=bool) if wanted is None else wanted
        slopes = np.where(chosen, design.weights(form, parameters) * design.matrix, 0.0)
        if wanted is None:
            units = design.step(form, candidate.units)
        else:
            units = design.seconds(form, candidate.units)[:, :, wanted].sum(axis=-1)
        return cls(slopes @ parameters, units, slopes, np.zeros(len(slopes), dtype=bool))

    @classmethod
    def measured(cls, value: Array, units: Array, candidate: Candidate) -> Quantity:
        """What was measured, whatever the parameters: [q], and [unit, q]."""
        slopes = np.zeros((len(value), len(candidate.model.terms)))
        return cls(value, units, slopes, np.ones(len(value), dtype=bool))

    def at(self, columns: Sequence[int]) -> Quantity:
        """Some of the quantities, in this order."""
        chosen = list(columns)
        return Quantity(self.value[chosen], self.units[:, chosen], self.slopes[chosen], self.timed[chosen])

    def where(self, chosen: Mask, other: Quantity) -> Quantity:
        """These quantities where they are chosen [q], those of the other elsewhere."""
        return Quantity(
            np.where(chosen, self.value, other.value),
            np.where(chosen, self.units, other.units),
            np.where(chosen[:, None], self.slopes, other.slopes),
            np.where(chosen, self.timed, other.timed),
        )

    def plus(self, other: Quantity, factor: Array) -> Quantity:
        """This plus the other times a factor [q]."""
        return Quantity(
            self.value + factor * other.value,
            self.units + factor * other.units,
            self.slopes + factor[:, None] * other.slopes,
            self.timed | (other.timed & (factor != 0)),
        )

    def excess(self, factor: Array, rounding: Array) -> Quantity:
        """This with what lies above zero times a factor [q]; what lies below stays as it is.

        Args:
            factor: [q].
            rounding: [q], values up to which are zero: where a fit meets a point, chance would pick the derivative.
        """
        above = self.value > rounding
        return Quantity(
            np.where(above, factor * self.value, self.value),
            np.where(self.units > 0, factor * self.units, self.units),
            np.where(above, factor, 1.0)[:, None] * self.slopes,
            self.timed,
        )

    def over(self, other: Quantity) -> Quantity:
        """This over the other, unit by unit; its slopes by the rule for quotients."""
        ratio = self.value / other.value
        slopes = (self.slopes - ratio[:, None] * other.slopes) / other.value[:, None]
        return Quantity(ratio, self.units / other.units, slopes, self.timed | other.timed)

    def band(self, candidate: Candidate) -> Band:
        """With every source of uncertainty that the candidate knows of."""
        return candidate.band(self.slopes, self.value, self.units, self.timed)
