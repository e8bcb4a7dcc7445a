# SPDX-License-Identifier: Apache-2.0
"""The what-if sliders in a real browser: their numbers are those of `serialprof.model.whatif`."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from serialprof.model.whatif import Prediction
from serialprof.question import Change, Cost, Question
from serialprof.store import read_run
from serialprof.view import Run
from serialprof_reports.html import html
from serialprof_reports.whatifdata import MOST_DRAWS
from tests.browser.watching import MARKS, OPEN, Watched
from tests.model import builder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ElementHandle, Page

    from serialprof.estimate import Estimate
    from serialprof.store import StoredRun

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "amd-epyc-2-cores.serialprof"
SETTINGS = 25
#: Half a unit in the fourth digit, relatively, at worst.
FOUR_DIGITS = 5e-5
pytestmark = MARKS
#: Where not all blocks are embedded, the ends of an interval may lie elsewhere by such a share of it.
OF_INTERVAL = 0.04
PRICE, WATTS = Cost(0.05, 0.04), Cost(20, 4.5)
#: Counts how often the page reads JSON.
COUNT = """window.parsed = 0;
    const parse = JSON.parse;
    JSON.parse = (...all) => { window.parsed += 1; return parse(...all); };"""
#: Sets every slider of a panel to a stop, and reads what is shown.
ASK = """(panel, stops) => {
    const sliders = [...panel.querySelectorAll("input")];
    sliders.forEach(slider => { slider.value = stops[slider.dataset.name]; });
    sliders[0].dispatchEvent(new Event("input"));
    const rows = [...panel.querySelectorAll("tr[data-row]")].map(row => [
        row.dataset.row,
        [1, 2, 3].map(cell => row.cells[cell].dataset.number).map(text => text === "" ? null : Number(text)),
        [1, 2, 3].map(cell => row.cells[cell].textContent),
    ]);
    return {
        numbers: Object.fromEntries(rows.map(([name, numbers]) => [name, numbers])),
        texts: Object.fromEntries(rows.map(([name, _, texts]) => [name, texts])),
        why: panel.querySelector(".why").textContent,
        outside: panel.classList.contains("outside"),
    };
}"""


def law(width: int, threads: int, form: str, hertz: float = 3e9) -> float:
    """3000 cycles and 500 ns of chain, 30 cycles a lane, a barrier of 400 ns."""
    return 3000 / hertz + 5e-7 + 30 / hertz * width / min(width, threads) + 4e-7 * (threads > 1)


def stored(name: str) -> StoredRun:
    """The example, or made runs: clocks that were swept, steps that a framework launches, too few blocks, very many."""
    if name == "example":
        return read_run(EXAMPLE)
    widths = (1, 8, 64, 512)
    if name == "clocks":
        return builder.run(law, widths, (1, 2), clocks=(1e9, 2e9, 3e9), noise=0.01)
    if name == "launched":
        return builder.run(law, widths, (1, 2, 4), work=None, mode="eager", noise=0.03, drift=0.05)
    return builder.run(law, widths, (1, 2), blocks=4 if name == "few blocks" else 250, noise=0.03)


@pytest.fixture(scope="module", params=["example", "clocks", "launched", "few blocks", "many blocks"])
def run(request: pytest.FixtureRequest) -> Run:
    return Run(stored(request.param), EXAMPLE)


@pytest.fixture(scope="module")
def page(run: Run, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of a run; at the end nothing was asked of the network, and nothing complained."""
    path = tmp_path_factory.mktemp("whatif") / "page.html"
    path.write_text(html(run, PRICE, WATTS), encoding="utf-8")
    tab = Watched(browser, path, "light", 1280, COUNT)
    tab.page.evaluate(OPEN)
    yield tab.page
    tab.page.close()
    assert tab.requests == tab.messages == []


def test_the_page_is_complete_before_a_slider_moves(page: Page) -> None:
    assert page.evaluate("window.parsed") == 0
    for panel in page.locator(".whatif").all():
        before = panel.locator("[aria-live]").text_content()
        assert all(panel.locator("tr[data-row=step] td").all_text_contents()[:1])
        panel.get_by_role("button", name="Reset all").click()
        assert panel.locator("[aria-live]").text_content() == before
    assert page.evaluate("window.parsed") == page.locator(".whatif").count()


def test_the_page_says_what_the_model_says(page: Page, run: Run) -> None:
    panels = page.locator(".whatif").element_handles()
    assert len(panels) == len(run.stored.plan.descriptions)
    for number, panel in enumerate(panels):
        data, draw = embedded(panel), random.Random(number)
        for _ in range(SETTINGS):
            stops = {name: draw.randrange(len(values)) for name, values in data["stops"].items()}
            # Half of the time a property is as it was measured: what several changes leave open hides what one does.
            stops |= {name: data["start"][name] for name in stops if draw.random() < 0.5}
            agree(panel, data, stops, partial(prediction, run, run.stored.plan.descriptions[number].name, data["base"]))


