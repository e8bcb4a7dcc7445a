# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.setting import Form, Setting
from serialprof_workloads.chase import chase


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("footprint", [1024, 2**17])
def test_runs_and_checks(form: Form, footprint: int) -> None:
    stepper = chase.stepper(Setting(width=2, form=form, parameters={"footprint": footprint}))
    stepper.run(3)
    stepper.check()


def test_declares_its_work() -> None:
    work = chase.work(Setting(parameters={"footprint": 4096}))
    assert work.serial_loads == 16
    assert work.bytes.at(2) == work.loads.at(2) == 0
    assert work.footprint.at(1) == pytest.approx(4096, rel=0.01)
    assert work.flops.at(8) == 0
