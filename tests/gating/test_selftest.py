# SPDX-License-Identifier: Apache-2.0
"""The self-test on made gates: what is planted where, what is counted, and what is said."""

import math
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serialprof.errors import WorkloadError
from serialprof.gating import selftest
from serialprof.gating.contest import Contest, RefusedBenchmarkError, Side
from serialprof.gating.contestants import BenchmarkFailedError, Contestant
from serialprof.gating.judging import judge
from serialprof.gating.pairing import Pace
from serialprof.gating.records import LOOKS, Benchmark, Criteria, Pair
from serialprof.gating.running import Effort
from serialprof.gating.selftelling import told
from serialprof.gating.selftest import PLANTED, SelfTest, Trial, planting_pace, self_test
from serialprof.machine.topology import allowed_cpus
from serialprof.setting import Setting
from tests import made

MACHINE = made.machine()
BENCHMARK = Benchmark("mine", "mine.py:mine")
SETTING = Setting(mode="eager", depth=1, cpus=(0,))
SIDE = Side("base", sys.executable, Path("/nowhere"))


def pair(slower: float, seconds: float = 1e-6) -> Pair:
    return Pair((seconds,) * 4, (seconds,) * 4, (seconds * (1 + slower),) * 4)


def pairs(slower: float, spread: float, draw: random.Random) -> tuple[Pair, ...]:
    return tuple(pair((1 + slower) * math.exp(draw.gauss(0, spread)) - 1) for _ in range(LOOKS[0]))


def trial(planted: float, *, found: float | None = None, spread: float = 0.001, seed: int = 0) -> Trial:
    """A gate with a slow-down that finds another one."""
    drawn = pairs(planted if found is None else found, spread, random.Random(f"{planted} {seed}"))
    return Trial(planted, judge(drawn, Criteria()), 10.0)


def self_tested(*trials: Trial) -> SelfTest:
    return SelfTest(BENCHMARK, MACHINE, SETTING, 100, 3e-4, trials, 60.0)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """Gates that find exactly what was planted; gives the planted shares and seeds in their order."""
    seen: list[tuple[float, int]] = []
    base = Contestant(sys.executable, "mine.py:mine", Path("/nowhere"))

    def fake_contest(benchmark: Benchmark, *_: Any) -> Contest:
        return Contest(benchmark, SETTING, {"base": base, "twin": base, "head": base})

    def fake_pairs(opened: Contest, paced: Pace, effort: Effort) -> tuple[Pair, ...]:
        assert (opened.contestants["base"], opened.contestants["twin"]) == (base, base)
        seen.append((opened.contestants["head"].planted, effort.seed))
        return pairs(opened.contestants["head"].planted, 0.001, random.Random(len(seen)))

    monkeypatch.setattr(selftest, "contest", fake_contest)
    monkeypatch.setattr(selftest, "preflight", lambda *_: None)
    monkeypatch.setattr(selftest, "pace", lambda setting, base, fewest=1: Pace(setting, 200, 3e-4, 6))
    monkeypatch.setattr(selftest, "take_pairs", fake_pairs)
    return seen


def test_every_slow_down_is_planted_as_often(fakes: list[tuple[float, int]]) -> None:
    done = self_test(BENCHMARK, SIDE, MACHINE, gates=3)
    assert Counter(planted for planted, _ in fakes) == dict.fromkeys(PLANTED, 3)
    assert len({seed for _, seed in fakes}) == len(fakes)
    assert [planted for planted, _ in fakes[:5]] != [planted for planted, _ in fakes[5:10]]
    assert done.shares == PLANTED
    assert (done.rate(0.0, "pass").events, done.rate(0.03, "fail").events) == (3, 3)


def test_step_time_alone_is_tried(fakes: list[tuple[float, int]]) -> None:
    done = self_test(replace(BENCHMARK, metrics=("step", "p99")), SIDE, MACHINE, gates=1)
    assert done.benchmark.metrics == ("step",)


def test_the_mde_of_the_benchmark_is_planted_too(fakes: list[tuple[float, int]]) -> None:
    done = self_test(replace(BENCHMARK, criteria=Criteria(mde=0.02)), SIDE, MACHINE, gates=1)
    assert done.shares == (0.0, 0.01, 0.02, 0.03, 0.05, 0.10)
    assert (done.false_alarms.trials, done.detections.trials) == (2, 4)


