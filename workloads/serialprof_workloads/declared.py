# SPDX-License-Identifier: Apache-2.0
"""Conventions of declared work that several workloads share.

A chain counts dependent operations, a fused multiply-add as one, with every reduction as a balanced tree, whatever
order the kernel adds in: depth is what the algorithm needs. FLOP count a fused multiply-add as two. The constants below
count the operations of native/loops/activation.hpp and native/loops/cells.hpp.
"""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Work
from serialprof.setting import Setting

FLOAT: Final = 4  # bytes

#: The known way around the chain of a recurrent network.
RECURRENT_HATCH: Final = (
    "DEER or ParaRNN: damped Newton over the whole sequence; diverges where the Lyapunov exponent is positive"
)

#: A product of integers in a chain of words, whose operations take as long as an addition: three of them on
#: x86-64; other processors may take less.
PRODUCT_CHAIN: Final = 3

EXPONENTIAL_OPS: Final = 25
EXPONENTIAL_CHAIN: Final = 14
TANH_OPS: Final = 21  # clamp 2, square, two series of 4 fused multiply-adds, multiply, divide
TANH_CHAIN: Final = 9  # clamp 2, square, series 4, multiply, divide
SIGMOID_OPS: Final = 24  # as tanh; halve, and add instead of multiply: fused; double
SIGMOID_CHAIN: Final = 9


def reduction_chain(length: int) -> int:
    """Operations on the longest path of a tree over `length` values: ceil(log2 length)."""
    return (length - 1).bit_length()


def dot_chain(length: int) -> int:
    """Operations on the longest path of a dot product: one multiplication and the tree."""
    return 1 + reduction_chain(length)


CELLS_PER_WORD: Final = 64


def three_operands() -> bool:
    """Whether an operation on words has three operands here: AVX-512 has every function of three bits as one."""
    return _native.instruction_set() == "avx512"


def packed_automaton(setting: Setting, ops_per_word: int, chain_ops: int, copies: int) -> Work:
    """Declared work of one generation of a cellular automaton, 64 cells to a word, one word a lane.

    Each word is read once and written once (its neighbours' reads find it in a near cache).

    Args:
        setting: its width is the number of cells.
        ops_per_word: word operations that a new word takes.
        chain_ops: the longest chain of them.
        copies: how many copies of the cells take turns.

    Raises:
        ValueError: the width is no positive multiple of 64.
    """
    if setting.width < CELLS_PER_WORD or setting.width % CELLS_PER_WORD:
        raise ValueError(f"width = {setting.width} is no positive multiple of 64; a word holds 64 cells")
    return Work(
        serial_ops=chain_ops,
        flops=Affine(per_lane=ops_per_word / CELLS_PER_WORD),
        bytes=Affine(per_lane=2 / 8),
        footprint=Affine(per_lane=copies / 8),
        lanes=Affine(per_lane=1 / CELLS_PER_WORD),
        barriers=int(setting.threads > 1),
        written=Affine(per_lane=1 / 8),
        arithmetic="words",
    )
