# SPDX-License-Identifier: Apache-2.0
"""Which programs are planted, and what the analysis has to say of each: pure functions of a stored run.

A planted program does nothing but dependent multiplies and loads whose numbers are declared, so that truths are known
from counts alone, or from counts and the step times of two programs. None uses what the model uses.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from serialprof.catalog import Work
from serialprof.estimate import Estimate
from serialprof.intervals import half_width, midmean
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.model.results import MEMORY, SERIAL, SYNCHRONISATION, UNATTRIBUTED, FamilyAnalysis
from serialprof.setting import ParameterValue
from serialprof.store import StoredRun
from serialprof.units import format_bytes
from serialprof.validation.comparing import Claim

#: The registered name of the workload; its parameters are docs of its own.
PROGRAM: Final = "planted"
#: Lanes at which shares are compared, those for which `planted` defines its share.
WIDTH: Final = 64
SHARES: Final = (0.1, 0.5, 0.9)

_WIDTHS: Final = (1, 4, 16, 32, 64, 128)
_FEW_WIDTHS: Final = (1, 8, 32, 64, 128)
_HIDING: Final = 128  # lanes that take several times as long as the chain of the program with a knee
#: Multiplies of a step of 64 lanes, unless shortness is the point: so long that what a call of run(D) and the ends of
#: lanes take (tens of nanoseconds a step) is a ten-thousandth of it.
_STEP_OPS: Final = 160_000
_FAR: Final = 64 << 20  # bytes; the rung of the ladder that is furthest out in its quick form
#: Half-widths from which an interval says too little: of a share; the others in multiples of the truth.
_WIDEST_SHARE: Final = 0.1
#: What a planted share of time is known to: the kernel's timer interrupts every long sample and only some short ones,
#: so that time is not quite the straight line over W that the multiplies are.
_INTERRUPTED: Final = 5e-4
#: What a step of loads from within L2 may be off a straight line over W on a real core, as a share of it.
_CURVED: Final = 0.01
_WIDEST_MEMORY: Final = 0.6
_WIDEST_BARRIERS: Final = 1.0
_WIDEST_KNEE: Final = 0.25

_TWO: Final = "two"
_FAR_LOADS: Final = "far loads"
_NEAR_LOADS: Final = "near loads"
_KNEE: Final = "knee"
_BEYOND: Final = "beyond"


@dataclass(frozen=True, slots=True)
class Planting:
    """One planted program: its parameters, and where it is measured."""

    parameters: dict[str, ParameterValue]
    widths: tuple[int, ...] = _WIDTHS
    threads: tuple[int, ...] = (1,)


def plantings(machine: Machine, limits: Limits) -> tuple[dict[str, Planting], dict[str, str]]:
    """The programs for a machine by name, and why checks are skipped there, by check.

    Args:
        machine: where they will run.
        limits: its limits; a load is counted as what the ladder says it takes, so that all processes plant the same.
    """
    planted = {_share_name(share): Planting({"share": share, "step_ops": _STEP_OPS}) for share in SHARES}
    planted[_KNEE] = Planting({"share": 0.24, "overlap": 1, "step_ops": _STEP_OPS}, (1, 4, 8, 16, 32, 64, _HIDING))
    planted[_BEYOND] = Planting({"share": 0.95, "overlap": 1}, _FEW_WIDTHS)
    skipped = {}
    if machine.usable > 1:
        planted[_TWO] = Planting({"share": 0.3, "step_ops": 8_000}, (1, 4, 16, 64, 256), (1, 2))
    else:
        skipped["2 threads"] = "this process may use one core"
    l2, multiply = machine.cache_bytes(2), limits.chains.get("multiply", 0.0)
    if reason := _no_memory(l2, multiply, limits, machine):
        skipped["memory share"] = reason
    else:
        for name, footprint in ((_FAR_LOADS, _FAR), (_NEAR_LOADS, (l2 or 0) // 2)):
            planted[name] = _loads(footprint, (limits.latency(footprint) or 0.0) / multiply)
    return planted, skipped


def _loads(footprint: int, cost: float) -> Planting:
    """Lanes that spend half of their time in loads over a footprint in bytes, of `cost` multiplies each."""
    # Half of half of a step of 64 lanes: so a lane makes four loads at least.
    step_ops = max(40_000, math.ceil(4 * 4 * WIDTH * cost))
    return Planting({"memory": 0.5, "footprint": footprint, "step_ops": step_ops, "load_cost": cost}, _FEW_WIDTHS)


def _no_memory(l2: int | None, multiply: float, limits: Limits, machine: Machine) -> str:
    """Why no loads can be planted; empty where they can."""
    if l2 is None:
        return "the size of the L2 cache is unknown"
    if 8 * l2 > _FAR:
        return f"{format_bytes(_FAR)} are not far beyond an L2 cache of {format_bytes(l2)}"
    if machine.memory < 16 * _FAR:
        return f"{format_bytes(machine.memory)} of memory are too little for programs of {format_bytes(_FAR)}"
    return "" if multiply > 0 and limits.latency(_FAR) else "no latency of loads was measured"


@dataclass(frozen=True)
class Program:
    """A planted program that was measured.

    Attributes:
        analysis: of its family.
        work: declared at every (width, threads).
        steps: seconds per step at every (width, threads), by block: the midmean of its undisturbed samples.
    """

    analysis: FamilyAnalysis
    work: Mapping[tuple[int, int], Work]
    steps: Mapping[tuple[int, int], Mapping[int, float]]

    @classmethod
    def of(cls, run: StoredRun, analysis: FamilyAnalysis) -> Program:
        """A family of a run whose points declare their work, one form and one clock each."""
        points = {point.id: point for point in run.plan.points if point.family == analysis.family}
        seconds: dict[tuple[int, int], dict[int, list[float]]] = {}
        work = {}
        for point in points.values():
            key = (point.setting.width, point.setting.threads)
            seconds[key] = defaultdict(list)
            if point.work is not None:
                work[key] = point.work
        for visit in run.visits:
            if (found := points.get(visit.point)) is not None:
                key = (found.setting.width, found.setting.threads)
                steps = visit.runs * found.setting.depth
                seconds[key][visit.block] += [sample.seconds / steps for sample in visit.sound]
        kept = {
            key: {block: midmean(all_) for block, all_ in blocks.items() if all_} for key, blocks in seconds.items()
        }
        return cls(analysis, work, kept)

    @property
    def units(self) -> int:
        """Independent units behind the intervals of its fit, 0 without one."""
        return self.analysis.fit.units if self.analysis.fit else 0

    def multiplies(self, threads: int = 1, width: int = WIDTH) -> float:
        """Multiplies on the longest way through a step: those of the chain and of the lanes of the first thread."""
        work = self.work[width, threads]
        return work.serial_ops + math.ceil(width / threads) * work.flops.per_lane

    def loads(self, width: int = WIDTH) -> float:
        """Loads of a step."""
        return self.work[width, 1].loads.at(width)

    def step(self, threads: int = 1, width: int = WIDTH) -> Mapping[int, float]:
        """Seconds per step by block."""
        return self.steps[width, threads]

    def share(self, cause: str, threads: int = 1, width: int = WIDTH) -> Estimate:
        """The analysis' share of a cause in a step."""
        return self._part(cause, "share", threads, width)

    def seconds(self, cause: str, threads: int = 1, width: int = WIDTH) -> Estimate:
        """The analysis' seconds of a cause in a step."""
        return self._part(cause, "seconds", threads, width)

    def knee(self) -> Estimate:
        """The analysis' knee on one thread."""
        if self.analysis.fit is None:
            return Estimate.unknown(self.analysis.refusal)
        return self.analysis.fit.knees[1]

    def _part(self, cause: str, quantity: str, threads: int, width: int) -> Estimate:
        for attribution in self.analysis.attributions:
            if (attribution.width, attribution.threads) == (width, threads):
                estimate: Estimate = getattr(attribution.part(cause), quantity)
                return estimate
        return Estimate.unknown(self.analysis.refusal or "the point was not measured")


