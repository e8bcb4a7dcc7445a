# SPDX-License-Identifier: Apache-2.0
"""Whom the engine works with, and what it tells meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from serialprof.planning import Point
from serialprof.records import Calibration, Readings, Stop, Visit


class Workers(Protocol):
    """What the engine asks of its pool (`measure.pool.Pool`, or a fake one in tests)."""

    def calibrate(self, point: Point, limit: float) -> float: ...  # noqa: D102
    def check(self, point: Point, limit: float) -> None: ...  # noqa: D102
    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Readings: ...  # noqa: D102
    def restart(self) -> None: ...  # noqa: D102


class Sink(Protocol):
    """Where everything goes that was drawn or measured (`store.Store`)."""

    def add(self, visit: Visit) -> None: ...  # noqa: D102
    def calibrate(self, calibration: Calibration) -> None: ...  # noqa: D102
    def draw(self, block: int, stops: Sequence[Stop]) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        stage: "calibrating" or "sampling".
        point: what is measured next.
        done, total: points calibrated, or seconds of sampling spent and planned.
        remaining: seconds to go, an upper bound where precision may stop earlier; None while calibrating.
    """

    stage: Literal["calibrating", "sampling"]
    point: Point
    done: float
    total: float
    remaining: float | None = None
