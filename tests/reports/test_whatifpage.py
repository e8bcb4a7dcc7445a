# SPDX-License-Identifier: Apache-2.0
"""What the sliders of the page are given: stops, refusals, and data that break no page."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import made
import pytest

from serialprof.question import Cost
from serialprof.store import StoredRun, read_run
from serialprof_reports.whatifdata import MOST_DRAWS, draws
from serialprof_reports.whatifpage import WhatIf, embedded, four_digits, whatifs
from tests.model import builder

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def run() -> StoredRun:
    return read_run(EXAMPLES / "amd-epyc-2-cores.serialprof")


@pytest.fixture(scope="module")
def found(run: StoredRun) -> list[WhatIf]:
    return whatifs(made.view(run))


def test_every_family_with_a_fit_has_sliders(run: StoredRun, found: list[WhatIf]) -> None:
    assert [item.label for item in found] == [item.name for item in run.plan.descriptions]
    for item in found:
        names = [slider.name for slider in item.sliders]
        assert names[:3] == ["clock", "threads", "width"]
        assert "dispatch" not in names  # native steps are not launched
        assert not item.refusal


def test_steps_of_a_framework_have_a_launch() -> None:
    eager = builder.run(lambda width, threads, form: 1e-6 + 1e-8 * width, mode="eager")
    (shown,) = whatifs(made.view(eager))
    assert [slider.name for slider in shown.sliders][:4] == ["clock", "threads", "width", "dispatch"]
    assert json.loads(shown.data)["threads"] == [1, 1]


def test_sliders_start_at_what_was_measured(found: list[WhatIf]) -> None:
    data = json.loads(found[0].data)
    start = {name: stops[data["start"][name]] for name, stops in data["stops"].items()}
    assert start.pop("width") == 16  # the middle one of 1, 4, 16, 64 and 256
    assert set(start.values()) == {1}  # one thread, and no factor on the machine
    assert set(data["places"]) == {f"{w},{p}" for w in data["stops"]["width"] for p in data["stops"]["threads"]}


def test_the_data_hold_few_numbers_per_block(run: StoredRun, found: list[WhatIf]) -> None:
    for item in found:
        assert len(item.data) < 40_000
        for candidate in json.loads(item.data)["candidates"]:
            assert 5 <= len(candidate["units"]) <= run.plan.blocks


def test_of_very_many_blocks_some_are_embedded_evenly_apart() -> None:
    assert draws(7) == list(range(7))
    assert draws(1) == [0]
    some = draws(1000)
    assert (len(some), some[0], some[-1]) == (MOST_DRAWS, 0, 999)
    assert {later - earlier for earlier, later in itertools.pairwise(some)} == {5, 6}
    many = builder.run(lambda width, threads, form: 1e-6 + 1e-8 * width, blocks=MOST_DRAWS + 1, noise=0.01)
    (shown,) = whatifs(made.view(many))
    data = json.loads(shown.data)
    assert data["blocks"] == MOST_DRAWS + 1
    assert {len(candidate["units"]) for candidate in data["candidates"]} == {MOST_DRAWS}
    assert {len(place["units"]) for place in data["places"].values() if "units" in place} == {MOST_DRAWS}
    assert f"{MOST_DRAWS} of its {MOST_DRAWS + 1} blocks" in " ".join(shown.notes)


def test_the_table_says_what_was_measured_before_anything_moves(run: StoredRun, found: list[WhatIf]) -> None:
    view = made.view(run)
    for item, family in zip(found, view.analysis.families, strict=True):
        data = json.loads(item.data)
        width = data["stops"]["width"][data["start"]["width"]]
        there = [summary for summary in family.points if (summary.point.setting.width, summary.point.setting.threads,
                 summary.point.setting.form) == (width, 1, "serial")]  # fmt: skip
        rows = {row.name: row.cells for row in item.rows}
        assert float(rows["step"][0]) == pytest.approx(1e3 * (there[0].step.value or 0), rel=5e-4)
        assert rows["speedup"] == ("1", "1", "1")
        assert set(rows["equal"]) == {"\N{EN DASH}"}
        assert "price" not in rows


def test_costs_that_are_given_have_rows_and_sliders(run: StoredRun) -> None:
    for item in whatifs(made.view(run), price=Cost(3.6, 0), watts=Cost(1, 1)):
        rows = {row.name: row.cells for row in item.rows}
        assert [slider.name for slider in item.sliders][-2:] == ["price", "watts"]
        step = float(rows["step"][0]) / 1e3
        assert float(rows["price"][0]) == pytest.approx(step * 1e3, rel=1e-3)  # 3.60 an hour are 0.001 a second
        assert float(rows["watts"][0]) == pytest.approx(step * 2e6, rel=1e-3)
        assert json.loads(item.data)["costs"] == {"price": [3.6, 0], "watts": [1, 1]}
        assert item.notes[-1] == "the machine draws 1 W and 1 W for every thread, at x1"


def test_numbers_are_shown_with_four_digits_and_no_exponent() -> None:
    assert [four_digits(number) for number in (123456.0, 0.0000123456, 1.0, None)] == [
        "123500", "0.00001235", "1", "\N{EN DASH}"
    ]  # fmt: skip


def test_a_device_and_a_run_without_fit_have_one_sentence_instead(run: StoredRun) -> None:
    device = made.view(read_run(EXAMPLES / "nvidia-h200.serialprof"))
    (shown,) = whatifs(device)
    assert "parts of a step on its device" in shown.refusal
    assert not shown.data
    assert len(device.analysis.families) > 1
    assert shown.label.count("; ") == len(device.analysis.families) - 1
    assert all(family.description.name in shown.label for family in device.analysis.families)
    (bare,) = whatifs(made.view(replace(run, visits=())))
    assert bare.refusal.startswith("no sliders: no fit")
    assert all(item.name in bare.label for item in run.plan.descriptions)


def test_embedded_data_end_no_script_element() -> None:
    nasty = {"</script><script>alert(1)</script>": "<!--\N{PILE OF POO}\N{LINE SEPARATOR}&amp;"}
    text = embedded(nasty)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == nasty
