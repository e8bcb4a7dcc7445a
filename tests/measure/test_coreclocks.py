# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from serialprof.clock.meter import Reading
from serialprof.measure import coreclocks
from serialprof.measure.coreclocks import CoreClocks

CPUS = sorted(os.sched_getaffinity(0))


def test_rank_0_is_on_its_cpu_meanwhile_and_where_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def read(team: object) -> tuple[Reading, ...]:
        seen.append(os.sched_getaffinity(0))
        return Reading(3e9, 3.0, 1.0, 0), Reading(None, 3.0, 1.5, 0)

    monkeypatch.setattr(coreclocks, "read_clocks", read)
    assert CoreClocks(CPUS[-1:]).read() == (3e9, None)
    assert seen == [{CPUS[-1]}]
    assert sorted(os.sched_getaffinity(0)) == CPUS


def test_it_can_be_read_again_and_again() -> None:
    clocks = CoreClocks(CPUS[:2])
    for _ in range(3):
        assert len(clocks.read()) == len(CPUS[:2])
