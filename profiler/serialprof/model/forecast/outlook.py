# SPDX-License-Identifier: Apache-2.0
"""Step times at other operating points and on a changed machine, by every form and structure that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.fitting.cells import Cell, nearest
from serialprof.model.fitting.family import BARRIER
from serialprof.model.fitting.fitted import VAGUE, Fitted
from serialprof.model.fitting.quantities import Quantity
from serialprof.model.forecast.carrying import GROWTHS, carried, free_barrier
from serialprof.model.forecast.conditions import (
    MORE_BLOCKS,
    MORE_CLOCKS,
    NO_CLOCK,
    TWO_CLOCKS,
    Factors,
    on_threads,
)
from serialprof.model.forecast.exposure import Hidden, with_hidden
from serialprof.model.forecast.scenes import Scene
from serialprof.model.forecast.uniting import AGREEMENT, clipped, filled, inverse, joined, portion, united
from serialprof.model.statistics import Array, Mask, log_interval, too_few
from serialprof.model.steptimes import FamilyTimes, paired
from serialprof.question import Change
from serialprof.units import format_percent

#: Why forms that overlap otherwise refuse a clock, and what would tell.
OVERLAP: Final = (
    "how far the parts of a step overlap is not identified: forms that explain the times equally well disagree about "
    f"the clock here by more than {format_percent(AGREEMENT)} of the step"
)
OVERLAP_REMEDY: Final = f"more widths around the knee, or {TWO_CLOCKS}"
VAGUE_REASON: Final = (
    f"not identified: outside the sweep, and the data leave it open by more than {format_percent(VAGUE)}"
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A step under other conditions.

    Attributes:
        step: seconds.
        speedup: the step as it is over that.
    """

    step: Estimate
    speedup: Estimate


