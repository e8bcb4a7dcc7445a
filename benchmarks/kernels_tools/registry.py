# SPDX-License-Identifier: Apache-2.0
"""Where each core is described."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from benchmarks.kernels_tools.core import Core

#: Modules of this package by the name of the core.
MODULES: Final = {
    "decode": "decode",
    "rnn": "recurrent",
    "gru": "recurrent",
    "lstm": "recurrent",
    "rule110": "automata",
    "life": "life",
    "chain": "integers",
    "map": "integers",
    "circuit": "integers",
    "mathqa": "integers",
    "nbody": "physics",
    "billiards": "physics",
    "value": "decisions",
    "rollout": "decisions",
    "scan": "scan",
    "sudoku": "sudoku",
}


def core_of(name: str) -> Core:
    """The description of a core; what it compares is imported where it is made ready."""
    cores: tuple[Core, ...] = import_module(f"benchmarks.kernels_tools.{MODULES[name]}").CORES
    return next(core for core in cores if core.name == name)
