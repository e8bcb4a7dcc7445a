# SPDX-License-Identifier: Apache-2.0
"""Saving a baseline, and comparing a head with one: what is told of another day, and what is not.

Processes of today and processes of another day share no moment, so whatever changed in between looks like a change of
the code. Therefore differences below a tenth are let through, failures are advice unless they are asked for, where the
machine's yardsticks moved only what exceeds their movement is told, and on another machine there are ratios and no
verdicts.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from serialprof.errors import WorkloadError
from serialprof.gating.baseline import Baseline, Entry
from serialprof.gating.contest import RefusedBenchmarkError, Side, describe, setting_of
from serialprof.gating.contestants import BenchmarkFailedError, Contestant
from serialprof.gating.fingerprint import differences, fingerprint, moved, movement
from serialprof.gating.interpreters import look_at
from serialprof.gating.pairing import Pace, pace, time_process
from serialprof.gating.preflight import WARM_LIMIT, preflight
from serialprof.gating.records import Benchmark, Judgement, Outcome, SideFacts, Unpaired
from serialprof.gating.running import decided
from serialprof.gating.telling import error_sentence, sentence
from serialprof.gating.welch import judge_unpaired
from serialprof.machine import Machine
from serialprof.measure.introspection import probe_yardsticks
from serialprof.measure.yardsticks import Yardsticks
from serialprof.setting import Setting

Tell = Callable[[str], None]

#: Fresh processes of a benchmark.
PROCESSES: Final = 7
#: Share of a slow-down that is let through at least.
LEAST_TOLERANCE: Final = 0.10
#: Why a failure ends with exit code 0.
ADVISORY: Final = (
    "compared with a stored baseline, so what else changed since then is in the difference too; --enforce makes "
    "failures count"
)
_COMPARED: Final = ("width", "threads", "device", "mode", "dtype", "seed")
_AGAIN: Final = "save it anew to compare"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A head against a baseline.

    Attributes:
        outcomes: one per benchmark, in their order.
        advisory: why failures do not count, empty where they do.
        warnings: that people should read, each a sentence.
    """

    outcomes: tuple[Outcome, ...]
    advisory: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Taken:
    """The head's processes of one benchmark, beside what is stored of it."""

    entry: Entry
    benchmark: Benchmark
    pace: Pace
    processes: tuple[tuple[float, ...], ...]
    yardsticks: tuple[Yardsticks, ...]
    seconds: float
    edited: bool

    @property
    def samples(self) -> Unpaired:
        """What is judged."""
        return Unpaired(self.entry.processes, self.processes)

    @property
    def plain(self) -> Judgement:
        """What the processes say where nothing else has changed."""
        return judge_unpaired(self.samples, self.benchmark.criteria, LEAST_TOLERANCE)

    @property
    def moved(self) -> tuple[str, ...]:
        """By which yardsticks the machine is no longer as fast as it was."""
        return moved(self.entry.yardsticks, self.yardsticks, self.plain.tolerance)


def save(
    benchmarks: Sequence[Benchmark],
    side: Side,
    machine: Machine,
    tell: Tell = lambda what: None,
    processes: int = PROCESSES,
    timeout: float = WARM_LIMIT,
) -> Baseline:
    """Times benchmarks for a later comparison.

    Args:
        benchmarks: what is stored.
        side: whose.
        machine: this computer.
        tell: told in a few words what begins.
        processes: fresh ones of each benchmark.
        timeout: seconds in which one has to be loaded and warm.

    Raises:
        WorkloadError: a benchmark cannot be timed; the message names it.
        CannotMeasureError: this machine's yardsticks cannot be read.
    """
    began = time.time()
    entries = tuple(_entry(benchmark, side, machine, tell, processes, timeout) for benchmark in benchmarks)
    readings = [reading for entry in entries for reading in entry.yardsticks]
    facts = SideFacts("base", side.commit, look_at(Path(side.python)).version, side.command)
    return Baseline(entries, fingerprint(machine, readings), machine, facts, began, version("serialprof"))


def compare(
    baseline: Baseline,
    benchmarks: Sequence[Benchmark],
    side: Side,
    machine: Machine,
    tell: Tell = lambda what: None,
    *,
    enforce: bool = False,
    elsewhere: int = 0,
    processes: int = PROCESSES,
    timeout: float = WARM_LIMIT,
) -> Comparison:
    """Times the head, and says what a stored baseline says of it.

    Args:
        baseline: that was read.
        benchmarks: that are expected.
        side: the head.
        machine: this computer.
        tell: told in a few words what begins.
        enforce: whether failures count.
        elsewhere: benchmarks that are decided apart from these, and that corrections count too.
        processes: fresh ones of each benchmark.
        timeout: seconds in which one has to be loaded and warm.

    Raises:
        CannotMeasureError: this machine's yardsticks cannot be read.
    """
    stored = [replace(benchmark, metrics=("step",)) for benchmark in benchmarks]
    found = [_measured(baseline, benchmark, side, machine, tell, processes, timeout) for benchmark in stored]
    measured = [item for item in found if isinstance(item, _Taken)]
    readings = [reading for item in measured for reading in item.yardsticks]
    # Where nothing was measured, no clock is known and nothing is judged.
    strange = differences(baseline.fingerprint, fingerprint(machine, readings)) if readings else ()
    outcomes = decided([item if isinstance(item, Outcome) else _judged(item, strange) for item in found], elsewhere)
    left_out = [
        f"{benchmark.name}: {', '.join(benchmark.others)} of a stored baseline is not known, and not compared"
        for benchmark in benchmarks
        if benchmark.others
    ]
    warnings = [text for item in measured for text in _warnings(item, same_machine=not strange)]
    return Comparison(outcomes, "" if enforce else ADVISORY, (*left_out, *warnings))


