"""Comparisons of made-up runs whose ratio is planted: 1.3x clock, 1.08x cycles of every operation."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from serialprof.errors import UsageError
from serialprof.limits import ChaseRung, Limits
from serialprof.model.comparison import comparing
from serialprof.model.comparison.comparing import compare
from serialprof.model.comparison.pairing import levels
from serialprof.model.comparison.records import CLOCK, CYCLES, LATENCY, OTHER, Comparison, Pooled
from serialprof.question import Cost
from serialprof.records import StoredRun
from tests.model import builder

CLOCK_RATIO, CYCLE_RATIO = 1.3, 1.08
HERTZ = 2.5e9
WIDTHS = (1, 8, 64)
CHAINS = {"add": 1.0, "multiply": 3.0, "fma": 4.0, "divide": 13.0}


def limits(clock: float, cycles: float = 1.0) -> Limits:
    return Limits(clock=clock, chains={name: cycles * each / clock for name, each in CHAINS.items()})


def law(clock: float, cycles: float, wide: float = 1.0):  # type: ignore[no-untyped-def]
    def step(width: int, threads: int, form: str) -> float:
        return (1000 + 10 * width) * cycles / clock * (wide if form == "wide" else 1.0)

    return step


def planted(
    clock: float, cycles: float = 1.0, *, seed: int = 0, wide: float = 1.0, noise: float = 0.02, drift: float = 0.02
) -> StoredRun:
    """A run at a clock in Hz, whose operations take so many times the cycles."""
    run = builder.run(
        law(clock, cycles, wide), WIDTHS, forms=("serial", "wide"), blocks=8, noise=noise, drift=drift, seed=seed
    )
    return replace(at_clock(run, clock), limits=limits(clock, cycles), run_id=f"{seed:x}")


def at_clock(run: StoredRun, clock: float) -> StoredRun:
    """The run with other readings of the clock meter."""
    visits = []
    for visit in run.visits:
        readings = [clock] * len(visit.samples)
        samples = replace(visit.samples, clock_before=readings, clock_after=readings)
        visits.append(replace(visit, readings=replace(visit.readings, samples=samples)))
    return replace(run, visits=tuple(visits))


def two(first: StoredRun, second: StoredRun) -> Comparison:
    return compare((first, second), ("a.serialprof", "b.serialprof"))


def pooled(comparison: Comparison, form: str = "serial") -> Pooled:
    return next(item for item in comparison.pairs[0].kinds[0].pooled if item.form == form)


def pair(**changes: float) -> tuple[StoredRun, StoredRun]:
    return planted(HERTZ, CYCLE_RATIO, seed=1), planted(HERTZ * CLOCK_RATIO, seed=2, **changes)  # type: ignore[arg-type]


def value(item: Pooled, name: str) -> float:
    factor = item.factor(name)
    assert factor is not None and factor.value is not None
    return factor.value


def test_exact_runs_give_the_planted_factors() -> None:
    first = planted(HERTZ, CYCLE_RATIO, noise=0, drift=0)
    second = planted(HERTZ * CLOCK_RATIO, seed=1, noise=0, drift=0)
    found = pooled(two(first, second))
    assert found.ratio.value == pytest.approx(CLOCK_RATIO * CYCLE_RATIO)
    assert value(found, CLOCK) == pytest.approx(CLOCK_RATIO)
    assert value(found, CYCLES) == pytest.approx(CYCLE_RATIO)
    assert value(found, OTHER) == pytest.approx(1.0)
    assert found.points == len(WIDTHS)


def test_the_factors_multiply_to_the_ratio_exactly_whatever_the_noise() -> None:
    first, second = pair()
    run = two(first, replace(second, visits=second.visits[:-3]))
    for item in (pooled(run), *run.pairs[0].families[0].pooled[:1]):
        product = math.prod(each.factor.value or 1.0 for each in item.factors)
        assert product == pytest.approx(item.ratio.value, rel=1e-12)
        assert len(item.factors) == 3


def test_the_verdict_holds_the_ratios_and_the_factors() -> None:
    verdict = two(*pair(wide=2.2)).pairs[0].verdict
    assert verdict.startswith("B is 1.4")
    assert "faster than A on serial work, and slower on wide work, 0.6" in verdict
    assert "; of the 1.4" in verdict
    assert "1.30 is clock, 1.08 cycles per step and 1.0" in verdict


def test_the_verdict_names_who_is_compared_once() -> None:
    first, second = pair(wide=0.7)
    verdict = two(second, first).pairs[0].verdict
    assert verdict.startswith("B is slower than A on serial work, 0.7")
    assert "as fast, and slower on wide work, 0." in verdict


def test_the_same_run_twice_is_exactly_1_by_value_and_says_so() -> None:
    run = planted(HERTZ)
    comparison = two(run, run)
    assert pooled(comparison).ratio.value == 1.0
    assert "A and B are the same run" in comparison.pairs[0].warnings[0]
    assert "the data cannot tell A from B on serial work" in comparison.pairs[0].verdict


def test_points_that_one_run_lacks_are_counted_and_left_out() -> None:
    first, second = pair()
    second = builder.with_visits(second, 0, status="failed", reason="out of memory")
    shared = two(first, second).pairs[0]
    assert (shared.shared, shared.first_only, shared.second_only) == (5, 1, 0)
    assert shared.kinds[0].pooled[0].points == 2


def test_runs_that_share_nothing_are_refused_in_a_sentence() -> None:
    first, second = pair()
    points = tuple(replace(point, workload="other") for point in second.plan.points)
    other = replace(second, plan=replace(second.plan, points=points))
    with pytest.raises(UsageError, match=r"share no workload .toy; other."):
        two(first, other)
    deeper = tuple(replace(point, setting=replace(point.setting, depth=7)) for point in second.plan.points)
    with pytest.raises(UsageError, match="no point with the same"):
        two(first, replace(second, plan=replace(second.plan, points=deeper)))
    with pytest.raises(UsageError, match=r"b\.serialprof measured no point"):
        two(first, replace(second, visits=()))
    with pytest.raises(UsageError, match="1 run given"):
        compare((first,), ("a",))


def test_what_differs_beside_the_machines_is_told() -> None:
    first, second = pair()
    points = tuple(replace(point, work=None) for point in second.plan.points)
    plan = replace(second.plan, points=points, quick=True)
    machine = replace(second.machine, host="elsewhere", packages={"numpy": "3"})
    other = replace(second, plan=plan, version="9", code="another", machine=machine, status="interrupted")
    rows = {item.what for item in two(first, other).pairs[0].mismatches}
    assert rows == {"serialprof", "code", "numpy", "run", "declared work"}
    warnings = two(first, other).pairs[0].warnings
    assert "B is interrupted" in warnings
    assert any(text.startswith("B is a quick run") for text in warnings)


def test_a_clock_that_was_not_read_leaves_all_to_the_rest_and_says_why() -> None:
    first, second = pair()
    found = pooled(two(first, at_clock(second, math.nan)))
    assert found.factor(CLOCK) is not None and "meter" in found.factor(CLOCK).reason  # type: ignore[union-attr]
    assert value(found, OTHER) == pytest.approx(found.ratio.value)


def test_operations_that_differ_unequally_are_bracketed_and_lie_in_the_rest() -> None:
    first, second = pair()
    uneven = {**second.limits.chains, "fma": second.limits.chains["fma"] / 1.25}
    found = pooled(two(first, replace(second, limits=replace(second.limits, chains=uneven))))
    cycles = found.factor(CYCLES)
    assert cycles is not None and cycles.value is None
    assert cycles.low is not None and cycles.high is not None
    assert cycles.low < CYCLE_RATIO < CYCLE_RATIO * 1.25 < cycles.high
    assert "1.35x of fma" in cycles.reason
    assert value(found, CLOCK) * value(found, OTHER) == pytest.approx(found.ratio.value)


def test_loads_of_the_chain_are_told_by_the_share_that_they_take() -> None:
    """Steps that wait for memory alone: 100 loads of 100 ns against 50 ns, whatever the clock does."""

    def loading(clock: float, seconds: float) -> StoredRun:
        work = replace(builder.LANES, serial_loads=100.0)
        run = builder.run(lambda *_: 100 * seconds, WIDTHS, work=work)
        ladder = (ChaseRung(1 << 10, seconds), ChaseRung(1 << 20, seconds))
        return replace(at_clock(run, clock), limits=replace(limits(clock), chase=ladder))

    found = pooled(two(loading(HERTZ, 100e-9), loading(HERTZ * CLOCK_RATIO, 50e-9)))
    assert value(found, LATENCY) == pytest.approx(2 / CLOCK_RATIO)
    assert value(found, CYCLES) == pytest.approx(1.0)
    assert value(found, OTHER) == pytest.approx(1.0)


def test_each_run_is_compared_with_the_first() -> None:
    runs = [planted(HERTZ * factor, seed=seed) for seed, factor in enumerate((1.0, 1.5, 2.0))]
    pairs = compare(runs, "abc").pairs
    assert [(item.first, item.second) for item in pairs] == [("A", "B"), ("A", "C")]
    assert [round(item.kinds[0].pooled[0].ratio.value or 0, 1) for item in pairs] == [1.5, 2.0]


def test_steps_cost_what_their_time_does_at_the_price_of_their_threads() -> None:
    """36 an hour is 0.01 a second; the second machine is twice as fast, at 1.5 times the price on 1 thread, 3 on 2."""
    first, second = (builder.run(lambda *_, seconds=seconds: seconds, WIDTHS, (1, 2)) for seconds in (2e-6, 1e-6))
    (told,) = compare((first, second), ("a", "b"), (Cost(36.0, 0.0), Cost(0.0, 54.0))).pairs
    by_threads = {item.place.threads: item.cost for item in told.families[0].points}
    one, two = by_threads[1], by_threads[2]
    assert one is not None and two is not None
    assert (one.first.value, one.second.value) == (pytest.approx(2e-8), pytest.approx(1.5e-8))
    assert one.first.unit == "price"
    assert (one.ratio.value, two.ratio.value) == (pytest.approx(4 / 3), pytest.approx(2 / 3))
    pooled_cost = told.kinds[0].pooled[0].cost
    assert pooled_cost is not None and pooled_cost.value == pytest.approx(math.sqrt(8 / 9))
    assert told.verdict.endswith("For the same money B makes 0.943x [0.943 - 0.943] the serial steps of A.")


def test_without_prices_nothing_costs_and_some_prices_are_refused() -> None:
    first, second = pair()
    (told,) = two(first, second).pairs
    assert told.kinds[0].pooled[0].cost is None and told.families[0].points[0].cost is None
    assert "money" not in told.verdict
    with pytest.raises(UsageError, match="1 price given for 2 runs"):
        compare((first, second), ("a", "b"), (Cost(1.0, 0.0),))


def test_levers_tell_how_the_same_points_follow_clock_and_threads_in_either_run() -> None:
    """A step of 1 us + 0.1 us per lane that threads share, against one in which only the serial part is left."""

    def shared(width: int, threads: int, _: str) -> float:
        return 1e-6 + 1e-7 * width / threads

    def alone(*_: object) -> float:
        return 1e-6

    first, second = (builder.run(law, builder.OCTAVES, (1, 2), seed=seed) for seed, law in enumerate((shared, alone)))
    (family,) = compare((first, second), ("a", "b"), fitted=True).pairs[0].families
    clocks = [item.lever.width for item in family.levers if item.lever.what == "clock"]
    assert clocks == sorted(builder.OCTAVES)
    widest = next(item for item in family.levers if item.lever.what == "threads" and item.lever.width == clocks[-1])
    assert (widest.lever.threads, widest.lever.more_threads) == (1, 2)
    before, after = shared(clocks[-1], 1, ""), shared(clocks[-1], 2, "")
    assert widest.first.value == pytest.approx(math.log2(before / after), rel=1e-3)
    assert widest.second.value == pytest.approx(0.0, abs=1e-6)
    assert compare((first, second), ("a", "b")).pairs[0].families[0].levers == ()


def test_runs_that_share_nothing_are_refused_before_any_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = pair()
    monkeypatch.setattr(comparing.levers, "levers", lambda *_: pytest.fail("fitted"))
    with pytest.raises(UsageError, match="measured no point"):
        compare((first, replace(second, visits=())), ("a", "b"), fitted=True)


def test_gaps_of_a_block_do_not_pull_its_level() -> None:
    def column(offset: float, blocks: Sequence[int]) -> dict[int, float]:
        return {block: offset + 0.1 * block for block in blocks}

    whole = levels([column(0, range(4)), column(5, range(4)), column(9, range(4))])
    gappy = levels([column(0, (0, 2, 3)), column(5, range(4)), column(9, (0, 1, 2))])
    assert gappy == pytest.approx(whole, abs=1e-6)


@pytest.mark.study
def test_intervals_hold_the_planted_ratio_95_times_of_100() -> None:
    rounds = 400
    held = np.zeros(2)
    for seed in range(rounds):
        first = planted(HERTZ, CYCLE_RATIO, seed=2 * seed, drift=0.01)
        second = planted(HERTZ * CLOCK_RATIO, seed=2 * seed + 1, drift=0.05)
        told = two(first, second).pairs[0]
        estimates = (told.kinds[0].pooled[0].ratio, told.families[0].points[0].ratio)
        truth = CLOCK_RATIO * CYCLE_RATIO
        held += [(item.low or 0) < truth < (item.high or 0) for item in estimates]
    assert (held / rounds > 0.92).all() and (held / rounds < 0.98).all()
