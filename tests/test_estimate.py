# SPDX-License-Identifier: Apache-2.0
from serialprof.estimate import Estimate


def test_an_unknown_dispersion_is_none_not_zero() -> None:
    assert Estimate(1.0).half_width is None
    assert not Estimate(1.0, low=0.5).bounded


def test_half_width_and_scale() -> None:
    estimate = Estimate(2.0, 1.0, 4.0, "s").scaled(1000, "ms")
    assert (estimate.value, estimate.low, estimate.high, estimate.unit) == (2000, 1000, 4000, "ms")
    assert estimate.half_width == 1500


def test_a_bracket_prefers_no_point() -> None:
    bracket = Estimate.bracket(0.0, 1.0, "why")
    assert bracket.value is None
    assert bracket.bounded
    assert Estimate.unknown("why").reason == "why"
