# SPDX-License-Identifier: Apache-2.0
"""What the page's sliders compute with: a family's fit at the stops of its sliders, as JSON beside the page's script.

templates/whatif.js says what a step takes under other conditions as `serialprof.model.whatif` does. It is given what
does not depend on the change of the machine: regressors, covariances, what was measured per block, and the sentences.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from serialprof.question import Change
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.model.examination import Examined
    from serialprof.model.forecast.conditions import Effects
    from serialprof.model.forecast.outlook import Outlook
    from serialprof.model.results import FamilyAnalysis
    from serialprof.store import StoredRun
    from serialprof.view import Run

_ON_DEVICE: Final = (
    "no sliders: the fit over widths does not hold the parts of a step on its device; the section below has what other "
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
}


@dataclass(frozen=True, slots=True)
class Slider:
    """A slider of a family.

    Attributes:
        name: "width", "threads", or a field of `Change`.
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
class WhatIf:
    """The sliders of one family.

    Attributes:
        anchor: the prefix of its ids.
        label: the family.
        refusal: why there are no sliders, empty where there are.
        sliders: empty where there are none.
        rows: what is told, each the name of a row of the table and what it is called.
        notes: what holds for all of it, each a clause.
        data: JSON for whatif.js that may stand in a script element as it is, empty where there are no sliders.
    """

    anchor: str
    label: str
    refusal: str = ""
    sliders: tuple[Slider, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    data: str = ""


def whatifs(run: Run) -> list[WhatIf]:
    """The sliders of every family of a run, in the order of the plan."""
    fits = {examined.times.family: examined for examined in run.examined}
    return [
        _whatif(run.stored, fits[family.family], family, f"whatif-{number}")
        for number, family in enumerate(run.analysis.families)
        if family.family in fits
    ]


def embedded(data: object) -> str:
    """Data as JSON that ends no script element and opens no comment, whatever its strings hold; all of it is ASCII."""
    import json

    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _whatif(run: StoredRun, examined: Examined, family: FamilyAnalysis, anchor: str) -> WhatIf:
    label = wording.shorten(wording.label(family), 80)
    if family.device is not None:
        return WhatIf(anchor, label, _ON_DEVICE)
    if examined.outlook is None:
        return WhatIf(anchor, label, f"no sliders: {examined.refusal}")
    from serialprof_reports.whatifdata import family_data

    widths, threads = _widths(examined.outlook), _thread_counts(examined.outlook, examined.usable)
    data, effects = family_data(examined, widths, threads)
    acting = [field.name for field in fields(Change) if any(_acts(effect, field.name) for effect in effects)]
    stops = {"width": widths, "threads": threads, **{name: _CLOCKS if name == "clock" else _FACTORS for name in acting}}
    data |= {"stops": stops, "start": {name: _start(examined.outlook, name, stops[name]) for name in stops}}
    rows = (
        ("step", "time per step, ms"),
        ("steps", "steps per second"),
        ("lanes", "lanes per second"),
        ("speedup", f"speed-up over {wording.threads(min(examined.outlook.threads))} of this machine"),
        ("equal", "threads that equal the clock"),
    )
    return WhatIf(anchor, label, "", tuple(_sliders(family, data)), rows, tuple(_notes(examined, run)), embedded(data))


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
    order = ("clock", "threads", "width", "dispatch", "memory_latency", "bandwidth", "barrier")
    for name in order:
        if name in data["stops"]:
            start, stops = data["start"][name], data["stops"][name]
            shown = str(stops[start]) if name in ("threads", "width") else f"x{stops[start]:g}"
            yield Slider(name, wording.shorten(names[name], 40), start, len(stops) - 1, shown)


def _notes(examined: Examined, run: StoredRun) -> Iterator[str]:
    from serialprof.model.whatif import clock_note

    yield clock_note(examined)
    yield (
        f"beyond {run.machine.usable} threads: as if so many could run at once, each on a core of its own; this "
        f"machine runs {run.machine.usable}"
    )
