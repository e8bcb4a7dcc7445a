# SPDX-License-Identifier: Apache-2.0
"""Times the competitors of a core in rounds: each once a round, in an order that turns, all others held still."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.kernels_tools.core import OURS, Case, Core, difference
from benchmarks.kernels_tools.process import Lost, Process
from serialprof.setting import ParameterValue

#: Seconds of one sample, or of one call where that takes longer.
SAMPLE: Final = 0.03
#: A competitor that is so many times slower than the fastest peer is timed in the first rounds alone.
FAR: Final = 6.0
FIRST_ROUNDS: Final = 4
MOST_ROUNDS: Final = 60

Round = dict[str, float]


@dataclass
class Outcome:
    """What came of one case on a number of threads.

    Attributes:
        missing: why a competitor was not timed, by its name.
        notes: what is to be known of a comparison, by competitor.
        versions: of the libraries.
        rounds: seconds of one step, by competitor.
    """

    missing: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)


class Field:
    """All competitors of a core on some CPUs, each in a process of its own that lives from case to case."""

    def __init__(self, core: Core, cpus: tuple[int, ...], folder: Path) -> None:
        self._core = core
        self._folder = folder
        self._lost: dict[str, str] = {}
        self._stack = ExitStack()
        self._processes: dict[str, Process] = {}
        for name in core.competitors():
            process = Process(core.name, name, cpus, folder / f"{name}-{len(cpus)}.log".replace(" ", "-"))
            self._processes[name] = process
            self._stack.callback(process.close)

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def time_case(self, case: Case, parameters: dict[str, ParameterValue], end: float) -> Outcome:
        """Makes everybody ready, compares results with ours, and times rounds until a moment of time.monotonic()."""
        outcome = Outcome(missing=dict(self._lost))
        ready = self._prepare(case, parameters, outcome)
        calls = self._calibrate(ready, outcome)
        if OURS not in calls:
            return outcome
        fastest = min((seconds for name, (_, seconds) in calls.items() if name != OURS), default=float("inf"))
        for index, order in enumerate(orders(list(calls))):
            if index >= MOST_ROUNDS or (index >= FIRST_ROUNDS and time.monotonic() > end):
                break
            near = [name for name in order if index < FIRST_ROUNDS or name == OURS or calls[name][1] < FAR * fastest]
            outcome.rounds.append(self._round([name for name in near if name not in self._lost], calls, case, outcome))
            if OURS in self._lost:
                break
        return outcome

    def _round(
        self, order: Sequence[str], calls: Mapping[str, tuple[int, float]], case: Case, outcome: Outcome
    ) -> dict[str, float]:
        """Seconds of a step of everybody in turn, who is lost on the way left out."""
        found = {}
        for name in order:
            with self._unless_lost(name, outcome):
                found[name] = self._sample(name, calls[name][0]) / case.steps
        return found

    def _prepare(self, case: Case, parameters: dict[str, ParameterValue], outcome: Outcome) -> list[str]:
        """Whoever is ready and agrees with us; all get ready at the same time."""
        asked = []
        for name, process in self._processes.items():
            if name in self._lost:
                continue
            folder = self._folder / f"{name}-{len(list(self._folder.iterdir()))}"
            folder.mkdir()
            shape = {"width": case.width, "steps": case.steps, "parameters": parameters}
            message = {"do": "prepare", "folder": str(folder), **shape}
            with self._unless_lost(name, outcome):
                process.go_on()
                process.send(message)
                asked.append(name)
        answers = {name: self._answer(name, outcome) for name in asked}
        results = {name: np.load(answer["result"]) for name, answer in answers.items() if "result" in answer}
        for name, answer in answers.items():
            outcome.versions |= answer.get("versions", {})
            if answer.get("note"):
                outcome.notes[name] = answer["note"]
            if "missing" in answer:
                outcome.missing[name] = answer["missing"]
            elif name in results and OURS in results:
                apart = difference(results[OURS], results[name], self._core.tolerance, self._core.least_equal)
                if apart:
                    outcome.missing[name] = f"not compared: {apart}"
        return [name for name in answers if name not in outcome.missing]

    @contextmanager
    def _unless_lost(self, name: str, outcome: Outcome) -> Iterator[None]:
        """Whoever is lost on the way is missing from here on."""
        try:
            yield
        except Lost as reason:
            self._lost[name] = outcome.missing[name] = str(reason)

    def _answer(self, name: str, outcome: Outcome) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        with self._unless_lost(name, outcome):
            answer = self._processes[name].receive()
            self._processes[name].hold()
        return answer

    def _calibrate(self, ready: Sequence[str], outcome: Outcome) -> dict[str, tuple[int, float]]:
        """Calls of one sample, and seconds of one call."""
        found = {}
        for name in ready:
            with self._unless_lost(name, outcome):
                self._sample(name, 1)
                seconds = self._sample(name, 1)
                found[name] = (max(1, round(SAMPLE / seconds)), seconds)
        return found

    def _sample(self, name: str, calls: int) -> float:
        """Seconds of one call, the mean over so many."""
        process = self._processes[name]
        process.go_on()
        process.send({"do": "sample", "calls": calls})
        answer = process.receive()
        process.hold()
        if "missing" in answer:
            raise Lost(answer["missing"])
        return float(answer["seconds"]) / calls


def orders(names: Sequence[str]) -> Iterator[list[str]]:
    """Orders of a round: every second is the one before turned back, and each pair begins with the next competitor.

    So a drift that is linear over a pair of rounds hits all alike.
    """
    first = 0
    while True:
        forth = [*names[first:], *names[:first]]
        yield forth
        yield forth[::-1]
        first = (first + 1) % len(names)
