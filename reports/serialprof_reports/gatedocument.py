# SPDX-License-Identifier: Apache-2.0
"""What the pages of a gate and of its history share: the environment and the policy of a run's page."""

from __future__ import annotations

from typing import Final

from serialprof_reports.html import _environment, _policy, _template

#: Files in templates/ that become a page's one style and its one script.
_STYLES: Final = ("page.css", "gate.css")
_SCRIPTS: Final = ("page.js",)


def document(template: str, **context: object) -> str:
    """A page as one HTML document, under the same Content-Security-Policy as that of a run."""
    from markupsafe import Markup

    style, script = ("".join(map(_template, names)) for names in (_STYLES, _SCRIPTS))
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
