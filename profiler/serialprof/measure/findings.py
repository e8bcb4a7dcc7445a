# SPDX-License-Identifier: Apache-2.0
"""What an examination of this machine means for measurements: pure judgements, with their thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from serialprof.clock.counters import Refusal
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
from serialprof.machine.topology import merge_groups
from serialprof.measure.health import Examination
from serialprof.measure.pairs import hidden_siblings
from serialprof.units import format_bytes, format_percent, format_si

#: Above these, something counts as a cost, as above those of `machine.finding`.
LOAD: Final = 0.05  # CPUs' worth of other processes
LONGEST: Final = 1e-3  # seconds of one interruption; the shortest sample lasts 0.3 ms
_SMALLEST_SHARE: Final = 0.02  # CPUs' worth of time from which a process is worth its name


def load(seen: Examination) -> Finding:
    """Other processes that ran on these CPUs while this one slept."""
    if seen.load is None:
        return Finding("load", "unknown", "The system does not tell how busy these CPUs are.")
    busiest = ""
    if seen.busiest is not None and seen.busiest.cpus >= _SMALLEST_SHARE:
        busiest = f", most of it by {seen.busiest.name} (process {seen.busiest.process}, {seen.busiest.cpus:.2f})"
    what = f"Other processes used the time of {seen.load:.2f} CPUs while this one slept{busiest}."
    if seen.load <= LOAD:
        return Finding("load", "good", what)
    cpus = len(seen.gaps)
    return Finding(
        "load", "costs", what, f"{format_percent(seen.load / cpus)} of {counted(cpus, 'CPU')}" if cpus else ""
    )


def interruptions(seen: Examination) -> Finding:
    """What took a spinning thread off its loop, on the CPU that lost most."""
    if not seen.gaps:
        return Finding("interruptions", "unknown", "No CPU was watched.")
    worst = max(seen.gaps, key=lambda gaps: gaps.lost / gaps.spun)
    longest = max(seen.gaps, key=lambda gaps: gaps.longest)
    what = (
        f"CPU {worst.cpu} was interrupted {worst.count} times in {format_si(worst.spun, 's')}"
        f"; the longest of all, on CPU {longest.cpu}, took {format_si(longest.longest, 's')}."
    )
    costs = worst.lost / worst.spun > LOST or longest.longest > LONGEST
    return Finding("interruptions", _state(costs), what, f"{format_percent(worst.lost / worst.spun, 2)} of its time")


def steal(seen: Examination) -> Finding:
    """What the hypervisor took from the CPUs while they spun."""
    if seen.stolen is None or not seen.gaps:
        return Finding("steal", "unknown", "The kernel does not count time that a hypervisor takes.")
    wanted = sum(gaps.spun for gaps in seen.gaps)
    cpus = f"{counted(len(seen.gaps), 'CPU')} that spun for {format_si(seen.gaps[0].spun, 's')}"
    if seen.stolen <= max(1.5 * STEAL_STEP, STOLEN * wanted):
        return Finding(
            "steal", "good", f"The hypervisor took {seen.stolen * 1e3:.0f} ms from {cpus} (counted in steps of 10 ms)."
        )
    return Finding(
        "steal",
        "costs",
        f"The hypervisor ran something else for {seen.stolen * 1e3:.0f} ms in place of {cpus}.",
        f"{format_percent(seen.stolen / wanted, 1)} of their time",
    )


def clock_wander(seen: Examination) -> Finding:
    """How far the core's clock moved within the examination."""
    count = len(seen.clocks)
    if count < FEWEST_CLOCKS:
        return Finding(
            "clock wander", "unknown", f"Only {count} of {seen.readings} readings of the clock meter were undisturbed."
        )
    low, middle, high = (seen.clocks[round(share * (count - 1))] for share in (0.05, 0.5, 0.95))
    what = (
        f"The clock was {format_si(middle, 'Hz', 4)}, nine readings of ten from {format_si(low, 'Hz', 4)} "
        f"to {format_si(high, 'Hz', 4)} ({count} undisturbed of {seen.readings})."
    )
    spread = (high - low) / middle
    return Finding("clock wander", _state(spread > WANDER), what, f"a spread of {format_percent(spread, 1)}")


