# SPDX-License-Identifier: Apache-2.0
"""benchmarks/report.py: the made-up run has as many samples as it says, and goals are judged as written."""

import json
import statistics
import sys
from pathlib import Path

import pytest

from serialprof.store import Store, read_run
from tests import made

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _benchmarks_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def test_a_run_is_made_larger_without_losing_a_block(tmp_path: Path) -> None:
    from report_tools.building import BLOCKS, enlarge

    small, large = tmp_path / "a.serialprof", tmp_path / "b.serialprof"
    cells = made.points(widths=(1, 4))
    visits = tuple(made.visit(point.id, block) for block in range(2) for point in cells)
    with Store(small, made.stored(cells, visits)):
        pass
    assert enlarge(small, large, 60) == 80
    run = read_run(large)
    assert sum(len(visit.samples) for visit in run.visits) == 80
    assert {visit.block for visit in run.visits} == set(range(2 * BLOCKS))
    assert all(0.9 < sample.seconds < 1.2 for visit in run.visits for sample in visit.samples)


def test_a_command_is_timed_and_its_last_words_are_kept(tmp_path: Path) -> None:
    from report_tools.building import build

    sound = build([sys.executable, "-c", "x = b'x' * 200_000_000"], tmp_path)
    assert sound.error == "" and sound.memory > 200e6 and sound.seconds > 0
    assert build([sys.executable, "-c", "raise SystemExit('no page')"], tmp_path).error == "no page"


def test_goals_are_met_at_their_limit_and_not_known_where_nothing_was_seen() -> None:
    import report
    from report_tools.browsing import Seen
    from report_tools.building import Built

    seen = Seen(requests=1, ready=150.0, readies=(150.0,), duplicates=0, widest=390.4, scrolls=0)
    result = {"built": Built(3.1, 10**9), "size": 800_000, "seen": seen}
    judged = {row["goal"]: row["met"] for row in report.judge(report.DEFAULT, result)}
    assert judged == {
        "size": True, "built in": False, "ready in": True, "requests": False, "duplicate ids": True,
        "widest at 390 px": True, "scrolls sideways": True,
    }  # fmt: skip
    failed = report.judge(report.MILLION, {"built": Built(1.0, 1, "it broke"), "size": None, "seen": None})
    assert {row["met"] for row in failed} == {None}


def test_a_page_of_the_same_plots_has_the_measured_numbers() -> None:
    from report_tools.plots import figures

    store = ROOT / "docs/examples/amd-epyc-2-cores.serialprof"
    found = figures(store)
    run = read_run(store)
    assert len(found) == 2 + 5 * len(run.plan.descriptions)
    widths = next(figure for figure in found if figure["title"].startswith("Time per step"))
    line = next(series for series in widths["series"] if series["name"] == "serial, 1")
    assert line["x"] == sorted(set(line["x"]))
    assert all(low < step < high for low, step, high in zip(line["low"], line["y"], line["high"], strict=True))
    first = run.plan.points[0]
    assert (first.setting.form, first.setting.threads) == ("serial", 1)
    visits = [visit for visit in run.visits if visit.point == first.id]
    steps = [sample.seconds / visit.runs / first.setting.depth for visit in visits for sample in visit.sound]
    assert line["y"][line["x"].index(first.setting.width)] == pytest.approx(statistics.median(steps), rel=0.1)
    json.dumps(found, allow_nan=False)


def test_without_an_environment_there_is_a_reason_instead_of_a_page(tmp_path: Path) -> None:
    from report_tools.peers import PEERS, pages

    made = pages(tmp_path / "python", tmp_path, [])
    assert list(made) == [peer.name for peer in PEERS]
    assert all(item.page is None and item.built.error.startswith("not compared: there is no") for item in made.values())
