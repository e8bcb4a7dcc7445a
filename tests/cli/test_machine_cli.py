# SPDX-License-Identifier: Apache-2.0
"""`serialprof machine` as a process, its tables on made-up limits, and runs that take the limits that it kept."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from serialprof.cli.limits import limit_lines
from serialprof.limits import BarrierRung, ChaseRung, Limits, StreamRung
from serialprof.store import read_run

TOY = """
import serialprof

@serialprof.workload(widths=(1, 2), default_depth=4)
def spin(setting):
    return lambda: sum(range(200 * setting.width))
"""
QUICK = ("--quick", "--budget", "0.5s", "--threads", "1", "--no-html")

MADE = Limits(
    clock=3.5e9,
    chains={"add": 1 / 3.5e9, "divide": 13.4 / 3.5e9},
    chase=(ChaseRung(16 << 10, 1.14e-9), ChaseRung(128 << 20, 117e-9), ChaseRung(128 << 20, 130e-9, 2)),
    stream=(StreamRung(16 << 10, 1, 2.1e11), StreamRung(128 << 20, 2, 3.3e10)),
    fma={"baseline": 2.8e10, "avx512": 1.1e11},
    barriers=(
        BarrierRung(2, 0.0, 149e-9, 2e-9),
        BarrierRung(2, 0.98e-6, 180e-9, 3e-9),
        BarrierRung(4, 1.02e-6, 250e-9, 4e-9),
    ),
    dispatch=830e-9,
    measured=1.7e9,
    unmeasured={
        "stream": "no footprint beyond 128 MiB of 2 threads: its time was up",
        "dispatch": "worker died by SIGABRT, " * 4 + "so",
    },
)
SHOWN = """\
core clock by the meter     3.50 GHz
                       cycles     time
dependent add            1.00   286 ps
dependent divide        13.40  3.83 ns
eager torch operation    2905   830 ns

                        1 thread
fp32 FMA, baseline  28.0 GFLOP/s
fp32 FMA, avx512     110 GFLOP/s

dependent load and read bandwidth of all threads (T) together, by footprint
         load, 1T  load, 2T  read, 1T   read, 2T
16 KiB    1.14 ns         -  210 GB/s          -
128 MiB    117 ns    130 ns         -  33.0 GB/s

what a barrier adds to a step, by the work of each thread in it
work            2 threads          4 threads
none    149 ns +- 2.00 ns                  -
980 ns  180 ns +- 3.00 ns  250 ns +- 4.00 ns

not measured:
  bandwidth of memory: no footprint beyond 128 MiB of 2 threads: its time was up
  dispatch of torch: worker died by SIGABRT, worker died by SIGABRT, worker died
    by SIGABRT, worker died by SIGABRT, so
"""


#: On one CPU, so that no other work on this machine keeps a barrier from being measured; and in less time, for it is no
#: matter how well the limits are known.
MAIN = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from serialprof.measure.effort import QUICK
QUICK.seconds.update(chase=0.3, stream=0.3)
from serialprof.cli import main
main()
"""


