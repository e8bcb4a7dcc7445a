# SPDX-License-Identifier: Apache-2.0
"""The engine with a fake clock and fake workers: nothing here sleeps or measures."""

import itertools
import random
from collections import Counter
from dataclasses import replace

import pytest

from serialprof.errors import UsageError
from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure.branches import PAST_KNEE
from serialprof.measure.budget import OVERRUN, least_seconds
from serialprof.measure.engine import TRIES, Engine
from serialprof.measure.roles import Progress
from serialprof.measure.roster import BUILD_LIMIT, COMPILE_LIMIT, QUICK_BUILD_LIMIT, SUSPECT_LIMIT
from serialprof.measure.schedule import calibration_order
from serialprof.planning import Plan, Point
from serialprof.records import Readings
from tests import made
from tests.measure.fake import FakeWorkers, Sink, died, exhausted, hung, ticking

CELLS = made.points(widths=(1, 4), threads=(1, 2))


def plan(cells: tuple[Point, ...] = CELLS, **changes: object) -> Plan:
    """Six blocks with processes of their own in ten seconds, too noisy for the precision unless a test says so."""
    return replace(made.plan(cells, blocks=6, blocks_per_process=1), **changes)  # type: ignore[arg-type]


def carry_out(workers: FakeWorkers, asked: Plan | None = None) -> tuple[Sink, list[Progress]]:
    sink, told = Sink(), []
    Engine(asked or plan(), workers, sink, now=lambda: workers.now, report=told.append).run()
    return sink, told


def test_what_a_run_takes_is_told_as_it_was_sampled() -> None:
    cells = made.points(widths=(1, 4))
    workers = FakeWorkers(run_seconds={0: 0.01, 1: 0.02})
    engine = Engine(made.plan(cells), workers, Sink(), lambda: workers.now)
    engine._calibrate()
    assert engine.run_seconds == {0: 0.01, 1: 0.02}
    workers.run_seconds = {0: 0.005, 1: 0.02}
    engine.run()
    assert engine.run_seconds == {0: pytest.approx(0.005), 1: pytest.approx(0.02)}


def test_every_point_is_calibrated_once_then_visited_in_the_drawn_order() -> None:
    workers = FakeWorkers(noise=0.5)
    sink, _ = carry_out(workers)
    calibrated = [f"c{point.id}" for point in calibration_order(plan())]
    blocks = [[f"v{stop.point}" for stop in sink.draws[block]] for block in range(6)]
    first, *rest = blocks
    assert workers.log == [*calibrated, *first, *(entry for block in rest for entry in ("restart", *block))]
    for block in range(6):
        visits = [visit for visit in sink.visits if visit.block == block]
        assert [(visit.point, visit.turn) for visit in visits] == [
            (stop.point, stop.turn) for stop in sink.draws[block]
        ]
        assert [visit.position for visit in visits] == list(range(len(visits)))


def test_every_block_has_processes_of_its_own() -> None:
    sink, _ = carry_out(FakeWorkers(noise=0.5))
    assert {(visit.block, visit.process) for visit in sink.visits} == {(block, block) for block in range(6)}


def test_the_quick_form_keeps_its_processes() -> None:
    workers = FakeWorkers(noise=0.5)
    sink, _ = carry_out(workers, plan(blocks_per_process=6))
    assert "restart" not in workers.log
    assert {visit.process for visit in sink.visits} == {0}
    assert {visit.block for visit in sink.visits} == set(range(6))


def test_k_and_the_drawn_order_are_stored_before_the_first_visit_that_needs_them() -> None:
    sink, _ = carry_out(FakeWorkers(run_seconds=1e-4, noise=0.5))
    first_visit = next(number for number, event in enumerate(sink.events) if event.startswith("visit"))
    assert sorted(sink.events[: first_visit - 1]) == [f"calibration {number}" for number in range(4)]
    assert sink.events[first_visit - 1] == "draw 0"
    drawn = [event for event in sink.events if event.startswith("draw")]
    assert drawn == [f"draw {block}" for block in range(6)]
    per_block = Counter(visit.block for visit in sink.visits)
    positions = [number for number, event in enumerate(sink.events) if event.startswith("draw")]
    assert [after - before - 1 for before, after in itertools.pairwise(positions)] == [per_block[b] for b in range(5)]


