# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.devicelimits import DeviceLimits, DeviceRung
from serialprof.limits import BarrierRung, ChaseRung, Limits, StreamRung

LIMITS = Limits(
    clock=3e9,
    chains={"add": 1 / 3e9, "divide": 4e-9},
    chase=(ChaseRung(1 << 10, 1e-9), ChaseRung(1 << 20, 1e-7), ChaseRung(1 << 10, 2e-9, 4)),
    stream=(StreamRung(1 << 10, 1, 1e11), StreamRung(1 << 20, 1, 1e10), StreamRung(1 << 10, 2, 2e11)),
    updates=(StreamRung(1 << 10, 1, 4e11), StreamRung(1 << 20, 1, 1e10), StreamRung(1 << 10, 2, 5e11)),
    barriers=(
        BarrierRung(2, 1e-4, 400e-9, 4e-9),
        BarrierRung(2, 0.0, 100e-9, 1e-9),
        BarrierRung(2, 1e-6, 200e-9, 2e-9),
        BarrierRung(8, 0.0, 900e-9),
    ),
    measured=1.7e9,
    unmeasured={"dispatch": "torch is not installed"},
)


def test_interpolation_is_linear_in_logarithms() -> None:
    assert LIMITS.bandwidth(1 << 15, 1) == pytest.approx(1e10**0.5 * 1e11**0.5)
    assert LIMITS.update_bandwidth(1 << 15, 1) == pytest.approx(1e10**0.5 * 4e11**0.5)
    assert LIMITS.latency(1 << 15) == pytest.approx(1e-8)


def test_the_ends_hold_beyond_the_rungs() -> None:
    assert LIMITS.bandwidth(1, 1) == pytest.approx(1e11)
    assert LIMITS.bandwidth(1 << 40, 1) == pytest.approx(1e10)
    assert LIMITS.latency(1) == pytest.approx(1e-9)
    assert LIMITS.latency(1 << 40) == pytest.approx(1e-7)


def test_the_nearest_measured_thread_count_below_is_used() -> None:
    assert LIMITS.bandwidth(1 << 20, 3) == pytest.approx(2e11)
    assert LIMITS.update_bandwidth(1 << 20, 3) == pytest.approx(5e11)
    assert Limits(stream=(StreamRung(1, 2, 1.0),)).bandwidth(1, 1) is None
    assert LIMITS.latency(1 << 20, 3) == pytest.approx(1e-7)
    assert LIMITS.latency(1 << 20, 5) == pytest.approx(2e-9)


def test_unmeasured_is_none() -> None:
    assert Limits().bandwidth(1, 1) is None
    assert Limits().update_bandwidth(1, 1) is None
    assert Limits().latency(1) is None
    assert Limits().cycles("add") is None
    assert Limits(chains={"add": 1e-9}).cycles("add") is None
    assert LIMITS.cycles("root") is None
    assert LIMITS.barrier(3, 0.0) is None


def test_cycles_are_seconds_at_the_clock_of_the_same_time() -> None:
    assert LIMITS.cycles("add") == pytest.approx(1.0)
    assert LIMITS.cycles("divide") == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("grain", "seconds"),
    [(0.0, 100e-9), (2.5e-7, 125e-9), (1e-6, 200e-9), (1e-5, 300e-9), (1e-4, 400e-9), (1.0, 400e-9)],
)
def test_a_barrier_is_interpolated_in_the_logarithm_of_its_grain(grain: float, seconds: float) -> None:
    rung = LIMITS.barrier(2, grain)
    assert rung is not None
    assert (rung.threads, rung.grain) == (2, grain)
    assert rung.seconds == pytest.approx(seconds)
    assert rung.error == pytest.approx(seconds / 100)


def test_a_single_rung_holds_everywhere() -> None:
    assert LIMITS.barrier(8, 1e-3) == BarrierRung(8, 1e-3, 900e-9)


def test_joined_limits_take_only_the_thread_counts_that_were_lacking() -> None:
    other = Limits(
        clock=1e9,
        chains={"add": 9.0},
        chase=(ChaseRung(64, 9.0), ChaseRung(64, 3e-9, 2)),
        stream=(StreamRung(64, 1, 9.0), StreamRung(64, 3, 3e11)),
        updates=(StreamRung(64, 1, 9.0), StreamRung(64, 3, 6e11)),
        barriers=(BarrierRung(2, 0.0, 9.0), BarrierRung(3, 0.0, 5e-7)),
        measured=1.8e9,
        unmeasured={"chase": "its time was up", "dispatch": "another reason"},
    )
    joined = LIMITS.joined(other)
    assert joined.chase == (*LIMITS.chase, ChaseRung(64, 3e-9, 2))
    assert joined.stream == (*LIMITS.stream, StreamRung(64, 3, 3e11))
    assert joined.updates == (*LIMITS.updates, StreamRung(64, 3, 6e11))
    assert joined.barriers == (*LIMITS.barriers, BarrierRung(3, 0.0, 5e-7))
    assert (joined.clock, joined.chains, joined.measured) == (LIMITS.clock, LIMITS.chains, LIMITS.measured)
    assert joined.unmeasured == {"chase": "its time was up", "dispatch": "torch is not installed"}


@pytest.mark.parametrize(("device", "known"), [("cpu", (1e12, 1e12, 4e12, 4e12)), ("cuda:0", (4e12, 4e12, 4e12, 4e12))])
def test_a_small_footprint_of_a_gpu_is_read_at_no_less_than_a_large_one(device: str, known: tuple[float, ...]) -> None:
    limits = DeviceLimits(device, 1, "", 0, bandwidth=(DeviceRung(1 << 20, 1e12), DeviceRung(1 << 30, 4e12)))
    assert tuple(limits.bandwidth_at(footprint) for footprint in (1, 1 << 20, 2 << 20, 1 << 40)) == known
