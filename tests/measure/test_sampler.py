# SPDX-License-Identifier: Apache-2.0
"""The sampler's order of operations, on a clock that the steppers move."""

import itertools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest

from serialprof.catalog import StepFunction
from serialprof.clock.meter import Reading
from serialprof.measure import sampler, warmup
from serialprof.measure.instruments import Sense
from serialprof.measure.sampler import MOST_DROPPED
from serialprof.measure.warmup import WarmUp
from serialprof.records import Readings
from serialprof.setting import Setting


@dataclass
class Bench:
    """A fake time that a stepper's run moves by `seconds` a step, of which `stolen` are not on the CPU."""

    seconds: float = 1e-3
    stolen: float = 0.0
    wall: float = 0.0
    cpu: float = 0.0
    log: list[str] = field(default_factory=list)

    def run(self, steps: int) -> None:
        self.log.append(f"run({steps})")
        self.pass_time(steps * self.seconds)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.cpu += seconds * (1 - self.stolen / self.seconds)


class Asynchronous(Bench):
    def sync(self) -> None:
        self.log.append("sync")
        self.wall += 1e-3


class Traced(Bench):
    """Can tell its steps apart, in ticks of a microsecond."""

    def trace(self, steps: int, ticks: memoryview) -> float:
        self.log.append(f"trace({steps})")
        for step in range(steps):
            ticks[step] = round(self.wall * 1e6)
            self.pass_time(self.seconds)
        ticks[steps] = round(self.wall * 1e6)
        return 1e-6


class Declining(Bench):
    """Its runs take the given seconds, the last for ever."""

    def __init__(self, *durations: float) -> None:
        super().__init__()
        self.durations: Iterator[float] = itertools.chain(durations, itertools.repeat(durations[-1]))

    def run(self, steps: int) -> None:
        self.log.append(f"run({steps})")
        self.pass_time(next(self.durations))


@dataclass
class Instruments:
    """Reads what it is given, once before and once after a visit; counts thousands of three events a look."""

    log: list[str]
    senses: tuple[Sense, ...] = (Sense(None, None, None), Sense(None, None, None))
    counts: bool = True

    def __post_init__(self) -> None:
        self._senses, self._looks = iter(self.senses), itertools.count()

    def sense(self) -> Sense:
        self.log.append("sense")
        return next(self._senses)

    def count(self) -> tuple[float | None, float | None, float | None]:
        look = next(self._looks)
        return (1000.0 * look, 2000.0 * look, 3000.0 * look) if self.counts else (None, None, None)

    def cpu(self) -> int:
        return 3


#: Puts a bench under the sampler and returns it.
Lay: TypeAlias = Callable[[Any], Any]


