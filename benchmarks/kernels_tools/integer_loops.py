# SPDX-License-Identifier: Apache-2.0
"""Dependent integer arithmetic as loops that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def _multiply(lanes: Any, ops: int, factor: Any, parts: int) -> None:
    size = len(lanes)
    for part in numba.prange(parts):
        first, last = part * size // parts, (part + 1) * size // parts
        for _ in range(ops):
            for lane in range(first, last):
                lanes[lane] *= factor


def multiply_of(*, parallel: bool) -> Callable[..., None]:
    """Multiplies lanes by a factor, again and again, each part of the lanes on a thread of its own."""
    return numba.njit(parallel=parallel)(_multiply)
