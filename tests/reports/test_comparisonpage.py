# SPDX-License-Identifier: Apache-2.0
"""The page of a comparison: what stands on it, in which order, and that nothing in it is taken for markup."""

import base64
import gzip
import hashlib
import math
import re
from dataclasses import replace
from functools import cache

import pytest
from matplotlib.figure import Figure

from serialprof.estimate import Estimate
from serialprof.model.comparison.comparing import compare
from serialprof.model.comparison.records import (
    CLOCK,
    OTHER,
    BesideDevice,
    BesidePart,
    Comparison,
    Factor,
    Pooled,
)
from serialprof.question import Cost
from serialprof_reports import comparison as outlet
from serialprof_reports import comparisonaxis, comparisonforest, comparisonlevers, comparisonwaterfall
from serialprof_reports.comparisonpage import html
from serialprof_reports.plotting import MUTED
from serialprof_reports.reproduction import packed
from tests.reports.comparisons import PRICES, compared, evil, run
from tests.reports.test_html import Page


def on_devices() -> Comparison:
    """Families that were taken apart on a device, and a serial ratio that is not taken apart."""
    told = compared(1.5, 1.0)
    (pair,) = told.pairs
    part = BesidePart("host dispatch", Estimate(0.5, 0.4, 0.6), Estimate.unknown("not measured"))
    device = BesideDevice(Estimate(64.0, 60.0, 70.0), Estimate.unknown("beyond B = 4 Ki"), 1, (part,))
    return replace(told, pairs=(replace(pair, families=(replace(pair.families[0], device=device),)),))


@cache
def pages() -> dict[str, str]:
    first, second = run(1.5, 0, (1,), ("wide",)), run(1.0, 1, (1,), ("wide",))
    few = compare([run(1.5, 0), replace(run(1.0, 1), visits=run(1.0, 1).visits[:30])], "ab", fitted=True)
    return {
        "two": html(compared(1.5, 1.0)),
        "three with prices": html(compared(1.5, 1.0, 0.5, prices=(*PRICES, Cost(1.0, 0.0)))),
        "wide alone": html(compare([first, second], "ab", fitted=True)),
        "too few blocks": html(few),
        "without fits": html(compared(1.5, 1.0, fitted=False)),
        "devices": html(on_devices()),
        "evil": html(evil()),
    }


NAMES = ("two", "three with prices", "wide alone", "too few blocks", "without fits", "devices", "evil")


@pytest.fixture(params=NAMES)
def text(request: pytest.FixtureRequest) -> str:
    return pages()[request.param]


def test_ids_are_unique_references_resolve_and_nothing_is_styled_inline_or_fetched(text: str) -> None:
    page = Page(text)
    identifiers = page.attributes("id")
    assert len(identifiers) == len(set(identifiers))
    targets = [value.removeprefix("#") for value in page.attributes("href") if value.startswith("#")]
    targets += [target for value in page.attributes("aria-labelledby") for target in value.split()]
    assert set(targets) <= set(identifiers)
    assert page.attributes("style") == [] and page.attributes("src") == []
    assert all(value.startswith(("#", "data:")) for value in page.attributes("href"))


def test_the_policy_allows_this_style_and_this_script_alone(text: str) -> None:
    page = Page(text)
    policy = next(values["content"] for tag, values in page.elements if tag == "meta" and "http-equiv" in values)
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        hashed = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{rule} 'sha256-{hashed}'" in policy
    assert policy.startswith("default-src 'none'")


def test_names_are_text_and_nothing_else() -> None:
    text = pages()["evil"]
    page = Page(text)
    assert "<script>alert" not in text
    assert not [values for _, values in page.elements if "onload" in values]
    assert any("<script>alert(1)</script>" in inside for inside in page.inside["dd"])
    assert "\x1b" not in text and "\x00" not in text


def test_the_verdict_comes_first_then_comparability_then_the_figures() -> None:
    text = pages()["two"]
    words = (
        "B is 1.5", "Are they comparable?", "a.serialprof", "Nothing is known to differ", "Geometric means",
        "The serial ratio as a product", "More clock", "Time per step over width", "All shared points",
    )  # fmt: skip
    places = [text.index(each, text.index("<main>")) for each in words]
    assert places == sorted(places)
    assert "<h1>b against a</h1>" in text


def test_every_figure_has_a_name_and_its_numbers_behind_it(text: str) -> None:
    figures = re.findall(r"<figure>(.*?)</figure>", text, re.DOTALL)
    assert figures
    for figure in figures:
        assert ("<svg" in figure and 'role="img" aria-label="' in figure) or 'class="refusal"' in figure
        assert "<table" in figure or 'class="refusal"' in figure


def test_costs_stand_on_the_page_only_where_prices_are_given() -> None:
    priced, bare = pages()["three with prices"], pages()["two"]
    assert "Cost per step" in priced and "For the same money B makes" in priced
    assert "C for the money" in priced and "0.02 + 0.04 per thread an hour" in priced
    assert "--price 0.1+0 --price 0.02+0.04 --price 1+0" in priced
    assert "Cost per step" not in bare and "money" not in bare


