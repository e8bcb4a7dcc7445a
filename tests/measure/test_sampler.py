# SPDX-License-Identifier: Apache-2.0
"""The sampler's order of operations, on a clock that the steppers move."""

from dataclasses import dataclass, field

import pytest

from serialprof.clock.meter import Reading
from serialprof.measure import sampler
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
        self.wall += steps * self.seconds
        self.cpu += steps * (self.seconds - self.stolen)


class Asynchronous(Bench):
    def sync(self) -> None:
        self.log.append("sync")
        self.wall += 1e-3


def lay(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def meter() -> Reading:
        bench.log.append("meter")
        return Reading(3e9, 3.0, 1.0, 0)

    monkeypatch.setattr(sampler.time, "perf_counter", lambda: bench.wall)
    monkeypatch.setattr(sampler.time, "thread_time", lambda: bench.cpu)
    monkeypatch.setattr(sampler.time, "process_time", lambda: 2 * bench.cpu)
    monkeypatch.setattr(sampler, "read_clock", meter)


def test_a_visit_warms_up_reads_the_meter_samples_and_reads_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    lay(bench, monkeypatch)
    sampled = sampler.sample(bench, Setting(depth=5), runs=2, seconds=0.025)
    assert bench.log == ["run(5)", "meter", *["run(5)"] * 6, "meter"]
    assert [sample.seconds for sample in sampled.samples] == [pytest.approx(0.01)] * 3
    assert [sample.cpu_seconds for sample in sampled.samples] == [pytest.approx(0.02)] * 3
    assert (sampled.clock_before, sampled.clock_after) == (3e9, 3e9)


def test_a_visit_without_time_still_takes_two_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    lay(bench, monkeypatch)
    assert len(sampler.sample(bench, Setting(depth=5), runs=1, seconds=0.0).samples) == 2


def test_sync_stands_before_both_clock_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Asynchronous()
    lay(bench, monkeypatch)
    sampled = sampler.sample(bench, Setting(depth=1), runs=3, seconds=0.0)
    one = ["sync", "run(1)", "run(1)", "run(1)", "sync"]
    assert bench.log == ["sync", "run(1)", "sync", "meter", *one, *one, "meter"]
    assert sampled.samples[0].seconds == pytest.approx(4e-3), "three steps and the wait for them"


@pytest.mark.parametrize(
    ("mode", "stolen", "flag"),
    [("native", 0.0, ""), ("native", 0.04e-3, ""), ("native", 0.06e-3, "kept off the CPU"), ("eager", 0.5e-3, "")],
)
def test_native_time_off_the_cpu_is_flagged(
    monkeypatch: pytest.MonkeyPatch, mode: str, stolen: float, flag: str
) -> None:
    bench = Bench(stolen=stolen)
    lay(bench, monkeypatch)
    sampled = sampler.sample(bench, Setting(depth=1, mode=mode), runs=1, seconds=0.0)
    assert {sample.disturbed for sample in sampled.samples} == {flag}


def test_calibration_takes_the_faster_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    lay(bench, monkeypatch)
    plain = bench.run

    def slower_first(steps: int) -> None:
        plain(steps)
        bench.wall += 1.0 if len(bench.log) == 1 else 0.0

    bench.run = slower_first  # type: ignore[method-assign]
    assert sampler.calibrate(bench, Setting(depth=5)) == pytest.approx(5e-3)


def test_a_team_is_flagged_for_waiting_in_run_queues_not_for_sleeping(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(stolen=0.9e-3)  # rank 0 sleeps until the others arrive
    lay(bench, monkeypatch)
    for queued, flag in ((0.0, ""), (0.04e-3, ""), (0.06e-3, "kept off the CPU")):
        monkeypatch.setattr(sampler, "_waited", lambda setting, queued=queued: bench.wall / 1e-3 * queued)
        sampled = sampler.sample(bench, Setting(depth=1, threads=2, cpus=(0, 1)), runs=1, seconds=0.0)
        assert {sample.disturbed for sample in sampled.samples} == {flag}
