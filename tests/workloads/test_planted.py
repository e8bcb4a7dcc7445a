# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from typing import Any

import pytest

from serialprof.setting import Form, Setting
from serialprof_workloads import planted as module
from serialprof_workloads.planted import plan, planned, planted, planted_knee, planted_memory, planted_share


def setting(**parameters: Any) -> Setting:
    return Setting(width=8, parameters={**planted.parameters, **parameters})


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.9, 0.95])
def test_the_share_is_met_by_whole_operations(share: float) -> None:
    assert planted_share(setting(share=share)) == pytest.approx(share, abs=0.0005)
    step = plan(share, 40_000)
    assert step.serial_ops / (step.serial_ops + 64 * step.lane_ops) == step.share
    assert step.serial_ops + 64 * step.lane_ops == pytest.approx(40_000, rel=0.02 / (1 - share))


def test_loads_take_their_share_of_a_lane() -> None:
    step = plan(0.5, 128_000, memory=0.5, load_cost=20.0)
    assert step.lane_loads == 25
    assert step.lane_ops == 500
    assert step.lane_time == 1000
    assert step.share == pytest.approx(0.5, abs=1e-4)
    assert step.memory_share == pytest.approx(0.25, abs=1e-4)


def test_a_given_cost_of_a_load_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_cost", None)
    knobs = {"share": 0.5, "memory": 0.5, "step_ops": 128_000, "load_cost": 20.0}
    assert planned(setting(**knobs)) == plan(0.5, 128_000, memory=0.5, load_cost=20.0)
    assert planted_memory(setting(**knobs)) == pytest.approx(0.25, abs=1e-4)
    assert planted_memory(setting(share=0.5)) == 0.0


def test_a_planted_knee_is_where_both_chains_are_equally_long() -> None:
    knobs = setting(share=0.2, overlap=1)
    work = planted.work(knobs)
    assert planted_knee(knobs) == work.serial_ops / work.flops.per_lane == pytest.approx(16, rel=0.001)
    assert planted_knee(setting(share=0.95, overlap=1)) == pytest.approx(1216, rel=0.02)


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_overlapping_chains_run_and_check(form: Form) -> None:
    stepper = planted.stepper(Setting(width=8, form=form, parameters={**planted.parameters, "overlap": 1}))
    stepper.run(2)
    stepper.check()


def test_the_kernel_is_told_to_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "planned", lambda setting: plan(0.5, 128_000, memory=0.5, load_cost=20.0))
    with pytest.raises(ValueError, match="overlap: goes without loads, lane_loads = 25"):
        planted.stepper(setting(overlap=1, footprint=2**16))


@pytest.mark.parametrize("declare", [planted.work, planted.stepper])
@pytest.mark.parametrize(
    ("threads", "parameters", "message"),
    [
        (2, {"overlap": 1}, "overlap = 1 is for one thread without loads, not for threads = 2"),
        (1, {"overlap": 1, "memory": 0.5}, "overlap = 1 is for one thread without loads, not for memory = 0.5"),
        (1, {"overlap": 2}, "overlap = 2 is neither 0 nor 1"),
        (1, {"overlap": -1}, "overlap = -1 is no whole number from 0 on"),
        (1, {"load_cost": -1.0}, "load_cost = -1.0 lies outside"),
    ],
)
def test_refuses_what_cannot_overlap(
    declare: Callable[[Setting], object], threads: int, parameters: dict[str, Any], message: str
) -> None:
    knobs = Setting(threads=threads, cpus=(0,) * threads, parameters={**planted.parameters, **parameters})
    with pytest.raises(ValueError, match=message):
        declare(knobs)


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("threads", [1, 2])
def test_runs_and_checks(form: Form, threads: int) -> None:
    stepper = planted.stepper(
        Setting(width=8, form=form, threads=threads, cpus=(0,) * threads, parameters=dict(planted.parameters))
    )
    stepper.run(2)
    stepper.check()


def test_calibrates_the_load_where_memory_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_cost", lambda footprint: {2**16: 10.0}[footprint])
    stepper = planted.stepper(setting(memory=0.3, footprint=2**16))
    assert stepper.plan.lane_loads == 9  # 0.3 of 312 multiplies at 10 each
    stepper.run(2)
    stepper.check()
    work = planted.work(setting(memory=0.3, footprint=2**16))
    assert work.loads.at(2) == 2 * 9
    assert work.bytes.at(2) == 0
    assert work.footprint.fixed == 2**16


def test_a_load_costs_a_positive_number_of_multiplies() -> None:
    assert module.load_cost(2**14) > 0.0


def test_declares_that_nothing_but_its_chain_is_independent_of_width() -> None:
    work = planted.work(setting())
    assert work.serial_ops == work.flops.fixed == 20_000 - 20_000 % 64
    assert work.loads.at(8) == work.serial_loads == work.bytes.at(8) == work.footprint.fixed == work.lanes.fixed == 0.0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"share": 0.0}, "share = 0.0 lies outside"),
        ({"share": 1.0}, "share = 1.0 lies outside"),
        ({"memory": 1.5}, "memory = 1.5 lies outside"),
        ({"step_ops": 100}, "step_ops = 100 is too small for share = 0.5; take at least 2048"),
        ({"share": "half"}, "share = 'half' is no number"),
    ],
)
def test_refuses_what_cannot_be_planted(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        planted.stepper(setting(**parameters))
