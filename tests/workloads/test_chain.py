# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.setting import Form, Setting
from serialprof_workloads.chain import OPERATIONS, chain


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("form", ["serial", "wide"])
def test_runs_and_checks(operation: str, form: Form) -> None:
    setting = Setting(width=5, form=form, parameters={"operation": operation})
    stepper = chain.stepper(setting)
    stepper.run(2)
    stepper.check()


def test_declares_its_work() -> None:
    work = chain.work(Setting(width=4, parameters={"operation": "multiply"}))
    assert work.serial_ops == 64
    assert work.flops.at(4) == 256
    assert work.lanes.at(4) == 4
    assert work.barriers == 0
    assert chain.work(Setting(threads=2, parameters={"operation": "fma"})).flops.at(1) == 128
    assert chain.work(Setting(threads=2, parameters={"operation": "fma"})).barriers == 1


def test_refuses_an_unknown_operation() -> None:
    with pytest.raises(ValueError, match="operation = 'xor' is none of"):
        chain.stepper(Setting(parameters={"operation": "xor"}))
