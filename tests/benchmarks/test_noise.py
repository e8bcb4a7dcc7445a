# SPDX-License-Identifier: Apache-2.0
"""Made noise has the covariance that the bound counts with."""

import numpy as np

from benchmarks.attribution_tools.noise import DRIFT, INDEPENDENT, visits


def test_every_second_pass_goes_backward() -> None:
    assert visits(3, 3).tolist() == [[0, 1, 2], [5, 4, 3], [6, 7, 8]]


def test_drawn_logarithms_have_the_covariance() -> None:
    generator = np.random.default_rng(1)
    for noise in (INDEPENDENT, DRIFT):
        drawn = np.array([np.log(noise.draw(2, 3, generator)).ravel() for _ in range(40_000)])
        expected = noise.covariance(2, 3)
        assert np.abs(np.cov(drawn.T) - expected).max() < 0.03 * expected.max()


def test_the_drift_is_centred_over_the_run() -> None:
    assert np.abs(DRIFT.drift(5, 7).sum(axis=0)).max() < 1e-15
    assert np.linalg.eigvalsh(DRIFT.drift(5, 7)).min() > -1e-15
