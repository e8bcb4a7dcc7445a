# SPDX-License-Identifier: Apache-2.0
import itertools
from dataclasses import replace

import pytest

from serialprof.catalog import Affine
from serialprof.errors import UsageError
from serialprof.planning import Request, check_parameters, check_size, make_plan, settings_of, thread_counts
from tests import made

CELLS = made.points(widths=(1, 4, 16), threads=(1, 2), forms=("serial", "wide"))


def test_a_block_visits_every_point_once_and_can_be_redrawn() -> None:
    plan = made.plan(CELLS)
    for block in range(plan.blocks):
        order = plan.order(block)
        assert sorted(point.id for point in order) == list(range(len(CELLS)))
        assert order == plan.order(block)


def test_what_will_be_compared_stays_together() -> None:
    for block in range(6):
        widths = [point.setting.width for point in made.plan(CELLS).order(block)]
        changes = sum(before != after for before, after in itertools.pairwise(widths))
        assert changes == 2, "three widths, each visited in one stretch"


def test_the_order_within_a_width_is_drawn_too() -> None:
    plan = made.plan(CELLS, blocks=40)
    first = {plan.order(block)[0].setting.form for block in range(0, 40, 2)}
    assert first == {"serial", "wide"}


def test_every_second_block_is_the_reverse() -> None:
    plan = made.plan(CELLS)
    assert plan.order(1) == plan.order(0)[::-1]
    assert plan.order(3) == plan.order(2)[::-1]


def test_the_order_depends_on_seed_and_block() -> None:
    plan = made.plan(CELLS)
    assert plan.order(0) != plan.order(2)
    assert plan.order(0) != replace(plan, seed=2).order(0)


def test_blocks_are_spread_over_rounds_of_processes() -> None:
    plan = made.plan(CELLS, blocks=6, blocks_per_process=2)
    assert [plan.process_round(block) for block in range(6)] == [0, 0, 1, 1, 2, 2]


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


def test_the_short_form() -> None:
    plan = make_plan(Request(quick=True), [made.description()], CELLS)
    assert (plan.budget, plan.blocks, plan.blocks_per_process, plan.quick) == (25.0, 8, 8, True)
    assert make_plan(Request(budget=7.0), [made.description()], CELLS).budget == 7.0
