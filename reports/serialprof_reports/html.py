# SPDX-License-Identifier: Apache-2.0
"""One self-contained page of a run: no network request, no inline style, readable offline, in print and on a phone."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from serialprof_reports import wording
from serialprof_reports.cards import card
from serialprof_reports.machinetables import limit_tables
from serialprof_reports.reproduction import reproduction

if TYPE_CHECKING:
    from jinja2 import Environment

    from serialprof.question import Cost
    from serialprof.view import Run

#: Files in templates/ that become the page's one style and its one script.
_STYLES: Final = ("page.css", "whatif.css")
_SCRIPTS: Final = ("page.js", "whatif.js")


def html(run: Run, price: Cost | None = None, watts: Cost | None = None) -> str:
    """The page as one HTML document.

    Its Content-Security-Policy allows nothing but its own style and script, by their hashes, and data: images.

    Args:
        run: a run.
        price: of an hour by threads: the sliders tell what a step costs.
        watts: drawn by threads: the sliders tell what energy a step takes.
    """
    from markupsafe import Markup

    from serialprof.model import doctor
    from serialprof_reports.sections import sections
    from serialprof_reports.whatifpage import whatifs

    stored, analysis = run.stored, run.analysis
    style, script = ("".join(map(_template, names)) for names in (_STYLES, _SCRIPTS))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            policy=_policy(style, script),
            style=Markup(style),  # noqa: S704 - the package's own file
            script=Markup(script),  # noqa: S704 - the package's own file
            host=stored.machine.host,
            started=wording.date(stored.started),
            status=stored.status,
            quick=stored.plan.quick,
            cards=tuple(map(card, analysis.families)),
            whatifs=whatifs(run, price, watts),
            machine=wording.machine_facts(stored),
            limits=limit_tables(stored),
            doctor=doctor.findings(stored),
            sections=sections(stored, analysis),
            reproduction=reproduction(run),
        )
    )


def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_printable,
    )


def _template(name: str) -> str:
    return (files("serialprof_reports") / "templates" / name).read_text("utf-8")


def _printable(value: object) -> object:
    """Applied to every expression of the template: text of a run loses its control characters, markup stays."""
    return wording.plain(value) if type(value) is str else value


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