def test_k_is_fixed_by_calibration() -> None:
    sink, _ = carry_out(FakeWorkers(run_seconds={0: 1e-4, 1: 1e-2, 2: 1e-5, 3: 1e-3}, noise=0.5))
    fixed = {calibration.point: calibration.runs for calibration in sink.calibrations}
    assert {visit.point: visit.runs for visit in sink.visits} == fixed
    assert {(visit.point, visit.runs) for visit in sink.visits} == set(fixed.items())
    assert fixed[1] == 1 < fixed[0] < fixed[2]
    assert [calibration.run_seconds for calibration in sink.calibrations if calibration.point == 2] == [1e-5]


def test_the_budget_binds() -> None:
    workers = FakeWorkers(noise=0.5)
    sink, told = carry_out(workers)
    assert workers.now == pytest.approx(10.0 + 4 * 3 * 0.01), "sampling, after the warm-up of four points"
    remaining = [progress.remaining for progress in told if progress.remaining is not None]
    assert remaining == sorted(remaining, reverse=True)
    assert {visit.block for visit in sink.visits} == set(range(6))


@pytest.mark.parametrize("budget", [4.0, 10.0, 100.0])
@pytest.mark.parametrize("starting", [0.0, 0.02, 0.06])
@pytest.mark.parametrize("longer", [0.0, 0.002])
def test_the_remaining_time_is_told_within_a_fifth(budget: float, starting: float, longer: float) -> None:
    draw = random.Random(1)
    workers = FakeWorkers(
        run_seconds={0: 1e-3, 1: 1e-5, 2: 0.02, 3: 1e-4},
        noise=0.5,
        starting=lambda: starting * draw.uniform(0.7, 1.3),
        longer=lambda: longer * draw.random(),
    )
    told: list[tuple[float, float]] = []

    def report(progress: Progress) -> None:
        if progress.remaining is not None:
            told.append((workers.now, progress.remaining))

    asked = plan(budget=budget, blocks=10)
    Engine(asked, workers, Sink(), now=lambda: workers.now, report=report).run()
    began, end = told[0][0], workers.now
    assert end - began <= budget * (1 + OVERRUN)
    last_visits = 0.01 * budget  # what is left of the last visits is told as little
    wrong = [
        (now - began, end - now, remaining)
        for now, remaining in told
        if abs(remaining - (end - now)) > 0.2 * (end - now) + last_visits
    ]
    assert not wrong


def test_without_sampling_nothing_remains_to_be_told() -> None:
    _, told = carry_out(FakeWorkers(noise=0.5))
    stages = [progress.stage for progress in told]
    assert stages[:4] == ["calibrating"] * 4 and set(stages[4:]) == {"sampling"}
    assert [(progress.done, progress.total, progress.remaining) for progress in told[:4]] == [
        (number, 4, None) for number in range(4)
    ]


def test_sampling_stops_when_precise() -> None:
    sink, _ = carry_out(FakeWorkers(), plan(blocks=9))
    assert {visit.block for visit in sink.visits} == set(range(MINIMUM_UNITS))


def test_sampling_goes_on_while_one_point_is_not_precise() -> None:
    sink, _ = carry_out(FakeWorkers(noise={3: 0.5}), plan(blocks=9))
    assert {visit.block for visit in sink.visits} == set(range(9))


def test_time_goes_to_the_points_whose_interval_is_wide() -> None:
    sink, _ = carry_out(FakeWorkers(noise={3: 0.5}), plan(made.points(widths=(1, 4, 16, 64)), blocks=9))
    early, late = (share(sink, block, point=3) for block in (4, 5))
    assert early == pytest.approx(0.25)
    assert late == pytest.approx(4 / (4 + 3 * 0.25)), "four times its share, the others a quarter of theirs"


