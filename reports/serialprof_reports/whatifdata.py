# SPDX-License-Identifier: Apache-2.0
"""A family's fit as numbers for the page's sliders: what `model.forecast` starts from, whatever is asked.

Names are short, for all of it stands in the page: `family_data` says what they stand for.
"""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from serialprof.model.fitting.family import BARRIER
from serialprof.model.fitting.fitted import VAGUE
from serialprof.model.forecast import exposure, outlook
from serialprof.model.forecast.carrying import GROWTHS, carried
from serialprof.model.forecast.conditions import MORE_BLOCKS, MORE_CLOCKS, NO_CLOCK, TWO_CLOCKS, effects, remaining
from serialprof.model.forecast.exposure import Hidden
from serialprof.model.forecast.scenes import MET, Scene
from serialprof.model.forecast.uniting import AGREEMENT
from serialprof.model.statistics import quantiles, too_few
from serialprof.question import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serialprof.estimate import Estimate
    from serialprof.model.examination import Examined
    from serialprof.model.fitting.candidates import Candidate
    from serialprof.model.fitting.cells import Cell
    from serialprof.model.fitting.family import Term
    from serialprof.model.fitting.fitted import Fitted
    from serialprof.model.forecast.conditions import Effects
    from serialprof.model.forecast.outlook import Outlook

#: Blocks whose parameters and step times are embedded at most.
MOST_DRAWS: Final = 200
#: Significant digits of what is embedded; the page shows four.
_DIGITS: Final = 9
#: Steps in 1 / freedom between which the page takes quantiles of Student's t as linear.
_QUANTILES: Final = 64