def claims(programs: Mapping[str, Program]) -> tuple[Claim, ...]:
    """What was planted, against what the analysis says.

    Args:
        programs: measured, by the names that `plantings` gave them.
    """
    return tuple(_claims(programs))


def _claims(programs: Mapping[str, Program]) -> Iterator[Claim]:
    for share in SHARES:
        program = programs[_share_name(share)]
        planted = program.work[WIDTH, 1].serial_ops / program.multiplies()
        truth = Estimate(planted, planted - _INTERRUPTED, planted + _INTERRUPTED)
        yield Claim(_share_name(share), truth, program.share(SERIAL), program.units, _WIDEST_SHARE)
    if _TWO in programs:
        yield from _two_threads(programs[_TWO])
    if _FAR_LOADS in programs:
        yield from _memory(programs[_share_name(0.5)], programs[_NEAR_LOADS], programs[_FAR_LOADS])
    yield from _knees(programs[_KNEE], programs[_BEYOND])


def _two_threads(program: Program) -> Iterator[Claim]:
    """The serial share on two threads, and what keeping them in step costs, from T_1, T_2 and counts.

    On one thread a step is multiplies alone, T_1 = m x ops_1. On two it is m x ops_2 and the barriers.
    """
    one, two = program.multiplies(), program.multiplies(2)
    serial = program.work[WIDTH, 2].serial_ops
    share = _measured("1", lambda alone, both: serial / one * alone / both, program.step(), program.step(2))
    barriers = _measured("s", lambda alone, both: both - alone * two / one, program.step(), program.step(2))
    yield Claim("serial share, 2 threads", share, program.share(SERIAL, 2), program.units, _WIDEST_SHARE)
    yield Claim(
        "barriers, 2 threads",
        barriers,
        program.seconds(SYNCHRONISATION, 2),
        program.units,
        _WIDEST_BARRIERS * abs(barriers.value or 0.0),
    )


