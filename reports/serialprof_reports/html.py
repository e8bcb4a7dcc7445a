# SPDX-License-Identifier: Apache-2.0
"""One self-contained page of a run: no network request, no inline style, readable offline, in print and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof_reports import wording
from serialprof_reports.cards import card
from serialprof_reports.document import document, uncollected
from serialprof_reports.machinetables import limit_tables
from serialprof_reports.machinewording import machine_facts, machine_line
from serialprof_reports.reproduction import reproduction

if TYPE_CHECKING:
    from serialprof.question import Cost
    from serialprof.view import Run

_STYLES: Final = ("page.css", "whatif.css")
_SCRIPTS: Final = ("page.js", "whatif.js")


@uncollected()
def html(run: Run, price: Cost | None = None, watts: Cost | None = None) -> str:
    """The page as one HTML document.

    Args:
        run: a run.
        price: of an hour by threads: the sliders tell what a step costs.
        watts: drawn by threads: the sliders tell what energy a step takes.
    """
    from serialprof.model import doctor
    from serialprof_reports.sections import sections
    from serialprof_reports.whatifpage import whatifs

    stored, analysis = run.stored, run.analysis
    return document(
        "page.html.j2",
        _STYLES,
        _SCRIPTS,
        host=stored.machine.host,
        where=", ".join([machine_line(stored), *(gpu.name for gpu in stored.machine.gpus)]),
        started=wording.date(stored.started),
        status=stored.status,
        quick=stored.plan.quick,
        cards=tuple(map(card, analysis.families)),
        whatifs=whatifs(run, price, watts),
        machine=machine_facts(stored),
        limits=limit_tables(stored),
        doctor=doctor.findings(stored),
        sections=sections(stored, analysis, run.examined),
        reproduction=reproduction(run),
    )
