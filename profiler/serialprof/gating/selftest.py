# SPDX-License-Identifier: Apache-2.0
"""The gate tried on this runner, now: base against itself, and with known slow-downs planted into the head.

Every gate is a real one, with the looks and the criteria of the gate itself. A slow-down is planted by running a sample
longer than is counted: of 100 runs or more, one in a hundred more is a slow-down of 1 %.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from serialprof.errors import WorkloadError
from serialprof.gating.contest import Contest, RefusedBenchmarkError, Side, contest
from serialprof.gating.contestants import BenchmarkFailedError, Contestant
from serialprof.gating.judging import judge
from serialprof.gating.pairing import Pace, pace
from serialprof.gating.preflight import preflight
from serialprof.gating.rates import Rate, pairs_for, pooled_spread, smallest_caught
from serialprof.gating.records import LOOKS, Benchmark, Judgement, Verdict
from serialprof.gating.running import Effort, Tell, take_pairs
from serialprof.machine import Machine
from serialprof.setting import Setting

#: Gates of each slow-down where nobody says how many: about three minutes.
GATES: Final = 4
#: Planted slow-downs, as shares; the benchmark's own mde joins them.
PLANTED: Final = (0.0, 0.01, 0.03, 0.05, 0.10)
#: Runs in a sample that a hundredth can be added to.
FEWEST_RUNS: Final = 100
#: Longest sample in seconds that slow-downs are planted into.
_LONGEST_SAMPLE: Final = 0.1
_EFFORT: Final = Effort()


@dataclass(frozen=True, slots=True)
class Trial:
    """One real gate of the base against itself, slowed down on purpose.

    Attributes:
        planted: slow-down of the head, as a share; 0 for A/A.
        judgement: what the gate said.
        seconds: that it took, starts of processes included.
    """

    planted: float
    judgement: Judgement
    seconds: float


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What trials of a benchmark say of the gate on this machine.

    Attributes:
        benchmark: that was gated.
        machine: this computer.
        setting: at which it was timed.
        runs: run(D) per sample.
        sample_seconds: that one sample took when it was calibrated.
        trials: in the order in which they were made.
        seconds: that all of it took.
    """

    benchmark: Benchmark
    machine: Machine
    setting: Setting
    runs: int
    sample_seconds: float
    trials: tuple[Trial, ...]
    seconds: float

    @property
    def shares(self) -> tuple[float, ...]:
        """The slow-downs that were planted, rising."""
        return tuple(sorted({trial.planted for trial in self.trials}))

    def rate(self, planted: float, verdict: Verdict) -> Rate:
        """How many of the gates with a slow-down came out so."""
        verdicts = [trial.judgement.verdict for trial in self.trials if trial.planted == planted]
        return Rate(verdicts.count(verdict), len(verdicts))

    @property
    def false_alarms(self) -> Rate:
        """Failures among the gates of what is no slower than the tolerance."""
        return self._failures(lambda planted: planted <= self.benchmark.criteria.tolerance)

    @property
    def detections(self) -> Rate:
        """Failures among the gates of what is slower by the mde or more."""
        return self._failures(lambda planted: planted >= self.benchmark.criteria.mde)

    @property
    def biased(self) -> Rate:
        """Gates whose null, the base against itself, was biased."""
        return Rate(sum(trial.judgement.biased for trial in self.trials), len(self.trials))

    @property
    def gate_seconds(self) -> float:
        """Seconds of a gate, the median."""
        return median(trial.seconds for trial in self.trials)

    @property
    def pair_seconds(self) -> float:
        """Seconds of a pair, the median."""
        return median(trial.seconds / len(trial.judgement.logs) for trial in self.trials)

    @property
    def spread(self) -> float:
        """Standard deviation of a pair's log ratio within gates."""
        return pooled_spread([trial.judgement.logs for trial in self.trials])

    @property
    def pairs_for_mde(self) -> int | None:
        """Pairs that catch the mde with a power of 95 %, computed from the spread; None beyond a thousand."""
        return pairs_for(self.spread, self.benchmark.criteria.mde, self.benchmark.criteria.tolerance)

    @property
    def smallest_caught(self) -> float:
        """The slow-down, as a share, that the most pairs of a gate catch with a power of 95 %, likewise computed."""
        return smallest_caught(LOOKS[-1], self.spread, self.benchmark.criteria.tolerance)

    def _failures(self, counts: Callable[[float], bool]) -> Rate:
        verdicts = [trial.judgement.verdict for trial in self.trials if counts(trial.planted)]
        return Rate(verdicts.count("fail"), len(verdicts))


