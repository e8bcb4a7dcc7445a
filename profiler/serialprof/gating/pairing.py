# SPDX-License-Identifier: Apache-2.0
"""One pair: fresh workers on the same cores, of which one runs while the others sleep, in mirrored blocks."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Final

from serialprof.gating.contestants import START_LIMIT, Contestant, ask, start
from serialprof.gating.metrics import TRACED_BLOCKS, measure
from serialprof.gating.records import ROLES, Metric, Pair, Role
from serialprof.measure import protocol
from serialprof.measure.budget import whole_runs
from serialprof.measure.process import WorkerProcess
from serialprof.setting import PROCESS_MODE, Setting

#: Seconds of the shortest sample.
SHORTEST_SAMPLE: Final = 3e-4
#: Seconds of sampling per pair that are aimed at, and bounds of the number of its blocks.
PAIR_SECONDS: Final = 0.6
_FEWEST_BLOCKS, _MOST_BLOCKS = 6, 240
#: The fewest where a sample takes more than so many seconds.
_FEWEST_LONG_BLOCKS: Final = 3
_LONG_SAMPLE: Final = 0.1
#: A run(D) that is longer than this many seconds is cut to fewer steps, unless it is a whole program's.
_LONGEST_RUN: Final = 0.02
#: Seconds of a turn beyond many times what it should take.
_TURN_LIMIT: Final = 10.0
_PATIENCE: Final = 50.0
#: Most characters that a worker's environment is padded with, so that stacks begin at other places in every pair.
_MOST_PADDING: Final = 4096
_PADDING: Final = "SERIALPROF_PADDING"


@dataclass(frozen=True, slots=True)
class Pace:
    """How a benchmark is sampled, the same for all roles.

    Attributes:
        setting: with the depth of one run.
        runs: per sample.
        seconds: that one sample of the base takes.
        blocks: per pair.
    """

    setting: Setting
    runs: int
    seconds: float
    blocks: int

    @property
    def steps(self) -> int:
        """Steps in one sample."""
        return self.setting.depth * self.runs

    @property
    def step(self) -> float:
        """Seconds of one step of the base."""
        return self.seconds / self.steps

    @property
    def warm(self) -> bool:
        """Whether each sample follows a run that is not timed: where one is short, what the others left is cold."""
        return self.seconds < 2 * SHORTEST_SAMPLE


def pace(setting: Setting, contestant: Contestant, multiple: int = 1) -> Pace:
    """How a setting is sampled, by how long the base takes.

    Args:
        setting: of the benchmark.
        contestant: the base.
        multiple: of which the number of runs in a sample is one.

    Raises:
        BenchmarkFailedError: the base does not run it, or misses its known answer.
    """
    with closing(start("base", contestant, setting.cpus, {})) as worker:
        ask("base", worker, protocol.Check(setting), protocol.Checked, START_LIMIT)
        run = ask("base", worker, protocol.Calibrate(setting), protocol.Calibrated, START_LIMIT).seconds
    step = run / setting.depth
    whole = run <= _LONGEST_RUN or setting.mode == PROCESS_MODE
    steps = setting.depth if whole else whole_runs(step, setting.depth, _LONGEST_RUN)[0]
    runs = math.ceil(whole_runs(step * steps, 1, SHORTEST_SAMPLE)[1] / multiple) * multiple
    seconds = step * steps * runs
    fewest = _FEWEST_BLOCKS if seconds <= _LONG_SAMPLE else _FEWEST_LONG_BLOCKS
    blocks = min(max(int(PAIR_SECONDS / (2 * len(ROLES) * seconds)), fewest), _MOST_BLOCKS)
    return Pace(replace(setting, depth=steps), runs, seconds, blocks)


def time_pair(
    contestants: Mapping[Role, Contestant], paced: Pace, draw: random.Random, others: Sequence[Metric] = ()
) -> Pair:
    """Times all roles in fresh processes.

    Args:
        contestants: by role.
        paced: how they are sampled.
        draw: decides in which order roles start and take their turns.
        others: further metrics, measured when nothing else is timed any more.

    Raises:
        BenchmarkFailedError: one of them does not run it.
    """
    with ExitStack() as stack:
        workers: dict[Role, WorkerProcess] = {}
        for role in draw.sample(ROLES, len(ROLES)):
            workers[role] = _padded(role, contestants[role], paced, draw)
            stack.callback(workers[role].close)
        for role, worker in workers.items():
            _turn(role, worker, contestants[role], paced, START_LIMIT)
        seconds: dict[Role, list[float]] = {role: [] for role in ROLES}
        limit = _TURN_LIMIT + _PATIENCE * paced.seconds
        for role in itertools.chain.from_iterable(orders(paced.blocks, draw)):
            seconds[role].append(_turn(role, workers[role], contestants[role], paced, limit) / paced.steps)
        order = list(itertools.chain.from_iterable(orders(TRACED_BLOCKS, draw)))
        further = {metric: measure(metric, workers, paced.setting, paced.step, order) for metric in others}
    return Pair(tuple(seconds["base"]), tuple(seconds["twin"]), tuple(seconds["head"]), further)


def time_process(contestant: Contestant, paced: Pace, draw: random.Random) -> tuple[float, ...]:
    """Seconds per step of a fresh process alone, as many samples as a role has in a pair.

    Args:
        contestant: what runs.
        paced: how it is sampled.
        draw: of its environment's padding.

    Raises:
        BenchmarkFailedError: it does not run.
    """
    with closing(_padded("head", contestant, paced, draw)) as worker:
        _turn("head", worker, contestant, paced, START_LIMIT)
        limit = _TURN_LIMIT + _PATIENCE * paced.seconds
        samples = range(2 * paced.blocks)
        return tuple(_turn("head", worker, contestant, paced, limit) / paced.steps for _ in samples)


def orders(blocks: int, draw: random.Random) -> list[Sequence[Role]]:
    """The order of roles in every block: each a permutation and its mirror image, all of them equally often.

    What drifts linearly over a block meets all roles alike.
    """
    every = list(itertools.permutations(ROLES))
    drawn: list[Sequence[Role]] = []
    while len(drawn) < blocks:
        drawn += [(*order, *reversed(order)) for order in draw.sample(every, len(every))]
    return drawn[:blocks]


def _padded(role: Role, contestant: Contestant, paced: Pace, draw: random.Random) -> WorkerProcess:
    return start(role, contestant, paced.setting.cpus, {_PADDING: "x" * draw.randrange(_MOST_PADDING)})


def _turn(role: Role, worker: WorkerProcess, contestant: Contestant, paced: Pace, limit: float) -> float:
    runs = round(paced.runs * (1 + contestant.planted))
    return ask(role, worker, protocol.Turn(paced.setting, runs, paced.warm), protocol.Turned, limit).seconds
