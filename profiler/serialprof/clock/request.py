# SPDX-License-Identifier: Apache-2.0
"""What a value of --clock asks for: "1.2GHz,2400MHz", "all", "turbo", "off". Pure; nothing is written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from serialprof.clock.policies import Policy, format_hertz
from serialprof.errors import CannotMeasureError, UsageError
from serialprof.policyclock import Clock

#: Frequencies of "all" where the driver has no states: evenly spaced in their logarithm, as elasticities are slopes in
#: it; those between the ends are rounded to the bins of 100 MHz in which most such processors set their clock.
SPREAD: Final = 5
_BIN: Final = 100_000_000
_UNITS: Final = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}
_HOW: Final = "write it like --clock 1.2GHz,2400MHz, --clock all or --clock off"
NO_CPUFREQ: Final = "this kernel offers no clock control (no cpufreq), as in most virtual machines"


def parse_clocks(text: str, policies: Sequence[Policy], *, turbo: bool = False) -> tuple[Clock, ...] | None:
    """The clocks that a --clock asks for, ascending and each once; None for "off", which leaves clocks alone.

    Args:
        text: frequencies with their unit, separated by commas, and the words "all" (the states at or below the base;
            without states `SPREAD` frequencies from the lowest to the base) and "turbo" (the highest there is).
        policies: that are to be set; every one of them has to reach every clock.
        turbo: whether turbo was asked for apart (--turbo); "turbo" in the list asks for it as well.

    Raises:
        UsageError: it cannot be understood.
        CannotMeasureError: these policies do not reach it, or there are none.
    """
    words = [word.strip().lower() for word in text.split(",")]
    if words == ["off"]:
        return None
    if "off" in words:
        raise UsageError(f"--clock {text!r} asks for clocks and for none", 'give "off" alone, or leave it out')
    turbo = turbo or "turbo" in words
    asked = {word: None if word in ("all", "turbo") else frequency(word, text) for word in words}
    if not policies:
        raise CannotMeasureError(f"clocks cannot be set: {NO_CPUFREQ}", "leave out --clock")
    clocks: set[Clock] = set()
    for word, hertz in asked.items():
        if hertz is not None:
            clocks.add(_checked(hertz, policies, turbo))
        elif word == "all":
            clocks.update(Clock(each) for each in available(policies))
        else:
            clocks.add(_top(policies))
    return tuple(sorted(clocks))


def available(policies: Sequence[Policy]) -> tuple[int, ...]:
    """The clocks of "all" in Hz, ascending: what all these policies offer at or below the base of each."""
    low, high = max(policy.low for policy in policies), min(policy.ceiling for policy in policies)
    shared = set(policies[0].states).intersection(*(policy.states for policy in policies[1:]))
    states = tuple(sorted(state for state in shared if low <= state <= high))
    if states:
        return states
    if low >= high:
        return (high,)
    steps = (low * (high / low) ** (step / (SPREAD - 1)) for step in range(1, SPREAD - 1))
    between = {_BIN * round(step / _BIN) for step in steps}
    return tuple(sorted({low, high, *(each for each in between if low < each < high)}))


def frequency(word: str, text: str, option: str = "--clock") -> int:
    """Hz of one frequency, unchecked.

    Args:
        word: the frequency.
        text: all that was given, for the message.
        option: to what.

    Raises:
        UsageError: it is none, or has no unit.
    """
    match = re.fullmatch(r"([0-9]*\.?[0-9]+|[0-9]+\.)\s*([a-z]*)", word)
    if match is None or not (match[2] == "" or match[2] in _UNITS):
        how = _HOW if option == "--clock" else f"write it like {option} 1410MHz"
        raise UsageError(f"{word!r} in {option} {text!r} is no frequency", how)
    number = float(match[1])
    if match[2] == "":
        # Both readings are shown, the likelier one first: processors run at 0.1 to 10 GHz.
        likely, other = ("GHz", "MHz") if number < 50 else ("MHz", "kHz")
        raise UsageError(f"{word!r} in {option} {text!r} has no unit", f"is it {word}{likely} or {word}{other}?")
    hertz = number * _UNITS[match[2]]
    if not (math.isfinite(hertz) and hertz < 1e15):
        raise UsageError(f"{word!r} in {option} {text!r} is no frequency of a processor", _HOW)
    return round(hertz)


def _checked(hertz: int, policies: Sequence[Policy], turbo: bool) -> Clock:
    """The clock, if all policies reach it."""
    for policy in policies:
        if not policy.low <= hertz <= policy.high:
            raise _outside(hertz, policy, turbo)
    above = [policy for policy in policies if hertz > policy.ceiling]
    if above and not turbo:
        raise CannotMeasureError(
            f"{format_hertz(hertz)} is turbo, above the base of {above[0].name}, {format_hertz(above[0].ceiling)}",
            "ask for it by name: --turbo, or turbo in the list of --clock",
        )
    return Clock(hertz, turbo=bool(above))


def _outside(hertz: int, policy: Policy, turbo: bool) -> CannotMeasureError:
    """What is said of a clock beyond a policy's range."""
    top = policy.high if turbo else policy.ceiling
    off = " (turbo is switched off)" if policy.turbo is False and hertz > policy.high else ""
    return CannotMeasureError(
        f"{format_hertz(hertz)} is outside the range of {policy.name}, {format_hertz(policy.low)} to "
        f"{format_hertz(top)}{off}",
        "ask for clocks inside it",
    )


def _top(policies: Sequence[Policy]) -> Clock:
    """The highest clock that all policies reach with turbo."""
    for policy in policies:
        if policy.turbo is False:
            raise CannotMeasureError(
                f"turbo was asked for and is switched off ({policy.switch})", "switch it on, or leave out turbo"
            )
    high = min(policy.high for policy in policies)
    if all(high <= policy.ceiling for policy in policies) and not any(policy.turbo for policy in policies):
        raise CannotMeasureError(
            f"turbo was asked for, and {policies[0].name} has none above {format_hertz(high)}", "leave out turbo"
        )
    return Clock(high, turbo=True)
