# SPDX-License-Identifier: Apache-2.0
"""What is seen of a workload beside its times, before it is measured: the records, not how they come about."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class State:
    """What can be seen of the state that a stepper keeps.

    Attributes:
        parts: a digest of each variable, attribute or global that it reaches, by the name of its place.
        whole: whether everything it reaches could be looked into; compiled objects cannot.
    """

    parts: dict[str, str] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Tally:
    """What a process holds at a moment.

    Attributes:
        memory: bytes, of the process or of its CUDA device; None where the system does not tell.
        objects: blocks that Python's allocator has handed out.
        files: open file descriptors, 0 where the system does not tell.
    """

    memory: int | None
    objects: int
    files: int


@dataclass(frozen=True, slots=True)
class DepthTime:
    """Seconds of one run of so many steps, the shortest of several."""

    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Effort:
    """CPU time during a stretch of runs.

    Attributes:
        seconds: that it took.
        process: CPU seconds of all threads together, those that ended meanwhile included.
        threads: CPU seconds of each thread that is still there, most first; empty where the system does not tell.
    """

    seconds: float
    process: float
    threads: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What went on once runs had returned and had been waited for.

    Attributes:
        waited: seconds that the process then slept.
        busy: seconds that its threads were at work meanwhile, or wanted to be: what they waited for a CPU counts.
        runs: seconds that the runs took until they returned.
        device: seconds that its CUDA devices were then busy for; None where it uses none.
    """

    waited: float
    busy: float
    runs: float
    device: float | None = None


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a stepper did to its process.

    Attributes:
        printed: bytes on standard output and standard error, while it ran.
        folder: the working folder that it changed to, empty where it stayed.
        cpus: that it let itself run on although they were not given to it.
        events: how often it started processes, by what it called.
    """

    printed: int = 0
    folder: str = ""
    cpus: tuple[int, ...] = ()
    events: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """One stepper, built in a fresh process, as it was seen.

    Attributes:
        steps: d: steps of one run in what follows.
        step_function: whether it is a function that runs one step, and so has nothing that could reset its state.
        reads: the knobs of its setting that were looked at.
        single: its state once it is built, and after each of a few single steps; of step functions alone.
        again: its state before and after each of two equal runs, the first of this process.
        early_seconds: of run(d), the shortest of its first few; nothing is warm yet.
        warm_seconds: of run(d) once it was warm.
        steady: whether it got warm.
        series: seconds of run(d), the shortest of each of several stretches of equal length, in order.
        tallies: before the first stretch and after each.
        runs: run(d) in one stretch.
        depths: times of runs of different depths, shallow first.
        refused: how it failed where it was to run deeper than its depth; empty where it did not.
        effort: CPU time during the series.
        aftermath: what went on after runs.
        conduct: what it did to its process.
        resident: bytes that the process holds at the end, None where unknown; of a CUDA device those that are in use.
        taken: bytes of these that came with building and running it.
    """

    steps: int
    step_function: bool
    reads: tuple[str, ...]
    single: tuple[State, ...]
    again: tuple[State, ...]
    aftermath: Aftermath
    conduct: Conduct
    early_seconds: float
    warm_seconds: float = 0.0
    steady: bool = True
    series: tuple[float, ...] = ()
    tallies: tuple[Tally, ...] = ()
    runs: int = 0
    depths: tuple[DepthTime, ...] = ()
    refused: str = ""
    effort: Effort | None = None
    resident: int | None = None
    taken: int | None = None
