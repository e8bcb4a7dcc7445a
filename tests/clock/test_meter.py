# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.clock import meter


@pytest.mark.parametrize("x86", [True, False])
def test_the_multiply_gives_the_clock_where_it_takes_three_adds(x86: bool) -> None:
    reading = meter.interpret(add=0.26e-9, multiply=0.75e-9, wall_over_cpu=0.98, involuntary=0, x86=x86)
    assert reading.hertz == pytest.approx(4e9)
    assert reading.trusted


@pytest.mark.parametrize("x86", [True, False])
def test_the_add_gives_the_clock_elsewhere(x86: bool) -> None:
    reading = meter.interpret(add=0.5e-9, multiply=2.0e-9, wall_over_cpu=0.98, involuntary=None, x86=x86)
    assert reading.ratio == pytest.approx(4.0)
    assert reading.hertz == pytest.approx(2e9)


@pytest.mark.parametrize(
    ("add", "multiply", "clock"),
    [
        (0.75e-9, 0.75e-9, 4e9),  # the adds were held up, threefold
        (0.25e-9, 0.80e-9, 4e9),  # the multiplies were, by a fifteenth
        (0.25e-9, 0.7525e-9, 3 / 0.7525e-9),  # and by so little that the more precise chain still counts
    ],
)
def test_a_chain_that_was_held_up_does_not_count_on_x86(add: float, multiply: float, clock: float) -> None:
    assert meter.interpret(add, multiply, 0.98, 0, x86=True).hertz == pytest.approx(clock, rel=1e-9)


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


def test_a_switch_that_is_due_comes_before_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(meter.time, "thread_time", lambda: calls.append("the kernel looks at the slice"))
    monkeypatch.setattr(meter, "_involuntary_switches", lambda: calls.append("switches") or 0)
    monkeypatch.setattr(meter._native, "read_meter", lambda ops: calls.append("read") or (0.25e-9, 0.75e-9, 0.98))
    assert meter.read_clock().trusted
    assert calls == ["the kernel looks at the slice", "switches", "read", "switches"]


def test_of_many_readings_at_once_each_is_judged_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        (0.25e-9, 0.75e-9, 0.98, 0),
        (0.25e-9, 0.75e-9, 1.5, 0),
        (0.5e-9, 1.5e-9, 0.98, 0),
        (0.5e-9, 1.5e-9, 0.98, 1),
    ]
    monkeypatch.setattr(meter._native, "read_meters", lambda team, ops, seconds: rows)
    assert [reading.hertz for reading in meter.read_clocks(None)] == [
        pytest.approx(4e9),
        None,
        pytest.approx(2e9),
        None,
    ]
