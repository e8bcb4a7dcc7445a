# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.setting import Form, Setting
from serialprof_workloads.automaton import reference
from serialprof_workloads.rule110 import rule110


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("threads", [1, 2])
def test_runs_and_checks(form: Form, threads: int) -> None:
    stepper = rule110.stepper(Setting(width=4096, form=form, threads=threads, cpus=(0,) * threads))
    stepper.run(3)
    stepper.check()


def test_the_reference_is_rule_110_on_a_ring() -> None:
    assert reference(0b000100, 6, 1) == 0b000110
    assert reference(0b111111, 6, 1) == 0
    assert reference(0b000001, 6, 1) == 0b100001  # the cell to the left of cell 0 is the last one


def test_declares_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serialprof._native.instruction_set", lambda: "avx2")
    work = rule110.work(Setting(width=128))
    assert work.flops.at(128) == 6
    assert work.serial_ops == 2
    assert work.bytes.at(128) == 32
    assert work.lanes.at(128) == 2
    assert work.barriers == 0
    assert rule110.work(Setting(width=64, threads=2)).barriers == 1


@pytest.mark.parametrize("width", [1, 100])
def test_refuses_a_width_that_is_no_row_of_words(width: int) -> None:
    with pytest.raises(ValueError, match=f"cells = {width}"):
        rule110.stepper(Setting(width=width))
