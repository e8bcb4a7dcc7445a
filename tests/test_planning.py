# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace
from typing import Any

import pytest

from serialprof.errors import UsageError
from serialprof.intervals import MINIMUM_UNITS
from serialprof.planning import CUDA_WORKLOADS, DEFAULT_WORKLOADS, Request, make_plan
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
        ({"device": "gpu"}, "--device 'gpu': no such device; write cpu, cuda, or cuda:1"),
        ({"device": "cuda:"}, "--device 'cuda:': no such device"),
        ({"device": "cuda:01"}, "no such device"),
        ({"dtypes": ("fp32", "fp8")}, "--dtype 'fp8': no such element type; choose from fp32, bf16, fp16"),
        ({"device": "cuda", "threads": (1, 2)}, "--threads does not go with --device cuda:0: one thread of the host"),
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


def test_a_plan_of_ten_thousand_points_is_refused_with_the_count() -> None:
    cells = made.points(widths=range(1, 10_002))
    with pytest.raises(UsageError, match="10001 points"):
        make_plan(Request(), [made.description()], cells)


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


def test_a_device_decides_what_is_measured_where_nothing_is_named() -> None:
    assert Request().workloads == DEFAULT_WORKLOADS and Request().device == "cpu"
    on_gpu = Request(device="CUDA")
    assert (on_gpu.device, on_gpu.workloads) == ("cuda:0", CUDA_WORKLOADS)
    assert Request(("lstm",), device="cuda:3", threads=(1,)).workloads == ("lstm",)


def test_a_sweep_ends_by_itself_unless_widths_are_asked_for() -> None:
    ends = replace(made.description("ends"), open_ended=True)
    assert make_plan(Request(), [made.description(), ends], CELLS).open_ended == ("ends",)
    assert make_plan(Request(widths=(1, 2)), [made.description(), ends], CELLS).open_ended == ()
