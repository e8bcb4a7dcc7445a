# SPDX-License-Identifier: Apache-2.0
"""What a self-test of the gate says, at 80 columns: counts with exact bounds, and apart from them what is computed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from serialprof.gating.rates import RATE_ERROR, Rate, gates_without_event
from serialprof.gating.records import LOOKS
from serialprof.gating.selftest import FEWEST_RUNS, SelfTest
from serialprof.units import format_seconds

_WIDTH: Final = 80
_INDENT: Final = "  "
_ROW: Final = "  {:<9}{:>6}{:>7}{:>7}{:>14}   {}"


def told(test: SelfTest) -> str:
    """The self-test of one benchmark, for people; ends with a newline."""
    return "\n".join([*_heading(test), "", *_table(test), "", *_measured(test), "", *_computed(test), ""])


def _heading(test: SelfTest) -> Iterator[str]:
    criteria, machine = test.benchmark.criteria, test.machine
    yield from _wrapped(
        f"Self-test of {test.benchmark.name}: {_counted(len(test.trials), 'real gate')} of the base against itself, "
        f"in {format_seconds(test.seconds)}"
    )
    yield from _wrapped(
        f"{machine.processor}, {machine.usable} CPUs; tolerance {_share(criteria.tolerance)}, mde "
        f"{_share(criteria.mde)}; a sample takes {format_seconds(test.sample_seconds)}"
    )


def _table(test: SelfTest) -> Iterator[str]:
    yield _ROW.format("planted", "gates", "fail", "pass", "inconclusive", "chance of fail, 95 % bound")
    for planted in test.shares:
        fails, passes = test.rate(planted, "fail"), test.rate(planted, "pass")
        open_ended = test.rate(planted, "inconclusive")
        name = f"+{_share(planted)}" if planted else "nothing"
        bound = _at_most(fails) if planted < test.benchmark.criteria.mde else _at_least(fails)
        yield _ROW.format(name, fails.trials, fails.events, passes.events, open_ended.events, bound)


def _measured(test: SelfTest) -> Iterator[str]:
    alarms = test.false_alarms
    needed = gates_without_event(RATE_ERROR)
    more = f"; a bound of {_share(RATE_ERROR)} takes {needed} gates without one" if alarms.trials < needed else ""
    yield from _wrapped(f"False alarms: {alarms.events} of {alarms.trials} gates, {_at_most(alarms)}{more}.")
    caught = test.detections
    if caught.trials:
        yield from _wrapped(
            f"Caught: {caught.events} of {_counted(caught.trials, 'slow-down')} of "
            f"{_share(test.benchmark.criteria.mde)} or more, {_at_least(caught)}."
        )
    else:
        yield from _wrapped(f"Nothing was planted: {FEWEST_RUNS} runs in a sample would take too long.")
    yield from _wrapped(
        f"A gate takes {format_seconds(test.gate_seconds)} in the median, a pair {format_seconds(test.pair_seconds)}. "
        f"The base against itself was biased in {test.biased.events} of {test.biased.trials} gates."
    )


def _computed(test: SelfTest) -> Iterator[str]:
    criteria, pairs = test.benchmark.criteria, test.pairs_for_mde
    yield from _wrapped(
        f"Computed from the spread of pairs, {_share(test.spread)}, for normal pairs and one look (noncentral t):"
    )
    if pairs is None:
        yield from _wrapped(f"- no number of pairs catches +{_share(criteria.mde)} with a power of 95 %")
    else:
        yield from _wrapped(
            f"- {pairs} pairs, {format_seconds(pairs * test.pair_seconds)}, catch +{_share(criteria.mde)} with a power "
            f"of 95 %{'' if pairs <= LOOKS[-1] else f', but a gate takes {LOOKS[-1]} at most'}"
        )
    most = test.smallest_caught
    yield from _wrapped(f"- {LOOKS[-1]} pairs, {format_seconds(LOOKS[-1] * test.pair_seconds)}, catch +{_share(most)}")
    if pairs is None or pairs > LOOKS[-1]:
        yield from _wrapped(f"- so give --mde {100 * most:.2g}% or more here, or gate on a quieter machine")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=_INDENT)


def _at_most(rate: Rate) -> str:
    return f"at most {_share(rate.at_most)}"


def _at_least(rate: Rate) -> str:
    return f"at least {_share(rate.at_least)}"


def _share(share: float) -> str:
    return f"{100 * share:.2g} %"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