def test_time_goes_to_the_comparison_that_is_not_decided() -> None:
    cells = made.points(widths=(1, 4, 16), threads=(1, 2))
    equal, halved, unsettled = (cells[start : start + 2] for start in (0, 2, 4))
    times = {cell.id: 0.01 / (cell.setting.threads if cell in halved else 1) for cell in cells}
    noise = {cell.id: 0.5 if cell in unsettled else 0.02 for cell in cells}
    sink, _ = carry_out(FakeWorkers(run_seconds=times, noise=noise), plan(cells, blocks=9, budget=50.0))
    early, late = ([sum(share(sink, block, cell.id) for cell in pair) for pair in (equal, halved)] for block in (4, 5))
    assert early[0] == pytest.approx(early[1])
    assert late[0] == pytest.approx(2 * late[1]), "more threads neither win nor lose, or are twice as fast"


def share(sink: Sink, block: int, point: int) -> float:
    """A point's share of the planned seconds of a block."""
    stops = sink.draws[block]
    return sum(stop.seconds for stop in stops if stop.point == point) / sum(stop.seconds for stop in stops)


def test_starting_workers_comes_out_of_the_block_that_it_delays() -> None:
    starting = FakeWorkers(noise=0.5, starting=lambda: 0.05)
    sink, _ = carry_out(starting)
    planned = [sum(stop.seconds for stop in sink.draws[block]) for block in range(6)]
    assert planned[0] == pytest.approx(10.0 / 6), "its workers live since calibration"
    assert planned[1:] == [pytest.approx(10.0 / 6 - 6 * 0.05)] * 5, "two workers and four points"
    assert [calibration.took for calibration in sink.calibrations].count(pytest.approx(0.1)) == 2


def test_what_is_never_started_again_is_not_foreseen() -> None:
    sink, _ = carry_out(FakeWorkers(noise=0.5, starting=lambda: 2.0), plan(blocks_per_process=6))
    assert len(sink.draws) == 6, "the quick form keeps its processes"
    planned = [sum(stop.seconds for stop in stops) for stops in sink.draws.values()]
    assert planned == pytest.approx([10.0 / 6] * 6)


def test_workers_that_start_too_slowly_for_five_blocks_are_kept() -> None:
    slow = FakeWorkers(noise=0.5, starting=lambda: 0.4)
    sink, _ = carry_out(slow)
    assert "restart" not in slow.log and {visit.process for visit in sink.visits} == {0}
    assert len(sink.draws) == 6, "six starts of 0.4 s would leave time for three blocks"
    assert [sum(stop.seconds for stop in stops) for stops in sink.draws.values()] == pytest.approx([10.0 / 6] * 6)


def test_workers_are_not_kept_where_that_gives_no_interval_either() -> None:
    slow = FakeWorkers(run_seconds=0.7, noise=0.5, starting=lambda: 0.3)
    carry_out(slow, plan(budget=40.0))
    assert "restart" in slow.log


def test_the_start_of_programs_is_part_of_their_runs() -> None:
    cells = tuple(replace(point, setting=replace(point.setting, mode="process")) for point in CELLS)
    sink, _ = carry_out(FakeWorkers(noise=0.5, starting=lambda: 0.2), plan(cells))
    began = next(visit.spent for visit in reversed(sink.visits) if visit.block == 0)
    assert sum(stop.seconds for stop in sink.draws[1]) == pytest.approx((10.0 - began) / 5)


def test_a_budget_that_holds_no_block_is_refused_with_one_that_would() -> None:
    refusal = pytest.raises(UsageError, match=r"leaves 1.00 s for sampling.*4 points takes 12.0 s.*--budget 86s")
    with refusal:
        carry_out(FakeWorkers(run_seconds=1.0), plan(budget=1.0))


def test_blocks_shrink_to_what_the_budget_holds() -> None:
    sink, _ = carry_out(FakeWorkers(run_seconds=1.0, noise=0.5), plan(budget=30.0))
    assert len(sink.visits) == 8, "four points of at least 3 s: two blocks"


def test_a_visit_is_never_shorter_than_its_shortest() -> None:
    workers = FakeWorkers(run_seconds={0: 0.5, 1: 1e-5, 2: 1e-5, 3: 1e-5}, noise=0.5)
    carry_out(workers, plan(budget=12.0))
    for point, _, seconds in workers.asked:
        assert seconds >= least_seconds(0.5 if point == 0 else 1e-5) * (1 - 1e-9)


