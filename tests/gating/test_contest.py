# SPDX-License-Identifier: Apache-2.0
"""Two sides that declare a workload differently: what is comparable, and what is said where it is not."""

import sys
from pathlib import Path

import pytest

from serialprof.gating.contest import Contest, RefusedBenchmarkError, Side, contest
from serialprof.gating.records import Benchmark
from serialprof.machine.reading import read_machine
from serialprof.setting import ParameterValue

BENCH = """
from serialprof import workload

@workload(name="mine", parameters={parameters})
def mine(setting):
    return lambda: None
"""
Parameters = dict[str, ParameterValue]


@pytest.fixture
def compared(tmp_path: Path) -> "Compare":
    return Compare(tmp_path)


class Compare:
    """Contests of `mine` whose base and head declare these parameters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, base: Parameters, head: Parameters, asked: Parameters | None = None) -> Contest:
        item = Benchmark(name="mine", reference="bench.py:mine", parameters=asked or {})
        return contest(item, self.side("base", base), self.side("head", head), read_machine())

    def side(self, label: str, parameters: Parameters) -> Side:
        """A folder with a file that declares them."""
        folder = self.folder / label
        folder.mkdir()
        (folder / "bench.py").write_text(BENCH.format(parameters=parameters))
        return Side(label, sys.executable, folder)


def test_another_default_is_refused_with_what_makes_them_the_same(compared: Compare) -> None:
    with pytest.raises(RefusedBenchmarkError, match="size is 4 in base and 8 in head; give both one value") as refused:
        compared({"size": 4, "rule": 30}, {"size": 8, "rule": 30})
    assert refused.value.verdict == "error"
    assert str(refused.value).endswith(": --param size=8 beside its name, or parameters = in the configuration")


def test_another_default_is_no_matter_where_a_value_is_given(compared: Compare) -> None:
    assert compared({"size": 4}, {"size": 8}, {"size": 6}).setting.parameters == {"size": 6}


@pytest.mark.parametrize("lacking", ["base", "head"])
def test_a_parameter_that_one_side_lacks_is_refused_even_where_it_is_given(compared: Compare, lacking: str) -> None:
    sides: dict[str, Parameters] = {"base": {"size": 4, "ahead": 1}, "head": {"size": 4, "ahead": 1}}
    del sides[lacking]["ahead"]
    with pytest.raises(RefusedBenchmarkError, match=f"^{lacking} has no parameter ahead: .*once both"):
        compared(sides["base"], sides["head"], {"ahead": 1})
