# SPDX-License-Identifier: Apache-2.0
"""Pairs of real workers: order of turns, planted truth, and sides that fail."""

import itertools
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serialprof.gating import pairing
from serialprof.gating.contestants import BenchmarkFailedError, Contestant, ask
from serialprof.gating.pairing import Pace, orders, pace, time_pair
from serialprof.gating.records import ROLES, Role
from serialprof.machine.topology import allowed_cpus
from serialprof.measure import protocol
from serialprof.measure.process import WorkerProcess
from serialprof.setting import Setting

WORKLOADS = """
import os, time

def spin(setting):
    def step():
        end = time.perf_counter() + 2e-5
        while time.perf_counter() < end:
            pass
    return step

def slow(setting):
    def step():
        end = time.perf_counter() + 1e-3
        while time.perf_counter() < end:
            pass
    return step

def breaks(setting):
    count = []
    def step():
        count.append(1)
        if len(count) > 300:
            raise ValueError("no more")
    return step

def strays(setting):
    os.sched_setaffinity(0, {setting.cpus[0], OTHER})
    return lambda: None

def narrows(setting):
    os.sched_setaffinity(0, setting.cpus[:1])
    return lambda: None

def dies(setting):
    def step():
        os._exit(7)
    return step
"""


def contestants(folder: Path, **names: str) -> dict[Role, Contestant]:
    (folder / "mine.py").write_text(f"OTHER = {allowed_cpus()[0]}\n{WORKLOADS}")
    return {role: Contestant(sys.executable, f"{folder}/mine.py:{names.get(role, 'spin')}", folder) for role in ROLES}


def setting(depth: int = 1) -> Setting:
    return Setting(mode="eager", depth=depth, cpus=allowed_cpus()[-1:])


def test_blocks_are_mirrored_permutations_all_equally_often() -> None:
    drawn = orders(12, random.Random(1))
    assert all(tuple(block[:3]) == tuple(reversed(block[3:])) for block in drawn)
    counts = Counter(tuple(block[:3]) for block in drawn)
    assert counts == dict.fromkeys(itertools.permutations(ROLES), 2)
    assert orders(7, random.Random(1)) == drawn[:7]


def test_a_drift_meets_all_roles_alike() -> None:
    for block in orders(6, random.Random(2)):
        places = {role: [place for place, name in enumerate(block) if name == role] for role in ROLES}
        assert {sum(found) for found in places.values()} == {5}


def test_a_sample_lasts_as_long_as_it_should(tmp_path: Path) -> None:
    paced = pace(setting(depth=4), contestants(tmp_path)["base"])
    assert paced.runs * paced.steps >= 4
    assert paced.seconds >= 3e-4
    assert paced.warm


def test_a_long_run_is_cut_to_fewer_steps(tmp_path: Path) -> None:
    paced = pace(setting(depth=1000), contestants(tmp_path, base="slow")["base"])
    assert paced.setting.depth <= 20
    assert paced.runs == 1


def test_a_program_runs_as_deep_as_it_was_asked_to(tmp_path: Path) -> None:
    sleeps = Contestant(sys.executable, "-- sleep 0.0{depth}", tmp_path)
    paced = pace(replace(setting(depth=5), mode="process"), sleeps)
    assert paced.setting.depth == 5
    slow = pace(replace(setting(depth=5), mode="process"), replace(sleeps, reference="-- sleep 0.{depth}"))
    assert slow.blocks < paced.blocks


def test_a_planted_slow_down_is_runs_that_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = contestants(tmp_path)
    roles["head"] = replace(roles["head"], planted=9.0)
    asked: dict[Role, set[int]] = {role: set() for role in ROLES}

    def note(role: Role, worker: WorkerProcess, turn: protocol.Turn, *rest: Any) -> protocol.Turned:
        asked[role].add(turn.runs)
        return ask(role, worker, turn, *rest)

    monkeypatch.setattr(pairing, "ask", note)
    pair = time_pair(roles, Pace(setting(), 20, 4e-4, 6), random.Random(3))
    assert len(pair.base) == len(pair.twin) == len(pair.head) == 12
    assert asked == {"base": {20}, "twin": {20}, "head": {200}}
    assert min(pair.head) >= 10 * 2e-5  # that long a step lasts by its own clock


@pytest.mark.parametrize(("name", "reason"), [("breaks", "no more"), ("dies", "exit code 7"), ("gone", "no 'gone'")])
def test_a_side_that_fails_is_named(tmp_path: Path, name: str, reason: str) -> None:
    roles = contestants(tmp_path, head=name)
    with pytest.raises(BenchmarkFailedError, match=reason) as failed:
        time_pair(roles, Pace(setting(), 20, 4e-4, 6), random.Random(3))
    assert failed.value.role == "head"


@pytest.mark.skipif(len(allowed_cpus()) < 2, reason="there is one CPU alone")
def test_a_side_that_runs_on_other_cores_than_its_own_is_named(tmp_path: Path) -> None:
    roles = contestants(tmp_path, base="narrows", twin="narrows", head="strays")
    with pytest.raises(BenchmarkFailedError, match=rf"CPUs that it was not given \({allowed_cpus()[0]}\)") as failed:
        time_pair(roles, Pace(setting(), 20, 4e-4, 6), random.Random(3))
    assert failed.value.role == "head"


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    base = Contestant(str(tmp_path / "python"), "mine.py:spin", tmp_path)
    with pytest.raises(BenchmarkFailedError, match="cannot be started"):
        pace(setting(), base)
