# SPDX-License-Identifier: Apache-2.0
"""The example of `workload new`: it loads, passes its own check(), and refuses names that no function can have."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from serialprof.catalog import Workload
from serialprof.checking.examples import example
from serialprof.errors import UsageError
from serialprof.setting import Setting


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("torch", [False, True])
def test_the_example_runs_as_it_is(torch: bool, tmp_path: Path) -> None:
    if torch:
        pytest.importorskip("torch")
    path = tmp_path / "mine.py"
    path.write_text(example("my_loop", "mine.py", torch=torch))
    family = loaded(path).my_loop
    assert isinstance(family, Workload)
    for dtype in family.dtypes:
        setting = Setting(width=4, mode="eager", dtype=dtype, parameters=dict(family.parameters))
        stepper = family.stepper(setting)
        stepper.check()
        stepper.run(3)
        work = family.declared(setting)
        assert work is not None and work.flops.at(8) == 2 * work.flops.at(4) > 0


@pytest.mark.parametrize("torch", [False, True])
def test_the_example_keeps_to_the_line_and_names_its_commands(torch: bool) -> None:
    text = example("my_loop", "some/mine.py", torch=torch)
    assert max(map(len, text.splitlines())) <= 120
    assert "serialprof workload check some/mine.py:my_loop" in text
    assert "serialprof run some/mine.py:my_loop" in text
    assert "$" not in text


@pytest.mark.parametrize("name", ["my-loop", "", "2nd", "class", "a b", "work", "np", "Loop"])
def test_a_name_that_no_function_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        example(name, "mine.py")
