# SPDX-License-Identifier: Apache-2.0
"""Elementary cellular automata on a ring, any of Wolfram's 256 rules; one step is a generation."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Final

from serialprof import _native
from serialprof.catalog import Work, workload
from serialprof.setting import Setting
from serialprof_workloads.declared import packed_automaton, three_operands

CHECK_CELLS: Final = 1024 + 64  # in no level's vectors without a rest
CHECK_GENERATIONS: Final = 50
LEFT, CENTRE, RIGHT = 0xF0, 0xCC, 0xAA  # truth tables of the three cells: bit 4 left + 2 centre + right of each
RULES: Final = 256


def reference(row: int, cells: int, generations: int, rule: int = 110) -> int:
    """The row after some generations, as one big integer: cell i is bit i, its left neighbour cell i - 1; a ring."""
    mask = (1 << cells) - 1
    for _ in range(generations):
        left = (row << 1 | row >> (cells - 1)) & mask
        right = row >> 1 | (row & 1) << (cells - 1)
        old, row = row, 0
        for neighbourhood in range(8):
            if rule >> neighbourhood & 1:
                row |= (
                    (left ^ wanted(neighbourhood, 4, mask))
                    & (old ^ wanted(neighbourhood, 2, mask))
                    & (right ^ wanted(neighbourhood, 1, mask))
                )
    return row


def wanted(neighbourhood: int, weight: int, mask: int) -> int:
    """What a row is to be exclusive-or'ed with so that ones stand where its cells are as in the neighbourhood."""
    return 0 if neighbourhood & weight else mask


@cache
def operations() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The fewest operations, and the shortest longest chain of them, that make each rule's new cell of the three old.

    Operations are and, or, exclusive or, and and-not of two values; formulas, so nothing is used twice.
    """
    inputs = {LEFT, CENTRE, RIGHT, 0, RULES - 1}
    by_cost = [inputs]
    cost = dict.fromkeys(inputs, 0)
    while len(cost) < RULES:
        size = len(by_cost)
        made: set[int] = set()
        for first in range(size):
            made |= combined(by_cost[first], by_cost[size - 1 - first])
        by_cost.append(made - cost.keys())
        cost |= dict.fromkeys(by_cost[-1], size)
    depth = dict.fromkeys(inputs, 0)
    while len(depth) < RULES:
        found = combined(set(depth), set(depth)) - depth.keys()
        depth |= dict.fromkeys(found, max(depth.values()) + 1)
    return tuple(cost[rule] for rule in range(RULES)), tuple(depth[rule] for rule in range(RULES))


def combined(left: set[int], right: set[int]) -> set[int]:
    """The truth tables that one operation makes of one from each set."""
    return {table for a, b in product(left, right) for table in (a & b, a | b, a ^ b, a & ~b, b & ~a)}


class AutomatonStepper:
    """The native automaton of a rule with its known answer."""

    def __init__(self, setting: Setting, rule: int) -> None:
        self._team = _native.Team(setting.cpus)
        self._seed = setting.seed
        self._cells = setting.width
        self._rule = rule
        self._kernel = _native.Automaton(self._team, setting.width, rule, setting.seed, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Compares 50 generations of up to 1088 cells with big integers.

        Raises:
            AssertionError: a cell differs.
        """
        cells = min(self._cells, CHECK_CELLS)
        kernel = _native.Automaton(self._team, cells, self._rule, self._seed)
        start = int.from_bytes(kernel.row(), "little")
        kernel.run(CHECK_GENERATIONS)
        right = reference(start, cells, CHECK_GENERATIONS, self._rule)
        assert int.from_bytes(kernel.row(), "little") == right, f"rule {self._rule}: a cell differs from the reference"


def rule_of(setting: Setting) -> int:
    """The Wolfram number asked for.

    Raises:
        ValueError: it is none.
    """
    rule = setting.integer("rule", 0)
    if not 0 <= rule < RULES:
        raise ValueError(f"rule = {rule} lies outside [0, {RULES - 1}], Wolfram's numbers")
    return rule


def declared(setting: Setting, rule: int) -> Work:
    """Declared work of one generation, in word operations: the fewest that the rule takes, one of three operands.

    The serial form works in place; the wide form keeps the row that it starts from.

    Raises:
        ValueError: the width is no positive multiple of 64.
    """
    copies = 2 if setting.form == "wide" else 1
    fewest, chain = (counts[rule] for counts in operations())
    if three_operands():
        fewest = chain = 1
    return packed_automaton(setting, max(fewest, 1), max(chain, 1), copies)  # moving counts as one


def work(setting: Setting) -> Work:
    """Declared work of one generation of the rule asked for."""
    return declared(setting, rule_of(setting))


@workload(
    depth="generations",
    width="cells",
    widths=(32768, 262144, 2097152, 16777216, 134217728),
    quick_widths=(32768, 262144, 2097152, 16777216),
    default_depth=64,
    parameters={"rule": 30},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="additive rules (90, 150, ...): squaring over GF(2); others: HashLife, as far as the pattern repeats itself",
)
def automaton(setting: Setting) -> AutomatonStepper:
    """An elementary automaton on a ring, by its Wolfram number; 64 cells to a word."""
    return AutomatonStepper(setting, rule_of(setting))