def test_nothing_is_planted_where_a_hundred_runs_are_long(
    fakes: list[tuple[float, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paces = {1: Pace(SETTING, 1, 0.02, 6), 100: Pace(SETTING, 100, 2.0, 6)}
    monkeypatch.setattr(selftest, "pace", lambda setting, base, fewest=1: paces[fewest])
    done = self_test(BENCHMARK, SIDE, MACHINE, gates=2)
    assert (done.shares, done.runs, len(fakes)) == ((0.0,), 1, 2)
    assert "Nothing was planted" in told(done)


@pytest.mark.parametrize(
    "reason", [RefusedBenchmarkError("error", "it has no file"), BenchmarkFailedError("base", "it has no file")]
)
@pytest.mark.parametrize("where", ["preflight", "take_pairs"])
def test_what_cannot_be_gated_is_named(
    fakes: list[tuple[float, int]], monkeypatch: pytest.MonkeyPatch, reason: Exception, where: str
) -> None:
    def fails(*_: Any) -> None:
        raise reason

    monkeypatch.setattr(selftest, where, fails)
    with pytest.raises(WorkloadError, match=r"^mine: it has no file"):
        self_test(BENCHMARK, SIDE, MACHINE)


@pytest.mark.parametrize(("seconds", "depth"), [(2e-5, 50), (2e-6, 1)])  # samples of one run, and of about 150
def test_hundreds_of_runs_of_a_step_where_a_hundredth_is_planted(tmp_path: Path, seconds: float, depth: int) -> None:
    (tmp_path / "mine.py").write_text(
        f"import time\n\ndef mine(setting):\n    def step():\n        end = time.perf_counter() + {seconds}\n"
        "        while time.perf_counter() < end:\n            pass\n    return step\n"
    )
    base = Contestant(sys.executable, f"{tmp_path}/mine.py:mine", tmp_path)
    paced = planting_pace(Setting(mode="eager", depth=depth, cpus=allowed_cpus()[-1:]), base)
    assert paced.setting.depth == 1
    assert paced.runs % 100 == 0


def test_false_alarms_and_detections_are_counted() -> None:
    done = self_tested(
        trial(0.0), trial(0.0, found=0.03), trial(0.01), trial(0.03), trial(0.05, found=0.0), trial(0.10, seed=1)
    )
    assert (done.false_alarms.events, done.false_alarms.trials) == (1, 3)
    assert (done.detections.events, done.detections.trials) == (2, 3)


def test_pairs_are_computed_from_the_spread_within_gates() -> None:
    still = self_tested(*(trial(planted, spread=0.001, seed=seed) for planted in (0.0, 0.10) for seed in range(20)))
    assert still.spread == pytest.approx(0.001, rel=0.15)
    assert still.pairs_for_mde == LOOKS[0]
    noisy = self_tested(*(trial(0.0, spread=0.03, seed=seed) for seed in range(20)))
    assert noisy.pairs_for_mde is not None and noisy.pairs_for_mde > LOOKS[-1]
    assert noisy.smallest_caught > 0.03


def test_what_is_said() -> None:
    said = told(self_tested(*(trial(planted) for planted in PLANTED)))
    assert said.endswith("\n")
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Self-test of mine: 5 real gates of the base against itself, in 60.0 s"
    rows = {line.split()[0]: line.split()[-6:] for line in lines if line.startswith("  +")}
    assert rows["+3"] == ["0", "0", "at", "least", "5", "%"]
    assert "False alarms: 0 of 2 gates, at most 78 %; a bound of 5 % takes 59 gates" in said
    assert "Caught: 3 of 3 slow-downs of 3 % or more, at least 37 %." in said
    assert "- 5 pairs, 10.0 s, catch +3 % with a power of 95 %" in said


def test_too_noisy_a_runner_is_told_what_it_can_tell() -> None:
    said = told(self_tested(*(trial(0.0, spread=0.03, seed=seed) for seed in range(9))))
    assert "but a gate takes 16 at most" in " ".join(said.split())
    assert "so give --mde" in said
    hopeless = told(self_tested(*(trial(0.0, spread=0.9, seed=seed) for seed in range(9))))
    assert "no number of pairs catches +3 %" in hopeless