@dataclass(frozen=True)
class Outlook:
    """What a family's times and fit say of conditions that were not measured.

    Attributes:
        times: what was measured.
        fitted: its fit.
        usable: threads that the machine runs at once, None where that is not known; it only says what would tell more.
    """

    times: FamilyTimes
    fitted: Fitted
    usable: int | None = None

    def cell(self, width: int, threads: int) -> Cell:
        """An operating point, measured or not, with the work declared nearest to it."""
        if (width, threads) not in self._cells:
            self._cells[width, threads] = nearest(self.fitted.curves.cells, width, threads)
        return self._cells[width, threads]

    def now(self, cell: Cell) -> Estimate:
        """Seconds of a step as it is: measured, or else by the fit."""
        index = self.fitted.index(cell)
        if index is not None:
            return self.times.summaries[self.times.points.index(self.fitted.curves.points[index])].step
        return self.forecasts(cell, [cell], Change())[0].step

    def forecasts(self, now: Cell, targets: Sequence[Cell], change: Change) -> tuple[Forecast, ...]:
        """Steps at other operating points and on a changed machine: see `between`.

        Args:
            now: the operating point that they are compared with, on the machine as it is.
            targets: operating points, all under the change.
            change: of the machine.
        """
        return self.between([(now, target) for target in targets], change)

    def between(self, pairs: Sequence[tuple[Cell, Cell]], change: Change) -> tuple[Forecast, ...]:
        """The same of pairs, of an operating point as it is and one under the change.

        Many that are asked for together take little longer than one, and none is worked out twice. From one measured
        point to another on the same machine, the paired measurement itself is the answer; what the change cannot act on
        stays as it is.
        """
        answers = self._answers.setdefault(change, {})
        new = [pair for pair in dict.fromkeys(pairs) if pair not in answers]
        if new:
            answers.update(zip(new, self._answer(new, change), strict=True))
        return tuple(answers[pair] for pair in pairs)

    @cached_property
    def _cells(self) -> dict[tuple[int, int], Cell]:
        return {}

    @cached_property
    def _answers(self) -> dict[Change, dict[tuple[Cell, Cell], Forecast]]:
        """What was asked before: trade-offs and the frontier ask the same."""
        return {}

    def _answer(self, pairs: Sequence[tuple[Cell, Cell]], change: Change) -> Iterator[Forecast]:
        scene = self._scene(pairs, change)
        found = [self._known(scene, column) for column in range(len(pairs))]
        open_ = [pair for pair, known in zip(pairs, found, strict=True) if known is None]
        rest = iter(self._modelled(self._scene(open_, change)) if open_ else ())
        return (next(rest) if known is None else known for known in found)

    def _scene(self, pairs: Sequence[tuple[Cell, Cell]], change: Change) -> Scene:
        nows, targets = zip(*pairs, strict=True)
        return Scene(self.fitted, self.times.family.mode, nows, targets, change, self.usable)

    @property
    def threads(self) -> tuple[int, ...]:
        """The measured thread counts, ascending."""
        return tuple(sorted({cell.threads for cell in self.fitted.curves.cells}))

    def nearer(self, target: Cell) -> str:
        """What would tell more of an operating point outside the sweep."""
        remedy = f"measured points nearer to W = {target.width:g} at p = {target.threads}"
        return on_threads(remedy, target.threads, self.usable)

    def barrierless(self, target: Cell) -> tuple[str, str] | None:
        """Why a step there takes more than the fit says, and what would tell: no barrier was measured."""
        if target.threads < 2 or self.fitted.winner.model.of(BARRIER).any():
            return None
        remedy = on_threads(f"--threads 1,{target.threads}", target.threads, self.usable)
        return f"what {target.threads} threads lose at their barrier was not measured", remedy

    def grown_barrier(self, target: Cell) -> tuple[str, str] | None:
        """Why the barrier of a thread count is not known, and what would tell; None where it is."""
        strange = target.threads > 1 and target.threads not in self.threads
        if not strange or not any(map(free_barrier, self.fitted.winner.model.terms)):
            return None
        remedy = on_threads(f"--threads with {target.threads} among them", target.threads, self.usable)
        return f"how synchronisation grows to {target.threads} threads was not measured", remedy

    @cached_property
    def _hidden(self) -> tuple[Hidden, ...]:
        return tuple(Hidden.of(candidate, self.fitted.curves) for candidate in self.fitted.candidates)

    @cached_property
    def _left(self) -> tuple[Estimate, ...]:
        return self.fitted.unattributed()

    def _known(self, scene: Scene, column: int) -> Forecast | None:
        """The answer that needs no model of the change, None where it takes one."""
        now, target = scene.nows[column], scene.targets[column]
        if scene.change.nothing:
            return self._paired(now, target)
        bounds = scene.bounds[column]
        return self._unchanged(now, target) if bounds.least == bounds.most == 1 else None

    def _unchanged(self, now: Cell, target: Cell) -> Forecast:
        """The target on the machine as it is."""
        if _same_place(now, target):
            return Forecast(self.now(target), Estimate(1.0, 1.0, 1.0))
        return self.forecasts(now, [target], Change())[0]

    def _paired(self, now: Cell, target: Cell) -> Forecast | None:
        """The measured answer, None where there is none."""
        cells = (now, target)
        if any(self.fitted.index(cell) is None for cell in cells):
            return None
        columns = (self.times.column(int(cell.width), cell.threads, "serial") for cell in cells)
        return Forecast(self.now(target), log_interval(paired(*columns)))

    def _modelled(self, scene: Scene) -> list[Forecast]:
        """The union over all cases and candidates, target by target."""
        candidates, count = self.fitted.candidates, len(scene.targets)
        steps, shares = [], []
        disagreeing: Mask = np.zeros(count, dtype=bool)
        for case in scene.cases():
            pairs = [scene.quantities(candidate, case) for candidate in candidates]
            then, share = (
                [pair[which].band(candidate) for pair, candidate in zip(pairs, candidates, strict=True)]
                for which in (0, 1)
            )
            steps.append(self.fitted.estimates(then, "s", pairs[0][0].value))
            shares.append(self.fitted.estimates(share, "1", np.ones(count)))
            effects = [scene.effect(candidate, case) for candidate in candidates]
            disagreeing |= np.ptp(effects, axis=0) > AGREEMENT
        refused = disagreeing & (scene.change.clock != 1 and not self.fitted.overlap_identified)
        hidden: list[float] = np.max(
            [
                item.seconds(scene.design(item.candidate, growth, "most").matrix)
                for item, growth in product(self._hidden, GROWTHS)
            ],
            axis=0,
        ).tolist()
        return [
            self._possible(scene, column, *_refused(OVERLAP, OVERLAP_REMEDY))
            if refused[column]
            else self._forecast(
                scene, column, [row[column] for row in steps], [row[column] for row in shares], hidden[column]
            )
            for column in range(count)
        ]

    def _forecast(
        self, scene: Scene, column: int, steps: list[Estimate], shares: list[Estimate], most: float
    ) -> Forecast:
        """What holds in every case at one target, whose hidden terms take so many seconds at most."""
        now, target = scene.nows[column], scene.targets[column]
        reason, remedy = self._doubts(scene, column)
        within = AGREEMENT if scene.change.clock == 1 or self.fitted.clocked else -1.0
        step = united(steps, within * (steps[0].value or 0.0), reason, remedy)
        share = united(shares, within, reason, remedy)
        step, share = with_hidden(step, most), with_hidden(share, most / self._mean(now))
        if not self.fitted.inside(target):
            loose = float(self.fitted.winner.open([target])[0])
            remedy = self.nearer(target)
            step = _not_vague(step, loose, remedy)
            share = _not_vague(share, loose / self._mean(now), remedy)
        if lost := self.barrierless(target):
            step, share = (_without_barrier(estimate, *lost) for estimate in (step, share))
        return self._possible(scene, column, step, share)

    def _possible(self, scene: Scene, column: int, step: Estimate, share: Estimate) -> Forecast:
        """A step and its share in the one as it is, cut to what the factors allow of the target on the same machine.

        The step is cut to what its share leaves of the one as it is, too. At a measured point that only the machine
        changes, it is that share of the measured one, and the factors alone are a bracket, whatever else is not told.
        """
        start, target = scene.nows[column], scene.targets[column]
        same = _same_place(start, target)
        if scene.change.nothing:
            cut = step if same else clipped(step, self.now(start), share.low, share.high)
            return Forecast(cut, inverse(share))
        bounds, own, now = scene.bounds[column], self._unchanged(start, target), self.now(start)
        share = clipped(share, inverse(own.speedup), bounds.least, bounds.most)
        step = clipped(step, own.step, bounds.least, bounds.most)
        if same and self.fitted.index(target) is not None:
            share = share if share.value is not None else filled(share, bounds.least, bounds.most)
            return Forecast(portion(now, share, step), inverse(share))
        return Forecast(clipped(step, now, share.low, share.high), inverse(share))

    def _mean(self, now: Cell) -> float:
        """Seconds of a step as it is, on the mean curve or by the winner."""
        index = self.fitted.index(now)
        if index is not None:
            return float(self.fitted.curves.mean[index])
        design = carried(self.fitted.winner.model, [now], GROWTHS[0])
        return float(Quantity.modelled(self.fitted.winner, design).value[0])

    def _doubts(self, scene: Scene, column: int) -> tuple[str, str]:
        """Why the cases may differ at a target, and what would tell."""
        target = scene.targets[column]
        model, parameters = self.fitted.winner.model, self.fitted.winner.solution.parameters
        found = [Factors(0.0, 1.0, "", MORE_BLOCKS)] if too_few(self.fitted.curves.whole) else []
        if scene.change.clock != 1:
            doubt = ("", MORE_CLOCKS) if self.fitted.clocked else (NO_CLOCK, TWO_CLOCKS)
            found.append(Factors(0.0, 1.0, *doubt))
        shown: Array = scene.design(self.fitted.winner, GROWTHS[0]).matrix[column] * parameters
        factors = dict(zip(scene.terms, scene.factors[column], strict=True))
        found += [factors[term] for term, part in zip(model.terms, shown, strict=True) if part > 0]
        if grown := self.grown_barrier(target):
            found.append(Factors(0.0, 1.0, *grown))
        index = self.fitted.index(target)
        if index is not None and abs(self._left[index].value or 0.0) > AGREEMENT:
            found.append(scene.remainders[column])
        return joined(item.reason for item in found), joined((item.remedy for item in found), " and ")


def _same_place(first: Cell, second: Cell) -> bool:
    return (first.width, first.threads) == (second.width, second.threads)


def _not_vague(estimate: Estimate, loose: float, remedy: str) -> Estimate:
    """The estimate, without its value where it lies outside the sweep and could be anything.

    Args:
        estimate: of a step, or its share.
        loose: half-width by noise alone, were no parameter held at zero.
        remedy: what would tell.
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate
    if max(loose, (estimate.high - estimate.low) / 2) <= VAGUE * estimate.value:
        return estimate
    high = max(estimate.high, estimate.value + loose)  # what is held at zero can only be more
    return replace(estimate, value=None, high=high, reason=VAGUE_REASON, remedy=remedy)


def _without_barrier(estimate: Estimate, reason: str, remedy: str) -> Estimate:
    """The estimate as a lower bound: a barrier comes on top, of which one measured thread count says nothing."""
    low = estimate.value if estimate.low is None else estimate.low
    return replace(estimate, value=None, low=low, high=None, reason=reason, remedy=remedy)


def _refused(reason: str, remedy: str) -> tuple[Estimate, Estimate]:
    """A step, and its share in another, that are not told."""
    return Estimate.unknown(reason, "s", remedy), Estimate.unknown(reason, "1", remedy)
