# SPDX-License-Identifier: Apache-2.0
"""What a worker reads beside its samples, from sensors and counters that are made up."""

import os
from types import SimpleNamespace

import pytest

from serialprof.catalog import StepFunction
from serialprof.machine.sensors import SensorReading
from serialprof.measure import instruments as module
from serialprof.measure import protocol
from serialprof.measure.instruments import Instruments, Sense
from serialprof.measure.worker import Worker
from serialprof.setting import Setting


@pytest.mark.parametrize(
    ("earlier", "later", "stolen", "throttled"),
    [
        (Sense(1.0, 40.0, 5), Sense(1.25, 44.0, 7), 0.25, 2),
        (Sense(1.0, None, 5), Sense(1.0, None, 5), 0.0, 0),
        (Sense(None, None, None), Sense(1.0, None, 5), None, None),
        (Sense(1.0, None, 5), Sense(None, None, None), None, None),
        (Sense(1.0, None, None), Sense(1.5, None, 3), 0.5, None),
        (Sense(0.0, None, 0), Sense(0.5, None, 0), 0.5, 0),
    ],
)
def test_what_happened_between_two_looks(
    earlier: Sense, later: Sense, stolen: float | None, throttled: int | None
) -> None:
    assert later.stolen_since(earlier) == stolen
    assert later.throttled_since(earlier) == throttled


@pytest.fixture
def cpus_looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Sensors that read 41 degrees, 7 throttlings, 3 s of steal; the CPUs for which they were opened."""
    asked: list[tuple[int, ...]] = []

    class Sensors:
        def __init__(self, cpus: tuple[int, ...]) -> None:
            asked.append(tuple(cpus))

        def read(self) -> SensorReading:
            return SensorReading(temperature=41.0, throttles=7, steal=3.0)

    monkeypatch.setattr(module, "Sensors", Sensors)
    return asked


def test_the_sensors_are_those_of_the_workers_cpus(cpus_looked_at: list[tuple[int, ...]]) -> None:
    assert Instruments((2, 5)).sense() == Sense(steal=3.0, temperature=41.0, throttles=7)
    assert cpus_looked_at == [(2, 5)]


def test_counters_are_read_as_cycles_instructions_and_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([[100, 250], [300, 900, 70]])
    monkeypatch.setattr(module, "open_counters", lambda: SimpleNamespace(read=lambda: next(looks)))
    opened = Instruments((0,))
    assert (opened.count(), opened.count()) == ((100.0, 250.0, None), (300.0, 900.0, 70.0))


def test_without_counters_there_are_no_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open_counters", lambda: None)
    assert Instruments((0,)).count() == (None, None, None)


def test_sensors_are_opened_once_and_counters_too(
    monkeypatch: pytest.MonkeyPatch, cpus_looked_at: list[tuple[int, ...]]
) -> None:
    opened: list[str] = []

    def open_counters() -> SimpleNamespace:
        opened.append("counters")
        return SimpleNamespace(read=lambda: [1, 2])

    monkeypatch.setattr(module, "open_counters", open_counters)
    looking = Instruments((0,))
    for _ in range(3):
        looking.sense()
        looking.count()
    assert (len(cpus_looked_at), opened) == (1, ["counters"])


@pytest.mark.parametrize(
    ("system", "cpu"),
    [
        (SimpleNamespace(sched_getcpu=lambda: 3), 3),
        (SimpleNamespace(sched_getcpu=lambda: 0), 0),
        (SimpleNamespace(sched_getcpu=lambda: -1), None),
        (SimpleNamespace(), None),
    ],
)
def test_the_cpu_is_told_where_the_system_tells_it(
    monkeypatch: pytest.MonkeyPatch, system: SimpleNamespace, cpu: int | None
) -> None:
    monkeypatch.setattr(module.ctypes, "CDLL", lambda name: system)
    assert Instruments((0,)).cpu() == cpu


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cannot be bound to a CPU")
def test_on_this_machine_it_is_the_cpu_that_the_thread_is_bound_to() -> None:
    usable = os.sched_getaffinity(0)
    looking = Instruments(sorted(usable))
    try:
        for cpu in sorted(usable)[:2]:
            os.sched_setaffinity(0, {cpu})
            assert looking.cpu() in (cpu, None)
    finally:
        os.sched_setaffinity(0, usable)


def test_on_this_machine_whatever_is_counted_never_falls() -> None:
    looking = Instruments(sorted(os.sched_getaffinity(0)))
    before, after = looking.sense(), looking.sense()
    assert (after.stolen_since(before) or 0.0) >= 0.0
    assert (after.throttled_since(before) or 0) >= 0
    assert after.temperature is None or -50 < after.temperature < 150
    assert all(count is None or count >= 0 for count in looking.count())


def test_they_are_opened_once_and_before_a_workload_can_start_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []

    class Recorded(Instruments):
        def __init__(self, cpus: list[int]) -> None:
            log.append(f"opened for {cpus}")
            super().__init__(cpus)

    def stepper(setting: Setting) -> StepFunction:
        log.append(f"built {setting.width}")
        return StepFunction(lambda: None)

    monkeypatch.setattr(module, "Instruments", Recorded)
    cpu = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    served = Worker("toy", [cpu])
    monkeypatch.setattr(served, "_load", lambda: SimpleNamespace(stepper=stepper))
    for width in (1, 2):
        setting = Setting(width=width, depth=3, cpus=(cpu,), mode="eager")
        answer = served.handle(protocol.Sampling(setting, 1, 0.0, meter=False))
        assert isinstance(answer, protocol.Sampled), answer
    assert log == [f"opened for [{cpu}]", "built 1", "built 2"]
