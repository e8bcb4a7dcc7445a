# SPDX-License-Identifier: Apache-2.0
"""Real worker processes with workloads that misbehave."""

import os
import resource
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from serialprof.errors import WorkloadError
from serialprof.machine import quota
from serialprof.measure import memory, protocol, sampler, worker
from serialprof.measure import pool as pool_module
from serialprof.measure import process as process_module
from serialprof.measure.introspection import Introspector
from serialprof.measure.pool import PointExhaustedError, PointFailedError, Pool
from serialprof.planning import Point
from serialprof.records import Readings
from serialprof.setting import Setting

CPU = min(os.sched_getaffinity(0))
LIMIT = 60.0


def point(toys: Path, name: str, width: int = 1, cpus: tuple[int, ...] = (CPU,)) -> Point:
    return Point(0, f"{toys}:{name}", Setting(width=width, depth=3, threads=len(cpus), cpus=cpus, mode="eager"))


def test_a_sound_workload_is_calibrated_and_sampled(toys: Path) -> None:
    with Pool() as pool:
        cell = point(toys, "sound")
        assert pool.calibrate(cell, LIMIT) > 0
        pool.check(cell, LIMIT)
        readings = pool.sample(cell, runs=5, seconds=0.01, limit=LIMIT)
    assert len(readings.samples) >= 2
    assert all(sample.seconds > 0 and sample.cpu_seconds >= 0 for sample in readings.samples)
    assert {sample.cpu for sample in readings.samples} <= {CPU, None}
    assert readings.ticks is not None and len(readings.ticks.steps) >= 8 * cell.setting.depth
    assert readings.warmup_runs > 0


def test_the_meter_is_read_where_the_run_asks_for_it(toys: Path) -> None:
    with Pool(meter=False) as pool:
        readings = pool.sample(point(toys, "sound"), runs=5, seconds=0.01, limit=LIMIT)
    assert {(sample.clock_before, sample.clock_after) for sample in readings.samples} == {(None, None)}


def test_every_core_is_read_where_the_run_sets_clocks_and_nowhere_else(toys: Path) -> None:
    cpus = tuple(sorted(os.sched_getaffinity(0))[:2])
    free = point(toys, "sound", cpus=cpus)
    with Pool() as pool:
        for clock, count in ((None, 0), (1e9, len(cpus))):
            cell = replace(free, setting=replace(free.setting, clock=clock))
            readings = pool.sample(cell, runs=5, seconds=0.01, limit=LIMIT)
            assert len(readings.core_clocks) == count
            assert all(hertz is None or hertz > 1e6 for hertz in readings.core_clocks)


def test_stand_ins_are_taken_in_the_worker(toys: Path) -> None:
    with Pool() as pool:
        cell = point(toys, "sound")
        timings = pool.stand_in(cell, "delay", 3, 2, (0.0, 1e-3, 1e-3, 0.0), LIMIT)
        assert [timing.level for timing in timings] == [0.0, 1e-3, 1e-3, 0.0]
        assert min(timing.seconds for timing in timings[1:3]) > 0.99e-3
        with pytest.raises(PointFailedError, match="its steps cannot be delayed"):
            pool.stand_in(point(toys, "tells_its_process"), "delay", 3, 2, (0.0,), LIMIT)
        with pytest.raises(PointFailedError, match="died by SIGABRT"):
            pool.stand_in(point(toys, "aborts"), "delay", 3, 2, (0.0,), LIMIT)


def test_after_a_restart_a_fresh_process_samples(toys: Path) -> None:
    with Pool() as pool:
        cell = point(toys, "tells_its_process")
        first, same = (pool.sample(cell, 1, 0.003, LIMIT).stderr for _ in range(2))
        pool.restart()
        other = pool.sample(cell, 1, 0.003, LIMIT).stderr
    assert first == same != other


