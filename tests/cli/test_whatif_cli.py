# SPDX-License-Identifier: Apache-2.0
"""`serialprof whatif` on a stored run whose times follow a law."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof.cli.answers import answer_json, answer_text
from serialprof.estimate import Estimate
from serialprof.question import question_of
from serialprof.store import Store
from serialprof.view import load
from tests.cli.calling import called, processed
from tests.model import builder

L, TAU, S = 1e-6, 2e-8, 3e-7
WIDTHS = (1, 4, 16, 64, 256)


def law(width: int, threads: int, form: str) -> float:
    return L + TAU * width / min(threads, width) + S * (threads > 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a.serialprof."""
    folder = tmp_path_factory.mktemp("whatif")
    run = builder.run(law, WIDTHS, (1, 2), noise=0.01)
    with Store(folder / "a.serialprof", replace(run, visits=())) as store:
        for visit in run.visits:
            store.add(visit)
        store.finish("complete")
    return folder


def whatif(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return called("whatif", *arguments, cwd=folder)


def test_a_table_per_workload(folder: Path) -> None:
    done = processed("whatif", "a.serialprof", "--threads", "x2", "--barrier", "x0.5", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "toy native: x0.5 barrier, x2 threads"
    assert lines[2].split() == ["W", "threads", "now", "then", "speed-up"]
    assert [line.split()[0] for line in lines[3:13]] == [str(width) for width in WIDTHS * 2]
    assert all(line.endswith("inside the sweep") for line in lines[3:8])
    assert all(line.endswith("extrapolated") for line in lines[8:13])
    assert max(map(len, lines)) <= 80
    assert "how synchronisation grows to 4 threads was not measured" in " ".join(done.stdout.split())


def test_the_clock_is_bracketed_and_of_this_core_design(folder: Path) -> None:
    done = whatif(folder, "a.serialprof", "toy", "--clock", "+10%")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert text.startswith("toy native: +10 % clock")
    assert text.count("this core design only") == 1
    assert "evidence C" in text
    assert "1.099..1.100 x inside the sweep" in text or "1.100 x inside the sweep" in text
    assert "on 2 threads: how much of a barrier follows the clock is not known; narrowed by runs at two clocks" in text


def test_as_json(folder: Path) -> None:
    done = whatif(folder, "a.serialprof", "--clock", "x2", "--width", "64", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == {"name": "serialprof.whatif", "version": 1}
    assert document["question"]["change"]["clock"] == 2.0
    (family,) = document["families"]
    assert [(item["width"], item["threads"]) for item in family["predictions"]] == [(64, 1), (64, 2)]
    gain = family["predictions"][1]["speedup"]
    assert gain["value"] is None and gain["identified"] is False
    assert gain["low"] == pytest.approx(law(64, 2, "") / ((law(64, 2, "") - S) / 2 + S), rel=0.02)
    assert gain["high"] == pytest.approx(2)
    assert "only one clock was measured" in gain["reason"] and gain["what_would_identify_it"]


def test_prices_name_the_best_measured_setting(folder: Path) -> None:
    done = whatif(folder, "a.serialprof", "--price", "0.05+0.04", "--watts", "0+10")
    text = " ".join(done.stdout.split())
    assert "most lanes for the price: " in text and "most lanes for the energy: 4.1" in text
    assert "threads now then" not in text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("a.serialprof",), "nothing is asked; give a factor such as --clock +10%"),
        (("a.serialprof", "--clock", "3GHz"), "clock '3GHz' is no factor; write it like --clock +10%"),
        (("a.serialprof", "--clock", "x0"), "clock 'x0' is 0 times what was measured"),
        (("a.serialprof", "--memory-latency", "-100%"), "memory-latency '-100%' is 0 times what was measured"),
        (("a.serialprof", "--bandwidth", "x5000"), "give a factor between x0.001 and x1000"),
        (("a.serialprof", "--threads", "two"), "threads 'two' is neither a whole number from 1 on nor a factor"),
        (("a.serialprof", "--width", "0"), "width '0' is neither"),
        (("a.serialprof", "--price", "5"), "price '5' is no BASE+PER_THREAD"),
        (("a.serialprof", "lstm", "--clock", "x2"), "the run has no workload 'lstm'; it has toy"),
        (("a.serialprof", "--price", "0+99999999999"), "price '0+99999999999' is no cost that could be meant"),
        (("b.serialprof", "--clock", "x2"), "there is no run file b.serialprof"),
        (("b.serialprof",), "there is no run file b.serialprof"),
    ],
)
def test_bad_input_is_one_sentence(folder: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = whatif(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert done.stderr.startswith("serialprof: ") and len(done.stderr.splitlines()) == 1


def test_a_run_that_measured_nothing_says_so(tmp_path: Path) -> None:
    run = builder.run(law, WIDTHS)
    with Store(tmp_path / "c.serialprof", replace(run, visits=())) as store:
        for visit in run.visits:
            store.add(replace(visit, status="failed", reason="it broke"))
        store.finish("complete")
    question = question_of({"clock": "x2"})
    answers = load(tmp_path / "c.serialprof").whatif(question=question)
    said = " ".join(answer_text(question, answers).split())
    assert "everything not told: no point was measured (the first failure: it broke); told by" in said
    (family,) = json.loads(answer_json(question, answers))["families"]
    (refusal,) = family["refusals"]
    assert refusal["reason"] == "no point was measured (the first failure: it broke)"


def test_a_row_without_numbers_lies_nowhere(folder: Path) -> None:
    question = question_of({"threads": "x1.5"})
    lines = answer_text(question, load(folder / "a.serialprof").whatif(question=question)).splitlines()
    assert all(line.endswith("-") for line in lines[3:8]), "one thread and a half"
    assert all(line.endswith("extrapolated") for line in lines[8:13])


def test_no_interval_is_shown_to_reach_below_zero(folder: Path) -> None:
    question = question_of({"barrier": "x2"})
    (found,) = load(folder / "a.serialprof").whatif(question=question)
    told = replace(found.predictions[0], then=Estimate(1e-6, 1e-7, 1e-5, "s"), speedup=Estimate(0.1, 0.01, 1.0))
    line = answer_text(question, [replace(found, predictions=(told,))]).splitlines()[3]
    assert line.endswith("100 ns..10.0 us  0.01..1.00 x  inside the sweep")


def test_help_imports_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys; sys.argv = ['serialprof', 'whatif', '--help']\n"
        "from serialprof.cli import main\n"
        "try: main()\n"
        "finally: print('HEAVY', sorted({'numpy', 'scipy', 'pandas', 'matplotlib', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    assert "--memory-latency FACTOR" in done.stdout


def test_lanes_a_second_are_compared_where_the_width_changes(folder: Path) -> None:
    question = question_of({"width": "x4"})
    lines = answer_text(question, load(folder / "a.serialprof").whatif(question=question)).splitlines()
    assert lines[2].split()[-1] == "lanes/s"
    assert lines[3].split()[:4] == ["1", "to", "4", "1"]
    gain = 4 * law(1, 1, "") / law(4, 1, "")
    assert float(lines[3].split("%")[-1].split()[0]) == pytest.approx(gain, rel=0.02)


def test_python_asks_as_the_command_line_does(folder: Path) -> None:
    run = load(folder / "a.serialprof")
    (said,) = run.whatif("toy", threads=2, barrier="x0.5")
    (asked,) = run.whatif(question=question_of({"threads": "2", "barrier": 0.5}))
    assert said == asked
    assert said.predictions[0].new_threads == 2
