# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.limits import ChaseRung, Limits, StreamRung

LIMITS = Limits(
    chase=(ChaseRung(1 << 20, 1e-8), ChaseRung(1 << 10, 1e-9)),
    stream=(StreamRung(1 << 10, 1, 1e11), StreamRung(1 << 20, 1, 1e10), StreamRung(1 << 10, 2, 2e11)),
)


def test_interpolation_is_linear_in_logarithms() -> None:
    assert LIMITS.latency(1 << 15) == pytest.approx(1e-8**0.5 * 1e-9**0.5)
    assert LIMITS.bandwidth(1 << 15, 1) == pytest.approx(1e10**0.5 * 1e11**0.5)


def test_the_ends_hold_beyond_the_rungs() -> None:
    assert LIMITS.latency(1) == pytest.approx(1e-9)
    assert LIMITS.latency(1 << 40) == pytest.approx(1e-8)


def test_the_nearest_measured_thread_count_below_is_used() -> None:
    assert LIMITS.bandwidth(1 << 20, 3) == pytest.approx(2e11)
    assert Limits(stream=(StreamRung(1, 2, 1.0),)).bandwidth(1, 1) is None


def test_unmeasured_is_none() -> None:
    assert Limits().latency(1) is None
    assert Limits().bandwidth(1, 1) is None
