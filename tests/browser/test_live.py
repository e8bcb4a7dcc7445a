# SPDX-License-Identifier: Apache-2.0
"""The page of live loops in a real browser: quiet, and within the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.watching import MARKS, Watched, written
from tests.live.test_reports import ALL

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = MARKS


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return written(tmp_path_factory.mktemp("live"), {name: make().render("html") for name, make in ALL.items()})


@pytest.mark.parametrize("name", ALL)
def test_the_page_is_quiet_and_fits(browser: Browser, files: dict[str, Path], name: str) -> None:
    tab = Watched(browser, files[name], "light", 390)
    tab.check_quiet_and_fits()
    tab.page.close()
