# SPDX-License-Identifier: Apache-2.0
"""Dependent integer arithmetic as loops that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

_PRIME = np.uint64(2**31 - 1)
_BITS = np.uint64(31)
_ALL = np.uint64(2**32 - 1)
_SHIFT = np.uint64(30)


def compiled(loop: Callable[..., None], threads: int) -> Callable[..., None]:
    """A loop for one thread, or shared out."""
    numba.set_num_threads(threads)
    return numba.njit(parallel=threads > 1)(loop)


def multiply(lanes: Any, ops: int, factor: Any, parts: int) -> None:
    """Multiplies lanes by a factor, again and again, each part of the lanes on a thread of its own."""
    size = len(lanes)
    for part in numba.prange(parts):
        first, last = part * size // parts, (part + 1) * size // parts
        for _ in range(ops):
            for lane in range(first, last):
                lanes[lane] *= factor


def logistic(lanes: Any, iterations: int, parts: int) -> None:
    """The logistic map in fixed point, each part of the lanes on a thread of its own."""
    size = len(lanes)
    for part in numba.prange(parts):
        first, last = part * size // parts, (part + 1) * size // parts
        for _ in range(iterations):
            for lane in range(first, last):
                lanes[lane] = (lanes[lane] * (_ALL - lanes[lane])) >> _SHIFT


@numba.njit(inline="always")
def _reduced(value: Any) -> Any:
    """A value below 2^62 modulo 2^31 - 1."""
    value = (value & _PRIME) + (value >> _BITS)
    return value - _PRIME if value >= _PRIME else value


def layers(sums: Any, left: Any, right: Any, values: Any, other: Any, steps: int) -> None:
    """Some layers of gates, to and fro between two arrays of values."""
    gates = len(values)
    for step in range(steps):
        layer = step % len(sums)
        adding = sums[layer]
        for gate in numba.prange(gates):
            a, b = np.uint64(values[left[layer, gate]]), np.uint64(values[right[layer, gate]])
            other[gate] = _reduced(a + b) if gate < adding else _reduced(a * b)
        values, other = other, values


def facts(template: Any, numbers: Any, known: Any, steps: int, parts: int) -> None:
    """Some facts of every question; the last ones are kept in the rows of `known`, which are taken by turns."""
    rows, size = known.shape
    for part in numba.prange(parts):
        first, last = part * size // parts, (part + 1) * size // parts
        for step in range(steps):
            operation, distance, number = template[step % len(template)]
            before, new = known[(step - 1) % rows], known[step % rows]
            source = known[(step - distance) % rows] if distance else numbers[number]
            for lane in range(first, last):
                a, b = np.uint64(before[lane]), np.uint64(source[lane])
                if operation == 0:
                    new[lane] = _reduced(a + b)
                elif operation == 1:
                    new[lane] = _reduced(a + _PRIME - b)
                else:
                    new[lane] = _reduced(a * b)
