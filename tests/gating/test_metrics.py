# SPDX-License-Identifier: Apache-2.0
"""Memory, 99th percentiles and launches beside the time of a step: judged on made values, measured in real workers."""

import math
import random
import sys
from pathlib import Path

import pytest

from serialprof.catalog import StepFunction
from serialprof.errors import WorkloadError
from serialprof.gating import running
from serialprof.gating.contest import Contest, Side
from serialprof.gating.contestants import BenchmarkFailedError, Contestant
from serialprof.gating.judging import final, holm, judge_all, judge_metric, settled, unjudged
from serialprof.gating.metrics import percentile, refusals, traced_steps
from serialprof.gating.pairing import Pace, time_pair
from serialprof.gating.records import ROLES, Benchmark, Criteria, Metric, Outcome, Pair, Role, Trio
from serialprof.gating.running import decided
from serialprof.gating.telling import sentence
from serialprof.machine.topology import allowed_cpus
from serialprof.measure.accounts import count_launches, trace_steps
from serialprof.measure.kernels import Operation, outermost
from serialprof.setting import Setting
from tests.gating.made import MACHINE

WORKLOADS = """
def light(setting):
    total = [0]
    def step():
        total[0] += 1
    return step

def heavy(setting):
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    def step():
        held[0] = 1
    return step

class Apart:
    def run(self, steps):
        pass

def apart(setting):
    return Apart()
"""


def pair(step: float = 1.0, **others: tuple[float, float, float]) -> Pair:
    samples = (1e-6,) * 4
    return Pair(samples, samples, (1e-6 * step,) * 4, {name: Trio(*values) for name, values in others.items()})


def measured(folder: Path, others: list[Metric], **names: str) -> Pair:
    """A pair of real workers, of a few short samples."""
    (folder / "mine.py").write_text(WORKLOADS)
    roles: dict[Role, Contestant] = {
        role: Contestant(sys.executable, f"{folder}/mine.py:{names.get(role, names['base'])}", folder) for role in ROLES
    }
    setting = Setting(mode="eager", depth=8, cpus=allowed_cpus()[-1:])
    return time_pair(roles, Pace(setting, 20, 4e-4, 1), random.Random(1), others)


def test_a_metric_is_judged_by_its_log_ratios_per_pair() -> None:
    pairs = [pair(memory=(100.0, 121.0, 110.0 * math.exp(ratio))) for ratio in (0.05, 0.051, 0.049, 0.05, 0.0505)]
    found = judge_metric("memory", pairs, Criteria())
    assert found.logs == pytest.approx((0.05, 0.051, 0.049, 0.05, 0.0505))
    assert found.null_logs == pytest.approx([math.log(1.21)] * 5)
    assert found.biased
    assert found.verdict == "inconclusive"


def test_equal_values_decide_by_themselves() -> None:
    same = judge_metric("launches", [pair(launches=(12.0, 12.0, 12.0))] * 5, Criteria())
    more = judge_metric("launches", [pair(launches=(12.0, 12.0, 13.0))] * 5, Criteria())
    assert same.verdict == "pass"
    assert more.verdict == "fail"
    assert more.p_value == 0


def test_seconds_and_layouts_excuse_times_alone() -> None:
    pairs = [pair(p99=(1e-4, 1e-4, 1.2e-4), memory=(1e-4, 1e-4, 1.2e-4))] * 5
    assert judge_metric("p99", pairs, Criteria()).verdict == "fail"
    lenient = Criteria(least_seconds=0.5e-4)
    assert judge_metric("p99", pairs, lenient).verdict == "pass"
    assert judge_metric("memory", pairs, lenient).verdict == "fail"
    assert judge_metric("p99", pairs, Criteria(), floor=0.3).verdict == "inconclusive"
    assert judge_metric("memory", pairs, Criteria(), floor=0.3).verdict == "fail"


def test_a_jump_by_a_tick_of_the_clock_is_no_slower_step() -> None:
    short = judge_metric("p99", [pair(p99=(80e-9, 80e-9, 90e-9))] * 5, Criteria())
    assert short.verdict == "pass"
    assert short.tolerance == short.mde == pytest.approx(1.25)
    assert judge_metric("p99", [pair(p99=(80e-6, 80e-6, 90e-6))] * 5, Criteria()).verdict == "fail"


def test_no_ratio_of_nothing() -> None:
    found = judge_metric("launches", [pair(launches=(1.0, 0.0, 1.0))] * 5, Criteria())
    assert found.verdict == "inconclusive"
    assert "zero" in found.barred


def test_what_was_not_measured_neither_passes_nor_asks_for_more() -> None:
    benchmark = Benchmark("b", "b", metrics=("step", "p99"))
    found = judge_all([pair()] * 5, benchmark, {"p99": "too slow"})
    assert list(found) == ["step", "p99"]
    assert found["p99"].verdict == "inconclusive"
    assert settled(found["p99"], 5)
    assert final(list(found.values())) == ["pass", "inconclusive"]


def test_the_worst_metric_is_the_verdict_and_is_named() -> None:
    benchmark = Benchmark("b", "b", metrics=("step", "memory", "launches"))
    pairs = (pair(memory=(100.0, 100.0, 150.0), launches=(3.0, 3.0, 3.0)),) * 5
    judgements = judge_all(pairs, benchmark, {})
    (found,) = decided(
        [Outcome(benchmark, "pass", "", pairs=pairs, judgement=judgements.pop("step"), others=judgements)]
    )
    assert found.verdict == "fail"
    assert found.others["memory"].verdict == "fail"
    assert "; peak memory +50.0 % [+50.0 %, +50.0 %] over 5 pairs; more than the tolerance of 1 %" in found.sentence
    assert found.sentence.endswith(
        "launches per step +0.0 % [+0.0 %, +0.0 %] over 5 pairs; an increase of 3 % is excluded"
    )
    assert found.sentence.startswith("b: +0.0 %")


