# SPDX-License-Identifier: Apache-2.0
"""Do the sampling engine's intervals hold their level, and how wide are they beside the ideal ones? A simulation.

    python -m benchmarks.coverage                   2000 trials of each kind of noise, some minutes
    python -m benchmarks.coverage --trials 200      a quick look

Every trial is a run of the real engine (schedule, allocation, fresh processes, stopping) with a fake clock and fake
workers, whose samples follow a law of `benchmarks/noise.py`; then the real estimators. Two points of one width are
measured: the serial form and its wide twin, RATIO times as fast.

- **step time**: of the serial form. Truth: `Noise.truth`, the mean over processes of the process's median over time,
  plus the time average of the linear drift over the run. The wandering drift counts with its long-run mean, 0.
- **step time, this run**: the same interval, but the wandering too counts with its time average over this very run.
- **ratio**: serial / wide, paired. Truth: RATIO.

Estimates are geometric means over blocks. For two levels 8 % apart that is 0.07 % below the mean that counts as the
truth: a fortieth of the half-width; nothing is corrected for it.

The **ideal** half-width is 1.96 standard errors of the best linear unbiased estimate from the same visits, by one who
knows the law with all its variances and sees every burst (`noise.ideal_errors`). Goals: an interval of nominal 95 %
covers in at least 93 % of trials, and its median width is at most 1.5 times the ideal one.

The budget binds, but where a row says that the run stops early: there it may, once both step times are known to 3 %.
A slow drift is shown for what no interval from one run can do: contain the mean of a drift that hardly moved meanwhile.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from benchmarks.noise import KINDS, SLOW_DRIFT, Array, Course, Noise, ideal_errors
from serialprof.catalog import Description
from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.measure.engine import Engine
from serialprof.model.statistics import log_interval
from serialprof.model.steptimes import collect, paired
from serialprof.planning import Plan, Point, Request, make_plan
from serialprof.records import Calibration, Readings, Stop, StoredRun, Visit
from serialprof.samples import Sample
from serialprof.setting import Setting

LEAST_COVERAGE: Final = 0.93
MOST_WIDTH: Final = 1.5
#: Serial over wide step time.
RATIO: Final = 1.25
#: Undisturbed seconds of one run(D) of the serial form, which is also a sample.
RUN_SECONDS: Final = 0.01
#: Seconds of sampling: ten blocks of eight turns.
BUDGET: Final = 22.0
#: Seconds that fresh processes take to start, and a point to become steady in one.
STARTING, WARMING = 0.2, 0.05
#: In how many trials the ideal interval is computed: it differs by a few per cent from run to run.
IDEALS: Final = 8
#: A precision that is never reached, so that the budget binds.
UNREACHED: Final = 1e-5
#: One that is reached after five blocks by the quieter kinds, and at some block by the others.
EARLY: Final = 0.03

_POINTS: Final = (
    Point(0, "made", Setting(form="serial")),
    Point(1, "made", Setting(form="wide")),
)
_MACHINE: Final = Machine(
    *("simulated", "Linux", "", "x86_64", "", ""), (0,), ((0,),), None, (), 1, "", "", False, "", (), "", {}
)


class FakeWorkers:
    """Workers whose time is simulated: a run(D) takes the point's time times what the course of the noise says then."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.now = STARTING
        self.process = 0
        self.warm: set[int] = set()
        #: [visit]: point, process, ends of its samples after the begin of the first.
        self.visits: list[tuple[int, int, Array]] = []

    def calibrate(self, point: Point, limit: float) -> float:
        """Builds and warms a point."""
        del limit
        self._settle(point)
        return float(np.diff(self._ends(point, 1, 1))[0])

    def check(self, point: Point, limit: float) -> None:
        """Nothing here has a known answer."""

    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Readings:
        """One run to warm the caches, then samples until the time has passed."""
        del limit
        if point.id not in self.warm:
            self._settle(point)
        end = self.now + seconds
        self.now = float(self._ends(point, 1, 1)[1])
        ends = self._ends(point, runs, 3 + math.ceil(1.5 * seconds / (runs * _seconds(point))))
        ends = ends[: max(2, int(np.searchsorted(ends, end))) + 1]
        self.now = float(ends[-1])
        self.visits.append((point.id, self.process, ends))
        return Readings(tuple([Sample(duration, duration, 0) for duration in np.diff(ends).tolist()]))

    def restart(self) -> None:
        """Fresh processes."""
        self.now += STARTING
        self.process += 1
        self.warm.clear()

    def _settle(self, point: Point) -> None:
        self.warm.add(point.id)
        self.now += WARMING

    def _ends(self, point: Point, runs: int, count: int) -> Array:
        return self.course.samples(self.process, point.id, self.now, runs * _seconds(point), count)