def _memory(plain: Program, near: Program, far: Program) -> Iterator[Claim]:
    """The share of loads beyond L2, from three programs and their counts.

    T = m x ops + loads x latency in each, `plain` having no loads, `near` loads from within L2. What counts as memory
    is the latency of `far` beyond that of `near`. All of a step of `near` grows with W or with nothing.
    """

    def beyond(plain_step: float, near_step: float, far_step: float) -> float:
        multiply = plain_step / plain.multiplies()
        inside = (near_step - multiply * near.multiplies()) / near.loads()
        return (far_step - multiply * far.multiplies() - far.loads() * inside) / far_step

    truth = _measured("1", beyond, plain.step(), near.step(), far.step())
    footprints = [format_bytes(program.work[1, 1].footprint.fixed) for program in (near, far)]
    # Its share of memory is 0 by definition where all stays in L2, so what is told of the rest is compared: width
    # compute and serial are 1 less these. Their own ends lean on each other, so that a sum of them would be too wide.
    told = _one_less(near.share(MEMORY), near.share(UNATTRIBUTED))
    whole = Estimate(1.0, 1 - _CURVED, 1 + _CURVED)
    yield Claim(f"loads are work, {footprints[0]}", whole, told, near.units, _WIDEST_SHARE)
    widest = _WIDEST_MEMORY * abs(truth.value or 0.0)
    yield Claim(f"memory share, {footprints[1]}", truth, far.share(MEMORY), far.units, widest)


def _knees(within: Program, beyond: Program) -> Iterator[Claim]:
    """Where lanes take as long as the chain, and that the chain takes no time of its own behind longer lanes."""
    for program, name in ((within, "knee within the sweep"), (beyond, "knee beyond the sweep")):
        work = program.work[WIDTH, 1]
        knee = work.serial_ops / work.flops.per_lane
        yield Claim(
            name,
            _exact(knee, "lanes"),
            program.knee(),
            program.units,
            _WIDEST_KNEE * knee,
            refusal=program is beyond,
            least=min(width for width, _ in program.steps),
        )
    hidden = within.share(SERIAL, width=_HIDING)
    yield Claim("serial share, hidden", _exact(0.0), hidden, within.units, _WIDEST_SHARE)


def _share_name(share: float) -> str:
    return f"serial share {share}"


def _exact(value: float, unit: str = "1") -> Estimate:
    """A truth by construction."""
    return Estimate(value, value, value, unit)


def _one_less(first: Estimate, second: Estimate) -> Estimate:
    """What two shares leave of a step; its ends are those of both together: too wide rather than too narrow."""
    pairs = (first.value, second.value), (first.high, second.high), (first.low, second.low)
    value, low, high = (None if one is None or other is None else 1 - one - other for one, other in pairs)
    return Estimate(value, low, high, first.unit, first.level, reason=first.reason or second.reason)


def _measured(unit: str, function: Callable[..., float], *steps: Mapping[int, float]) -> Estimate:
    """A truth from step times: the mean over the blocks that have all of them, with its t interval."""
    blocks = sorted(set.intersection(*map(set, steps)))
    values = [function(*(column[block] for column in steps)) for block in blocks]
    if not values:
        return Estimate.unknown("no block has all the points that it needs", unit)
    mean, half = math.fsum(values) / len(values), half_width(values)
    if half is None:
        return Estimate(mean, unit=unit, reason=f"only {len(values)} blocks have the points that it needs")
    return Estimate(mean, mean - half, mean + half, unit)