def test_a_point_that_fails_to_build_is_left_alone() -> None:
    sink, _ = carry_out(FakeWorkers(fails_to_build={1: died("boom")}, noise=0.5))
    assert [(visit.status, visit.reason, visit.position) for visit in sink.visits if visit.point == 1] == [
        ("failed", "boom", -1)
    ]
    assert {visit.block for visit in sink.visits if visit.point == 0} == set(range(6))


def test_a_point_whose_answer_is_wrong_is_never_timed() -> None:
    workers = FakeWorkers(fails_its_check={2: died("the answer is 41")}, noise=0.5)
    sink, _ = carry_out(workers)
    assert [visit.reason for visit in sink.visits if visit.point == 2] == ["the answer is 41"]
    assert "v2" not in workers.log


def test_a_point_that_dies_later_keeps_its_earlier_visits() -> None:
    clean, _ = carry_out(FakeWorkers(noise=0.5))
    victim = clean.visits[30].point
    workers = FakeWorkers(fails_at_visit={30: died()}, noise=0.5)
    sink, _ = carry_out(workers)
    failed = [visit for visit in sink.visits if visit.status == "failed"]
    assert [(visit.point, visit.reason) for visit in failed] == [(victim, "worker died by SIGSEGV")]
    assert (failed[0].block, failed[0].position, failed[0].turn) == (
        clean.visits[30].block, clean.visits[30].position, clean.visits[30].turn,
    )  # fmt: skip
    where = sink.visits.index(failed[0])
    assert victim in {visit.point for visit in sink.visits[:where]}
    assert victim not in {visit.point for visit in sink.visits[where + 1 :]}
    assert {visit.point for visit in sink.visits[where + 1 :]} == {0, 1, 2, 3} - {victim}


def test_after_one_hang_the_others_of_the_workload_get_little_time() -> None:
    first = calibration_order(plan())[0].id
    workers = FakeWorkers(fails_to_build={first: hung()}, noise=0.5)
    carry_out(workers)
    assert workers.limits[:4] == [BUILD_LIMIT, *[SUSPECT_LIMIT] * 3]
    assert max(workers.limits[4:]) < BUILD_LIMIT
    quick = FakeWorkers(noise=0.5)
    carry_out(quick, plan(quick=True))
    assert quick.limits[:4] == [QUICK_BUILD_LIMIT] * 4


def test_a_point_that_hangs_while_sampled_makes_the_others_suspects() -> None:
    workers = FakeWorkers(fails_at_visit={0: hung()}, noise=0.5)
    sink, _ = carry_out(workers)
    assert "hung" in sink.visits[0].reason
    before, *after = workers.limits[4:]
    assert before > BUILD_LIMIT > max(after)


def test_the_budget_binds_within_a_block_and_between_retries() -> None:
    workers = FakeWorkers(noise=0.5, longer=lambda: 4.0, flags=lambda point, number: "kept off the CPU")
    sink, _ = carry_out(workers)
    assert len(sink.visits) == 3


def test_nothing_left_to_visit_ends_the_run() -> None:
    sink, _ = carry_out(FakeWorkers(fails_to_build={number: died() for number in range(4)}))
    assert [visit.status for visit in sink.visits] == ["failed"] * 4
    assert not sink.draws


def test_a_visit_in_which_everything_was_disturbed_is_made_again_at_once() -> None:
    clean, _ = carry_out(FakeWorkers(noise=0.5))
    first, second = clean.draws[0][:2]
    workers = FakeWorkers(noise=0.5, flags=lambda point, number: "off the CPU" if number < 4 else "")
    sink, _ = carry_out(workers)
    assert [visit.position for visit in sink.visits[:6]] == [0] * TRIES + [1, 1, 2], "given up after three; then two"
    assert [visit.point for visit in sink.visits[:5]] == [first.point] * TRIES + [second.point] * 2


def test_disturbed_samples_do_not_make_a_run_precise() -> None:
    workers = FakeWorkers(flags=lambda point, number: "off the CPU" if point == 0 else "")
    sink, _ = carry_out(workers, plan(blocks=7))
    assert {visit.block for visit in sink.visits} == set(range(7))


