# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: no request, no console message, nothing wider than the screen."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from serialprof.model.results import Analysis
from serialprof_reports.html import html
from tests.browser.watching import MARKS, OPEN, PAPER, STICKING_OUT, Watched, written

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = MARKS
MARKUP = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    sys.path.insert(0, str(Path(__file__).parent.parent / "reports"))
    import made

    run = made.stored_run()
    word = "w" * 10_000
    shape = made.replace(made.LSTM, name=word, width_name=word)
    strange = made.replace(made.stored_run((shape,), host=word), command=("serialprof", "run", word))
    emoji = made.replace(made.LSTM, name="\N{GRINNING FACE}" * 10_000, width_name="\N{GRINNING FACE}" * 10_000)
    smiling = made.stored_run((emoji,), host="\N{GRINNING FACE}" * 10_000, thread_counts=(1, 2, 4, 8))
    markup = made.replace(made.LSTM, name=MARKUP, width_name=MARKUP, depth_name=MARKUP, hatch=MARKUP)
    marked = made.replace(made.stored_run((markup,), host=MARKUP), command=("serialprof", "run", MARKUP))
    pages = {
        "default": html(made.view(run, made.analysis(run))),
        "emoji": html(made.view(smiling, made.analysis(smiling, (emoji,)))),
        "mixed": html(
            made.view(
                run,
                Analysis(
                    (
                        made.with_stand_ins(made.family(run, made.LIFE)),
                        made.unknown_family(run, made.LSTM, "too few widths"),
                    )
                ),
            ),
        ),
        "long words": html(made.view(strange, made.analysis(strange, (shape,)))),
        "markup": html(made.view(marked, made.analysis(marked, (markup,)))),
        "empty": html(made.view(run, Analysis(()))),
    }
    return written(tmp_path_factory.mktemp("pages"), pages)


@pytest.mark.parametrize("name", ["default", "mixed", "long words", "emoji", "markup", "empty"])
def test_page_is_quiet_and_fits(browser: Browser, files: dict[str, Path], name: str) -> None:
    tab = Watched(browser, files[name], "light", 390)
    tab.check_quiet_and_fits()
    tab.page.close()


@pytest.mark.parametrize(("scheme", "light"), [("light", True), ("dark", False)])
def test_page_follows_the_system_and_the_toggle(
    browser: Browser, files: dict[str, Path], scheme: str, light: bool
) -> None:
    tab = Watched(browser, files["default"], scheme, 1280)
    white, black = "rgb(255, 255, 255)", "rgb(20, 23, 26)"
    button = tab.page.locator("#theme")
    assert tab.colour() == (white if light else black)
    for text, colour in (("Theme: light", white), ("Theme: dark", black), ("Theme: auto", white if light else black)):
        button.click()
        assert button.text_content() == text
        assert tab.colour() == colour
    assert tab.messages == []
    tab.page.close()


def test_figures_take_the_colours_of_the_theme(browser: Browser, files: dict[str, Path]) -> None:
    strokes = []
    for scheme in ("light", "dark"):
        tab = Watched(browser, files["default"], scheme, 1280)
        strokes.append(tab.page.evaluate("getComputedStyle(document.querySelector('svg .s-series-0')).stroke"))
        tab.page.close()
    assert strokes == ["rgb(0, 114, 178)", "rgb(86, 180, 233)"]


def test_page_is_complete_without_script(browser: Browser, files: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["default"].as_uri())
    assert not page.locator("#theme").is_visible()
    assert page.locator("svg").first.is_visible()
    context.close()


def test_the_analysis_can_be_downloaded_from_the_page(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["default"], "light", 1280)
    with tab.page.expect_download() as waiting:
        tab.page.locator("#download").click()
    document = json.loads(gzip.decompress(waiting.value.path().read_bytes()))
    assert waiting.value.suggested_filename == "serialprof-0123456789ab.json.gz"
    assert document["schema"]["name"] == "serialprof.analysis"
    assert tab.messages == []
    tab.page.close()


def test_markup_in_names_is_shown_as_text(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["markup"], "light", 390)
    assert tab.page.locator("h1").text_content() == MARKUP
    assert tab.page.locator(".card h3").first.text_content() == MARKUP
    assert MARKUP in (tab.page.locator("#command").text_content() or "")
    assert tab.page.locator("img").count() == 0
    assert tab.messages == []
    tab.page.close()


def test_everything_folded_away_is_printed_and_folded_again(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["default"], "light", 1280)
    assert tab.page.locator("figure details[open]").count() == 0
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.page.locator("details:not([open])").count() == 0
    assert tab.page.locator("table").last.is_visible()
    tab.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.page.locator("figure details[open]").count() == 0
    tab.page.close()


def test_what_is_far_below_is_laid_out_later_but_printed(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["default"], "light", 1280)
    laid_out = """[...document.querySelectorAll('svg')].map(
        item => item.checkVisibility({ contentVisibilityAuto: true })).filter(Boolean).length"""
    figures = tab.page.locator("svg").count()
    # What is laid out is known a frame or two after the page was loaded, or its medium changed.
    frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    tab.page.evaluate(frames)
    assert tab.page.evaluate(laid_out) < figures / 2
    tab.page.emulate_media(media="print")
    tab.page.evaluate(frames)
    assert tab.page.evaluate(laid_out) == figures
    tab.page.close()


@pytest.mark.parametrize("name", ["default", "long words", "emoji"])
def test_paper_is_light_and_nothing_is_cut(browser: Browser, files: dict[str, Path], name: str) -> None:
    tab = Watched(browser, files[name], "dark", PAPER)
    tab.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    tab.page.emulate_media(media="print")
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.colour() == "rgb(255, 255, 255)"
    assert tab.page.evaluate("getComputedStyle(document.querySelector('svg .s-series-0')).stroke") == "rgb(0, 114, 178)"
    assert tab.page.locator("button:visible, nav:visible, input:visible").count() == 0
    assert tab.page.evaluate(STICKING_OUT) == []
    breaks = "[...document.querySelectorAll('svg')].map(item => getComputedStyle(item).breakInside)"
    assert set(tab.page.evaluate(breaks)) == {"avoid"}
    assert tab.page.pdf(format="A4").startswith(b"%PDF")
    assert tab.messages == []
    tab.page.close()


def test_the_page_is_short_at_first_sight(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["default"], "light", 1280)
    height = tab.page.evaluate("document.documentElement.scrollHeight")
    tab.page.evaluate(OPEN)
    assert height < 8000 < tab.page.evaluate("document.documentElement.scrollHeight")
    tab.page.close()


def test_copy_button_answers(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["default"], "light", 1280)
    button = tab.page.locator("#copy")
    button.click()
    tab.page.wait_for_function("document.getElementById('copy').textContent !== 'Copy'")
    assert button.text_content() in ("Copied", "Selected")
    tab.page.close()
