# SPDX-License-Identifier: Apache-2.0
"""The least seconds that this machine allows for one step of a core, by what the workload declares of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serialprof.catalog import Work
from serialprof.limits import Limits

#: What a step can be bound by, as it stands in the table.
CHAIN: Final = "chain"
BANDWIDTH: Final = "bandwidth"
ARITHMETIC: Final = "arithmetic"


@dataclass(frozen=True)
class Least:
    """The least seconds of a step.

    Attributes:
        seconds: the largest of the parts, None where none is known.
        binding: its name, empty where none is known.
        parts: seconds that each alone allows.
    """

    seconds: float | None
    binding: str
    parts: dict[str, float]


def least(work: Work, width: int, threads: int, limits: Limits, words: float | None = None) -> Least:
    """What chain latency, bandwidth at the footprint, and vector arithmetic allow, as if each were all there is.

    - chain: dependent operations, each at the latency of a fused multiply-add, or of an integer add where operations
      are those of words; and dependent loads at the latency of the footprint;
    - bandwidth: bytes per step at the read bandwidth of all threads at the footprint;
    - arithmetic: operations of all lanes at the peak of vector multiply-adds of the widest instruction set here, or of
      vector logic. One instruction is one operation: where one does more (ternary logic), less is needed.

    Args:
        work: declared work of one step.
        width: lanes.
        threads: that share it.
        limits: of this machine.
        words: where operations are those of words, how many go through one thread in a second.
    """
    parts: dict[str, float] = {}
    latency = limits.chains.get("fma" if words is None else "add")
    if latency is not None:
        parts[CHAIN] = latency * work.serial_ops
    footprint = max(1.0, work.footprint.at(width))
    load = limits.latency(footprint, threads)
    if work.serial_loads and load is not None:
        parts[CHAIN] = parts.get(CHAIN, 0.0) + load * work.serial_loads
    bandwidth, moved = limits.bandwidth(footprint, threads), work.bytes.at(width)
    if bandwidth and moved:
        parts[BANDWIDTH] = moved / bandwidth
    peak = max(limits.fma.values(), default=0.0) if words is None else words
    if peak:
        parts[ARITHMETIC] = work.flops.at(width) / (threads * peak)
    binding = max(parts, key=lambda part: parts[part], default="")
    return Least(parts.get(binding), binding, parts)
