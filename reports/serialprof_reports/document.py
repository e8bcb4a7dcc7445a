# SPDX-License-Identifier: Apache-2.0
"""A page as one self-contained document: its own style and script, a policy that allows nothing else, all escaped."""

from __future__ import annotations

import base64
import gc
import hashlib
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jinja2 import Environment


@contextmanager
def uncollected() -> Iterator[None]:
    """Python looks for no garbage meanwhile: all that a page is made of is needed until it is written.

    Looking through it again and again takes a tenth of the time of a large run's page.
    """
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looking:
            gc.enable()


def document(template: str, styles: Sequence[str], scripts: Sequence[str], **context: object) -> str:
    """A template with everything that it needs inside it.

    Its Content-Security-Policy allows nothing but its own style and script, by their hashes, and data: images.

    Args:
        template: a file in templates/; it prints `policy`, `style` and `script`, and what it is given.
        styles: files in templates/ that become the page's one style.
        scripts: files in templates/ that become the page's one script.
        context: the template's other variables. What is no markup is escaped.
    """
    from markupsafe import Markup

    style, script = ("".join(map(_source, names)) for names in (styles, scripts))
    return (
        _environment()
        .get_template(template)
        .render(
            policy=_policy(style, script),
            style=Markup(style),  # noqa: S704 - the package's own file
            script=Markup(script),  # noqa: S704 - the package's own file
            **context,
        )
    )


def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_printable,
    )


def _source(name: str) -> str:
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
