# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.limits import Limits, StreamRung

LIMITS = Limits(
    stream=(StreamRung(1 << 10, 1, 1e11), StreamRung(1 << 20, 1, 1e10), StreamRung(1 << 10, 2, 2e11)),
)


def test_interpolation_is_linear_in_logarithms() -> None:
    assert LIMITS.bandwidth(1 << 15, 1) == pytest.approx(1e10**0.5 * 1e11**0.5)


def test_the_ends_hold_beyond_the_rungs() -> None:
    assert LIMITS.bandwidth(1, 1) == pytest.approx(1e11)
    assert LIMITS.bandwidth(1 << 40, 1) == pytest.approx(1e10)


def test_the_nearest_measured_thread_count_below_is_used() -> None:
    assert LIMITS.bandwidth(1 << 20, 3) == pytest.approx(2e11)
    assert Limits(stream=(StreamRung(1, 2, 1.0),)).bandwidth(1, 1) is None


def test_unmeasured_is_none() -> None:
    assert Limits().bandwidth(1, 1) is None
