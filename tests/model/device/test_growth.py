# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest

from serialprof.model.device.growth import FORMS, fit_growth, knee_of

WIDTHS = np.array([1.0, 4, 16, 64, 256, 1024])
UNITS = 6


def curve(a, b, q, widths=WIDTHS):
    if math.isinf(q):
        return np.maximum(a, b * widths)
    return (a**q + (b * widths) ** q) ** (1 / q)


def noisy(mean, noise, seed, units=UNITS):
    draw = np.random.default_rng(seed)
    return mean * np.exp(noise * draw.standard_normal((units, mean.size)))


@pytest.mark.parametrize("q", FORMS)
def test_a_planted_curve_comes_back(q):
    found = fit_growth(WIDTHS, np.tile(curve(50e-6, 1e-6, q), (UNITS, 1)))
    assert found.q == q
    assert found.knee == pytest.approx(50, rel=1e-3)
    assert found.residual < 1e-3
    known = knee_of(found)
    assert known.value == pytest.approx(50, rel=1e-3)
    assert known.low <= known.value <= known.high
    assert known.high < 1.01 * known.low


def test_shares_of_a_planted_sum():
    found = fit_growth(WIDTHS, np.tile(curve(50e-6, 1e-6, 1.0), (UNITS, 1)))
    assert found.fixed(50) == pytest.approx(0.5, abs=1e-3)
    assert found.fixed(150) == pytest.approx(0.25, abs=1e-3)
    assert found.fixed(1)[0] > 0.97


def test_the_larger_of_both_has_one_share():
    found = fit_growth(WIDTHS, np.tile(curve(50e-6, 1e-6, math.inf), (UNITS, 1)))
    assert (found.fixed(16) == 1).all()
    assert (found.fixed(64) == 0).all()


def test_a_level_curve_has_its_knee_beyond_the_sweep():
    known = knee_of(fit_growth(WIDTHS, noisy(np.full(WIDTHS.size, 30e-6), 0.01, 1)))
    assert known.value is None
    assert known.reason == "beyond B = 1 Ki"
    assert known.low is not None
    assert 64 <= known.low <= 1024
    assert known.high is None
    assert "4 Ki" in known.remedy


def test_a_proportional_curve_has_its_knee_below():
    known = knee_of(fit_growth(WIDTHS, noisy(1e-6 * WIDTHS, 0.01, 2)))
    assert known.value is None
    assert known.reason == "below B = 1"
    assert known.low is None
    assert known.high is not None
    assert known.high < 4


def test_too_few_units_give_no_ends():
    known = knee_of(fit_growth(WIDTHS, noisy(curve(50e-6, 1e-6, 1.0), 0.01, 3, units=4)))
    assert known.value == pytest.approx(50, rel=0.2)
    assert (known.low, known.high) == (None, None)
    assert "5 independent units" in known.reason
    level = knee_of(fit_growth(WIDTHS, noisy(np.full(WIDTHS.size, 30e-6), 0.0, 1, units=4)))
    assert level.value is None
    assert level.reason.startswith("beyond B = 1 Ki; an interval needs")


def test_intervals_cover_the_planted_knee():
    hits, trials = 0, 80
    for seed in range(trials):
        q = FORMS[seed % 4]
        known = knee_of(fit_growth(WIDTHS, noisy(curve(50e-6, 1e-6, q), 0.02, seed)))
        hits += known.low is not None and known.high is not None and known.low <= 50 <= known.high
        assert known.value is not None
        assert known.high < 4 * known.low
    # 95 % nominal: of 80, fewer than 70 happen once in a thousand times.
    assert hits >= 70


def test_forms_that_fit_as_well_widen_the_knee():
    found = fit_growth(WIDTHS[2:], noisy(curve(50e-6, 1e-6, 2.0), 0.1, 5)[:, 2:])
    assert len(found.alike) > 1
    assert (found.q, found.knee) in found.alike
    known = knee_of(found)
    for _, knee in found.alike:
        assert known.low <= knee <= known.high
    below, above = found.off(50)
    assert below >= 0
    assert above >= 0
    assert below + above > 0.01


def test_step_times_that_follow_no_such_curve_have_no_knee():
    """As those of eager kernels that change between one lane and sixteen: 1, 2, 2.4, 8 and 28 times."""
    widths = np.array([1.0, 16.0, 128.0, 1024.0, 4096.0])
    growth = fit_growth(widths, np.tile([185.0, 363.0, 447.0, 1503.0, 5215.0], (6, 1)))
    assert growth.residual == pytest.approx(0.19, abs=0.02)
    assert "no curve with a knee (19 % off)" in knee_of(growth).reason


def test_what_the_curve_leaves_over_widens_the_knee():
    widths = np.array([1.0, 4.0, 16.0, 64.0, 256.0, 1024.0])
    curve = 100 + widths
    bent = curve * (1 + 0.05 * np.array([1, -1, 1, -1, 1, -1]))
    exact, known = (knee_of(fit_growth(widths, np.tile(times, (6, 1)))) for times in (curve, bent))
    assert exact.low == pytest.approx(exact.high, rel=1e-3)
    assert known.low < 0.95 * known.value and known.high > 1.05 * known.value
    assert known.low < 100 < known.high
