# SPDX-License-Identifier: Apache-2.0
"""Trials of an information set under one kind of noise, by every tool on the same times, over processes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from multiprocessing.pool import Pool
from typing import Final
from zlib import crc32

import numpy as np

from benchmarks.attribution_tools.answers import Tool
from benchmarks.attribution_tools.instrument import Serialprof
from benchmarks.attribution_tools.noise import NOISES, ORDERS
from benchmarks.attribution_tools.peers import PEERS
from benchmarks.attribution_tools.problems import SETS, Problem, Question
from benchmarks.attribution_tools.scoring import Trial

#: Trials that a process is given at once.
_CHUNK: Final = 12
#: Which module a tool needs.
_NEEDS: Final = {"Extra-P": "extrap", "USL": "pyusl"}


@dataclass(frozen=True)
class Task:
    """Some trials: numbers from `first` to `last`, the last one not included."""

    table: str
    noise: str
    seed: int
    first: int
    last: int


@cache
def tools(question: Question | None = None) -> tuple[Tool, ...]:
    """The tools that are installed here, and that a question suits."""
    everyone: tuple[Tool, ...] = (Serialprof(), *PEERS)
    return tuple(
        tool
        for tool in everyone
        if (question is None or tool.applies(question))
        and all(find_spec(module) for name, module in _NEEDS.items() if tool.name.startswith(name))
    )


def run_trials(table: str, noise: str, count: int, seed: int, pool: Pool) -> dict[str, list[Trial]]:
    """By tool, its trials in order. Problems take turns, so that the first trials are of all of them."""
    tasks = [Task(table, noise, seed, first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK)]
    found: dict[str, list[Trial]] = {}
    for part in pool.imap(perform, tasks):
        for name, trials in part.items():
            found.setdefault(name, []).extend(trials)
    return found


def perform(task: Task) -> dict[str, list[Trial]]:
    """Some trials by every tool: the same task gives the same answers."""
    problems = _problems(task.table)
    noise = next(item for item in NOISES if item.name == task.noise)
    found: dict[str, list[Trial]] = {tool.name: [] for tool in tools(problems[0].question)}
    for number in range(task.first, task.last):
        place = number % len(problems)
        generator = np.random.default_rng([task.seed, crc32(f"{task.table} {task.noise}".encode()), number])
        times = problems[place].times(noise, generator, number // len(problems) % ORDERS)
        for tool in tools(problems[place].question):
            if tool.most is None or number < tool.most:
                found[tool.name].append(_try(tool, place, problems[place].question, times))
    return found


def _try(tool: Tool, place: int, question: Question, times: np.ndarray) -> Trial:
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = tool.answer(question, times.copy())
    except Exception as error:  # whatever a tool raises: its trial has no answer
        return Trial(place, None, time.perf_counter() - began, f"{type(error).__name__}: {error}")
    return Trial(place, answer, time.perf_counter() - began)


@cache
def _problems(table: str) -> Sequence[Problem]:
    return next(item.problems for item in SETS if item.name == table)
