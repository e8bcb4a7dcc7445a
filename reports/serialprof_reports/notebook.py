# SPDX-License-Identifier: Apache-2.0
"""Runs, attributions and verdicts as the output of a notebook's cell: fragments of HTML, without script or network.

They take the front end's own text colour on its own background, so that they suit its light and its dark theme; their
few colours stand out from both. They have no ids, so that no two outputs share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from serialprof.model.results import CAUSES
from serialprof.units import format_count, format_seconds
from serialprof_reports import cards, wording
from serialprof_reports.document import document
from serialprof_reports.machinewording import machine_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.estimate import Estimate
    from serialprof.model.results import Attribution, FamilyAnalysis, Part, Verdict
    from serialprof.view import Run
    from serialprof_reports.pageparts import Card

_TEMPLATE: Final = "notebook.html.j2"
_STYLES: Final = ("notebook.css",)
#: Failed points that are named; the others are counted.
_MOST_FAILURES: Final = 3
#: A hundredth of a picosecond; no part of a step is shorter.
_LEAST: Final = 1e-14


@dataclass(frozen=True, slots=True)
class Row:
    """A cause's row: which colour it has, its share and time in words, and how long its bar is in per cent."""

    colour: int
    cause: str
    share: str
    seconds: str
    length: float
    finer: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A step at one width: where, how long it takes, and its segments as (colour, cause, length in per cent)."""

    place: str
    step: str
    segments: tuple[tuple[int, str, float], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A family: its verdict, and bars of where the time of a step goes at its ends."""

    card: Card
    bars: tuple[Bar, ...]
    next_step: str


def run(run: Run) -> str:
    """What was measured, and the verdict of every family."""
    stored, analysis = run.stored, run.analysis
    taken, disturbed = wording.sample_counts(stored)
    failed = wording.failures(analysis)
    families = tuple(map(_summary, analysis.families))
    used = {colour for family in families for bar in family.bars for colour, _, _ in bar.segments}
    return _fragment(
        "run",
        head=f"{machine_line(stored)}; {wording.date(stored.started)}",
        status=stored.status,
        quick=stored.plan.quick,
        families=families,
        legend=tuple((index, cause) for index, cause in enumerate(CAUSES) if index in used),
        failures=tuple(f"{place}: {reason}" for place, reason in failed[:_MOST_FAILURES]),
        unnamed=max(0, len(failed) - _MOST_FAILURES),
        foot=f"{taken} samples, {disturbed} of them disturbed and left out; run file: {run.path}",
    )


def attribution(attribution: Attribution) -> str:
    """Where the time of a step goes at one operating point, cause by cause."""
    rows = [*_rows(attribution.parts), *_rows(attribution.finer, finer=True)]
    reasons = (f"{part.cause}: {part.share.reason}" for part in attribution.parts if part.share.value is None)
    return _fragment(
        "attribution",
        place=_place(attribution),
        step=_step(attribution.step),
        rows=rows,
        notes=tuple(reasons),
    )


def verdict(verdict: Verdict) -> str:
    """The sentence, its evidence, the known way round the chain, and what to do next."""
    return _fragment("verdict", verdict=verdict, grade_means=cards.GRADES[verdict.grade])


def _fragment(kind: str, **context: object) -> str:
    return document(_TEMPLATE, _STYLES, (), kind=kind, **context)


def _summary(family: FamilyAnalysis) -> Summary:
    return Summary(cards.card(family), tuple(_bars(family.attributions)), family.verdict.next_step)


def _bars(items: Sequence[Attribution]) -> Iterator[Bar]:
    """The narrowest and the widest step on the fewest threads."""
    fewest = [item for item in items if item.threads == min(item.threads for item in items)]
    ends = sorted(fewest, key=lambda item: item.width)
    for item in dict.fromkeys((ends[0].width, ends[-1].width) if ends else ()):
        at = next(each for each in ends if each.width == item)
        yield Bar(_place(at), _step(at.step), tuple(_segments(at)))


def _segments(item: Attribution) -> Iterator[tuple[int, str, float]]:
    for colour, cause in enumerate(CAUSES):
        if length := _length(item.part(cause).share):
            yield colour, cause, length


def _rows(parts: Sequence[Part], *, finer: bool = False) -> Iterator[Row]:
    for part in filter(_something, parts):
        colour = CAUSES.index(part.cause) if part.cause in CAUSES else len(CAUSES) - 1
        seconds = wording.with_interval(part.seconds, _seconds)
        yield Row(colour, part.cause, wording.compact_percent(part.share), seconds, _length(part.share), finer)


def _something(part: Part) -> bool:
    """Whether a cause is not nothing by definition, as barriers are on one thread."""
    return not part.share.low == part.share.high == 0


def _seconds(seconds: float) -> str:
    """A time, and nothing where it is what rounding leaves of nothing."""
    return format_seconds(seconds if abs(seconds) > _LEAST else 0.0)


def _length(share: Estimate) -> float:
    """Per cent of the step, or the least it can be where that is all that is known; none below zero."""
    known = share.low if share.value is None else share.value
    return round(100 * min(1.0, max(0.0, known or 0.0)), 1)


def _place(item: Attribution) -> str:
    return f"W = {format_count(item.width)}, {wording.threads(item.threads)}"


def _step(step: Estimate) -> str:
    return f"{wording.with_interval(step, format_seconds)} a step"
