# SPDX-License-Identifier: Apache-2.0
"""Types of the extension module; the kernels are described where they are defined, in native/."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def instruction_set() -> str:
    """The level that the hot loops run on: baseline, avx2 or avx512."""

class Team:
    """Pinned threads, one per CPU; rank 0 is the thread that calls run()."""

    def __init__(self, cpus: Sequence[int]) -> None: ...
    @property
    def size(self) -> int: ...
    @property
    def cpus(self) -> list[int]: ...

class Lstm:
    """An LSTM layer whose input size is its hidden size H; one step updates all B = width lanes once.

    Step t reads inputs()[t % ring]; h and c are zero before step 0. In the wide form run(steps) does `steps` independent
    updates from that zero state, in one pass without ticks or delay. steps is at most depth.
    """

    def __init__(self, team: Team, hidden: int, width: int, seed: int, depth: int, wide: bool = False) -> None: ...
    def run(self, steps: int, ticks: NDArray[np.int64] | None = None, delay_ticks: int = 0) -> None: ...
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """weight_ih and weight_hh [4H, H], bias_ih and bias_hh [4H], gates in the order i, f, g, o (torch.nn.LSTM)."""

    def inputs(self) -> NDArray[np.float32]:
        """[ring, B, H]."""

    def state(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """h and c after the last run: [B, H] each; wide: [steps, B, H], the result of every update."""
