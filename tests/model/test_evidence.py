# SPDX-License-Identifier: Apache-2.0
"""The grade of the evidence: by the clocks that were measured, not by those that were asked for."""

from __future__ import annotations

import pytest

from serialprof.model.evidence import grade
from serialprof.model.steptimes import FamilyTimes, collect
from serialprof.model.sweep import distinct_clocks
from tests.model import builder

GHZ = 1e9


def times(*clocks: float, measured: dict[float, float] | None = None) -> FamilyTimes:
    """Times at clocks that were asked for, and measured elsewhere where said."""
    where = measured or {}
    run = builder.run(
        (lambda w, p, form, hertz: 1e3 / hertz) if clocks else (lambda w, p, form: 1e-6),
        widths=(1, 2),
        clocks=clocks,
        measured=lambda hertz: where.get(hertz, hertz),
    )
    return collect(run)[0]


@pytest.mark.parametrize(
    ("found", "grade_of", "reason"),
    [
        (times(), "C", "no clock was set and no hardware counters were read: the clock's side is a model"),
        (times(1 * GHZ, 1.5 * GHZ, 2 * GHZ), "A", "3 clocks were measured, 1.00 GHz to 2.00 GHz"),
        (times(1 * GHZ, 2 * GHZ), "B", "2 clocks were measured, 1.00 GHz to 2.00 GHz: a sweep takes 3"),
        (
            times(1.8 * GHZ, 1.9 * GHZ, 2 * GHZ),
            "B",
            "3 clocks were measured, 1.80 GHz to 2.00 GHz: a sweep spans 1.25x",
        ),
        (
            times(1 * GHZ, 1.5 * GHZ, 2 * GHZ, measured={1 * GHZ: 2 * GHZ}),  # the policy lies
            "B",
            "2 clocks were measured, 1.50 GHz to 2.00 GHz: a sweep takes 3",
        ),
        (
            times(1 * GHZ, 2 * GHZ, measured={1 * GHZ: 2 * GHZ}),
            "C",
            "every point ran at 2.00 GHz, whatever was asked for, and no hardware counters were read",
        ),
    ],
)
def test_the_grade_is_that_of_the_clocks_that_were_measured(found: FamilyTimes, grade_of: str, reason: str) -> None:
    assert grade(found, 0.0) == (grade_of, reason)


def test_many_disturbed_samples_are_part_of_the_reason() -> None:
    assert "disturbed" not in grade(times(), 0.2)[1]
    assert grade(times(), 0.21)[1].endswith("; 21 % of the samples were disturbed and left out: see serialprof doctor")


def test_clocks_closer_than_a_fiftieth_are_one() -> None:
    assert distinct_clocks(times(1 * GHZ, 1.01 * GHZ, 1.03 * GHZ).summaries) == (1 * GHZ, 1.03 * GHZ)
    assert distinct_clocks(times().summaries) == ()


def test_counters_that_were_read_are_not_denied() -> None:
    assert grade(times(), 0.0)[1].startswith("no clock was set and no hardware counters were read:")
    told = grade(times(), 0.0, counters=(False, "hardware counters give a lower bound"))
    assert told == ("C", "no clock was set and hardware counters give a lower bound: the clock's side is a model")


def test_counters_that_confirm_the_model_are_of_grade_b() -> None:
    assert grade(times(), 0.0, counters=(True, "hardware counters confirm the model"))[0] == "B"
    assert grade(times(1 * GHZ, 1.5 * GHZ, 2 * GHZ), 0.0, counters=(True, "they confirm it"))[0] == "A"
