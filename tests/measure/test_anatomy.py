# SPDX-License-Identifier: Apache-2.0
"""Steps taken apart inside a worker, on the CPU: what is counted, and that the profile is in no other timing."""

import sys
from collections.abc import Iterator

import pytest

from serialprof.measure import anatomy as module
from serialprof.measure.anatomy import NO_FRAMEWORK, NOT_ASKED, dissect
from serialprof.measure.delay import spin
from serialprof.measure.instruments import Instruments
from serialprof.records import Profile
from serialprof.setting import Setting
from tests.measure.fakecuda import FakeCuda

torch = pytest.importorskip("torch")

SETTING = Setting(depth=10, mode="eager")
SPIN = 2e-3


class Counted:
    """Three operations a step, and a log of what was asked for."""

    def __init__(self) -> None:
        self.state, self.one = torch.zeros(8), torch.ones(8)
        self.asked: list[int] = []

    def run(self, steps: int, /) -> None:
        self.asked.append(steps)
        for _ in range(steps):
            torch.add(self.state, self.one, out=self.state)
            torch.mul(self.state, self.one, out=self.state)
            torch.sub(self.state, self.one, out=self.state)


class Spinning:
    """One operation a step that takes a known time, and a few tiny ones."""

    def __init__(self, operation: object) -> None:
        self.operation = operation
        self.state, self.one = torch.zeros(8), torch.ones(8)

    def run(self, steps: int, /) -> None:
        for _ in range(steps):
            torch.add(self.state, self.one, out=self.state)
            self.operation(self.state)  # type: ignore[operator]


class Alone:
    """Uses no framework."""

    def run(self, steps: int, /) -> None:
        spin(1e-6 * steps)


@pytest.fixture(scope="module")
def operation() -> Iterator[object]:
    """An operation of the framework that keeps its thread busy for SPIN seconds."""
    library = torch.library.Library("serialprof_test", "DEF")
    library.define("spin(Tensor state) -> Tensor")

    def busy(state: object) -> object:
        spin(SPIN)
        return torch.clone(state)

    library.impl("spin", busy, "CPU")
    yield torch.ops.serialprof_test.spin.default
    library._destroy()


def test_known_operations_are_counted_and_timed_apart_from_the_profile() -> None:
    stepper = Counted()
    anatomy = dissect(stepper, SETTING, steps=5, runs=3, profiled=4, instruments=Instruments([0]))
    assert stepper.asked == [5, 4, 5, 5, 5], "once untimed, the profile, then the timing"
    profile = anatomy.profile
    assert profile is not None and anatomy.unprofiled == ""
    assert (profile.steps, profile.kernels) == (4, 3.0)
    assert 0 < profile.busy < profile.step
    assert anatomy.step > 0
    assert (profile.transfers, profile.waiting) == (0.0, 0.0)
    assert (anatomy.enqueue, anatomy.device) == (None, None), "the CPU has neither"


def test_a_known_time_inside_an_operation_is_the_steps_busy_time(operation: object) -> None:
    anatomy = dissect(Spinning(operation), SETTING, steps=2, runs=1, profiled=2, instruments=Instruments([0]))
    assert anatomy.profile is not None and anatomy.profile.kernels == 2
    assert SPIN <= anatomy.profile.busy <= anatomy.profile.step
    assert anatomy.step >= SPIN


def test_what_uses_no_framework_has_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dissect(Alone(), SETTING, 5, 1, 4, Instruments([0])).unprofiled == NO_FRAMEWORK
    monkeypatch.delitem(sys.modules, "torch")
    anatomy = dissect(Alone(), SETTING, 5, 1, 4, Instruments([0]))
    assert (anatomy.profile, anatomy.unprofiled) == (None, NO_FRAMEWORK)
    assert "torch" not in sys.modules, "it is not imported for the purpose"


def test_no_profile_is_taken_where_none_is_asked_for() -> None:
    stepper = Counted()
    assert dissect(stepper, SETTING, 5, 1, 0, Instruments([0])).unprofiled == NOT_ASKED
    assert stepper.asked == [5, 5]


def test_a_profiler_that_refuses_is_said_and_the_step_is_timed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does where CUPTI is not allowed, which cannot be had on purpose."""

    def refuse(self: object) -> None:
        raise RuntimeError("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES\n  was returned")

    monkeypatch.setattr(torch.profiler.profile, "start", refuse)
    anatomy = dissect(Counted(), SETTING, 5, 1, 4, Instruments([0]))
    words = "torch.profiler fails: CUPTI_ERROR_INSUFFICIENT_PRIVILEGES was returned"
    assert (anatomy.profile, anatomy.unprofiled) == (None, words)
    assert anatomy.step > 0


def test_an_error_of_the_step_is_not_swallowed_and_leaves_the_profiler_free() -> None:
    class Failing(Counted):
        def run(self, steps: int, /) -> None:
            super().run(steps)
            if len(self.asked) == 2:
                raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        dissect(Failing(), SETTING, 5, 1, 4, Instruments([0]))
    assert dissect(Counted(), SETTING, 5, 1, 4, Instruments([0])).profile is not None


@pytest.mark.parametrize(("kernels", "room"), [(2.0, 20), (100.0, 5), (2000.0, 1)])
def test_on_a_cuda_device_steps_are_enqueued_timed_by_events_and_complete(
    monkeypatch: pytest.MonkeyPatch, kernels: float, room: int
) -> None:
    """A made-up device whose kernels, two a step, take 8 us each while the host needs 4 us to enqueue one."""
    fake = FakeCuda(kernel=7e-6).lay(monkeypatch, torch)
    profile = Profile(4, 1e-5, kernels, 1.4e-5, 0.0, 0.0)
    monkeypatch.setattr(module, "_profile", lambda stepper, setting, steps: (profile, ""))
    asked: list[int] = []

    class Stepper:
        def run(self, steps: int, /) -> None:
            asked.append(steps)
            for _ in range(2 * steps):
                fake.enqueue()

    setting = Setting(depth=100, mode="eager", device="cuda:0")
    anatomy = dissect(Stepper(), setting, steps=20, runs=5, profiled=4, instruments=Instruments([0]))
    assert anatomy.profile == profile
    assert anatomy.enqueue == pytest.approx(8e-6)
    assert anatomy.device == pytest.approx(1.6e-5, rel=0.01)
    assert anatomy.step == pytest.approx(1.6e-5, rel=0.01), "the device's time, and one launch and one wait of 100"
    assert asked[:6] == [20] * 6 and asked[-5:] == [20] * 5
    assert set(asked[6:-5]) == {room}, "no more than the queue of the device holds"
    assert 5 <= len(asked[6:-5]) <= 50
