# SPDX-License-Identifier: Apache-2.0
"""Findings on what a workload does beside its steps: state, memory, threads, and the process that it runs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from serialprof.checking.evidence import Evidence
from serialprof.checking.finding import Finding
from serialprof.machine.finding import counted, cpu_list
from serialprof.measure.devicestate import leak
from serialprof.measure.observation import Observation, State
from serialprof.units import format_bytes, format_percent, format_seconds

#: Share of a process's CPU time that threads beyond those it was given may take.
EXTRA: Final = 0.1
#: CPU seconds below which nothing is said of threads.
_LEAST_CPU: Final = 0.02
#: What a process may come to hold without a leak: Python objects, and bytes of the host (its pages come in blocks).
_NOISE_OBJECTS: Final = 200
_NOISE_HOST: Final = 1 << 20
_SHOWN: Final = 4  # names in a sentence


def failures(evidence: Evidence) -> Iterator[Finding]:
    """A workload that did not get through, or whose known answer is another one."""
    if (failure := evidence.failure) is not None:
        yield Finding(
            "hangs" if failure.hung else "fails",
            "error",
            f"It {'does not come back' if failure.hung else 'fails'}: {failure.reason}.",
            "a step must return once it is done" if failure.hung else "run it by itself at this setting to see why",
        )
    if evidence.wrong:
        yield Finding(
            "wrong-answer",
            "error",
            f"Its check() fails: {evidence.wrong}.",
            "mend the step, or the answer that check() expects; a measured point would count as failed",
        )


def repeatability(evidence: Evidence) -> Iterator[Finding]:
    """A state that is not reset, or not the same for the same seed."""
    seen = evidence.observations
    if seen and not seen[0].step_function and (kept := _changed(*seen[0].again[1:3])):
        yield Finding(
            "not-reset",
            "warning",
            f"A second, equal run ends in another state than the first: {_names(kept)} differ{_s(kept)}.",
            "have run(steps) begin by setting its state to what it was built with",
            {"variables": kept},
        )
    if len(seen) > 1 and (random := _differing(seen[0], seen[1])):
        seeded = "seed" in seen[0].reads
        yield Finding(
            "nondeterministic",
            "warning",
            f"The same seed gives another state in another process: {_names(random)} differ{_s(random)}."
            + ("" if seeded else " It never looks at setting.seed."),
            "draw everything from a generator that is seeded with setting.seed, and keep times and addresses out of "
            "the state",
            {"variables": random},
        )


def _changed(before: State, after: State) -> list[str]:
    """The parts that differ between two moments; those that are new, or that look was not taken at, say nothing."""
    return [name for name, digest in after.parts.items() if before.parts.get(name, digest) != digest]


def _differing(one: Observation, other: Observation) -> list[str]:
    """Parts that steps change and that differ between processes after equally many; what was built once may differ."""
    moved = {name for seen in (one, other) for name in _changed(*seen.again[:2])}
    return [name for name in _changed(one.again[1], other.again[1]) if name in moved]


def memory(evidence: Evidence) -> Iterator[Finding]:
    """What every run keeps."""
    noise = 0 if evidence.setting.on_cuda else _NOISE_HOST
    kept = {
        "memory": _kept(evidence.observations, lambda seen: _levels(seen, "memory"), noise),
        "objects": _kept(evidence.observations, lambda seen: _levels(seen, "objects"), _NOISE_OBJECTS),
        "files": _kept(evidence.observations, lambda seen: _levels(seen, "files"), 0),
    }
    told = []
    if kept["memory"]:
        told.append(f"{format_bytes(kept['memory'])} of memory")
    if kept["objects"]:
        told.append(f"{kept['objects']:.3g} Python objects")
    if kept["files"]:
        told.append(f"{kept['files']:.3g} open files")
    if told:
        steps = evidence.observations[0].steps
        yield Finding(
            "leak",
            "warning",
            f"Every run of {counted(steps, 'step')} keeps {' and '.join(told)}.",
            "drop at the start of a run what the last one gathered; look for lists that only grow, files left open, "
            "and for tensors that keep their graph (detach them)",
            {f"{name}_per_run": value for name, value in kept.items()},
        )


def _levels(seen: Observation, name: str) -> list[int]:
    return [getattr(tally, name) for tally in seen.tallies if getattr(tally, name) is not None]


def _kept(seen: Sequence[Observation], levels: Callable[[Observation], list[int]], noise: int) -> float | None:
    """What each run kept, the least over all processes; None where one of them kept nothing."""
    kept = [leak(levels(each), max(1, each.runs), noise) for each in seen]
    known = [each for each in kept if each is not None]
    return min(known) if known and len(known) == len(kept) else None


def threads(evidence: Evidence) -> Iterator[Finding]:
    """Threads beyond those that it was given."""
    given = evidence.setting.threads
    shares = [_extra(seen, given) for seen in evidence.observations]
    if not shares or min(shares) <= EXTRA:
        return
    effort = evidence.observations[0].effort
    assert effort is not None
    busy = sum(seconds > EXTRA / 2 * effort.process for seconds in effort.threads)
    count = f", {counted(busy, 'thread')} in all," if busy > given else ""
    yield Finding(
        "own-threads",
        "warning",
        f"Threads beyond the {given} that it was given{count} do {format_percent(min(shares))} of the work: "
        f"{format_seconds(effort.process)} of CPU time, measured on {counted(given, 'CPU')}.",
        "start setting.threads threads at most, and tell every library so; a sweep over threads would compare nothing",
        {"share": min(shares), "threads": list(effort.threads), "process": effort.process},
    )


def _extra(seen: Observation, given: int) -> float:
    """Share of the CPU time that threads beyond the busiest so many took, those that ended meanwhile included."""
    effort = seen.effort
    if effort is None or effort.process < _LEAST_CPU or not effort.threads:
        return 0.0
    return max(0.0, 1 - sum(effort.threads[:given]) / effort.process)


def conduct(evidence: Evidence) -> Iterator[Finding]:
    """What it does to the process that it is measured in."""
    seen = evidence.observations
    if not seen:
        return
    done = seen[0].conduct
    if done.cpus:
        yield Finding(
            "affinity",
            "error",
            f"It lets itself run on CPUs that it was not given ({cpu_list(done.cpus)}).",
            "leave the affinity of the process alone; it is set for every point",
            {"cpus": list(done.cpus)},
        )
    if done.folder:
        yield Finding(
            "folder",
            "error",
            f"It changes the working folder to {done.folder}.",
            "give whole paths instead; other points would be built there too",
            {"folder": done.folder},
        )
    if done.events:
        times = " and ".join(f"{name} {counted(count, 'time')}" for name, count in done.events.items())
        yield Finding(
            "starts-processes",
            "warning",
            f"Its steps start processes: {times}.",
            "start them when it is built; or profile the program itself: serialprof run -- CMD",
            dict(done.events),
        )
    if all(each.conduct.printed for each in seen):
        yield Finding(
            "prints",
            "warning",
            f"Its steps print, {format_bytes(done.printed)} during the check: printing is timed with them.",
            "print after the run, or not at all",
            {"bytes": done.printed},
        )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _s(names: Sequence[str]) -> str:
    return "s" if len(names) == 1 else ""