def test_a_stepper_is_fresh_once_in_a_process(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its first visit, unless calibration has warmed it up; and again where it had to be built again."""
    asked: list[bool] = []

    def sample(*_: object, fresh: bool, **__: object) -> Readings:
        asked.append(fresh)
        return Readings(())

    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as in a worker
    monkeypatch.setattr(sampler, "sample", sample)
    one, two = (point(toys, "sound", width=width).setting for width in (1, 2))
    served = worker.Worker(f"{toys}:sound", [CPU])
    for setting in (one, one, two, one):
        assert isinstance(served.handle(protocol.Sampling(setting, 1, 0.0)), protocol.Sampled)
    assert asked == [True, False, True, False]
    served._steppers.clear()  # as where memory is short
    served.handle(protocol.Sampling(one, 1, 0.0))
    assert isinstance(served.handle(protocol.Calibrate(two)), protocol.Calibrated)
    served.handle(protocol.Sampling(two, 1, 0.0))
    assert asked[4:] == [True, False]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raises", r"ZeroDivisionError: at step 1 \(toys.py, line \d+\)"),
        ("aborts", "worker died by SIGABRT"),
        ("exits", "worker ended with exit code 7"),
        ("leaves", "SystemExit: 3"),
        ("starves", "out of memory"),
        ("babbles", "spoke garbage on the worker's pipe"),
        ("absent", "has no 'absent'; it declares sound, environment"),
    ],
)
def test_a_failing_workload_is_a_reason(toys: Path, name: str, reason: str) -> None:
    with Pool() as pool, pytest.raises(PointFailedError, match=reason):
        pool.calibrate(point(toys, name), LIMIT)


def test_a_wrong_answer_is_found_by_the_check_alone(toys: Path) -> None:
    with Pool() as pool:
        wrong, right = point(toys, "wrong"), point(toys, "wrong", width=2)
        assert pool.calibrate(wrong, LIMIT) >= 0
        with pytest.raises(PointFailedError, match="AssertionError: the answer is 41"):
            pool.check(wrong, LIMIT)
        pool.check(right, LIMIT)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_workload_that_eats_memory_fails_before_the_machine_runs_out_and_the_sweep_goes_on(toys: Path) -> None:
    # A worker keeps the lower one of its own limit and the one that it inherits; the test must not limit itself.
    script = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from serialprof.measure.pool import PointFailedError, Pool
from tests.measure.test_workers import LIMIT, point
resource.setrlimit(resource.RLIMIT_DATA, (768 << 20, 768 << 20))
toys = Path({str(toys)!r})
with Pool() as pool:
    try:
        pool.calibrate(point(toys, "eats"), LIMIT)
    except PointFailedError as error:
        print("failed:", error)
    print("sound:", pool.calibrate(point(toys, "sound"), LIMIT) > 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines() == ["failed: out of memory", "sound: True"], done.stderr


def test_a_worker_may_take_what_the_machine_and_its_cgroup_can_give(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: limits.append(pair))
    monkeypatch.setattr(quota, "available_memory", lambda: 10 << 30)
    for hard in (-1, 64 << 30, 1 << 30):
        monkeypatch.setattr(resource, "getrlimit", lambda which, hard=hard: (hard, hard))
        memory.limit_memory()
    assert limits == [(9 << 30, -1), (9 << 30, 64 << 30), (1 << 30, 1 << 30)]
    monkeypatch.setattr(quota, "available_memory", lambda: None)
    memory.limit_memory()
    assert len(limits) == 3, "nothing is limited where nothing is known"


def test_after_a_lost_device_the_next_point_is_served_by_another_process(toys: Path) -> None:
    with Pool() as pool:
        sound, lost = (point(toys, "loses_its_device", width=width) for width in (1, 2))
        first = pool.sample(sound, 1, 0.003, LIMIT).stderr
        with pytest.raises(PointFailedError, match=r"^RuntimeError: CUDA error: device-side assert triggered") as error:
            pool.calibrate(lost, LIMIT)
        assert "\n" not in str(error.value)
        assert pool.sample(sound, 1, 0.003, LIMIT).stderr != first


def test_memory_that_does_not_suffice_is_told_apart_and_the_worker_goes_on(toys: Path) -> None:
    with Pool() as pool:
        with pytest.raises(PointExhaustedError, match=r"^out of memory$"):
            pool.calibrate(point(toys, "starves"), LIMIT)
        assert len(pool._workers) == 1, "only a CUDA device is freed by ending its workers"


class Scripted:
    """Stands for the workers of a CUDA device, which is not there: memory suffices once others have ended."""

    live: ClassVar[list["Scripted"]] = []
    need = 1

    def __init__(self, reference: str, cpus: tuple[int, ...]) -> None:
        self.answers = 0
        self.live.append(self)

    def ask(self, request: protocol.Request, limit: float) -> protocol.Reply:
        self.answers += 1
        held = len(self.live) - 1 + self.answers
        return protocol.Exhausted("full") if held > self.need else protocol.Calibrated(held)

    def close(self) -> None:
        self.live.remove(self)

    kill = close


@pytest.mark.parametrize("others", [0, 1])
def test_workers_of_a_cuda_device_make_room_for_one_that_finds_it_full(
    toys: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    monkeypatch.setattr(pool_module, "WorkerProcess", Scripted)
    monkeypatch.setattr(Scripted, "live", [])
    cell = point(toys, "sound")
    here = replace(cell, setting=replace(cell.setting, device="cuda:0"))
    elsewhere = replace(here, workload="elsewhere")
    with Pool() as pool:
        assert pool.calibrate(elsewhere if others else here, LIMIT) == 1
        assert pool.calibrate(here, LIMIT) == 1, "asked again once the device was free"
        assert len(Scripted.live) == 1
        monkeypatch.setattr(Scripted, "need", 0)
        with pytest.raises(PointExhaustedError, match="full"):
            pool.calibrate(here, LIMIT)
        assert not Scripted.live, "the next one finds the device free"


def test_a_hanging_workload_is_ended_and_the_next_one_answers(toys: Path) -> None:
    with Pool() as pool:
        with pytest.raises(PointFailedError, match="hung: no answer within 2 s"):
            pool.calibrate(point(toys, "hangs"), limit=2)
        assert pool.calibrate(point(toys, "sound"), LIMIT) > 0


def test_what_a_workload_prints_never_reaches_the_protocol(toys: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Pool() as pool:
        assert pool.calibrate(point(toys, "prints"), LIMIT) < 1
    assert capfd.readouterr() == ("", "")


def test_threads_and_cpus_are_set_before_any_import(toys: Path) -> None:
    cpus = tuple(sorted(os.sched_getaffinity(0)))[:2]
    reason = f"threads={len(cpus)} cpus={len(cpus)}"
    with Pool() as pool, pytest.raises(PointFailedError, match=reason):
        pool.calibrate(point(toys, "environment", cpus=cpus), LIMIT)


def test_the_sampling_thread_of_a_native_workload_is_bound_to_its_own_cpu(toys: Path) -> None:
    cell = point(toys, "pinned", cpus=tuple(sorted(os.sched_getaffinity(0)))[:2])
    native = replace(cell, setting=replace(cell.setting, mode="native"))
    with Pool() as pool:
        with pytest.raises(PointFailedError, match=f"mode=eager cpus={len(cell.setting.cpus)}"):
            pool.calibrate(cell, LIMIT)
        with pytest.raises(PointFailedError, match="mode=native cpus=1"):
            pool.calibrate(native, LIMIT)


def test_workers_are_few_and_restarted(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAXIMUM_WORKERS", 1)
    with Pool() as pool:
        for name in ("sound", "prints", "sound"):
            assert pool.calibrate(point(toys, name), LIMIT) > 0
        pool.restart()
        assert pool.calibrate(point(toys, "sound"), LIMIT) > 0


def test_a_workload_is_described_without_being_built(toys: Path) -> None:
    with closing(Introspector(f"{toys}:starves", CPU)) as introspector:
        description, code = introspector.describe()
        assert introspector.declare([Setting()]) == (None,)
    assert (description.name, description.depth, description.widths) == ("starves", 3, (1, 2, 3, 4))
    assert len(code) == 64


def test_a_declaration_that_refuses_a_width_is_a_sentence(toys: Path) -> None:
    refusal = pytest.raises(WorkloadError, match=r"width = 3 is odd; take an even one")
    with closing(Introspector(f"{toys}:declared", CPU)) as introspector, refusal:
        introspector.declare([Setting(width=3)])


def test_a_file_that_does_not_import_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import serialprof\nimport no_such_module\n")
    refusal = pytest.raises(WorkloadError, match=r"No module named 'no_such_module' \(broken.py, line 2\)")
    with closing(Introspector(f"{tmp_path}/broken.py:any", CPU)) as introspector, refusal:
        introspector.describe()


def test_what_a_workload_started_ends_with_its_worker(toys: Path) -> None:
    with Pool() as pool:
        pool.calibrate(point(toys, "leaves_children"), LIMIT)
        child = int((toys.parent / "child").read_text())
        os.kill(child, 0)
    deadline = time.monotonic() + 30
    while _state(child) not in ("", "Z"):
        assert time.monotonic() < deadline, "a child outlives its worker"


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_numbers_of_numpy_are_numbers(toys: Path) -> None:
    with closing(Introspector(f"{toys}:counted", CPU)) as introspector:
        description, _ = introspector.describe()
        (work,) = introspector.declare([Setting(width=1)])
        with pytest.raises(WorkloadError, match="its declared flops is nan, no finite number from 0 on"):
            introspector.declare([Setting(width=2)])
    assert (description.widths, description.depth, description.parameters) == ((1, 2, 4, 8), 3, {"size": 2})
    assert work is not None and work.flops.at(2) == 6


def test_work_that_is_no_work(toys: Path) -> None:
    refusal = pytest.raises(WorkloadError, match=r"its work is a int; return a serialprof.Work")
    with closing(Introspector(f"{toys}:no_work", CPU)) as introspector, refusal:
        introspector.declare([Setting()])


def test_what_a_workload_prints_without_end_fills_no_disk(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To be built, "floods" prints 10 kB; the file is cut off in between, and goes on at its new end."""
    assert process_module._MOST_PRINTED <= 64 << 20
    monkeypatch.setattr(process_module, "_MOST_PRINTED", 16_000)
    kept = []
    with Pool() as pool:
        for width in (1, 3, 4):
            pool.calibrate(point(toys, "floods", width), LIMIT)
            (printed,) = (process._printed for process in pool._workers.values())
            kept.append(os.fstat(printed.fileno()).st_size)
        with pytest.raises(PointFailedError, match="worker ended with exit code 7: the last of it"):
            pool.calibrate(point(toys, "floods", width=2), LIMIT)
    assert kept == [10_000, 0, 10_000]


def test_what_little_a_workload_prints_is_kept(toys: Path) -> None:
    with Pool() as pool:
        pool.calibrate(point(toys, "prints"), LIMIT)
        (printed,) = (process._printed for process in pool._workers.values())
        assert os.fstat(printed.fileno()).st_size >= len(b"garbage" * 1000)


def test_a_point_that_ate_all_memory_takes_no_other_with_it(toys: Path) -> None:
    """As after "out of memory": what was built is forgotten and built again."""
    served = worker.Worker(f"{toys}:sound", [CPU])
    setting = point(toys, "sound").setting
    served._steppers[repr(setting)] = object()  # type: ignore[assignment]

    def starve(*_: object) -> None:
        raise MemoryError

    served._dispatch = starve  # type: ignore[assignment, method-assign]
    assert served.handle(protocol.Calibrate(setting)) == protocol.Exhausted("out of memory")
    assert not served._steppers
