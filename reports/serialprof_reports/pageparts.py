# SPDX-License-Identifier: Apache-2.0
"""What the page is made of, as its template reads it: tables, figures with their data, sections, verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from serialprof_reports.plotting import Plot

#: (name, text) pairs.
Facts: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page: the first column names the row, the others hold numbers, the last one words if so marked."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ends_in_words: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure under the name of its workload, with the data and the facts that stand folded away behind it."""

    name: str
    plot: Plot
    tables: tuple[Table, ...] = ()
    facts: Facts = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A question that the page answers: its figures side by side, and tables that belong to none of them."""

    anchor: str
    title: str
    lead: str
    panels: tuple[Panel, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """The verdict on one family: the sentence, its evidence, what is read beside it, and what is folded away.

    The grade is empty where nothing was measured.
    """

    name: str
    summary: str
    sentence: str
    grade: str
    grade_means: str
    grade_reason: str
    warnings: tuple[str, ...]
    facts: Facts
    more: Facts
