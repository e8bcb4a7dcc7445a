# SPDX-License-Identifier: Apache-2.0
"""Three yardsticks of one core, in a tenth of a second: a dependent chain, a pointer chase, and throughput.

They say whether a machine is as fast as it was at another time. What they do is fixed, whatever the machine: so many
bytes are chased through, whether its caches hold them or not.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial
from typing import Final

from serialprof._native import Team, Walk, chain_seconds, fma_peak
from serialprof.measure.robust import undisturbed
from serialprof.measure.turns import in_turns

#: Seconds of all timings together, and that one of them aims at.
_SECONDS: Final = 0.12
_TIMING: Final = 1e-3
_TIMINGS: Final = 3  # a visit
_GROWTH: Final = 3.0
#: Bytes that the chase goes through: beyond every second-level cache, and linked in a moment.
_FOOTPRINT: Final = 16 << 20
_FIRST: Final = 10_000
_FIRST_FLOPS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """What one core does at a moment.

    Attributes:
        chain: seconds of a 64-bit multiplication that waits for the one before.
        chase: seconds of a load that waits for the one before, anywhere in 16 MiB.
        throughput: seconds per floating-point operation where fp32 multiply-adds fill the core.
        clock: its clock in hertz, None where every reading was disturbed.
    """

    chain: float
    chase: float
    throughput: float
    clock: float | None


def read_yardsticks(cpu: int) -> Yardsticks:
    """Reads them on a CPU, which the calling thread is bound to."""
    from serialprof.clock.meter import read_clock

    one = Team([cpu])
    walk = Walk(one, _FOOTPRINT)
    walk.seconds(walk.lines)  # once round, so that the caches hold what they do in the long run
    rate = fma_peak(one, _FIRST_FLOPS)
    visits = {
        "chain": partial(_chained, int(_FIRST * _TIMING / chain_seconds("multiply", _FIRST))),
        "chase": partial(_chased, walk, int(_FIRST * _TIMING / walk.seconds(_FIRST))),
        "throughput": partial(_filled, one, int(rate * _TIMING)),
    }
    found = in_turns(visits, _SECONDS, _GROWTH)
    # A busy machine may leave no time for the later ones.
    readings = {name: undisturbed(found.get(name) or visit()) for name, visit in visits.items()}
    clocks = [clock for clock in (read_clock().hertz for _ in range(9)) if clock is not None]
    return Yardsticks(
        **readings,
        clock=statistics.median(clocks) if clocks else None,
    )


def _chained(ops: int) -> list[float]:
    return [chain_seconds("multiply", ops) / ops for _ in range(_TIMINGS)]


def _chased(walk: Walk, loads: int) -> list[float]:
    return [walk.seconds(loads) / loads for _ in range(_TIMINGS)]


def _filled(one: Team, ops: int) -> list[float]:
    return [1 / fma_peak(one, ops) for _ in range(_TIMINGS)]
