# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for another clock in words and tables; dilation is named by its label, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from serialprof.intervals import MINIMUM_UNITS
from serialprof.units import format_count, format_seconds
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.estimate import Estimate
    from serialprof.model.answers import Dilation, InjectedDelay, MissingStandIn, SerialBenefit, StandIns

#: Title, columns and rows of a table.
Rows: TypeAlias = tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]

_DELAY_COLUMNS: Final = ("threads", "slope", "slack", "blocks", "what it tells")
_BENEFIT_COLUMNS: Final = ("threads", "of a step", "narrowed to", "by")
_DILATION_COLUMNS: Final = ("threads", "a step takes", "sensitivity, upper bound", "blocks", "label")
_BENEFIT: Final = "+10 % clock saves, through the serial part"


def lines(found: StandIns) -> Iterator[tuple[str, str]]:
    """(name, text) pairs for a terminal, of what there is."""
    if found.delays:
        yield "delay", _delays(found.delays)
    if found.benefits:
        yield "serial gain", f"{_BENEFIT}, {'; '.join(map(_benefit, found.benefits))}"
    if found.dilations:
        yield "dilation", f"{_dilations(found.dilations)} (waiting for memory is dilated too)"
    yield from (("stand-ins", f"{label}: {reason} ({places})") for label, places, reason in _missing(found.missing))


def slack(found: StandIns, axis: str) -> str:
    """How much longer the driving thread may take before a step grows, by injected delays; empty where none told."""
    several = len({item.threads for item in found.delays}) > 1
    told = [
        f"{_slack(item.slack)} at {axis} = {format_count(item.width)}"
        + (f" on {wording.threads(item.threads)}" if several else "")
        for item in found.delays
        if item.primary and item.slack.high is not None
    ]
    return f"{', '.join(told)}: so much longer the host may take before a step grows (injected delay)" if told else ""


def tables(found: StandIns, axis: str = "W") -> Iterator[Rows]:
    """The same as tables for the page."""
    if found.delays:
        yield found.delays[0].label, (axis, *_DELAY_COLUMNS), tuple(map(_delay_row, found.delays))
    if found.benefits:
        yield f"{_BENEFIT}: a bracket", (axis, *_BENEFIT_COLUMNS), tuple(map(_benefit_row, found.benefits))
    if found.dilations:
        yield "Time dilation", (axis, *_DILATION_COLUMNS), tuple(map(_dilation_row, found.dilations))
    if found.missing:
        yield (
            "Stand-ins that are missing or incomplete",
            ("stand-in", "where", "why"),
            tuple(_missing(found.missing, axis)),
        )


def _delays(delays: Sequence[InjectedDelay]) -> str:
    primary = [f"{_slope(item)} {_place(item)}" for item in delays if item.primary]
    sanity = [item.slope for item in delays if not item.primary and item.slope.value is not None]
    text = f"{delays[0].label}: {'; '.join(primary)}" if primary else delays[0].label
    if not sanity:
        return text
    ends = sorted(f"{slope.value:.2f}" for slope in sanity)
    values = ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"
    return f"{text}{'; ' if primary else ': '}{values} on 1 thread, where it is 1 by construction: a sanity check"


def _slope(item: InjectedDelay) -> str:
    if item.slope.value is None:
        return f"the data cannot tell ({item.slope.reason}; slack {_slack(item.slack)})"
    return f"{_number(item.slope)}, slack {_slack(item.slack)}"


def _number(estimate: Estimate) -> str:
    """A slope: "1.00 [0.99 - 1.02]"."""
    if estimate.value is None:
        return wording.MISSING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} [{estimate.low:.2f} - {estimate.high:.2f}]"


def _slack(slack: Estimate) -> str:
    if slack.low == 0.0 and slack.high is not None:
        return f"at most {format_seconds(slack.high)}"
    return "0" if slack.value == 0.0 else wording.with_interval(slack, format_seconds)


def _benefit(item: SerialBenefit) -> str:
    told = f"{wording.compact_percent(item.saved)} of a step {_place(item)}"
    if not item.narrowed.bounded:
        return f"{told} ({item.route}: {item.narrowed.reason})"
    return f"{told}, {wording.compact_percent(item.narrowed)} by {item.route}"


def _dilations(dilations: Sequence[Dilation]) -> str:
    """Each label once, then what it found where."""
    by_label: dict[str, list[str]] = {}
    for item in dilations:
        told = f"a step takes {_times(item.ratio)} as long {_place(item)}, sensitivity {_upper_bound(item)}"
        by_label.setdefault(item.label, []).append(told)
    return "; ".join(f"{label}: {'; '.join(told)}" for label, told in by_label.items())


def _upper_bound(item: Dilation) -> str:
    """The upper end of the sensitivity's interval; the value alone bounds nothing."""
    if item.sensitivity.high is not None:
        return f"at most {item.sensitivity.high:.2f}"
    return f"without an upper bound: {format_count(item.units)} of {MINIMUM_UNITS} blocks that it takes were sound"


def _times(ratio: Estimate) -> str:
    return f"{_number(ratio)} times"


def _place(item: InjectedDelay | SerialBenefit | Dilation) -> str:
    return f"at W = {format_count(item.width)} on {wording.threads(item.threads)}"


def _missing(missing: Sequence[MissingStandIn], axis: str = "W") -> Iterator[tuple[str, str, str]]:
    """(label, places, reason): each reason once, with the places that it holds for."""
    places: dict[tuple[str, str], list[str]] = {}
    for item in missing:
        where = f"{axis} = {format_count(item.width)} on {wording.threads(item.threads)}"
        places.setdefault((item.label, item.reason), []).append(where)
    for (label, reason), found in places.items():
        yield label, ", ".join(found), reason


def _delay_row(item: InjectedDelay) -> tuple[str, ...]:
    if not item.primary:
        tells = "1 by construction: a sanity check"
    elif item.waits:  # with or without a slope
        tells = "its driving thread waits: serial time there is not on the critical path"
    elif item.slope.value is None:
        tells = item.slope.reason
    else:
        tells = "no slack is sure: serial time may be on the critical path"
    cells = (_number(item.slope), _slack(item.slack), str(item.units), tells)
    return format_count(item.width), str(item.threads), *cells


def _benefit_row(item: SerialBenefit) -> tuple[str, ...]:
    saved, narrowed = wording.compact_percent(item.saved), wording.compact_percent(item.narrowed)
    route = item.route if item.narrowed.bounded else f"{item.route}: {item.narrowed.reason}"
    return format_count(item.width), str(item.threads), saved, narrowed, route


def _dilation_row(item: Dilation) -> tuple[str, ...]:
    cells = (_times(item.ratio), _upper_bound(item), str(item.units), item.label)
    return format_count(item.width), str(item.threads), *cells