class Numbered:
    """Distinct things in the order in which they came, each named by its number."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._known: dict[Any, int] = {}

    def number(self, thing: Any) -> int:
        """The number of a thing; a new one is entered."""
        if thing not in self._known:
            self._known[thing] = len(self.rows)
            self.rows.append(thing)
        return self._known[thing]


def family_data(
    examined: Examined, widths: Sequence[int], threads: Sequence[int]
) -> tuple[dict[str, Any], list[Effects]]:
    """The data of a family with a fit at so many widths and thread counts, and every effect that a change may have.

    Returns:
        As JSON holds it: `terms` are those of all candidates together, `places` the operating points ("W,p"), and
        numbers of effects and sentences are places in `effects` and `sentences`. Of the blocks there are as many as
        `draws` takes; `blocks` is the number of all.
    """
    assert examined.outlook is not None
    found, fitted = examined.outlook, examined.outlook.fitted
    terms = tuple(dict.fromkeys(term for candidate in fitted.candidates for term in candidate.model.terms))
    numbered, sentences = Numbered(), Numbered()
    cells = [found.cell(width, count) for width in widths for count in threads]
    places = _places(found, cells, terms, numbered, sentences)
    data = {
        "base": min(found.threads),
        "widths": _ends([cell.width for cell in fitted.curves.cells]),
        "threads": _ends([cell.threads for cell in fitted.curves.cells]),
        "clocks": _rounded(fitted.clocks),
        "clocked": fitted.clocked,
        "overlap": fitted.overlap_identified,
        "confusion": fitted.confusion,
        "confused": fitted.remedy,
        "few": too_few(fitted.curves.whole),
        "agreement": AGREEMENT,
        "met": MET,
        "vague": VAGUE,
        "words": _words(),
        "blocks": len(fitted.curves.units),
        "freedom": fitted.curves.freedom,
        "level": fitted.curves.level,
        "quantiles": _quantiles(len(fitted.curves.units) - 1),
        "barriers": [term.kind == BARRIER for term in terms],
        "candidates": [_candidate(candidate, fitted, terms) for candidate in fitted.candidates],
        "places": places,
        "effects": [[_ways(effect), effect.reason, effect.remedy] for effect in numbered.rows],
        "sentences": sentences.rows,
    }
    return data, numbered.rows


def draws(blocks: int) -> list[int]:
    """Which blocks are embedded: all of them, or `MOST_DRAWS` evenly apart from the first to the last."""
    count = min(blocks, MOST_DRAWS)
    return [round(index * (blocks - 1) / max(1, count - 1)) for index in range(count)]


def _words() -> dict[str, str | list[str]]:
    """The sentences that do not depend on the place."""
    return {
        "overlap": [outlook.OVERLAP, outlook.OVERLAP_REMEDY],
        "hidden": [exposure.HIDDEN, exposure.HIDDEN_REMEDY],
        "vague": outlook.VAGUE_REASON,
        "more": MORE_BLOCKS,
        "clock": ["", MORE_CLOCKS],
        "oneclock": [NO_CLOCK, TWO_CLOCKS],
    }


def _candidate(candidate: Candidate, fitted: Fitted, terms: tuple[Term, ...]) -> dict[str, Any]:
    """One candidate: its terms by their number, its parameters on the mean curve and per unit, its covariances."""
    form, design = candidate.solution.form, candidate.design
    return {
        "outer": None if np.isinf(form.outer) else form.outer,
        "inner": None if np.isinf(form.inner) else form.inner,
        "terms": [terms.index(term) for term in candidate.model.terms],
        "sides": [
            0 if chain else 1 if computing else 2 if traffic else 3
            for chain, computing, traffic in zip(design.chain, design.computing, design.traffic, strict=True)
        ],
        "parameters": _rounded(candidate.solution.parameters),
        "units": _rounded(candidate.units[draws(len(candidate.units))]),
        "lack": _rounded(candidate.lack_of_fit),
        "points": _rounded(candidate.points),
        "given": _rounded(candidate.given),
        "noise": _rounded(candidate.noise) if candidate.held else None,
        "quantile": float(quantiles(np.array(float(candidate.freedom)))) if candidate.freedom else 0,
        "allowance": candidate.allowance,
        "largest": _rounded(Hidden.of(candidate, fitted.curves).largest),
    }


def _places(
    found: Outlook, cells: Sequence[Cell], terms: tuple[Term, ...], numbered: Numbered, sentences: Numbered
) -> dict[str, Any]:
    fitted = found.fitted
    model = replace(fitted.winner.model, terms=terms)
    linear, logarithmic = (carried(model, cells, growth).matrix for growth in GROWTHS)
    loose = fitted.winner.open(cells)
    scene = Scene(fitted, found.times.family.mode, tuple(cells), tuple(cells), Change(), found.usable)
    left = fitted.unattributed()
    places = {}
    for row, cell in enumerate(cells):
        own = [scene.effects(term, cell) for term in terms]
        bare = [effects(term, cell, fitted.memory, scene.mode) for term in terms]
        place: dict[str, Any] = {
            "row": _rounded(linear[row]),
            "effects": [numbered.number(effect) for effect in own],
            "rest": numbered.number(remaining(cell, fitted.memory, scene.mode)),
        }
        if bare != own:
            place["bare"] = [numbered.number(effect) for effect in bare]
        if (linear[row] != logarithmic[row]).any():
            place["grown"] = _rounded(logarithmic[row])
        if grown := found.grown_barrier(cell):
            place["barrier"] = [sentences.number(text) for text in grown]
        if lost := found.barrierless(cell):
            place["lost"] = [sentences.number(text) for text in lost]
        if not fitted.inside(cell):
            place |= {"loose": _number(loose[row]), "nearer": sentences.number(found.nearer(cell))}
        index = fitted.index(cell)
        if index is not None:
            place |= _measured(found, cell, index)
            place["left"] = abs(left[index].value or 0.0) > AGREEMENT
        places[f"{int(cell.width)},{cell.threads}"] = place
    return places


def _measured(found: Outlook, cell: Cell, index: int) -> dict[str, Any]:
    """What was measured at a place: its step, per unit too, and paired with every other thread count of its width."""
    fitted = found.fitted
    others = [found.cell(int(cell.width), threads) for threads in found.threads]
    measured = [other for other in others if fitted.index(other) is not None]
    paired = {other.threads: found.forecasts(cell, [other], Change())[0].speedup for other in measured}
    return {
        "now": _estimate(found.now(cell)),
        "mean": _number(fitted.curves.mean[index]),
        "units": _rounded(fitted.curves.units[draws(len(fitted.curves.units)), index]),
        "missed": _number(fitted.missed[index]),
        "paired": {str(threads): _estimate(speedup) for threads, speedup in paired.items()},
    }


def _quantiles(own: int) -> list[float]:
    """Student's t from `own` degrees of freedom to twice as many, evenly in their inverse."""
    inverse = np.linspace(1 / own, 1 / (2 * own), _QUANTILES + 1)
    return _rounded(quantiles(1 / inverse))  # type: ignore[no-any-return]


def _ways(effect: Effects) -> list[list[float]]:
    return sorted(list(astuple(way)) for way in effect.ways)


def _estimate(estimate: Estimate) -> list[Any]:
    ends = [None if end is None else _number(end) for end in (estimate.value, estimate.low, estimate.high)]
    return [*ends, estimate.reason, estimate.remedy]


def _ends(counts: Sequence[float]) -> list[float]:
    return [min(counts), max(counts)]


def _number(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _rounded(numbers: Any) -> Any:
    """Numbers of any nesting with so many digits."""
    if isinstance(numbers, (list, tuple, np.ndarray)):
        return [_rounded(number) for number in numbers]
    return _number(numbers)
