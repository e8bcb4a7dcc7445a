# SPDX-License-Identifier: Apache-2.0
"""What the page's sliders compute with: a family's fit at the stops of its sliders, as JSON beside the page's script.

templates/whatif.js says what a step takes under other conditions as `serialprof.model.whatif` does. It is given what
does not depend on the change of the machine: regressors, covariances, what was measured per block, and the sentences.
"""

from __future__ import annotations

import itertools
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from serialprof.estimate import Estimate
from serialprof.model.forecast.uniting import inverse
from serialprof.question import Change, per_hour
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from serialprof.model.examination import Examined
    from serialprof.model.forecast.conditions import Effects
    from serialprof.model.forecast.outlook import Forecast, Outlook
    from serialprof.model.results import FamilyAnalysis
    from serialprof.question import Cost
    from serialprof.store import StoredRun
    from serialprof.view import Run

_ON_DEVICE: Final = (
    "no sliders: the fit over widths does not hold the parts of a step on its device; the verdict says what other "
    "clocks would give by them"
)
_CLOCKS: Final = tuple(round(0.5 + 0.05 * index, 2) for index in range(31))
_FACTORS: Final = (0.1, 0.2, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 10.0)
#: One by one up to the first of them, then about an eighth apart.
_THREADS: Final = (*range(1, 17), 18, 20, 22, 24, 28, 32, 36, 40, 48, 56, 64)
#: How far beyond the measured widths the slider goes, on either side.
_FARTHER: Final = 4
#: What the sliders of a change are called.
_NAMES: Final = {
    "clock": "clock",
    "barrier": "barrier",
    "dispatch": "launch cost",
    "memory_latency": "memory latency",
    "bandwidth": "memory bandwidth",
    "price": "price",
    "watts": "watts",
}
_ORDER: Final = ("clock", "threads", "width", "dispatch", "memory_latency", "bandwidth", "barrier", "price", "watts")
#: Rows of what a step costs, by the cost that was given.
_COSTS: Final = {"price": "price of a million steps", "watts": "energy of a million steps, J"}
_AS_MEASURED: Final = "the clock is as measured"


