# SPDX-License-Identifier: Apache-2.0
"""What a gate is told, what it measures, and what it says; all of it can be written as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias

from serialprof.errors import ExitCode
from serialprof.estimate import Estimate
from serialprof.machine import Machine
from serialprof.setting import CPU, ParameterValue, Setting

#: Who is timed: the head, the base, and the base a second time, which is the null.
Role: TypeAlias = Literal["base", "twin", "head"]
ROLES: Final[tuple[Role, ...]] = ("base", "twin", "head")

#: Numbers of process pairs after which the data are looked at.
LOOKS: Final = (5, 7, 9, 12, 16)

#: What is judged: the time of a step, and on request the most memory that a process holds, the 99th percentile of
#: single steps, and what a step launches through torch.
Metric: TypeAlias = Literal["step", "memory", "p99", "launches"]
#: In the order in which they are measured: tracing takes memory, and a profiler slows what comes after it.
METRIC_NAMES: Final[dict[Metric, str]] = {
    "step": "time per step",
    "memory": "peak memory",
    "p99": "99th percentile of steps",
    "launches": "launches per step",
}
#: Those that are times, which smallest differences and layouts are about.
TIMES: Final[tuple[Metric, ...]] = ("step", "p99")

Verdict: TypeAlias = Literal["pass", "fail", "inconclusive", "no baseline", "error"]


@dataclass(frozen=True, slots=True)
class Criteria:
    """What counts as a regression of a benchmark.

    Attributes:
        tolerance: slow-down, as a share, that nothing is said about.
        mde: the smallest slow-down, as a share, that must not pass.
        least_seconds: difference per step below which nothing is said, whatever its share.
    """

    tolerance: float = 0.01
    mde: float = 0.03
    least_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a workload is gated at.

    Attributes:
        width, depth, threads: None leaves them to the workload (its smallest width, its depth, its fewest threads).
        mode, dtype: None leaves them to the workload.
        device: "cpu" or "cuda:N".
        parameters: of the workload.
        metrics: that are judged by the criteria; the time of a step always is.
    """

    width: int | None = None
    depth: int | None = None
    threads: int | None = None
    mode: str | None = None
    dtype: str | None = None
    device: str = CPU
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ("step",)

    @property
    def others(self) -> tuple[Metric, ...]:
        """What is judged beside the time of a step."""
        return tuple(metric for metric in METRIC_NAMES if metric != "step" and metric in self.metrics)


def knobs_in(thing: object) -> dict[str, Any]:
    """The attributes of a thing that are knobs, by their names."""
    return {item.name: getattr(thing, item.name) for item in fields(Knobs)}


@dataclass(frozen=True, slots=True)
class Benchmark(Knobs):
    """What is gated: a workload at its knobs.

    Attributes:
        name: by which people and the expected set know it; unique in a gate.
        reference: a registered name, FILE.py:NAME (found in either side's folder), package.module:NAME, or a command.
        criteria: what counts as a regression.
    """

    name: str
    reference: str
    criteria: Criteria = Criteria()


@dataclass(frozen=True, slots=True)
class Trio:
    """A further metric in one pair: one value per process, seconds (p99), launches per step, or bytes."""

    base: float
    twin: float
    head: float


@dataclass(frozen=True, slots=True)
class Pair:
    """What one pair of fresh processes (three, with the null's) measured: seconds per step.

    Every block holds two samples of every role, in the order in which they were taken; so the tuples are twice as long
    as there were blocks.

    Attributes:
        others: what was measured of the same processes after their samples.
    """

    base: tuple[float, ...]
    twin: tuple[float, ...]
    head: tuple[float, ...]
    others: dict[Metric, Trio] = field(default_factory=dict)

    def of(self, role: Role) -> tuple[float, ...]:
        """The samples of a role."""
        return {"base": self.base, "twin": self.twin, "head": self.head}[role]