def test_every_metric_is_a_hypothesis() -> None:
    # 0.01 among three is more than 0.025 / 3; alone it is not.
    assert holm([0.01]) == [True]
    assert holm([0.01], elsewhere=2) == [False]
    assert holm([0.001, 0.01], elsewhere=1) == [True, True]
    assert holm([0.001, 0.01], elsewhere=2) == [True, False]


def test_all_metrics_of_all_benchmarks_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def taken(opened: Contest, paced: Pace, effort: object, hypotheses: int, *_: object) -> tuple[Pair, ...]:
        counted.append(hypotheses)
        return (pair(memory=(1.0, 1.0, 1.0), launches=(1.0, 1.0, 1.0)),) * 5

    side = Contestant(sys.executable, "x", Path())
    monkeypatch.setattr(running, "contest", lambda item, *_: Contest(item, Setting(), dict.fromkeys(ROLES, side)))
    monkeypatch.setattr(running, "preflight", lambda *_: None)
    monkeypatch.setattr(running, "pace", lambda setting, contestant: Pace(setting, 1, 1e-3, 1))
    monkeypatch.setattr(running, "take_pairs", taken)
    benchmarks = [Benchmark("a", "a", metrics=("memory", "launches")), Benchmark("b", "b")]
    sides = Side("base", sys.executable, Path()), Side("head", sys.executable, Path())
    found = running.run_gate(benchmarks, *sides, MACHINE, elsewhere=2)
    assert counted == [6, 6]
    assert [list(outcome.judgements) for outcome in found] == [["step", "memory", "launches"], ["step"]]


def test_a_judgement_that_is_barred_says_why() -> None:
    benchmark = Benchmark("b", "b")
    assert sentence(benchmark, unjudged("why not", Criteria()), "inconclusive") == "b: inconclusive: why not"


def test_further_metrics_are_those_beside_the_step() -> None:
    assert Benchmark("b", "b").others == ()
    assert Benchmark("b", "b", metrics=("launches", "memory")).others == ("memory", "launches")


def test_percentile_by_hand() -> None:
    assert percentile([float(value) for value in range(1, 1001)]) == 990
    assert percentile([1.0] * 98 + [5.0, 7.0]) == 5
    assert percentile([float(value) for value in range(1, 151)]) == 149  # 148.5 of them would do
    assert percentile([3.0]) == 3


@pytest.mark.parametrize(("step", "steps"), [(1e-7, 4000), (1e-4, 3000), (1e-3, 1000), (2e-3, 1000), (3e-3, 0)])
def test_as_many_steps_as_time_allows(step: float, steps: int) -> None:
    assert traced_steps(step) == steps
    assert bool(refusals(["p99"], step)) == (steps == 0)
    assert not refusals(["memory"], step)


def test_asynchronous_steps_are_not_timed_one_by_one() -> None:
    class Queue(StepFunction):
        def sync(self) -> None: ...

    with pytest.raises(WorkloadError, match="asynchronous"):
        trace_steps(Queue(lambda: None), Setting(mode="eager", depth=4), 10)


def test_single_steps_are_traced_in_whole_runs() -> None:
    made: list[None] = []
    ticks = trace_steps(StepFunction(lambda: made.append(None)), Setting(mode="eager", depth=8), 20)
    assert len(ticks.steps) == 8 * 24
    assert len(made) == 8 + 24  # the first run is not timed
    assert ticks.seconds_per_tick == 1e-9


def test_the_head_holds_more_memory(tmp_path: Path) -> None:
    memory = measured(tmp_path, ["memory", "p99"], base="light", head="heavy").others["memory"]
    assert memory.head - memory.base > 190e6
    assert abs(memory.twin - memory.base) < 20e6


def test_a_side_that_cannot_tell_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFailedError, match=r"99th percentile of steps cannot be told.*trace") as failed:
        measured(tmp_path, ["p99"], base="light", head="apart")
    assert failed.value.role == "head"
    with pytest.raises(BenchmarkFailedError, match=r"launches per step cannot be told: .*torch"):
        measured(tmp_path, ["launches"], base="light")


def test_launches_are_what_the_program_calls() -> None:
    torch = pytest.importorskip("torch")
    rows = torch.zeros(8)
    stepper = StepFunction(lambda: torch.nn.functional.linear(rows, rows.reshape(1, 8)).add_(1))
    assert count_launches(stepper, Setting(mode="eager", depth=8), 8) == 3


def test_an_operation_within_another_is_its_own_affair() -> None:
    nested = [Operation(0, 9), Operation(1, 2), Operation(3, 4), Operation(9, 10)]
    assert outermost(nested) == 2
    assert outermost([*nested, Operation(1, 2, thread=1)]) == 3
    assert outermost([Operation(0, 9, computes=False), *nested[1:3]]) == 2


def test_a_program_as_small_as_its_worker_has_no_memory_of_its_own(tmp_path: Path) -> None:
    roles: dict[Role, Contestant] = {role: Contestant(sys.executable, "-- true", tmp_path) for role in ROLES}
    setting = Setting(mode="process", cpus=allowed_cpus()[-1:])
    with pytest.raises(BenchmarkFailedError, match="less memory than the worker"):
        time_pair(roles, Pace(setting, 1, 1e-3, 1), random.Random(1), ["memory"])
