# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers of one lane as loops that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np


@numba.njit(fastmath=True, inline="always")
def _sigmoid(x: float) -> float:
    return np.float32(1) / (np.float32(1) + np.exp(-x))


@numba.njit(fastmath=True, inline="always")
def _dot(row: Any, vector: Any) -> float:
    total = np.float32(0)
    for k in range(len(vector)):
        total += row[k] * vector[k]
    return total


def _rnn(w: Any, u: Any, b: Any, d: Any, inputs: Any) -> Any:
    size = u.shape[1]
    h, following = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for t in range(len(inputs)):
        for k in numba.prange(size):
            following[k] = np.tanh(_dot(w[k], inputs[t]) + b[k] + _dot(u[k], h) + d[k])
        h, following = following, h
    return h


def _gru(w: Any, u: Any, b: Any, d: Any, inputs: Any) -> Any:
    size = u.shape[1]
    h, following = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for t in range(len(inputs)):
        x = inputs[t]
        for k in numba.prange(size):
            m, n = k + size, k + 2 * size
            reset = _sigmoid(_dot(w[k], x) + b[k] + _dot(u[k], h) + d[k])
            update = _sigmoid(_dot(w[m], x) + b[m] + _dot(u[m], h) + d[m])
            new = np.tanh(_dot(w[n], x) + b[n] + reset * (_dot(u[n], h) + d[n]))
            following[k] = (np.float32(1) - update) * new + update * h[k]
        h, following = following, h
    return h


def _lstm(w: Any, u: Any, b: Any, d: Any, inputs: Any) -> Any:
    size = u.shape[1]
    h, following, c = np.zeros(size, np.float32), np.zeros(size, np.float32), np.zeros(size, np.float32)
    for t in range(len(inputs)):
        x = inputs[t]
        for k in numba.prange(size):
            m, n, o = k + size, k + 2 * size, k + 3 * size
            enter = _sigmoid(_dot(w[k], x) + b[k] + _dot(u[k], h) + d[k])
            keep = _sigmoid(_dot(w[m], x) + b[m] + _dot(u[m], h) + d[m])
            new = np.tanh(_dot(w[n], x) + b[n] + _dot(u[n], h) + d[n])
            leave = _sigmoid(_dot(w[o], x) + b[o] + _dot(u[o], h) + d[o])
            c[k] = keep * c[k] + enter * new
            following[k] = leave * np.tanh(c[k])
        h, following = following, h
    return h


def loop_of(kind: str, *, parallel: bool) -> Callable[..., Any]:
    """The compiled loop of a kind; on several threads the hidden units are shared out in every step."""
    return numba.njit(fastmath=True, parallel=parallel)({"rnn": _rnn, "gru": _gru, "lstm": _lstm}[kind])
