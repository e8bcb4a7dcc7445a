# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from serialprof.setting import Setting
from serialprof_workloads.pipeline import PipelineStepper, pipeline, slack_ops


def setting(width: int = 5, threads: int = 2, **parameters: Any) -> Setting:
    parameters = {**pipeline.parameters, **parameters}
    return Setting(width=width, threads=threads, cpus=(0,) * threads, seed=3, parameters=parameters)


@pytest.mark.parametrize("threads", [2, 3])
def test_runs_and_checks(threads: int) -> None:
    stepper = pipeline.stepper(setting(threads=threads, host_ops=7))
    stepper.run(3)
    assert isinstance(stepper, PipelineStepper)
    stepper.check()


def test_a_wrong_answer_is_noticed() -> None:
    stepper = PipelineStepper(setting())
    stepper._all_ops += 1
    with pytest.raises(AssertionError, match="exact arithmetic"):
        stepper.check()


def test_the_slack_is_what_the_device_takes_longer() -> None:
    assert slack_ops(setting(64)) == 64 * 300 - 4800
    assert slack_ops(setting(64, threads=4)) == 22 * 300 - 4800
    assert slack_ops(setting(16)) == slack_ops(setting(1)) == 0
    with pytest.raises(ValueError, match="threads = 1: a host and a device need two"):
        slack_ops(setting(threads=1))


def test_needs_two_threads_and_declares_nothing() -> None:
    assert pipeline.min_threads == 2
    assert pipeline.forms == ("serial",)
    assert pipeline.work is None
