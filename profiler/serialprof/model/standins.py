# SPDX-License-Identifier: Apache-2.0
"""What stand-ins for another clock tell: injected delays, time dilation, and the bracket of what a clock can save."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.answers import Counting, Dilation, InjectedDelay, MissingStandIn, SerialBenefit, StandIns
from serialprof.model.knee import fit_knee
from serialprof.model.results import SCALING, SERIAL, Attribution
from serialprof.model.statistics import Array, interval, log_interval
from serialprof.planning import Point, StandInKind
from serialprof.store import StandIn, StoredRun

DELAY_LABEL: Final = "serial-criticality slope (injected delay)"
DILATION_LABEL: Final = "host time dilation x {}, not a clock"

#: f / f' of the clock whose benefit is bracketed: +10 %.
_SLOWER: Final = 1 / 1.1
#: Share of a step below which slack does not count: a core overlaps the end of a step with the begin of a delay.
_OVERLAP: Final = 0.05
#: Seconds per step beyond which a timing is an error, not a measurement.
_SHORTEST: Final = 1e-18
_LONGEST: Final = 1e9


def stand_ins(
    run: StoredRun, points: Sequence[Point], attributions: Sequence[Attribution], counted: Sequence[Counting]
) -> StandIns:
    """What the stand-ins of one family tell.

    Args:
        run: the stored run.
        points: of the family.
        attributions: at its operating points.
        counted: what the hardware's counters say, by width on one thread.
    """
    delays = {point.id: found for point in points if (found := _delay(run, point))}
    dilations = {point.id: dilated for point in points if (dilated := _dilation(run, point))}
    where = {(item.width, item.threads): item for item in attributions}
    benefits = (
        benefit(where[item.width, item.threads], item, points[0].setting.device, counted)
        for item in delays.values()
        if (item.width, item.threads) in where
    )
    kinds: dict[StandInKind, Container[int]] = {"delay": delays, "dilation": dilations}
    missing = tuple(_missing(run, points, kinds))
    return StandIns(tuple(delays.values()), tuple(dilations.values()), tuple(benefits), missing)


def benefit(there: Attribution, delay: InjectedDelay, device: str, counted: Sequence[Counting] = ()) -> SerialBenefit:
    """From 0 to serial share x (1 - f / f'), narrowed by the primary route.

    Args:
        there: the attribution at the operating point.
        delay: the injected delays there.
        device: on which the steps run.
        counted: by width on one thread.
    """
    share = there.part(SERIAL).share
    low, high = max(0.0, share.low or 0.0), min(1.0, _upper(share))
    saved = _bracket(0.0, high, "no clock was set")
    if delay.primary:
        narrowed, route = _by_delay(delay, device, high), "injected delay"
    elif (counts := next((item.scaling for item in counted if item.width == there.width), None)) and counts.bounded:
        assert counts.low is not None and counts.high is not None
        # What does not scale may all be serial; what scales may be, too.
        narrowed = _bracket(max(0.0, low - (1 - counts.low)), min(high, counts.high), "by cycles and stalls, no clock")
        route = "hardware counters"
    else:
        part = there.part(SCALING).share
        ends = (max(0.0, part.low or 0.0), min(high, _upper(part)))
        narrowed, route = _bracket(*ends, "model-based: no measurement of a change of clock"), "footprint model"
    return SerialBenefit(there.width, there.threads, saved, narrowed, route)


def _by_delay(delay: InjectedDelay, device: str, high: float) -> Estimate:
    """What the slope leaves of the bracket: serial time that is not on the critical path saves nothing."""
    if delay.waits and device != "cpu":  # whatever the slope, which is unknown where the slack is about the whole step
        return _bracket(0.0, 0.0, "the host waits for the device: its serial time is not on the critical path")
    if delay.waits:
        return Estimate.unknown(
            "the thread that drives the steps waits for others, which share its clock: only theirs would count"
        )
    if not delay.slope.identified:
        return Estimate.unknown(f"the injected delays cannot tell: {delay.slope.reason}", remedy=delay.slope.remedy)
    sure = delay.slack.high is not None and delay.slack.high <= _OVERLAP * (delay.step.value or 0.0)
    critical = f"the serial time {'is' if sure else 'may be'} on the critical path"
    return _bracket(0.0, high * min(1.0, _upper(delay.slope)), critical)


def _bracket(low: float, high: float, reason: str) -> Estimate:
    saved = 1 - _SLOWER
    return Estimate.bracket(saved * min(low, high), saved * high, reason, remedy="runs at two clocks")


def _upper(share: Estimate) -> float:
    """The most that a share may be; 1 where nothing is known."""
    ends = [end for end in (share.high, share.value) if end is not None]
    return max(0.0, *ends) if ends else 1.0


def _timings(run: StoredRun, point: Point, kind: StandInKind) -> list[list[StandIn]]:
    """The undisturbed timings of a point, block by block."""
    blocks: dict[int, list[StandIn]] = defaultdict(list)
    for item in run.stand_ins:
        sound = not item.disturbed and _SHORTEST < item.seconds < _LONGEST and item.level < _LONGEST
        if (item.kind, item.point) == (kind, point.id) and sound:
            blocks[item.block].append(item)
    return [blocks[block] for block in sorted(blocks)]


def _delay(run: StoredRun, point: Point) -> InjectedDelay | None:
    """The knee at a point; None where no block has every level undisturbed."""
    whole = _whole_curves(run, point)
    if not whole:
        return None
    both: Array = np.array(whole)  # [unit, level, (delay, seconds)]
    found = fit_knee(both[:, :, 0], both[:, :, 1])
    mean = np.mean(both, axis=0)
    setting = point.setting
    least = found.slack.low
    return InjectedDelay(
        label=DELAY_LABEL,
        width=setting.width,
        threads=setting.threads,
        primary=setting.threads > 1 or setting.device != "cpu",
        step=found.step,
        slope=found.slope,
        slack=found.slack,
        waits=least is not None and least > _OVERLAP * (found.step.value or 0.0),
        delays=tuple(map(float, mean[:, 0])),
        steps=tuple(map(float, mean[:, 1])),
        units=len(whole),
        residual=found.residual,
    )


def _whole_curves(run: StoredRun, point: Point) -> list[list[tuple[float, float]]]:
    """The curves of the blocks in which every level was timed undisturbed, three of them at least."""
    levels: dict[int, set[float]] = defaultdict(set)
    for item in run.stand_ins:
        if (item.kind, item.point) == ("delay", point.id):
            levels[item.block].add(item.level)
    wanted = Counter(map(len, levels.values())).most_common(1)[0][0] if levels else 0
    curves = [_curve(block) for block in _timings(run, point, "delay")]
    return [curve for curve in curves if len(curve) == wanted > 2 and curve[0][0] == 0.0]


def _curve(block: Iterable[StandIn]) -> list[tuple[float, float]]:
    """(delay, mean seconds) of one block, ascending."""
    levels: dict[float, list[float]] = defaultdict(list)
    for item in block:
        levels[item.level].append(item.seconds)
    return [(level, float(np.mean(levels[level]))) for level in sorted(levels)]


def _dilation(run: StoredRun, point: Point) -> Dilation | None:
    """The sensitivity at a point; None where no block has the step as it is and dilated."""
    found = [own for block in _timings(run, point, "dilation") if (own := _stretched(block)) is not None]
    if not found:
        return None
    slopes, ratios, factors = (np.array(column) for column in zip(*found, strict=True))
    factor = float(np.exp(np.mean(factors)))
    return Dilation(
        label=DILATION_LABEL.format(f"{factor:.2f}"),
        width=point.setting.width,
        threads=point.setting.threads,
        factor=factor,
        ratio=log_interval(ratios),
        sensitivity=interval(slopes),
        units=len(found),
    )


def _stretched(block: Sequence[StandIn]) -> tuple[float, float, float] | None:
    """Slope of ln seconds over ln(1 / (1 - share)), and both logarithms at the largest share, of one block."""
    most = max((item.level for item in block), default=0.0)
    plain = [np.log(item.seconds) for item in block if item.level == 0.0]
    if not plain or not 0.0 < most < 1.0:
        return None
    spread = np.array([-np.log1p(-item.level) for item in block])
    logs = np.array([np.log(item.seconds) for item in block])
    slope = float(np.polyfit(spread, logs, 1)[0])
    far = spread > 0.9 * float(np.max(spread))
    return slope, float(np.mean(logs[far]) - np.mean(plain)), float(np.mean(spread[far]))


def _missing(
    run: StoredRun, points: Sequence[Point], found: Mapping[StandInKind, Container[int]]
) -> Iterator[MissingStandIn]:
    """Why points lack a stand-in that was to be taken, those left out of which something was `found`."""
    own = {point.id: point.setting for point in points}
    for gap in run.stand_in_gaps:
        if gap.point in own:
            reason = "; ".join(filter(None, (gap.reason, _spoilt(run, gap.kind, gap.point))))
            yield MissingStandIn(_label(gap.kind), own[gap.point].width, own[gap.point].threads, reason)
    told = {(gap.kind, gap.point) for gap in run.stand_in_gaps}
    for kind, number in dict.fromkeys((item.kind, item.point) for item in run.stand_ins):
        if number in own and number not in found[kind] and (kind, number) not in told:
            reason = _spoilt(run, kind, number) or "no block has every level"
            yield MissingStandIn(_label(kind), own[number].width, own[number].threads, reason)


def _spoilt(run: StoredRun, kind: StandInKind, point: int) -> str:
    """How many timings at a point were disturbed, and by what; empty where none was."""
    flags = [item.disturbed for item in run.stand_ins if (item.kind, item.point) == (kind, point)]
    spoilt = [flag for flag in flags if flag]
    return f"{len(spoilt)} of {len(flags)} timings were disturbed: {spoilt[0]}" if spoilt else ""


def _label(kind: StandInKind) -> str:
    return DELAY_LABEL if kind == "delay" else DILATION_LABEL.format("k")