def test_each_further_run_has_figures_and_a_table_of_its_own() -> None:
    text = pages()["three with prices"]
    assert text.count('class="sortable"') == 2
    assert "C against A: toy" in text and "B against A: toy" in text
    assert len(set(re.findall(r'<svg[^>]* aria-label="([^"]*)"', text))) == text.count("<svg")


def test_what_cannot_be_drawn_is_said() -> None:
    assert "No serial point is shared." in pages()["wide alone"]
    assert "no family on CPUs has a fit in both runs" in pages()["without fits"]
    assert "no interval: too few blocks" in pages()["too few blocks"]


def test_every_cell_of_the_table_has_a_key_and_keys_are_the_numbers() -> None:
    comparison = compared(1.5, 1.0, prices=PRICES)
    (family,) = comparison.pairs[0].families
    (body,) = re.findall(r'class="sortable">.*?<tbody>(.*?)</tbody>', html(comparison), re.DOTALL)
    rows = [re.findall(r'data-key="([^"]*)"', row) for row in body.strip().splitlines()]
    assert len(rows) == len(family.points)
    for row, point in zip(rows, family.points, strict=True):
        assert point.cost is not None
        numbers = [point.ratio, point.first, point.second, point.cost.first, point.cost.second, point.cost.ratio]
        assert [float(row[place]) for place in (4, 6, 7, 8, 9, 10)] == [each.value for each in numbers]
        assert row[:4] == [family.name, point.place.form, str(point.place.threads), str(point.place.width)]


def test_the_page_holds_its_data() -> None:
    comparison = compared(1.5, 1.0)
    (data,) = re.findall(r'href="data:application/gzip;base64,([^"]*)"', html(comparison))
    assert data == packed(outlet.json(comparison))
    assert b"serialprof.comparison" in gzip.decompress(base64.b64decode(data))


def test_knees_and_parts_of_devices_are_behind_the_ratios() -> None:
    assert "beyond B = 4 Ki" in pages()["devices"]
    assert "host dispatch" in pages()["devices"]


def test_an_axis_of_ratios_holds_all_intervals_and_1x() -> None:
    low, high = comparisonaxis.ends([Estimate(2.0, 1.5, 8.0), Estimate(3.0)])
    assert low < 0.95 and high > 8.0
    ticks = comparisonaxis.ticks((low, high))
    assert "1x" in ticks.labels and list(ticks.places) == sorted(ticks.places)
    low, high = comparisonaxis.ends([Estimate(0.0), Estimate.unknown("nothing")])
    assert low < 0.95 < 1.05 < high
    assert all(place > 0 for place in comparisonaxis.ticks((1e-6, 1e6)).places)


def test_a_mark_has_the_colour_of_the_run_that_is_surely_faster() -> None:
    first, second = comparisonaxis.FIRST, comparisonaxis.SECOND
    cases = [(Estimate(2, 1.5, 3), second), (Estimate(0.5, 0.4, 0.9), first)]
    cases += [(Estimate(1.1, 0.9, 1.3), MUTED), (Estimate(2.0), MUTED)]
    assert [comparisonaxis.favours(ratio) for ratio, _ in cases] == [colour for _, colour in cases]


def test_the_bars_of_a_waterfall_end_at_the_ratio() -> None:
    (pair,) = compared(1.5, 1.0).pairs
    (serial,) = (pooled for pooled in pair.kinds[0].pooled if pooled.form == "serial")
    plot = comparisonwaterfall.waterfall(serial, "all", pair, "x")
    told = [float(value) for value in re.findall(r">(\d\.\d\d)x</text>", plot.markup)]
    assert math.prod(told[:-1]) == pytest.approx(told[-1], abs=0.02)
    assert told[-1] == pytest.approx(1.5, abs=0.03)


def test_a_ratio_of_which_nothing_is_told_apart_is_no_waterfall() -> None:
    (pair,) = compared(1.5, 1.0).pairs
    rest = Factor(OTHER, Estimate(1.5, 1.4, 1.6))
    pooled = Pooled("serial", 4, Estimate(1.5, 1.4, 1.6), (Factor(CLOCK, Estimate.unknown("no meter")), rest))
    plot = comparisonwaterfall.waterfall(pooled, "all", pair, "x")
    assert (plot.markup, plot.refusal) == ("", "Not taken apart: clock, which lies in other: no meter.")


def test_a_bracket_has_its_familys_mark_at_both_ends() -> None:
    axes = Figure().add_subplot()
    comparisonlevers._bounds(axes, (0.0, 1.0), (Estimate.bracket(0.2, 0.8, "one clock"), Estimate(0.5, 0.4, 0.6)), 1)
    low, high = axes.lines
    assert [list(line.get_ydata()) for line in (low, high)] == [[0.2, 0.4], [0.8, 0.6]]
    assert [(line.get_marker(), line.get_markevery()) for line in (low, high)] == [("s", [0])] * 2


def test_a_forest_names_every_point_up_to_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    (pair,) = compared(1.5, 1.0).pairs
    whole = comparisonforest.points(pair.families[0], pair, "x")
    assert whole.markup.count(">64</text>") == 4 and whole.caption == ""
    monkeypatch.setattr(comparisonforest, "_MOST_POINTS", 5)
    part = comparisonforest.points(pair.families[0], pair, "x")
    assert part.caption == "The first 5 points; 11 more stand in the table of all points."
    assert part.markup.count(">64</text>") == 1
