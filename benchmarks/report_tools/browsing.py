# SPDX-License-Identifier: Apache-2.0
"""What a headless Chromium says of a page."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PHONE = 390
LOADS = 7
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
READY = "performance.getEntriesByType('navigation')[0].loadEventEnd"
DUPLICATES = """() => { const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
    return ids.length - new Set(ids).size; }"""
#: Right end in pixels of what sticks out farthest, but for what lies in a container that scrolls on its own.
WIDEST = """() => Math.max(...[...document.querySelectorAll("body *")]
    .filter(element => !element.parentElement.closest(".scroll, svg"))
    .map(element => element.getBoundingClientRect().right))"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A page as a browser sees it.

    Attributes:
        requests: addresses that it asked for besides its own.
        ready: milliseconds from the start of navigation to the end of its load event; the median of LOADS loads.
        readies: of every load, in order.
        duplicates: ids that an earlier element has.
        widest: right end in pixels of the widest element on a screen of PHONE pixels.
        scrolls: pixels by which that screen scrolls sideways.
    """

    requests: int
    ready: float
    readies: tuple[float, ...]
    duplicates: int
    widest: float
    scrolls: float


def look(page_file: Path) -> Seen | None:
    """Opens a page, None where there is no Chromium or Playwright."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if chromium is None:
        return None
    address, requests, readies = page_file.resolve().as_uri(), [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        for _ in range(LOADS):
            page = browser.new_page()
            page.on("request", lambda request: requests.append(request.url))
            page.goto(address, wait_until="load")
            page.wait_for_function(f"{READY} > 0")
            readies.append(page.evaluate(READY))
            page.close()
        page = browser.new_page(viewport={"width": PHONE, "height": 844})
        page.goto(address, wait_until="load")
        duplicates, widest = page.evaluate(DUPLICATES), page.evaluate(WIDEST)
        scrolls = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        browser.close()
    others = {url for url in requests if url != address and not url.startswith("data:")}
    return Seen(len(others), median(readies), tuple(readies), duplicates, widest, scrolls)
