# SPDX-License-Identifier: Apache-2.0
"""What is measured of a pair beside the time of a step, when nothing else is timed any more: one value per process."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from sys import byteorder
from typing import Final, TypeAlias, TypeVar

from serialprof.gating.contestants import START_LIMIT, BenchmarkFailedError, ask
from serialprof.gating.records import METRIC_NAMES, Metric, Role, Trio
from serialprof.measure import protocol
from serialprof.measure.process import WorkerProcess
from serialprof.records import StepTicks
from serialprof.setting import Setting
from serialprof.units import format_seconds

#: Steps of a process of which the 99th percentile is taken, at least and at most: ten of the fewest lie beyond it.
FEWEST_STEPS: Final = 1000
_MOST_STEPS: Final = 4000
#: Seconds in which the fewest have to be done, and those that more of them may take.
_LONGEST: Final = 2.0
_WANTED: Final = 0.3
#: Mirrored blocks in which the roles take their turns at it.
TRACED_BLOCKS: Final = 6
#: Most steps under the framework's profiler.
_PROFILED: Final = 32

_Reply = TypeVar("_Reply", bound=protocol.Reply)
_Workers: TypeAlias = Mapping[Role, WorkerProcess]


def refusals(metrics: Sequence[Metric], step: float) -> dict[Metric, str]:
    """Why metrics are not measured where a step takes so many seconds; those that are, are missing."""
    if "p99" not in metrics or traced_steps(step):
        return {}
    return {
        "p99": f"the {METRIC_NAMES['p99']} needs {FEWEST_STEPS} steps of a process, which at {format_seconds(step)} "
        f"each take longer than {_LONGEST:.0f} s"
    }


def traced_steps(step: float) -> int:
    """How many steps of a process are timed one by one where one takes so many seconds; 0 where it takes too long."""
    if FEWEST_STEPS * step > _LONGEST:
        return 0
    return min(_MOST_STEPS, max(FEWEST_STEPS, round(_WANTED / step)))


def percentile(seconds: Sequence[float]) -> float:
    """The 99th percentile: the least of them that 99 in a hundred do not exceed."""
    return sorted(seconds)[-(-99 * len(seconds) // 100) - 1]


def measure(metric: Metric, workers: _Workers, setting: Setting, step: float, order: Sequence[Role]) -> Trio:
    """A further metric of the processes of one pair.

    Args:
        metric: not the time of a step, and not refused.
        workers: of all roles, their samples taken.
        setting: at which they run.
        step: seconds of one.
        order: in which the roles take their turns where these are timed.

    Raises:
        BenchmarkFailedError: a side cannot tell it.
    """
    if metric == "p99":
        return _p99(workers, setting, step, order)
    tell = _memory if metric == "memory" else _launches
    return Trio(**{role: tell(role, worker, setting) for role, worker in workers.items()})


def _p99(workers: _Workers, setting: Setting, step: float, order: Sequence[Role]) -> Trio:
    turns = len(order) // len(workers)
    request = protocol.TraceSteps(setting, -(-traced_steps(step) // turns))
    seconds: dict[Role, list[float]] = {role: [] for role in workers}
    for role in order:
        seconds[role] += _in_seconds(_ask("p99", role, workers[role], request, protocol.StepsTraced).ticks)
    return Trio(**{role: percentile(values) for role, values in seconds.items()})


def _memory(role: Role, worker: WorkerProcess, setting: Setting) -> float:
    return float(_ask("memory", role, worker, protocol.TellMemory(setting), protocol.MemoryTold).peak)


def _launches(role: Role, worker: WorkerProcess, setting: Setting) -> float:
    request = protocol.CountLaunches(setting, min(setting.depth, _PROFILED))
    return _ask("launches", role, worker, request, protocol.LaunchesCounted).launches


def _ask(metric: Metric, role: Role, worker: WorkerProcess, request: protocol.Request, kind: type[_Reply]) -> _Reply:
    """A role's answer; what is said where it has none names the metric."""
    try:
        return ask(role, worker, request, kind, START_LIMIT)
    except BenchmarkFailedError as failed:
        raise BenchmarkFailedError(role, f"{METRIC_NAMES[metric]} cannot be told: {failed}") from None


def _in_seconds(ticks: StepTicks) -> list[float]:
    steps = array("q", ticks.steps)
    if byteorder != "little":
        steps.byteswap()
    return [ticks.seconds_per_tick * step for step in steps]
