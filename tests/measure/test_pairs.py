# SPDX-License-Identifier: Apache-2.0
"""The pair probe: its judgement on made readings, its measuring on made CPUs and on this machine's."""

import os
import sys

import pytest

from serialprof.measure import pairs
from serialprof.measure.pairs import PairReading, hidden_siblings, pairings, probe_pairs


@pytest.mark.parametrize(
    ("cpus", "total", "expected"),
    [
        (range(2), 2, ((0, 1),)),
        (range(4), 4, ((0, 1), (0, 2), (1, 3), (2, 3))),
        (range(8), 8, ((0, 1), (0, 4), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5), (6, 7))),
        ((1, 2), 4, ()),
        ((3, 1), 4, ((1, 3),)),
        ((5,), 64, ()),
        ((), 8, ()),
        ((0,), 1, ()),
    ],
)
def test_pairs_are_those_of_guests(cpus: range | tuple[int, ...], total: int, expected: tuple[object, ...]) -> None:
    assert pairings(cpus, total) == expected


def test_pairs_grow_with_the_cpus_and_not_with_their_square() -> None:
    assert len(pairings(range(256), 256)) == 256


def test_siblings_are_told_from_cores() -> None:
    readings = [
        PairReading(0, 1, alone=2.0, together=1.02),
        PairReading(2, 3, alone=2.0, together=1.97),
        PairReading(4, 5, alone=2.0, together=1.5),
        PairReading(6, 7, alone=2.0, together=1.49),
    ]
    assert hidden_siblings(readings) == ((0, 1), (6, 7))
    assert readings[0].ratio == pytest.approx(0.51)


class MadeTeam:
    def __init__(self, cpus: list[int]) -> None:
        self.cpus = tuple(cpus)


def made_machine(monkeypatch: pytest.MonkeyPatch, bound: list[set[int]], total: int) -> None:
    """CPUs n and n + half share a core of 100 FLOP/s; two of three timings are disturbed and give a third."""
    calls = iter(range(10**6))

    def peak(team: MadeTeam, ops: int) -> float:
        assert set(team.cpus[:1]) == bound[-1], "the caller is the first of the team and binds itself"
        cores = {cpu % (total // 2) for cpu in team.cpus}
        return 100.0 * len(cores) / (3 if next(calls) % 3 else 1)

    monkeypatch.setattr(pairs, "Team", MadeTeam)
    monkeypatch.setattr(pairs, "fma_peak", peak)
    monkeypatch.setattr(os, "cpu_count", lambda: total)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(total)), raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cpus: bound.append(set(cpus)), raising=False)


def test_the_best_of_some_timings_finds_the_hidden_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[set[int]] = []
    made_machine(monkeypatch, bound, total=4)
    readings = probe_pairs(range(4))
    assert [reading.ratio for reading in readings] == pytest.approx([1.0, 0.5, 0.5, 1.0])
    assert hidden_siblings(readings) == ((0, 2), (1, 3))
    assert bound[-1] == {0, 1, 2, 3}  # the thread has its CPUs again


def test_one_cpu_has_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[set[int]] = []
    made_machine(monkeypatch, bound, total=4)
    assert probe_pairs([3]) == ()
    assert bound == []


def test_a_system_that_binds_no_threads_has_no_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    assert probe_pairs(range(4)) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="threads are bound on Linux alone")
def test_this_machines_pairs_are_read() -> None:
    before = os.sched_getaffinity(0)
    readings = probe_pairs(sorted(before))
    assert [(reading.first, reading.second) for reading in readings] == list(pairings(before))
    assert all(reading.alone > 0 and reading.together > 0 for reading in readings)
    assert os.sched_getaffinity(0) == before
