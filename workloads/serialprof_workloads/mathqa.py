# SPDX-License-Identifier: Apache-2.0
"""mathqa: word problems in the manner of GSM8K as graphs of facts; one step works out one fact of every question."""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting
from serialprof_workloads.declared import PRODUCT_CHAIN

PRIME: Final = 2**31 - 1
ADD, SUBTRACT, MULTIPLY = range(3)
NUMBERS: Final = 4  # that a question gives
MEMORY: Final = 8  # facts that are remembered
VALUE: Final = 4  # bytes
CHECKED_QUESTIONS: Final = 100
CHECKED_FACTS: Final = 70


def combine(operation: int, a: int, b: int) -> int:
    """One fact from two."""
    if operation == ADD:
        return (a + b) % PRIME
    return (a - b if operation == SUBTRACT else a * b) % PRIME


def reference(template: list[tuple[int, int, int]], given: list[int], steps: int) -> list[int]:
    """All facts of one question: those before the first step, oldest first, then those of the steps.

    Args:
        template: operation, distance to an earlier fact or 0 for a number, and which number; taken by turns.
        given: the numbers of the question, then the facts before the first step.
        steps: facts to work out.
    """
    numbers, known = given[:NUMBERS], given[NUMBERS:]
    for step in range(steps):
        operation, distance, number = template[step % len(template)]
        known.append(combine(operation, known[-1], known[-distance] if distance else numbers[number]))
    return known


class MathQaStepper:
    """The native questions with their known answers."""

    def __init__(self, setting: Setting) -> None:
        self._team = _native.Team(setting.cpus)
        self._width = setting.width
        self._seed = setting.seed
        self._kernel = _native.MathQa(self._team, setting.width, setting.seed, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Compares 70 facts of up to 100 questions with an interpreter.

        Raises:
            AssertionError: an answer differs.
        """
        kernel = _native.MathQa(self._team, min(self._width, CHECKED_QUESTIONS), self._seed)
        kernel.run(CHECKED_FACTS)
        questions = zip(*kernel.given(), strict=True)
        wanted = [reference(kernel.facts(), list(given), CHECKED_FACTS)[-1] for given in questions]
        assert kernel.values() == wanted, "mathqa: an answer differs from the interpreter"


def work(setting: Setting) -> Work:
    """Declared work of one fact, a question a lane.

    A third of the facts each are sums (two operations), differences (three) and products (five). Two values are read,
    one is written; the numbers and the remembered facts are the footprint. The longest chain is an average fact's, in
    additions; that a fact waits for the store of the one before is not in it.
    """
    ops = (2 + 3 + 5) / 3
    return Work(
        serial_ops=(2 + 3 + 4 + PRODUCT_CHAIN) / 3,
        flops=Affine(0, ops / 2),  # two values of 32 bits share a word
        bytes=Affine(0, 3 * VALUE),
        footprint=Affine(0, (NUMBERS + MEMORY) * VALUE),
        lanes=Affine(0, 1),
        barriers=int(setting.threads > 1),
        written=Affine(0, VALUE),
        arithmetic="words",
    )


@workload(
    depth="facts",
    width="questions",
    widths=(8, 256, 4096, 65536, 1048576),
    quick_widths=(8, 256, 4096, 65536),
    default_depth=64,
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="tree contraction; where every fact is affine in the one before, an associative scan",
)
def mathqa(setting: Setting) -> MathQaStepper:
    """Word problems as graphs of facts modulo 2^31 - 1, a fact of every question per step."""
    return MathQaStepper(setting)
