# SPDX-License-Identifier: Apache-2.0
"""Samples of a visit: one by one as they are taken, by column as they are read back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain, compress
from typing import Any, overload


@dataclass(frozen=True, slots=True)
class Sample:
    """One timed stretch of `runs` consecutive run(D).

    Attributes:
        seconds: wall time.
        cpu_seconds: CPU time of the whole worker process meanwhile (all its threads; a program's own in mode process).
        involuntary: involuntary context switches of the process meanwhile.
        disturbed: why the sample is left out of fits, empty where it is sound.
        cpu: the CPU that the sampling thread was on at its end, None where unknown.
        clock_before, clock_after: neighbouring clock meter readings in hertz, None where rejected or switched off.
        cycles, instructions: core cycles and instructions of the process by the hardware's counters, in user mode, None
            where the kernel does not allow them.
        stalls: of the cycles, those in which it waited for memory, None where there is no such counter.
    """

    seconds: float
    cpu_seconds: float
    involuntary: int
    disturbed: str = ""
    cpu: int | None = None
    clock_before: float | None = None
    clock_after: float | None = None
    cycles: float | None = None
    instructions: float | None = None
    stalls: float | None = None


@dataclass(frozen=True, eq=False)
class Samples(Sequence[Sample]):
    """Samples by column, so that a million of them are a few lists and no million objects.

    The columns are the attributes of `Sample`; a sample by itself is made when it is asked for. What a report asks for
    again and again is worked out once.
    """

    seconds: Sequence[float] = ()
    cpu_seconds: Sequence[float] = ()
    involuntary: Sequence[int] = ()
    disturbed: Sequence[str] = ()
    cpu: Sequence[int | None] = ()
    clock_before: Sequence[float | None] = ()
    clock_after: Sequence[float | None] = ()
    cycles: Sequence[float | None] = ()
    instructions: Sequence[float | None] = ()
    stalls: Sequence[float | None] = ()

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Samples:
        """The same samples by column."""
        if isinstance(samples, Samples):
            return samples
        rows = list(samples)
        return cls(*([getattr(row, column.name) for row in rows] for column in fields(cls)))

    @property
    def columns(self) -> list[Sequence[Any]]:
        """All columns, in the order of the attributes."""
        return [getattr(self, column.name) for column in fields(self)]

    @cached_property
    def clock(self) -> float | None:
        """Mean of the clock meter's readings beside the samples in hertz, None where there is none."""
        readings = [
            clock for clock in chain(self.clock_before, self.clock_after) if clock is not None and 0 < clock < math.inf
        ]
        return math.fsum(readings) / len(readings) if readings else None

    @cached_property
    def sound(self) -> Samples:
        """The samples that count."""
        if not any(self.disturbed):
            return self
        kept = [not reason for reason in self.disturbed]
        return Samples(*(list(compress(column, kept)) for column in self.columns))

    def __len__(self) -> int:
        return len(self.seconds)

    def __iter__(self) -> Iterator[Sample]:
        return map(Sample, *self.columns)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return Samples(*(column[index] for column in self.columns))
        return Sample(*(column[index] for column in self.columns))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))
