# SPDX-License-Identifier: Apache-2.0
"""What is checked before anything is measured: requests, and what has changed since a run was begun."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

import serialprof
from serialprof import preparation
from serialprof.catalog import Description
from serialprof.devicelimits import DeviceLimits
from serialprof.errors import CannotMeasureError, StoreError, UsageError
from serialprof.measure.protocol import DeviceSeen
from serialprof.preparation import Prepared, check_incomplete, differences, told_apart
from serialprof.records import Resumption, StoredRun
from tests import made

CELLS = made.points()
SLOW = """
import time
import serialprof

@serialprof.workload(widths=(1, 2, 3, 4), default_depth=10)
def slow(setting):
    return lambda: time.sleep(0.01)
"""


def begun() -> StoredRun:
    return replace(made.stored(CELLS), version=version("serialprof"))


def now(**machine: object) -> Prepared:
    """This code on the made machine, changed."""
    return Prepared(replace(made.machine(), **machine), made.plan(CELLS), "hash", {})  # type: ignore[arg-type]


def test_where_nothing_has_changed_a_run_simply_goes_on() -> None:
    assert differences(begun(), now()) == ()


def test_memory_alone_makes_no_other_machine() -> None:
    assert differences(begun(), now(memory=1 << 30)) == ()


def test_other_cpus_are_named_with_both_values() -> None:
    assert differences(begun(), now(cpus=(0, 1, 2))) == ("cpus was (0, 1), is (0, 1, 2)",)


def test_another_processor_on_another_host_gives_a_clause_each() -> None:
    found = differences(begun(), now(processor="Other CPU", host="elsewhere"))
    assert sorted(found) == ["host was testbed, is elsewhere", "processor was Test CPU, is Other CPU"]


def test_a_long_value_is_cut() -> None:
    (clause,) = differences(begun(), now(kernel="x" * 300))
    assert clause == f"kernel was 6.1, is {'x' * 57}..."


def test_another_version_is_named() -> None:
    found = differences(replace(begun(), version="0.0.9"), now())
    assert found == (f"serialprof was 0.0.9, is {version('serialprof')}",)


def test_other_code_is_named() -> None:
    found = differences(begun(), replace(now(), code="other"))
    assert found == ("the code of serialprof or of a workload has changed",)


def test_a_resumption_that_was_forced_is_what_the_next_one_is_compared_with() -> None:
    there = made.machine(cpus=(4, 5))
    run = replace(begun(), resumptions=(Resumption(1.0, (), there, version("serialprof"), "other"),))
    assert differences(run, replace(now(), machine=there, code="other")) == ()
    assert len(differences(run, now())) > 1


def test_only_a_complete_run_is_complete() -> None:
    for status in ("running", "interrupted", "failed"):
        check_incomplete(replace(begun(), status=status), Path("a"))
    with pytest.raises(StoreError, match="a is complete; there is nothing to resume; serialprof report a shows it"):
        check_incomplete(replace(begun(), status="complete"), Path("a"))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"budget": -1}, "--budget -1: no time between 0 and 7 days"),
        ({"budget": 0}, "--budget 0: no time between 0 and 7 days"),
        ({"budget": float("nan")}, "--budget nan: no time"),
        ({"budget": 8 * 86400}, "--budget 691200: no time"),
        ({"precision": 0}, "--precision 0: no share between 0 and 1"),
        ({"precision": 2}, "--precision 2: no share between 0 and 1"),
        ({"precision": float("nan")}, "--precision nan: no share"),
    ],
)
def test_a_budget_or_precision_that_no_run_can_have_is_a_sentence(
    tmp_path: Path, settings: dict[str, float], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        serialprof.run("nowhere.py:f", output=tmp_path / "a.serialprof", **settings)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_budget_too_short_for_slow_points_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    with pytest.raises(
        UsageError, match=r"--budget leaves .* ms for sampling, which is too short: one visit of each of the 2 points"
    ) as caught:
        serialprof.run(
            f"{tmp_path / 'slow.py'}:slow",
            widths=[1, 2],
            threads=[1],
            budget=0.05,
            quick=True,
            output=tmp_path / "a.serialprof",
        )
    assert "allow --budget" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["slow.py"]


def test_an_element_type_that_the_device_lacks_is_told_with_those_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = DeviceSeen(DeviceLimits("cuda:0", 1, "Old GPU", 1 << 30), ("fp32", "fp16"))
    monkeypatch.setattr(preparation, "see_device", lambda cpus, device: seen)
    cells = [replace(cell, setting=replace(cell.setting, dtype=dtype)) for cell in CELLS for dtype in ("fp32", "bf16")]
    with pytest.raises(CannotMeasureError, match=r"Old GPU \(cuda:0\) does not compute in bf16; choose from fp32"):
        preparation._check_device("cuda:0", cells, made.machine())
    preparation._check_device("cuda:0", CELLS, made.machine())
    preparation._check_device("cpu", cells, made.machine())


def test_workloads_of_one_name_are_told_apart_by_what_they_were_asked_for() -> None:
    named = [Description("a/loop.py:x", "x"), Description("lstm", "lstm"), Description("b/loop.py:x", "x")]
    assert [item.name for item in told_apart(named)] == ["a/loop.py:x", "lstm", "b/loop.py:x"]
    assert [item.reference for item in told_apart(named)] == ["a/loop.py:x", "lstm", "b/loop.py:x"]
