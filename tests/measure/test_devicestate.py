# SPDX-License-Identifier: Apache-2.0
"""How a worker waits for a device, tells when it is steady, looks at its GPU, and finds a leak."""

from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serialprof.measure.devicestate import (
    GROWTHS,
    PATIENCE,
    Memory,
    await_level,
    find_monitor,
    gpu_state,
    leak,
    level,
    waiter,
)
from serialprof.measure.instruments import Instruments
from serialprof.measure.sampler import sample
from serialprof.setting import Setting
from tests.clock import gpus

MEBI = 1 << 20
PAGE = 4096


class Plain:
    def run(self, steps: int, /) -> None: ...


class Waiting(Plain):
    def sync(self) -> None: ...


def test_steps_are_waited_for_by_their_own_sync_or_not_at_all() -> None:
    stepper = Waiting()
    assert waiter(stepper, Setting()) == stepper.sync
    assert waiter(stepper, Setting(device="cuda:1", mode="eager")) == stepper.sync
    assert waiter(Plain(), Setting()) is None


def test_on_a_cuda_device_torch_waits_for_steps_that_say_nothing() -> None:
    torch = pytest.importorskip("torch")
    found = waiter(Plain(), Setting(device="cuda:1", mode="eager"))
    assert getattr(found, "func", None) is torch.cuda.synchronize
    assert getattr(found, "args", None) == ("cuda:1",)


def test_a_cpu_has_no_gpu_state() -> None:
    assert gpu_state("cpu") == ()


@pytest.mark.parametrize(
    ("clocks", "steady"),
    [
        ([1.98e9, 1.98e9], False),
        ([1.98e9, 1.98e9, 1.95e9], True),
        ([1.98e9, 1.98e9, 1.93e9], False),
        ([None, None, None], True),
        ([None, 1e9, 2e9], False),
        ([0.0, 0.0, 0.0], True),
    ],
)
def test_three_clocks_within_two_percent_are_level(clocks: Sequence[float | None], steady: bool) -> None:
    assert level(clocks) == steady


class Device:
    """Its clock and its allocator take the given values, the last ones for ever; a piece of work takes 8 ms."""

    def __init__(self, clocks: Sequence[float], memory: Sequence[int]) -> None:
        self._clocks, self._memory = chain(clocks, repeat(clocks[-1])), chain(memory, repeat(memory[-1]))
        self.now, self.looks, self.works = 0.0, 0, 0

    def work(self) -> None:
        self.now += 8e-3
        self.works += 1

    def clock(self) -> float:
        self.looks += 1
        return next(self._clocks)

    def settled(self) -> bool:
        return await_level(self.work, self.clock, lambda: next(self._memory), lambda: self.now)


@pytest.mark.parametrize(
    ("clocks", "memory", "looks"),
    [
        ([1e9], [5], 3),
        ([1e9, 1.5e9, 1.9e9, 1.98e9], [5], 6),  # two more beside the first at its full clock
        ([1e9], [5, 6, 7, 8], 6),
        ([1e9], [8, 7, 6], 3),
    ],
)
def test_a_device_works_until_its_clock_is_level_and_memory_grows_no_more(
    clocks: list[float], memory: list[int], looks: int
) -> None:
    device = Device(clocks, memory)
    assert device.settled()
    assert device.looks == looks
    assert device.works == 3 * looks, "20 ms of work between two looks"


def test_a_device_that_never_is_steady_is_given_up() -> None:
    device = Device([1e9, 2e9] * 1000, [5])
    assert not device.settled()
    assert PATIENCE <= device.now < PATIENCE + 0.05


@pytest.mark.skipif(gpus.COMPILER is None, reason="needs a C compiler")
def test_a_gpu_is_found_by_its_uuid_and_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = gpus.compiled(tmp_path)
    monkeypatch.setenv("FAKE_NVML", str(tmp_path))
    monitor = find_monitor("00000001-0000-4000-8000-000000000000", library)
    assert monitor is not None and monitor.index == 1
    state = monitor.state()
    assert state is not None and state.memory_clock == 2.619e9 and state.sm_clock == 3.45e8
    assert find_monitor("GPU-00000000-0000-4000-8000-000000000000", library).index == 0  # type: ignore[union-attr]
    assert find_monitor("12345678-0000-4000-8000-000000000000", library) is None, "there are two: which is it?"


def test_no_nvml_is_an_ordinary_machine(tmp_path: Path) -> None:
    assert find_monitor("00000001-0000-4000-8000-000000000000", str(tmp_path / "none.so")) is None


@pytest.mark.parametrize(
    ("levels", "noise", "per_step"),
    [
        ([10 * MEBI + 4 * MEBI * look for look in range(6)], MEBI, MEBI / 2.5),
        ([MEBI * look for look in range(11)], MEBI, MEBI / 10),
        ([MEBI * look for look in range(5)], 0, None),  # too few
        ([0, 1, 2, 3, 4, 5], 0, 0.1),
        ([0, 1, 2, 3, 4, 5], MEBI, None),  # no more than noise
        ([0, 9 * MEBI, *[9 * MEBI] * 9], MEBI, None),  # an allocator's first growth
        ([0, 0, 3, 3, 6, 6, 9, 9, 12, 12, 15], 0, 0.15),  # by every second look, in every stretch
        ([9, 8, 9, 8, 9, 8, 9, 8], 0, None),
        ([], 0, None),
    ],
)
def test_memory_that_grows_all_the_time_leaks(levels: list[int], noise: int, per_step: float | None) -> None:
    assert leak(levels, 10, noise) == (None if per_step is None else pytest.approx(per_step))


@given(st.lists(st.integers(0, 1000), min_size=GROWTHS + 1), st.integers(1, 9), st.integers(0, 99))
def test_a_leak_is_what_was_taken_over_all_steps(levels: list[int], steps: int, noise: int) -> None:
    found = leak(levels, steps, noise)
    if found is not None:
        assert levels[-1] - levels[0] == pytest.approx(found * steps * (len(levels) - 1))
        assert levels[-1] - levels[0] > noise


@pytest.mark.parametrize("mode", ["native", "process"])
def test_of_kernels_and_programs_memory_is_not_looked_at(mode: str) -> None:
    memory = Memory(Setting(mode=mode))
    for _ in range(GROWTHS + 1):
        memory.look()
    assert memory.leaked(1) is None


class Leaking:
    """Keeps so many bytes of every step, and touches them."""

    def __init__(self, kept: int) -> None:
        self.size = kept
        self.kept: list[bytearray] = []

    def run(self, steps: int, /) -> None:
        for _ in range(steps):
            grown = bytearray(self.size or PAGE)
            grown[::PAGE] = b"1" * len(grown[::PAGE])
            if self.size:
                self.kept.append(grown)


def test_a_step_that_keeps_a_mebibyte_is_found() -> None:
    readings = sample(Leaking(MEBI), Setting(mode="eager"), 1, 0.02, Instruments([0]))
    assert len(readings.samples) >= GROWTHS
    assert readings.leaked == pytest.approx(MEBI, rel=0.2)
    assert readings.gpu == ()


def test_a_step_that_keeps_nothing_is_not_blamed() -> None:
    readings = sample(Leaking(0), Setting(mode="eager", depth=100), 1, 0.02, Instruments([0]))
    assert len(readings.samples) >= GROWTHS
    assert readings.leaked is None
