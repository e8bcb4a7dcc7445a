# SPDX-License-Identifier: Apache-2.0
"""The phase that takes steps apart, on a fake clock: which points, in which order, within which time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, groupby, product

import pytest

from serialprof.catalog import Description
from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure.dissections import (
    BLOCKS,
    NOT_MEASURED,
    PROFILED,
    SHARE,
    candidates,
    jobs_of,
    reserved_dissections,
    take_dissections,
)
from serialprof.measure.pool import PointFailedError
from serialprof.planning import Plan, Point
from serialprof.records import Anatomy, Dissection, DissectionGap, Profile
from serialprof.setting import Form, Setting
from tests import made

MODES = ("native", "eager", "compile")


def cell(number: int, mode: str, threads: int, form: Form, width: int) -> Point:
    cpus = tuple(range(threads))
    return Point(number, "toy", Setting(width=width, depth=100, threads=threads, cpus=cpus, mode=mode, form=form))


CELLS = tuple(
    cell(number, mode, threads, form, width)
    for number, (mode, threads, form, width) in enumerate(product(MODES, (1, 2), ("serial", "wide"), (1, 4, 16)))
)
CHOSEN = [item for item in CELLS if item.setting.mode != "native" and item.setting.form == "serial"]
CHOSEN = [item for item in CHOSEN if item.setting.threads == 1]


@dataclass
class Workers:
    """A visit takes `seconds`, and `starts` more in a worker that is asked first; it fails or is disturbed if told.

    So does a profile, which takes `profiles`. After the first four visits, which are no block's, it is `slower`.
    """

    seconds: float = 0.025
    profiles: float = 0.025
    slower: float = 1.0
    starts: float = 0.0
    started: set[tuple[str, str]] = field(default_factory=set)
    now: float = 0.0
    fails: dict[int, str] = field(default_factory=dict)
    unprofiled: dict[int, str] = field(default_factory=dict)
    disturbs: Callable[[int], bool] = lambda visit: False
    asked: list[int] = field(default_factory=list)
    profiled: list[int] = field(default_factory=list)

    def dissect(self, point: Point, steps: int, runs: int, limit: float) -> Anatomy:
        assert limit > self.seconds and steps > 0 and runs > 0
        assert not self.profiled, "steps that are timed after a profile in the same process take longer"
        self.asked.append(point.id)
        self._visit("time", point, self.seconds * (1.0 if len(self.asked) <= 4 else self.slower))
        return Anatomy(float(len(self.asked)), disturbed="off" if self.disturbs(len(self.asked)) else "")

    def profile(self, point: Point, steps: int, limit: float) -> tuple[Profile | None, str]:
        assert limit > self.profiles and steps > 0
        self.profiled.append(point.id)
        self._visit("profile", point, self.profiles)
        if point.id in self.unprofiled:
            return None, self.unprofiled[point.id]
        return Profile(steps, 1.0, float(len(self.profiled)), 1.0, 0.0, 0.0), ""

    def _visit(self, kind: str, point: Point, seconds: float) -> None:
        self.now += seconds + (0.0 if (kind, point.setting.mode) in self.started else self.starts)
        self.started.add((kind, point.setting.mode))
        if point.id in self.fails:
            raise PointFailedError(self.fails[point.id])


@dataclass
class Sink:
    made: list[Dissection] = field(default_factory=list)
    gaps: tuple[DissectionGap, ...] | None = None

    def dissect(self, dissection: Dissection) -> None:
        self.made.append(dissection)

    def lack_dissections(self, gaps: Sequence[DissectionGap]) -> None:
        self.gaps = tuple(gaps)


def description() -> Description:
    return replace(made.description(), modes=MODES, on_torch=True)


def plan(budget: float = 120.0, cells: tuple[Point, ...] = CELLS, seed: int = 1) -> Plan:
    return replace(made.plan(cells, budget, seed=seed), descriptions=(description(),))


def taken(workers: Workers, wanted: Plan, past: Sequence[Dissection] = (), step: float = 1e-3) -> Sink:
    sink = Sink()
    run_seconds = {item.id: step * item.setting.depth for item in wanted.points}
    take_dissections(wanted, run_seconds, workers, sink, past, lambda: workers.now)
    return sink


def test_the_serial_form_of_framework_modes_is_taken_apart_on_the_fewest_threads_at_all_widths() -> None:
    assert sorted(item.id for item in candidates(plan())) == sorted(item.id for item in CHOSEN)
    assert [item.setting.width for item in candidates(plan())] == [1, 1, 4, 4, 16, 16]


def test_every_block_visits_every_point_once_and_the_modes_of_a_width_together() -> None:
    workers = Workers()
    sink = taken(workers, plan())
    widths = {item.id: item.setting.width for item in CELLS}
    for block in range(BLOCKS):
        visited = [item.point for item in sink.made if item.block == block]
        assert sorted(visited) == sorted(item.id for item in CHOSEN)
        assert len(list(groupby(visited, widths.get))) == 3, "one stretch for each width"
    assert sink.gaps == ()
    assert len(sink.made) == BLOCKS * len(CHOSEN)


def test_the_order_is_drawn_from_the_seed() -> None:
    def order(seed: int) -> list[int]:
        return [item.point for item in taken(Workers(), plan(seed=seed)).made]

    assert order(1) == order(1) != order(2)
    first, second = order(1)[: len(CHOSEN)], order(1)[len(CHOSEN) : 2 * len(CHOSEN)]
    assert first != second, "every block draws its own"


@pytest.mark.parametrize("cells", [(), tuple(item for item in CELLS if item.setting.mode == "native")])
def test_nothing_is_reserved_where_no_framework_is_at_work(cells: tuple[Point, ...]) -> None:
    assert reserved_dissections(plan(cells=cells)) == 0.0
    sink = taken(Workers(), plan(cells=cells))
    assert (sink.made, sink.gaps) == ([], ())


def test_a_share_of_the_budget_is_reserved_unless_nothing_would_fit() -> None:
    assert reserved_dissections(plan(120.0)) == pytest.approx(SHARE * 120)
    assert reserved_dissections(plan(1.1)) == 0.0
    sink = taken(Workers(), plan(1.1))
    assert sink.gaps is not None and len(sink.gaps) == len(CHOSEN) and not sink.made
    assert "allow a longer --budget" in sink.gaps[0].reason


def test_what_does_not_fit_is_left_out_with_the_reason_and_narrow_points_come_first() -> None:
    jobs, gaps = jobs_of(plan(44.0), {item.id: 5e-3 * item.setting.depth for item in CELLS})
    assert [job.point.setting.width for job in jobs] == [1, 1, 4] and len(gaps) == 3
    jobs, gaps = jobs_of(plan(), {item.id: 1e-5 * item.setting.depth for item in CELLS if item.setting.width < 16})
    assert len(jobs) == 4 and set(gaps.values()) == {NOT_MEASURED}


def test_the_first_visit_in_each_worker_counts_for_nothing() -> None:
    """Its profiler starts up, which may take longer than the whole phase; the second tells what one takes."""
    workers = Workers(starts=30.0)
    sink = taken(workers, plan())
    assert len(workers.asked) == len(workers.profiled) == len(sink.made) + 4 and workers.now > 120
    assert len(sink.made) == BLOCKS * len(CHOSEN) and sink.gaps == ()
    assert min(item.anatomy.step for item in sink.made) == 5, "what two workers brought back first is not kept"


def test_every_dissection_has_the_profile_of_its_block() -> None:
    sink = taken(Workers(unprofiled={CHOSEN[1].id: "CUPTI is not allowed"}), plan())
    for item in sink.made:
        profile, unprofiled = item.anatomy.profile, item.anatomy.unprofiled
        assert (profile is None, unprofiled) == (
            (True, "CUPTI is not allowed") if item.point == CHOSEN[1].id else (False, "")
        )
    numbers = [item.anatomy.profile.kernels for item in sink.made if item.anatomy.profile]
    assert len(set(numbers)) == len(numbers) == BLOCKS * (len(CHOSEN) - 1)


def test_points_whose_profiles_take_too_long_are_left_out_and_the_narrow_ones_have_theirs() -> None:
    sink = taken(Workers(seconds=0.01, profiles=0.75), plan())
    assert sink.gaps is not None
    assert {item.point for item in sink.made} == {item.id for item in CHOSEN if item.setting.width < 16}
    assert {gap.reason for gap in sink.gaps} == {"it would take 3.75 s, 2.40 s are left; allow a longer --budget"}


def test_a_worker_that_cannot_start_on_one_point_starts_on_another() -> None:
    workers = Workers(fails={CHOSEN[0].id: "no profiler"}, starts=30.0)
    sink = taken(workers, plan())
    assert sink.gaps == (DissectionGap(CHOSEN[0].id, "no profiler"),)
    assert len(sink.made) == BLOCKS * (len(CHOSEN) - 1)


def test_all_points_fit_into_the_least_budget() -> None:
    seconds = {item.id: 1e-6 * item.setting.depth for item in CELLS}
    cost = MINIMUM_UNITS * 0.032  # six timings of 2 ms, and the profiler's 20 ms
    budget = 6 * cost / (0.9 * SHARE)
    assert not jobs_of(plan(1.03 * budget), seconds)[1]
    assert len(jobs_of(plan(0.97 * budget), seconds)[1]) == 1


@pytest.mark.parametrize(
    ("step", "steps", "runs", "profiled"), [(3e-6, 100, 7, 8), (1e-3, 8, 1, 8), (8e-3, 6, 1, 6), (1.0, 2, 1, 2)]
)
def test_a_timing_is_long_enough_and_a_profile_is_of_few_steps(
    step: float, steps: int, runs: int, profiled: int
) -> None:
    cells = CHOSEN[:1]
    needed = 1.03 * MINIMUM_UNITS * (6 * step * steps * runs + 2 * profiled * step + 2e-2) / (0.9 * SHARE)
    jobs, gaps = jobs_of(plan(needed, tuple(cells)), {cells[0].id: step * 100})
    assert not gaps and [(job.steps, job.runs, job.profiled) for job in jobs] == [(steps, runs, profiled)]


def test_no_more_steps_are_profiled_than_a_run_has() -> None:
    single = replace(CHOSEN[0], setting=replace(CHOSEN[0].setting, depth=1))
    jobs, _ = jobs_of(plan(cells=(single,)), {single.id: 1e-3})
    assert [job.profiled for job in jobs] == [1] and PROFILED[0] == 2


def test_the_phase_ends_in_time_and_says_what_is_missing() -> None:
    workers = Workers(seconds=0.25, slower=6.0)
    sink = taken(workers, plan())
    assert workers.now <= 2 * SHARE * 120 + 4 * (0.25 + 0.025) + 1.5
    # 27.7 s are for timings at most: 19 visits of 1.5 s begin in them, and six points have three or four blocks.
    assert sink.gaps is not None and len(sink.gaps) == 6
    assert {gap.reason for gap in sink.gaps} == {
        f"{count} of 10 blocks fitted into its time; allow a longer --budget" for count in (3, 4)
    }


def test_the_fewest_blocks_that_make_an_interval_may_be_late() -> None:
    sink = taken(Workers(seconds=0.25, slower=2.5), plan())
    assert sink.gaps == () and len(sink.made) == MINIMUM_UNITS * len(CHOSEN)


def test_five_blocks_are_enough() -> None:
    timing, profile = 18.0 * 120 / 156 / 30, 18.0 * 36 / 156 / 30  # 120 and 36 ms are what they are planned with
    sink = taken(Workers(timing - 1e-4, 0.8 * profile), plan())  # a last timing may end late
    assert sink.gaps == ()
    assert MINIMUM_UNITS * len(CHOSEN) <= len(sink.made) <= MINIMUM_UNITS * len(CHOSEN) + 2


def test_a_point_that_fails_is_a_gap_and_is_not_asked_again() -> None:
    bad = CHOSEN[2].id
    workers = Workers(fails={bad: "out of memory on the CUDA device"})
    sink = taken(workers, plan())
    assert sink.gaps == (DissectionGap(bad, "out of memory on the CUDA device"),)
    assert workers.asked.count(bad) == 1 and bad not in workers.profiled
    assert len(sink.made) == BLOCKS * (len(CHOSEN) - 1)


def test_a_disturbed_visit_is_made_again_and_the_sound_one_kept() -> None:
    sink = taken(Workers(disturbs=lambda visit: visit == 5), plan())
    assert replace(sink.made[0].anatomy, profile=None) == Anatomy(6.0)
    assert len(sink.made) == BLOCKS * len(CHOSEN)


def test_what_stays_disturbed_is_kept_as_such() -> None:
    workers = Workers(disturbs=lambda visit: True)
    sink = taken(workers, plan())
    assert {item.anatomy.disturbed for item in sink.made} == {"off"}
    assert len(workers.asked) <= 2 * len(sink.made) + 4


def test_a_resumed_run_makes_only_what_is_missing() -> None:
    whole = taken(Workers(), plan())
    numbers = count()
    past = [item for item in whole.made if next(numbers) % 3]
    workers = Workers()
    sink = taken(workers, plan(), past)
    have = {(item.point, item.block) for item in past}
    assert {(item.point, item.block) for item in sink.made} == {
        (item.point, item.block) for item in whole.made if (item.point, item.block) not in have
    }
    assert sink.gaps == ()
