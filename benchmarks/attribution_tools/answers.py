# SPDX-License-Identifier: Apache-2.0
"""What every tool is asked, and the form of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from benchmarks.attribution_tools.laws import Array
from benchmarks.attribution_tools.problems import Question
from serialprof.estimate import Estimate


@dataclass(frozen=True)
class Answer:
    """What a tool says; None stands for what it cannot be asked.

    Attributes:
        share: the serial share of a step at the question's configuration.
        seconds: of the run to predict.
        knee: the width whose work takes as long as the serial chain.
        admits: whether it says that its model leaves part of the times unexplained.
    """

    share: Estimate | None = None
    seconds: Estimate | None = None
    knee: Estimate | None = None
    admits: bool | None = None


class Tool(Protocol):
    """Something that answers a question from times."""

    @property
    def name(self) -> str:
        """As it stands in the tables."""
        ...

    @property
    def most(self) -> int | None:
        """Trials of a table after which it is asked no more, None where it is asked in all of them."""
        ...

    def applies(self, question: Question) -> bool:
        """Whether the question is one that its users ask."""
        ...

    def answer(self, question: Question, times: Array) -> Answer:
        """The answer from times [repetition, cell] in seconds.

        Raises:
            Exception: whatever the tool raises where it fails; the trial then counts as one without an answer.
        """
        ...


def bare(value: float, unit: str = "1") -> Estimate:
    """A number without an interval."""
    return Estimate(float(value), unit=unit)