def siblings(seen: Examination, groups: Sequence[tuple[int, ...]], switch: str = "") -> Finding:
    """CPUs that share a physical core, by the kernel's word and by the pair probe.

    Args:
        seen: the examination, with its pairs.
        groups: the usable CPUs by core, as the kernel tells them.
        switch: the file that turns SMT off, empty where there is none that may be used.
    """
    told = {(first, second) for group in groups for first in group for second in group if first < second}
    hidden = [pair for pair in hidden_siblings(seen.pairs) if pair not in told]
    shared = [reading.ratio for reading in seen.pairs if (reading.first, reading.second) in (told | set(hidden))]
    cost = f"two at once do {_at_most_all(min(shared))}" if shared else ""
    merged = merge_groups(groups, hidden)
    together = ", ".join("+".join(map(str, group)) for group in merged if len(group) > 1)
    one_each = f"taskset -c {cpu_list(group[0] for group in merged)} serialprof run"
    if hidden:
        return Finding("SMT", "costs", f"CPUs {together} share a core; the kernel does not tell.", cost, one_each)
    if told:
        remedy = f"echo off | sudo tee {switch}" if switch else one_each
        return Finding("SMT", "costs", f"CPUs {together} share a core, as the kernel tells.", cost, remedy)
    if not seen.pairs:
        return Finding("SMT", "good", "No two of these CPUs share a core, as the kernel tells.")
    tried = counted(len(seen.pairs), "pair")
    ratio = _at_most_all(min(reading.ratio for reading in seen.pairs))
    return Finding("SMT", "good", f"No two of these CPUs share a core: in {tried} tried, two at once do {ratio}.")


def heat(seen: Examination) -> Finding:
    """Whether the processor slowed itself down."""
    degrees = "" if seen.temperature is None else f"The processor is at {seen.temperature:.0f} degrees Celsius"
    if seen.throttles is None:
        what = f"{degrees}; throttling is not counted here." if degrees else "No temperature or throttling can be read."
        return Finding("heat", "unknown", what)
    events = f"it throttled {counted(seen.throttles, 'time')} in {format_si(seen.seconds, 's')}"
    return Finding(
        "heat", _state(seen.throttles > 0), f"{degrees}; {events}." if degrees else f"{events}.".capitalize()
    )


def swap(seen: Examination, used: int | None) -> tuple[Finding, ...]:
    """Whether memory was swapped meanwhile; nothing where there is no swap.

    Args:
        seen: the examination.
        used: bytes of swap in use, None where there is no swap.
    """
    if used is None or seen.swapped is None:
        return ()
    pages = counted(seen.swapped, "page")
    what = f"{pages} went to or from swap in {format_si(seen.seconds, 's')}; {format_bytes(used)} of it are in use."
    return (Finding("swap", _state(seen.swapped > 0), what, remedy="sudo swapoff -a" if seen.swapped else ""),)


def counters(refused: Refusal | None, stall_event: str = "") -> Finding:
    """Whether the hardware's counters can be read.

    Args:
        refused: why not.
        stall_event: the event that counts memory stalls here, empty where none is known.
    """
    if refused is None:
        stalls = f"memory stalls by {stall_event}" if stall_event else "no event of memory stalls is known here"
        return Finding("counters", "good", f"Cycles and instructions can be counted; {stalls}.")
    what = f"Cycles and instructions cannot be counted: {refused.reason}."
    return Finding("counters", "costs", what, remedy=refused.remedy)


def throttled(seen: Examination) -> str:
    """How long the quota kept this process from the CPU, empty where that is not counted."""
    if seen.throttled is None:
        return ""
    return f"kept off for {format_si(seen.throttled, 's')} in {format_si(seen.seconds, 's')}"


def _at_most_all(ratio: float) -> str:
    return f"{format_percent(min(1.0, ratio))} of what they do one at a time"


def _state(costs: bool) -> State:
    return "costs" if costs else "good"
