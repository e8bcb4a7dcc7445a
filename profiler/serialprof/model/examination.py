# SPDX-License-Identifier: Apache-2.0
"""A family's times with their fit, or why there is none: what the analysis and what-if questions start from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from serialprof.catalog import Description
from serialprof.limits import Limits
from serialprof.model.fitting.curves import RefusedFitError
from serialprof.model.fitting.fit import fit_family
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.memory import Memory
from serialprof.model.forecast.outlook import Outlook
from serialprof.model.steptimes import FamilyTimes, collect
from serialprof.setting import on_cuda
from serialprof.store import StoredRun


@dataclass(frozen=True)
class Examined:
    """One family of a run.

    Attributes:
        description: of its workload; a bare one where the plan holds none.
        times: its step times.
        memory: the machine's ladders.
        usable: threads that the machine runs at once.
    """

    description: Description
    times: FamilyTimes
    memory: Memory
    usable: int

    @property
    def fitted(self) -> Fitted | None:
        """The fit, None where there is none."""
        return self._fit[0]

    @property
    def refusal(self) -> str:
        """Why there is none, a sentence."""
        return self._fit[1]

    @cached_property
    def _fit(self) -> tuple[Fitted | None, str]:
        """The fit, or why there is none; made when it is first asked for."""
        try:
            return fit_family(self.times, self.memory), ""
        except RefusedFitError as refused:
            return None, str(refused)
        except (RuntimeError, np.linalg.LinAlgError) as broken:
            return None, f"no fit: the least squares did not converge ({broken})"

    @cached_property
    def outlook(self) -> Outlook | None:
        """What the fit says of conditions that were not measured, None where there is no fit."""
        return None if self.fitted is None else Outlook(self.times, self.fitted, self.usable)


def examine(run: StoredRun) -> tuple[Examined, ...]:
    """Every family of a run with its fit, in the order of the plan."""
    return tuple(
        Examined(_description(run, times), times, _memory(run, times.family.device), run.machine.usable)
        for times in collect(run)
    )


def _memory(run: StoredRun, device: str) -> Memory:
    """The ladders of the host; of a CUDA device its last cache alone, for the host's say nothing of it."""
    if not on_cuda(device):
        return Memory.of(run.limits, run.machine.cache_bytes(2))
    return Memory.of(Limits(), next((item.cache for item in run.devices if item.device == device), None))


def _description(run: StoredRun, times: FamilyTimes) -> Description:
    reference = times.family.workload
    described = (item for item in run.plan.descriptions if item.reference == reference)
    return next(described, Description(reference=reference, name=reference))
