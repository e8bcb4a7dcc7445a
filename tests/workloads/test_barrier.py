# SPDX-License-Identifier: Apache-2.0
from serialprof.setting import Setting
from serialprof_workloads.barrier import barrier


def test_runs_and_checks() -> None:
    stepper = barrier.stepper(Setting(width=37, threads=2, cpus=(0, 0)))
    stepper.run(3)
    stepper.check()


def test_needs_two_threads_and_has_no_wide_form() -> None:
    assert barrier.min_threads == 2
    assert barrier.forms == ("serial",)


def test_declares_its_work() -> None:
    work = barrier.work(Setting(threads=2))
    assert work.flops.at(64) == 64
    assert work.barriers == 1
