# SPDX-License-Identifier: Apache-2.0
"""The peers: each as its users call it, its default and its best known option. None of them gives an interval.

The serial share is read off a model as everything that does not shrink with p, over the whole, on one thread. Where the
cost per thread is given, the seconds c p are taken from the times before a tool sees them and added to what it
predicts: no peer can be told of a known part.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.optimize import nnls

from benchmarks.attribution_tools.answers import Answer, Tool, bare
from benchmarks.attribution_tools.laws import Array, Cell
from benchmarks.attribution_tools.problems import Question

#: Trials of a table in which Extra-P is asked: a fit of it takes far longer than one of the others.
EXTRAP_TRIALS: Final = 360


@dataclass(frozen=True)
class Given:
    """A sweep over threads from which the given part is taken.

    Attributes:
        threads: [cell].
        times: [repetition, cell], seconds less c p.
        cost: c, 0 where it is not given.
    """

    threads: Array
    times: Array
    cost: float

    @classmethod
    def of(cls, question: Question, times: Array) -> Given:
        """The sweep of a question."""
        threads = np.array([cell.threads for cell in question.cells], dtype=float)
        cost = question.cost or 0.0
        return cls(threads, times - cost * threads, cost)

    def answer(self, question: Question, fixed: float, whole: float, predicted: float) -> Answer:
        """The answer of a model without the given part.

        Args:
            question: what is asked.
            fixed: seconds on one thread that do not shrink with p.
            whole: seconds on one thread.
            predicted: seconds of the run to predict.
        """
        share = (fixed + self.cost) / (whole + self.cost)
        return Answer(bare(share), bare(predicted + self.cost * question.wanted.threads, "s"))


@dataclass(frozen=True)
class NonnegativeLeastSquares:
    """a + b / p + c p, or o + D L + D W tau, nonnegative, on means over repetitions (Lawson and Hanson 1974).

    Attributes:
        name: as it stands in the tables.
        relative: whether squares of relative residuals are summed, which is what noise in proportion asks for.
    """

    name: str
    relative: bool
    most: int | None = None

    def applies(self, question: Question) -> bool:  # noqa: ARG002, D102
        return True

    def answer(self, question: Question, times: Array) -> Answer:  # noqa: D102
        if question.sweeps_threads:
            return self._threads(question, Given.of(question, times))
        depth, width = _columns(question.cells)
        overhead, latency, lane = self._fit(np.column_stack((np.ones_like(depth), depth, depth * width)), times)
        wanted, asked = question.wanted, question.share_at
        predicted = overhead + wanted.depth * (latency + wanted.width * lane)
        share = None if asked is None else bare(latency / (latency + asked.width * lane))
        return Answer(share, bare(predicted, "s"))

    def _threads(self, question: Question, given: Given) -> Answer:
        threads, wanted = given.threads, question.wanted.threads
        columns = [np.ones_like(threads), 1 / threads] + [threads] * (question.cost is None)
        found = self._fit(np.column_stack(columns), given.times)
        alone, spread, cost = (*found.tolist(), 0.0)[:3]
        return given.answer(question, alone + cost, alone + spread + cost, alone + spread / wanted + cost * wanted)

    def _fit(self, columns: Array, times: Array) -> Array:
        mean = times.mean(axis=0)
        weights = 1 / mean if self.relative else np.ones_like(mean)
        return np.asarray(nnls(columns * weights[:, None], mean * weights)[0])


@dataclass(frozen=True)
class KarpFlatt:
    """The experimentally determined serial fraction (Karp and Flatt 1990) at the largest p; Amdahl's law with it.

    e = (1 / S - 1 / p) / (1 - 1 / p), with the speed-up S = T(1) / T(p) of mean times.
    """

    name: str = "Karp-Flatt"
    most: int | None = None

    def applies(self, question: Question) -> bool:  # noqa: D102
        return question.sweeps_threads

    def answer(self, question: Question, times: Array) -> Answer:  # noqa: D102
        given = Given.of(question, times)
        mean, most = given.times.mean(axis=0), float(given.threads[-1])
        share = (mean[-1] / mean[0] - 1 / most) / (1 - 1 / most)
        predicted = mean[0] * (share + (1 - share) / question.wanted.threads)
        return given.answer(question, share * mean[0], mean[0], predicted)


@dataclass(frozen=True)
class ScalabilityLaw:
    """The Universal Scalability Law (Gunther 1993) by pyusl, on the throughput 1 / T of mean times.

    X(p) = gamma p / (1 + alpha (p - 1) + beta p (p - 1)), so T(p) = (alpha + (1 - alpha) / p + beta (p - 1)) / gamma:
    the planted law by other parameters. pyusl prints a covariance, and makes no interval of it. Its one option, where
    the search starts, changes nothing here: from near the solution it finds the same one.
    """

    name: str = "USL"
    most: int | None = None

    def applies(self, question: Question) -> bool:  # noqa: D102
        return question.sweeps_threads

    def answer(self, question: Question, times: Array) -> Answer:  # noqa: D102
        from pyusl import usl

        given = Given.of(question, times)
        throughput = 1 / given.times.mean(axis=0)
        law = usl()
        with contextlib.redirect_stdout(io.StringIO()):
            law.fit(given.threads, throughput, requires_plot=False)
        whole = 1 / law.gamma
        predicted = 1 / float(law.compute(float(question.wanted.threads)))
        return given.answer(question, law.alpha * whole, whole, predicted)


@dataclass(frozen=True)
class ExtraP:
    """Extra-P's performance model normal form, every repetition handed over, its mean modelled (Calotoiu et al. 2013).

    Attributes:
        name: as it stands in the tables.
        negative: whether its option of negative exponents is set.
        resources: whether p T is modelled instead of T, which its manual recommends where the work is fixed.
    """

    name: str
    negative: bool = False
    resources: bool = False
    most: int | None = EXTRAP_TRIALS

    def applies(self, question: Question) -> bool:  # noqa: D102
        return question.sweeps_threads or not self.resources

    def answer(self, question: Question, times: Array) -> Answer:  # noqa: D102
        wanted = question.wanted
        if not question.sweeps_threads:
            model = self._model(("D", "W"), [(cell.depth, cell.width) for cell in question.cells], times)
            return Answer(seconds=bare(model.evaluate((wanted.depth, wanted.width)), "s"))
        given = Given.of(question, times)
        used = given.threads if self.resources else np.ones_like(given.threads)
        model = self._model(("p",), [(threads,) for threads in given.threads.tolist()], given.times * used)
        whole, predicted = float(model.evaluate(1.0)), float(model.evaluate(float(wanted.threads)))
        constant = float(model.constant_coefficient)
        if self.resources:  # the constant of p T is what shrinks with p in T
            return given.answer(question, whole - constant, whole, predicted / wanted.threads)
        return given.answer(question, constant, whole, predicted)

    def _model(self, names: Sequence[str], places: Sequence[tuple[float, ...]], times: Array) -> Any:
        """The function that Extra-P finds for times [repetition, place]."""
        from extrap.entities.callpath import Callpath
        from extrap.entities.coordinate import Coordinate
        from extrap.entities.experiment import Experiment
        from extrap.entities.measurement import Measurement
        from extrap.entities.metric import Metric
        from extrap.entities.parameter import Parameter
        from extrap.modelers.model_generator import ModelGenerator
        from extrap.modelers.multi_parameter import Default as ManyParameters
        from extrap.modelers.single_parameter import Default as OneParameter

        experiment, callpath, metric = Experiment(), Callpath("step"), Metric("time")
        experiment.add_callpath(callpath)
        experiment.add_metric(metric)
        for name in names:
            experiment.add_parameter(Parameter(name))
        for place, values in zip(places, times.T, strict=True):
            experiment.add_coordinate(Coordinate(*place))
            experiment.add_measurement(Measurement(Coordinate(*place), callpath, metric, values))
        modeler = OneParameter() if len(names) == 1 else ManyParameters()
        single = modeler if len(names) == 1 else modeler.single_parameter_modeler
        single.allow_negative_exponents = self.negative
        generator = ModelGenerator(experiment, modeler=modeler)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # four thread counts are fewer than it asks for
            generator.model_all()
        return generator.models[callpath, metric].hypothesis.function


def _columns(cells: Sequence[Cell]) -> tuple[Array, Array]:
    """Depth and width [cell]."""
    return np.array([cell.depth for cell in cells], dtype=float), np.array([cell.width for cell in cells], dtype=float)


PEERS: Final[tuple[Tool, ...]] = (
    ExtraP("Extra-P"),
    ExtraP("Extra-P neg.", negative=True),
    ExtraP("Extra-P pT", resources=True),
    ScalabilityLaw(),
    KarpFlatt(),
    NonnegativeLeastSquares("NNLS", relative=False),
    NonnegativeLeastSquares("NNLS rel.", relative=True),
)
