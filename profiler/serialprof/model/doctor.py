# SPDX-License-Identifier: Apache-2.0
"""What on its machine spoilt or limited a run: judged by what the run recorded, so on any computer and of old files.

`serialprof doctor` looks at more, on this machine and now: other processes, free memory, who may set clocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Final

from serialprof.machine.finding import (
    FEWEST_CLOCKS,
    LOST,
    STEAL_STEP,
    STOLEN,
    WANDER,
    Finding,
    State,
    counted,
    cpu_list,
)
from serialprof.store import StoredRun, Visit
from serialprof.units import format_percent, format_si

#: Governors that leave a clock where it is.
_STEADY: Final = ("performance", "userspace")
_ASK: Final = "serialprof doctor tells what would mend it."


def findings(run: StoredRun) -> tuple[Finding, ...]:
    """Everything that the run's records tell, what costs first; of a run without a visit, the machine alone."""
    found = [*_visited(run), _siblings(run), *_clock(run), _quota(run)]
    order: tuple[State, ...] = ("costs", "unknown", "good")
    return tuple(sorted(found, key=lambda finding: order.index(finding.state)))


def _visited(run: StoredRun) -> Iterator[Finding]:
    """What is told by the visits that were made."""
    visits = [visit for visit in run.visits if visit.samples]
    if visits:
        yield _disturbed(visits)
        yield _steal(run, visits)
        yield from _wander(run, visits)
        yield _heat(visits)
        yield from _counters(run, visits)
        yield from _gpus(run, visits)


def _disturbed(visits: list[Visit]) -> Finding:
    """Samples that were left out."""
    reasons = Counter(chain.from_iterable(visit.samples.disturbed for visit in visits))
    taken, lost = reasons.total(), reasons.total() - reasons.pop("", 0)
    if not lost:
        return Finding("disturbances", "good", f"None of {counted(taken, 'sample')} was disturbed.")
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    what = f"Of {counted(taken, 'sample')} {lost} were disturbed and left out: {why}."
    return Finding(
        "disturbances", _state(lost > LOST * taken), what, f"{format_percent(lost / taken, 2)} of the samples"
    )


def _steal(run: StoredRun, visits: list[Visit]) -> Finding:
    """What the hypervisor took from the CPUs of the points while they were visited."""
    told = [(visit.readings.steal, visit) for visit in visits if visit.readings.steal is not None]
    if not told:
        return Finding("steal", "unknown", "The kernel did not count time that a hypervisor takes.")
    stolen = sum(steal for steal, _ in told)
    wanted = sum(_seconds(visit) * run.point(visit.point).setting.threads for _, visit in told)
    what = f"The hypervisor took {stolen * 1e3:.0f} ms of the {format_si(wanted, 's')} that CPUs were wanted for."
    if stolen <= max(1.5 * STEAL_STEP, STOLEN * wanted):
        return Finding("steal", "good", what)
    return Finding("steal", "costs", what, f"{format_percent(stolen / wanted, 1)} of their time")


def _seconds(visit: Visit) -> float:
    return visit.readings.warmup_seconds + sum(visit.samples.seconds)


def _wander(run: StoredRun, visits: list[Visit]) -> Iterator[Finding]:
    """How far the clock moved from visit to visit; nothing where a run set clocks, of which it says more itself."""
    if run.plan.clocks:
        return
    clocks = sorted(clock for visit in visits if (clock := visit.samples.clock_before[0]) is not None)
    if len(clocks) < FEWEST_CLOCKS:
        what = f"The clock meter was read undisturbed in only {len(clocks)} of {counted(len(visits), 'visit')}."
        yield Finding("clock wander", "unknown", what)
        return
    low, middle, high = (clocks[round(share * (len(clocks) - 1))] for share in (0.05, 0.5, 0.95))
    what = (
        f"The clock was {format_si(middle, 'Hz', 4)}, at the start of nine visits of ten from "
        f"{format_si(low, 'Hz', 4)} to {format_si(high, 'Hz', 4)}."
    )
    spread = (high - low) / middle
    yield Finding("clock wander", _state(spread > WANDER), what, f"a spread of {format_percent(spread, 1)}")


