# SPDX-License-Identifier: Apache-2.0
"""How near steps come to what the machine allows: floors by hand, from limits of round numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serialprof.catalog import Affine, Work
from serialprof.estimate import Estimate
from serialprof.limits import BarrierRung, ChaseRung, Limits, StreamRung
from serialprof.model.limitshares import limit_shares
from serialprof.model.results import PointSummary
from serialprof.planning import Point
from serialprof.setting import Setting

LIMITS = Limits(
    clock=3e9,
    chains={"add": 1e-9, "multiply": 3e-9, "fma": 4e-9, "divide": 10e-9},
    chase=(ChaseRung(1 << 20, 5e-9),),
    stream=(StreamRung(1 << 20, 1, 1e10), StreamRung(1 << 20, 2, 2e10)),
    barriers=(BarrierRung(2, 0.0, 1e-7),),
    fma={"baseline": 1e9, "avx2": 1e10},
    words={"avx2": 5e9},
)
WORK = Work(
    serial_ops=100,
    flops=Affine(0, 1000),
    bytes=Affine(0, 400),
    footprint=Affine(1 << 20),
    barriers=3,
    arithmetic="fp32",
)


def summary(
    width: int = 1, threads: int = 1, work: Work | None = WORK, seconds: float = 1e-6, **setting
) -> PointSummary:
    point = Point(7, "toy", Setting(width, 10, threads, tuple(range(threads)), mode="native", **setting), work)
    return PointSummary(point, Estimate(seconds, 0.9 * seconds, 1.25 * seconds, "s"), 8, 8, 0, Estimate.unknown("no"))


def floors(item: PointSummary, limits: Limits = LIMITS) -> dict[str, float]:
    (found,) = limit_shares([item], limits)
    return {floor.limit: floor.seconds for floor in found.floors}


def test_floors_of_a_narrow_step_by_hand() -> None:
    (found,) = limit_shares([summary()], LIMITS)
    assert (found.point, found.width, found.threads, found.binding) == (7, 1, 1, "chain")
    wanted = {"chain": 100 * 4e-9, "arithmetic": 1000 / 1e10, "bandwidth": 400 / 1e10}
    assert floors(summary()) == pytest.approx(wanted)
    assert [floor.limit for floor in found.floors] == ["chain", "arithmetic", "bandwidth"], "the longest first"
    assert (found.share.value, found.share.low, found.share.high) == pytest.approx((0.4, 0.4 / 1.25, 0.4 / 0.9))
    assert found.share.unit == "1"


UPDATES = replace(LIMITS, updates=(StreamRung(1 << 20, 1, 1.5e10), StreamRung(1 << 20, 2, 5e10)))


@pytest.mark.parametrize(
    ("written", "limits", "seconds"),
    [
        (Affine(), UPDATES, 400 / 1e10),  # all read
        (Affine(0, 200), UPDATES, 400 / 1.5e10),  # in place: every byte is read and written
        (Affine(0, 100), UPDATES, 300 / 1e10),  # reads take longer than an update of 100 bytes
        (Affine(0, 150), UPDATES, 250 / 1e10),
        (Affine(0, 190), UPDATES, 2 * 190 / 1.5e10),
        (Affine(0, 300), UPDATES, 2 * 100 / 1.5e10),  # of what is not read nothing is known
        (Affine(0, 400), UPDATES, 0.0),
        (None, UPDATES, 2 * 400 / (2 * 1e10 + 1.5e10)),  # at best 229 are read while 171 are written
        (None, replace(UPDATES, updates=(StreamRung(1 << 20, 1, 9e10),)), 200 / 1e10),  # half are read at least
        (Affine(0, 200), LIMITS, 200 / 1e10),  # updates unmeasured: the reads alone
        (Affine(), LIMITS, 400 / 1e10),
        (None, LIMITS, 400 / 1e10),
        (Affine(0, 200), replace(UPDATES, stream=()), None),
    ],
)
def test_moving_takes_as_long_as_reads_or_updates(
    written: Affine | None, limits: Limits, seconds: float | None
) -> None:
    found = floors(summary(work=replace(WORK, written=written)), limits)
    assert found.get("bandwidth", 0.0) == pytest.approx(seconds or 0.0)


def test_undeclared_bytes_take_no_longer_than_any_split_of_them() -> None:
    undeclared = floors(summary(work=replace(WORK, written=None)), UPDATES)["bandwidth"]
    splits = [
        floors(summary(work=replace(WORK, written=Affine(0, 200 * part / 1000))), UPDATES)["bandwidth"]
        for part in range(1001)
    ]
    assert undeclared <= min(splits) == pytest.approx(undeclared, rel=2e-3)


def test_updates_go_with_the_threads() -> None:
    work = replace(WORK, written=Affine(0, 200))
    assert floors(summary(64, 2, work=work), UPDATES)["bandwidth"] == pytest.approx(64 * 200 / 2e10)


def test_threads_divide_arithmetic_and_bring_barriers() -> None:
    wanted = {"chain": 4e-7, "arithmetic": 64_000 / 2e10, "bandwidth": 25_600 / 2e10, "barriers": 3e-7}
    assert floors(summary(64, 2)) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("arithmetic", "chain", "operations"),
    [
        ("fp64", 4e-7, 1000 / 5e9),
        ("words", 1e-7, 1000 / 5e9),
        ("multiplies", 3e-7, None),
        ("divides", 1e-6, None),
        (None, None, None),
    ],
)
def test_each_arithmetic_has_its_latency_and_its_peak(arithmetic, chain, operations) -> None:
    found = floors(summary(work=replace(WORK, arithmetic=arithmetic)))
    known = {"chain": chain, "arithmetic": operations, "bandwidth": 4e-8}
    assert found == pytest.approx({limit: seconds for limit, seconds in known.items() if seconds is not None})


def test_loads_wait_for_memory() -> None:
    work = replace(WORK, serial_loads=16, loads=Affine(0, 4), bytes=Affine(), arithmetic=None)
    assert floors(summary(8, work=work))["loads"] == pytest.approx(20 * 5e-9), "every lane has a chain of its own"


def test_chains_and_arithmetic_go_with_the_clock_of_the_point() -> None:
    found = floors(replace(summary(), clock=6e9))
    assert found == pytest.approx({"chain": 2e-7, "arithmetic": 5e-8, "bandwidth": 4e-8})
    assert floors(replace(summary(), clock=6e9), replace(LIMITS, clock=None))["chain"] == pytest.approx(4e-7)


def test_narrow_types_have_no_peak() -> None:
    assert "arithmetic" not in floors(summary(dtype="bf16"))


def test_no_share_where_nothing_is_known() -> None:
    unmeasured = replace(summary(), step=Estimate.unknown("it failed", "s"))
    silent = summary(work=None)
    wide = summary(form="wide")
    device = summary(device="cuda")
    assert limit_shares([unmeasured, silent, wide, device], LIMITS) == ()
    assert limit_shares([summary()], Limits()) == ()
    nothing = replace(WORK, serial_ops=0, flops=Affine(), bytes=Affine())
    assert limit_shares([summary(work=nothing)], LIMITS) == (), "a step that does nothing is bound by nothing"
