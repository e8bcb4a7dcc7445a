# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from serialprof.catalog import Affine
from serialprof.model.device.analysis import device_analysis, dissected
from serialprof.model.device.batch import DISPATCH, EITHER, WEIGHTS
from serialprof.model.dissected import FLOOR
from serialprof.model.steptimes import collect
from serialprof.records import Readings
from tests.model.device.builder import MICRO, WORK, Truth, changed, run

WIDTHS = (1, 4, 16, 64, 256, 1024)
#: How near the knee of exact times comes, relatively.
NEAR = 1 + 1e-6


def sweep(stored, mode="eager"):
    times = next(item for item in collect(stored) if item.family.mode == mode)
    return device_analysis(stored, times, dissected(stored, times), ()).sweep


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_the_knee_lies_where_host_and_device_take_as_long(noise):
    found = sweep(run(Truth(host=100 * MICRO, floor=0.0, gap=0.0, kernels=1), WIDTHS, noise=noise))
    assert found.form == "max"
    assert found.knee.value == pytest.approx(100, rel=0.1)
    assert found.knee.low / NEAR <= 100 <= found.knee.high * NEAR
    assert found.residual < 0.03


def test_the_knee_beyond_the_sweep():
    found = sweep(run(Truth(host=10000 * MICRO), WIDTHS))
    assert found.knee.value is None
    assert found.knee.reason == "beyond B = 1 Ki"


def test_three_batches_have_no_knee():
    found = sweep(run(widths=(1, 4, 16)))
    assert found.knee.value is None
    assert found.form == ""
    assert "4 batches" in found.knee.reason
    assert len(found.throughput) == 3


def test_throughput_is_lanes_per_second():
    found = sweep(run(Truth(host=10 * MICRO)))
    assert [item.width for item in found.throughput] == [1, 4, 16, 64, 256]
    last = found.throughput[-1].rate
    assert last.value == pytest.approx(256 / (281 * MICRO))
    assert last.unit == "1/s"


def test_what_makes_a_step_batch_insensitive():
    assert sweep(run(Truth(host=200 * MICRO), noise=0.01)).cause == DISPATCH
    assert sweep(run(Truth(host=5 * MICRO), noise=0.01)).cause == FLOOR
    weights = replace(WORK, bytes=Affine(24e6, 8), footprint=Affine(24e6, 0))
    assert sweep(run(Truth(host=5 * MICRO, kernels=1), noise=0.01, work=weights)).cause == WEIGHTS
    undeclared = sweep(run(Truth(host=5 * MICRO), noise=0.01, work=None))
    assert undeclared.cause == EITHER


def test_a_cause_that_is_not_sure_is_left_open():
    # 15 us of host beyond the device's path and 5 us of gaps, 20 us of floor.
    found = sweep(run(Truth(host=41 * MICRO), noise=0.03))
    assert found.cause == ""
    assert found.reason.startswith("the data cannot tell")
    few = sweep(run(Truth(host=200 * MICRO), blocks=3))
    assert few.cause == ""
    assert "5 independent units" in few.reason


def test_below_the_sweep_nothing_is_insensitive():
    found = sweep(run(Truth(host=0.0, floor=0.01 * MICRO, gap=0.0), (64, 256, 1024, 4096)))
    assert found.knee.value is None
    assert found.cause == ""
    assert "every lane costs" in found.reason


def test_a_sweep_that_ended_says_where_and_why():
    stored = run()
    visits = tuple(
        replace(item, status="ended", reason="out of memory", readings=Readings(())) if item.point == 4 else item
        for item in stored.visits
    )
    stored = changed(replace(stored, visits=visits), lambda item: None if item.point == 4 else item)
    assert sweep(stored).ended == "at B = 256: out of memory"
    assert [item.width for item in sweep(stored).throughput] == [1, 4, 16, 64]
    assert sweep(run()).ended == ""
