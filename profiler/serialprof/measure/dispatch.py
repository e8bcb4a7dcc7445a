# SPDX-License-Identifier: Apache-2.0
"""The dispatch probe: what an eager torch operation costs. Its worker is the only one of the probes to import torch."""

from __future__ import annotations

import time
from typing import Final

from serialprof.limits import Limits
from serialprof.measure.robust import undisturbed
from serialprof.measure.turns import in_turns

_OPERATIONS: Final = 1000  # a timing
_ELEMENTS: Final = 8


def dispatch(seconds: float) -> Limits:
    """Seconds of one eager operation on a small tensor on the CPU that waits for the one before; Python's call counts.

    Args:
        seconds: what it may take, once torch is imported.

    Raises:
        ImportError: there is no torch.
    """
    import torch

    torch.set_num_threads(1)
    state = torch.zeros(_ELEMENTS)

    def timing() -> list[float]:
        start = time.perf_counter()
        for _ in range(_OPERATIONS):
            state.add_(1.0)
        return [(time.perf_counter() - start) / _OPERATIONS]

    timing()  # the first operations load and choose kernels
    return Limits(dispatch=undisturbed(in_turns({"add_": timing}, seconds, growth=1.0)["add_"]))
