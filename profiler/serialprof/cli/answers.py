# SPDX-License-Identifier: Apache-2.0
"""How answers to a what-if question are printed: as tables of 80 columns, or as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Final

from serialprof.estimate import Estimate
from serialprof.model.answers import BestSetting
from serialprof.model.forecast.conditions import NO_CLOCK
from serialprof.model.plain import as_plain
from serialprof.model.whatif import Answer, Prediction
from serialprof.model.wording import listed
from serialprof.question import Level, Question, Times
from serialprof.units import format_count, format_json, format_seconds, format_si

_WIDTH: Final = 80
_MISSING: Final = "-"
_SCHEMA: Final = {"name": "serialprof.whatif", "version": 1}

#: What a score is called, by goal.
_SCORES: Final = {
    "latency": "shortest step",
    "throughput": "most lanes a second",
    "price": "most lanes for the price",
    "power": "most lanes for the energy",
}


def answer_json(question: Question, answers: Sequence[Answer]) -> str:
    """The question and its answers as one JSON object: `schema`, `question`, `families` (`model.whatif.Answer`)."""
    document = {"schema": _SCHEMA, "question": as_plain(question), "families": as_plain(answers)}
    return format_json(document)


def answer_text(question: Question, answers: Sequence[Answer]) -> str:
    """The answers as text: per family a table, what is refused, the best settings and what holds for all of it."""
    blocks = ["\n".join(_family(question, answer)) for answer in answers]
    return "\n\n".join(blocks) if blocks else "the run holds no point, so there is nothing to predict"


def _family(question: Question, answer: Answer) -> Iterator[str]:
    asked = ", ".join(_asked(question))
    yield from _wrapped(f"{_label(answer)}{f': {asked}' if asked else ''}", "", "  ")
    if answer.predictions:
        yield ""
        yield from _table(question, answer.predictions)
        yield ""
    for refusal in answer.refusals:
        yield from _wrapped(f"{refusal.what} not told: {refusal.reason}; told by {refusal.remedy}")
    for text in _refused(answer.predictions):
        yield from _wrapped(text)
    for best in answer.best if question.price or question.watts else ():
        yield from _wrapped(_best(best))
    for note in answer.notes:
        yield from _wrapped(note)


def _label(answer: Answer) -> str:
    """The workload with whatever differs from its defaults."""
    defaults = {name: str(value) for name, value in answer.description.parameters.items()}
    extras = [f"{name}={value}" for name, value in answer.family.parameters if defaults.get(name) != value]
    extras += [answer.family.mode] if answer.family.mode not in answer.description.modes[:1] else []
    return " ".join([answer.description.name, ", ".join(extras)]).strip()


def _asked(question: Question) -> Iterator[str]:
    for field in fields(question.change):
        factor = getattr(question.change, field.name)
        if factor != 1:
            yield f"{_factor(factor)} {field.name.replace('_', ' ')}"
    for name in ("threads", "width"):
        level: Level = getattr(question, name)
        if isinstance(level, Times):
            yield f"{_factor(level.factor)} {name}"
        elif level is not None:
            yield f"{format_count(level)} threads" if name == "threads" else f"W = {format_count(level)}"


def _factor(factor: float) -> str:
    return f"{(factor - 1) * 100:+.3g} %" if 0.5 < factor < 1.5 else f"x{factor:g}"


def _table(question: Question, predictions: Sequence[Prediction]) -> Iterator[str]:
    """One line per operating point; where the width changes, lanes per second are compared instead of steps."""
    wider = isinstance(question.width, Times)
    head = ("W", "threads", "now", "then", "lanes/s" if wider else "speed-up", "")
    rows = [head, *(_row(item, wider=wider) for item in predictions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=False)]
        yield ("  " + "  ".join([*cells, row[-1]])).rstrip()


def _row(item: Prediction, *, wider: bool) -> tuple[str, ...]:
    gain = item.speedup.scaled((item.new_width or item.width) / item.width, "1") if wider else item.speedup
    return (
        _from_to(item.width, item.new_width),
        _from_to(item.threads, item.new_threads),
        _seconds(item.now),
        _seconds(item.then),
        _ratio(gain),
        "" if _empty(item) else "extrapolated" if item.extrapolated else "inside the sweep",
    )


def _empty(item: Prediction) -> bool:
    """Whether nothing is predicted, not even a bound."""
    ends = [end for told in (item.then, item.speedup) for end in (told.value, told.low, told.high)]
    return all(end is None for end in ends)


def _from_to(count: int, new: int | None) -> str:
    return format_count(count) if new in (None, count) else f"{format_count(count)} to {format_count(new)}"


def _seconds(estimate: Estimate) -> str:
    """A step with half its interval, a bracket, or a one-sided bound."""
    if estimate.value is not None and not _lopsided(estimate):
        half = estimate.half_width
        spread = "" if half is None else f" \N{PLUS-MINUS SIGN}{round(100 * half / estimate.value) or '<1'}%"
        return format_seconds(estimate.value) + spread
    return _bounds(*(None if end is None else format_seconds(end) for end in (estimate.low, estimate.high)))


def _ratio(estimate: Estimate) -> str:
    """A ratio with half its interval, a bracket (with a digit more where it is narrow), or a one-sided bound."""
    low, value, high = estimate.low, estimate.value, estimate.high
    if value is not None and not _lopsided(estimate):
        half = estimate.half_width
        spread = "" if half is None else f" \N{PLUS-MINUS SIGN}{f'{half:.2f}' if half >= 0.005 else '<0.01'}"
        return f"{value:.2f}{spread} x"
    digits = 3 if low is not None and high is not None and high - low < 0.02 else 2
    return _bounds(*(None if end is None else f"{end:.{digits}f} x" for end in (low, high)))


def _lopsided(estimate: Estimate) -> bool:
    """Whether half the interval about the value would reach below 0, where no step or ratio can be."""
    half = estimate.half_width
    return half is not None and estimate.value is not None and half >= estimate.value


def _bounds(low: str | None, high: str | None) -> str:
    if low is not None and high is not None:
        if low == high:
            return low
        number, _, unit = low.partition(" ")
        return f"{number if high.endswith(' ' + unit) else low}..{high}"
    if low is not None:
        return f">={low}"
    return _MISSING if high is None else f"<={high}"


def _refused(predictions: Sequence[Prediction]) -> Iterator[str]:
    """Why some predictions have no value, equal reasons together."""
    found: dict[tuple[str, str, bool], list[Prediction]] = {}
    for item in predictions:
        gain = next((told for told in (item.speedup, item.then, item.now) if not told.identified), item.speedup)
        reason = "; ".join(clause for clause in gain.reason.split("; ") if clause != NO_CLOCK)  # said of all in a note
        if not gain.identified and reason:
            found.setdefault((reason, gain.remedy, gain.low is None and gain.high is None), []).append(item)
    widths = sorted({item.width for item in predictions})
    for (reason, remedy, nothing), items in found.items():
        places = _places([(item.width, item.threads) for item in items], widths)
        where = "" if len(items) == len(predictions) else f" at {places}"
        told = f"; {'told' if nothing else 'narrowed'} by {remedy}" if remedy else ""
        yield f"{'not told' if nothing else 'a bound or bracket'}{where}: {reason}{told}"


def _places(places: Sequence[tuple[int, int]], known: Sequence[int] = ()) -> str:
    """Operating points in words: "W = 1, 4 on 1 thread; W = 1 to 256 on 1 and 2 threads".

    Args:
        places: (width, threads).
        known: every width there is, ascending; more than three of them in a row become a range.
    """
    by_threads: dict[int, list[int]] = {}
    for width, threads in places:
        by_threads.setdefault(threads, []).append(width)
    by_widths: dict[tuple[int, ...], list[int]] = {}
    for threads, widths in by_threads.items():
        by_widths.setdefault(tuple(widths), []).append(threads)
    return "; ".join(
        f"W = {_widths(widths, known)} on {listed(list(map(str, counts)))} thread{'' if counts == [1] else 's'}"
        for widths, counts in by_widths.items()
    )


def _widths(widths: Sequence[int], known: Sequence[int]) -> str:
    row = [width for width in known if widths[0] <= width <= widths[-1]]
    if len(widths) > 3 and list(widths) == row:
        return f"{format_count(widths[0])} to {format_count(widths[-1])}"
    return ", ".join(map(format_count, widths))


def _best(best: BestSetting) -> str:
    score = best.score.value
    told = (
        _MISSING
        if score is None
        else format_seconds(score)
        if best.goal == "latency"
        else format_si(score, _unit(best))
    )
    others = f"; not told from it: {_places(best.ties)}" if best.ties else ""
    return f"{_SCORES[best.goal]}: {told} at {_places([(best.width, best.threads)])}{others}"


def _unit(best: BestSetting) -> str:
    return {"throughput": "lanes/s", "price": "lanes", "power": "lanes/J"}[best.goal]


def _wrapped(text: str, first: str = "  ", rest: str = "    ") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=rest)
