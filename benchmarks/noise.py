# SPDX-License-Identifier: Apache-2.0
"""Noise laws in simulated time, with the truth that a measurement under them should find."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Array = npt.NDArray[np.float64]

#: Seconds between the nodes of a course; it is constant in between.
_GRID: Final = 0.001
_DRAWS: Final = 1_000_000


@dataclass(frozen=True)
class Bursts:
    """A neighbour that slows everything down: Poisson arrivals, exponential durations; bursts that overlap multiply.

    Attributes:
        rate: arrivals per second.
        seconds: mean duration.
        least, most: the factor is log-uniform between them.
    """

    rate: float
    seconds: float
    least: float = 1.1
    most: float = 2.0


@dataclass(frozen=True)
class Noise:
    """A law of ln(time / undisturbed time): the sum of independent parts; a part of 0 is absent.

    Attributes:
        scatter: standard deviation of single samples, normal, independent.
        trend: standard deviation of the slope of a linear drift, per second.
        wander: stationary standard deviation of an Ornstein-Uhlenbeck drift. Drifts are common to all points.
        wander_seconds: its correlation time.
        bursts: common to all points as well.
        level: every fresh process draws for every point 0 or ln(1 + level), each with probability 1/2.
    """

    scatter: float
    trend: float = 0.0
    wander: float = 0.0
    wander_seconds: float = 0.25
    bursts: tuple[Bursts, ...] = ()
    level: float = 0.0

    @property
    def truth(self) -> float:
        """Logarithm of what the absolute step time should be, relative to the undisturbed one.

        It is the mean over processes of the process's median over time: exactly ln(1 + level / 2) without bursts, plus
        the median of all other parts together, by 10^6 draws (standard error below 1e-4), with them. The
        wandering has mean 0 in the long run; the mean of the trend over a run (`Course.mean`) is to be added.
        """
        mean_level = float(np.log1p(self.level / 2))
        if not self.bursts:
            return mean_level
        draw = np.random.default_rng(1)
        total = draw.normal(0.0, np.hypot(self.scatter, self.wander), _DRAWS)
        for bursts in self.bursts:
            active = draw.poisson(bursts.rate * bursts.seconds, _DRAWS)
            for count in range(1, int(active.max()) + 1):
                hit = active >= count
                total[hit] += draw.uniform(np.log(bursts.least), np.log(bursts.most), int(hit.sum()))
        return mean_level + float(np.median(total))

    @property
    def level_variance(self) -> float:
        """Variance of ln time between processes."""
        return float(np.log1p(self.level) / 2) ** 2


#: Shorter than a visit of 50 ms, and longer than a turn of 0.2 s; a 22 s run meets eleven and one, 3 % of its time.
_BURSTS: Final = (Bursts(0.5, 0.03), Bursts(0.04, 0.4))
#: What the simulation is run with. The drift wanders within a turn, and far more within a block of 2 s.
KINDS: Final = {
    "independent": Noise(0.02),
    "drift": Noise(0.02, trend=0.002, wander=0.06),
    "bursts": Noise(0.02, bursts=_BURSTS),
    "bimodal": Noise(0.02, level=0.08),
    "all": Noise(0.02, 0.002, 0.06, bursts=_BURSTS, level=0.08),
}
#: A drift that hardly changes within a run: no estimator can tell its long-run mean from one run.
SLOW_DRIFT: Final = replace(KINDS["drift"], wander_seconds=20.0)


class Course:
    """One realisation of a law over the time of a run.

    Args:
        noise: the law.
        draw: where everything random comes from.
        horizon: seconds that it covers.
    """

    def __init__(self, noise: Noise, draw: np.random.Generator, horizon: float) -> None:
        self.noise = noise
        self.draw = draw
        self.nodes = np.arange(0.0, horizon, _GRID)
        self.wandering = self._wandering()
        self.trend = noise.trend * draw.standard_normal() * self.nodes
        self.slowed = self._bursts(horizon)
        # undisturbed seconds that are worked off until each node, and seconds of bursts until there
        self._worked = np.concatenate(
            ([0.0], np.cumsum(_GRID * np.exp(-self.wandering - self.trend - self.slowed))[:-1])
        )
        self._hit = np.concatenate(([0.0], np.cumsum(_GRID * (self.slowed > 0))[:-1]))
        self._levels: dict[tuple[int, int], float] = {}

    def samples(self, process: int, point: int, begin: float, work: float, count: int) -> Array:
        """[count + 1]: ends of samples of `work` undisturbed seconds each, one after the other, after their begin.

        Raises:
            ValueError: they would reach beyond the horizon.
        """
        own = self.level(process, point) + self.draw.normal(0.0, self.noise.scatter, count + 1)
        own[0] = -np.inf
        worked = np.interp(begin, self.nodes, self._worked) + np.cumsum(work * np.exp(own))
        if worked[-1] > self._worked[-1]:
            raise ValueError("the run outlasts the course of its noise")
        ends: Array = np.interp(worked, self._worked, self.nodes)
        return ends

    def clean(self, ends: Array) -> int:
        """How many of the samples that these times delimit no burst hit."""
        return int(np.sum(np.diff(np.interp(ends, self.nodes, self._hit)) < _GRID / 2))

    def mean(self, part: Array, begin: float, end: float) -> float:
        """Time average of a part of the drift."""
        return float(np.mean(part[(begin <= self.nodes) & (self.nodes <= end)]))

    def level(self, process: int, point: int) -> float:
        """Logarithm of the level that a point has in a generation of processes."""
        key = process, point
        if key not in self._levels:
            self._levels[key] = float(np.log1p(self.noise.level)) * int(self.draw.integers(2))
        return self._levels[key]

    def _wandering(self) -> Array:
        noise = self.noise
        if not noise.wander:
            return np.zeros_like(self.nodes)
        keep = np.exp(-_GRID / noise.wander_seconds)
        steps = self.draw.normal(0.0, noise.wander * np.sqrt(1 - keep**2), self.nodes.size)
        steps[0] = self.draw.normal(0.0, noise.wander)
        wandering: Array = lfilter([1.0], [1.0, -keep], steps)
        return wandering

    def _bursts(self, horizon: float) -> Array:
        slowed = np.zeros_like(self.nodes)
        for bursts in self.noise.bursts:
            lead = 10 * bursts.seconds  # those that began before the run
            count = self.draw.poisson(bursts.rate * (horizon + lead))
            starts = self.draw.uniform(-lead, horizon, count)
            ends = starts + self.draw.exponential(bursts.seconds, count)
            factors = self.draw.uniform(np.log(bursts.least), np.log(bursts.most), count)
            for start, end, factor in zip(starts, ends, factors, strict=True):
                slowed[max(0, round(start / _GRID)) : max(0, round(end / _GRID))] += factor
        return slowed


def ideal_errors(noise: Noise, points: Array, processes: Array, times: Array, spans: Array, clean: Array) -> Array:
    """Covariance of the best linear unbiased estimates of ln time of two points, by one who knows the law.

    Who knows it leaves out what a burst hit, and has for every visit the mean of the logarithms of the `clean` samples
    that are left, with

        variance = scatter^2 / clean + wander^2 v(h) + trend^2 u^2 + level^2
        covariance = wander^2 exp(-|t - t'| / tau) c(h)^2 + trend^2 u u' + level^2 [same process and point]

    where h is the length of a visit, v and c are what averaging over h leaves of an Ornstein-Uhlenbeck process, and u
    is the time from the middle of the run. Generalised least squares gives the covariance
    (X' C^-1 X)^-1 of the two estimates, X telling which point a visit belongs to. All but the levels is normal, so for
    the other laws this is the maximum likelihood estimator too. (Who knew the two levels beforehand, and not only their
    variance, would have no doubt left about their mean; that isn't counted as an estimate from the data.)

    Args:
        noise: the law.
        points: [visit], 0 or 1.
        processes: [visit], generation of processes.
        times: [visit], its middle.
        spans: [visit], its length.
        clean: [visit], samples outside bursts.

    Returns:
        [2, 2].
    """
    used = clean > 0
    points, processes, times, spans, clean = (item[used] for item in (points, processes, times, spans, clean))
    half = float(np.mean(spans)) / (2 * noise.wander_seconds)
    apart = np.abs(times[:, None] - times[None, :]) / noise.wander_seconds
    covariance = noise.wander**2 * np.exp(-apart) * (np.sinh(half) / half) ** 2
    np.fill_diagonal(covariance, noise.wander**2 * (1 - (1 - np.exp(-2 * half)) / (2 * half)) / half)
    centred = times - (times[0] + times[-1]) / 2
    covariance += noise.trend**2 * np.outer(centred, centred)
    same = (points[:, None] == points[None, :]) & (processes[:, None] == processes[None, :])
    covariance += noise.level_variance * same
    covariance[np.diag_indices_from(covariance)] += noise.scatter**2 / clean
    design = np.stack([points == 0, points == 1], axis=1).astype(float)
    result: Array = np.linalg.inv(design.T @ np.linalg.solve(covariance, design))
    return result
