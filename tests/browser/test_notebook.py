# SPDX-License-Identifier: Apache-2.0
"""What a notebook shows, in a real browser: quiet, within a phone's screen, and legible in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from serialprof.view import load
from serialprof_reports import notebook
from serialprof_reports.notebookprogress import progress
from tests.browser.watching import MARKS, OVERFLOWING, Watched, written

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = MARKS
EXAMPLES: Final = Path(__file__).parents[2] / "docs/examples"
#: A front end's theme: what it puts behind an output and in what colour it writes.
THEMES: Final = {"light": ("#ffffff", "#111111"), "dark": ("#111111", "#eeeeee")}
COLOURS: Final = """() => [...document.querySelectorAll(".serialprof :is(p, td, th, caption)")]
    .map(element => getComputedStyle(element).color)"""
TRACKS: Final = """() => [...document.querySelectorAll(".sp-stack")].map(stack => {
    const lengths = [...stack.children].map(part => part.getBoundingClientRect().width);
    return [stack.getBoundingClientRect().width, lengths.reduce((sum, each) => sum + each, 0)]; })"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    run = load(EXAMPLES / "amd-epyc-2-cores.serialprof")
    outputs = [
        notebook.run(run),
        notebook.run(run),  # the same cell executed twice
        notebook.attribution(run.attribution("lstm", width=1)),
        notebook.verdict(run.verdict("life")),
        progress("sampling lstm W=16 p=1 serial, at most 12 s left", 0.4, ["skipped: needy needs torch"]),
    ]
    pages = {
        theme: f'<!doctype html><meta name="viewport" content="width=device-width"><body style="margin: 8px; '
        f'background: {paper}; color: {ink}; font: 14px sans-serif">{"<hr>".join(outputs)}</body>'
        for theme, (paper, ink) in THEMES.items()
    }
    return written(tmp_path_factory.mktemp("outputs"), pages)


@pytest.mark.parametrize("theme", THEMES)
def test_outputs_are_quiet_fit_every_screen_and_take_the_theme_of_their_notebook(
    theme: str, files: dict[str, Path], browser: Browser
) -> None:
    watched = Watched(browser, files[theme], theme, 390)
    for _ in watched.screens():  # of the system, whose theme is not the notebook's
        assert watched.page.evaluate(OVERFLOWING) == []
        ink = int(THEMES[theme][1][1:3], 16)
        assert set(watched.page.evaluate(COLOURS)) == {f"rgb({ink}, {ink}, {ink})"}
    assert watched.requests == [] and watched.messages == []
    watched.page.close()


def test_segments_of_a_bar_stay_within_it(files: dict[str, Path], browser: Browser) -> None:
    watched = Watched(browser, files["light"], "light", 390)
    tracks = watched.page.evaluate(TRACKS)
    assert len(tracks) > 10
    assert all(drawn <= length + 0.5 for length, drawn in tracks)
    watched.page.close()