def test_an_interrupt_passes_through() -> None:
    workers = FakeWorkers()

    def interrupt(*_: object) -> Readings:
        raise KeyboardInterrupt

    workers.sample = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        carry_out(workers)


@pytest.mark.parametrize("when", [0.0, 1.0, 5.0, 9.9])
@pytest.mark.parametrize("jump", [-1e6, -20.0, -3.0, 3.0, 1e6])
def test_a_clock_that_jumps_neither_breaks_a_run_nor_lengthens_it(when: float, jump: float) -> None:
    workers = FakeWorkers(noise=0.5)
    sink = Sink()
    Engine(plan(), workers, sink, now=lambda: workers.now + jump * (workers.now > when)).run()
    longest = max(stop.seconds for stops in sink.draws.values() for stop in stops)
    assert workers.now <= 10.0 * (1 + OVERRUN) + 2 * longest, "what passed while it jumped is lost"
    spent = [visit.spent for visit in sink.visits]
    assert spent == sorted(spent)


def test_a_clock_that_jumps_again_and_again_does_no_harm() -> None:
    workers = FakeWorkers(noise=0.5)
    jumps = ticking(0.0, 5.0, -3.0, 0.0, 1e-9)
    sink, _ = Sink(), None
    Engine(plan(), workers, sink, now=lambda: workers.now + jumps()).run()
    assert workers.now <= 10.0 * (1 + OVERRUN) + 1.0
    assert all(visit.spent >= 0 for visit in sink.visits)


class Stalled(FakeWorkers):
    """A point that fails takes a second until it does."""

    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Readings:
        if self.visits in self.fails_at_visit:
            self.now += 1.0
        return super().sample(point, runs, seconds, limit)


def test_the_time_in_which_a_point_hung_is_not_foreseen_again() -> None:
    clean, _ = carry_out(FakeWorkers(noise=0.5))
    number = next(number for number, visit in enumerate(clean.visits) if (visit.block, visit.position) == (1, 3))
    sink, _ = carry_out(Stalled(noise=0.5, fails_at_visit={number: hung()}))
    began = next(visit.spent for visit in reversed(sink.visits) if visit.block == 1)
    assert sum(stop.seconds for stop in sink.draws[2]) == pytest.approx((10.0 - began) / 4)


def test_the_start_of_a_point_that_is_never_timed_is_not_foreseen() -> None:
    workers = FakeWorkers(noise=0.5, starting=lambda: 0.05, fails_its_check={calibration_order(plan())[3].id: died()})
    sink, _ = carry_out(workers)
    assert len(sink.calibrations) == 3
    took = sum(calibration.took for calibration in sink.calibrations)
    assert took == pytest.approx(5 * 0.05), "two workers and three points"
    began = next(visit.spent for visit in reversed(sink.visits) if visit.block == 0)
    assert sum(stop.seconds for stop in sink.draws[1]) == pytest.approx((10.0 - began) / 5 - took)


class Lingering(FakeWorkers):
    """Workers that take a tenth of a second to end."""

    def restart(self) -> None:
        self.now += 0.1
        super().restart()


def test_what_ending_workers_took_is_foreseen_for_the_next_block() -> None:
    sink, _ = carry_out(Lingering(noise=0.5))
    began = next(visit.spent for visit in reversed(sink.visits) if visit.block == 1)
    assert sum(stop.seconds for stop in sink.draws[2]) == pytest.approx((10.0 - began) / 4 - 0.1)


OCTAVES = made.points(widths=[2**power for power in range(8)])
#: A knee at width 4.
KNEE = {point.id: 1e-3 * max(1.0, point.setting.width / 4) for point in OCTAVES}


def ended(sink: Sink) -> dict[int, str]:
    return {visit.point: visit.reason for visit in sink.visits if visit.status == "ended"}


def test_widths_are_calibrated_in_ascending_order_within_every_clock_of_a_family() -> None:
    order = [point.setting.width for point in calibration_order(plan(OCTAVES))]
    assert order == [2**power for power in range(8)]


