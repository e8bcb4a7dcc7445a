# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.setting import Form, Setting
from serialprof_workloads.automaton import automaton, operations, reference


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rule", [0, 30, 90])
def test_runs_and_checks(rule: int, form: Form, threads: int) -> None:
    parameters = {"rule": rule}
    stepper = automaton.stepper(
        Setting(width=4096, form=form, threads=threads, cpus=(0,) * threads, parameters=parameters)
    )
    stepper.run(3)
    stepper.check()


def test_the_reference_is_wolframs_numbering() -> None:
    for rule in (30, 110, 184):
        row = 0b0001011100  # read around the ring: every neighbourhood stands in it
        new = reference(row, 10, 1, rule)
        for cell in range(10):
            left, centre, right = (row >> (cell + away) % 10 & 1 for away in (-1, 0, 1))
            assert new >> cell & 1 == rule >> (4 * left + 2 * centre + right) & 1


def test_counts_the_fewest_operations() -> None:
    fewest, chain = operations()
    assert [fewest[rule] for rule in (204, 15, 90, 30, 150, 110, 232)] == [0, 1, 1, 2, 2, 3, 4]
    assert [chain[rule] for rule in (204, 90, 30, 110, 232)] == [0, 1, 2, 2, 3]
    assert max(fewest) == 5


@pytest.mark.parametrize(("instructions", "operations", "chain"), [("avx2", 2, 2), ("avx512", 1, 1)])
def test_declares_its_work(monkeypatch: pytest.MonkeyPatch, instructions: str, operations: int, chain: int) -> None:
    monkeypatch.setattr("serialprof._native.instruction_set", lambda: instructions)
    work = automaton.work(Setting(width=128, parameters={"rule": 30}))
    assert work.flops.at(128) == 2 * operations
    assert work.serial_ops == chain
    assert work.bytes.at(128) == 32
    assert work.footprint.at(128) == 16
    assert automaton.work(Setting(width=128, form="wide", parameters={"rule": 30})).footprint.at(128) == 32
    assert automaton.work(Setting(width=128, parameters={"rule": 204})).flops.at(128) == 2


@pytest.mark.parametrize("rule", [-1, 256, 1.5])
def test_refuses_what_is_no_wolfram_number(rule: float) -> None:
    with pytest.raises(ValueError, match=f"rule = {rule}"):
        automaton.stepper(Setting(width=64, parameters={"rule": rule}))
