# SPDX-License-Identifier: Apache-2.0
"""Clock or cores, of steps on a CUDA device."""

import pytest

from serialprof.estimate import Estimate
from serialprof.model.device.clockorcores import clock_or_cores
from serialprof.model.device.moves import GPU_CLOCK, GRAPHS, HOST_CLOCK
from serialprof.model.dissected import BatchSweep, DeviceAnalysis, Move

SWEEP = BatchSweep(Estimate.unknown(""), "", None, (), "", "")
NOTHING = Estimate.bracket(0.0, 0.001, "")
OPEN = Estimate.bracket(0.0, 0.1, "")
SURE = Estimate(0.1, 0.09, 0.11)
GRAPH = Move(GRAPHS, 16, SURE, "measured")


def told(*gains: Estimate) -> str:
    names = (HOST_CLOCK, GPU_CLOCK)
    clocks = tuple(Move(name, 16, gain, "bracket", gain.reason) for name, gain in zip(names, gains, strict=False))
    return clock_or_cores(DeviceAnalysis("cuda:0", 1, None, SWEEP, (), (*clocks, GRAPH)))


@pytest.mark.parametrize(
    ("host", "gpu", "answer"),
    [
        (NOTHING, NOTHING, "neither clock nor cores"),
        (OPEN, NOTHING, "at most the host's clock, not cores"),
        (NOTHING, OPEN, "at most the GPU's clock, not cores"),
        (OPEN, OPEN, "at most the host's clock or the GPU's clock, not cores"),
        (SURE, NOTHING, "the host's clock, not cores"),
        (SURE, OPEN, "the host's clock and perhaps the GPU's clock, not cores"),
        (Estimate(0.1), NOTHING, "at most the host's clock, not cores"),
    ],
)
def test_only_what_surely_helps_is_said_to(host: Estimate, gpu: Estimate, answer: str) -> None:
    assert told(host, gpu).startswith(f"{answer}: at B = 16 a step gains ")


def test_both_gains_stand_beside_the_answer() -> None:
    assert told(SURE, OPEN).endswith(
        ": at B = 16 a step gains +10 % [+9, +11] by +10 % of the host's, +0 to +10 % by the GPU's; one thread drives "
        "the device"
    )


def test_a_clock_of_which_nothing_is_known_is_left_open_with_the_reason() -> None:
    unknown = Estimate.unknown("no parts")
    assert told(unknown, unknown) == (
        "not cores, as one thread drives the device; whether the host's clock or the GPU's clock helps the data cannot "
        "tell: no parts"
    )
    assert told(SURE, unknown).endswith("; whether the GPU's clock helps the data cannot tell: no parts")
    assert told().endswith("whether a clock helps the data cannot tell: no step was taken apart")
