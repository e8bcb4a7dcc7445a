# SPDX-License-Identifier: Apache-2.0
"""The pages of a gate and of its history in a real browser: quiet, and within the screen."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from serialprof_reports.gatehistorypage import html as history_page
from serialprof_reports.gatepage import html
from tests.browser.watching import MARKS, Watched, written
from tests.gating import made
from tests.reports import test_gatehistory as histories

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = MARKS


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("gates")
    pages = {"failing": html(made.failing()), "hostile": html(made.hostile()), "nothing": html(made.report())}
    if importlib.util.find_spec("ruptures") is not None:
        pages |= {"history": history_page(histories.whole()), "hostile history": history_page(histories.hostile())}
    return written(folder, pages)


@pytest.mark.parametrize("name", ["failing", "hostile", "nothing", "history", "hostile history"])
def test_the_page_is_quiet_and_fits(browser: Browser, files: dict[str, Path], name: str) -> None:
    if name not in files:
        pytest.skip("ruptures is not installed")
    tab = Watched(browser, files[name], "light", 390)
    tab.check_quiet_and_fits()
    tab.page.close()


def test_the_command_can_be_copied(browser: Browser, files: dict[str, Path]) -> None:
    tab = Watched(browser, files["failing"], "light", 1280)
    button = tab.page.locator("#copy")
    button.click()
    tab.page.wait_for_function("document.getElementById('copy').textContent !== 'Copy'")
    assert button.text_content() in ("Copied", "Selected")
    assert tab.page.locator("#command").text_content() == (
        "serialprof gate --base-ref origin/main --install 'pip install .'"
    )
    assert tab.messages == []
    tab.page.close()


def test_the_verdict_is_seen_without_script_and_at_first_sight(browser: Browser, files: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(files["failing"].as_uri())
    box = page.locator(".overall").bounding_box()
    assert box is not None and box["y"] + box["height"] < 800
    context.close()