def test_an_open_ended_sweep_ends_one_octave_past_the_knee() -> None:
    sink, _ = carry_out(FakeWorkers(KNEE, noise=0.5), plan(OCTAVES, open_ended=("toy",), budget=50.0))
    assert ended(sink) == dict.fromkeys((5, 6, 7), PAST_KNEE), "the knee is at 4, 8 and 16 are linear"
    assert {visit.point for visit in sink.visits if visit.status == "ok"} == {0, 1, 2, 3, 4}
    closed, _ = carry_out(FakeWorkers(KNEE, noise=0.5), plan(OCTAVES, budget=50.0))
    assert not ended(closed) and {visit.point for visit in closed.visits} == set(range(8))


def test_an_open_ended_sweep_ends_where_a_run_takes_more_than_its_share() -> None:
    times = {point.id: 0.01 * (1 + point.setting.width / 4) for point in OCTAVES}
    sink, _ = carry_out(FakeWorkers(times, noise=0.5), plan(OCTAVES, open_ended=("toy",), budget=3.0))
    reason = "with runs of 50.0 ms the sweep would take more than its fair share of the budget"
    assert ended(sink) == dict.fromkeys((4, 5, 6, 7), reason), "0.0125 + 0.015 + 0.02 + 0.03 + 0.05 > 3 / 30 seconds"
    assert {visit.point for visit in sink.visits if visit.status == "ok"} == {0, 1, 2, 3}


def test_where_memory_ends_a_sweep_nothing_has_failed() -> None:
    workers = FakeWorkers(noise=0.5, fails_to_build={3: exhausted("out of memory on the CUDA device")})
    sink, _ = carry_out(workers, plan(OCTAVES))
    assert ended(sink) == dict.fromkeys((3, 4, 5, 6, 7), "out of memory on the CUDA device")
    assert {(visit.block, visit.position) for visit in sink.visits if visit.status == "ended"} == {(0, -1)}
    assert not [entry for entry in workers.log if entry in ("c4", "v3", "c7")], "wider ones are never built"
    assert {visit.status for visit in sink.visits} == {"ok", "ended"}


def test_memory_that_does_not_hold_the_narrowest_is_a_failure() -> None:
    sink, _ = carry_out(FakeWorkers(noise=0.5, fails_to_build={0: exhausted()}), plan(OCTAVES))
    assert [(visit.point, visit.status) for visit in sink.visits if visit.status != "ok"] == [(0, "failed")]


def test_memory_that_ends_one_branch_leaves_the_others() -> None:
    cells = made.points(widths=(1, 4, 16), threads=(1, 2))
    sink, _ = carry_out(FakeWorkers(noise=0.5, fails_to_build={3: exhausted()}), plan(cells))
    assert set(ended(sink)) == {3, 5}, "widths 4 and 16 on two threads"
    assert {visit.point for visit in sink.visits if visit.status == "ok"} == {0, 1, 2, 4}


def test_memory_that_runs_out_in_a_visit_ends_the_branch_from_there_on() -> None:
    clean, _ = carry_out(FakeWorkers(noise=0.5), plan(OCTAVES))
    number = next(number for number, visit in enumerate(clean.visits) if visit.block == 2 and visit.point == 5)
    sink, _ = carry_out(FakeWorkers(noise=0.5, fails_at_visit={number: exhausted()}), plan(OCTAVES))
    assert set(ended(sink)) == {5, 6, 7}
    where = next(number for number, visit in enumerate(sink.visits) if visit.status == "ended")
    assert {visit.point for visit in sink.visits[where + 3 :]} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("mode", "device", "quick", "limit"),
    [
        ("eager", "cpu", True, QUICK_BUILD_LIMIT),
        ("graph", "cuda:0", True, BUILD_LIMIT),
        ("compile", "cpu", True, COMPILE_LIMIT),
        ("fused", "cuda:0", False, COMPILE_LIMIT),
        ("eager", "cpu", False, BUILD_LIMIT),
    ],
)
def test_what_compiles_or_wakes_a_device_gets_the_time_for_it(
    mode: str, device: str, quick: bool, limit: float
) -> None:
    cells = tuple(replace(point, setting=replace(point.setting, mode=mode, device=device)) for point in CELLS[:1])
    workers = FakeWorkers(noise=0.5)
    carry_out(workers, plan(cells, quick=quick))
    assert workers.limits[0] == limit
