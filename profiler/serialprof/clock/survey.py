# SPDX-License-Identifier: Apache-2.0
"""What `serialprof doctor` says of each policy: driver, range, governors, and what may be written, by whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from serialprof.clock.permission import hindrance, needed, writers
from serialprof.clock.policies import Policy, format_hertz
from serialprof.clock.sysfs import GOVERNOR, HIGH, LOW, SPEED, Tree
from serialprof.machine.finding import Finding, counted, cpu_list

_WORDS: Final = {GOVERNOR: "governor", SPEED: "speed", LOW: "limits", HIGH: "limits"}


def clock_control(policies: Iterable[Policy], tree: Tree | None = None) -> tuple[Finding, ...]:
    """One finding for each kind of policy; those that differ in their CPUs alone are of one kind.

    Args:
        policies: of this machine.
        tree: the kernel's files.
    """
    tree = Tree() if tree is None else tree
    kinds: dict[tuple[Policy, tuple[str, ...], bool], list[Policy]] = defaultdict(list)
    for policy in policies:
        plain = replace(policy, name="", cpus=(), related=(), switch=policy.switch.replace(policy.name, "policy*"))
        names = needed([policy])
        kinds[plain, _writers(tree, names), all(map(tree.writable, names))].append(policy)
    return tuple(_finding(tree, members, who, may) for (_, who, may), members in kinds.items())


def _finding(tree: Tree, members: Sequence[Policy], who: Sequence[str], may: bool) -> Finding:
    names = needed(members)
    what = f"{_described(members)} {'; '.join(who)}."
    if may:
        return Finding("clock control", "good", f"{what} So this user may set it.")
    denied = next(name for name in names if not tree.writable(name))
    reason = hindrance(tree, denied)
    if reason:
        return Finding("clock control", "costs", f"{what} It cannot be set here: {reason}.")
    return Finding("clock control", "costs", f"{what} So this user may not set it.", remedy=_grant(tree, names))


def _described(members: Sequence[Policy]) -> str:
    """Which policies, and what they are."""
    first = members[0]
    numbers = cpu_list(int(policy.name.removeprefix("policy")) for policy in members)
    noun = "Policy" if len(members) == 1 else "Policies"
    cpus = sorted(cpu for policy in members for cpu in policy.cpus)
    driver = f"{first.driver} ({first.mode})" if first.mode else first.driver
    parts = [driver, f"{format_hertz(first.low)} to {format_hertz(first.high)}"]
    if first.states:
        parts[-1] += f" in {counted(len(first.states), 'state')}"
    if first.base is not None:
        parts.append(f"base {format_hertz(first.base)}")
    if first.turbo is not None:
        parts.append(f"turbo {'on' if first.turbo else 'off'}")
    others = [governor for governor in first.governors if governor != first.governor]
    parts.append(f"governor {first.governor}" + (f" (or {', '.join(others)})" if others else ""))
    label = "CPU" if len(cpus) == 1 else "CPUs"
    return f"{noun} {numbers} ({label} {cpu_list(cpus)}): {', '.join(parts)}."


def _writers(tree: Tree, names: Iterable[str]) -> tuple[str, ...]:
    """Who may write what, in words: ("root may write governor, speed and limits",)."""
    things: dict[str, dict[str, None]] = defaultdict(dict)
    for name in names:
        thing = _WORDS.get(name.rpartition("/")[2], "turbo") if name.startswith("cpufreq/policy") else "turbo"
        things[writers(tree, name)][thing] = None
    return tuple(f"{who} may write {_listed(list(what))}" for who, what in things.items())


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _grant(tree: Tree, names: Iterable[str]) -> str:
    """The command that lets everyone write these files until the machine restarts."""
    patterns: dict[str, None] = {}
    for name in names:
        folder, _, kind = name.rpartition("/")
        patterns[f"cpufreq/policy*/{kind}" if folder.startswith("cpufreq/policy") else name] = None
    return "sudo chmod o+w " + " ".join(str(tree.root / pattern) for pattern in patterns)
