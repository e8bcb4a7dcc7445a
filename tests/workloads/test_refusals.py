# SPDX-License-Identifier: Apache-2.0
"""Parameters that a core refuses are refused as its work is declared: before anything is measured."""

import pytest

from serialprof.loading import load
from serialprof.setting import Setting


@pytest.mark.parametrize(
    ("name", "parameter", "value", "why"),
    [
        ("billiards", "cells", 0, "is no whole number from 1 on"),
        ("billiards", "radius", -1, "is no whole number from 0 on"),
        ("nbody", "dt", 0.0, "is not positive"),
        ("nbody", "softening", -1.0, "is not positive"),
        ("value", "discount", 1.0, r"lies outside \[0, 1\)"),
        ("sudoku", "difficulty", "odd", "is none of easy, hard"),
        ("scan", "kind", "odd", "is none of linear, selective"),
        ("automaton", "rule", 256, r"lies outside \[0, 255\]"),
        ("circuit", "reversible", 2, "is neither 0 nor 1"),
        ("decode", "weights", "int8", "is neither fp32 nor bf16"),
        ("gru", "hidden", 0, "is no whole number from 1 on"),
        ("lstm", "ahead", 0, "is no whole number from 1 on"),
        ("rollout", "states", 0, "is no whole number from 1 on"),
    ],
)
def test_a_wrong_parameter_is_refused_at_once(name: str, parameter: str, value: int | float | str, why: str) -> None:
    workload = load(name)
    with pytest.raises(ValueError, match=f"{parameter} = .*{why}"):
        workload.work(Setting(width=64, parameters=workload.parameters | {parameter: value}))
