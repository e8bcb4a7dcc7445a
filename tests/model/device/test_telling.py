# SPDX-License-Identifier: Apache-2.0
"""Sentences about steps on a device."""

import pytest

from serialprof.estimate import Estimate
from serialprof.model.answers import Part
from serialprof.model.device.batch import DISPATCH, WEIGHTS
from serialprof.model.device.telling import best, every_batch_beyond, knee, next_move, parts, price, speed_up
from serialprof.model.dissected import (
    BANDWIDTH,
    DEVICE_CAUSES,
    FLOOR,
    FLOP,
    HOST,
    SLOW,
    UNTOLD,
    BatchSweep,
    DeviceAnalysis,
    DeviceStep,
    Move,
    Throughput,
)

RATE = Estimate.unknown("not needed")


def sweep(known: Estimate, cause: str = "", reason: str = "", least: int = 1) -> BatchSweep:
    return BatchSweep(known, "sum", 0.01, (Throughput(least, RATE), Throughput(64, RATE)), cause, reason)


def move(name: str, gain: Estimate, batch: int | None = None) -> Move:
    return Move(name, 1, gain, "measured", batch=batch)


def analysis(*moves: Move, best: Move | None = None, here: Move | None = None) -> DeviceAnalysis:
    return DeviceAnalysis("cuda:0", 1, None, sweep(RATE), (), moves, best, here)


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (
            Estimate(40.0, 30.0, 55.0),
            "the knee is at B = 40 [30 - 55]: below it a step is batch-insensitive because of ",
        ),
        (Estimate(40.0, 39.9, 40.1), "the knee is at B = 40: below it a step is"),
        (Estimate(None, 64.0, None, reason="beyond B = 64"), "the knee lies beyond B = 64: up to there a step is"),
        (Estimate.unknown("beyond B = 64; an interval needs more"), "the knee lies beyond B = 64: up to there a step"),
        (Estimate(None, None, 3.0, reason="below B = 1"), "the knee lies at B = 3 or below: below it a step is"),
        (
            Estimate.unknown("a knee takes more"),
            "the knee is unknown: a knee takes more; a narrow step spends most on",
        ),
        (
            Estimate(None, None, None, reason="the data cannot tell the knee"),
            "the data cannot tell the knee; a narrow",
        ),
    ],
)
def test_where_the_knee_lies(known: Estimate, told: str) -> None:
    assert knee(sweep(known, DISPATCH)).startswith(told)


@pytest.mark.parametrize(
    "known",
    [
        Estimate(0.62, reason="an interval needs more"),
        Estimate.unknown("below B = 1; an interval needs more"),
        Estimate(None, None, 1.0, reason="below B = 1"),
        Estimate(0.7, 0.6, 0.8),
    ],
)
def test_a_knee_below_every_batch_has_one_form(known: Estimate) -> None:
    assert every_batch_beyond(sweep(known))
    assert knee(sweep(known, "", "whatever")) == "every batch is beyond the knee: from B = 1 on lanes cost time"
    assert not every_batch_beyond(sweep(Estimate(0.9, 0.7, 1.2)))


def step(**shares: Estimate) -> DeviceStep:
    """A step with the shares of host, floor and untold as given, and nothing else."""
    names = {HOST: "host", FLOOR: "floor", BANDWIDTH: "bandwidth", FLOP: "flop", SLOW: "slow", UNTOLD: "untold"}
    nothing = Estimate(0.0, 0.0, 0.0)
    own = tuple(Part(cause, RATE, shares.get(names.get(cause, ""), nothing)) for cause in DEVICE_CAUSES)
    return DeviceStep(1, RATE, own, RATE, RATE, 8)


def test_parts_are_told_by_size_and_what_is_open_by_what_it_may_be() -> None:
    known = Estimate(0.6, 0.5, 0.7)
    assert parts(step(host=known, floor=Estimate(0.1), untold=Estimate(0.3, 0.2, 0.4))) == (
        "60 % [50 - 70] host dispatch, 10 % kernel latency floor and 30 % [20 - 40] unattributed"
    )
    open_ = Estimate.bracket(0.0, 0.9, "")
    kernels = {"floor": open_, "bandwidth": open_, "flop": open_, "slow": open_}
    assert parts(step(host=Estimate.bracket(0.1, 1.0, ""), **kernels)) == (
        "between 10 and 100 % host dispatch and up to 90 % kernels, whose parts are not told"
    )
    assert parts(step(host=known, flop=open_)) == "between 0 and 90 % FLOP and 60 % [50 - 70] host dispatch"


def test_what_the_data_cannot_tell_reads_as_a_sentence() -> None:
    told = knee(sweep(Estimate(40.0), "", f"the data cannot tell {WEIGHTS} from {FLOOR}"))
    assert told.endswith("the data cannot tell weight bandwidth (width memory) from kernel latency floor")


def test_the_price_of_a_batch_is_how_much_longer_its_step_takes() -> None:
    found = price(move("batch 64", Estimate(31.0, 15.0, 63.0), 64))
    assert found is not None
    assert (found.value, found.low, found.high) == (2.0, 1.0, 4.0)
    assert price(move("CUDA graphs", Estimate(1.0, 0.9, 1.1))) is None


def test_the_best_move_is_told_with_gain_and_price() -> None:
    wider, graphs = move("batch 64", Estimate(31.0, 15.0, 63.0), 64), move("CUDA graphs", Estimate(0.5, 0.4, 0.6))
    found = analysis(wider, graphs, best=wider, here=graphs)
    assert best(found) == (
        "the best next move from B = 1 is batch 64: 32.0x [16.0 - 64.0] lanes per second; a step takes "
        "2.00x [1.00 - 4.00] as long (measured). where the batch has to stay, it is CUDA graphs: +50 % [+40, +60] "
        "(measured)"
    )
    assert next_move(found) == (
        "From B = 1, go for batch 64 (32.0x lanes per second, a step 2.00x as long); where the batch has to stay, for "
        "CUDA graphs (+50 %)."
    )


def test_a_gain_without_an_interval_is_said_to_lack_it() -> None:
    bare = move("batch 64", Estimate(31.0, reason="an interval needs more"), 64)
    told = best(analysis(bare))
    assert told == (
        "at B = 1 no move surely helps most; without an interval yet (that takes 5 blocks), batch 64: 32.0x lanes per "
        "second; a step takes 2.00x as long (measured)"
    )
    assert next_move(analysis(bare)) == ""
    assert best(analysis(move("clock", Estimate.bracket(0.0, 0.1, "")))) == "at B = 1 no move surely helps most"


def test_large_gains_are_factors() -> None:
    assert speed_up(Estimate.bracket(0.0, 37.35, "")) == "1x to 38.4x"
    assert speed_up(Estimate.bracket(0.0, 0.1, "")) == "+0 to +10 %"
    assert speed_up(Estimate(1.5, 1.0, 2.0)) == "2.50x [2.00 - 3.00]"
