# SPDX-License-Identifier: Apache-2.0
"""Requested, read back and measured: made-up visits, nothing measured."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from serialprof.model.reached import NOT_MEASURED, TOLERANCE, ReachedClock, clock_of, clock_rows, reached
from serialprof.policyclock import PolicyClock
from serialprof.records import StoredRun, Visit
from tests import made

POINTS = made.points(widths=(1,), threads=(1, 2), clocks=(1e9, 2e9))  # ids 0, 1 on CPU 0; 2, 3 on CPUs 0 and 1


def visit(point: int, *measured: float | None, read_back: int | None = -1, note: str = "") -> Visit:
    """A visit in which each CPU is a policy of its own."""
    hertz = round(POINTS[point].setting.clock or 0)
    back = hertz if read_back == -1 else read_back
    pinned = [PolicyClock(f"policy{cpu}", (cpu,), hertz, back, note, clock) for cpu, clock in enumerate(measured)]
    return replace(made.visit(point), pinned=tuple(pinned))


def run(visits: Sequence[Visit]) -> StoredRun:
    return made.stored(POINTS, tuple(visits))


def only(found: Sequence[ReachedClock]) -> ReachedClock:
    (one,) = found
    return one


def test_where_clocks_were_left_alone_there_is_nothing() -> None:
    assert reached(made.stored(made.points(), (made.visit(0),))) == ()
    assert clock_of((0,), (made.visit(0),)) == (None, None, None)
    assert clock_rows(()) == ()


def test_measured_is_the_median_over_visits() -> None:
    found = only(reached(run([visit(0, 1.0e9), visit(0, 1.02e9), visit(0, None), visit(0, 1.01e9)])))
    assert (found.requested, found.read_back, found.measured) == (1e9, 1e9, 1.01e9)
    assert found.off == pytest.approx(0.01) and found.flag == ""


@pytest.mark.parametrize(
    ("measured", "flag"),
    [
        (1.5e9, "measured 50.0 % above the request"),
        (0.8e9, "measured 20.0 % below the request"),
        (1.031e9, "measured 3.1 % above the request"),
        (1.029e9, ""),
        (0.971e9, ""),
    ],
)
def test_a_policy_that_reads_back_what_was_asked_and_runs_at_something_else_is_flagged(
    measured: float, flag: str
) -> None:
    assert TOLERANCE == 0.03
    found = only(reached(run([visit(0, measured)])))
    assert found.read_back == found.requested == 1e9
    assert found.flag == flag


def test_what_the_kernel_said_is_part_of_the_flag() -> None:
    visits = [visit(0, 1.6e9, read_back=1_600_000_000, note="the kernel made it 1.6 GHz")] * 2
    found = only(reached(run(visits)))
    assert found.read_back == 1.6e9
    assert found.flag == "measured 60.0 % above the request; the kernel made it 1.6 GHz"


def test_read_backs_that_differ_are_none() -> None:
    assert only(reached(run([visit(0, 1e9), visit(0, 1e9, read_back=9)]))).read_back is None
    assert only(reached(run([visit(0, 1e9, read_back=None)]))).read_back is None


def test_a_policy_of_the_point_without_a_reading_says_so_and_others_need_none() -> None:
    first, sibling = reached(run([visit(0, None, None)]))
    assert (first.flag, sibling.flag) == (NOT_MEASURED, "")


def test_points_and_policies_are_in_their_order() -> None:
    found = reached(run([visit(3, 2e9, 2e9), visit(0, 1e9), visit(3, 2e9, 1e9)]))
    assert [(each.point, each.policy) for each in found] == [(0, "policy0"), (3, "policy0"), (3, "policy1")]
    assert [each.measured for each in found] == [1e9, 2e9, 1.5e9]


def test_rows_join_what_was_answered_alike() -> None:
    visits = [visit(0, 1e9), visit(2, 1e9, 1.2e9), visit(1, 2.01e9), visit(3, 1e9, 1e9, note="odd")]
    slow, fast = clock_rows(reached(run(visits)))
    assert (slow.requested, slow.policies, slow.points, slow.off) == (1e9, ("policy0", "policy1"), 2, 1)
    assert (slow.low, slow.measured, slow.high, slow.notes) == (1e9, 1e9, 1.2e9, ())
    assert (fast.requested, fast.points, fast.off, fast.notes) == (2e9, 2, 1, ("odd",))


def test_a_point_is_told_by_the_policies_of_its_own_cpus() -> None:
    assert clock_of((0,), [visit(0, 1e9, 5e9), visit(0, 1.1e9, 5e9), visit(0, 1.3e9, 5e9)]) == (1e9, 1e9, 1.1e9)
    assert clock_of((0, 1), [visit(2, 1e9, 2e9)]) == (1e9, 1e9, 1.5e9)
    assert clock_of((0,), [visit(0, None, read_back=None)]) == (1e9, None, None)
