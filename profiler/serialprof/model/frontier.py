# SPDX-License-Identifier: Apache-2.0
"""Clock against threads over the (W, p) plane: sensitivities, how many threads equal a faster clock, tie lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Final, get_args

from serialprof.estimate import Estimate
from serialprof.machine import Machine
from serialprof.model.answers import Frontier, Sensitivity, TieLine
from serialprof.model.forecast.conditions import MORE_BLOCKS, TWO_CLOCKS, on_threads
from serialprof.model.forecast.elasticity import core_elasticities
from serialprof.model.forecast.outlook import Forecast, Outlook
from serialprof.model.forecast.uniting import joined
from serialprof.model.results import Futility, Tradeoff
from serialprof.model.settings import best_settings
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.tradeoff import CLOCK_STEP, clock_elasticity, clock_gains
from serialprof.question import Change
from serialprof.units import format_count

#: Thread counts are looked at one by one up to this, then a fifth apart.
_ONE_BY_ONE: Final = 16
_APART: Final = 1.2
#: So many of them are looked at first.
_FEW: Final = 4
#: The most threads that are looked at where neither the run nor the machine has more.
_MOST_THREADS: Final = 64

_NEVER: Final = "no number of threads"
_NO_BETTER: Final = "the gains of clock and threads are known no better"
_BETTER: Final = f"{MORE_BLOCKS}, more --threads, or {TWO_CLOCKS}"


def frontier(
    times: FamilyTimes,
    outlook: Outlook | None,
    tradeoffs: Sequence[Tradeoff],
    machine: Machine,
) -> Frontier:
    """The frontier of a family; without a fit only its tie lines and best settings.

    Args:
        times: what was measured.
        outlook: with the fit, None where there is none.
        tradeoffs: the measured pairs of thread counts.
        machine: which tells siblings from cores.
    """
    return Frontier(
        () if outlook is None else tuple(_sensitivities(outlook, tradeoffs, machine)),
        tie_lines(tradeoffs),
        best_settings(times),
    )


def tie_lines(tradeoffs: Sequence[Tradeoff]) -> tuple[TieLine, ...]:
    """Where +10 % clock and more threads gain the same, for every pair of thread counts that was compared."""
    pairs = groupby(sorted(tradeoffs, key=_pair_and_width), key=lambda item: (item.threads, item.more_threads))
    return tuple(TieLine(*pair, _tie(list(items))) for pair, items in pairs)


def _pair_and_width(item: Tradeoff) -> tuple[int, int, int]:
    return item.threads, item.more_threads, item.width


def _tie(items: Sequence[Tradeoff]) -> Estimate:
    """The bracket of one pair; items ascending in width."""
    sure = [item for item in items if item.winner in ("clock", "cores")]
    turns = [(a, b) for a, b in pairwise(sure) if (a.winner, b.winner) == ("clock", "cores")]
    if turns:
        before, after = turns[0]
        back = any((a.winner, b.winner) == ("cores", "clock") for a, b in pairwise(sure))
        modelled = any(item.clock_gain.value is None for item in items)
        reason = joined(["model-based on the clock's side" * modelled, "the order changes more than once" * back])
        remedy = "widths between them" if before is items[items.index(after) - 1] else MORE_BLOCKS
        return Estimate.bracket(float(before.width), float(after.width), reason, remedy=remedy)
    if sure and len(sure) == len(items) and len({item.winner for item in items}) == 1:
        if sure[0].winner == "clock":
            last = float(items[-1].width)
            reason = f"beyond W = {format_count(last)}: +10 % clock gains more at every width"
            return Estimate(None, low=last, reason=reason, remedy=f"widths up to {4 * last:g} and more")
        first = float(items[0].width)
        reason = f"below W = {format_count(first)}: more threads gain more at every width"
        return Estimate(None, high=first, reason=reason, remedy="smaller widths")
    reason = "the data cannot tell: " + (_surely(items) or "at no width is it sure what gains more")
    return Estimate.unknown(reason, remedy=f"{MORE_BLOCKS}, or {TWO_CLOCKS}")


def _surely(items: Sequence[Tradeoff]) -> str:
    """At which widths it is sure what gains more, in words."""
    names = {"clock": "+10 % clock", "cores": "more threads"}
    known = [
        f"{name} surely gain{'s' if winner == 'clock' else ''} more at W = {', '.join(widths)}"
        for winner, name in names.items()
        if (widths := [format_count(item.width) for item in items if item.winner == winner])
    ]
    known += [
        f"more threads surely {futile} at W = {', '.join(widths)}, while +10 % clock may gain nothing"
        for futile in get_args(Futility)
        if (widths := [format_count(item.width) for item in items if item.futile == futile])
    ]
    return "; ".join(known)


def _sensitivities(outlook: Outlook, tradeoffs: Sequence[Tradeoff], machine: Machine) -> Iterator[Sensitivity]:
    fitted = outlook.fitted
    measured = {(item.width, item.threads): item.cores for item in tradeoffs}
    pairs = zip(fitted.curves.cells, core_elasticities(fitted, machine.usable), strict=True)
    found = {(int(cell.width), cell.threads): cores for cell, cores in pairs if not cell.lowered}
    places = sorted(found, key=lambda place: (place[1], place[0]))
    gains = clock_gains(outlook, places)
    _look_ahead(outlook, places, gains, machine)
    for place, gain in zip(places, gains, strict=True):
        equal = equal_threads(outlook, *place, gain, machine)
        never = equal.reason.startswith(_NEVER)
        count = 0.0 if never else equal.value or equal.low or 0.0
        yield Sensitivity(
            *place,
            clock_elasticity(gain),
            found[place],
            measured.get(place, _unpaired(threads=place[1], usable=machine.usable)),
            equal,
            never=never,
            extrapolated=count > max(outlook.threads),
            siblings=machine.cores < count <= machine.usable,
        )


def _look_ahead(
    outlook: Outlook, places: Sequence[tuple[int, int]], gains: Sequence[Estimate], machine: Machine
) -> None:
    """Asks for all that `equal_threads` will look at, of all places together, which takes little longer than of one."""
    counts = {place: _counts(outlook, place[1], machine) for place in places}
    few = {place: counts[place][:_FEW] for place in places}
    _ask(outlook, few)
    pairs = zip(places, gains, strict=True)
    _ask(outlook, {place: counts[place] for place, gain in pairs if None in _turns(outlook, place, few[place], gain)})


def _ask(outlook: Outlook, counts: Mapping[tuple[int, int], Sequence[int]]) -> None:
    """Forecasts of other thread counts, by place; the outlook remembers them."""
    pairs = [
        (outlook.cell(width, threads), outlook.cell(width, count))
        for (width, threads), others in counts.items()
        for count in others
    ]
    outlook.between(pairs, Change())


def _unpaired(threads: int, usable: int) -> Estimate:
    remedy = on_threads("more --threads", 2 * threads, usable)
    return Estimate.unknown("no larger thread count was measured here", remedy=remedy)


def equal_threads(outlook: Outlook, width: int, threads: int, gain: Estimate, machine: Machine) -> Estimate:
    """The fewest threads that shorten a step as much as +10 % clock does.

    Both ends count: the fewer where threads gain what their interval allows and the clock its least, the more where it
    is the other way round.

    Args:
        outlook: the family's forecasts.
        width: lanes of the operating point.
        threads: its threads.
        gain: speed-up minus 1 of +10 % clock there, with both ends.
        machine: how many threads it can run at once.
    """
    counts = _counts(outlook, threads, machine)
    few, many = _turns(outlook, (width, threads), counts[:_FEW], gain)
    if few is None or many is None:
        few, many = _turns(outlook, (width, threads), counts, gain)
    if few is None:
        cells = [outlook.cell(width, count) for count in counts]
        forecasts = outlook.forecasts(outlook.cell(width, threads), cells, Change())
        missing = next((item.speedup for item in forecasts if item.speedup.high is None), None)
        if missing is not None:
            return Estimate.unknown(missing.reason, "threads", missing.remedy or MORE_BLOCKS)
        reason = f"{_NEVER} up to {counts[-1]} gains as much"
        return Estimate(None, low=float(counts[-1]), unit="threads", reason=reason)
    low, high = float(counts[few - 1] + 1 if few else counts[0]), None if many is None else float(counts[many])
    if low == high:
        return Estimate(low, low, high, "threads", reason=_beyond(counts[few], outlook, machine))
    return Estimate(None, low, high, "threads", reason=_NO_BETTER, remedy=_BETTER)


def _turns(
    outlook: Outlook, place: tuple[int, int], counts: Sequence[int], gain: Estimate
) -> tuple[int | None, int | None]:
    """Which of the thread counts is the first to gain what the clock gains: at best by its least, at worst by its most.

    None where none does.
    """
    width, threads = place
    cells = [outlook.cell(width, count) for count in counts]
    forecasts = outlook.forecasts(outlook.cell(width, threads), cells, Change())
    least, most = gain.low or 0.0, CLOCK_STEP if gain.high is None else gain.high
    return _first(forecasts, 1 + least, "high"), _first(forecasts, 1 + most, "low")


def _counts(outlook: Outlook, threads: int, machine: Machine) -> list[int]:
    """Thread counts that are looked at, from the present one on, ascending."""
    most = max(_MOST_THREADS, machine.usable, 2 * max(outlook.threads))
    counts = [threads]
    while counts[-1] < most:
        last = counts[-1]
        counts.append(last + 1 if last - threads < _ONE_BY_ONE else min(most, round(last * _APART)))
    return counts


def _first(forecasts: Sequence[Forecast], wanted: float, end: str) -> int | None:
    """Which is the first whose speed-up reaches what is wanted, by one end of its interval."""
    for index, forecast in enumerate(forecasts):
        reached = getattr(forecast.speedup, end)
        if reached is not None and reached >= wanted * (1 - 1e-12):
            return index
    return None


def _beyond(count: int, outlook: Outlook, machine: Machine) -> str:
    if count > machine.usable:
        return f"extrapolated: {machine.usable} threads can run at once here"
    return "" if count in outlook.threads else f"extrapolated: {count} threads were not measured"
