# SPDX-License-Identifier: Apache-2.0
"""What if: a stored run's step times with another clock, other threads or widths, on a changed machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from serialprof.catalog import Description
from serialprof.estimate import Estimate
from serialprof.model.answers import BestSetting, Refusal
from serialprof.model.evidence import grade
from serialprof.model.examination import Examined, examine
from serialprof.model.forecast.conditions import NO_CLOCK
from serialprof.model.forecast.outlook import Forecast
from serialprof.model.forecast.uniting import inverse
from serialprof.model.settings import best_settings
from serialprof.model.statistics import log_interval
from serialprof.model.steptimes import paired
from serialprof.model.sweep import distinct_clocks
from serialprof.model.wording import listed
from serialprof.planning import Family
from serialprof.question import Question, Times, level_of
from serialprof.store import StoredRun
from serialprof.units import format_si

_THIS_CORE: Final = "the clock is that of this core design only: another design has other latencies"
#: Widths so many times the widest that was measured are a slip of the pen.
_FARTHEST: Final = 1_000_000
_NO_PARTS: Final = (
    "by the fit over widths alone: the parts of a step on its device are not used here; the report has what other "
    "clocks would give by them"
)
_NO_FIT: Final = "a run that can be fitted: four widths or thread counts, five blocks"


@dataclass(frozen=True, slots=True)
class Prediction:
    """One operating point as it is, and as it would be.

    Attributes:
        width, threads: as it is.
        new_width, new_threads: as asked; None where that is no whole number.
        now, then: seconds per step.
        speedup: now / then, of a step; a wider step does more.
        rate: lanes per second then.
        extrapolated: whether the new width, thread count or, where clocks were measured, clock lies outside the
            measured ones.
    """

    width: int
    threads: int
    new_width: int | None
    new_threads: int | None
    now: Estimate
    then: Estimate
    speedup: Estimate
    rate: Estimate
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question comes to for one family.

    Attributes:
        family, description: which.
        predictions: ascending in threads, then width.
        best: the best measured settings, per unit of a price or watt where one was given.
        notes: what holds for all of them, each a clause.
        refusals: why nothing at all is predicted, empty where something is.
    """

    family: Family
    description: Description
    predictions: tuple[Prediction, ...]
    best: tuple[BestSetting, ...]
    notes: tuple[str, ...]
    refusals: tuple[Refusal, ...] = ()


def ask(run: StoredRun, question: Question, families: Sequence[Examined] = ()) -> tuple[Answer, ...]:
    """Answers a question for every family of a run, in the order of the plan.

    Args:
        run: the stored run.
        question: what is asked.
        families: the only ones that are wanted.

    A pure function of the run. Nothing is predicted without its interval; what is not identified has no value, but the
    reason and what would identify it.
    """
    return tuple(_answer(run, examined, question) for examined in families or examine(run))


def _answer(run: StoredRun, examined: Examined, question: Question) -> Answer:
    refusals = tuple(_refusals(examined, question))
    places = _places(examined, question) if question.alters and not refusals else []
    predictions = tuple(_prediction(examined, *place, question) for place in places)
    return Answer(
        examined.times.family,
        examined.description,
        predictions,
        best_settings(examined.times, question.price, question.watts),
        tuple(_notes(run, examined, question, predictions)),
        refusals,
    )


def _refusals(examined: Examined, question: Question) -> Iterator[Refusal]:
    """Why nothing at all is predicted: nothing was measured, or what is asked for lies too far away."""
    measured = examined.times.measured("serial")
    if not measured:
        reasons = [summary.failed or summary.step.reason for summary in examined.times.summaries]
        first = next((summary.failed for summary in examined.times.summaries if summary.failed), "")
        why = f"the first failure: {first}" if first else "; ".join(dict.fromkeys(filter(None, reasons)))
        yield Refusal("everything", f"no point was measured{f' ({why})' if why else ''}", "a run that measures one")
        return
    widest = max(width for width, _ in measured)
    if isinstance(question.width, int) and question.width > _FARTHEST * widest:
        reason = f"W = {question.width} is more than {_FARTHEST} times the widest that was measured, {widest}"
        yield Refusal("everything", reason, f"a width up to {_FARTHEST * widest}")


def _places(examined: Examined, question: Question) -> list[tuple[int, int]]:
    """(width, threads) that are looked at: those that were measured, or all at one width that was asked for."""
    measured = examined.times.measured("serial")
    if isinstance(question.width, int):
        measured = tuple({(question.width, threads) for _, threads in measured})
    return sorted(measured, key=lambda place: (place[1], place[0]))


