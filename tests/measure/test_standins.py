# SPDX-License-Identifier: Apache-2.0
"""The phase after sampling, on a fake clock: which points, in which order, within which time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from serialprof.errors import UsageError
from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure.pool import PointFailedError
from serialprof.measure.standins import (
    BLOCKS,
    DESIGNS,
    SHARE,
    TRIES,
    candidates,
    check_dilation,
    jobs_of,
    reserved,
    take_stand_ins,
)
from serialprof.planning import Plan, Point, StandInKind
from serialprof.records import StandIn, StandInGap, Timing
from tests import made

CELLS = made.points(widths=(1, 4, 16), threads=(1, 2, 4), forms=("serial", "wide"))
#: Timings of one visit with delays, forward and back.
VISIT = 2 * len(DESIGNS["delay"].levels)


@dataclass
class Workers:
    """Takes as long as the steps that it is asked for would take, and `overhead` seconds more; fails where told."""

    step: float = 1e-3
    overhead: float = 0.0
    now: float = 0.0
    fails: dict[int, str] = field(default_factory=dict)
    disturbs: Callable[[int, float], bool] = lambda number, level: False
    asked: list[tuple[int, StandInKind, int, int, tuple[float, ...]]] = field(default_factory=list)
    longest: float = 0.0

    def stand_in(
        self, point: Point, kind: StandInKind, steps: int, runs: int, levels: Sequence[float], limit: float
    ) -> tuple[Timing, ...]:
        self.asked.append((point.id, kind, steps, runs, tuple(levels)))
        if point.id in self.fails:
            raise PointFailedError(self.fails[point.id])
        seconds = [self.step + level if kind == "delay" else self.step / (1 - level) for level in levels]
        took = self.overhead + steps * runs * sum(seconds)
        assert limit > took
        self.now += took
        self.longest = max(self.longest, took)
        flags = ["kept off the CPU" if self.disturbs(len(self.asked), level) else "" for level in levels]
        return tuple(map(Timing, levels, seconds, seconds, flags))


@dataclass
class Sink:
    timings: list[StandIn] = field(default_factory=list)
    gaps: tuple[StandInGap, ...] | None = None

    def stand_in(self, timings: Sequence[StandIn]) -> None:
        self.timings += timings

    def lack_stand_ins(self, gaps: Sequence[StandInGap]) -> None:
        self.gaps = tuple(gaps)


def plan(budget: float = 100.0, *kinds: StandInKind, cells: tuple[Point, ...] = CELLS, seed: int = 1) -> Plan:
    return replace(made.plan(cells, budget, seed=seed), stand_ins=kinds or ("delay",))


def taken(workers: Workers, wanted: Plan, past: Sequence[StandIn] = (), step: float | None = None) -> Sink:
    sink = Sink()
    run_seconds = {cell.id: (step or workers.step) * cell.setting.depth for cell in wanted.points}
    take_stand_ins(wanted, run_seconds, workers, sink, past, lambda: workers.now)
    return sink


def test_the_corners_of_every_family_are_taken_the_most_threads_first() -> None:
    chosen = [(cell.setting.threads, cell.setting.width, cell.setting.form) for cell in candidates(plan())]
    assert chosen == [(4, 1, "serial"), (4, 16, "serial"), (1, 1, "serial"), (1, 16, "serial")]
    assert len(candidates(plan(cells=made.points(widths=(4,))))) == 1


def test_families_take_turns_so_that_none_is_left_out_first() -> None:
    two = tuple(
        replace(cell, id=number, workload=name)
        for number, (name, cell) in enumerate((name, cell) for name in ("toy", "other") for cell in CELLS)
    )
    assert [cell.workload for cell in candidates(plan(cells=two))] == ["toy", "other"] * 4


def test_set_clocks_and_whole_programs_are_left_alone() -> None:
    for knob in ({"clock": 1e9}, {"mode": "process"}):
        cells = tuple(replace(cell, setting=replace(cell.setting, **knob)) for cell in CELLS)
        assert candidates(plan(cells=cells)) == []
        assert reserved(plan(cells=cells)) == 0


def test_two_delays_lie_beyond_a_slack_of_the_whole_step() -> None:
    design = DESIGNS["delay"]
    assert sum(level > 1.0 for level in design.levels) == 2
    assert design.stretched == tuple(1.0 + level for level in design.levels), "at a slope of 1, without slack"


@pytest.mark.parametrize(
    ("knob", "reason"),
    [
        ({"clock": 1e9}, "clocks were set: they measure what a stand-in only bounds"),
        ({"mode": "process"}, "the steps of a whole program cannot be reached"),
    ],
)
def test_families_that_can_take_none_say_why(knob: dict[str, Any], reason: str) -> None:
    """One family can, the other cannot; under several clocks a place is told once."""
    beyond = tuple(
        replace(cell, id=len(CELLS) + number, workload="other", setting=replace(cell.setting, **knob))
        for number, cell in enumerate(CELLS)
    )
    faster = tuple(replace(cell, id=cell.id + len(CELLS), setting=replace(cell.setting, clock=2e9)) for cell in beyond)
    workers = Workers()
    sink = taken(workers, plan(cells=CELLS + beyond + (faster if "clock" in knob else ())))
    assert {asked[0] for asked in workers.asked} == {cell.id for cell in candidates(plan())}
    told = [(gap.point, gap.reason) for gap in sink.gaps or ()]
    assert told == [(len(CELLS) + number, reason) for number in sorted(cell.id for cell in candidates(plan()))]


def test_nothing_is_reserved_for_what_the_budget_cannot_hold() -> None:
    least = DESIGNS["dilation"].least
    assert least == pytest.approx(16.54, abs=0.01)  # 5 blocks x 11.58 x 20 ms, in 70 % of a tenth
    assert reserved(plan(0.99 * least, "delay", "dilation")) == pytest.approx(SHARE * 0.99 * least)
    assert reserved(plan(1.01 * least, "delay", "dilation")) == pytest.approx(2 * SHARE * 1.01 * least)
    shortest = {cell.id: 1e-9 for cell in CELLS}
    assert not jobs_of(plan(0.99 * least), shortest, "dilation")[0]
    assert jobs_of(plan(1.01 * least), shortest, "dilation")[0]


def test_dilation_that_cannot_be_had_is_refused() -> None:
    programs = tuple(replace(cell, setting=replace(cell.setting, mode="process")) for cell in CELLS)
    with pytest.raises(UsageError, match="nothing to dilate: the steps of a whole program cannot be reached") as error:
        check_dilation(plan(100.0, "dilation", cells=programs))
    assert error.value.remedy == "leave it out"
    with pytest.raises(UsageError, match=r"does not fit into --budget 10s: ") as error:
        check_dilation(plan(10.0, "delay", "dilation"))
    assert error.value.remedy.startswith("allow --budget 17s at least")
    check_dilation(plan(17.0, "delay", "dilation"))
    check_dilation(plan(1.0, "delay", cells=programs))


def test_every_kind_has_its_share_of_the_budget() -> None:
    assert reserved(plan(100.0)) == pytest.approx(10)
    assert reserved(plan(100.0, "delay", "dilation")) == pytest.approx(20)
    assert reserved(replace(plan(), stand_ins=())) == 0


def test_levels_are_passed_forward_and_back_in_a_drawn_order() -> None:
    workers = Workers()
    sink = taken(workers, plan())
    assert len(workers.asked) == 4 * BLOCKS
    orders = {levels for *_, levels in workers.asked}
    assert all(levels == levels[::-1] for levels in orders), "a linear drift would not cancel"
    assert len(orders) > 1, "nothing was drawn"
    assert {tuple(sorted(set(levels))) for levels in orders} == {(0.0, 0.25e-3, 0.5e-3, 1e-3, 1.5e-3, 2e-3)}
    assert {(item.block, item.point) for item in sink.timings} == {
        (block, cell.id) for block in range(BLOCKS) for cell in candidates(plan())
    }
    assert sink.gaps == ()


def test_the_order_is_that_of_the_seed() -> None:
    first, again, other = Workers(), Workers(), Workers()
    taken(first, plan())
    taken(again, plan())
    taken(other, plan(seed=2))
    assert first.asked == again.asked != other.asked


@pytest.mark.parametrize("kind", ["delay", "dilation"])
@pytest.mark.parametrize("step", [1e-7, 1e-5, 1e-3, 0.03])
@pytest.mark.parametrize("overhead", [0.0, 0.3])
@pytest.mark.parametrize("slower", [1.0, 5.0])
def test_it_keeps_to_its_share_by_one_visit(kind: StandInKind, step: float, overhead: float, slower: float) -> None:
    workers = Workers(slower * step, overhead)
    taken(workers, plan(60.0, kind), step=step)
    assert 0 < workers.now <= 60.0 * SHARE + workers.longest


def test_a_timing_lasts_as_long_as_its_design_says() -> None:
    jobs, gaps = jobs_of(plan(1000.0), {cell.id: 1e-6 * cell.setting.depth for cell in CELLS}, "delay")
    assert not gaps
    assert [job.length for job in jobs] == [pytest.approx(DESIGNS["delay"].longest, rel=0.01)] * 4
    assert all(job.steps <= job.point.setting.depth for job in jobs)
    short, _ = jobs_of(plan(10.0), {cell.id: 1e-6 * cell.setting.depth for cell in CELLS}, "delay")
    assert all(DESIGNS["delay"].shortest <= job.length < DESIGNS["delay"].longest for job in short)


def test_points_that_do_not_fit_say_so_and_the_first_ones_stay() -> None:
    workers = Workers(step=5e-3)
    sink = taken(workers, plan(10.0))
    assert [gap.point for gap in sink.gaps or ()] == sorted(cell.id for cell in candidates(plan())[1:])
    assert sink.gaps is not None
    assert sink.gaps[0].reason == "it would take 562 ms, 137 ms are left; allow a longer --budget"
    assert {item.point for item in sink.timings} == {candidates(plan())[0].id}


def test_a_point_that_fails_is_told_once_and_the_others_go_on() -> None:
    failing = candidates(plan())[1].id
    workers = Workers(fails={failing: "its steps cannot be delayed"})
    sink = taken(workers, plan())
    assert sink.gaps == (StandInGap("delay", failing, "its steps cannot be delayed"),)
    assert [asked[0] for asked in workers.asked].count(failing) == 1
    assert len(sink.timings) == 3 * BLOCKS * VISIT


def test_a_visit_is_made_again_where_a_level_has_nothing_sound() -> None:
    """The first lacks one level, the second another: together they have all, so there is no third."""
    one = plan(cells=made.points(widths=(4,)))
    workers = Workers(disturbs=lambda number, level: (number, level) in ((1, 0.0), (2, 1e-3)))
    sink = taken(workers, one)
    assert [item.block for item in sink.timings[::VISIT]] == [0, 0, *range(1, BLOCKS)]
    hopeless = Workers(disturbs=lambda number, level: level == 0.0)
    assert [item.block for item in taken(hopeless, one).timings[::VISIT]][: TRIES + 1] == [0] * TRIES + [1]
    late = Workers(overhead=20.0, disturbs=lambda number, level: True)
    assert len(taken(late, one).timings) == VISIT, "no time is left"


def test_time_that_runs_out_is_told_where_there_is_no_interval() -> None:
    sink = taken(Workers(overhead=1.0), plan(60.0))
    reasons = {gap.reason for gap in sink.gaps or ()}
    assert reasons == {f"{block} of {BLOCKS} blocks fitted into its time; allow a longer --budget" for block in (1, 2)}


def test_time_for_few_points_goes_to_many_threads_delayed_and_to_one_dilated() -> None:
    run_seconds = {cell.id: 5e-3 * cell.setting.depth for cell in CELLS}
    for kind, budget, threads in (("delay", 15.0, 4), ("dilation", 30.0, 1)):
        jobs, _ = jobs_of(plan(budget), run_seconds, kind)  # type: ignore[arg-type]
        assert {job.point.setting.threads for job in jobs} == {threads}


def test_points_that_were_not_measured_are_not_asked() -> None:
    sink = Sink()
    workers = Workers()
    take_stand_ins(plan(), {}, workers, sink, (), lambda: workers.now)
    assert not workers.asked
    assert {gap.reason for gap in sink.gaps or ()} == {"the point was not measured"}


def test_a_resumed_run_takes_only_what_it_lacks() -> None:
    whole, rest = Workers(), Workers()
    sink = taken(whole, plan())
    past = sink.timings[: VISIT * 7]
    again = taken(rest, plan(), past)
    assert past + again.timings == sink.timings
    other: tuple[StandIn, ...] = tuple(replace(item, kind="dilation") for item in past)
    assert taken(Workers(), plan(), other).timings == sink.timings


def test_both_kinds_are_taken_one_after_the_other() -> None:
    workers = Workers()
    sink = taken(workers, plan(100.0, "delay", "dilation"))
    kinds = [item.kind for item in sink.timings]
    assert kinds[: 4 * BLOCKS * VISIT] == ["delay"] * 4 * BLOCKS * VISIT
    assert set(kinds[4 * BLOCKS * VISIT :]) == {"dilation"}
    assert len({item.block for item in sink.timings if item.kind == "dilation"}) >= MINIMUM_UNITS
    assert max(item.level for item in sink.timings if item.kind == "dilation") == 0.5