def agree(
    panel: ElementHandle, data: dict[str, Any], stops: dict[str, int], predict: Callable[[dict[str, Any]], Prediction]
) -> None:
    """A panel with its sliders at some stops says what the model does."""
    asked = {name: values[stops[name]] for name, values in data["stops"].items()}
    shown, expected = panel.evaluate(ASK, stops), predict(asked)
    then, second = expected.then, asked["price"] * PRICE.at(asked["threads"]) / 3600
    known = {
        "step": then.scaled(1e3, "ms"),
        "speedup": expected.speedup,
        "lanes": expected.rate,
        "steps": expected.rate.scaled(1 / asked["width"], "1/s"),
        "price": then.scaled(1e6 * second, "1"),
        "watts": then.scaled(1e6 * asked["watts"] * WATTS.at(asked["threads"]), "J"),
    }
    for name, estimate in known.items():
        compare(shown["numbers"][name], estimate, asked, 0.0 if data["blocks"] <= MOST_DRAWS else OF_INTERVAL)
    assert shown["outside"] == expected.extrapolated
    assert shown["why"] == "; ".join(filter(None, [then.reason, then.remedy and f"told by {then.remedy}"])), asked


def embedded(panel: ElementHandle) -> dict[str, Any]:
    """The data of a panel."""
    script = panel.query_selector("script")
    assert script is not None
    data: dict[str, Any] = json.loads(script.text_content() or "")
    return data


def prediction(run: Run, workload: str, base: int, asked: dict[str, Any]) -> Prediction:
    """What the model says of a setting of the sliders."""
    asked = {name: stop for name, stop in asked.items() if name not in ("price", "watts")}
    width, threads = asked.pop("width"), asked.pop("threads")
    (answer,) = run.whatif(workload, question=Question(Change(**asked), threads, width))
    return next(item for item in answer.predictions if item.threads == base)


def compare(shown: list[float | None], expected: Estimate, asked: dict[str, Any], share: float = 0.0) -> None:
    """Value and ends are there on both sides or on neither, and equal to four digits.

    Ends may differ by a share of what lies between them.
    """
    low, high = expected.low, expected.high
    room = share * (high - low) if low is not None and high is not None else 0.0
    for number, wanted, more in zip(shown, (expected.value, low, high), (0.0, room, room), strict=True):
        assert (number is None) == (wanted is None), asked
        assert number is None or wanted is None or abs(number - wanted) <= FOUR_DIGITS * wanted + more, asked


def test_a_step_costs_at_the_best_setting_what_the_command_says(page: Page, run: Run) -> None:
    for number, panel in enumerate(page.locator(".whatif").element_handles()):
        data = embedded(panel)
        (answer,) = run.whatif(run.stored.plan.descriptions[number].name, question=Question(price=PRICE, watts=WATTS))
        for best in answer.best:
            name = {"price": "price", "power": "watts"}.get(best.goal)
            if name is not None:
                stops = data["start"] | {
                    "width": data["stops"]["width"].index(best.width),
                    "threads": data["stops"]["threads"].index(best.threads),
                }
                cost = 1e6 * best.width / best.score.value
                assert panel.evaluate(ASK, stops)["numbers"][name][0] == pytest.approx(cost, rel=FOUR_DIGITS)


def test_the_keyboard_moves_a_slider_and_a_reset_takes_it_back(page: Page) -> None:
    panel = page.locator(".whatif").first
    panel.get_by_role("button", name="Reset all").click()
    cells, output = panel.locator("tr[data-row=step] td"), panel.locator("output").first
    before = (cells.all_text_contents(), output.text_content())
    panel.get_by_label("clock", exact=True).press("ArrowRight")
    assert output.text_content() == "x1.05"
    assert cells.all_text_contents() != before[0]
    clocked = embedded(panel.element_handle())["clocked"]
    assert ("One clock was measured" in str(panel.locator(".place").text_content())) != clocked
    panel.get_by_role("button", name="Reset clock").click()
    assert (cells.all_text_contents(), output.text_content()) == before


def test_threads_equal_the_clock_where_they_first_gain_as_much(page: Page, run: Run) -> None:
    panel = page.locator(".whatif").last.element_handle()
    data = embedded(panel)
    counts, clock = data["stops"]["threads"], 1.5
    predict = partial(prediction, run, run.stored.plan.descriptions[-1].name, data["base"])
    for at, width in enumerate(data["stops"]["width"]):
        stops = data["start"] | {"clock": data["stops"]["clock"].index(clock), "width": at}
        shown = panel.evaluate(ASK, stops)["numbers"]["equal"]
        gain = predict({"width": width, "threads": counts[0], "clock": clock}).speedup
        speedups = [predict({"width": width, "threads": count}).speedup for count in counts]
        few = first(speedups, "high", max(1.0, gain.low or 1.0))
        many = first(speedups, "low", min(clock, gain.high or clock))
        if few is None:
            endless = any(item.high is None for item in speedups)
            assert shown == [None, None if endless else counts[-1], None]
        else:
            low = counts[few - 1] + 1 if few else counts[0]
            assert shown[1:] == [low, None if many is None else counts[many]]


def first(speedups: list[Estimate], end: str, wanted: float) -> int | None:
    """Which is the first whose end reaches what is wanted, but for rounding."""
    reached = (number for number, item in enumerate(speedups) if (getattr(item, end) or 0.0) >= wanted * (1 - 1e-12))
    return next(reached, None)