def _heat(visits: list[Visit]) -> Finding:
    """Whether the processor slowed itself down."""
    throttles = [visit.readings.throttles for visit in visits if visit.readings.throttles is not None]
    degrees = [visit.readings.temperature for visit in visits if visit.readings.temperature is not None]
    warm = f"The processor reached {max(degrees):.0f} degrees Celsius" if degrees else ""
    if not throttles:
        told = f"{warm}; throttling was not counted." if warm else "No temperature or throttling could be read."
        return Finding("heat", "unknown", told)
    events = f"it throttled {counted(sum(throttles), 'time')}"
    what = f"{warm}; {events}." if warm else f"{events}.".capitalize()
    return Finding("heat", _state(sum(throttles) > 0), what)


def _counters(run: StoredRun, visits: list[Visit]) -> Iterator[Finding]:
    """Whether hardware counters were read beside the samples."""
    if any(visit.samples.cycles.count(None) < len(visit.samples) for visit in visits):
        stalls = run.machine.stall_event
        beside = f"memory stalls by {stalls}" if stalls else "no event of memory stalls was known"
        yield Finding("counters", "good", f"Cycles and instructions were counted; {beside}.")
    else:
        yield Finding("counters", "costs", f"Cycles and instructions could not be counted; {_ASK}")


def _gpus(run: StoredRun, visits: list[Visit]) -> Iterator[Finding]:
    """Whether GPUs were held below the clock that they could have had."""
    read: dict[str, list[Visit]] = {}
    for visit in visits:
        if visit.readings.gpu:
            read.setdefault(run.point(visit.point).setting.device, []).append(visit)
    for device, those in read.items():
        held = Counter(reason for visit in those for reason in _held(visit))
        slowed = sum(1 for visit in those if _held(visit))
        hottest = max((state.temperature for visit in those for state in visit.readings.gpu
                       if state.temperature is not None), default=None)  # fmt: skip
        warm = "" if hottest is None else f" It reached {hottest:.0f} degrees Celsius."
        if not held:
            what = f"Nothing held its clock down in {counted(len(those), 'visit')}.{warm}"
            yield Finding(device, "good", what)
        else:
            why = ", ".join(reason for reason, _ in held.most_common())
            what = f"Its clock was held down in {slowed} of {counted(len(those), 'visit')}: {why}.{warm}"
            yield Finding(device, "costs", what)


def _held(visit: Visit) -> set[str]:
    return {reason for state in visit.readings.gpu for reason in state.reasons or ()}


def _siblings(run: StoredRun) -> Finding:
    """CPUs that share a core."""
    machine = run.machine
    shared = [group for group in machine.siblings if len(group) > 1]
    if not shared:
        return Finding("SMT", "good", "No two of the usable CPUs share a core, as far as this could be told.")
    together = ", ".join("+".join(map(str, group)) for group in shared)
    told = "the kernel did not tell" if machine.hidden_siblings else "as the kernel tells"
    one_each = f"taskset -c {cpu_list(group[0] for group in machine.siblings)} serialprof run"
    return Finding("SMT", "costs", f"CPUs {together} share a core, {told}.", remedy=one_each)


def _clock(run: StoredRun) -> Iterator[Finding]:
    """Whether clocks could be set, and by which governor they were."""
    machine = run.machine
    if not machine.clock_driver:
        what = "The kernel offered no clock control (no cpufreq): clocks could not be set."
        yield Finding("clock control", "costs", what)
        return
    if machine.clock_writable:
        yield Finding("clock control", "good", f"The clock could be set, by {machine.clock_driver}.")
    else:
        what = f"The clock may be set by {machine.clock_driver}, but not by this user; {_ASK}"
        yield Finding("clock control", "costs", what)
    if machine.clock_governor in _STEADY:
        yield Finding("governor", "good", f"The governor was {machine.clock_governor}.")
    elif machine.clock_governor:
        what = f"The governor was {machine.clock_governor}: the clock may have followed the load; {_ASK}"
        yield Finding("governor", "costs", what)


def _quota(run: StoredRun) -> Finding:
    """Whether a cgroup granted less CPU time than the CPUs could give."""
    granted, cpus = run.machine.quota, len(run.machine.cpus)
    if granted is None:
        return Finding("quota", "good", "No cgroup limited the CPU time.")
    what = f"A cgroup granted the time of {granted:g} of {counted(cpus, 'CPU')}."
    return Finding("quota", _state(granted < cpus), what)


def _state(costs: bool) -> State:
    return "costs" if costs else "good"