@dataclass(frozen=True, slots=True)
class Unpaired:
    """Samples that were taken at different times: seconds per step, process by process.

    Attributes:
        base: of a stored baseline.
        head: of now.
    """

    base: tuple[tuple[float, ...], ...]
    head: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the pairs say, or the processes where they are not paired.

    Attributes:
        verdict: fail, pass or inconclusive.
        ratio: head over base. Its ends are one-sided bounds, the lower one of 97.5 %, the upper one of 95 %, each
            corrected for the number of looks.
        null: base over base, with its two-sided 95 % interval.
        biased: whether the null alone would have failed, in one direction or the other.
        p_value: of "no slower than the tolerance", one-sided, corrected for the number of looks; 1 where the head is
            not slower than the slower of both bases by more than the tolerance in the median pair.
        tolerance, mde: as shares, after the smallest difference has entered; the floor of layouts enters the tolerance.
        logs, null_logs: log ratio per pair, of head over base and of base over base. Where nothing is paired, one of
            each process of the head over the mean of the base, and none of the null.
        barred: why nothing can be told, whatever the ratio; empty where it counts.
    """

    verdict: Verdict
    ratio: Estimate
    null: Estimate
    biased: bool
    p_value: float
    tolerance: float
    mde: float
    logs: tuple[float, ...]
    null_logs: tuple[float, ...]
    barred: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gate says of one benchmark.

    Attributes:
        benchmark: that was gated.
        verdict: the last word, after Holm's correction and waivers.
        sentence: the verdict in one sentence, with numbers.
        setting: at which it was timed, None where it came not so far.
        runs: run(D) per sample.
        pairs: everything that was measured.
        judgement: of the time of a step, None where nothing could be judged.
        floor: share by which a rebuild of the base alone moved it, None where that was not tried.
        waiver: why a failure is let through, empty where it is not.
        seconds: that the gate took for it.
        others: judgements of the further metrics, with their last words; the outcome's verdict is the worst of all.
        unpaired: what was measured in place of pairs where a stored baseline was compared.
    """

    benchmark: Benchmark
    verdict: Verdict
    sentence: str
    setting: Setting | None = None
    runs: int = 0
    pairs: tuple[Pair, ...] = ()
    judgement: Judgement | None = None
    floor: float | None = None
    waiver: str = ""
    seconds: float = 0.0
    others: dict[Metric, Judgement] = field(default_factory=dict)
    unpaired: Unpaired | None = None

    @property
    def judgements(self) -> dict[Metric, Judgement]:
        """All judgements, that of the time of a step first; none where nothing could be judged."""
        return {} if self.judgement is None else {"step": self.judgement, **self.others}


@dataclass(frozen=True, slots=True)
class SideFacts:
    """One side of a gate, for people to read.

    Attributes:
        label: "base" or "head".
        commit: of its code, empty where that is not known.
        python: version of its interpreter.
        command: the whole program, empty where workloads are timed.
    """

    label: str
    commit: str
    python: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class GateReport:
    """Everything that a gate says; `serialprof_reports` renders it for people and for CI.

    Attributes:
        outcomes: one per benchmark that is expected, in their order.
        base, head: the sides.
        machine: this computer.
        started: seconds since the epoch.
        seconds: that the whole gate took.
        version: of serialprof.
        command: the words that repeat this gate.
        strict: whether an inconclusive outcome ends with exit code 3.
        advisory: why failures end with exit code 0, empty where they do not.
        warnings: that people should read, each a sentence.
    """

    outcomes: tuple[Outcome, ...]
    base: SideFacts
    head: SideFacts
    machine: Machine
    started: float
    seconds: float
    version: str
    command: tuple[str, ...]
    strict: bool = False
    advisory: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Errors outrank a missing baseline, that a failure, and that what is inconclusive."""
        verdicts = {outcome.verdict for outcome in self.outcomes if not outcome.waiver}
        if "error" in verdicts or not self.outcomes:
            return ExitCode.USAGE
        if "no baseline" in verdicts:
            return ExitCode.NO_BASELINE
        if "fail" in verdicts and not self.advisory:
            return ExitCode.REGRESSION
        return ExitCode.CANNOT_MEASURE if self.strict and "inconclusive" in verdicts else ExitCode.OK
