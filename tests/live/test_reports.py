# SPDX-License-Identifier: Apache-2.0
"""A recording on a terminal, as Markdown, as JSON and as a page; and `serialprof report`, which finds the kind."""

import json
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from serialprof.cli import group
from serialprof.live.records import Device, DeviceStep, Losses, Place, Spread
from serialprof.live.view import Live
from serialprof_reports import schema
from tests.live import made

HOSTILE = "<script>alert(1)</script>|`*x*\x1b[31m\n"


def usual() -> Live:
    return made.live(made.with_cpu(made.loop(slow=50), 0.75, 1.5), losses=Losses(left_open=2))


def hostile() -> Live:
    loop = made.loop(200)
    places = tuple(replace(place, path=(HOSTILE, *place.path[1:])) for place in loop.places)
    place = Place((HOSTILE,), False, 1, 0, 1.0, Spread((1.0,), (0.1,), (1,)))
    live = made.live(replace(loop, name=HOSTILE, places=places))
    return Live(replace(live.stored, outside=(place,), command=(HOSTILE,)))


def on_a_device() -> Live:
    steps = tuple(DeviceStep(5e-3 + 1e-6 * index, (("forward",), ("sample",)), (4e-3, 0.5e-3)) for index in range(100))
    return made.live(replace(made.loop(300), device=Device("events", steps, 3)))


def enqueued() -> Live:
    return made.live(replace(made.loop(300), device=Device("enqueue")))


ALL = {"usual": usual, "hostile": hostile, "device": on_a_device, "enqueued": enqueued, "nothing": made.live}


@pytest.mark.parametrize("name", ALL)
def test_every_outlet_renders_every_recording(name: str) -> None:
    live = ALL[name]()
    text = live.render("terminal")
    assert max(map(len, text.splitlines())) <= 80 and "\x1b" not in text
    assert max(map(len, live.render("terminal", width=60).splitlines())) <= 60
    markdown = live.render("markdown")
    assert "<script" not in markdown and "\x1b" not in markdown
    page = live.render("html")
    assert "alert(1)</script>" not in page and 'style="' not in page
    assert "@@" not in page and "{{" not in page
    document = json.loads(live.render("json"))
    msgspec.convert(document, schema.document_type("live"))
    assert document["schema"] == {"name": "serialprof.live", "version": 1}


def test_the_terminal_tells_shares_tails_losses_and_what_is_next() -> None:
    text = " ".join(usual().render("terminal").split())
    for words in (
        "in forward",
        "p99 1.",
        "no region",
        "others' turn",
        "whose steps are left out: 2",
        "serialprof run FILE.py:NAME",
    ):
        assert words in text


def test_shares_of_a_device_are_by_its_events() -> None:
    text = " ".join(on_a_device().render("terminal").split())
    assert "on its stream, 79 %" in text and "100 steps between CUDA events" in text and "3 steps were dropped" in text


def test_enqueued_work_is_not_split() -> None:
    live = enqueued()
    text = " ".join(live.render("terminal").split())
    assert "no split of it is given" in text and not re.search(r"\d+ % \(\d+ to \d+ %\) in forward", text)
    assert "host times are those of enqueueing" in live.render("html")


def test_figures_differ_in_their_ids() -> None:
    page = made.live(made.loop(), replace(made.loop(), name="other")).render("html")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("<svg") >= 6


class TestReport:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        usual().save(tmp_path / "service.serialprof")
        return tmp_path / "service.serialprof"

    def test_it_shows_a_recording(self, file: Path) -> None:
        result = CliRunner().invoke(group, ["report", str(file)], catch_exceptions=False)
        assert result.exit_code == 0 and "decode" in result.output

    def test_a_page_lies_beside_the_file(self, file: Path) -> None:
        result = CliRunner().invoke(group, ["report", str(file), "--format", "html"], catch_exceptions=False)
        assert result.exit_code == 0
        assert "live loops" in file.with_suffix(".html").read_text()

    def test_what_is_for_runs_alone_is_refused(self, file: Path) -> None:
        result = CliRunner().invoke(group, ["report", str(file), "--format", "html", "--price", "1+1"])
        assert result.exit_code != 0 and "recording of live loops" in str(result.exception)
        result = CliRunner().invoke(group, ["report", str(file), "--format", "csv"])
        assert result.exit_code != 0 and "choose from html, json, markdown, terminal" in str(result.exception)