class Sink:
    """Keeps visits."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []

    def add(self, visit: Visit) -> None:  # noqa: D102
        self.visits.append(visit)

    def calibrate(self, calibration: Calibration) -> None:  # noqa: D102
        pass

    def draw(self, block: int, stops: Sequence[Stop]) -> None:  # noqa: D102
        pass


@dataclass(frozen=True)
class Trial:
    """What one simulated run gave for one quantity: its interval and the truth, as logarithms, and the ideal width.

    `half` and `ideal` are half-widths, `ideal` is None where it was not computed.
    """

    quantity: str
    low: float
    high: float
    truth: float
    ideal: float | None
    units: int

    @property
    def covers(self) -> bool:
        """Whether the truth lies within."""
        return self.low <= self.truth <= self.high

    @property
    def half(self) -> float:
        """Half-width."""
        return (self.high - self.low) / 2


def plan(seed: int, precision: float, budget: float = BUDGET) -> Plan:
    """The plan of a trial, as a request for the two points makes it."""
    request = Request(("made",), budget=budget, precision=precision, seed=seed)
    description = Description(reference="made", name="made", forms=("serial", "wide"))
    return make_plan(request, [description], _POINTS)


def trials(
    noise: Noise, count: int, seed: int = 0, precision: float = UNREACHED, budget: float = BUDGET
) -> Iterator[Trial]:
    """Simulated runs, three quantities each; the same seed gives the same."""
    truth = math.log(RUN_SECONDS) + noise.truth
    for number in range(count):
        course = Course(noise, np.random.default_rng([seed, number]), budget * 1.2 + 2.0)
        workers, sink = FakeWorkers(course), Sink()
        made = plan(seed * 1_000_003 + number, precision, budget)
        Engine(made, workers, sink, now=lambda workers=workers: workers.now).run()  # type: ignore[misc]
        run = StoredRun("0", 0.0, "", "", (), "complete", _MACHINE, Limits(), made, tuple(sink.visits))
        (times,) = collect(run)
        step = times.summaries[0].step
        ratio = log_interval(paired(times.column(1, 1, "serial"), times.column(1, 1, "wide")))
        ideal_step, ideal_ratio = _ideal(noise, workers) if number < IDEALS else (None, None)
        units = times.summaries[0].units
        during = float(workers.visits[0][2][0]), workers.now
        settled = truth + course.mean(course.trend, *during)
        yield _trial("step time", step, settled, ideal_step, units)
        wandered = course.mean(course.wandering, *during)
        yield _trial("step time, this run", step, settled + wandered, ideal_step, units)
        yield _trial("ratio", ratio, math.log(RATIO), ideal_ratio, units)


def table(noise: Noise, count: int, seed: int = 0, precision: float = UNREACHED) -> list[dict[str, object]]:
    """One row per quantity: coverage and widths. Widths are relative half-widths."""
    found: dict[str, list[Trial]] = {}
    for trial in trials(noise, count, seed, precision):
        found.setdefault(trial.quantity, []).append(trial)
    return [row(items) for quantity, items in found.items() if noise.wander or quantity != "step time, this run"]


def row(items: Sequence[Trial]) -> dict[str, object]:
    """What the trials of one quantity say."""
    half = float(np.median([item.half for item in items]))
    ideal = float(np.median([item.ideal for item in items if item.ideal is not None]))
    return {
        "quantity": items[0].quantity,
        "trials": len(items),
        "units": float(np.median([item.units for item in items])),
        "coverage": sum(item.covers for item in items) / len(items),
        "median_half_width": half,
        "ideal_half_width": ideal,
        "ratio": half / ideal,
    }


def _seconds(point: Point) -> float:
    return RUN_SECONDS / (RATIO if point.setting.form == "wide" else 1.0)


def _ideal(noise: Noise, workers: FakeWorkers) -> tuple[float, float]:
    """Ideal half-widths of the serial form's ln time and of the log ratio."""
    points, processes, ends = zip(*workers.visits, strict=True)
    middles = np.array([(end[0] + end[-1]) / 2 for end in ends])
    spans = np.array([end[-1] - end[0] for end in ends])
    clean = np.array([workers.course.clean(end) for end in ends])
    errors = ideal_errors(noise, np.array(points), np.array(processes), middles, spans, clean)
    return 1.96 * math.sqrt(errors[0, 0]), 1.96 * math.sqrt(errors[0, 0] + errors[1, 1] - 2 * errors[0, 1])


def _trial(quantity: str, estimate: Estimate, truth: float, ideal: float | None, units: int) -> Trial:
    if estimate.low is None or estimate.high is None:
        raise ValueError(f"no interval: {estimate.reason}")
    return Trial(quantity, math.log(estimate.low), math.log(estimate.high), truth, ideal, units)


def main() -> None:
    """Runs the benchmark, prints one line per kind and quantity, writes the JSON."""
    from benchmarks.recording import record
    from serialprof.machine.reading import read_machine

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sys.argv[:1] = ["-m", "benchmarks.coverage"]  # as it is recorded
    cases: list[tuple[str, Noise, float]] = [(kind, noise, UNREACHED) for kind, noise in KINDS.items()]
    cases += [("slow drift", SLOW_DRIFT, UNREACHED)]
    cases += [(f"{kind}, stops early", noise, EARLY) for kind, noise in KINDS.items() if kind != "all"]
    rows = []
    titles = ("trials", "blocks", "coverage", "width", "ideal", "ratio")
    print(f"{'noise':<26} {'quantity':<19}", *(f"{title:>8}" for title in titles))
    for kind, noise, precision in cases:
        began = time.monotonic()
        for found in table(noise, arguments.trials, arguments.seed, precision):
            rows.append({"noise": kind, **found})
            cells = [f"{found['trials']:>8} {found['units']:>8.0f} {found['coverage']:>8.1%}"]
            cells += [f"{found[width]:>8.2%}" for width in ("median_half_width", "ideal_half_width")]
            print(f"{kind:<26} {found['quantity']:<19}", *cells, f"{found['ratio']:>8.2f}", flush=True)
        print(f"{'':<26} {time.monotonic() - began:.0f} s", flush=True)
    laws = {kind: asdict(noise) for kind, noise in {**KINDS, "slow drift": SLOW_DRIFT}.items()}
    print(f"written: {record('coverage', read_machine(), {'table': rows, 'laws': laws, 'seed': arguments.seed})}")


if __name__ == "__main__":
    main()