@pytest.fixture
def lay(monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Puts the sampler on a bench's clock; the meter then reads 1, 2, 3 ... GHz."""

    def laid(bench: Any) -> Any:
        readings = itertools.count(1)

        def meter() -> Reading:
            bench.log.append("meter")
            return Reading(1e9 * next(readings), 3.0, 1.0, 0)

        def warm_up(run: object, **options: bool) -> WarmUp:
            bench.log.append("warm up")
            return warmup.warm_up(run, lambda: bench.wall, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(sampler.time, "perf_counter", lambda: bench.wall)
        monkeypatch.setattr(sampler.time, "perf_counter_ns", lambda: round(bench.wall * 1e9))
        monkeypatch.setattr(sampler.time, "thread_time", lambda: bench.cpu)
        monkeypatch.setattr(sampler.time, "process_time", lambda: 2 * bench.cpu)
        monkeypatch.setattr(sampler, "read_clock", meter)
        monkeypatch.setattr(sampler, "warm_up", warm_up)
        return bench

    return laid


def visit(
    bench: Bench,
    setting: Setting,
    runs: int = 1,
    seconds: float = 0.0,
    senses: tuple[Sense, ...] | None = None,
    **how: bool,
) -> Readings:
    instruments = Instruments(bench.log) if senses is None else Instruments(bench.log, senses)
    return sampler.sample(bench, setting, runs, seconds, instruments, **how)  # type: ignore[arg-type]


def test_a_visit_warms_the_caches_then_samples_between_readings_of_the_meter(lay: Lay) -> None:
    bench = lay(Bench())
    readings = visit(bench, Setting(depth=5), runs=2, seconds=0.0301)
    sampled = ["run(5)", "run(5)", "meter"]
    assert bench.log == ["sense", "run(5)", "meter", *sampled * 3, "sense"]
    assert [sample.seconds for sample in readings.samples] == [pytest.approx(0.01)] * 3
    assert [sample.cpu_seconds for sample in readings.samples] == [pytest.approx(0.02)] * 3
    clocks = [(sample.clock_before, sample.clock_after) for sample in readings.samples]
    assert clocks == [(1e9, 2e9), (2e9, 3e9), (3e9, 4e9)], "neighbours share the reading between them"
    assert (readings.warmup_runs, readings.warmup_seconds, readings.steady) == (1, pytest.approx(5e-3), True)
    assert [sample.cpu for sample in readings.samples] == [3] * 3


def test_the_meter_can_be_off(lay: Lay) -> None:
    bench = lay(Bench())
    readings = visit(bench, Setting(depth=5), seconds=0.0301, meter=False)
    assert "meter" not in bench.log
    assert {(sample.clock_before, sample.clock_after) for sample in readings.samples} == {(None, None)}


def test_a_visit_without_time_still_takes_two_samples(lay: Lay) -> None:
    assert len(visit(lay(Bench()), Setting(depth=5)).samples) == 2


def test_short_runs_warm_the_caches_for_half_of_the_shortest_visit(lay: Lay) -> None:
    bench = lay(Bench(seconds=4e-4))
    readings = visit(bench, Setting(depth=1))
    assert bench.log[:6] == ["sense", *["run(1)"] * 4, "meter"]
    assert (readings.warmup_runs, readings.warmup_seconds) == (4, pytest.approx(1.6e-3))


def test_a_fresh_stepper_is_run_until_it_is_steady_and_needs_no_second_warm_up(lay: Lay) -> None:
    bench = lay(Declining(0.015, *[2e-3] * 50))
    readings = visit(bench, Setting(depth=5), fresh=True)
    assert bench.log[:2] == ["sense", "warm up"]
    before = bench.log[2 : bench.log.index("meter")]
    assert before == ["run(5)"] * readings.warmup_runs
    assert readings.warmup_runs >= 10
    assert readings.warmup_seconds == pytest.approx(0.015 + 2e-3 * (readings.warmup_runs - 1))
    assert [sample.seconds for sample in readings.samples] == [pytest.approx(2e-3)] * 2


def test_only_a_fresh_stepper_is(lay: Lay) -> None:
    bench = lay(Bench())
    visit(bench, Setting(depth=5))
    assert "warm up" not in bench.log


def test_the_warm_up_counts_towards_the_visit(lay: Lay) -> None:
    bench = lay(Bench())
    readings = visit(bench, Setting(depth=2), seconds=0.1, fresh=True)
    assert bench.wall == pytest.approx(0.1, abs=2.1e-3)
    assert len(readings.samples) == pytest.approx(50 - readings.warmup_runs, abs=1)


def test_a_stepper_that_never_settles_has_all_its_samples_flagged(lay: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = lay(Bench(stolen=0.5e-3))
    monkeypatch.setattr(sampler, "warm_up", lambda run, **options: WarmUp(7, 1.5, 1e-3, steady=False))
    readings = visit(bench, Setting(depth=5, mode="eager"), fresh=True)
    assert {sample.disturbed for sample in readings.samples} == {"not warmed up"}
    assert (readings.steady, readings.warmup_runs, readings.warmup_seconds) == (False, 7, 1.5)
    native = visit(bench, Setting(depth=5), fresh=True)
    assert {sample.disturbed for sample in native.samples} == {"kept off the CPU"}, "their own flag comes first"


def test_of_a_long_run_the_first_level_samples_end_the_warm_up(lay: Lay) -> None:
    bench = lay(Declining(3.0, 2.0, 1.5, 1.0))
    readings = visit(bench, Setting(depth=5), fresh=True)
    # One run to warm up; two samples, not level; a third and a fourth and a fifth, until two in a row are.
    assert [sample.seconds for sample in readings.samples] == [pytest.approx(1.0)] * 2
    assert (readings.warmup_runs, readings.warmup_seconds, readings.steady) == (3, pytest.approx(6.5), True)
    assert bench.log.count("run(5)") == 5


def test_level_samples_of_a_long_run_are_all_kept(lay: Lay) -> None:
    readings = visit(lay(Bench(seconds=1.0)), Setting(depth=1), seconds=5.5, fresh=True)
    assert (len(readings.samples), readings.warmup_runs) == (5, 1)


def test_a_long_run_that_never_settles_is_given_up(lay: Lay) -> None:
    readings = visit(lay(Declining(*(1.5**-number for number in range(9)))), Setting(depth=5), fresh=True)
    assert not readings.steady
    assert {sample.disturbed for sample in readings.samples} == {"not warmed up"}
    assert readings.warmup_runs == 1 + MOST_DROPPED and len(readings.samples) == 2


def test_settling_is_what_a_calibration_begins_with(lay: Lay) -> None:
    found = sampler.settle(lay(Declining(0.4, *[2e-3] * 50)), Setting(depth=5))  # type: ignore[arg-type]
    assert found.steady and found.run_seconds == pytest.approx(2e-3)


def test_sync_stands_before_both_clock_reads(lay: Lay) -> None:
    bench = lay(Asynchronous())
    readings = visit(bench, Setting(depth=1), runs=3)
    one = ["run(1)", "run(1)", "run(1)", "sync", "meter"]
    assert bench.log == ["sense", "run(1)", "sync", "meter", *one, *one, "sense"]
    assert readings.samples[0].seconds == pytest.approx(4e-3), "three steps and the wait for them"


@pytest.mark.parametrize(
    ("mode", "stolen", "flag"),
    [("native", 0.0, ""), ("native", 0.04e-3, ""), ("native", 0.06e-3, "kept off the CPU"), ("eager", 0.5e-3, "")],
)
def test_native_time_off_the_cpu_is_flagged(lay: Lay, mode: str, stolen: float, flag: str) -> None:
    readings = visit(lay(Bench(stolen=stolen)), Setting(depth=1, mode=mode))
    assert {sample.disturbed for sample in readings.samples} == {flag}


@pytest.mark.parametrize("setting", [Setting(depth=1, threads=2, cpus=(0, 1)), Setting(depth=1, mode="eager")])
def test_what_may_sleep_is_flagged_for_waiting_in_run_queues_alone(
    lay: Lay, monkeypatch: pytest.MonkeyPatch, setting: Setting
) -> None:
    bench = lay(Bench(stolen=0.9e-3))  # rank 0 sleeps until the others arrive, or waits for a device
    for queued, flag in ((0.0, ""), (0.04e-3, ""), (0.06e-3, "kept off the CPU")):
        monkeypatch.setattr(sampler, "_waited", lambda setting, queued=queued: bench.wall / 1e-3 * queued)
        readings = visit(bench, setting)
        assert {sample.disturbed for sample in readings.samples} == {flag}


def test_steal_flags_a_whole_visit_and_is_kept(lay: Lay) -> None:
    before, after = Sense(1.0, 40.0, 5), Sense(1.02, 44.0, 5)
    readings = visit(lay(Bench()), Setting(depth=1), seconds=0.3, senses=(before, after))
    assert {sample.disturbed for sample in readings.samples} == {"stolen by the hypervisor"}
    assert (readings.steal, readings.temperature, readings.throttles) == (pytest.approx(0.02), 44.0, 0)
    longer = visit(lay(Bench()), Setting(depth=1), seconds=0.5, senses=(before, after))
    assert {sample.disturbed for sample in longer.samples} == {""}, "0.02 of 0.5 s are less than a twentieth"


def test_steal_from_a_team_counts_by_cpu(lay: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "_waited", lambda setting: 0.0)
    senses = (Sense(1.0, None, None), Sense(1.02, None, None))
    readings = visit(lay(Bench()), Setting(depth=1, threads=2, cpus=(0, 1)), seconds=0.3, senses=senses)
    assert {sample.disturbed for sample in readings.samples} == {""}, "0.02 of 0.6 s"


def test_throttling_flags_a_whole_visit(lay: Lay) -> None:
    senses = (Sense(None, None, 5), Sense(None, None, 6))
    readings = visit(lay(Bench()), Setting(depth=1), senses=senses)
    assert {sample.disturbed for sample in readings.samples} == {"throttled"}
    assert (readings.steal, readings.temperature, readings.throttles) == (None, None, 1)


def test_counters_are_read_before_and_after_a_sample(lay: Lay) -> None:
    bench = lay(Bench())
    readings = visit(bench, Setting(depth=1))
    counted = [(sample.cycles, sample.instructions, sample.stalls) for sample in readings.samples]
    assert counted == [(1000.0, 2000.0, 3000.0)] * 2
    without = sampler.sample(bench, Setting(depth=1), 1, 0.0, Instruments(bench.log, counts=False))  # type: ignore[arg-type]
    assert {(sample.cycles, sample.instructions, sample.stalls) for sample in without.samples} == {(None, None, None)}


def test_a_clock_that_stands_still_flags_its_samples(lay: Lay) -> None:
    bench = lay(Declining(2e-3, 0.0))
    assert {sample.disturbed for sample in visit(bench, Setting(depth=1)).samples} == {"the clock jumped"}


def ticks(readings: Readings) -> tuple[int, ...]:
    assert readings.ticks is not None
    return struct.unpack(f"<{len(readings.ticks.steps) // 8}q", readings.ticks.steps)


def test_where_ticks_cost_nothing_the_samples_themselves_are_traced(lay: Lay) -> None:
    bench = lay(Traced())
    readings = visit(bench, Setting(depth=2000), runs=3)
    # 4096 steps are kept at most: two whole run(D)
    assert bench.log == [
        "sense", "run(2000)", "meter", "trace(2000)", "trace(2000)", "run(2000)", "meter", *["run(2000)"] * 3, "meter",
        "sense",
    ]  # fmt: skip
    assert [sample.seconds for sample in readings.samples] == [pytest.approx(6.0)] * 2
    assert set(ticks(readings)) == {1000} and len(ticks(readings)) == 4000
    assert readings.ticks is not None and readings.ticks.seconds_per_tick == 1e-6


def test_short_steps_are_traced_apart_from_the_samples(lay: Lay) -> None:
    bench = lay(Traced(seconds=5e-6))
    readings = visit(bench, Setting(depth=1000), seconds=0.3)
    first = bench.log.index("trace(1000)")
    assert bench.log[first:] == ["trace(1000)", "trace(1000)", "sense"], "3 % of the visit: 9 ms of 5 ms each"
    assert "meter" not in bench.log[first:]
    assert set(ticks(readings)) == {5}


def test_one_run_is_traced_however_short_the_visit(lay: Lay) -> None:
    bench = lay(Traced(seconds=5e-6))
    visit(bench, Setting(depth=1000))
    assert bench.log[-2:] == ["trace(1000)", "sense"]
    assert bench.log.count("trace(1000)") == 1


def test_a_step_function_is_traced_by_its_calls(lay: Lay) -> None:
    bench = lay(Bench())
    stepper = StepFunction(lambda: bench.pass_time(2e-3))
    readings = sampler.sample(stepper, Setting(depth=3), 1, 0.0, Instruments(bench.log))  # type: ignore[arg-type]
    assert set(ticks(readings)) == {2_000_000}
    assert readings.ticks is not None and readings.ticks.seconds_per_tick == 1e-9


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_the_wide_form_has_no_steps_of_its_own(lay: Lay, form: str) -> None:
    readings = visit(lay(Traced()), Setting(depth=5, form=form))  # type: ignore[arg-type]
    assert (readings.ticks is None) == (form == "wide")


def test_what_a_program_left_is_kept_and_its_cpu_time_is_its_own(lay: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = lay(Bench())
    bench.exit_code, bench.stderr = 3, "no such option"  # type: ignore[attr-defined]

    def usage(who: int) -> SimpleNamespace:
        children = who == sampler.resource.RUSAGE_CHILDREN
        return SimpleNamespace(ru_nivcsw=0, ru_utime=bench.wall * children, ru_stime=0.5 * bench.wall * children)

    monkeypatch.setattr(sampler.resource, "getrusage", usage)
    readings = visit(bench, Setting(depth=4, mode="process"))
    assert (readings.exit_code, readings.stderr) == (3, "no such option")
    assert [sample.cpu_seconds for sample in readings.samples] == [pytest.approx(1.5 * 4e-3)] * 2
    plain = visit(lay(Bench()), Setting(depth=4))
    assert (plain.exit_code, plain.stderr) == (None, "")
