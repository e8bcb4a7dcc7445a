# SPDX-License-Identifier: Apache-2.0
"""The workloads on exact integers: circuit, map, mathqa."""

import pytest

from serialprof.catalog import Workload
from serialprof.setting import Form, Setting
from serialprof_workloads.circuit import circuit
from serialprof_workloads.map import logistic_map
from serialprof_workloads.mathqa import mathqa

SETTINGS = [
    (circuit, {"reversible": 0}),
    (circuit, {"reversible": 1}),
    (logistic_map, {}),
    (mathqa, {}),
]


@pytest.mark.parametrize(("workload", "parameters"), SETTINGS)
@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("threads", [1, 2])
def test_runs_and_checks(workload: Workload, parameters: dict[str, int], form: Form, threads: int) -> None:
    setting = Setting(width=300, form=form, threads=threads, cpus=(0,) * threads, parameters=parameters)
    stepper = workload.stepper(setting)
    stepper.run(3)
    stepper.check()


@pytest.mark.parametrize(
    ("workload", "parameters", "chain", "operations", "moved"),
    [
        (circuit, {"reversible": 0}, 7, 3.5, 20),
        (circuit, {"reversible": 1}, 9, 5.5, 24),
        (logistic_map, {}, 16 * 5, 48, 16),
        (mathqa, {}, 4, 10 / 3 / 2, 12),
    ],
)
def test_declares_its_work(
    workload: Workload, parameters: dict[str, int], chain: float, operations: float, moved: float
) -> None:
    work = workload.work(Setting(width=10, threads=2, parameters=parameters))
    assert work.serial_ops == chain
    assert work.flops.at(10) == pytest.approx(10 * operations)
    assert work.bytes.at(10) == 10 * moved
    assert work.serial_loads == (1 if workload is circuit else 0)
    assert work.barriers == 1
    assert workload.work(Setting(width=10, parameters=parameters)).barriers == 0


def test_refuses_a_circuit_that_is_half_reversible() -> None:
    with pytest.raises(ValueError, match="reversible = 2 is neither 0 nor 1"):
        circuit.stepper(Setting(width=4, parameters={"reversible": 2}))
