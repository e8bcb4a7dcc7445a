# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import made
import pytest

from serialprof.estimate import Estimate
from serialprof.limits import BarrierRung, ChaseRung
from serialprof.machine.description import Gpu
from serialprof.model.results import Analysis
from serialprof_reports.html import html

EVIL = '<script>alert(1)</script>" onload="x'


class Page(HTMLParser):
    """Every start tag with its attributes, and the text inside each kind of element."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inside: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            kind = "data" if self.open[-1] == "script" and "type" in self.elements[-1][1] else self.open[-1]
            self.inside.setdefault(kind, []).append(data)

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


parsed = cache(Page)


def evil_run_page() -> str:
    name = EVIL + "$x^2$ \\frac{1}{2} & \x1b[31m\x00 \N{CJK UNIFIED IDEOGRAPH-4E2D}" + "n" * 10_000
    shape = replace(made.LSTM, name=name, width_name=name, depth_name=name, hatch=name)
    run = made.stored_run((shape,), host=name)
    run = replace(run, command=("serialprof", name), visits=(replace(run.visits[0], status="failed", reason=name),))
    family = made.family(run, shape)
    unknown = replace(family, verdict=replace(family.verdict, sentence=name), refusal=name)
    return html(made.view(run, Analysis((unknown, made.unknown_family(run, shape, name)))))


@cache
def pages() -> dict[str, str]:
    run = made.stored_run()
    failed = made.stored_run((made.LSTM, made.LIFE), all_fail=True)
    four = made.stored_run((made.LSTM,), thread_counts=(1, 2, 4, 8))
    one = made.stored_run((made.LSTM,), thread_counts=(1,))
    return {
        "default": html(made.view(run, made.analysis(run))),
        "mixed": html(
            made.view(run, Analysis((made.family(run, made.DECODE), made.unknown_family(run, made.LSTM, "too few"))))
        ),
        "empty": html(made.view(replace(run, visits=()), Analysis(()))),
        "failed": html(
            made.view(failed, Analysis(tuple(made.unknown_family(failed, s, "died") for s in (made.LSTM, made.LIFE))))
        ),
        "four threads": html(made.view(four, made.analysis(four, (made.LSTM,)))),
        "one thread": html(made.view(one, made.analysis(one, (made.LSTM,)))),
        "evil": evil_run_page(),
    }


@pytest.fixture(params=("default", "mixed", "empty", "failed", "four threads", "one thread", "evil"))
def text(request: pytest.FixtureRequest) -> str:
    return pages()[request.param]


def test_every_reference_resolves_and_no_id_is_used_twice(text: str) -> None:
    page = parsed(text)
    identifiers = page.attributes("id")
    assert len(identifiers) == len(set(identifiers))
    targets = [value.removeprefix("#") for value in page.attributes("href") if value.startswith("#")]
    targets += [target for _, values in page.elements for value in values.values() for target in _urls(value)]
    targets += [target for value in page.attributes("aria-labelledby") for target in value.split()]
    assert set(targets) <= set(identifiers)


def _urls(value: str) -> list[str]:
    return re.findall(r"url\(#([^)]*)\)", value)


def test_nothing_is_fetched(text: str) -> None:
    page = parsed(text)
    assert page.attributes("src") == []
    elsewhere = [value for value in page.attributes("href") if not value.startswith("#")]
    assert {value.partition(",")[0] for value in elsewhere} == {"data:", "data:application/gzip;base64"}
    assert not {"img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.elements}
    for style in page.inside["style"]:
        assert "url(" not in style
        assert "@import" not in style


def test_no_inline_style_and_no_handler(text: str) -> None:
    names = {name for _, attributes in parsed(text).elements for name in attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]


def test_policy_holds_the_hashes_of_style_and_script(text: str) -> None:
    page = parsed(text)
    policy = next(values["content"] for _, values in page.elements if values.get("http-equiv"))
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'{_hash(page, 'style')}'",
        "script-src": f"'{_hash(page, 'script')}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def _hash(page: Page, tag: str) -> str:
    assert sum(name == tag and "type" not in values for name, values in page.elements) == 1
    digest = hashlib.sha256("".join(page.inside[tag]).encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def test_text_of_the_run_is_escaped() -> None:
    text = pages()["evil"]
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert not {"\x1b", "\x00"} & set(text)
    for figure in _figures(text):
        assert max((len(piece) for piece in figure.itertext()), default=0) <= 40


def _figures(text: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)]


def test_mathtext_is_off_in_figures() -> None:
    shape = replace(made.LSTM, width_name="$x^2$ {")
    run = made.stored_run((shape,))
    assert ">$x^2$ {</text>" in html(made.view(run, made.analysis(run, (shape,))))


def test_default_page_holds_every_part() -> None:
    text = pages()["default"]
    assert len(text) < 800_000
    assert len(_figures(text)) == 1 + 5 * 4 + 1
    assert re.findall(r'<h2 id="([^"]*)"', text) == [
        "verdicts", "whatif", "machine", "map", "clock", "threads", "width", "shares", "decision", "tails",
        "reproduce",
    ]  # fmt: skip
    for part in ("evidence C: model or stand-in", "3.41 GHz", "c0ffee", "20260102", "79 of them disturbed"):
        assert part in text
    assert "serialprof run --budget 120s -o &#39;a file.serialprof&#39;" in text
    assert "lstm, W = 256, 2 threads, wide" in text


def test_colours_are_left_to_the_style_sheet(text: str) -> None:
    assert not [element for figure in _figures(text) for element in figure.iter() if "#0" in element.get("fill", "")]
    drawn = {name for found in _figures(text) for element in found.iter() for name in element.get("class", "").split()}
    style = "".join(parsed(text).inside["style"])
    assert {name for name in drawn if f".{name} " not in style} == set()
    literal = {element.get(kind) for found in _figures(text) for element in found.iter() for kind in ("fill", "stroke")}
    assert {value for value in literal if value and not value.startswith("url(#")} <= {"none"}


def test_page_is_the_same_when_made_again() -> None:
    run = made.stored_run((made.LSTM,))
    analysis = made.analysis(run, (made.LSTM,))
    assert html(made.view(run, analysis)) == html(made.view(run, analysis))


def test_refusals_stand_where_figures_would() -> None:
    run = made.stored_run((made.LSTM,), all_fail=True)
    text = html(made.view(run, Analysis((made.unknown_family(run, made.LSTM, "every point failed"),))))
    assert _figures(text) == []
    assert text.count('<p class="refusal">every point failed</p>') == 4
    assert "killed by signal 9" in text


def test_contents_lead_to_every_section(text: str) -> None:
    contents = text[text.index("<nav") : text.index("</nav>")]
    assert re.findall(r'href="#([^"]*)"', contents) == re.findall(r'<h2 id="([^"]*)"', text)


def test_every_figure_has_its_numbers_behind_it() -> None:
    figures = re.findall(r"<figure>.*?</figure>", pages()["four threads"], flags=re.DOTALL)
    assert figures and all("<details>" in figure and "<table" in figure for figure in figures)


def test_what_one_thread_has_no_answer_to_is_left_out() -> None:
    found = re.findall(r'<h2 id="([^"]*)"', pages()["one thread"])
    assert "width" in found
    assert not {"threads", "decision"} & set(found)
    run = made.stored_run((made.LSTM, made.LIFE), thread_counts=(1, 2))
    points = tuple(item for item in run.plan.points if item.workload == "life" or item.setting.threads == 1)
    some = replace(run, plan=replace(run.plan, points=points))
    assert "Only one thread count was measured." not in html(
        made.view(some, made.analysis(some, (made.LSTM, made.LIFE)))
    )


def test_the_head_of_the_page_names_the_machine() -> None:
    run = made.stored_run((made.LSTM,))
    gpu = Gpu("NVIDIA <H200>", 2**37, "580.1")
    run = replace(run, machine=replace(run.machine, gpus=(gpu,)))
    head = html(made.view(run, made.analysis(run, (made.LSTM,)))).partition("<nav")[0]
    assert f"<p>{run.machine.processor}, 2 usable cores, 3.41 GHz by meter, " in head
    assert ", NVIDIA &lt;H200&gt;</p>" in head


def test_one_failed_point_is_one() -> None:
    run = made.stored_run((made.LSTM,))
    assert "<summary>1 failed point</summary>" in html(made.view(run, made.analysis(run, (made.LSTM,))))


def test_emoji_are_shown_as_text() -> None:
    name = "\N{GRINNING FACE}" * 10_000
    run = made.stored_run((replace(made.LSTM, name=name),), host=name)
    text = html(made.view(run, made.analysis(run, (replace(made.LSTM, name=name),))))
    assert "\N{GRINNING FACE}" * 77 + "..." in "".join(parsed(text).inside["h3"])


def test_every_cause_is_drawn_or_named() -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    shown = family.attributions[0]
    unknown = replace(shown.part("width compute"), share=Estimate.bracket(0.1, 0.9, "not measured apart"))
    parts = tuple(unknown if part.cause == "width compute" else part for part in shown.parts)
    text = html(made.view(run, Analysis((replace(family, attributions=(replace(shown, parts=parts),)),))))
    assert "of which only the least is drawn: width compute." in text
    assert "<li>width compute: not measured apart</li>" in text
    drawn = {"".join(element.itertext()) for figure in _figures(text) for element in figure.iter("text")}
    assert {
        "serial",
        "launch",
        "synchronisation",
        "width compute",
        "width memory",
        "not told apart",
        "unattributed",
    } <= drawn


def test_limits_are_shown_with_cycles_grains_and_what_was_not_measured() -> None:
    run = made.stored_run()
    limits = replace(
        run.limits,
        fma={"baseline": 2.8e10, "avx512": 1.1e11},
        dispatch=830e-9,
        barriers=(BarrierRung(2, 0.0, 149e-9, 2e-9), BarrierRung(2, 1e-3, 2.5e-6, 0.4e-6)),
        chase=(*run.limits.chase, ChaseRung(64 << 20, 95e-9, 2)),
        unmeasured={"stream": "its time was up"},
    )
    page = html(made.view(replace(run, limits=limits), made.analysis(run)))
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    assert ["dependent fma", "1.17 ns", "3.99"] in rows
    assert ["fp32 FMA, avx512, 1 thread", "110 GFLOP/s", ""] in rows
    assert ["eager torch operation", "830 ns", "2830"] in rows
    assert ["2", "1.00 ms", "2.50 us", "400 ns"] in rows
    (last,) = (row for row in rows if row[0] == "64 MiB")
    assert last[1:3] == ["89.6 ns", "95.0 ns"]
    assert len(last) == 5, "this run is from before updates were measured"
    updates = tuple(replace(rung, bandwidth=rung.bandwidth * 1.5) for rung in run.limits.stream)
    page = html(made.view(replace(run, limits=replace(limits, updates=updates)), made.analysis(run)))
    row = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", page[page.index("update, 1 thread") :])
    assert row[row.index("64 MiB") :][3:7] == ["25.0 GB/s", "42.5 GB/s", "37.5 GB/s", "63.8 GB/s"]
    assert ["bandwidth of memory", "its time was up"] in rows


@pytest.mark.parametrize(
    ("processes", "said"), [((0, 1), "fresh processes in every block"), ((0, 0), "the same processes in all")]
)
def test_workers_that_were_kept_are_told_from_fresh_ones(processes: tuple[int, int], said: str) -> None:
    run = made.stored_run((made.LSTM,))
    first = run.visits[0]
    visits = tuple(replace(first, block=block, process=process) for block, process in enumerate(processes))
    page = html(made.view(replace(run, visits=visits, plan=replace(run.plan, blocks_per_process=1)), Analysis(())))
    assert said in page
