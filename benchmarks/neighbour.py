# SPDX-License-Identifier: Apache-2.0
"""Other load on one CPU: a child process that keeps it busy for a share of the time, in bursts of random length."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: Mean seconds of a burst: several time slices of a scheduler, and about as long as a visit.
BURST: Final = 0.05


def bursts(share: float, mean: float, seed: int) -> Iterator[tuple[float, float]]:
    """Endless pairs (busy, idle) in seconds, exponential and independent.

    Args:
        share: of the time that is busy in the long run, above 0; at 1 nothing is idle.
        mean: mean of a busy stretch in seconds; that of an idle one follows.
        seed: the same gives the same.
    """
    draw = random.Random(seed)
    idle = mean * (1 - share) / share
    while True:
        yield draw.expovariate(1 / mean), draw.expovariate(1 / idle) if idle > 0 else 0.0


@contextmanager
def busy_neighbour(cpu: int, share: float, seed: int = 0) -> Iterator[int]:
    """Keeps a CPU busy for a share of the time while the context lasts; gives the process id of the child that does.

    The child is bound to the CPU and runs at default priority. It ends with its parent, however that ends.
    """
    command = [sys.executable, __file__, str(cpu), str(share), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as child:
        try:
            yield child.pid
        finally:
            child.kill()


def _keep_busy(cpu: int, share: float, seed: int) -> None:
    os.sched_setaffinity(0, {cpu})
    parent = os.getppid()
    for busy, idle in bursts(share, BURST, seed):
        end = time.perf_counter() + busy
        while time.perf_counter() < end:
            pass
        if idle:
            time.sleep(idle)
        if os.getppid() != parent:
            return


if __name__ == "__main__":
    _keep_busy(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
