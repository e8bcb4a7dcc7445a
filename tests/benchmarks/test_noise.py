# SPDX-License-Identifier: Apache-2.0
"""Made noise has the covariance that the bound counts with."""

import numpy as np

from benchmarks.attribution_tools.noise import DRIFT, INDEPENDENT, visits


def test_every_pass_visits_every_cell_in_an_order_of_its_own() -> None:
    order = visits(5, 7, 3)
    assert [sorted(row) for row in order.tolist()] == [list(range(7 * row, 7 * row + 7)) for row in range(5)]
    assert len({tuple(row - row.min()) for row in order}) == 5
    assert (visits(5, 7, 4) != order).any()


def test_drawn_logarithms_have_the_covariance() -> None:
    generator = np.random.default_rng(1)
    for noise in (INDEPENDENT, DRIFT):
        drawn = np.array([np.log(noise.draw(2, 3, generator, order=2)).ravel() for _ in range(40_000)])
        expected = noise.covariance(2, 3, order=2)
        assert np.abs(np.cov(drawn.T) - expected).max() < 0.03 * expected.max()


def test_the_drift_is_centred_over_the_run() -> None:
    assert np.abs(DRIFT.drift(5, 7).sum(axis=0)).max() < 1e-15
    assert np.linalg.eigvalsh(DRIFT.drift(5, 7)).min() > -1e-15
