# SPDX-License-Identifier: Apache-2.0
"""A run that stops at any place goes on there, with fake workers on a fake clock."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from serialprof.measure.engine import Engine
from serialprof.planning import Plan
from serialprof.records import StoredRun, Visit
from tests import made
from tests.measure.fake import FakeWorkers, FullError, Sink, died, exhausted

CELLS = made.points(widths=(1, 4), threads=(1, 2))
#: Seven blocks of two turns at most, so that urgency has a say in the last two.
PLAN = replace(made.plan(CELLS, budget=6.0, blocks=7, blocks_per_process=1), precision=0.01)


def workers(**changes: object) -> FakeWorkers:
    return FakeWorkers(
        **{"run_seconds": {0: 1e-3, 1: 1e-4, 2: 0.02, 3: 1e-3}, "noise": {0: 0.3, 1: 0.02, 2: 0.3, 3: 0.02}, **changes}  # type: ignore[arg-type]
    )


def carry_out(team: FakeWorkers, sink: Sink, past: StoredRun | None = None, plan: Plan = PLAN) -> None:
    Engine(plan, team, sink, now=lambda: team.now, past=past).run()


def what(visit: Visit) -> tuple[object, ...]:
    return visit.block, visit.position, visit.point, visit.turn, visit.runs, visit.status


def interrupted(most: int, make: Callable[[], FakeWorkers] = workers) -> tuple[Sink, FakeWorkers]:
    """What is stored when event number `most` no longer is."""
    sink, team = Sink(most), make()
    with pytest.raises(FullError):
        carry_out(team, sink)
    assert len(sink.events) == most
    return sink, team


def go_on(sink: Sink, visits: int, make: Callable[[], FakeWorkers] = workers) -> tuple[Sink, FakeWorkers]:
    """The rest of a run of which so many visits were tried, by other workers on another clock."""
    team = make()
    team.now, team.visits = 1e5, visits
    rest = Sink(visits=list(sink.visits), calibrations=list(sink.calibrations), draws=dict(sink.draws))
    carry_out(team, rest, sink.stored(PLAN))
    return rest, team


@pytest.fixture(scope="module")
def whole() -> Sink:
    sink = Sink()
    carry_out(workers(), sink)
    assert len(sink.visits) > 70 and sorted(sink.draws) == list(range(7))
    return sink


def test_an_engine_with_nothing_behind_it_begins(whole: Sink) -> None:
    sink = Sink()
    carry_out(workers(), sink, Sink().stored(PLAN))
    assert sink == whole


def test_it_goes_on_the_same_way_from_every_place(whole: Sink) -> None:
    """After any visit, between a draw and its first visit, and among the calibrations."""
    places = [event.partition(" ")[0] for event in whole.events]
    assert set(places) == {"calibration", "draw", "visit"}
    for most, event in enumerate(whole.events):
        sink, _ = interrupted(most)
        rest, team = go_on(sink, len(sink.visits))
        assert [what(visit) for visit in rest.visits] == [what(visit) for visit in whole.visits], (most, event)
        assert [visit.samples for visit in rest.visits] == [visit.samples for visit in whole.visits]
        assert rest.draws.keys() == whole.draws.keys()
        for block, stops in whole.draws.items():
            planned = [(stop.point, stop.turn, pytest.approx(stop.seconds)) for stop in stops]
            assert [(stop.point, stop.turn, stop.seconds) for stop in rest.draws[block]] == planned
        assert sorted(rest.calibrations, key=lambda item: item.point) == sorted(
            whole.calibrations, key=lambda item: item.point
        )
        calibrated = {int(entry[1:]) for entry in team.log if entry.startswith("c")}
        assert calibrated == {0, 1, 2, 3} - {item.point for item in sink.calibrations}


def test_after_the_last_visit_nothing_is_left_to_do(whole: Sink) -> None:
    rest, team = go_on(whole, len(whole.visits))
    assert rest.visits == whole.visits and team.log == []


def test_what_was_spent_counts(whole: Sink) -> None:
    for most in range(5, len(whole.events), 7):
        sink, _ = interrupted(most)
        rest, team = go_on(sink, len(sink.visits))
        before = max((visit.spent for visit in sink.visits), default=0.0)
        assert team.now - 1e5 == pytest.approx(PLAN.budget - before, abs=1e-6)
        spent = [visit.spent for visit in rest.visits]
        assert spent == sorted(spent)


def test_every_process_that_samples_has_a_number_of_its_own(whole: Sink) -> None:
    for most in range(5, len(whole.events), 7):
        sink, _ = interrupted(most)
        rest, _ = go_on(sink, len(sink.visits))
        before = {visit.process for visit in rest.visits[: len(sink.visits)]}
        after = {visit.process for visit in rest.visits[len(sink.visits) :]}
        assert not before & after
        assert len({visit.process for visit in rest.visits}) >= 7


def test_the_drawn_block_is_finished_as_drawn_although_new_workers_take_time() -> None:
    def slowly() -> FakeWorkers:
        return workers(starting=lambda: 0.02)

    whole = Sink()
    carry_out(slowly(), whole)
    for most in range(4, len(whole.events), 3):
        sink, _ = interrupted(most, slowly)
        rest, team = go_on(sink, len(sink.visits), slowly)
        (*_, block) = sorted(sink.draws) or [0]
        finished = [what(visit) for visit in rest.visits if visit.block <= block]
        assert finished == [what(visit) for visit in whole.visits if visit.block <= block], most
        before = max((visit.spent for visit in sink.visits), default=0.0)
        calibrating = 0.02 * 6
        assert team.now - 1e5 <= PLAN.budget * 1.05 - before + calibrating


def test_what_starting_workers_took_in_calibration_is_foreseen_after_a_resumption() -> None:
    def slowly() -> FakeWorkers:
        return workers(starting=lambda: 0.02)

    sink, _ = interrupted(8, slowly)
    assert set(sink.draws) == {0}
    rest, _ = go_on(sink, len(sink.visits), slowly)
    began = next(visit.spent for visit in reversed(rest.visits) if visit.block == 0)
    planned = sum(stop.seconds for stop in rest.draws[1])
    assert planned == pytest.approx((PLAN.budget - began) / 6 - 6 * 0.02), "two workers and four points"


def test_a_point_that_failed_stays_out() -> None:
    def failing() -> FakeWorkers:
        return workers(fails_to_build={1: died("boom")}, fails_at_visit={20: died()})

    whole = Sink()
    carry_out(failing(), whole)
    assert [visit.status for visit in whole.visits].count("failed") == 2
    for most in range(len(whole.events)):
        sink, _ = interrupted(most, failing)
        tried = len([visit for visit in sink.visits if visit.position >= 0])
        rest, team = go_on(sink, tried, failing)
        assert [what(visit) for visit in rest.visits] == [what(visit) for visit in whole.visits], most
        if any(visit.point == 1 for visit in sink.visits):
            assert "c1" not in team.log


def test_an_interrupt_while_calibrating_calibrates_again(whole: Sink) -> None:
    for calls in range(4):
        team, sink = workers(), Sink()
        sound, left = team.calibrate, iter(range(calls))

        def calibrate(*given: object, sound: object = sound, left: object = left) -> float:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise KeyboardInterrupt
            return sound(*given)  # type: ignore[operator, no-any-return]

        team.calibrate = calibrate  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            carry_out(team, sink)
        assert sink.events == []
        rest, _ = go_on(sink, 0)
        assert [what(visit) for visit in rest.visits] == [what(visit) for visit in whole.visits]


def test_a_precise_run_that_was_not_finished_stops_at_once() -> None:
    quiet = Sink()
    carry_out(workers(noise=0.0), quiet)
    assert {visit.block for visit in quiet.visits} == set(range(5))
    rest, team = go_on(quiet, len(quiet.visits), lambda: workers(noise=0.0))
    assert rest.visits == quiet.visits and team.log == []


def test_a_disturbed_visit_is_made_again_after_a_resumption_as_often_as_it_would_have_been() -> None:
    def disturbed() -> FakeWorkers:
        return workers(flags=lambda point, number: "off the CPU" if number in (0, 1, 2, 7, 9, 10) else "")

    whole = Sink()
    carry_out(disturbed(), whole)
    tries = [visit.position for visit in whole.visits[:12]]
    assert tries == [0, 0, 0, 1, 2, 3, 4, 5, 5, 6, 6, 6]
    for most in range(len(whole.events)):
        sink, _ = interrupted(most, disturbed)
        rest, _ = go_on(sink, len(sink.visits), disturbed)
        assert [what(visit) for visit in rest.visits] == [what(visit) for visit in whole.visits], most


def test_a_slow_point_that_has_failed_adds_no_blocks_after_a_resumption() -> None:
    def slow() -> FakeWorkers:
        return workers(run_seconds={0: 1e-3, 1: 1e-4, 2: 0.6, 3: 1e-3}, fails_at_visit={11: died()})

    whole = Sink()
    carry_out(slow(), whole)
    assert [visit.point for visit in whole.visits if visit.status == "failed"] == [2]
    assert len(whole.draws) == 3, "as many as its 1.8 s leave room for"
    for most in range(len(whole.events) + 1):
        sink, _ = interrupted(most, slow) if most < len(whole.events) else (whole, None)
        rest, _ = go_on(sink, len(sink.visits), slow)
        assert [what(visit) for visit in rest.visits] == [what(visit) for visit in whole.visits], most


def test_it_goes_on_the_same_way_whatever_the_workers_were_asked_for(whole: Sink) -> None:
    """Stopped in every one of their calls: to calibrate, check, sample or restart."""
    calls = ("calibrate", "check", "sample", "restart")

    def stopping(most: int, made: list[str]) -> FakeWorkers:
        team = workers()
        for name in calls:
            sound: Callable[..., object] = getattr(team, name)

            def call(*given: object, name: str = name, sound: Callable[..., object] = sound) -> object:
                made.append(name)
                if len(made) > most:
                    raise KeyboardInterrupt
                return sound(*given)

            setattr(team, name, call)
        return team

    every: list[str] = []
    carry_out(stopping(10**6, every), Sink())
    assert set(every) == set(calls)
    for most in range(len(every)):
        sink, made = Sink(), []  # type: ignore[var-annotated]
        with pytest.raises(KeyboardInterrupt):
            carry_out(stopping(most, made), sink)
        assert made == every[: most + 1]
        rest, _ = go_on(sink, len(sink.visits))
        assert [what(visit) for visit in rest.visits] == [what(visit) for visit in whole.visits], (most, every[most])


OCTAVES = made.points(widths=[2**power for power in range(8)])
#: A knee at width 2, in a sweep that ends by itself at 8.
ENDING = replace(made.plan(OCTAVES, budget=6.0, blocks=2, blocks_per_process=1), precision=0.01, open_ended=("toy",))
GROWING = {point.id: 1e-3 * max(1.0, point.setting.width / 2) for point in OCTAVES}


def short_of_memory() -> FakeWorkers:
    return FakeWorkers(GROWING, noise=0.3, fails_to_build={3: exhausted()})


def growing() -> FakeWorkers:
    return FakeWorkers(GROWING, noise=0.3)


@pytest.mark.parametrize(("make", "last"), [(growing, 3), (short_of_memory, 2)])
def test_where_a_sweep_ended_is_remembered(make: Callable[[], FakeWorkers], last: int) -> None:
    """After any event, so also between the first and the last point that is stored as ended."""
    whole = Sink()
    carry_out(make(), whole, plan=ENDING)
    for most in range(len(whole.events)):
        sink, team = Sink(most), make()
        with pytest.raises(FullError):
            carry_out(team, sink, plan=ENDING)
        again = growing()  # with memory enough this time
        again.now, again.visits = 1e5, len([visit for visit in sink.visits if visit.status == "ok"])
        rest = Sink(visits=list(sink.visits), calibrations=list(sink.calibrations), draws=dict(sink.draws))
        carry_out(again, rest, sink.stored(ENDING), plan=ENDING)
        gone = [visit.point for visit in rest.visits if visit.status == "ended"]
        assert len(gone) == len(set(gone))
        if most:
            assert sorted(gone) == list(range(last + 1, 8)), most
            calibrated = {int(entry[1:]) for entry in again.log if entry.startswith("c")}
            assert calibrated <= set(range(last + 1)), most
