# SPDX-License-Identifier: Apache-2.0
"""Steps on a device in every outlet, from made-up runs; and text of a run that is up to no good."""

from __future__ import annotations

import csv as reader
import io
import json as parser
import re
from dataclasses import replace

import pytest
from made import view

from serialprof.model import analyse
from serialprof.records import DissectionGap, GpuState, Readings
from serialprof_reports import devices
from serialprof_reports.html import html
from serialprof_reports.tables import csv, json
from serialprof_reports.terminal import terminal
from tests.model.device.builder import LIMITS, MICRO, Truth, changed, run

EVIL = "<b>Example</b>\x1b[31m GPU"
WIDTHS = (1, 4, 16, 64, 256, 1024)


def made():
    """Eager and graph; a batch without memory, one that was held down and keeps memory, one not dissected."""
    limits = replace(LIMITS, name=EVIL, unmeasured={"replay": "<i>no</i> graph"})
    stored = run(Truth(host=200 * MICRO), WIDTHS, others={"graph": Truth(host=2 * MICRO)}, noise=0.01, limits=limits)
    hot = GpuState(1.2e9, 2.6e9, 300.0, 80.0, ("<u>power cap</u>",))
    visits = []
    for item in stored.visits:
        if item.point == 5:
            visits.append(replace(item, status="ended", reason="<s>out of memory</s>", readings=Readings(())))
        elif item.point == 2:
            visits.append(replace(item, readings=replace(item.readings, gpu=(hot,), leaked=4096.0)))
        else:
            visits.append(item)
    return changed(replace(stored, visits=tuple(visits)), lambda item: None if item.point in (1, 5) else item)


@pytest.fixture(scope="module")
def stored():
    return made()


@pytest.fixture(scope="module")
def analysis(stored):
    return analyse(stored)


@pytest.fixture(scope="module")
def text(stored, analysis):
    return terminal(view(stored, analysis))


@pytest.fixture(scope="module")
def page(stored, analysis):
    return html(view(stored, analysis))


def test_the_terminal_fits_eighty_columns(text):
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_the_terminal_shows_the_parts_batch_by_batch(text):
    lines = text.splitlines()
    heads = [line.split() for line in lines if line.split()[:3] == ["B", "step", "lanes"]]
    assert heads == [
        ["B", "step", "lanes", "host", "gaps", "floor", "FLOP"],
        ["B", "step", "lanes", "gaps", "floor", "FLOP", "below"],
    ]
    first = next(line.split() for line in lines if line.split()[:1] == ["1"])
    assert first[-4:] == ["87", "2", "10", "0"]
    undissected = next(line.split() for line in lines if line.split()[:1] == ["4"])
    assert undissected[-4:] == ["-"] * 4
    assert any(line.split()[:1] == ["16*"] for line in lines)


def test_the_terminal_says_what_would_help_and_what_ended(text):
    flat = " ".join(text.split())
    assert "CUDA graphs: 7." in flat
    assert "host clock +10 %: +10 % (model)" in flat
    assert "batch 256: 18" in flat and " lanes per second (measured)" in flat
    assert "more or fewer SMs" not in flat, "what is refused for good stands on the page"
    assert flat.count("toy, B = 1 Ki, eager on cuda:0, serial: ended: <s>out of memory</s>") == 1
    assert "sweep ended at B = 1 Ki: <s>out of memory</s>" in flat
    assert "* = its clock was held down" in flat
    assert "points failed" not in flat
    assert "the profiler added" in flat
    assert "warning at B = 16: the device's clock was held down (<u>power cap</u>); what helps: a cooler device" in flat
    assert "warning at B = 16: every step keeps up to 4 KiB of memory, so later steps may take longer" in flat
    assert "equals no number of threads" not in flat


def test_steps_on_a_device_are_told_over_b_and_briefly(text):
    start = text.index("\ntoy cuda:0\n")
    first = text[start : text.index("\ntoy graph, cuda:0\n")]
    assert " W = " not in first
    names = {line[2:13].strip() for line in first.splitlines() if line[2:3].isalpha() and line[2:13].strip()}
    assert not names & {"best", "declared", "step tail", "serial gain", "depth cost", "delay"}
    assert "in the page and the JSON: the parts' intervals" in " ".join(text.split())
    assert len(first.splitlines()) <= 40


def test_what_the_profiler_added_is_no_less_than_nothing():
    assert devices._added([-0.28, 0.0]) == "nothing that shows"
    assert devices._added([-0.28, 0.12]) == "at most 12 %"
    assert devices._added([0.02, 0.12]) == "2 % to 12 %"


def test_times_under_a_costly_profiler_are_called_less_sure():
    costly = run(Truth(host=200 * MICRO, cost=180 * MICRO), WIDTHS)
    flat = " ".join(terminal(view(costly)).split())
    assert "90 %: beyond 50 % the times of kernels are less sure" in flat


def test_the_limits_of_a_cpu_say_on_how_many_threads():
    assert devices.limits(replace(LIMITS, device="cpu", threads=2)).startswith(
        "cpu on 2 threads: Example GPU, eager op"
    )
    assert ("gap in a graph", "below what can be resolved") in devices.limit_rows(replace(LIMITS, gap=0.0))


