# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace
from typing import Any

import pytest

from serialprof.catalog import Affine
from serialprof.errors import UsageError
from serialprof.intervals import MINIMUM_UNITS
from serialprof.planning import (
    Point,
    Request,
    check_parameters,
    check_size,
    make_plan,
    settings_of,
    thread_counts,
)
from serialprof.policyclock import Clock
from tests import made

CELLS = made.points(widths=(1, 4, 16), threads=(1, 2), forms=("serial", "wide"))


def test_blocks_are_spread_over_rounds_of_processes() -> None:
    plan = made.plan(CELLS, blocks=6, blocks_per_process=2)
    assert [plan.process_round(block) for block in range(6)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"budget": 0.0}, "--budget 0: no time between 0 and 7 days"),
        ({"budget": -3.0}, "--budget -3: no time"),
        ({"budget": math.nan}, "--budget nan: no time"),
        ({"budget": math.inf}, "--budget inf: no time"),
        ({"budget": 7 * 86400.0 + 1}, "--budget 604801: no time"),
        ({"precision": 0.0}, "--precision 0: no share between 0 and 1"),
        ({"precision": 1.0}, "--precision 1: no share"),
        ({"precision": -0.02}, "--precision -0.02: no share"),
        ({"precision": math.nan}, "--precision nan: no share"),
        ({"widths": ()}, "--width holds a count below 1, or none"),
        ({"widths": (4, 0)}, "--width holds a count below 1"),
        ({"widths": (-1,)}, "--width holds a count below 1"),
        ({"threads": ()}, "--threads holds a count below 1, or none"),
        ({"threads": (1, -2)}, "--threads holds a count below 1"),
        ({"widths": (1, 2**70)}, f"--width {2**70}: no whole number from 1 to"),
        ({"depth": 2**31 + 1}, "--depth 2147483649: no whole number from 1 to"),
        ({"depth": 0}, "--depth 0: no whole number from 1 to"),
        ({"depth": -5}, "--depth -5: no whole number from 1 to"),
        ({"clocks": "all", "stand_ins": ("delay", "dilation")}, "--dilate does not go with clocks"),
    ],
)
def test_what_no_run_can_have_is_refused(knobs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Request(**knobs)


def test_the_ends_of_what_a_run_can_have() -> None:
    request = Request(budget=7 * 86400.0, precision=0.999, widths=(1,), threads=(1,), depth=1)
    assert (request.budget, request.depth) == (604800.0, 1)
    assert Request(budget=1e-3).budget == 1e-3


@pytest.mark.parametrize(
    ("cpus", "quota", "quick", "counts"),
    [
        ((0,), None, False, (1,)),
        ((0, 1), None, False, (1, 2)),
        (range(6), None, False, (1, 2, 4, 6)),
        (range(16), None, True, (1, 2, 16)),
        (range(16), 2.5, False, (1, 2)),
        ((0,), None, True, (1,)),
    ],
)
def test_default_thread_counts(cpus: range, quota: float | None, quick: bool, counts: tuple[int, ...]) -> None:
    assert thread_counts(Request(quick=quick), made.machine(tuple(cpus), quota)) == counts


def test_more_threads_than_usable_cores_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--threads 3.*2 cores"):
        thread_counts(Request(threads=(1, 3)), made.machine())


def test_settings_cover_the_sweep_and_pin_threads() -> None:
    description = made.description(forms=("serial", "wide"))
    settings = settings_of(Request(), description, made.machine(cpus=(4, 6)))
    assert len(settings) == 4 * 2 * 2
    assert {setting.cpus for setting in settings} == {(4,), (4, 6)}
    assert {setting.mode for setting in settings} == {"native"}
    assert {setting.depth for setting in settings} == {description.depth}
    assert {setting.depth for setting in settings_of(Request(depth=77), description, made.machine())} == {77}


@pytest.mark.parametrize(
    ("asked", "depths"), [(None, [25, 100]), (40, [10, 40]), (7, [1, 7]), (3, [1, 3]), (2, [1, 2])]
)
def test_a_start_up_is_sampled_at_two_depths(asked: int | None, depths: list[int]) -> None:
    description = replace(made.description(), startup=True, depth=100)
    settings = settings_of(Request(depth=asked, threads=(1,), widths=(1, 4)), description, made.machine())
    assert [(setting.width, setting.depth) for setting in settings] == [(w, d) for w in (1, 4) for d in depths]


def test_one_depth_cannot_be_differenced() -> None:
    description = replace(made.description(), startup=True)
    with pytest.raises(
        UsageError, match=r"--depth 1: the start-up of toy is taken off by differencing over depth; ask"
    ):
        settings_of(Request(depth=1), description, made.machine())
    assert settings_of(Request(depth=1, threads=(1,), widths=(3,)), made.description(), made.machine())[0].depth == 1


def test_the_shorter_depth_belongs_to_the_same_fit() -> None:
    description = replace(made.description(), startup=True)
    settings = settings_of(Request(threads=(1,), widths=(1,)), description, made.machine())
    assert len({Point(number, "toy", setting).family for number, setting in enumerate(settings)}) == 1


def test_too_few_cores_give_no_settings() -> None:
    description = replace(made.description(), min_threads=2)
    assert settings_of(Request(), description, made.machine(cpus=(0,))) == []
    assert {setting.threads for setting in settings_of(Request(), description, made.machine())} == {2}


def test_parameters_are_checked() -> None:
    description, machine = made.description(), made.machine()
    assert settings_of(Request(parameters={"hidden": 16}), description, machine)[0].parameters["hidden"] == 16
    with pytest.raises(UsageError, match=r"toy has no parameter 'hiden'; known parameters: hidden, kind"):
        check_parameters(Request(parameters={"hiden": 16}), [description])
    with pytest.raises(UsageError, match="takes a value like 8"):
        check_parameters(Request(parameters={"hidden": "big"}), [description])
    with pytest.raises(UsageError, match="no mode 'graph'"):
        settings_of(Request(modes=("graph",)), description, machine)


def test_memory_is_checked_before_anything_is_built() -> None:
    point = made.points(widths=(10**12,))[0]
    with pytest.raises(UsageError, match=r"toy at width 1000000000000 would touch 58.2 TiB"):
        check_size(point, made.machine())
    assert point.work is not None
    small = replace(point, work=replace(point.work, flops=Affine(), footprint=Affine(1.0)))
    check_size(small, made.machine())
    check_size(replace(point, work=None), made.machine())


def test_work_that_would_take_hours_is_refused() -> None:
    point = replace(made.points(widths=(10**6,))[0], work=replace(made.WORK, flops=Affine(0, 1e7), footprint=Affine()))
    with pytest.raises(UsageError, match=r"width 1000000 and depth 10 declares 1.0e\+14 operations a run"):
        check_size(point, made.machine())


def test_a_parameter_goes_to_the_workloads_that_have_it() -> None:
    plain = replace(made.description("plain"), parameters={})
    request = Request(parameters={"hidden": 16})
    check_parameters(request, [plain, made.description()])
    assert settings_of(request, plain, made.machine())[0].parameters == {}


def test_a_plan_of_ten_thousand_points_is_refused_with_the_count() -> None:
    cells = made.points(widths=range(1, 10_002))
    with pytest.raises(UsageError, match="10001 points"):
        make_plan(Request(), [made.description()], cells)


def test_ten_million_points_are_refused_before_they_are_made() -> None:
    # Settings of ten million points take gigabytes and minutes: only a count that comes first gets here at all.
    request = Request(widths=(1,) * 10**7, threads=(1,))
    with pytest.raises(
        UsageError, match=r"the sweep has 10000000 points; shorten --width or --threads to 10000 at most"
    ):
        settings_of(request, made.description(), made.machine())


def test_every_knob_counts_towards_the_points() -> None:
    request = Request(widths=tuple(range(1, 626)), threads=(1, 2), modes=("native", "eager"))
    description = replace(made.description(forms=("serial", "wide")), startup=True)
    assert len(settings_of(request, description, made.machine())) == 625 * 2**4 == 10_000
    with pytest.raises(UsageError, match="the sweep has 10016 points"):
        settings_of(replace(request, widths=tuple(range(1, 627))), description, made.machine())


def test_a_plan_keeps_what_was_asked_for() -> None:
    request = Request(budget=7.0, precision=0.5, seed=9, meter=False)
    plan = make_plan(request, [made.description()], CELLS)
    assert (plan.budget, plan.precision, plan.seed, plan.meter, plan.points) == (7.0, 0.5, 9, False, CELLS)
    assert plan.blocks_per_process == 1 and plan.blocks >= MINIMUM_UNITS and not plan.quick


def test_stand_ins_stay_in_a_plan_over_clocks_so_that_their_lack_is_told() -> None:
    plan = make_plan(Request(stand_ins=("delay",)), [made.description()], CELLS, (Clock(10**9), Clock(2 * 10**9)))
    assert plan.stand_ins == ("delay",)
    assert Request(clocks="off", stand_ins=("dilation",)).stand_ins == ("dilation",)


def test_the_short_form() -> None:
    plan = make_plan(Request(quick=True), [made.description()], CELLS)
    assert (plan.budget, plan.blocks, plan.blocks_per_process, plan.quick) == (25.0, 8, 8, True)
    assert make_plan(Request(budget=7.0), [made.description()], CELLS).budget == 7.0
