# SPDX-License-Identifier: Apache-2.0
"""Clock or cores, of steps on a CUDA device: which clock helps, and that more cores do not.

One thread of the host drives the device, so its dispatch gains by the host's clock, kernels by the device's, and
nothing by more cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from serialprof.estimate import Estimate
from serialprof.model import wording
from serialprof.model.device.moves import GPU_CLOCK, HOST_CLOCK
from serialprof.model.dissected import DeviceAnalysis, Move

#: The clocks that a step on a device may gain by, as a sentence has them.
_CLOCKS: Final = {HOST_CLOCK: "the host's clock", GPU_CLOCK: "the GPU's clock"}
_DRIVEN: Final = "one thread drives the device"
#: A gain below this rounds to no per cent.
_NOTHING: Final = 0.005


def clock_or_cores(found: DeviceAnalysis) -> str:
    """Which clock helps at the narrowest batch that was taken apart, with the gains of both."""
    moves = [item for item in found.moves if item.name in _CLOCKS]  # the host's first
    if not moves:
        return f"not cores, as {_DRIVEN}; whether a clock helps the data cannot tell: no step was taken apart"
    if unknown := [item for item in moves if _most(item.gain) is None]:
        names = _named(unknown, " or ")
        return f"not cores, as {_DRIVEN}; whether {names} helps the data cannot tell: {unknown[0].reason}"
    host, gpu = (f"{wording.gain(item.gain)} by" for item in moves)
    where = f"at B = {wording.count(moves[0].width)}"
    return f"{_answer(moves)}: {where} a step gains {host} +10 % of the host's, {gpu} the GPU's; {_DRIVEN}"


def _answer(moves: Sequence[Move]) -> str:
    """What helps or may help, and what does not: "at most the host's clock, not cores"."""
    sure = [item for item in moves if (item.gain.low or 0.0) >= _NOTHING]
    open_ = [item for item in moves if item not in sure and (_most(item.gain) or 0.0) >= _NOTHING]
    if not sure and not open_:
        return "neither clock nor cores"
    perhaps = f"{'and perhaps' if sure else 'at most'} {_named(open_, ' or ')}" if open_ else ""
    return f"{' '.join(filter(None, (_named(sure, ' and '), perhaps)))}, not cores"


def _most(gain: Estimate) -> float | None:
    """The largest gain that is not ruled out, None where nothing is known of it."""
    return gain.value if gain.high is None else gain.high


def _named(moves: Sequence[Move], between: str) -> str:
    return between.join(_CLOCKS[item.name] for item in moves)
