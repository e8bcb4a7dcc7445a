# SPDX-License-Identifier: Apache-2.0
"""How far what was found is from what was planted: pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: Within which share of the truth a part is to be; one below SMALL of the step is judged as if it were that.
PART: Final = 0.1
SMALL: Final = 0.2
#: Most of the step that may stay unattributed, and most that being profiled may cost.
UNATTRIBUTED: Final = 0.1
OVERHEAD: Final = 0.02
#: Steps of the sweep over batch sizes by which the knee may be off.
KNEE: Final = 1.0
#: What of a critical path a launch share is compared with, by HolisticTraceAnalysis' names.
_LAUNCHING: Final = ("cpu_bound", "gpu_kernel_kernel_overhead", "gpu_kernel_launch_overhead")


@dataclass(frozen=True)
class Score:
    """One comparison of a number that was found with its truth.

    Attributes:
        case: what was measured.
        name: which number.
        truth: what it should be; None where the goal is a limit alone.
        found: what was found; None where serialprof gave no number.
        error: what the goal is about: a share of the truth, steps of the sweep, or the found share itself.
        goal: the largest error that meets it.
        reason: why there is no number.
    """

    case: str
    name: str
    truth: float | None
    found: float | None
    error: float | None
    goal: float
    reason: str = ""

    @property
    def met(self) -> bool:
        """Whether there is a number, and it is as near as the goal asks."""
        return self.error is not None and abs(self.error) <= self.goal


def part(case: str, name: str, truth: float, found: float | None, step: float, reason: str = "") -> Score:
    """A part of a step in seconds: within PART of the planted one, or where that is small, of SMALL of the step."""
    error = None if found is None else (found - truth) / max(truth, SMALL * step)
    return Score(case, name, truth, found, error, PART, reason)


def knee(case: str, truth: float, found: float | None, widths: Sequence[int], reason: str = "") -> Score:
    """A knee: within a step of the sweep, by the ratio of neighbouring widths there."""
    error = None if found is None or found <= 0 else _position(found, widths) - _position(truth, widths)
    return Score(case, "knee", truth, found, error, KNEE, reason)


def at_most(case: str, name: str, found: float | None, goal: float, reason: str = "") -> Score:
    """A share that is to be small, whatever its sign."""
    return Score(case, name, None, found, found, goal, reason)


def _position(width: float, widths: Sequence[int]) -> float:
    """Where a width lies among those of a sweep, as a broken line over its logarithm that goes on beyond both ends."""
    logs = [math.log(item) for item in sorted(widths)]
    value = math.log(width)
    index = min(max(sum(item <= value for item in logs) - 1, 0), len(logs) - 2)
    return index + (value - logs[index]) / (logs[index + 1] - logs[index])


def launching(shares: Mapping[str, float]) -> float:
    """The share of a critical path that is host, launch delay and gaps between kernels; of what is told in percent."""
    return sum(shares.get(name, 0.0) for name in _LAUNCHING) / sum(shares.values())


def line(score: Score) -> str:
    """One row of the table."""
    number = _knee if score.name == "knee" else _share if score.truth is None else _microseconds
    truth = "" if score.truth is None else number(score.truth)
    found = "-" if score.found is None else number(score.found)
    off = "-" if score.error is None else f"{score.error:+.2f}" if score.name == "knee" else f"{score.error:+.1%}"
    why = f": {score.reason}" if score.reason and score.found is None else ""
    verdict = "met" if score.met else f"MISSED{why}"
    return f"{score.case:<34} {score.name:<15} {truth:>10} {found:>10} {off:>8}  {verdict}"


HEAD: Final = f"{'case':<34} {'number':<15} {'truth':>10} {'found':>10} {'off':>8}  goal"


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us"


def _share(value: float) -> str:
    return f"{value:.2%}"


def _knee(width: float) -> str:
    return f"{width:.1f}"
