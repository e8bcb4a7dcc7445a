# SPDX-License-Identifier: Apache-2.0
"""Truth against estimate: the comparison on hand-made numbers, the planted programs on made step times."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from serialprof.errors import ExitCode, InterruptedRunError, UsageError
from serialprof.estimate import Estimate
from serialprof.limits import ChaseRung, Limits
from serialprof.machine import Cache, Machine
from serialprof.model import analyse
from serialprof.planning import Plan, Point, Request
from serialprof.preparation import Prepared, prepare
from serialprof.records import Readings, StoredRun, Visit
from serialprof.samples import Sample, Samples
from serialprof.setting import Setting
from serialprof.validation import running
from serialprof.validation.comparing import Check, Claim, Conditions, Verdict, judge, noise, outcome, widened
from serialprof.validation.programs import Program, claims, plantings
from serialprof.validation.running import LEAST_BUDGET, merged, validate
from serialprof_workloads.planted import planted
from tests import made

QUIET = Conditions(disturbed=0.01, foreign=0.02, units=10)
HALF = Estimate(0.5, 0.5, 0.5)


def claim(truth: Estimate = HALF, estimate: Estimate = HALF, units: int = 10, refusal: bool = False) -> Claim:
    return Claim("share", truth, estimate, units, widest=0.1, refusal=refusal)


def check(verdict: Verdict, wide: bool = False) -> Check:
    return Check("share", HALF, HALF, verdict, wide=wide)


# --- intervals that hold together: quantiles of Student's t at 9 degrees of freedom from a printed table


@pytest.mark.parametrize(("level", "quantile"), [(0.95, 2.262), (0.99, 3.250), (0.995, 3.690), (0.998, 4.297)])
def test_an_interval_is_widened_by_the_ratio_of_quantiles(level: float, quantile: float) -> None:
    wide = widened(Estimate(0.5, 0.4, 0.7), units=10, level=level)
    assert wide.low == pytest.approx(0.5 - 0.1 * quantile / 2.262, abs=2e-4)
    assert wide.high == pytest.approx(0.5 + 0.2 * quantile / 2.262, abs=2e-4)
    assert (wide.value, wide.level) == (0.5, level)


def test_few_units_widen_by_more() -> None:
    assert widened(Estimate(0.5, 0.49, 0.51), 5, 0.99).half_width == pytest.approx(0.01 * 4.604 / 2.776, rel=1e-3)


def test_a_bracket_is_widened_about_its_middle() -> None:
    wide = widened(Estimate.bracket(0.4, 0.6, "collinear"), 10, 0.99)
    assert (wide.low, wide.high) == pytest.approx((0.5 - 0.14367, 0.5 + 0.14367), abs=1e-4)


def test_no_end_is_below_zero() -> None:
    assert widened(Estimate(0.01, 0.0, 0.02), 10, 0.99).low == 0.0


@pytest.mark.parametrize(
    ("estimate", "units"),
    [(Estimate(0.5, 0.4, 0.6), 4), (Estimate(None, low=16.0), 10), (Estimate(0.5), 10), (Estimate.unknown("no"), 0)],
)
def test_what_has_no_interval_stays_as_it_is(estimate: Estimate, units: int) -> None:
    assert widened(estimate, units, 0.99) == estimate


def test_the_level_is_shared_among_all_claims() -> None:
    estimate = Estimate(0.53, 0.51, 0.55)
    (alone,) = judge([claim(estimate=estimate)])
    one, _ = judge([claim(estimate=estimate), claim()])
    assert alone.estimate.half_width == pytest.approx(0.02 * 3.250 / 2.262, rel=1e-3)
    assert one.estimate.half_width == pytest.approx(0.02 * 3.690 / 2.262, rel=1e-3)
    assert (alone.verdict, one.verdict) == ("missed", "inside")


# --- verdicts


@pytest.mark.parametrize(
    ("estimate", "verdict"),
    [
        (Estimate(0.51, 0.50, 0.52), "inside"),
        (Estimate(0.49, 0.48, 0.50), "inside"),
        (Estimate(0.52, 0.51, 0.53), "missed"),  # a half-width of 0.0144 where 0.02 are needed
        (Estimate(0.48, 0.47, 0.49), "missed"),
        (Estimate.bracket(0.46, 0.52, "collinear"), "inside"),
        (Estimate.bracket(0.52, 0.54, "collinear"), "missed"),
        (Estimate(None, low=0.4, reason="open"), "no verdict"),
        (Estimate(None, low=0.6, reason="open"), "missed"),
        (Estimate(None, high=0.4, reason="open"), "missed"),
    ],
)
def test_an_exact_truth_against_an_estimate(estimate: Estimate, verdict: Verdict) -> None:
    (judged,) = judge([claim(estimate=estimate)])
    assert (judged.verdict, judged.wide) == (verdict, False)


def test_a_measured_truth_is_inside_where_the_intervals_meet() -> None:
    near, far = Estimate(0.52, 0.51, 0.53), Estimate(0.55, 0.54, 0.56)
    measured = Estimate(0.5, 0.49, 0.51)
    assert [item.verdict for item in judge([claim(measured, near), claim(measured, far)])] == ["inside", "missed"]


@pytest.mark.parametrize(
    ("truth", "estimate", "reason"),
    [
        (HALF, Estimate.unknown("no fit: it needs 4 distinct widths"), "no fit: it needs 4 distinct widths"),
        (HALF, Estimate(0.5, reason="an interval needs 5 units"), "an interval needs 5 units"),
        (HALF, Estimate.bracket(0.2, 0.8, "collinear"), "collinear"),
        (Estimate.unknown("no block has all the points"), HALF, "no block has all the points"),
        (Estimate(0.5, reason="only 3 blocks"), HALF, "only 3 blocks"),
    ],
)
def test_what_excludes_nothing_is_no_verdict_with_its_reason(truth: Estimate, estimate: Estimate, reason: str) -> None:
    (judged,) = judge([claim(truth, estimate)])
    assert (judged.verdict, judged.reason, judged.wide) == ("no verdict", reason, False)


def test_a_value_with_a_wide_interval_is_noise_and_no_verdict() -> None:
    (judged,) = judge([claim(estimate=Estimate(0.5, 0.4, 0.6))])
    assert (judged.verdict, judged.wide) == ("no verdict", True)


def test_a_wide_interval_that_excludes_the_truth_misses_all_the_same() -> None:
    (judged,) = judge([claim(estimate=Estimate(0.8, 0.7, 0.9))])
    assert (judged.verdict, judged.wide) == ("missed", True)


@pytest.mark.parametrize(
    ("estimate", "verdict"),
    [
        (Estimate(None, low=0.4, reason="beyond the sweep"), "inside"),
        (Estimate(None, low=0.6, reason="beyond the sweep"), "missed"),
        (Estimate(0.5, 0.4, 0.6), "missed"),
        (Estimate(0.5), "missed"),
        (Estimate.bracket(0.4, 0.6, "somewhere"), "missed"),
        (Estimate(None, high=0.9, reason="below the sweep"), "missed"),
        (Estimate.unknown("confused"), "no verdict"),
    ],
)
def test_where_nothing_was_measured_a_number_is_a_miss(estimate: Estimate, verdict: Verdict) -> None:
    (judged,) = judge([claim(estimate=estimate, refusal=True)])
    assert judged.verdict == verdict


@pytest.mark.parametrize(
    ("low", "verdict"), [(0.1, "no verdict"), (0.2, "no verdict"), (0.21, "inside"), (0.6, "missed")]
)
def test_a_bound_that_excludes_nothing_is_no_verdict(low: float, verdict: Verdict) -> None:
    refused = replace(claim(estimate=Estimate(None, low=low), refusal=True), least=0.2)
    (judged,) = judge([refused])
    assert judged.verdict == verdict
    assert bool(judged.reason) == (verdict == "no verdict")


def test_the_narrowest_width_bounds_a_refused_knee_from_below() -> None:
    found = {item.name: item for item in claims(measured(*planted_run()))}
    assert found["knee beyond the sweep"].least == 1


# --- noise and outcome


@pytest.mark.parametrize(
    ("conditions", "checks", "said"),
    [
        (QUIET, [check("inside")], []),
        (Conditions(0.2, 0.1, 5), [check("inside")], []),
        (Conditions(0.0, None, 10), [check("missed")], []),
        (replace(QUIET, foreign=0.25), [], ["other processes took 25 % of the CPUs' time (10 % at most)"]),
        (replace(QUIET, disturbed=0.5), [], ["50 % of the samples were disturbed (20 % at most)"]),
        (replace(QUIET, units=4), [], ["a program has 4 independent units (5 at least)"]),
        (QUIET, [check("no verdict", wide=True)], ["the interval is too wide to tell anything: share"]),
    ],
)
def test_noise_is_told_from_the_data(conditions: Conditions, checks: Sequence[Check], said: list[str]) -> None:
    assert list(noise(conditions, checks)) == said


@pytest.mark.parametrize(
    ("verdicts", "noisy", "wanted"),
    [
        ("ii", (), "inside"),
        ("in", (), "inside"),
        ("inn", (), "undecided"),
        ("", (), "undecided"),
        ("im", (), "missed"),
        ("mnn", (), "missed"),
        ("ii", ("busy",), "too noisy"),
        ("mm", ("busy",), "too noisy"),
    ],
)
def test_noise_outranks_a_miss_and_a_miss_refusals(verdicts: str, noisy: tuple[str, ...], wanted: str) -> None:
    names: dict[str, Verdict] = {"i": "inside", "m": "missed", "n": "no verdict"}
    assert outcome([check(names[letter]) for letter in verdicts], noisy) == wanted


# --- planted programs, on step times made of their own counts

MULTIPLY, NEAR, FAR, BARRIER = 1e-9, 5e-9, 100e-9, 200e-9
LIMITS = Limits(chains={"multiply": MULTIPLY}, chase=(ChaseRung(512 << 10, NEAR), ChaseRung(64 << 20, FAR)))


def machine(cpus: Sequence[int] = (0, 1), l2: int = 1 << 20) -> Machine:
    return replace(made.machine(cpus), caches=(Cache(2, "Unified", l2, 1),) if l2 else ())


def honest(point: Point) -> float:
    """Seconds of a step that does what it declares."""
    setting, work = point.setting, point.work
    assert work is not None
    lanes = math.ceil(setting.width / setting.threads)
    latency = NEAR if work.footprint.fixed <= 512 << 10 else FAR
    chain = work.serial_ops * MULTIPLY
    width = lanes * (work.flops.per_lane * MULTIPLY + work.loads.per_lane * latency)
    together = max(chain, width) if setting.parameters["overlap"] else chain + width
    return together + work.barriers * BARRIER


def planted_run(step: Callable[[Point], float] = honest) -> tuple[StoredRun, dict[str, list[Point]]]:
    """A run of all programs, with 0.1 % of noise from visit to visit and 2 % from block to block."""
    chosen, skipped = plantings(machine(), LIMITS)
    assert not skipped
    points: list[Point] = []
    programs: dict[str, list[Point]] = {}
    for name, planting in chosen.items():
        knobs = {**planted.parameters, **planting.parameters}
        for width in planting.widths:
            for threads in planting.threads:
                setting = Setting(width, 10, threads, tuple(range(threads)), parameters=knobs)
                points.append(Point(len(points), "planted", setting, planted.work(setting)))
                programs.setdefault(name, []).append(points[-1])
    draw = np.random.default_rng(1)
    visits = []
    for block in range(8):
        level = math.exp(0.02 * draw.standard_normal())
        for point in points:
            seconds = 10 * step(point) * level * math.exp(0.001 * draw.standard_normal())
            samples = Sample(seconds, 0.0, 0), Sample(9 * seconds, 0.0, 0, disturbed="kept off the CPU")
            visits.append(Visit(point.id, block, block, "ok", readings=Readings(Samples.of(samples))))
    plan = Plan((made.description("planted"),), tuple(points), 10.0, 0.02, 8, 1, 0)
    return replace(made.stored(tuple(points), tuple(visits)), plan=plan, machine=machine(), limits=LIMITS), programs


def measured(run: StoredRun, points: dict[str, list[Point]]) -> dict[str, Program]:
    families = {family.family: family for family in analyse(run).families}
    return {name: Program.of(run, families[items[0].family]) for name, items in points.items()}


def judged(step: Callable[[Point], float] = honest) -> dict[str, Check]:
    return {item.name: item for item in judge(claims(measured(*planted_run(step))))}


@pytest.fixture(scope="module")
def told() -> dict[str, Check]:
    return judged()


def test_truths_are_what_was_planted(told: dict[str, Check]) -> None:
    exact = {"serial share 0.1": 0.1, "serial share 0.5": 0.5, "serial share 0.9": 0.9}
    for name, truth in exact.items():
        assert told[name].truth.value == pytest.approx(truth, abs=0.001)
        assert told[name].truth.half_width == pytest.approx(0.0005 * 2.1, rel=0.1), "widened as every interval is"
    assert (told["serial share, hidden"].truth.low, told["serial share, hidden"].truth.high) == (0, 0)
    whole = told["loads are work, 512 KiB"].truth
    assert whole.value == 1 and 0.01 <= (whole.half_width or 0.0) < 0.03
    assert told["knee within the sweep"].truth.value == pytest.approx(64 * 0.24 / 0.76, rel=0.01)
    assert told["knee beyond the sweep"].truth.value == pytest.approx(64 * 19, rel=0.02)


def test_truths_that_are_measured_come_from_counts(told: dict[str, Check]) -> None:
    _, programs = planted_run()
    steps = {(point.setting.width, point.setting.threads): honest(point) for point in programs["two"]}
    work = programs["two"][0].work
    assert work is not None
    known = {
        "serial share, 2 threads": work.serial_ops * MULTIPLY / steps[64, 2],
        "barriers, 2 threads": 2 * BARRIER,
        "memory share, 64 MiB": _memory_share(next(item for item in programs["far loads"] if item.setting.width == 64)),
    }
    for name, truth in known.items():
        low, high = told[name].truth.low, told[name].truth.high
        assert low is not None and high is not None
        assert low <= truth <= high
        assert high - low < 0.3 * truth


def test_a_measured_truth_takes_the_blocks_that_have_all_it_needs() -> None:
    run, points = planted_run()
    lost = {point.id for point in points["two"] if point.setting.threads == 2}
    visits = tuple(visit for visit in run.visits if not (visit.block == 2 and visit.point in lost))
    programs = measured(replace(run, visits=visits), points)
    assert sorted(programs["two"].step(1)) == list(range(8))
    assert sorted(programs["two"].step(2)) == [0, 1, 3, 4, 5, 6, 7]
    (share,) = (item for item in judge(claims(programs)) if item.name == "serial share, 2 threads")
    assert share.verdict == "inside"
    assert share.truth.bounded


def _memory_share(point: Point) -> float:
    assert point.work is not None
    return point.work.loads.at(64) * (FAR - NEAR) / honest(point)


def test_programs_that_do_what_they_declare_are_told_right(told: dict[str, Check]) -> None:
    assert {item.verdict for item in told.values()} == {"inside"}, told
    assert not noise(QUIET, list(told.values()))


def test_a_chain_that_is_longer_than_declared_is_a_miss() -> None:
    def longer(point: Point) -> float:
        assert point.work is not None
        return honest(point) + 0.1 * point.work.serial_ops * MULTIPLY

    checks = judged(longer)
    for name in ("serial share 0.1", "serial share 0.5", "serial share 0.9"):
        assert checks[name].verdict == "missed"


@pytest.mark.parametrize(("slower", "verdict"), [(1.005, "inside"), (1.4, "missed")])
def test_loads_within_l2_that_are_neither_width_work_nor_serial_are_a_miss(slower: float, verdict: Verdict) -> None:
    def stumbling(point: Point) -> float:
        assert point.work is not None
        near = 0 < point.work.footprint.fixed <= 512 << 10
        return honest(point) * (slower if near and point.setting.width == 64 else 1.0)

    assert judged(stumbling)["loads are work, 512 KiB"].verdict == verdict


def test_chains_that_do_not_overlap_hide_nothing() -> None:
    def added(point: Point) -> float:
        assert point.work is not None
        return (point.work.serial_ops + point.setting.width * point.work.flops.per_lane) * MULTIPLY

    checks = judged(added)
    assert checks["serial share, hidden"].verdict == "missed"
    assert checks["knee within the sweep"].verdict == "inside"


def test_a_knee_that_shows_before_its_truth_is_a_miss() -> None:
    def early(point: Point) -> float:
        assert point.work is not None
        chain, width = point.work.serial_ops, 20 * point.setting.width * point.work.flops.per_lane
        return max(chain, width) * MULTIPLY

    assert judged(early)["knee beyond the sweep"].verdict == "missed"


# --- which programs


def test_one_core_plants_nothing_for_two_threads() -> None:
    chosen, skipped = plantings(machine(cpus=(0,)), LIMITS)
    assert all(planting.threads == (1,) for planting in chosen.values())
    assert skipped == {"2 threads": "this process may use one core"}


@pytest.mark.parametrize(
    ("computer", "limits", "reason"),
    [
        (machine(l2=0), LIMITS, "the size of the L2 cache is unknown"),
        (machine(l2=16 << 20), LIMITS, "64 MiB are not far beyond an L2 cache of 16 MiB"),
        (replace(machine(), memory=1 << 29), LIMITS, "512 MiB of memory are too little for programs of 64 MiB"),
        (machine(), Limits(chains={"multiply": MULTIPLY}), "no latency of loads was measured"),
        (machine(), replace(LIMITS, chains={}), "no latency of loads was measured"),
    ],
)
def test_no_loads_are_planted_where_their_truth_is_unknown(computer: Machine, limits: Limits, reason: str) -> None:
    chosen, skipped = plantings(computer, limits)
    assert skipped == {"memory share": reason}
    assert not any("memory" in planting.parameters for planting in chosen.values())


@pytest.mark.parametrize("latency", [1e-9, 100e-9, 10e-6])
def test_every_lane_makes_loads_however_slow_they_are(latency: float) -> None:
    limits = replace(LIMITS, chase=(ChaseRung(512 << 10, NEAR), ChaseRung(64 << 20, latency)))
    chosen, _ = plantings(machine(), limits)
    knobs = {**planted.parameters, **chosen["far loads"].parameters}
    work = planted.work(Setting(width=64, parameters=knobs))
    assert work.loads.per_lane >= 4
    loads, ops = work.loads.per_lane * latency, work.flops.per_lane * MULTIPLY
    assert loads / (loads + ops) == pytest.approx(0.5, abs=0.05)


def test_requests_become_one_run_of_their_serial_forms() -> None:
    requests = {
        "a": Request(("planted",), widths=(1, 2), threads=(1,), parameters={"share": 0.1}),
        "b": Request(("planted",), widths=(4,), threads=(1,), parameters={"share": 0.2}),
    }
    here = machine(cpus=(0,))
    prepared, families = merged({name: prepare(request, here) for name, request in requests.items()}, 12.0)
    points = prepared.plan.points
    assert [(point.id, point.setting.width, point.setting.form) for point in points] == [
        (0, 1, "serial"),
        (1, 2, "serial"),
        (2, 4, "serial"),
    ]
    assert [point.family for point in points] == [families["a"], families["a"], families["b"]]
    assert families["a"] != families["b"]
    assert (prepared.plan.budget, prepared.machine) == (12.0, here)


def test_most_of_what_the_limits_leave_of_the_budget_goes_into_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, plans = [0.0], []

    def limits(*_: object, **__: object) -> Limits:
        seconds[0] += 10
        return LIMITS

    def measured(prepared: Prepared, *_: object) -> None:
        plans.append(prepared.plan)
        raise InterruptedRunError("interrupted", "")

    monkeypatch.setattr(running, "look_at_machine", lambda: machine())
    monkeypatch.setattr(running, "probe_limits", limits)
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    monkeypatch.setattr(running, "_measured", measured)
    with pytest.raises(InterruptedRunError):
        validate(50.0)
    (plan,) = plans
    assert 0.8 * 40 <= plan.budget <= 0.9 * 40


def test_a_budget_that_is_too_short_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match=r"--budget 3.00 s is too short .* allow --budget .*s at least"):
        validate(3.0)
    assert LEAST_BUDGET < 120


def test_exit_codes_are_those_of_the_house() -> None:
    from serialprof.validation.comparing import EXIT_CODES

    assert EXIT_CODES == {
        "inside": ExitCode.OK,
        "missed": ExitCode.REGRESSION,
        "too noisy": ExitCode.CANNOT_MEASURE,
        "undecided": ExitCode.CANNOT_MEASURE,
    }
