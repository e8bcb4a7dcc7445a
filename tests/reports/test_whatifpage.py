# SPDX-License-Identifier: Apache-2.0
"""What the sliders of the page are given: stops, refusals, and data that break no page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import made
import pytest

from serialprof.store import StoredRun, read_run
from serialprof_reports.whatifpage import WhatIf, embedded, whatifs
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


def test_a_device_and_a_run_without_fit_have_a_sentence_instead(run: StoredRun) -> None:
    device = read_run(EXAMPLES / "nvidia-h200.serialprof")
    shown = whatifs(made.view(device))
    assert shown
    assert all("parts of a step on its device" in item.refusal and not item.data for item in shown)
    bare = replace(run, visits=())
    assert all(item.refusal.startswith("no sliders: no fit") for item in whatifs(made.view(bare)))


def test_embedded_data_end_no_script_element() -> None:
    nasty = {"</script><script>alert(1)</script>": "<!--\N{PILE OF POO}\N{LINE SEPARATOR}&amp;"}
    text = embedded(nasty)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == nasty