def _entry(benchmark: Benchmark, side: Side, machine: Machine, tell: Tell, processes: int, timeout: float) -> Entry:
    try:
        description, code = describe(benchmark, side, machine, "error")
        setting = setting_of(benchmark, description, machine)
        contestant = Contestant(side.python, side.reference(benchmark), side.folder)
        preflight("head", contestant, setting, timeout)
        paced = pace(setting, contestant)
        taken, yardsticks = _take(benchmark, contestant, paced, tell, processes)
    except (RefusedBenchmarkError, BenchmarkFailedError) as error:
        raise WorkloadError(error_sentence(benchmark, str(error))) from None
    return Entry(benchmark, code, setting.depth, paced, taken, yardsticks)


def _measured(
    baseline: Baseline,
    benchmark: Benchmark,
    side: Side,
    machine: Machine,
    tell: Tell,
    processes: int,
    timeout: float,
) -> _Taken | Outcome:
    """The head's processes, sampled as the baseline's were; or why there are none."""
    began = time.monotonic()
    try:
        entry = _stored(baseline, benchmark)
        description, code = describe(benchmark, side, machine, "error")
        setting = setting_of(benchmark, description, machine)
        _check_alike(entry, setting)
        contestant = Contestant(side.python, side.reference(benchmark), side.folder)
        preflight("head", contestant, setting, timeout)
        paced = replace(entry.pace, setting=replace(entry.pace.setting, cpus=setting.cpus))
        taken, yardsticks = _take(benchmark, contestant, paced, tell, processes)
    except RefusedBenchmarkError as refused:
        return Outcome(benchmark, refused.verdict, error_sentence(benchmark, str(refused)))
    except BenchmarkFailedError as failed:
        return Outcome(benchmark, "error", error_sentence(benchmark, f"head: {failed}"))
    return _Taken(
        entry, benchmark, paced, taken, yardsticks, time.monotonic() - began, edited=bool(code) and code != entry.code
    )


def _take(
    benchmark: Benchmark, contestant: Contestant, paced: Pace, tell: Tell, processes: int
) -> tuple[tuple[tuple[float, ...], ...], tuple[Yardsticks, ...]]:
    """Fresh processes, and the machine's yardsticks before each."""
    draw = random.Random(benchmark.name)  # noqa: S311 - of paddings, no secret
    taken, yardsticks = [], []
    for number in range(processes):
        tell(f"{benchmark.name}: process {number + 1} of {processes}")
        yardsticks.append(probe_yardsticks(paced.setting.cpus))
        taken.append(time_process(contestant, paced, draw))
    return tuple(taken), tuple(yardsticks)


def _stored(baseline: Baseline, benchmark: Benchmark) -> Entry:
    entry = baseline.entry(benchmark.name)
    if entry is None:
        names = ", ".join(item.benchmark.name for item in baseline.entries)
        raise RefusedBenchmarkError("no baseline", f"the baseline does not have it, but {names}; {_AGAIN}")
    if entry.benchmark.reference != benchmark.reference:
        raise RefusedBenchmarkError(
            "no baseline",
            f"the baseline is of {entry.benchmark.reference}, and this is {benchmark.reference}; {_AGAIN}",
        )
    return entry


def _check_alike(entry: Entry, setting: Setting) -> None:
    """Raises where the head would be timed at another setting than the baseline was."""
    stored = entry.pace.setting
    facts = [(name, getattr(stored, name), getattr(setting, name)) for name in _COMPARED]
    facts.append(("depth", entry.depth, setting.depth))
    facts += [
        (name, stored.parameters.get(name, "absent"), setting.parameters.get(name, "absent"))
        for name in sorted({*stored.parameters, *setting.parameters})
    ]
    told = ", ".join(f"{name} {then} in the baseline, {now} now" for name, then, now in facts if then != now)
    if told:
        raise RefusedBenchmarkError("no baseline", f"the baseline is incompatible: {told}; {_AGAIN}")


def _judged(taken: _Taken, strange: Sequence[str]) -> Outcome:
    """What the processes say, where this is the machine of the baseline and as fast as it was."""
    benchmark = taken.benchmark
    if strange:
        barred = f"another machine: {'; '.join(strange)}"
        judgement = judge_unpaired(taken.samples, benchmark.criteria, LEAST_TOLERANCE, barred)
    else:
        judgement = _beyond_movement(taken) if taken.moved else taken.plain
    return Outcome(
        benchmark,
        judgement.verdict,
        sentence(benchmark, judgement, judgement.verdict),
        setting=taken.pace.setting,
        runs=taken.pace.runs,
        judgement=judgement,
        seconds=taken.seconds,
        unpaired=taken.samples,
    )


def _beyond_movement(taken: _Taken) -> Judgement:
    """What the processes say where yardsticks moved: it counts if it is more than these can have done to it."""
    criteria, plain = taken.benchmark.criteria, taken.plain
    shift = movement(taken.entry.yardsticks, taken.yardsticks)
    beyond = judge_unpaired(taken.samples, criteria, math.expm1(math.log1p(plain.tolerance) + shift))
    if beyond.verdict == "fail":
        return beyond
    if plain.ratio.high is not None and plain.ratio.high * math.exp(shift) < 1 + plain.mde:
        return plain
    return judge_unpaired(taken.samples, criteria, LEAST_TOLERANCE, "; ".join(taken.moved))


def _warnings(taken: _Taken, *, same_machine: bool) -> Iterator[str]:
    name = taken.benchmark.name
    if taken.edited:
        yield (
            f"{name}: the file that it is written in has changed since the baseline was saved, which may be the "
            "difference"
        )
    for text in taken.moved if same_machine else ():
        yield f"{name}: {text}, so only what exceeds that by the tolerance is told"
