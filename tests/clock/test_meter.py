# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.clock import meter


def test_the_multiply_gives_the_clock_where_it_takes_three_adds() -> None:
    reading = meter.interpret(add=0.26e-9, multiply=0.75e-9, wall_over_cpu=0.98, involuntary=0)
    assert reading.hertz == pytest.approx(4e9)
    assert reading.trusted


def test_the_add_gives_the_clock_elsewhere() -> None:
    reading = meter.interpret(add=0.5e-9, multiply=2.0e-9, wall_over_cpu=0.98, involuntary=None)
    assert reading.ratio == pytest.approx(4.0)
    assert reading.hertz == pytest.approx(2e9)


@pytest.mark.parametrize(
    ("add", "wall_over_cpu", "involuntary"), [(0.25e-9, 1.02, 0), (0.25e-9, 0.98, 1), (0.0, 0.98, 0)]
)
def test_a_disturbed_reading_gives_no_clock(add: float, wall_over_cpu: float, involuntary: int) -> None:
    reading = meter.interpret(add, 0.75e-9, wall_over_cpu, involuntary)
    assert reading.hertz is None
    assert not reading.trusted


def test_reads_this_machine() -> None:
    reading = meter.read_clock()
    assert reading.ratio > 0.0
    assert reading.hertz is None or reading.hertz > 0.0
    assert reading.involuntary is None or reading.involuntary >= 0


def test_counts_the_switches_of_the_reading_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([41, 43])
    monkeypatch.setattr(meter, "_involuntary_switches", lambda: next(counts))
    monkeypatch.setattr(meter._native, "read_meter", lambda ops: (0.25e-9, 0.75e-9, 0.98))
    assert meter.read_clock() == meter.Reading(None, 3.0, 0.98, 2)
