# SPDX-License-Identifier: Apache-2.0
"""Knees: a number inside the sweep, a bound and a reason beyond it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.model.fitting import knees
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.family import Model
from serialprof.model.fitting.fit import fit_family
from serialprof.model.fitting.knees import knee
from serialprof.model.fitting.memory import Memory
from serialprof.model.fitting.solving import Design
from serialprof.model.steptimes import collect
from tests.model import builder


def knee_of(step: Callable[[int, int, str], float], on: int = 1, **options: object) -> Estimate:
    run = builder.run(step, **options)  # type: ignore[arg-type]
    return knee(fit_family(collect(run)[0], Memory.of(Limits(), 1 << 20)), on)


@pytest.mark.parametrize("form", [max, lambda chain, width: chain + width])
def test_a_knee_inside_the_sweep_is_a_number(form: Callable[[float, float], float]) -> None:
    found = knee_of(lambda w, p, f: form(2e-6, 5e-8 * w))
    assert found.value == pytest.approx(40, rel=1e-3)
    noisy = knee_of(lambda w, p, f: form(2e-6, 5e-8 * w), noise=0.01)
    assert noisy.low is not None and noisy.high is not None and noisy.low < 40 < noisy.high


def test_threads_share_the_width_work_and_shift_the_knee() -> None:
    def step(width: int, threads: int, form: str) -> float:
        return 2e-6 + 5e-8 * width / min(threads, width)

    assert knee_of(step, 2, threads=(1, 2)).value == pytest.approx(80, rel=1e-3)


def test_a_knee_far_beyond_the_sweep_is_never_a_number() -> None:
    numbers = 0
    for seed in range(40):
        found = knee_of(lambda w, p, f: 2e-6 + 2e-9 * w, noise=0.02, seed=seed)  # at 1000, the sweep ends at 256
        numbers += found.value is not None
        assert found.value is not None or ("beyond W = 256" in found.reason and found.high is None)
    assert numbers == 0


def test_a_knee_below_the_sweep_has_only_an_upper_end() -> None:
    found = knee_of(lambda w, p, f: 1e-8 + 5e-7 * w, noise=0.001)
    assert (found.value, found.low) == (None, None)
    assert found.high is not None and found.high <= 1 and "below W = 1" in found.reason


def test_no_knee_where_serial_and_width_work_are_not_told_apart() -> None:
    found = knee_of(lambda w, p, f: 2e-6 + 5e-8 * w, work=None, noise=0.01)
    assert found.value is None and "weights or overhead" in found.reason and found.remedy


def test_a_knee_from_few_units_has_no_ends() -> None:
    found = knee_of(lambda w, p, f: 2e-6 + 5e-8 * w, blocks=4)
    assert found.value == pytest.approx(40, rel=1e-3)
    assert (found.low, found.high) == (None, None) and "5 independent units" in found.reason


def test_units_scatter_into_the_interval() -> None:
    narrow, wide = (knee_of(lambda w, p, f: 2e-6 + 5e-8 * w, noise=noise, seed=2).half_width for noise in (0.002, 0.02))
    assert narrow is not None and wide is not None
    assert np.isclose(wide / narrow, 10, rtol=0.3)


def test_lack_of_fit_and_what_is_given_widen_a_knee() -> None:
    def bent(width: int, threads: int, form: str) -> float:
        return 2e-6 + 5e-8 * width * (1 + 0.05 * (-1) ** width.bit_length())

    found = knee_of(bent)
    assert found.low is not None and found.high is not None and found.low < 0.97 * 40 and found.high > 1.03 * 40


def test_a_knee_that_may_lie_anywhere_is_bounded_from_nowhere() -> None:
    found = knee_of(lambda w, p, f: 1e-6 + 1e-9 * w, noise=0.3, seed=1, widths=(8, 9, 10, 11))
    assert (found.value, found.low, found.high) == (None, None, None)
    assert "may lie below W = 8 or beyond W = 11" in found.reason


def test_units_whose_knee_lies_beyond_the_sweep_are_looked_at_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain alone: however many units there are, two designs tell, at both ends of the reach and for the slope."""
    fitted = fit_family(collect(builder.run(lambda w, p, f: 2e-6))[0], Memory.of(Limits(), 1 << 20))
    asked = []

    class Watched(Design):
        @classmethod
        def of(cls, model: Model, cells: Sequence[Cell]) -> Design:
            asked.append(model)
            return Design.of(model, cells)

    monkeypatch.setattr(knees, "Design", Watched)
    assert knee(fitted, 1).value is None
    assert len(fitted.curves.units) > 2
    assert len(asked) == 2 * len(fitted.candidates)
