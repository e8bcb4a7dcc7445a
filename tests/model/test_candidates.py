# SPDX-License-Identifier: Apache-2.0
"""What stands in an interval, and which forms and structures it is the union over: by hand, and on seeded runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from serialprof.catalog import Affine, Work
from serialprof.limits import BarrierRung, Limits
from serialprof.model.fitting.candidates import Band, Candidate, Scatter
from serialprof.model.fitting.cells import Cell, nearest
from serialprof.model.fitting.curves import Curves, complete
from serialprof.model.fitting.family import Model
from serialprof.model.fitting.fit import allowance, fit_family
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.memory import Memory, measured_barrier
from serialprof.model.fitting.quantities import Quantity
from serialprof.model.fitting.solving import Design, Form, Solution
from serialprof.model.results import COMPUTE, SERIAL
from serialprof.model.statistics import Array, f_quantile, half_widths
from serialprof.model.steptimes import FamilyTimes, collect
from serialprof.planning import Point
from serialprof.setting import Setting
from serialprof.store import StoredRun
from tests.model import builder

ONE = np.ones(1)
SAME = np.ones((5, 1))  # five units that agree
WIDTHS = np.array(builder.OCTAVES, dtype=float)
#: One lane that is cut into as many pieces as there are threads.
DIVISIBLE = Work(0, Affine(0, 1), Affine(), Affine(0, 64), Affine(1e9, 0))


def fitted(run: StoredRun) -> Fitted:
    return fit_family(collect(run)[0], Memory.of(run.limits, run.machine.cache_bytes(2)))


def half(band: Band) -> float:
    (low,), (high,) = band.ends()
    return float(high - low) / 2


def test_a_band_adds_its_sources_in_quadrature() -> None:
    # Units that agree say nothing; 1.96 x 3 is given, t(4, 0.975) = 2.776 times 2 is lack of fit.
    both = Band(ONE, SAME, 2 * ONE, 4, 3 * ONE)
    assert half(both) == pytest.approx(math.hypot(1.96 * 3, 2.776 * 2), rel=1e-3)
    assert half(replace(both, freedom=0)) == pytest.approx(1.96 * 3)
    assert half(replace(both, freedom=0, allowance=0.5)) == pytest.approx(1.96 * 1.5)


def test_what_is_held_at_zero_counts_where_it_is_more_than_the_units_scatter() -> None:
    # 1..5: t(4) = 2.776, so 2.776 x sqrt(2.5 / 5) = 1.963.
    units = np.arange(1.0, 6.0)[:, None]
    nothing = np.zeros(1)
    scattered = Band(3 * ONE, units, nothing, 0, nothing)
    assert half(scattered) == pytest.approx(1.963, abs=1e-3)
    assert half(replace(scattered, held=2 * ONE)) == pytest.approx(3.92)
    assert half(replace(scattered, held=0.5 * ONE)) == pytest.approx(1.963, abs=1e-3)


def test_the_scatter_of_units_is_pooled_with_what_noise_lets_expect() -> None:
    # Five units of variance 2.5 have a mean of variance 0.5 with 4 degrees of freedom; 0.1 is expected with 12, of
    # which no more than the 4 of the units count: (0.1 + 0.5) / 2 = 0.3 with 8, and t(8) = 2.306.
    units = np.arange(1.0, 6.0)[:, None]
    expected = Scatter(0.1 * ONE, 12 * ONE)
    assert expected.half_widths(units)[0] == pytest.approx(2.306 * math.sqrt(0.3), rel=1e-3)
    # One degree of freedom counts as one: (0.1 + 4 x 0.5) / 5 = 0.42 with 5, and t(5) = 2.571.
    assert Scatter(0.1 * ONE, ONE).half_widths(units)[0] == pytest.approx(2.571 * math.sqrt(0.42), rel=1e-3)


def test_the_level_of_units_adds_no_freedom() -> None:
    found = Scatter.of(3 * ONE, 12 * ONE, ONE)
    assert (found.variance[0], found.freedom[0]) == pytest.approx((4, 9))
    assert Scatter.of(0 * ONE, 12 * ONE, ONE).freedom[0] == Scatter.of(0 * ONE, 12 * ONE, 0 * ONE).freedom[0] == 0


def test_the_level_of_units_moves_times_and_no_shares() -> None:
    # Units that differ as a whole, and by nothing else: by +-2 % or not: variance 4 x 2 %^2 / 4.
    levels = 0.02 * np.array([1, -1, 1, -1, 0])
    fit = fitted_of(np.log(1e-6 + 2e-8 * WIDTHS) + levels[:, None])
    assert fit.curves.level == pytest.approx(0.02 * math.sqrt(1 / 5), rel=1e-2)
    (step,) = fit.estimates(fit.bands(fit.curves.cells[:1]), "s", np.ones(1))
    assert step.half_width == pytest.approx(0.02 * math.sqrt(1 / 5) * 2.776 * (step.value or 0), rel=0.01)  # t(4)
    assert (fit.shares(SERIAL)[0].half_width or 0) < 1e-3


def test_shares_are_of_the_step_less_its_noise() -> None:
    # A point that chance alone raised by 1 %: its share is that of the straight line, and nothing is unattributed.
    generator = np.random.default_rng(1)
    noisy = np.log(1e-6 + 2e-8 * WIDTHS) + 0.02 * generator.standard_normal((6, len(WIDTHS)))
    fit = fitted_of(noisy)
    assert not fit.misfit.any() and not fit.missed.any()
    values = [share.value or 0.0 for share in fit.shares(SERIAL)]
    latency, compute = fit.winner.solution.parameters[:2]
    assert values == pytest.approx(list(latency / (latency + compute * WIDTHS)))
    assert [part.value for part in fit.unattributed()] == pytest.approx([0.0] * len(WIDTHS))
    measured = [latency / mean for mean in fit.curves.mean]
    assert np.abs(np.array(values) / measured - 1).max() > 0.003, "which the measured step would not give"


def test_what_surely_is_no_noise_is_unattributed() -> None:
    # Units that agree, and a point 10 % above the line: nothing of that is noise.
    bent = 1e-6 + 2e-8 * WIDTHS
    bent[4] *= 1.1
    levels = 1e-3 * np.array([1, -1, 1, -1, 0, 0])
    fit = fitted_of(np.log(bent) + levels[:, None])
    assert fit.missed[4] == pytest.approx(1, abs=1e-3)
    predicted = fit.bands(fit.curves.cells)[0].value[4]
    left = fit.unattributed()[4]
    assert left.value == pytest.approx(1 - predicted / fit.curves.mean[4], rel=1e-2)
    assert left.low is not None and left.low > 0
    assert fit.steps[4] == pytest.approx(fit.curves.mean[4], rel=1e-3)


def test_a_quantity_with_a_measured_time_in_it_scatters_as_units_do() -> None:
    # Where nothing of a residual is noise, a share is of the measured step: t(5) of the units' own shares, unpooled.
    bent = 1e-6 + 2e-8 * WIDTHS * (1 + 0.1 * (-1) ** np.arange(len(WIDTHS)))
    generator = np.random.default_rng(3)
    fit = fitted_of(np.log(bent) + 0.01 * generator.standard_normal((6, len(WIDTHS))))
    told = fit.told(fit.winner)
    assert told.timed.all() and (fit.missed > 0.9).all()
    scatter = told.band(fit.winner).scatter
    assert scatter is not None and not scatter.freedom.any()
    assert scatter.half_widths(told.units) == pytest.approx(half_widths(told.units))
    modelled = fit.bands(fit.curves.cells)[0].scatter
    assert modelled is not None and (modelled.freedom > 5).all()


def test_shares_add_up_where_noise_and_misfit_meet() -> None:
    bent = 1e-6 + 2e-8 * WIDTHS * (1 + 0.02 * (-1) ** np.arange(len(WIDTHS)))
    fit = fitted_of(np.log(bent) + 0.02 * np.random.default_rng(5).standard_normal((8, len(WIDTHS))))
    assert ((fit.missed > 0.05) & (fit.missed < 0.95)).any()
    for index, rest in enumerate(fit.unattributed()):
        parts = [fit.shares(cause)[index].value or 0.0 for cause in (SERIAL, COMPUTE)]
        assert sum(parts) + (rest.value or 0.0) == pytest.approx(1, abs=1e-9)


def test_units_that_differ_by_their_points_alone_have_no_level() -> None:
    # Points scatter by 2 %: the mean of nine in six units by 2 % / sqrt(54), which is no level of its own.
    generator = np.random.default_rng(2)
    levels = [curves_of(0.02 * generator.standard_normal((6, 9))).level for _ in range(200)]
    assert np.mean(np.square(levels)) < 0.5 * 0.02**2 / 54
    shared = 0.01 * generator.standard_normal((200, 6, 1))
    found = [curves_of(0.001 * generator.standard_normal((6, 9)) + level).level for level in shared]
    assert np.mean(np.square(found)) == pytest.approx(0.01**2 / 6, rel=0.2)


def test_one_noisy_point_hides_no_lack_of_fit() -> None:
    # All points but one are known to 0.1 %, and miss the line by 1 %: that is added, however noisy the one is.
    generator = np.random.default_rng(4)
    bent = np.log(1e-6 + 2e-8 * WIDTHS) + 0.01 * (-1) ** np.arange(len(WIDTHS))
    scatter = np.where(np.arange(len(WIDTHS)) == 3, 0.1, 0.001)
    for _ in range(20):
        fit = fitted_of(bent + scatter * generator.standard_normal((10, len(WIDTHS))))
        assert np.median(fit.misfit) > 0.5


def fitted_of(logs: Array) -> Fitted:
    points = [Point(index, "toy", Setting(int(width), 1), builder.LANES) for index, width in enumerate(WIDTHS)]
    return fit_family(FamilyTimes.of(points, logs), Memory(Limits(), 1 << 20))


def curves_of(logs: np.ndarray) -> Curves:  # type: ignore[type-arg]
    settings = [Setting(width, 1) for width in builder.OCTAVES[: logs.shape[1]]]
    points = [Point(index, "toy", setting, builder.LANES) for index, setting in enumerate(settings)]
    return complete(FamilyTimes.of(points, logs))


def test_standard_errors_leave_out_the_effects_of_units() -> None:
    # d u v with u = (2, -1, -1, 0, 0) over units and v = +-1 over four points: the variance of a point is 6 d^2 over
    # (5 - 1)(4 - 1) / 4 = 3 degrees of freedom, so its mean over five units has the standard error d sqrt(2 / 5).
    d = 0.01
    logs = d * np.outer([2, -1, -1, 0, 0], [1, -1, 1, -1]) + np.array([5, 0, -3, 1, 2])[:, None]
    found = curves_of(logs)
    assert found.errors == pytest.approx(np.full(4, d * math.sqrt(2 / 5)))
    assert found.freedom == 12


def test_the_allowance_is_what_the_profile_leaves() -> None:
    curves = curves_of(0.01 * np.outer([2, -1, -1, 0, 0], [1, -1, 1, -1]))
    best, worse = (Solution(Form(), np.ones(2), squares, 0.01, 7) for squares in (3.0, 4.0))
    noise = curves.errors
    assert allowance(worse, best, curves, noise) == pytest.approx(math.sqrt(1 - 1 / f_quantile(1, 12)))
    assert allowance(best, best, curves, noise) == 1
    assert allowance(replace(worse, squares=8.0), best, curves, noise) == 0  # F(1, 12) = 4.75
    # Where the spread was taken from the residuals, their own degrees of freedom count: F(1, 2) = 18.5.
    assert allowance(replace(worse, squares=8.0), replace(best, freedom=2), curves, 2 * noise) == pytest.approx(
        math.sqrt(1 - 5 / 18.513), 1e-3
    )


def test_lack_of_fit_grows_with_what_a_candidate_misses() -> None:
    fit = fitted(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, noise=0.01))
    spread = 2 * fit.curves.errors
    solution = replace(fit.winner.solution, squares=7.0)  # nine points, two parameters

    def variance(squares: float) -> float:
        candidate = Candidate.of(fit.winner.model, replace(solution, squares=squares), fit.curves, spread)
        return float(candidate.lack_of_fit[0, 0])

    assert variance(28.0) / variance(7.0) == pytest.approx(4)
    assert variance(3.0) / variance(7.0) == pytest.approx(1)


def test_partial_overlap_counts_only_where_it_is_worth_its_parameter() -> None:
    def partial(seed: int) -> bool:
        run = builder.run(lambda w, p, f: max(1e-6, 2e-8 * w), (1, 4, 16, 64, 256), noise=0.06, blocks=5, seed=seed)
        return any(not item.solution.form.sharp for item in fitted(run).candidates)

    # Without the rule it counts in 20 of these 40, and where it need only be no worse, in 5.
    assert sum(map(partial, range(40))) <= 3


def test_the_form_that_misses_least_wins_where_none_fits() -> None:
    weights = replace(builder.LANES, bytes=Affine(8000, 8), lanes=Affine(64, 64))

    def step(width: int, threads: int, form: str) -> float:
        uneven = 1 + 0.12 * (-1) ** width.bit_length()
        return max(23e-6, 10e-6 * width) * uneven / threads + 2e-7 * (threads > 1)

    barrier = Limits(barriers=(BarrierRung(2, 0.0, 2e-7, 2e-9),))
    fit = fitted(builder.run(step, (1, 2, 4, 8, 16), (1, 2), work=weights, limits=barrier, noise=0.001))
    assert fit.residual["sum"] > fit.residual["sum, traffic hidden"] > 0.1, "both are bad"
    assert fit.winner.solution.form.inner == math.inf


def test_a_barrier_that_shows_nowhere_is_not_known_to_cost_nothing_far_out() -> None:
    counts = (1, 2, 3, 4, 6, 8)
    rungs = tuple(BarrierRung(count, 0.0, count - 1.0, 1e3 * (count - 1)) for count in (*counts[1:], 64))

    def far_out(seed: int) -> float | None:
        run = builder.run(
            lambda w, p, f: 0.6 + 0.4 / p,
            (1,),
            counts,
            work=DIVISIBLE,
            limits=Limits(barriers=rungs),
            noise=0.02,
            blocks=5,
            seed=seed,
        )
        fit = fitted(run)
        return fit.predict([nearest(fit.curves.cells, 1, 64)])[0].value

    # By the units alone, which a barrier held at zero hardly moves, 5 of these 20 would be numbers.
    assert sum(far_out(seed) is not None for seed in range(20)) <= 2


def test_a_measured_barrier_goes_on_in_proportion_beyond_what_was_measured() -> None:
    limits = Limits(barriers=(BarrierRung(2, 0.0, 1e-7), BarrierRung(4, 0.0, 4e-7)))
    assert measured_barrier(limits, 4, 0.0) == 4e-7
    assert measured_barrier(limits, 8, 0.0) == pytest.approx(4e-7 * 7 / 3)
    assert measured_barrier(limits, 3, 0.0) == pytest.approx(2e-7)
    assert measured_barrier(Limits(), 3, 0.0) == 0


def test_candidates_share_the_regressors_of_what_is_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    run = builder.run(lambda w, p, f: max(1e-6, 1e-8 * w), noise=0.3)
    fitted = fit_family(collect(run)[0], Memory.of(run.limits, None))
    assert len(fitted.candidates) > 1
    looked_at: list[int] = []
    matrix = Model.matrix

    def counted(model: Model, cells: Sequence[Cell]) -> Array:
        looked_at.append(len(cells))
        return matrix(model, cells)

    monkeypatch.setattr(Model, "matrix", counted)
    cells = [nearest(fitted.curves.cells, width) for width in (3, 48)]
    bands = fitted.bands(cells)
    assert looked_at.count(len(cells)) == 1, "of all candidates together"
    for candidate, band in zip(fitted.candidates, bands, strict=True):
        alone = Quantity.modelled(candidate, Design.of(candidate.model, cells))
        assert band.value == pytest.approx(alone.value) and band.units == pytest.approx(alone.units)
