# SPDX-License-Identifier: Apache-2.0
"""The page of a comparison in a real browser: quiet, within the screen, sorted from the keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from serialprof.model.comparison.comparing import compare
from serialprof.store import read_run
from serialprof_reports.comparisonpage import html
from tests.browser.watching import MARKS, PAPER, STICKING_OUT, Watched, written
from tests.reports.comparisons import PRICES, compared, evil

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from serialprof.model.comparison.records import Comparison

pytestmark = MARKS
EXAMPLES = Path(__file__).parents[2] / "docs/examples"
#: Place of the ratio's column.
RATIO = 4
DOUBLE = """() => [...document.querySelectorAll("[id]")].map(element => element.id)
    .filter((id, place, all) => all.indexOf(id) !== place)"""


def examples() -> Comparison:
    """The stored examples at prices: cells as long as real ones."""
    paths = [EXAMPLES / f"amd-epyc-2-cores{name}.serialprof" for name in ("", "-avx2")]
    return compare([read_run(path) for path in paths], [path.name for path in paths], PRICES, fitted=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("comparisons")
    pages = {
        "two": html(compared(1.5, 1.0, prices=PRICES)),
        "evil": html(evil()),
        "stored": html(examples()),
    }
    return written(folder, pages)


@pytest.mark.parametrize("name", ["two", "evil"])
def test_the_page_is_quiet_and_fits(browser: Browser, files: dict[str, Path], name: str) -> None:
    tab = Watched(browser, files[name], "light", 390)
    tab.check_quiet_and_fits()
    assert tab.page.evaluate(DOUBLE) == []
    tab.page.close()


def keys(page: Page, column: int = RATIO) -> list[float]:
    return [float(key) for key in page.evaluate(f"{ROWS}.map(row => row.cells[{column}].dataset.key)")]


ROWS = "[...document.querySelector('table.sortable').tBodies[0].rows]"


def test_the_table_is_sorted_from_the_keyboard_and_says_so(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["two"], "light", 390)
    before = keys(tab.page)
    head = tab.page.locator("table.sortable thead th").nth(RATIO)
    head.locator("button").focus()
    tab.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert keys(tab.page) == sorted(before) != before
    tab.page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert keys(tab.page) == sorted(before, reverse=True)
    tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    widths = keys(tab.page, RATIO - 1)
    assert widths == sorted(widths)
    assert len(keys(tab.page)) == len(before)
    assert tab.messages == []
    tab.page.close()


def test_words_are_sorted_as_words_and_what_is_not_known_comes_last(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["two"], "light", 1280)
    tab.page.evaluate(f"{ROWS}[0].cells[{RATIO}].dataset.key = ''")
    heads = tab.page.locator("table.sortable thead th button")
    for _ in range(2):
        heads.nth(RATIO).click()
        assert tab.page.evaluate(f"{ROWS}.at(-1).cells[{RATIO}].dataset.key") == ""
    heads.nth(1).click()
    forms = tab.page.evaluate(f"{ROWS}.map(row => row.cells[1].textContent)")
    assert forms == sorted(forms) and len(set(forms)) == 2
    tab.page.close()


def test_the_page_is_complete_without_script(browser: Browser, files: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["two"].as_uri())
    assert page.locator("table.sortable button").count() == 0
    assert page.locator("table.sortable thead th").first.text_content() == "family"
    assert page.locator("svg").first.is_visible()
    assert not page.locator("#theme").is_visible()
    context.close()


def test_all_of_it_is_printed_in_light_colours_with_its_headings(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["stored"], "dark", PAPER)
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.page.emulate_media(media="print")
    assert tab.colour() == "rgb(255, 255, 255)"
    assert tab.page.evaluate(STICKING_OUT) == []
    assert tab.page.locator("details:not([open])").count() == 0
    assert tab.page.locator("table.sortable thead button").first.is_visible()
    assert not tab.page.locator("#theme").is_visible()
    tab.page.close()


def test_the_data_can_be_downloaded_from_the_page(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["two"], "light", 1280)
    with tab.page.expect_download() as waiting:
        tab.page.locator("#download").click()
    assert waiting.value.suggested_filename == "serialprof-comparison.json.gz"
    tab.page.close()
