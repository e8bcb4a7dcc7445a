# SPDX-License-Identifier: Apache-2.0
"""scan, nbody and billiards as loops that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np


def _scan(a: Any, b: Any, h: Any, steps: int, parts: int) -> None:
    ring, size = a.shape
    for part in numba.prange(parts):
        first, last = part * size // parts, (part + 1) * size // parts
        state = h[first:last]
        state[:] = 0
        for step in range(steps):
            one, two = a[step % ring, first:last], b[step % ring, first:last]
            for i in range(len(state)):
                state[i] = one[i] * state[i] + two[i]


def scan_of(*, parallel: bool) -> Callable[..., None]:
    """The state of every channel after some steps."""
    return numba.njit(fastmath=True, parallel=parallel)(_scan)


def _pull(x: Any, masses: Any, softening: float, a: Any) -> None:
    count = x.shape[1]
    for i in numba.prange(count):
        px, py, pz = x[0, i], x[1, i], x[2, i]
        ax = ay = az = 0.0
        for j in range(count):
            dx, dy, dz = x[0, j] - px, x[1, j] - py, x[2, j] - pz
            square = dx * dx + dy * dy + dz * dz + softening * softening
            weight = masses[j] / (square * np.sqrt(square))
            ax += weight * dx
            ay += weight * dy
            az += weight * dz
        a[0, i], a[1, i], a[2, i] = ax, ay, az


def nbody_of(*, parallel: bool) -> Callable[..., None]:
    """Some leapfrog steps in place: x, v, masses, dt, softening, steps."""
    pull = numba.njit(fastmath=True, parallel=parallel)(_pull)

    @numba.njit(fastmath=True)
    def leapfrog(x: Any, v: Any, masses: Any, dt: float, softening: float, steps: int) -> None:
        a = np.empty_like(x)
        pull(x, masses, softening, a)
        for _ in range(steps):
            v += a * (dt / 2)
            x += v * dt
            pull(x, masses, softening, a)
            v += a * (dt / 2)

    return leapfrog


def _billiards(balls: Any, steps: int, side: int, radius: int, parts: int) -> None:
    cell, half = np.int32(65536), np.int32(32768)
    count = balls.shape[1]
    for part in numba.prange(parts):
        first, last = part * count // parts, (part + 1) * count // parts
        x, y, vx, vy = balls[0, first:last], balls[1, first:last], balls[2, first:last], balls[3, first:last]
        for _ in range(steps):
            for i in range(len(x)):
                x[i] += vx[i]
                y[i] += vy[i]
                u, w = (x[i] & (cell - 1)) - half, (y[i] & (cell - 1)) - half
                inside = abs(u) + abs(w) < radius
                same = (u < 0) == (w < 0)
                a, b = vx[i], vy[i]
                turned_a, turned_b = (-b, -a) if same else (b, a)
                a, b = (turned_a, turned_b) if inside else (a, b)
                vx[i] = a if 0 <= x[i] < side else -a
                vy[i] = b if 0 <= y[i] < side else -b


def billiards_of(*, parallel: bool) -> Callable[..., None]:
    """Some steps of all balls in place: balls [4, W], steps, side of the box, radius, parts."""
    return numba.njit(parallel=parallel)(_billiards)
