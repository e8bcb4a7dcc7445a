# SPDX-License-Identifier: Apache-2.0
"""The barrier probe: what a barrier adds to a step, by the number of threads and their work between two barriers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from serialprof._native import Barrier, Team, read_meter
from serialprof.limits import BarrierRung, Limits
from serialprof.measure.disturbance import TOLERANCE
from serialprof.measure.robust import midmean, undisturbed, waited
from serialprof.measure.turns import in_turns

#: Seconds of work of each thread between two barriers, in the quick form and in the full one.
GRAINS: Final = {
    True: (0.0, 1e-6, 3e-5, 1e-3),
    False: (0.0, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3),
}
_TIMING: Final = 5e-4  # seconds that one timing aims at: short beside the time slices of others
_FEWEST_STEPS: Final = 2
_MOST_TURNS: Final = 400
_STEP: Final = 5e-7  # seconds of a step that does nothing but wait, for how many of them fill a timing
_METER_OPS: Final = 100_000
_GROWTH: Final = 8.0
_FEWEST_TURNS: Final = 2  # one alone has no error
#: A timing that takes so many times the lower quartile of its kind had a CPU taken from it, unseen by this system.
_DISTURBED: Final = 1.5


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: crowd, one thread, one thread, crowd, so that a linear drift cancels.

    Attributes:
        crowd: seconds of a step of the crowd, each time.
        alone: seconds of a step of one thread with the same share of the work, each time.
        lost: the largest share of one timing that threads waited for a CPU which something else had.
    """

    crowd: tuple[float, float]
    alone: tuple[float, float]
    lost: float = 0.0


def barriers(cpus: Sequence[int], threads: Sequence[int], quick: bool, seconds: float) -> Limits:
    """What a barrier adds to a step: each crowd against one thread that does the same share of the work.

    Args:
        cpus: in placement order; the calling thread is bound to the first.
        threads: thread counts, none above the number of CPUs; 1 is passed over, since one thread waits for nobody.
        quick: fewer grains.
        seconds: what all of it may take.
    """
    one = Team([cpus[0]])
    multiply = min(read_meter(_METER_OPS)[1] for _ in range(5))
    pairs = {}
    for count in (count for count in threads if count > 1):
        team = Team(list(cpus[:count]))
        for grain in GRAINS[quick]:
            pairs[count, grain] = _Pair(team, one, grain, round(grain / multiply))
    readings = in_turns(pairs, seconds, _GROWTH, _MOST_TURNS)
    enough = {key: turns for key, turns in readings.items() if len(turns) >= _FEWEST_TURNS}
    found = [rung_of(count, grain, turns) for (count, grain), turns in enough.items()]
    rungs = tuple(rung for rung in found if rung is not None)
    reasons = {"their time was up": len(pairs) - len(found), "other work had the CPUs": len(found) - len(rungs)}
    gaps = "; ".join(f"{count} of {len(pairs)} grains: {reason}" for reason, count in reasons.items() if count)
    return Limits(barriers=rungs, unmeasured={"barriers": gaps} if gaps else {})


def rung_of(count: int, grain: float, turns: Sequence[Turn]) -> BarrierRung | None:
    """The rung of what was read in turns, disturbed ones left out; None where there are too few; pure.

    Args:
        count: threads of the crowd.
        grain: planned seconds of work between two barriers; 0 for none.
        turns: what was read.
    """
    undelayed = [turn for turn in turns if turn.lost <= TOLERANCE]
    if len(undelayed) < _FEWEST_TURNS:
        return None
    most_crowd, most_alone = (
        _DISTURBED * undisturbed([value for pair in pairs for value in pair])
        for pairs in ([turn.crowd for turn in undelayed], [turn.alone for turn in undelayed])
    )
    sound = [turn for turn in undelayed if max(turn.crowd) <= most_crowd and max(turn.alone) <= most_alone]
    if len(sound) < _FEWEST_TURNS:
        return None
    added, error = midmean([(sum(turn.crowd) - sum(turn.alone)) / 2 for turn in sound])
    work = undisturbed([value for turn in sound for value in turn.alone]) if grain > 0 else 0.0
    return BarrierRung(count, work, max(0.0, added), error)


class _Pair:
    """A crowd and one thread that does the same share of the work, timed in turn."""

    def __init__(self, crowd: Team, one: Team, grain: float, ops: int) -> None:
        self._crowd, self._one = Barrier(crowd, ops * crowd.size), Barrier(one, ops)
        self._steps = max(_FEWEST_STEPS, int(_TIMING / max(grain, _STEP)))

    def __call__(self) -> list[Turn]:
        crowd, one = self._crowd, self._one
        (first, second, third, fourth), lost = zip(*map(self._timed, (crowd, one, one, crowd)), strict=True)
        return [Turn((first, fourth), (second, third), max(lost))]

    def _timed(self, kernel: Barrier) -> tuple[float, float]:
        """Seconds of a step, and the share of the timing that a thread waited for its CPU."""
        kernel.run(1)  # helpers may have to wait until they are woken: that is over now
        before = waited()
        seconds = kernel.seconds(self._steps)
        return seconds / self._steps, (waited() - before) / seconds
