# SPDX-License-Identifier: Apache-2.0
"""The information sets: planted laws, the configurations that are timed, and what every tool is told and asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from benchmarks.attribution_tools.laws import (
    Array,
    CacheKnee,
    Cell,
    DepthWidth,
    Law,
    NumaThreads,
    Threads,
    TurboThreads,
    UnevenThreads,
)
from benchmarks.attribution_tools.noise import Noise

#: Repetitions of every configuration, the independent units of an interval.
REPETITIONS: Final = 5


@dataclass(frozen=True)
class Question:
    """What a tool is told besides the times, and what it is asked. Truths are not in here.

    Attributes:
        cells: the configurations that were run, in the order of the plan.
        wanted: the configuration whose seconds are to be predicted.
        share_at: the configuration whose serial share is asked for, None where it is not.
        cost: seconds that every thread adds, measured apart; None where they were not.
    """

    cells: tuple[Cell, ...]
    wanted: Cell
    share_at: Cell | None = None
    cost: float | None = None

    @property
    def sweeps_threads(self) -> bool:
        """Whether the threads vary; otherwise depth and width do."""
        return len({cell.threads for cell in self.cells}) > 1


@dataclass(frozen=True)
class Problem:
    """A question with its truth."""

    name: str
    law: Law
    question: Question

    def times(self, noise: Noise, generator: np.random.Generator, order: int = 0) -> Array:
        """Made seconds of runs [repetition, cell], visited in one of noise.ORDERS."""
        cells = self.question.cells
        made: Array = self.law.seconds(cells) * noise.draw(REPETITIONS, len(cells), generator, order)
        return made

    @property
    def share(self) -> float | None:
        """The true serial share, None where it is not asked for."""
        asked = self.question.share_at
        return None if asked is None else self.law.share(asked).of(self.law.parameters)

    @property
    def seconds(self) -> float:
        """The true seconds of the run that is to be predicted."""
        return float(self.law.seconds([self.question.wanted])[0])

    @property
    def knee(self) -> float | None:
        """The true knee, None where the law has none."""
        return self.law.knee.of(self.law.parameters) if self.law.knee else None

    @property
    def knee_beyond(self) -> bool:
        """Whether the knee lies at least twice beyond the sweep: then no number may be given for it."""
        return self.knee is not None and self.knee >= 2 * max(cell.width for cell in self.question.cells)


@dataclass(frozen=True)
class InformationSet:
    """Problems that give the same information: one table.

    Attributes:
        name: for the command line.
        title: over the table.
        problems: the truths; trials take them in turns.
        outside: whether the truths lie outside the family that tools fit.
    """

    name: str
    title: str
    problems: tuple[Problem, ...]
    outside: bool = False


#: Serial shares and costs per thread, on one thread of about one second.
SERIAL: Final = (0.01, 0.03, 0.1, 0.3, 0.5, 0.9)
COSTS: Final = (0.0, 1e-4, 1e-3)
ONE: Final = Cell()


def threads_up_to(most: int) -> tuple[Cell, ...]:
    """One, two, four ... threads."""
    return tuple(Cell(threads=2**power) for power in range(most.bit_length()))


def thread_problems(kind: type[Threads], most: int, wanted: int, *, given: bool = False) -> Iterator[Problem]:
    """Every serial share with every cost."""
    for serial, cost in product(SERIAL, COSTS):
        question = Question(threads_up_to(most), Cell(threads=wanted), ONE, cost if given else None)
        yield Problem(f"s={serial:g} c={cost:g}", kind(serial, cost), question)


#: The default widths of a sweep, and five depths: what Extra-P asks for of every parameter.
WIDTHS: Final = (1, 4, 16, 64, 256)
DEPTHS: Final = (16, 32, 64, 128, 256)
LATENCY: Final = 1e-3
OVERHEAD: Final = 20 * LATENCY
INSIDE: Final = (6.0, 24.0, 96.0)
BEYOND: Final = (600.0, 1200.0, 5000.0)
#: Where the serial share is asked for in a sweep over widths.
MIDDLE: Final = 16


def width_problems(knees: Sequence[float], *, hides: bool, beyond: bool = False) -> Iterator[Problem]:
    """Every knee; the run to predict is one octave beyond the sweep, or two beyond the knee where that lies outside.

    The share is asked for in the sum form alone: in the max form it is 1 or 0.
    """
    cells = tuple(Cell(depth, width) for depth, width in product(DEPTHS, WIDTHS))
    for knee in knees:
        wanted = Cell(DEPTHS[-1], int(4 * knee) if beyond else 2 * WIDTHS[-1])
        question = Question(cells, wanted, None if hides else Cell(width=MIDDLE))
        yield Problem(f"knee={knee:g}", DepthWidth(OVERHEAD, LATENCY, knee, hides), question)


def cache_problems() -> Iterator[Problem]:
    """Knees before and beyond the width at which the cache is left."""
    cells = tuple(Cell(depth, width) for depth, width in product(DEPTHS, WIDTHS))
    question = Question(cells, Cell(DEPTHS[-1], 2 * WIDTHS[-1]), Cell(width=MIDDLE))
    for knee in INSIDE:
        yield Problem(f"knee={knee:g}", CacheKnee(OVERHEAD, LATENCY, knee), question)


_LAW: Final = "T = s + (1-s)/p + c p"
_STEP: Final = "T = o + D (L + tau W)"
_MAXIMUM: Final = "T = o + D max(L, tau W)"


def _outside(name: str, title: str, problems: Iterator[Problem]) -> InformationSet:
    return InformationSet(f"outside-{name}", f"outside the family: {title}", tuple(problems), outside=True)


SETS: Final = (
    InformationSet("threads", f"{_LAW}, p = 1..64", tuple(thread_problems(Threads, 64, 64))),
    InformationSet(
        "threads-given",
        f"{_LAW}, p = 1..8, c measured apart and given to every tool",
        tuple(thread_problems(Threads, 8, 64, given=True)),
    ),
    InformationSet("threads-few", f"{_LAW}, p = 1..8", tuple(thread_problems(Threads, 8, 64))),
    InformationSet("sum-inside", f"{_STEP}, knee inside", tuple(width_problems(INSIDE, hides=False))),
    InformationSet("max-inside", f"{_MAXIMUM}, knee inside", tuple(width_problems(INSIDE, hides=True))),
    InformationSet(
        "sum-beyond", f"{_STEP}, knee beyond twice the sweep", tuple(width_problems(BEYOND, hides=False, beyond=True))
    ),
    InformationSet(
        "max-beyond", f"{_MAXIMUM}, knee beyond twice the sweep", tuple(width_problems(BEYOND, hides=True, beyond=True))
    ),
    _outside("numa", "far memory beyond 16 threads", thread_problems(NumaThreads, 64, 128)),
    _outside("uneven", "100 equal pieces of work", thread_problems(UnevenThreads, 64, 128)),
    _outside("turbo", "the clock falls with the threads", thread_problems(TurboThreads, 64, 128)),
    _outside("cache", "lanes cost more beyond an undeclared cache", cache_problems()),
)
