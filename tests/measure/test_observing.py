# SPDX-License-Identifier: Apache-2.0
"""What is observed of a stepper in a process of its own, as far as no time decides it."""

import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from serialprof.catalog import workload
from serialprof.measure.conduct import Watch
from serialprof.measure.observation import Aftermath, DepthTime
from serialprof.measure.observing import growth, watch_reads, went_on
from serialprof.measure.threadtimes import seconds_of, since, thread_times
from serialprof.setting import Setting


def test_the_knobs_that_a_build_function_looks_at_are_known() -> None:
    setting = Setting(width=3, seed=7, parameters={"hidden": 8})
    watched, reads = watch_reads(setting)
    assert reads == set()
    assert (watched.width, watched.integer("hidden")) == (3, 8)
    assert {"width", "parameters"} <= reads and "seed" not in reads
    assert asdict(replace(watched, width=4)) == asdict(replace(setting, width=4))
    assert asdict(watched) == asdict(setting) and "seed" in reads


def test_growth_is_that_of_time_over_that_of_steps() -> None:
    assert growth(DepthTime(8, 1.0), DepthTime(64, 8.0)) == pytest.approx(1)
    assert growth(DepthTime(8, 1.0), DepthTime(64, 1.0)) == 0
    assert growth(DepthTime(1, 1.0), DepthTime(2, 1.5)) == pytest.approx(0.5)


def test_work_goes_on_where_the_process_or_its_device_is_busy_after_runs() -> None:
    assert not went_on(Aftermath(0.15, 0.001, 0.05))
    assert went_on(Aftermath(0.15, 0.1, 0.05))
    assert not went_on(Aftermath(0.15, 0.001, 0.05, device=2e-5))
    assert went_on(Aftermath(0.15, 0.001, 0.05, device=0.01))
    assert not went_on(Aftermath(0.15, 0.001, 10.0, device=0.01))


def test_a_run_takes_at_least_the_time_of_its_thread() -> None:
    done = []
    before = thread_times()
    assert seconds_of(lambda count: done.extend(range(count)), 1000) > 0
    assert len(done) == 1000
    assert all(on_cpu >= 0 and waited >= 0 for on_cpu, waited in since(before))


def test_what_steps_do_to_their_process_is_seen(tmp_path: Path) -> None:
    code = (
        "import os, sys, subprocess\n"
        "from serialprof.measure.conduct import Watch\n"
        "cpu = min(os.sched_getaffinity(0))\n"
        "os.sched_setaffinity(0, {cpu})\n"
        "watch = Watch((cpu,))\n"
        "subprocess.run(['true'])\n"
        "print('before')\n"
        "watch.begin()\n"
        "os.write(2, b'12345')\n"
        "os.system('true')\n"
        "os.chdir('/')\n"
        "done = watch.end()\n"
        "print([done.printed, done.folder, done.cpus, done.events])\n"
    )
    with (tmp_path / "out").open("w+b") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, stderr=out, cwd=tmp_path, check=True)
        out.seek(0)
        assert out.read().decode().splitlines()[-1].endswith("[5, '/', (), {'os.system': 1}]")


def test_cpus_that_were_not_given_are_seen() -> None:
    watch = Watch(())
    watch.begin()
    assert watch.end().cpus == tuple(sorted(os.sched_getaffinity(0)))


def test_a_workload_takes_a_watched_setting() -> None:
    built = []
    family = workload(lambda setting: built.append(setting) or (lambda: None))
    watched, _ = watch_reads(Setting(width=5))
    family.stepper(watched)
    assert built[0].width == 5
