# SPDX-License-Identifier: Apache-2.0
"""A table as it is printed and recorded: figures down, tools across, the bound last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from benchmarks.attribution_tools.goals import Outcome, goals, outcome
from benchmarks.attribution_tools.noise import NOISES
from benchmarks.attribution_tools.problems import InformationSet
from benchmarks.attribution_tools.scoring import (
    QUANTITIES,
    Score,
    Trial,
    admissions,
    bound_score,
    remedies,
    score,
    truths,
)

#: Whose goals are judged.
OWN: Final = "serialprof"
#: Figures of a score, how they are called and printed.
ROWS: Final = (
    ("median_error", "median error"),
    ("p90_error", "90 % error"),
    ("excess", "error / bound's"),
    ("coverage", "coverage"),
    ("width", "width / bound's"),
    ("verdicts", "verdicts where identifiable"),
    ("bare", "numbers where not"),
    ("honest", "covered or admitted"),
)
NAMES: Final = {"share": "s", "seconds": "T", "knee": "knee"}
_LABEL, _COLUMN = 33, 13


@dataclass(frozen=True)
class Column:
    """What one tool reached.

    Attributes:
        trials, failed: how often it was asked, and gave no answer.
        milliseconds: median wall time of an answer.
        scores: by quantity.
        admits: share of answers that admit a lack of fit.
        remedies: of the answers without seconds, those that say what would identify them.
        failures: messages, each once, a few.
    """

    trials: int
    failed: int
    milliseconds: float | None
    scores: Mapping[str, Score | None]
    admits: float | None = None
    remedies: float | None = None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One information set under one kind of noise.

    Attributes:
        information_set, noise: which.
        columns: by tool.
        bound: what an estimator that reaches the bound would score, by quantity.
        outcomes: the goals.
    """

    information_set: InformationSet
    noise: str
    columns: Mapping[str, Column]
    bound: Mapping[str, Score | None]
    outcomes: tuple[Outcome, ...]


def tabulate(information_set: InformationSet, noise: str, trials: Mapping[str, Sequence[Trial]]) -> Table:
    """The table of the trials by tool."""
    law = next(item for item in NOISES if item.name == noise)
    known = [truths(problem, law) for problem in information_set.problems]
    columns = {
        name: Column(
            trials=len(items),
            failed=sum(trial.answer is None for trial in items),
            milliseconds=1e3 * median(trial.spent for trial in items) if items else None,
            scores={quantity: score(quantity, items, known) for quantity in QUANTITIES},
            admits=admissions(items),
            remedies=remedies(items),
            failures=tuple(dict.fromkeys(trial.failure for trial in items if trial.failure))[:5],
        )
        for name, items in trials.items()
    }
    every = trials[OWN]
    bound = {quantity: bound_score(quantity, every, known) for quantity in QUANTITIES}
    asked = [goal for goal in goals(information_set) if noise in goal.noises and bound[goal.quantity]]
    reached = [
        outcome(goal, _reached(columns[OWN], goal.quantity, goal.figure), bound[goal.quantity]) for goal in asked
    ]
    return Table(information_set, noise, columns, bound, tuple(reached))


def _reached(column: Column, quantity: str, figure: str) -> float | None:
    if figure == "remedies":
        return column.remedies
    found = column.scores[quantity]
    value = None if found is None else getattr(found, figure)
    return None if value is None else float(value)


def lines(table: Table) -> list[str]:
    """The table as text."""
    head = f"{table.information_set.title}; {table.noise} noise"
    found = [head, _line("", [*table.columns, "bound"])]
    for quantity in QUANTITIES:
        scores = [column.scores[quantity] for column in table.columns.values()]
        ideal = table.bound[quantity]
        if ideal is None:
            continue
        label = f"{NAMES[quantity]}: identifiable in"
        found.append(_line(label, ["" for _ in scores] + [f"{ideal.identifiable:.0%}"]))
        for figure, title in ROWS:
            values = [None if item is None else getattr(item, figure) for item in [*scores, ideal]]
            if any(value is not None for value in values):
                found.append(_line(f"{NAMES[quantity]}: {title}", [_cell(quantity, figure, item) for item in values]))
    rest: list[tuple[str, list[str]]] = [
        ("T: says what would identify it", [_percent(item.remedies) for item in table.columns.values()]),
        ("admits a lack of fit", [_percent(item.admits) for item in table.columns.values()]),
        ("trials", [str(item.trials) for item in table.columns.values()]),
        ("without an answer", [str(item.failed) for item in table.columns.values()]),
        ("milliseconds", [f"{item.milliseconds or 0:.2f}" for item in table.columns.values()]),
    ]
    found += [_line(label, [*cells, ""]) for label, cells in rest if any(cell != "-" for cell in cells)]
    return [*found, *map(goal_line, table.outcomes)]


def goal_line(found: Outcome) -> str:
    """A goal as text."""
    goal = found.goal
    title = dict(ROWS).get(goal.figure, "says what would identify it")
    sign = "at least" if goal.least else "at most"
    met = "nothing to judge" if found.met is None else "met" if found.met else "MISSED"
    reached = _cell(goal.quantity, goal.figure, found.reached)
    limit = _cell(goal.quantity, goal.figure, found.limit)
    more = f" ({goal.limit:g} times the bound's)" if goal.times_bound else ""
    if found.ideal is not None and found.ideal > found.limit and not goal.least:
        more = f" (less than the bound's {_cell(goal.quantity, goal.figure, found.ideal)})"
    return f"  goal {NAMES[goal.quantity]}: {title} {sign} {limit}{more}: {reached}, {met}"


def as_record(table: Table) -> dict[str, Any]:
    """For the JSON file."""
    return {
        "table": table.information_set.name,
        "title": table.information_set.title,
        "noise": table.noise,
        "problems": [problem.name for problem in table.information_set.problems],
        "tools": {name: asdict(column) for name, column in table.columns.items()},
        "bound": {name: item and asdict(item) for name, item in table.bound.items()},
        "goals": [
            {**asdict(item.goal), "limit": item.limit, "reached": item.reached, "met": item.met}
            for item in table.outcomes
        ],
    }


def _line(label: str, cells: Sequence[str]) -> str:
    return f"{label:<{_LABEL}}" + "".join(f"{cell:>{_COLUMN}}" for cell in cells)


def _cell(quantity: str, figure: str, value: float | None) -> str:
    if value is None:
        return "-"
    if figure in ("excess", "width"):
        return f"{value:.2f}"
    if quantity == "share" and figure.endswith("_error"):
        return f"{value:.4f}"
    return _percent(value, digits=2 if figure.endswith("_error") and value < 0.1 else 1)


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value * 100:.{digits}f} %"
