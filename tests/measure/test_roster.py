# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from serialprof.measure.roster import LOADING_LIMIT, QUICK_BUILD_LIMIT, SUSPECT_LIMIT, Roster
from tests import made
from tests.measure.fake import died, exhausted, hung

CELLS = made.points(widths=(1, 2, 4, 8))


def test_what_building_an_ended_point_took_is_not_foreseen_for_later_blocks() -> None:
    roster = Roster(replace(made.plan(CELLS), open_ended=("toy",)))
    for point in CELLS[:3]:
        roster.enter(point, 1e3 * point.setting.width, took=2.0)
    assert [point.id for point, _ in roster.leaving()] == [1, 2, 3] and roster.leaving() == []
    assert (roster.took, list(roster.run_seconds)) == ({0: 2.0}, [0])
    assert [roster.beyond(point) for point in CELLS] == [False, True, True, True]
    assert not any(map(roster.waits, CELLS))


def test_a_failure_is_no_end_of_a_sweep() -> None:
    roster = Roster(made.plan(CELLS))
    roster.enter(CELLS[0], 1.0, took=1.0)
    assert roster.lose(CELLS[1], died()) and not roster.leaving()
    assert not roster.lose(CELLS[2], exhausted()) and [point.id for point, _ in roster.leaving()] == [2, 3]
    assert not roster.beyond(CELLS[1]) and not roster.waits(CELLS[1])


def test_what_loads_torch_gets_the_time_for_it_even_after_a_hang() -> None:
    plan = replace(made.plan(CELLS), quick=True)
    on_torch = replace(plan, descriptions=tuple(replace(each, on_torch=True) for each in plan.descriptions))
    alone, loading = Roster(plan), Roster(on_torch)
    assert (alone.limit(CELLS[0]), loading.limit(CELLS[0])) == (QUICK_BUILD_LIMIT, QUICK_BUILD_LIMIT + LOADING_LIMIT)
    for roster in (alone, loading):
        roster.lose(CELLS[0], hung())
    assert (alone.limit(CELLS[1]), loading.limit(CELLS[1])) == (SUSPECT_LIMIT, SUSPECT_LIMIT + LOADING_LIMIT)
