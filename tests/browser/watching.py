# SPDX-License-Identifier: Apache-2.0
"""What every test in a browser needs: the browser's place, a tab that listens, and what is asked of a page."""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on PATH (Debian: apt-get install chromium)"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]
OPEN = "document.querySelectorAll('details').forEach(item => { item.open = true; })"
#: Elements that stick out of the screen, but for what lies in a container that scrolls on its own.
OVERFLOWING = """() => [...document.querySelectorAll("body *")]
    .filter(element => !element.parentElement.closest(".scroll, svg"))
    .filter(element => element.getBoundingClientRect().right > innerWidth + 0.5)
    .map(element => element.outerHTML.slice(0, 100))"""
#: Of the page, by scheme.
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}
#: Pixels between the margins of a printed A4 page, and what reaches beyond them, scrolling containers included.
PAPER = 718
STICKING_OUT = """() => [...document.querySelectorAll("body *")]
    .filter(element => !element.parentElement.closest("svg"))
    .filter(element => element.getBoundingClientRect().right > innerWidth + 0.5)
    .map(element => element.outerHTML.slice(0, 100))"""


class Watched:
    """A tab that notes every request but the page itself, and everything on the console.

    Args:
        browser: that opens it.
        path: of the page.
        scheme: "light" or "dark".
        width: of the screen, in pixels.
        script: run before the page's own.
    """

    def __init__(self, browser: Browser, path: Path, scheme: str, width: int, script: str = "") -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        self.requests: list[str] = []
        self.messages: list[str] = []
        own = path.as_uri()
        if script:
            self.page.add_init_script(script)
        self.page.on("request", lambda request: self._note(request.url, own))
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.goto(own)

    def _note(self, url: str, own: str) -> None:
        if url != own and not url.startswith("data:"):
            self.requests.append(url)

    def screens(self) -> Iterator[tuple[str, int]]:
        """Puts the page on a narrow and a wide screen, light and dark; yields what it is on.

        Yields:
            scheme: "light" or "dark".
            width: of the screen, in pixels.
        """
        for width in (390, 1280):
            for scheme in ("light", "dark"):
                self.page.set_viewport_size({"width": width, "height": 900})
                self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                yield scheme, width

    def check_quiet_and_fits(self) -> None:
        """The page, all of it open, fits every screen, follows the scheme, asked for nothing and logged nothing."""
        self.page.evaluate(OPEN)
        for scheme, width in self.screens():
            across = self.page.evaluate("document.documentElement.scrollWidth")
            assert across <= width, (scheme, across, width)
            assert (out := self.page.evaluate(OVERFLOWING)) == [], (scheme, width, out)
            assert self.colour() == BACKGROUNDS[scheme], (scheme, self.colour())
        assert self.requests == [], self.requests
        assert self.messages == [], self.messages

    def colour(self) -> str:
        return str(self.page.evaluate("getComputedStyle(document.body).backgroundColor"))


def written(folder: Path, pages: Mapping[str, str]) -> dict[str, Path]:
    """Writes pages into a folder; their files by name."""
    paths = {name: folder / f"{name}.html" for name in pages}
    for name, path in paths.items():
        path.write_text(pages[name], encoding="utf-8")
    return paths