def _prediction(examined: Examined, width: int, threads: int, question: Question) -> Prediction:
    outlook = examined.outlook
    new_width = level_of(question.width, width)
    new_threads = level_of(question.threads, threads)
    if new_width is None or new_threads is None:
        asked, count = (question.width, width) if new_width is None else (question.threads, threads)
        what = "widths" if new_width is None else "threads"
        factor = asked.factor if isinstance(asked, Times) else 1.0
        forecast = _none(f"x{factor:g} of {count} is no whole number of {what}", "another factor")
        now = _measured(examined, width, threads) if outlook is None else outlook.now(outlook.cell(width, threads))
    elif outlook is None:
        now, forecast = _without_fit(examined, (width, threads), (new_width, new_threads), question)
    else:
        here, there = outlook.cell(width, threads), outlook.cell(new_width, new_threads)
        now, forecast = outlook.now(here), outlook.forecasts(here, [there], question.change)[0]
    rate = inverse(forecast.step).scaled(float(new_width or 1), "1/s")
    outside = _outside(examined, new_width, new_threads) or _faster(examined, question)
    return Prediction(
        width, threads, new_width, new_threads, now, forecast.step, forecast.speedup, rate, extrapolated=outside
    )


def _outside(examined: Examined, width: int | None, threads: int | None) -> bool:
    """Whether an operating point lies outside the measured widths and thread counts."""
    if width is None or threads is None:
        return False
    measured = examined.times.measured("serial")
    return any(
        not min(counts) <= count <= max(counts)
        for count, counts in zip((width, threads), zip(*measured, strict=True), strict=True)
    )


def _faster(examined: Examined, question: Question) -> bool:
    """Whether clocks were measured, and the new one lies outside them."""
    if examined.fitted is None or not examined.fitted.clocked or question.change.clock == 1:
        return False
    low, high = examined.fitted.clocks
    return not low * (1 - 1e-9) <= question.change.clock <= high * (1 + 1e-9)


def _without_fit(
    examined: Examined, here: tuple[int, int], there: tuple[int, int], question: Question
) -> tuple[Estimate, Forecast]:
    """What the measured points alone say: one against another, on the machine as it is."""
    columns = [examined.times.column(*place, "serial") for place in (here, there)]
    if not question.change.nothing or any(column is None for column in columns):
        return _measured(examined, *here), _none(examined.refusal, _NO_FIT)
    return _measured(examined, *here), Forecast(_measured(examined, *there), log_interval(paired(*columns)))


def _measured(examined: Examined, width: int, threads: int) -> Estimate:
    index = examined.times.index(width, threads, "serial")
    if index is not None:
        return examined.times.summaries[index].step
    return Estimate.unknown(f"W = {width} on {threads} threads was not measured, and {examined.refusal}", "s", _NO_FIT)


def _none(reason: str, remedy: str) -> Forecast:
    return Forecast(Estimate.unknown(reason, "s", remedy), Estimate.unknown(reason, "1", remedy))


def _notes(run: StoredRun, examined: Examined, question: Question, predictions: Sequence[Prediction]) -> Iterator[str]:
    change = question.change
    if change.clock != 1:
        yield clock_note(examined)
    if change.dispatch != 1 and examined.times.family.mode == "native":
        yield "native kernels have no dispatch, so its factor changes nothing"
    own = {point.id for point in examined.times.points}
    if not change.nothing and any(item.point in own for item in run.dissections):
        yield _NO_PARTS
    most = max((item.new_threads or 0 for item in predictions), default=0)
    if most > run.machine.usable:
        have = run.machine.usable
        yield f"as if {most} threads could run at once, each on a core of its own; this machine runs {have}"
    elif most > run.machine.cores:
        yield f"{most} hardware threads share the {run.machine.cores} cores of this machine"


def clock_note(examined: Examined) -> str:
    """What is known of other clocks, and of which core they are; a clause."""
    return f"{_known_by(examined)}; {_THIS_CORE}"


def _known_by(examined: Examined) -> str:
    """What is known of other clocks: those that were measured, or the model alone."""
    if examined.fitted is None or not examined.fitted.clocked:
        return f"{NO_CLOCK} (evidence C)"
    clocks = [format_si(clock, "Hz") for clock in distinct_clocks(examined.times.summaries)]
    found, _ = grade(examined.times, 0.0)
    return f"by runs at {listed(clocks)}, and x1 is the highest of them (evidence {found})"
