# SPDX-License-Identifier: Apache-2.0
"""What is made of timings of a barrier, on made-up ones."""

import pytest

from serialprof.limits import BarrierRung
from serialprof.measure.barriers import Turn, rung_of


def test_the_barrier_is_what_the_crowd_takes_longer() -> None:
    turns = [Turn((3.0, 3.2), (2.0, 2.2)), Turn((3.4, 3.4), (2.1, 2.3))]
    rung = rung_of(4, 2.0, turns)
    assert rung == BarrierRung(4, 2.1, pytest.approx(1.1), pytest.approx(0.1))


def test_a_drift_within_a_turn_cancels() -> None:
    rung = rung_of(2, 1.0, [Turn((1.5, 1.8), (1.1, 1.2))] * 4)
    assert rung is not None
    assert (rung.seconds, rung.error) == (pytest.approx(0.5), pytest.approx(0.0))


@pytest.mark.parametrize("lost", [Turn((9.0, 1.1), (1.0, 1.0)), Turn((1.1, 1.1), (1.0, 9.0))], ids=["crowd", "one"])
def test_turns_in_which_the_hypervisor_took_a_cpu_are_left_out(lost: Turn) -> None:
    sound = [Turn((1.1, 1.1), (1.0, 1.0))] * 4
    assert rung_of(2, 1.0, [lost, *sound, lost, lost]) == rung_of(2, 1.0, sound)


def test_turns_that_waited_for_a_cpu_are_left_out_however_many() -> None:
    sound = [Turn((1.1, 1.1), (1.0, 1.0))] * 3
    waited = [Turn((1.2, 1.1), (1.0, 1.0), lost=0.1)] * 30
    assert rung_of(2, 1.0, [*waited, *sound]) == rung_of(2, 1.0, sound)
    assert rung_of(2, 1.0, waited) is None


def test_no_work_is_a_grain_of_nothing_and_no_barrier_takes_less_than_nothing() -> None:
    rung = rung_of(2, 0.0, [Turn((1.0, 1.0), (1.1, 1.1))] * 3)
    assert rung == BarrierRung(2, 0.0, 0.0, pytest.approx(0.0))


def test_one_turn_has_no_error_and_so_gives_no_rung() -> None:
    assert rung_of(2, 0.0, [Turn((1.0, 1.0), (1.0, 1.0))]) is None
