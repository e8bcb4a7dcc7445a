# SPDX-License-Identifier: Apache-2.0
"""A made-up run of a million samples, and what building a page costs."""

from __future__ import annotations

import math
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from serialprof.records import StoredRun, Visit
from serialprof.samples import Sample
from serialprof.store import Store, read_run

#: Of the samples that are wanted, a fifth of the factor comes from more blocks, the rest from longer visits.
BLOCKS = 5
#: Relative standard deviation of a made-up sample about the one that it repeats.
JITTER = 0.01


@dataclass(frozen=True, slots=True)
class Built:
    """What a command took: seconds of wall time, and bytes of its peak resident memory; `error` where it failed."""

    seconds: float
    memory: int
    error: str = ""


def enlarge(source: Path, target: Path, samples: int) -> int:
    """Writes a run of so many samples or a few more: those of a stored one, again and again; returns their number."""
    run = read_run(source)
    taken = sum(len(visit.samples) for visit in run.visits)
    times = math.ceil(samples / taken / BLOCKS)
    blocks = 1 + max(visit.block for visit in run.visits)
    empty = replace(run, visits=(), plan=replace(run.plan, blocks=BLOCKS * blocks))
    with Store(target, empty) as store:
        for visit in _visits(run, blocks, times):
            store.add(visit)
    return taken * times * BLOCKS


def _visits(run: StoredRun, blocks: int, times: int) -> Iterator[Visit]:
    dice = random.Random(1)
    for turn in range(BLOCKS):
        for visit in run.visits:
            samples = tuple(_like(sample, dice) for sample in visit.samples for _ in range(times))
            yield replace(
                visit,
                block=visit.block + turn * blocks,
                process=visit.process + turn * blocks,
                readings=replace(visit.readings, samples=samples),
            )


def _like(sample: Sample, dice: random.Random) -> Sample:
    factor = math.exp(dice.gauss(0, JITTER))
    return replace(sample, seconds=sample.seconds * factor, cpu_seconds=sample.cpu_seconds * factor)


def build(command: Sequence[str | Path], folder: Path) -> Built:
    """Runs a command in a folder: its wall time from start to end, and its peak memory (getrusage of this child)."""
    with (folder / "errors.txt").open("w+b") as errors:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        lines = errors.read().decode(errors="replace").splitlines()
    error = "" if child.returncode == 0 else (lines or [f"exit code {child.returncode}"])[-1]
    return Built(seconds, usage.ru_maxrss * 1024, error)
