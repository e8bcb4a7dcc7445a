# SPDX-License-Identifier: Apache-2.0
"""What a notebook shows of runs, attributions, verdicts and progress."""

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest

from serialprof.estimate import Estimate
from serialprof.model.results import CAUSES, SERIAL, Analysis, Part
from serialprof.view import Run, load
from serialprof_reports import notebook
from serialprof_reports.notebookprogress import progress
from tests.reports import made

EXAMPLES: Final = Path(__file__).parents[2] / "docs/examples"
EVIL: Final = "<script>alert('&')</script>\x1b[31m"
#: Elements without an end of their own.
VOID: Final = {"br", "hr", "img", "meta"}
#: The lightest and the darkest background on which a front end puts an output.
BACKGROUNDS: Final = ("#ffffff", "#111111")


class Read(HTMLParser):
    """A fragment's elements, attributes and text; anything left open or closed twice is noted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data if self.open and self.open[-1] != "style" else ""


def evil() -> Run:
    """A run whose every text is hostile."""
    stored = made.stored_run((made.LSTM,))
    known = made.family(stored, made.LSTM)
    verdict = replace(known.verdict, sentence=EVIL, grade_reason=EVIL, hatch=EVIL, next_step=EVIL)
    points = (replace(known.points[0], failed=EVIL), *known.points[1:])
    family = replace(
        known, description=replace(known.description, name=EVIL, summary=EVIL), verdict=verdict, points=points
    )
    machine = replace(stored.machine, processor=EVIL, host=EVIL)
    return made.view(replace(stored, machine=machine), Analysis((family,)))


def fragments(run: Run) -> list[str]:
    families = run.analysis.families
    return [
        notebook.run(run),
        *(notebook.verdict(family.verdict) for family in families),
        *(notebook.attribution(item) for family in families for item in family.attributions[:2]),
        progress(EVIL, 0.5, [EVIL]),
    ]


@cache
def example(name: str = "amd-epyc-2-cores") -> Run:
    return load(EXAMPLES / f"{name}.serialprof")


def test_fragments_are_well_formed_and_hold_no_script_no_id_and_nothing_to_fetch() -> None:
    for text in (text for run in (evil(), example(), example("nvidia-h200")) for text in fragments(run)):
        read = Read(text)
        assert not read.open and not read.wrong
        assert not {"script", "link", "img", "iframe", "object", "a", "form"} & set(read.tags)
        assert not [name for name, _ in read.attributes if name.startswith("on") or name in ("id", "href", "src")]
        assert "url(" not in text and "@import" not in text and "http" not in text


def test_what_a_run_holds_is_escaped_and_loses_its_control_characters() -> None:
    shown = "<script>alert('&')</script>\N{REPLACEMENT CHARACTER}[31m"
    for text in fragments(evil())[:2]:
        assert "<script" not in text and "\x1b" not in text
        assert shown in Read(text).text
    assert EVIL in Read(progress(EVIL, 0.5, [EVIL])).text


def test_a_run_shows_every_verdict_and_where_its_file_is() -> None:
    run = example()
    read = Read(notebook.run(run))
    for family in run.analysis.families:
        assert family.verdict.sentence in read.text and family.verdict.next_step in read.text
    assert "amd-epyc-2-cores.serialprof" in read.text
    assert "run is" not in read.text, "it is complete"
    broken = made.view(replace(run.stored, status="interrupted"), run.analysis)
    assert "this run is interrupted" in Read(notebook.run(broken)).text


def test_failures_are_named_up_to_three() -> None:
    run = made.view(made.stored_run((made.LSTM,)))
    family = run.analysis.families[0]
    points = tuple(replace(item, failed=f"reason {number}") for number, item in enumerate(family.points[:5]))
    view = made.view(run.stored, Analysis((replace(family, points=points),)))
    text = Read(notebook.run(view)).text
    assert "reason 2" in text and "reason 3" not in text and "and 2 more failed" in text


def test_a_run_of_which_nothing_is_known_yet_shows_itself() -> None:
    stored = made.stored_run((made.LSTM,))
    view = Run(replace(stored, visits=(), status="interrupted"), Path("a.serialprof"))
    assert "0 samples" in Read(view._repr_html_()).text


def test_an_attribution_shows_every_cause_that_may_be_there() -> None:
    item = example().attribution("lstm", width=16)
    text = Read(item._repr_html_()).text
    shown = {cause for cause in CAUSES if cause in text}
    assert shown == set(CAUSES) - {"launch", "synchronisation"}, "there is neither on one thread of a native core"
    assert "of it: serial, scaling with the clock" in text and "W = 16, 1 thread" in text


def test_of_a_share_without_a_value_the_least_is_drawn_and_the_reason_told() -> None:
    item = example().attribution("lstm", width=16)
    bracket = Estimate.bracket(0.25, 0.5, "confounded with <dispatch>")
    unknown = Part(SERIAL, Estimate.bracket(1e-6, 2e-6, "", "s"), bracket)
    text = notebook.attribution(replace(item, parts=(unknown, *item.parts[1:])))
    assert "width: 25.0%" in text
    assert "serial: confounded with <dispatch>" in Read(text).text


def test_a_verdict_shows_its_evidence_and_the_way_round() -> None:
    verdict = example().verdict("lstm")
    text = Read(verdict._repr_html_()).text
    for part in (verdict.sentence, f"evidence {verdict.grade}", verdict.hatch, verdict.next_step):
        assert part in text


def test_plain_texts_are_short() -> None:
    run = example()
    assert repr(run) == f"<serialprof.Run of decode, lstm, rule110, life: 80 points, complete, in {run.path}>"
    assert str(run) == run.render("terminal", width=100, color=False)
    verdict, item = run.verdict("lstm"), run.attribution("lstm", width=16)
    assert str(verdict).startswith(f"{verdict.sentence} (evidence {verdict.grade}: ")
    assert repr(verdict) == f"<Verdict {verdict}>"
    assert re.match(r"<Attribution at width 16, 1 thread: serial \d+ %.*, unattributed ", repr(item))
    assert "launch" not in str(item)


def test_a_bar_of_progress_stays_within_its_ends() -> None:
    assert "<progress" not in progress("beginning")
    for share, value in ((-1.0, "0.000"), (0.25, "0.250"), (2.0, "1.000")):
        assert f'value="{value}"' in progress("sampling", share)
    assert Read(progress("sampling", 0.5, ["skipped: x", "clocks: y"])).text == "samplingskipped: xclocks: y"


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_colours_stand_out_from_a_light_and_a_dark_background(background: str) -> None:
    style = (files("serialprof_reports") / "templates" / "notebook.css").read_text("utf-8")
    colours = set(re.findall(r"#[0-9a-f]{6}", style))
    assert len(colours) == len(CAUSES)
    for colour in colours:
        light, dark = sorted((luminance(colour), luminance(background)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, colour
