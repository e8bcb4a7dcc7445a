# SPDX-License-Identifier: Apache-2.0
"""The serial-parallel map: where workloads stand, and under which roofs."""

from __future__ import annotations

from dataclasses import replace

import made
import pytest

from serialprof.catalog import Affine
from serialprof.devicelimits import DeviceLimits
from serialprof.records import GpuState, Readings, StoredRun
from serialprof_reports import spanmap


def dots(shape: made.Shape = made.LSTM) -> dict[tuple[str, int], spanmap.Dot]:
    run = made.stored_run((shape,))
    return {(dot.form, dot.width): dot for dot in spanmap._dots(made.family(run, shape))}


def test_a_dot_is_declared_work_over_measured_time() -> None:
    dot = dots()["serial", 64]
    step = made.LSTM.step(64, 2)
    assert dot.threads == 2  # the faster count
    assert dot.ratio == pytest.approx(64e5 / 500)
    assert dot.rate.value == pytest.approx(64e5 / step)
    assert (dot.rate.low, dot.rate.high) == (pytest.approx(64e5 / step / 1.02), pytest.approx(64e5 / step / 0.98))


def test_the_wide_form_has_the_depth_of_one_step() -> None:
    found = dots()
    serial, wide = found["serial", 16], found["wide", 16]
    assert wide.ratio == pytest.approx(64 * serial.ratio)
    assert wide.rate.value == pytest.approx((serial.rate.value or 0) / 0.8)


def test_roofs_of_cores_are_their_chains_and_their_multiply_adds() -> None:
    run = made.stored_run((made.LSTM,))
    roofs = spanmap._roofs(run, "cpu", [(made.family(run, made.LSTM), list(dots().values()))])
    assert [roof.rate for roof in roofs.clock] == [pytest.approx(1 / 1.17e-9), pytest.approx(1 / 0.29e-9)]
    assert [roof.rate for roof in roofs.throughput] == [1.7e11, 3.4e11]
    assert roofs.over(2.0) == pytest.approx(2 / 0.29e-9)
    assert roofs.over(1e6) == 3.4e11


def on_a_device(run: StoredRun) -> StoredRun:
    gpu = (GpuState(sm_clock=1.5e9),)
    points = tuple(replace(point, setting=replace(point.setting, device="cuda:0")) for point in run.plan.points)
    visits = tuple(replace(visit, readings=Readings(visit.readings.samples, gpu=gpu)) for visit in run.visits)
    known = DeviceLimits("cuda:0", 1, "a GPU", 1 << 30, flops={"bf16": 4e14, "fp32": 5e13})
    return replace(run, plan=replace(run.plan, points=points), visits=visits, devices=(known,))


def test_roofs_of_a_device_are_its_clock_and_its_products() -> None:
    run = on_a_device(made.stored_run((made.LSTM,)))
    roofs = spanmap._roofs(run, "cuda:0", [])
    assert [roof.rate for roof in roofs.clock] == [1.5e9]
    assert [(roof.name, roof.rate) for roof in roofs.throughput] == [
        ("throughput roof, fp32", 5e13),
        ("throughput roof, bf16", 4e14),
    ]


def test_the_map_has_its_table_and_says_what_its_roofs_are() -> None:
    run = made.stored_run((made.LSTM, made.LIFE))
    (panel,) = spanmap.span_maps(run, made.analysis(run, (made.LSTM, made.LIFE)), "m")
    assert "clock roof, chain of add" in panel.plot.markup
    assert "Clock roof, chain of add: add after add at 3.41 GHz." in panel.plot.caption
    assert len(panel.tables[0].rows) == 20  # two sweeps of five widths in two forms
    first = panel.tables[0].rows[0]
    assert first[:5] == ("lstm", "serial", "1", "1", "200")


def test_what_declares_no_work_is_not_on_the_map() -> None:
    run = made.stored_run((made.LSTM,))
    points = tuple(replace(point, work=None) for point in run.plan.points)
    assert (
        spanmap.span_maps(run, made.analysis(replace(run, plan=replace(run.plan, points=points)), (made.LSTM,)), "m")
        == ()
    )
    free = tuple(replace(point, work=replace(point.work, flops=Affine())) for point in run.plan.points if point.work)
    run = replace(run, plan=replace(run.plan, points=free))
    assert spanmap.span_maps(run, made.analysis(run, (made.LSTM,)), "m") == ()