def serialprof(*arguments: str, cwd: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, *arguments]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cache that `machine --quick` filled, and what it printed."""
    cache = tmp_path_factory.mktemp("cache")
    done = serialprof("machine", "--quick", cwd=cache, cache=cache)
    assert done.returncode == 0, done.stderr
    return cache, done.stdout


def cached(cache: Path) -> dict[str, object]:
    (file,) = (cache / "serialprof").iterdir()
    content: dict[str, object] = json.loads(file.read_bytes())
    return content


def test_the_machine_and_its_limits_are_shown_in_eighty_columns(measured: tuple[Path, str]) -> None:
    cache, text = measured
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "(quick form), kept for the next runs" in text
    for piece in ("host ", "processor ", "dependent fma", "cycles", "load, 1T", "read, 1T", "fp32 FMA, baseline"):
        assert piece in text
    limits = msgspec.convert(cached(cache)["limits"], Limits)
    assert text.endswith("\n".join(limit_lines(limits, 80)) + "\n")


def test_everything_is_exported_as_json(measured: tuple[Path, str], tmp_path: Path) -> None:
    arguments = ("machine", "--quick", "--json", "-o", "machine.json")
    done = serialprof(*arguments, cwd=tmp_path, cache=measured[0])
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    document = json.loads((tmp_path / "machine.json").read_text())
    assert set(document) == {"machine", "limits"}
    limits = msgspec.convert(document["limits"], Limits)
    assert limits.chains and limits.chase and limits.stream and limits.fma and limits.quick
    assert cached(measured[0])["limits"] == document["limits"], "the newer quick form replaces the older"

    before = (tmp_path / "machine.json").read_text()
    again = serialprof(*arguments, cwd=tmp_path, cache=measured[0])
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("serialprof: machine.json exists")
    assert (tmp_path / "machine.json").read_text() == before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toys.py").write_text(TOY)
    return tmp_path


def test_a_run_takes_the_limits_that_were_kept_and_says_how_old_they_are(
    measured: tuple[Path, str], folder: Path
) -> None:
    done = serialprof("run", "toys.py:spin", *QUICK, "-o", "a.serialprof", cwd=folder, cache=measured[0])
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if "limits" in line)
    assert line.startswith("this machine's limits are those measured ") and line.endswith(" ago in the quick form ...")
    assert read_run(folder / "a.serialprof").limits == msgspec.convert(cached(measured[0])["limits"], Limits)


def test_a_damaged_cache_is_measured_anew(measured: tuple[Path, str], folder: Path) -> None:
    cache = Path(shutil.copytree(measured[0], folder / "cache"))
    (file,) = (cache / "serialprof").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    done = serialprof("run", "toys.py:spin", *QUICK, "-o", "b.serialprof", cwd=folder, cache=cache)
    assert done.returncode == 0
    assert "measuring this machine's limits ..." in done.stderr.splitlines(), done.stderr
    assert cached(cache)["threads"] == [1]


def test_a_cache_that_cannot_be_written_stops_nothing(folder: Path) -> None:
    done = serialprof("run", "toys.py:spin", *QUICK, "-o", "a.serialprof", cwd=folder, cache=folder / "toys.py")
    assert done.returncode == 0, done.stderr
    assert read_run(folder / "a.serialprof").limits.chains


def test_made_up_limits_read_as_they_should() -> None:
    text = "\n".join(limit_lines(MADE, 80))
    assert text == SHOWN.rstrip("\n")


def test_updates_stand_beside_reads() -> None:
    updates = (StreamRung(16 << 10, 1, 2.5e11), StreamRung(128 << 20, 2, 4.4e10))
    text = "\n".join(limit_lines(replace(MADE, updates=updates), 80))
    assert (
        """\
dependent load, reads and updates of all threads (T) together, by footprint
         load, 1T  load, 2T  read, 1T   read, 2T  update, 1T  update, 2T
16 KiB    1.14 ns         -  210 GB/s          -    250 GB/s           -
128 MiB    117 ns    130 ns         -  33.0 GB/s           -   44.0 GB/s
"""
        in text
    )


def test_what_was_not_measured_is_left_out() -> None:
    assert limit_lines(Limits(), 80) == []
    assert limit_lines(Limits(chains={"add": 1e-9}), 80) == [
        "               cycles     time",
        "dependent add       -  1.00 ns",
    ]


def test_many_thread_counts_still_fit() -> None:
    counts = (1, 2, 4, 8, 16, 32, 64)
    limits = replace(
        MADE,
        chase=tuple(ChaseRung(1 << 30, 123e-9, count) for count in counts),
        stream=tuple(StreamRung(1 << 30, count, 1.23e12) for count in counts),
        barriers=tuple(BarrierRung(count, grain, 123e-9, 1.23e-9) for count in counts[1:] for grain in (0.0, 1.01e-3)),
    )
    with_updates = replace(limits, updates=limits.stream)
    assert max(map(len, limit_lines(with_updates, 80))) <= 80
    assert len([line for line in limit_lines(with_updates, 80) if "update," in line]) == 4
    lines = limit_lines(limits, 80)
    assert max(map(len, lines)) <= 80
    assert [line.split()[:3] for line in lines if "load," in line] == [
        ["load,", "1T", "load,"],
        ["load,", "8T", "load,"],
        ["load,", "64T", "read,"],
    ]