def test_steps_that_were_slower_when_taken_apart_are_said_to_be(analysis):
    family = analysis.families[0]
    steps = tuple(replace(step, apart=f"a step took {step.width} times as long") for step in family.device.steps)
    told = dict(devices.lines(replace(family, device=replace(family.device, steps=steps))))
    assert told["taken apart"] == "at B = 1 a step took 1 times as long"
    assert "taken apart" not in dict(devices.lines(family))


def test_batches_without_parts_have_two_lines_at_most():
    few = changed(run(Truth(), WIDTHS), lambda item: None if item.point in (1, 2, 3) else item)
    few = replace(few, dissection_gaps=tuple(DissectionGap(number, f"no time {number}") for number in (1, 2, 3)))
    told = terminal(view(few))
    assert (
        "  no parts    at B = 4: no time 1\n  no parts    at B = 16, 64: likewise; the JSON has the reasons\n" in told
    )


def test_the_table_of_moves_has_the_price_of_a_batch(page):
    assert re.search(r"<td>18\d[^<]* lanes per second</td><td>1\.[^<]* as long</td>", page)
    assert "more or fewer SMs" in page


def test_the_card_answers_for_the_clocks_without_being_unfolded(page):
    card = page[page.index('<article class="card">') : page.index("</article>")]
    shown, folded = card.split("<details>")
    assert "<dt>would help</dt><dd>at B = 1: host clock +10 %: +" in shown
    assert "GPU clock +10 %" in shown
    assert "would help" not in folded


def test_the_best_settings_are_told_over_b(page):
    best = re.findall("<dt>best</dt><dd>(.*?)</dd>", page)
    assert best and all(" at B = " in text and "W = " not in text for text in best)


def test_brackets_stand_where_parts_are_not_told_apart():
    few = run(Truth(host=10 * MICRO), (1, 4, 16))
    told = terminal(view(few))
    assert "0..81" in told
    assert "-" in devices._short_parts(None)


def test_the_page_has_a_section_with_figures_and_tables(page):
    for title in ("Parts of a step over batch", "Time per step and lanes per second"):
        assert page.count(f'<p class="what">{title}</p>') == 2
    assert page.count("<caption>What would help at B = 1</caption>") == 2
    for cause in devices.DEVICE_CAUSES:
        assert f'<th scope="col">{cause}</th>' in page
    assert "ended: &lt;s&gt;out of memory" in page
    assert "held down by &lt;u&gt;power cap&lt;/u&gt;; a step keeps 4 KiB" in page


def test_the_page_does_not_say_at_all_what_one_thread_cannot_say(page):
    assert "Only one thread count was measured." not in page
    assert not {"threads", "decision"} & set(re.findall(r'<h2 id="([^"]*)"', page))


def test_text_of_the_run_is_escaped(page):
    for evil in ("<b>Example", "<i>no", "<s>out", "<u>power", "\x1b"):
        assert evil not in page
    assert "&lt;b&gt;Example&lt;/b&gt;" in page
    assert "&lt;i&gt;no&lt;/i&gt; graph" in page


def test_a_sweep_without_dissections_has_no_such_section():
    plain = replace(made(), dissections=(), devices=())
    assert "Parts of a step over batch" not in html(view(plain))


def test_a_page_of_which_nothing_was_dissected_says_why():
    stored = run(Truth(), WIDTHS)
    spoilt = changed(
        stored, lambda item: replace(item, anatomy=replace(item.anatomy, profile=None, unprofiled="no profiler here"))
    )
    found = analyse(spoilt)
    assert "no profiler here" in html(view(spoilt, found))
    told = terminal(view(spoilt, found))
    assert "no profiler here" in told
    assert "parts in % of a step" not in told, "no column is left to explain"
    assert "spends most on" not in told


def test_json_holds_devices_and_parts(stored, analysis):
    told = parser.loads(json(view(stored, analysis)))
    assert told["devices"][0]["name"] == EVIL
    first = told["families"][0]["device"]
    assert first["sweep"]["cause"] == "dispatch"
    assert first["steps"][0]["parts"][0]["cause"] == "host dispatch"
    assert first["steps"][0]["parts"][0]["share"]["value"] == pytest.approx(0.87, abs=0.02)
    assert first["best"]["name"] == "batch 256"
    assert told["families"][0]["points"][5]["ended"] == "<s>out of memory</s>"
    assert told["failures"] == []


def test_csv_holds_the_state_of_the_device(stored, analysis):
    rows = list(reader.DictReader(io.StringIO(csv(view(stored, analysis)))))
    assert {row["device"] for row in rows} == {"cuda:0"}
    hot = next(row for row in rows if row["width"] == "16" and row["mode"] == "eager")
    assert (hot["gpu_sm_clock"], hot["gpu_power"], hot["gpu_held_by"]) == ("1200000000.0", "300.0", "<u>power cap</u>")
    assert hot["leaked"] == "4096.0"
    other = next(row for row in rows if row["width"] == "64")
    assert (other["gpu_sm_clock"], other["leaked"]) == ("", "")