def self_test(
    benchmark: Benchmark,
    side: Side,
    machine: Machine,
    gates: int = GATES,
    tell: Tell = lambda what: None,
    effort: Effort = _EFFORT,
) -> SelfTest:
    """Gates a benchmark against itself, so many times with every slow-down, in a drawn order.

    Where a hundred runs take longer than a sample should, nothing is planted: only false alarms are counted, and what
    would be caught is computed. Further metrics of the benchmark are left out.

    Args:
        benchmark: that is gated.
        side: that is its own base.
        machine: this computer.
        gates: with every slow-down, 1 at least.
        tell: told which gate is under way.
        effort: of one gate.

    Raises:
        WorkloadError: it cannot be gated.
    """
    began = time.monotonic()
    benchmark = replace(benchmark, metrics=("step",))
    try:
        opened = contest(benchmark, side, side, machine)
        preflight("base", opened.contestants["base"], opened.setting, effort.timeout)
        paced = planting_pace(opened.setting, opened.contestants["base"])
        long = paced.seconds > _LONGEST_SAMPLE
        if long:
            paced = pace(opened.setting, opened.contestants["base"])
        shares = (0.0,) if long else tuple(sorted({*PLANTED, benchmark.criteria.mde}))
        trials = _trials(opened, paced, shares, gates, tell, effort)
    except (RefusedBenchmarkError, BenchmarkFailedError) as reason:
        raise WorkloadError(f"{benchmark.name}: {reason}") from None
    seconds = time.monotonic() - began
    return SelfTest(benchmark, machine, paced.setting, paced.runs, paced.seconds, trials, seconds)


def planting_pace(setting: Setting, base: Contestant) -> Pace:
    """How a setting is sampled so that hundredths can be planted: a whole number of hundreds of runs in a sample.

    Where a sample has less than a hundred runs, they are of fewer steps.

    Raises:
        BenchmarkFailedError: the base does not run it, or misses its known answer.
    """
    paced = pace(setting, base)
    if paced.runs % FEWEST_RUNS == 0:
        return paced
    depth = min(paced.setting.depth, max(1, paced.steps // FEWEST_RUNS))
    return pace(replace(setting, depth=depth), base, FEWEST_RUNS)


def planted(opened: Contest, share: float) -> Contest:
    """The same contest with a head that is slower by a share."""
    head = replace(opened.contestants["base"], planted=share)
    return replace(opened, contestants={**opened.contestants, "head": head})


def _trials(
    opened: Contest, paced: Pace, shares: tuple[float, ...], gates: int, tell: Tell, effort: Effort
) -> tuple[Trial, ...]:
    draw = random.Random(effort.seed)  # noqa: S311 - an order, no secret
    order = [share for _ in range(gates) for share in draw.sample(shares, len(shares))]
    trials: list[Trial] = []
    for number, share in enumerate(order, 1):
        tell(f"{opened.benchmark.name}: gate {number} of {len(order)}")
        began = time.monotonic()
        pairs = take_pairs(planted(opened, share), paced, replace(effort, seed=effort.seed + number))
        judgement = judge(pairs, opened.benchmark.criteria)
        trials.append(Trial(share, judgement, time.monotonic() - began))
    return tuple(trials)
