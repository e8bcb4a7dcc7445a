# SPDX-License-Identifier: Apache-2.0
"""Real workers whose workloads do to their process what no step may do: a sentence, and the next point goes on."""

import os
import signal
import time
from pathlib import Path

import pytest

from serialprof.errors import WorkloadError
from serialprof.measure import process as process_module
from serialprof.measure.introspection import Introspector
from serialprof.measure.misconduct import Rules
from serialprof.measure.pool import PointFailedError, PointHungError, Pool
from serialprof.measure.whereabouts import place_told
from serialprof.planning import Point
from serialprof.setting import Setting

CPU = min(os.sched_getaffinity(0))
LIMIT = 60.0
#: Those that fork do so once in a process, and write a line about every process that takes a step.
SOURCE = '''
import asyncio, ctypes, multiprocessing, os, sys, time
import serialprof

HERE = os.path.dirname(__file__)
os.chdir(HERE)  # a file may go where its data lies
forked = []
told = []

def once(action):
    return serialprof.workload(widths=(1, 2), default_depth=3)(action)

def tell():
    if os.getpid() not in told:
        told.append(os.getpid())
        with open(os.path.join(HERE, "stepping"), "a") as file:
            file.write(f"{os.getpid()}\\n")

def only(setting, misbehave):
    """Steps that misbehave at width 2 alone."""
    return misbehave if setting.width == 2 else lambda: sum(range(50))

@once
def late(setting):
    count = [0]
    def step():
        count[0] += 1
        if count[0] == 1000:
            raise ValueError("lost")
    return only(setting, step)

@once
def promises(setting):
    def step():
        yield 1
    return only(setting, step)

@once
def promises_elsewhere(setting):
    return only(setting, lambda: (number for number in range(3)))

@once
def awaits(setting):
    async def step():
        pass
    return only(setting, step)

@once
def cancels(setting):
    def step():
        raise asyncio.CancelledError
    return only(setting, step)

@once
def wanders(setting):
    return only(setting, lambda: os.chdir("/"))

@once
def strays(setting):
    return only(setting, lambda: os.sched_setaffinity(0, range(os.cpu_count())))

@once
def narrows(setting):
    return only(setting, lambda: os.sched_setaffinity(0, [max(os.sched_getaffinity(0))]))

@once
def forks(setting):
    def step():
        if not forked:
            forked.append(True)
            if child := os.fork():
                os.waitpid(child, 0)
        tell()
    return only(setting, step)

@once
def forks_ended(setting):
    def step():
        if not forked:
            forked.append(True)
            if child := os.fork():
                os.waitpid(child, 0)
            else:
                os._exit(0)
    return only(setting, step)

@once
def hires(setting):
    """A child of multiprocessing that has one of its own: neither comes back."""
    Process = multiprocessing.get_context("fork").Process
    def run(target):
        child = Process(target=target)
        child.start()
        child.join()
        assert child.exitcode == 0
    def step():
        if not forked:
            forked.append(True)
            run(lambda: run(int))
    return only(setting, step)

@once
def forks_building(setting):
    if setting.width == 2 and not forked:
        forked.append(True)
        if child := os.fork():
            os.waitpid(child, 0)
    return tell

@once
def forks_on(setting):
    """Forks twice in all: the second time in the child, which comes back and is called again."""
    def step():
        tell()
        if len(forked) < 2:
            forked.append(True)
            if child := os.fork():
                forked.append(True)  # once is enough for the parent
                os.waitpid(child, 0)
    return only(setting, step)

@once
def shouts(setting):
    libc = ctypes.CDLL(None)
    def step():
        print("a" * 200_000, flush=True)
        print("b" * 200_000, file=sys.stderr, flush=True)
        libc.puts(b"c" * 200_000)
        libc.puts(b"and that was it")
        libc.fflush(None)
    return only(setting, step)

@once
def shouts_on(setting):
    def step():
        while True:
            os.write(1, b"d" * 65536)
            time.sleep(0.001)
    return only(setting, step)

@once
def sleeps(setting):
    return only(setting, lambda: time.sleep(1000))  # the line where it hangs
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "loops.py"
    path.write_text(SOURCE)
    return path


def point(file: Path, name: str, width: int = 1, cpus: tuple[int, ...] = (CPU,)) -> Point:
    return Point(0, f"{file}:{name}", Setting(width=width, depth=3, threads=len(cpus), cpus=cpus, mode="eager"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("late", r"^ValueError: lost \(loops.py, line \d+\)$"),
        ("promises", r"^its step returned a generator, so its body never ran; run it to its end within the step$"),
        ("promises_elsewhere", r"^its step returned a generator"),
        ("awaits", r"^its step returned a coroutine"),
        ("cancels", r"^CancelledError \(loops.py, line \d+\)$"),
        ("wanders", r"^it changed the working folder to /: give whole paths instead$"),
        ("forks", r"^it forked, and the child came back as a second worker: end the child with os._exit$"),
        ("forks_building", r"^it forked, and the child came back"),
        ("forks_on", r"^it forked, and the child came back"),
        ("shouts", r"^it printed [\d.]+ MiB in one visit, which is more than 4(.00)? MiB, so .*: and that was it$"),
    ],
)
def test_misconduct_is_a_sentence_and_the_next_point_is_sound(file: Path, name: str, sentence: str) -> None:
    good, bad = point(file, name), point(file, name, width=2)
    with Pool() as pool:
        assert pool.calibrate(good, LIMIT) > 0
        with pytest.raises(PointFailedError, match=sentence):
            pool.calibrate(bad, LIMIT)
            pool.sample(bad, runs=300, seconds=0.1, limit=LIMIT)
        assert len(pool.sample(good, runs=3, seconds=0.01, limit=LIMIT).samples) >= 2
    stepping = file.with_name("stepping")
    if name in ("forks", "forks_on"):
        assert len(stepping.read_text().split()) <= 2, "a child that came back forked in its turn"


@pytest.mark.parametrize("name", ["forks_ended", "hires"])
def test_a_child_that_does_not_come_back_is_the_workloads_own_business(file: Path, name: str) -> None:
    with Pool() as pool:
        assert pool.calibrate(point(file, name, width=2), LIMIT) > 0


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs a second CPU")
def test_a_step_that_binds_itself_elsewhere_is_told_and_what_it_bound_ends_with_it(file: Path) -> None:
    first, second = sorted(os.sched_getaffinity(0))[:2]
    told = rf"it let itself run on CPUs that it was not given \(.*{second}.*\): leave its affinity alone"
    with Pool() as pool:
        with pytest.raises(PointFailedError, match=told):
            pool.calibrate(point(file, "strays", 2, (first,)), LIMIT)
        assert pool.calibrate(point(file, "strays", 1, (first,)), LIMIT) > 0


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs a second CPU")
def test_a_step_may_narrow_itself_only_where_its_threads_are_told_to_bind(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpus = tuple(sorted(os.sched_getaffinity(0))[:2])
    narrow = point(file, "narrows", 2, cpus)
    with Pool() as pool, pytest.raises(PointFailedError, match=f"it bound itself to CPU {cpus[1]}, where it was given"):
        pool.calibrate(narrow, LIMIT)
    monkeypatch.setenv("OMP_PROC_BIND", "true")
    with Pool() as pool:
        assert pool.calibrate(narrow, LIMIT) > 0


def test_one_that_prints_without_an_end_is_ended_before_its_time_is_up(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "_LOOK", 0.05)
    begin = time.monotonic()
    with Pool() as pool, pytest.raises(PointFailedError, match=r"it printed .* in one visit"):
        pool.calibrate(point(file, "shouts_on", width=2), 2 * LIMIT)
    assert time.monotonic() - begin < LIMIT


def test_one_that_hangs_says_where(file: Path) -> None:
    line = next(number for number, text in enumerate(SOURCE.splitlines(), 1) if "where it hangs" in text)
    with (
        Pool() as pool,
        pytest.raises(PointHungError, match=rf"^hung: no answer within 3 s \(loops.py, line {line}\)$"),
    ):
        pool.calibrate(point(file, "sleeps", width=2), limit=3)


def test_the_users_own_place_is_the_innermost_of_the_users_own_files() -> None:
    ours, pythons = Path(process_module.__file__), Path(signal.__file__)
    frames = [f'  File "{pythons}", line 1 in wait', '  File "/home/me/loop.py", line 7 in step']
    frames += ['  File "/home/me/main.py", line 3 in go', f'  File "{ours}", line 5 in ask']
    assert place_told("\n".join(["Current thread (most recent call first):", *frames])) == "loop.py, line 7"
    installed = '  File "/usr/lib/python3/site-packages/fast/__init__.py", line 2 in run'
    assert place_told("\n".join([installed, *frames])) == "loop.py, line 7"
    assert place_told(f"{frames[0]}\n{installed}\n{frames[3]}") == "__init__.py, line 2"
    assert place_told(f"{frames[0]}\n{frames[3]}\nwhat else was printed") == ""


def test_a_folder_that_is_gone_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    rules = Rules()
    assert rules.broken(None) == ""
    gone.rmdir()
    assert rules.broken(None) == "it changed the working folder to one that is gone: give whole paths instead"
    rules.settle()
    assert rules.broken(None) == ""


def test_a_file_that_does_not_import_shows_its_own_frames_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import json\n\ndef read():\n    return json.loads('{')\n\nread()\n")
    introspector = Introspector(f"{tmp_path}/broken.py:loop", CPU)
    with pytest.raises(WorkloadError) as error:
        introspector.describe()
    introspector.close()
    sentence, *trace = str(error.value).splitlines()
    assert "JSONDecodeError: Expecting property name" in sentence and sentence.endswith("(broken.py, line 4)")
    assert [line.strip() for line in trace if not set(line) <= set(" ^")] == [
        f'File "{tmp_path}/broken.py", line 6, in <module>', "read()",
        f'File "{tmp_path}/broken.py", line 4, in read', "return json.loads('{')",
    ]  # fmt: skip


def test_a_file_that_is_no_python_shows_the_place(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def loop(:\n")
    introspector = Introspector(f"{tmp_path}/broken.py:loop", CPU)
    with pytest.raises(WorkloadError) as error:
        introspector.describe()
    introspector.close()
    assert "SyntaxError: invalid syntax (broken.py, line 1)" in error.value.message
    assert [line.strip() for line in error.value.trace.splitlines()][-2:] == ["def loop(:", "^"]
