# SPDX-License-Identifier: Apache-2.0
"""What a core is to this benchmark: its shapes with their goals, and whoever can compute the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from serialprof.setting import ParameterValue, Setting

#: How our own kernel is called among the competitors.
OURS: Final = "serialprof"


class Missing(Exception):  # noqa: N818 - no error: a finding
    """A peer that cannot do a shape; the message says why."""


@dataclass(frozen=True)
class Case:
    """One shape of a core, and what is asked of it.

    Attributes:
        shape: for people to read.
        width: independent lanes per step.
        steps: dependent steps of one call; each call begins at the same state.
        parameters: of the workload, where they are not its own defaults.
        share: the goal for the share of the limit on one thread, None where it is reported alone.
        ratio: the goals for the ratio over the best peer, by threads.
        barrier: whether more threads may be slower than one by the barrier at most.
    """

    shape: str
    width: int
    steps: int
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    share: float | None = None
    ratio: Mapping[int, float] = field(default_factory=dict)
    barrier: bool = False


@dataclass(frozen=True)
class Job:
    """A case for one competitor.

    Attributes:
        setting: what the workload is built with: the case's parameters over its defaults.
        folder: an empty one, for files.
    """

    setting: Setting
    folder: Path

    @property
    def width(self) -> int:
        """Independent lanes per step."""
        return self.setting.width

    @property
    def steps(self) -> int:
        """Dependent steps of one call."""
        return self.setting.depth

    @property
    def cpus(self) -> tuple[int, ...]:
        """The CPUs that the process is pinned to."""
        return self.setting.cpus

    @property
    def threads(self) -> int:
        """As many as CPUs."""
        return self.setting.threads

    def integer(self, name: str) -> int:
        """A parameter as a whole number, from 0 on."""
        return self.setting.integer(name, least=0)


@dataclass(frozen=True)
class Ready:
    """A competitor that is ready to run.

    Attributes:
        run: does all steps of a job from its first state; returns its seconds, or None where it is timed from outside.
        result: what the last run made, compared with ours; None where the competitor has compared it itself.
        note: what is to be known of the comparison, empty where the work is the same.
    """

    run: Callable[[], float | None]
    result: Callable[[], NDArray[Any]] | None
    note: str = ""


Prepare: TypeAlias = Callable[[Job], Ready]


@dataclass(frozen=True)
class Core:
    """A serial core: its workload's name, its shapes, our kernel and its peers.

    Attributes:
        name: of the workload.
        cases: the shapes.
        ours: makes our kernel ready.
        peers: each by its name, made ready in a process of its own; ImportError means that it is not installed.
        tolerance: the largest difference between results, relative to the largest value of ours; 0 for equality.
        least_equal: where the tolerance is 0, the share of values that must be equal.
        per_step: whether steps are those of the workload, whose declared work then tells the limit.
    """

    name: str
    cases: tuple[Case, ...]
    ours: Prepare
    peers: Mapping[str, Prepare]
    tolerance: float = 0.0
    least_equal: float = 1.0
    per_step: bool = True

    def competitors(self) -> dict[str, Prepare]:
        """Ours first."""
        return {OURS: self.ours, **self.peers}


def require_same(ours: NDArray[Any], theirs: NDArray[Any], tolerance: float = 0.0) -> None:
    """For competitors that compare their result themselves.

    Raises:
        Missing: it differs from ours.
    """
    apart = difference(ours, theirs, tolerance)
    if apart:
        raise Missing(f"not compared: {apart}")


def difference(ours: NDArray[Any], theirs: NDArray[Any], tolerance: float, least_equal: float = 1.0) -> str:
    """Why two results are not the same, empty where they are.

    Args:
        ours: our result.
        theirs: the competitor's.
        tolerance: relative to the largest absolute value of ours; 0 for equality.
        least_equal: the share of values for which equality is asked.
    """
    if ours.shape != theirs.shape:
        return f"its result has the shape {theirs.shape}, ours {ours.shape}"
    if not tolerance:
        differing = int((ours != theirs).sum())
        return f"{differing} of {ours.size} values differ" if differing > (1 - least_equal) * ours.size else ""
    apart = float(np.abs(ours.astype(float) - theirs.astype(float)).max(initial=0.0))
    largest = float(np.abs(ours.astype(float)).max(initial=0.0))
    return (
        "" if apart <= tolerance * largest else f"its result is off by {apart:.3g}, where ours is at most {largest:.3g}"
    )