@dataclass(frozen=True, slots=True)
class Slider:
    """A slider of a family.

    Attributes:
        name: "width", "threads", "price", "watts", or a field of `Change`.
        label: what it is called.
        start: which stop is what was measured.
        last: which stop is the last.
        shown: the stop it starts at, in words.
    """

    name: str
    label: str
    start: int
    last: int
    shown: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is told of a step: the row's name for the script, what it is called, and value, low and high as shown."""

    name: str
    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The sliders of one family, or why several have none.

    Attributes:
        anchor: the prefix of its ids.
        label: the family, or the families.
        refusal: why there are no sliders, empty where there are.
        sliders: empty where there are none.
        rows: what is told, at the stops that the sliders start at.
        why: why some of it has no value there.
        equal: why no number of threads equals the clock there.
        notes: what holds for all of it, each a clause.
        data: JSON for whatif.js that may stand in a script element as it is, empty where there are no sliders.
    """

    anchor: str
    label: str
    refusal: str = ""
    sliders: tuple[Slider, ...] = ()
    rows: tuple[Row, ...] = ()
    why: str = ""
    equal: str = ""
    notes: tuple[str, ...] = ()
    data: str = ""


def whatifs(run: Run, price: Cost | None = None, watts: Cost | None = None) -> list[WhatIf]:
    """The sliders of every family of a run, in the order of the plan; families refused for one reason stand together.

    Args:
        run: a run.
        price: of an hour: what a step costs is told too.
        watts: drawn: what energy it takes is told too.
    """
    costs = {name: cost for name, cost in (("price", price), ("watts", watts)) if cost is not None}
    fits = {examined.times.family: examined for examined in run.examined}
    found = [
        _whatif(run.stored, fits[family.family], family, costs, f"whatif-{number}")
        for number, family in enumerate(run.analysis.families)
        if family.family in fits
    ]
    return [_together(found, item) for item in found if item is _first(found, item)]


def _first(found: Sequence[WhatIf], item: WhatIf) -> WhatIf:
    """The first that is refused for the same reason, itself where it is not refused."""
    return next((other for other in found if item.refusal and other.refusal == item.refusal), item)


def _together(found: Sequence[WhatIf], first: WhatIf) -> WhatIf:
    """With the names of all that are refused for the same reason."""
    names = [item.label for item in found if _first(found, item) is first]
    return replace(first, label="; ".join(names))


def embedded(data: object) -> str:
    """Data as JSON that ends no script element and opens no comment, whatever its strings hold; all of it is ASCII."""
    import json

    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _whatif(
    run: StoredRun, examined: Examined, family: FamilyAnalysis, costs: Mapping[str, Cost], anchor: str
) -> WhatIf:
    label = wording.shorten(wording.label(family), 80)
    if family.device is not None:
        return WhatIf(anchor, label, _ON_DEVICE)
    if examined.outlook is None:
        return WhatIf(anchor, label, f"no sliders: {examined.refusal}")
    from serialprof_reports.whatifdata import family_data

    outlook = examined.outlook
    widths, threads = _widths(outlook), _thread_counts(outlook, examined.usable)
    data, effects = family_data(examined, widths, threads)
    acting = [field.name for field in fields(Change) if any(_acts(effect, field.name) for effect in effects)]
    factors = {name: _CLOCKS if name == "clock" else _FACTORS for name in (*acting, *costs)}
    stops: dict[str, Sequence[float]] = {"width": widths, "threads": threads, **factors}
    start = {name: _start(outlook, name, stops[name]) for name in stops}
    data |= {"stops": stops, "start": start, "costs": {name: astuple(cost) for name, cost in costs.items()}}
    width, count = widths[start["width"]], threads[start["threads"]]
    cell = outlook.cell(width, count)
    as_is = outlook.forecasts(cell, [cell], Change())[0]
    return WhatIf(
        anchor,
        label,
        sliders=tuple(_sliders(family, data)),
        rows=tuple(_rows(as_is, width, count, costs)),
        why="; ".join(filter(None, (as_is.step.reason, as_is.step.remedy and f"told by {as_is.step.remedy}"))),
        equal=f"threads that equal the clock: {_AS_MEASURED}",
        notes=(*_notes(examined, run, data["blocks"]), *_costs(costs)),
        data=embedded(data),
    )


def _rows(as_is: Forecast, width: int, threads: int, costs: Mapping[str, Cost]) -> Iterator[Row]:
    """What whatif.js shows where nothing is changed; `threads` is the fewest."""
    rate = inverse(as_is.step)
    yield _row("step", "time per step, ms", as_is.step.scaled(1e3, "ms"))
    yield _row("steps", "steps per second", rate)
    yield _row("lanes", "lanes per second", rate.scaled(width, "1/s"))
    yield _row("speedup", f"speed-up over {wording.threads(threads)} of this machine", as_is.speedup)
    yield _row("equal", "threads that equal the clock", Estimate.unknown(_AS_MEASURED))
    for name, cost in costs.items():
        million = 1e6 * cost.at(threads) / (per_hour(1.0) if name == "price" else 1.0)
        yield _row(name, _COSTS[name], as_is.step.scaled(million, "1" if name == "price" else "J"))


def _row(name: str, label: str, estimate: Estimate) -> Row:
    return Row(name, label, tuple(map(four_digits, (estimate.value, estimate.low, estimate.high))))


def four_digits(number: float | None) -> str:
    """Four digits, as whatif.js shows them."""
    import numpy as np

    return "\N{EN DASH}" if number is None else np.format_float_positional(float(f"{number:.4g}"), trim="-")


def _acts(effect: Effects, name: str) -> bool:
    return any(getattr(way, name) for way in effect.ways)


def _widths(outlook: Outlook) -> list[int]:
    """The measured widths, what lies halfway between them (in ratio), and as far again as `_FARTHER` beyond."""
    known = sorted({int(cell.width) for cell in outlook.fitted.curves.cells})
    ends = [max(1, known[0] // _FARTHER), *known, known[-1] * _FARTHER]
    between = [round((low * high) ** 0.5) for low, high in itertools.pairwise(ends)]
    return sorted({*ends, *between})


def _thread_counts(outlook: Outlook, usable: int) -> list[int]:
    """The measured counts and all that this machine or a larger one runs at once, as far as the stops are apart."""
    most = 2 * max(usable, *outlook.threads)
    return sorted({*outlook.threads, usable, most, *(count for count in _THREADS if count <= most)})


def _start(outlook: Outlook, name: str, stops: Sequence[float]) -> int:
    """Which stop is what was measured: of the widths the one in the middle, of the threads the fewest."""
    if name == "width":
        known = sorted({cell.width for cell in outlook.fitted.curves.cells})
        return list(stops).index(known[len(known) // 2])
    return list(stops).index(min(outlook.threads) if name == "threads" else 1.0)


def _sliders(family: FamilyAnalysis, data: dict[str, Any]) -> Iterator[Slider]:
    names = {**_NAMES, "threads": "threads", "width": f"width, {wording.plain(family.description.width_name)}"}
    for name in _ORDER:
        if name in data["stops"]:
            start, stops = data["start"][name], data["stops"][name]
            shown = str(stops[start]) if name in ("threads", "width") else f"x{stops[start]:g}"
            yield Slider(name, wording.shorten(names[name], 40), start, len(stops) - 1, shown)


def _notes(examined: Examined, run: StoredRun, blocks: int) -> Iterator[str]:
    from serialprof.model.whatif import clock_note
    from serialprof_reports.whatifdata import MOST_DRAWS

    yield clock_note(examined)
    if blocks > MOST_DRAWS:
        yield (
            f"intervals are by {MOST_DRAWS} of its {blocks} blocks, evenly apart; serialprof whatif takes all of them"
        )
    yield (
        f"beyond {run.machine.usable} threads: as if so many could run at once, each on a core of its own; this "
        f"machine runs {run.machine.usable}"
    )


def _costs(costs: Mapping[str, Cost]) -> Iterator[str]:
    """What was given of costs."""
    units = {"price": ("", "an hour costs"), "watts": (" W", "the machine draws")}
    for name, cost in costs.items():
        unit, what = units[name]
        yield f"{what} {cost.base:g}{unit} and {cost.per_thread:g}{unit} for every thread, at x1"
