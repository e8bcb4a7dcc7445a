# SPDX-License-Identifier: Apache-2.0
"""Conventions of declared work that workloads with native linear algebra share.

A chain counts dependent operations, a fused multiply-add as one, with every reduction as a balanced tree, whatever
order the kernel adds in: depth is what the algorithm needs. FLOP count a fused multiply-add as two. The constants below
count the operations of native/loops/activation.hpp.
"""

from __future__ import annotations

from typing import Final

FLOAT: Final = 4  # bytes

EXPONENTIAL_OPS: Final = 25
EXPONENTIAL_CHAIN: Final = 14
SIGMOID_OPS: Final = EXPONENTIAL_OPS + 3  # negate, add, divide
SIGMOID_CHAIN: Final = EXPONENTIAL_CHAIN + 3
TANH_OPS: Final = EXPONENTIAL_OPS + 16  # the series near zero 10, double, add, divide, subtract, compare, select
TANH_CHAIN: Final = EXPONENTIAL_CHAIN + 5


def reduction_chain(length: int) -> int:
    """Operations on the longest path of a tree over `length` values: ceil(log2 length)."""
    return (length - 1).bit_length()


def dot_chain(length: int) -> int:
    """Operations on the longest path of a dot product: one multiplication and the tree."""
    return 1 + reduction_chain(length)
