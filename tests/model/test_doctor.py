# SPDX-License-Identifier: Apache-2.0
"""What spoilt or limited a run, by what it recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serialprof.machine.finding import FEWEST_CLOCKS, Finding
from serialprof.model.doctor import findings
from serialprof.records import GpuState, StoredRun, Visit
from serialprof.samples import Samples
from tests import made


def run_of(*visits: Visit, **machine: object) -> StoredRun:
    run = made.stored(made.points(widths=(1, 4)), visits)
    return replace(run, machine=replace(run.machine, **machine))  # type: ignore[arg-type]


def found(run: StoredRun) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings(run)}


def changed(visit: Visit, **readings: object) -> Visit:
    return replace(visit, readings=replace(visit.readings, **readings))  # type: ignore[arg-type]


def clocked(visit: Visit, clock: float | None) -> Visit:
    samples = tuple(replace(sample, clock_before=clock) for sample in visit.samples)
    return changed(visit, samples=samples)


def test_of_a_run_without_a_visit_the_machine_alone_is_judged() -> None:
    assert set(found(run_of(clock_driver=""))) == {"SMT", "clock control", "quota"}


def test_what_costs_stands_first() -> None:
    states = [finding.state for finding in findings(run_of(made.visit(0), clock_driver=""))]
    assert states == sorted(states, key=("costs", "unknown", "good").index)
    assert states[0] == "costs"


def test_disturbed_samples_cost_from_a_two_hundredth_on() -> None:
    sound = made.visit(0, seconds=(1.0,) * 199)
    one = replace(made.visit(0, seconds=(1.0,)).samples[0], disturbed="throttled")
    assert found(run_of(sound))["disturbances"].what == "None of 199 samples was disturbed."
    assert found(run_of(changed(sound, samples=(*sound.samples, one))))["disturbances"].state == "good"
    told = found(run_of(changed(sound, samples=(*sound.samples, one, one))))["disturbances"]
    assert (told.state, told.cost) == ("costs", "1.00 % of the samples")
    assert told.what == "Of 201 samples 2 were disturbed and left out: 2 throttled."


def test_of_a_million_samples_no_object_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = made.visit(1, seconds=(1.0, 1.0))
    run = run_of(changed(visit, samples=Samples.of(visit.samples), steal=0.01))
    expected = findings(run)

    def refuse(self: Samples) -> None:
        raise AssertionError("a sample was made")

    monkeypatch.setattr(Samples, "__iter__", refuse)
    assert findings(run) == expected


def test_steal_is_a_share_of_what_the_threads_wanted() -> None:
    visit = made.visit(1, seconds=(1.0, 1.0))
    assert found(run_of(visit))["steal"].state == "unknown"
    assert found(run_of(changed(visit, steal=0.01)))["steal"].state == "good"
    told = found(run_of(changed(visit, steal=0.2)))["steal"]
    threads = made.points(widths=(1, 4))[1].setting.threads
    assert told.state == "costs"
    assert told.cost == f"{20 / threads / 2:.1f} % of their time"


def test_a_clock_that_moves_costs_and_few_readings_tell_nothing() -> None:
    few = [made.visit(0, block) for block in range(FEWEST_CLOCKS - 1)]
    assert found(run_of(*few))["clock wander"].state == "unknown"
    assert found(run_of(*few, made.visit(0, FEWEST_CLOCKS)))["clock wander"].state == "good"
    moving = [clocked(made.visit(0, block), 3e9 + 1e7 * block) for block in range(FEWEST_CLOCKS)]
    assert found(run_of(*moving))["clock wander"].state == "costs"
    swept = run_of(*moving)
    assert "clock wander" not in found(replace(swept, plan=replace(swept.plan, clocks=(1e9, 2e9))))


def test_throttling_costs() -> None:
    visit = made.visit(0)
    assert found(run_of(visit))["heat"].state == "unknown"
    assert found(run_of(changed(visit, temperature=61.0)))["heat"].what.startswith("The processor reached 61 degrees")
    assert found(run_of(changed(visit, throttles=0)))["heat"].state == "good"
    assert found(run_of(changed(visit, throttles=3)))["heat"] == Finding("heat", "costs", "It throttled 3 times.")


def test_counters_that_were_read_are_good() -> None:
    visit = made.visit(0)
    assert found(run_of(visit))["counters"].state == "costs"
    counted = changed(visit, samples=tuple(replace(sample, cycles=1e9) for sample in visit.samples))
    assert found(run_of(counted, stall_event=""))["counters"].state == "good"


def test_what_held_a_gpu_down_is_named() -> None:
    free = changed(made.visit(0), gpu=(GpuState(temperature=40.0), GpuState(temperature=50.0)))
    held = changed(made.visit(0, 1), gpu=(GpuState(), GpuState(reasons=("power cap",))))
    device = made.points(widths=(1, 4))[0].setting.device
    assert found(run_of(free))[device].state == "good"
    told = found(run_of(free, held))[device]
    assert told.state == "costs"
    assert told.what == "Its clock was held down in 1 of 2 visits: power cap. It reached 50 degrees Celsius."


def test_cores_clocks_and_quotas_are_those_of_the_machine() -> None:
    plain = found(run_of(siblings=((0,), (1,)), clock_driver="acpi-cpufreq", clock_governor="performance",
                         clock_writable=True, quota=None))  # fmt: skip
    assert {finding.state for finding in plain.values()} == {"good"}
    poor = found(run_of(siblings=((0, 1),), clock_driver="acpi-cpufreq", clock_governor="schedutil",
                        clock_writable=False, quota=1.5))  # fmt: skip
    assert {finding.state for finding in poor.values()} == {"costs"}
    assert poor["SMT"].remedy == "taskset -c 0 serialprof run"
    assert poor["SMT"].what.endswith("as the kernel tells.")
    assert "schedutil" in poor["governor"].what
    assert poor["quota"].what == "A cgroup granted the time of 1.5 of 2 CPUs."
    hidden = found(run_of(siblings=((0, 1),), hidden_siblings=((0, 1),)))["SMT"]
    assert hidden.what.endswith("the kernel did not tell.")
