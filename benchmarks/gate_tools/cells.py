# SPDX-License-Identifier: Apache-2.0
"""The cells of the benchmark, how many gates each should have, and which one is next."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Record = dict[str, Any]

KINDS: Final = ("native", "numpy", "torch", "memory")
CONDITIONS: Final = ("quiet", "neighbour")
PLANTED: Final = (0.0, 0.01, 0.02, 0.03, 0.05, 0.10)
SERIALPROF: Final = "serialprof"
TOOLS: Final = (SERIALPROF, "pytest-benchmark", "asv", "hyperfine", "pyperf")

#: Gates that a cell of serialprof should have: 640 of A/A in all, 400 at 5 % (a bound of 99 % takes 299) on the three
#: kinds of which a power is asked.
_WANTED: Final = {0.0: 80, 0.03: 67, 0.05: 67}
_WANTED_ELSE: Final = 20
#: Gates that a cell of a peer should have.
_WANTED_OF_PEERS: Final = {0.0: 30, 0.03: 10, 0.05: 20}
_WANTED_OF_PEERS_ELSE: Final = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the benchmark.

    Attributes:
        tool: that gates.
        kind: of step.
        condition: whether the other core is busy.
        planted: slow-down of the head, as a share; 0 for A/A.
    """

    tool: str
    kind: str
    condition: str
    planted: float

    @property
    def wanted(self) -> int:
        """Gates that it should have."""
        if self.tool == SERIALPROF:
            return _WANTED.get(self.planted, _WANTED_ELSE)
        return _WANTED_OF_PEERS.get(self.planted, _WANTED_OF_PEERS_ELSE)

    @property
    def place(self) -> Record:
        """As it stands in a record."""
        return {"tool": self.tool, "kind": self.kind, "condition": self.condition, "planted": self.planted}


def cells(
    tools: Sequence[str], kinds: Sequence[str], conditions: Sequence[str], planted: Sequence[float]
) -> list[Cell]:
    """Every combination, tools in turns, so that the hours of the day meet all of them."""
    combined = itertools.product(planted, kinds, conditions, tools)
    return [Cell(tool, kind, condition, share) for share, kind, condition, tool in combined]


def cell_of(record: Record) -> Cell:
    """The cell that a record belongs to."""
    return Cell(record["tool"], record["kind"], record["condition"], record["planted"])


def least_filled(among: Sequence[Cell], records: Iterable[Record]) -> Cell:
    """The cell that has the smallest part of the gates that it should have; the first of several."""
    counts = Counter(map(cell_of, records))
    return min(among, key=lambda cell: counts[cell] / cell.wanted)
