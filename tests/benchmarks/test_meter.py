# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of the clock meter makes of its readings."""

import pytest

from benchmarks.meter import conditions, quantile, summary
from serialprof.clock.meter import Reading


def reading(gigahertz: float | None, *, wall_over_cpu: float = 0.98, involuntary: int | None = 0) -> Reading:
    return Reading(None if gigahertz is None else gigahertz * 1e9, 3.0, wall_over_cpu, involuntary)


def test_neighbours_are_trusted_readings_that_follow_one_another_within_a_stretch() -> None:
    first = [reading(3.0), reading(3.003), reading(None, involuntary=1), reading(2.0)]
    row = summary([first, [reading(1.0), reading(1.02)]])
    assert row.readings == 6
    assert row.neighbours == (pytest.approx(0.003 / 3.0015), pytest.approx(0.02 / 1.01))
    assert row.hops == 0.5


def test_rejections_are_told_by_their_reason() -> None:
    readings = [reading(3.0)] * 6
    readings += [reading(None, wall_over_cpu=1.5), reading(None, wall_over_cpu=1.5, involuntary=2)]
    readings += [reading(None, involuntary=1), reading(None, involuntary=1)]
    row = summary([readings])
    assert (row.rejected, row.rejected_by_time, row.rejected_by_switch) == pytest.approx((0.4, 0.2, 0.3))


def test_bins_are_multiples_of_100_mhz_with_4_mhz_on_either_side() -> None:
    inside, outside = [3.0, 3.0039, 2.9961, 3.1], [3.0041, 3.05]
    assert summary([[reading(clock) for clock in inside + outside]]).in_a_bin == pytest.approx(4 / 6)


def test_quantiles_are_values_that_were_read() -> None:
    assert [quantile([1.0, 2.0, 3.0, 4.0, 5.0], level) for level in (0.0, 0.5, 0.95, 1.0)] == [1.0, 3.0, 5.0, 5.0]


def test_a_single_cpu_has_no_other_that_could_be_busy() -> None:
    assert conditions([5]) == {"alone": None, "busy on the same CPU": 5}
    assert conditions([5, 2])["busy on another CPU"] == 2
