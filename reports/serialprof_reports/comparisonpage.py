# SPDX-License-Identifier: Apache-2.0
"""One self-contained page of a comparison: no network request, readable offline, in print and on a phone."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from serialprof_reports import comparisontables as tables
from serialprof_reports import comparisonwording as told
from serialprof_reports import wording
from serialprof_reports.comparison import json
from serialprof_reports.document import document
from serialprof_reports.reproduction import packed

if TYPE_CHECKING:
    from serialprof.model.comparison.records import Comparison, Pair, Side
    from serialprof.question import Cost
    from serialprof_reports.pageparts import Facts

_STYLES: Final = ("page.css", "compare.css")
_SCRIPTS: Final = ("page.js", "compare.js")


@dataclass(frozen=True, slots=True)
class _Run:
    """A run as the page introduces it."""

    label: str
    name: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a pair says in a sentence, what stands in the way of it, and what is not told."""

    title: str
    sentence: str
    warnings: tuple[str, ...]
    facts: Facts


def html(comparison: Comparison) -> str:
    """The page as one HTML document, under the same Content-Security-Policy as that of a run."""
    from serialprof_reports.comparisonsections import sections

    return document(
        "compare.html.j2",
        _STYLES,
        _SCRIPTS,
        title=_title(comparison),
        answers=tuple(map(_answer, comparison.pairs)),
        runs=tuple(map(_run, comparison.sides)),
        differences=tuple(table for pair in comparison.pairs for table in tables.mismatches(pair)),
        sections=sections(comparison),
        points=tuple(map(tables.every_point, comparison.pairs)),
        legend=told.LEGEND,
        command=_command(comparison),
        data=f"data:application/gzip;base64,{packed(json(comparison))}",
    )


def _title(comparison: Comparison) -> str:
    """The files without their folders: "b against a"."""
    first, *others = (PurePath(side.name).stem for side in comparison.sides)
    return f"{', '.join(others)} against {first}"


def _answer(pair: Pair) -> _Answer:
    facts = [("comparable", told.alone(pair))]
    facts += [("not told", text) for text in told.untold([pooled for _, pooled in told.products(pair)])]
    return _Answer(f"{pair.second} against {pair.first}", pair.verdict, pair.warnings, tuple(facts))


def _run(side: Side) -> _Run:
    facts = [
        ("file", side.name),
        ("processor", side.processor),
        ("cores", told.cores(side)),
        ("clock", told.clock(side)),
        ("hypervisor", side.hypervisor or "none known"),
        *(("GPU", name) for name in side.gpus),
        ("host", side.host),
        ("measured", wording.date(side.started)),
        ("points", str(side.points)),
        ("run id", side.run_id),
        *([("price", told.price(side.price))] if side.price is not None else []),
    ]
    return _Run(side.label, PurePath(side.name).stem, tuple(facts))


def _command(comparison: Comparison) -> str:
    """What makes the page again."""
    prices = [option for side in comparison.sides if side.price for option in ("--price", _written(side.price))]
    names = [side.name for side in comparison.sides]
    return shlex.join(["serialprof", "compare", *names, *prices, "--format", "html"])


def _written(price: Cost) -> str:
    return f"{price.base:g}+{price.per_thread:g}"
