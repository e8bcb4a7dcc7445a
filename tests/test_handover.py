# SPDX-License-Identifier: Apache-2.0
"""Workloads that stand in no file reach their workers."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import serialprof
from serialprof import handover
from serialprof.errors import WorkloadError
from serialprof.loading import check_name
from serialprof.planning import Request
from serialprof.preparation import differences, prepare, prepare_again

BRIEFLY = {"widths": [1, 2], "threads": [1], "budget": 0.3, "quick": True}

#: What a prompt is given: a class of its own, a helper, a neighbouring module, and a closure over them.
AT_A_PROMPT = """
import serialprof, neighbour

class State:
    def __init__(self, width):
        self.numbers = list(range(width))
    def advance(self):
        self.numbers = [twice(number) % neighbour.PRIME for number in self.numbers]

def twice(number):
    return 2 * number

def declared(factor):
    @serialprof.workload(name=f"mine-{factor}", widths=(1, 2), default_depth=2)
    def mine(setting):
        state = State(factor * setting.width)
        assert isinstance(state, State)
        return state.advance
    return mine

run = serialprof.run([declared(2), declared(3)], threads=[1], budget=0.3, quick=True, output="a.serialprof")
print(run.stored.status, run.failed, sorted(set(run.points.workload)))
"""


@pytest.fixture(autouse=True)
def forgets() -> None:
    for name in ("lonely", "mine"):
        handover.forget(f"__main__:{name}")


def lonely(count: int = 10) -> serialprof.Workload:
    @serialprof.workload(name="lonely", default_depth=2)
    def build(setting: serialprof.Setting) -> object:
        return lambda: sum(range(count * setting.width))

    return build


def test_classes_helpers_and_closures_of_a_prompt_are_measured(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("PRIME = 97\n")
    done = subprocess.run(
        [sys.executable, "-"], input=AT_A_PROMPT, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "complete () ['mine-2', 'mine-3']\n", done.stderr
    assert done.stderr == "", "progress is for terminals and notebooks"


def test_a_closure_of_a_module_is_measured_and_keeps_its_name(tmp_path: Path) -> None:
    run = serialprof.run(lonely(), output=tmp_path / "a.serialprof", **BRIEFLY)  # type: ignore[arg-type]
    assert run.points["workload"].tolist() == ["lonely", "lonely"]
    assert not run.failed and run.verdict("lonely").sentence


def test_what_cannot_leave_the_process_is_named_with_a_way_out() -> None:
    lock = threading.Lock()

    @serialprof.workload
    def mine(setting: serialprof.Setting) -> object:
        return lambda: lock

    with pytest.raises(WorkloadError, match=r"'mine' cannot be handed to a worker: .*lock") as caught:
        serialprof.run(mine)
    assert caught.value.remedy.startswith("make what it needs inside its function")


def test_another_process_is_told_where_the_workload_was_defined() -> None:
    with pytest.raises(WorkloadError, match="'lonely' was defined in a notebook or at a prompt, and is not known here"):
        check_name("__main__:lonely")
    handover.keep(lonely())
    check_name("__main__:lonely")


def test_the_code_hash_is_that_of_the_function_s_source_whatever_it_closes_over(tmp_path: Path) -> None:
    def code(workload: serialprof.Workload) -> str:
        return prepare(Request((handover.keep(workload),), threads=(1,))).code

    @serialprof.workload(name="lonely", default_depth=2)
    def other(setting: serialprof.Setting) -> object:
        return lambda: sum(range(11 * setting.width))

    assert code(lonely(10)) == code(lonely(20)) != code(other)


def test_an_interrupted_run_goes_on_once_its_workload_is_defined_again(tmp_path: Path) -> None:
    path = tmp_path / "a.serialprof"
    run = serialprof.run(lonely(), output=path, **BRIEFLY).stored  # type: ignore[arg-type]
    run = replace(run, status="interrupted")
    handover.forget("__main__:lonely")
    with pytest.raises(WorkloadError, match="is not known here"):
        prepare_again(run, path)
    handover.keep(lonely())
    assert differences(run, prepare_again(run, path)) == ()


def test_memory_of_a_workload_that_is_replaced_is_given_back() -> None:
    handover.keep(lonely())
    (first,) = handover.descriptors("__main__:lonely")
    for _ in range(3):
        handover.keep(lonely())
    assert handover.descriptors("__main__:lonely")[0] <= first + 1
    assert handover.descriptors("chain") == ()
