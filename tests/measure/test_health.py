# SPDX-License-Identifier: Apache-2.0
"""The examination on made instruments, and a short one of this machine."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from serialprof.clock.meter import Reading
from serialprof.machine.activity import Activity
from serialprof.machine.sensors import SensorReading
from serialprof.measure import health
from serialprof.measure.health import Busiest, Gaps, examine
from serialprof.measure.pairs import PairReading


class MadeSensors:
    """Four looks: before, when the spinning begins, when it ends, after; three seconds are stolen while it spins."""

    def __init__(self, cpus: object) -> None:
        steals, throttles = iter((1.0, 2.0, 5.0, 50.0)), iter((7, 8, 9, 11))
        self._looks: Iterator[SensorReading] = (
            SensorReading(60.0 + count, count, steal) for steal, count in zip(steals, throttles, strict=True)
        )

    def read(self) -> SensorReading:
        return next(self._looks)

    def __enter__(self) -> "MadeSensors":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[int, frozenset[int]]]]:
    """Made instruments that write down the thread that they run on and the CPUs that it is bound to."""
    calls: dict[str, list[tuple[int, frozenset[int]]]] = {"gaps": [], "clock": [], "pairs": []}
    bound: dict[int, frozenset[int]] = {}
    now = iter(range(10**6))
    activities = iter(
        (
            Activity(0.0, {}, 100),
            Activity(10.0, {5: (1.0, "make"), os.getpid(): (0.0, "us")}, 100),
            Activity(11.5, {5: (2.0, "make"), os.getpid(): (9.0, "us")}, 100),
            Activity(99.0, {}, 103),
        )
    )

    def note(what: str) -> None:
        calls[what].append((threading.get_ident(), bound.get(threading.get_ident(), frozenset())))

    def find_gaps(seconds: float, threshold: float) -> tuple[int, float, float, float]:
        note("gaps")
        return 4, 0.1, 0.05, seconds

    def read_clock() -> Reading:
        note("clock")
        count = len(calls["clock"])
        return Reading(None if count % 2 else 3e9 - count, 3.0, 1.0, 0)

    def probe_pairs(cpus: object) -> tuple[PairReading, ...]:
        note("pairs")
        return (PairReading(0, 1, 2.0, 1.0),)

    def bind(_: int, cpus: set[int]) -> None:
        bound[threading.get_ident()] = frozenset(cpus)

    monkeypatch.setattr(health, "Sensors", MadeSensors)
    monkeypatch.setattr(health, "find_gaps", find_gaps)
    monkeypatch.setattr(health, "read_clock", read_clock)
    monkeypatch.setattr(health, "probe_pairs", probe_pairs)
    monkeypatch.setattr(health, "read_activity", lambda cpus: next(activities))
    throttled = iter((1.0, 1.25))
    monkeypatch.setattr(health, "cpu_throttled", lambda: next(throttled))
    monkeypatch.setattr(health.time, "monotonic", lambda: float(next(now)))
    monkeypatch.setattr(health.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(os, "sched_setaffinity", bind, raising=False)
    return calls


def test_every_instrument_is_read_around_what_it_is_about(made: dict[str, list[object]]) -> None:
    seen = examine((2, 0), seconds=6.0)
    assert seen.gaps == (Gaps(2, 4, 0.1, 0.05, 6.0), Gaps(0, 4, 0.1, 0.05, 6.0))
    assert seen.stolen == 3.0
    assert seen.load == 1.5  # in one second of the made clock
    assert seen.busiest == Busiest("make", 5, 1.0)  # not this process itself
    assert (seen.throttles, seen.temperature) == (4, 71.0)
    assert seen.throttled == 0.25
    assert seen.swapped == 3
    assert seen.pairs == (PairReading(0, 1, 2.0, 1.0),)
    assert seen.readings == len(made["clock"])
    assert len(seen.clocks) == seen.readings // 2
    assert list(seen.clocks) == sorted(seen.clocks)


def test_whatever_spins_is_bound_and_the_caller_is_not(made: dict[str, list[tuple[int, frozenset[int]]]]) -> None:
    examine((2, 0), seconds=6.0)
    assert {cpus for _, cpus in made["gaps"]} == {frozenset({0}), frozenset({2})}
    assert {cpus for _, cpus in made["clock"]} == {frozenset({2})}
    threads = {thread for calls in made.values() for thread, _ in calls}
    assert threading.get_ident() not in threads


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's files are Linux's")
def test_this_machine_can_be_examined() -> None:
    cpus = sorted(os.sched_getaffinity(0))[:2]
    before = os.sched_getaffinity(0)
    seen = examine(cpus, seconds=0.02)
    assert os.sched_getaffinity(0) == before
    assert [gaps.cpu for gaps in seen.gaps] == cpus
    assert seen.load is not None
    assert seen.stolen is not None
    assert seen.readings > 0
