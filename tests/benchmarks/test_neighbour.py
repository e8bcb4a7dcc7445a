# SPDX-License-Identifier: Apache-2.0
"""Other load on a CPU."""

import os
from itertools import islice

import psutil
import pytest

from benchmarks.forms import serial_only
from benchmarks.neighbour import bursts, busy_neighbour
from tests import made


@pytest.mark.parametrize("share", [1 / 3, 0.8])
def test_bursts_take_their_share_of_the_time(share: float) -> None:
    busy, idle = (sum(stretch) for stretch in zip(*islice(bursts(share, 0.05, seed=1), 20_000), strict=True))
    assert busy / 20_000 == pytest.approx(0.05, rel=0.03)
    assert busy / (busy + idle) == pytest.approx(share, rel=0.03)


def test_at_a_share_of_one_nothing_is_idle() -> None:
    assert all(busy > 0 and idle == 0 for busy, idle in islice(bursts(1.0, 0.05, seed=1), 100))


def test_the_same_seed_gives_the_same_bursts() -> None:
    first, again, other = (list(islice(bursts(0.5, 0.05, seed), 5)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_neighbour_stays_on_its_cpu_at_our_priority_and_ends_with_the_context() -> None:
    cpu = max(os.sched_getaffinity(0))
    with busy_neighbour(cpu, 0.01) as pid:
        child = psutil.Process(pid)
        while child.cpu_affinity() != [cpu]:
            assert child.status() != psutil.STATUS_ZOMBIE
        assert child.nice() == psutil.Process().nice()
    assert not psutil.pid_exists(pid)


def test_a_plan_of_the_serial_form_is_numbered_anew() -> None:
    plan = made.plan(made.points(widths=(1, 4), forms=("wide", "serial")))
    kept = serial_only(plan).points
    assert [point.id for point in kept] == [0, 1]
    assert [(point.setting.width, point.setting.form) for point in kept] == [(1, "serial"), (4, "serial")]
