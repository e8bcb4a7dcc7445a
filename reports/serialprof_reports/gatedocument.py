# SPDX-License-Identifier: Apache-2.0
"""What the pages of a gate and of its history share: their style and script."""

from __future__ import annotations

from typing import Final

from serialprof_reports.document import document

_STYLES: Final = ("page.css", "gate.css")
_SCRIPTS: Final = ("page.js",)


def gate_document(template: str, **context: object) -> str:
    """A page as one HTML document, under the same Content-Security-Policy as that of a run."""
    return document(template, _STYLES, _SCRIPTS, **context)
