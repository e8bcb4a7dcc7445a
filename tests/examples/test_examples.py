# SPDX-License-Identifier: Apache-2.0
"""Every example of docs/examples runs as its own file says, at tiny size, through the real command line."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from benchmarks.examples import ROOT, Example, examples, in_folder
from serialprof.store import read_run
from tests.cli.calling import processed

BRIEF: Final = "--quick --budget 3s --precision 90% --no-stand-ins --no-html"
#: What makes each of them tiny; each gets two widths.
TINY: Final = {
    "event_queue": "--width 4,8 --threads 1 --depth 10",
    "gymnasium_rollout": "--width 1,2 --threads 1 --depth 4 --param hidden=8",
    "numba_life": "--width 16,64 --threads 1,2 --depth 4",
    # Its depth is such that a run takes much longer than a process takes to start.
    "openmp_heat": "--width 65536,262144 --threads 1 --depth 8000 --budget 12s",
    "rebound_orbits": "--width 1,2 --threads 1 --depth 4",
    "scipy_ode": "--width 8,16 --threads 1 --depth 4",
    "transformers_generate": "--width 1,2 --threads 1 --depth 2 --param hidden=32 --param intermediate=32 "
    "--param layers=1 --param vocabulary=64 --param context=8",
    "transformers_serving": "--width 1,2 --threads 1 --depth 3 --param hidden=32 --param layers=1",
    "vllm_step": "--width 1,2 --threads 1 --depth 3 --param layers=1 --param vocabulary=64",
}


def ready(example: Example) -> None:
    """Skips the test, with the reason, where the example cannot run here."""
    if example.missing:
        pytest.skip(f"needs {', '.join(example.missing)}, which is not installed")
    for line in example.preparation:
        if shutil.which(tool := line.partition(" ")[0]) is None:
            pytest.skip(f"needs {tool}, which is not there")


def replaced(words: list[str], tiny: list[str]) -> list[str]:
    """An example's options with those that make it tiny behind them, so that these win; a program stays last."""
    end = words.index("--") if "--" in words else len(words)
    return [*words[:end], *tiny, *words[end:]]


@pytest.mark.parametrize("name", examples())
def test_an_example_runs_as_its_file_says(name: str, tmp_path: Path) -> None:
    example = examples()[name]
    ready(example)
    for line in example.preparation:
        subprocess.run(in_folder(line, str(tmp_path)), cwd=ROOT, check=True)
    _, *words = in_folder(example.command, str(tmp_path))
    tiny = shlex.split(f"{BRIEF} {TINY[name]} -o {tmp_path}/a.serialprof")
    done = processed(*replaced(words, tiny), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    run = read_run(tmp_path / "a.serialprof")
    widths, threads = (tiny[tiny.index(option) + 1].split(",") for option in ("--width", "--threads"))
    measured = {
        (point.setting.width, point.setting.threads, visit.status)
        for visit in run.visits
        for point in [run.point(visit.point)]
    }
    assert measured == {(int(width), int(count), "ok") for width in widths for count in threads}


def test_the_rod_takes_the_same_heat_on_two_threads(tmp_path: Path) -> None:
    example = examples()["openmp_heat"]
    ready(example)
    for line in example.preparation:
        subprocess.run(in_folder(line, str(tmp_path)), cwd=ROOT, check=True)
    told = [subprocess.check_output([tmp_path / "heat", threads, "64", "9"], text=True) for threads in ("1", "2")]
    assert told[0] == told[1]
    assert 0.5 < float(told[0]) < 1


def test_every_example_is_tested() -> None:
    assert set(TINY) == set(examples())
