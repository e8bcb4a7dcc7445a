# SPDX-License-Identifier: Apache-2.0
"""The probes on this machine: facts other than speed, and that their time is kept."""

import os
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from serialprof import _native
from serialprof.errors import CannotMeasureError
from serialprof.limits import PARTS, Limits
from serialprof.machine.topology import caches
from serialprof.measure import introspection
from serialprof.measure.barriers import GRAINS
from serialprof.measure.effort import BRIEF, FULL, QUICK, Effort
from serialprof.measure.introspection import probe_limits
from serialprof.measure.ladder import reach
from serialprof.measure.probes import measure_part

CPUS = tuple(sorted(os.sched_getaffinity(0)))[:2]
COUNTS = tuple(range(1, len(CPUS) + 1))


@pytest.fixture(scope="module")
def quick() -> tuple[Limits, float]:
    """The limits of this machine in their quick form, and how long that took."""
    started = time.monotonic()
    limits = probe_limits(CPUS, COUNTS, quick=True)
    return limits, time.monotonic() - started


def test_limits_are_complete_and_physical(quick: tuple[Limits, float]) -> None:
    limits, _ = quick
    assert set(limits.chains) == {"add", "multiply", "fma", "divide"}
    assert all(1e-12 < seconds < 1e-6 for seconds in limits.chains.values())
    assert list(limits.fma) == _native.instruction_sets()
    assert all(1e6 < rate < 1e13 for rate in limits.fma.values())
    assert {rung.threads for rung in limits.chase} == {rung.threads for rung in limits.stream} == set(COUNTS)
    assert all(1e-11 < rung.seconds < 1e-4 for rung in limits.chase)
    assert all(1e6 < rung.bandwidth < 1e14 for rung in (*limits.stream, *limits.updates))
    places = [[(rung.threads, rung.footprint) for rung in rungs] for rungs in (limits.stream, limits.updates)]
    assert places[0] == places[1]
    assert {rung.threads for rung in limits.barriers} == set(COUNTS) - {1} or "barriers" in limits.unmeasured
    assert all(0 <= rung.seconds < 1.0 and 0 <= rung.error < 1.0 for rung in limits.barriers)
    assert limits.clock is None or 1e8 < limits.clock < 1e10
    assert limits.quick and limits.measured is not None and 0 <= time.time() - limits.measured < 3600


def test_the_quick_form_takes_ten_seconds_at_most(quick: tuple[Limits, float]) -> None:
    assert quick[1] < 10


def test_the_ladder_reaches_dram_unless_it_says_why_not(quick: tuple[Limits, float]) -> None:
    for part in ("chase", "stream"):
        for count in COUNTS:
            sizes = [rung.footprint for rung in getattr(quick[0], part) if rung.threads == count]
            assert sizes == sorted(sizes) and sizes[0] <= 64 << 10
            assert sizes[-1] >= 4 * reach(caches(), count) or part in quick[0].unmeasured


def test_dram_is_far_and_arithmetic_is_near(quick: tuple[Limits, float]) -> None:
    """Relations that no machine misses by less than tenfold."""
    limits, _ = quick
    nearest, *_, farthest = (rung for rung in limits.chase if rung.threads == 1)
    if "chase" not in limits.unmeasured:
        assert farthest.seconds > 10 * nearest.seconds
    assert limits.dispatch is None or limits.dispatch > 10 * limits.chains["add"]


def test_torch_is_timed_where_there_is_one(quick: tuple[Limits, float]) -> None:
    if find_spec("torch") is None:
        assert quick[0].dispatch is None
        assert quick[0].unmeasured["dispatch"] == "torch is not installed; pip install serialprof[torch]"
    elif "dispatch" not in quick[0].unmeasured:
        assert quick[0].dispatch is not None and 1e-8 < quick[0].dispatch < 1e-3


def test_torch_is_never_imported_here() -> None:
    pytest.importorskip("torch")
    program = f"""
import sys
from serialprof.measure.introspection import probe_limits
limits = probe_limits(({CPUS[0]},), [1], parts=("dispatch",))
print(limits.dispatch > 0, "torch" in sys.modules, limits.chains)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True False {}"


def test_a_machine_without_torch_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "find_spec", lambda name: None)
    limits = probe_limits(CPUS[:1], [1], effort=Effort(True, 8.0, {"fma": 0.1, "dispatch": 0.1}))
    assert limits.fma and limits.dispatch is None
    assert limits.unmeasured == {"dispatch": "torch is not installed; pip install serialprof[torch]"}


def test_what_does_not_end_in_time_is_given_up_and_the_rest_kept() -> None:
    pytest.importorskip("torch")
    started = time.monotonic()
    limits = probe_limits(CPUS[:1], [1], effort=Effort(True, 1.2, {"fma": 0.02, "dispatch": 0.1}))
    assert time.monotonic() - started < 12  # the import of torch alone takes about as long as there is time
    assert limits.fma or limits.unmeasured["fma"]
    assert set(limits.unmeasured) <= {"fma", "dispatch"} and "dispatch" in limits.unmeasured


def test_without_any_time_nothing_can_be_measured() -> None:
    with pytest.raises(CannotMeasureError, match="the limits of this machine cannot be measured: its time was up"):
        probe_limits(CPUS, COUNTS, effort=Effort(True, 0.1, {"chains": 0.1, "fma": 0.1}))


def test_a_cpu_that_may_not_be_used_is_an_error_with_its_reason() -> None:
    with pytest.raises(CannotMeasureError, match="cannot be measured: worker ended with exit code 1: OSError"):
        probe_limits((4095,), [1], quick=True, parts=("fma",))


def test_thread_counts_beyond_the_cpus_are_left_out() -> None:
    limits = probe_limits(CPUS[:1], [1, 2, 4096], quick=True, parts=("stream", "barriers"))
    assert {rung.threads for rung in limits.stream} == {1}
    assert limits.barriers == () and "barriers" not in limits.unmeasured


@pytest.mark.parametrize(("effort", "bound"), [(QUICK, 10), (BRIEF, 30), (FULL, 120)], ids=["quick", "brief", "full"])
def test_what_the_parts_aim_at_leaves_room_for_processes_and_torch(effort: Effort, bound: float) -> None:
    assert set(effort.seconds) == set(PARTS)
    assert sum(effort.seconds.values()) <= effort.bound * 0.8
    assert effort.bound < bound


@pytest.mark.parametrize("part", ["chase", "stream", "barriers"])
def test_what_there_is_no_time_for_is_missing_and_named(part: str) -> None:
    if len(CPUS) < 2:
        pytest.skip("one CPU has no barriers")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CPUS[:1])
    try:
        limits = measure_part(part, CPUS, (2,), quick=False, seconds=0.02)  # type: ignore[arg-type]
    finally:
        os.sched_setaffinity(0, before)
    assert len(getattr(limits, part)) < max(14, len(GRAINS[False]))
    assert "time was up" in limits.unmeasured[part]
