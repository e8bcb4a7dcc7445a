# SPDX-License-Identifier: Apache-2.0
"""What clocks looked like before, and giving exactly that back.

Giving back is idempotent: every write is of what was there before. So two processes that do it at once, or one that
does it twice, do no harm.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

from serialprof.clock.pinning import IN_FORCE, set_limits
from serialprof.clock.policies import AUTONOMOUS, Policy
from serialprof.clock.sysfs import (
    BOOST,
    GOVERNOR,
    HIGH,
    LOW,
    NO_TURBO,
    POLICY_BOOST,
    PREFERENCE,
    SPEED,
    TUNABLES,
    Tree,
    is_tunable,
    valid,
)
from serialprof.errors import CannotMeasureError

#: Giving one file back can move another (turbo moves limits), so it is looked at again until nothing differs.
_PASSES: Final = 3
_ORDER: Final = (GOVERNOR, BOOST, NO_TURBO, POLICY_BOOST, LOW, HIGH, PREFERENCE, SPEED)


@dataclass(frozen=True, slots=True)
class Restoration:
    """What giving back came to.

    Attributes:
        changed: names of the files that differed and are again as they were.
        failed: one sentence for each file that could not be given back.
    """

    changed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def snapshot(tree: Tree, policies: Iterable[Policy]) -> dict[str, str]:
    """Value by name of every file that setting these policies may change.

    Raises:
        CannotMeasureError: a governor or limit cannot be read, so that it could not be given back.
    """
    kept: dict[str, str] = {}
    policies = tuple(policies)
    for policy in policies:
        for kind in (GOVERNOR, LOW, HIGH, PREFERENCE, POLICY_BOOST, SPEED):  # without userspace a speed is no number
            name = policy.file(kind)
            value = tree.read(name)
            if value is not None and valid(name, value):
                kept[name] = value
            elif kind in (GOVERNOR, LOW, HIGH):
                raise CannotMeasureError(
                    f"{tree.root / name} cannot be read, so it could not be given back", "leave out --clock"
                )
    others = {name: tree.read(name) or "" for name in (BOOST, NO_TURBO, *_tunables(policies, kept))}
    return kept | {name: value for name, value in others.items() if valid(name, value)}


def _tunables(policies: Iterable[Policy], kept: Mapping[str, str]) -> Iterator[str]:
    """Files that may tune the governors in charge, whether they are there or not."""
    for policy in policies:
        governor = kept[policy.file(GOVERNOR)]
        for file in TUNABLES.get(governor, ()):
            yield f"cpufreq/{governor}/{file}"
            yield policy.file(f"{governor}/{file}")


def give_back(tree: Tree, files: Mapping[str, str]) -> Restoration:
    """Makes every file hold what it held; never raises because of a file.

    Governors come first, since changing one can reset turbo, limits and what it is tuned by, then turbo, which can
    reset limits, then limits, then preferences, then speeds, which only the userspace governor takes, then tunables.

    Args:
        tree: the kernel's files.
        files: value by name, each `valid`: from `snapshot`, or from a journal that was checked.
    """
    time.sleep(IN_FORCE)  # a run that was killed may have set a limit a moment ago
    before = _differing(tree, files)
    due = before | _unseen(tree, files)
    reasons: dict[str, str] = {}
    for _ in range(_PASSES):
        if not due:
            break
        reasons = _one_pass(tree, files, due)
        time.sleep(IN_FORCE)  # limits that were written, or that turbo resets
        due = _differing(tree, files)
    return Restoration(
        tuple(sorted(before - due)),
        tuple(_failure(tree, name, files[name], reasons.get(name, "")) for name in sorted(due)),
    )


def _unseen(tree: Tree, files: Mapping[str, str]) -> set[str]:
    """Limits that are written whatever is read: those of drivers whose clock is set by them.

    Elsewhere they are written only where they differ: a limit that firmware or heat imposes is read like one that was
    set, and would become one.
    """
    return {
        name
        for name in files
        if name.endswith((f"/{LOW}", f"/{HIGH}"))
        and tree.read(f"{name.rpartition('/')[0]}/scaling_driver") in AUTONOMOUS
    }


def _one_pass(tree: Tree, files: Mapping[str, str], due: Set[str]) -> dict[str, str]:
    """Writes what is due and what differs by then, in order; the kernel's reasons where it refused."""
    reasons: dict[str, str] = {}
    done: set[str] = set()
    for name in sorted(files, key=_rank):
        if name in done or not (name in due or tree.read(name) != files[name]):
            continue
        try:
            done.update(_put_back(tree, name, files))
        except OSError as error:
            reasons[name] = os.strerror(error.errno) if error.errno else str(error)
    return reasons


def _put_back(tree: Tree, name: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """Writes one file, or with one limit the other as well; gives the names of those that were written."""
    folder, _, kind = name.rpartition("/")
    lower, upper = f"{folder}/{LOW}", f"{folder}/{HIGH}"
    if kind in (LOW, HIGH) and lower in files and upper in files:  # together, in an order that never lets them cross
        set_limits(tree, folder.rpartition("/")[2], int(files[lower]), int(files[upper]))
        governor = f"{folder}/{GOVERNOR}"
        if governor in files and _differing(tree, {each: files[each] for each in (lower, upper)}):
            # Kernels pass over a limit that is asked for twice, even where it is not in force any more, as after a CPU
            # came back; choosing the governor, be it the same, brings all limits into force.
            tree.write(governor, files[governor])
        return lower, upper
    tree.write(name, files[name])
    return (name,)


def _rank(name: str) -> int:
    """When a file's turn comes."""
    if is_tunable(name):
        return len(_ORDER)
    return _ORDER.index(name if name in (BOOST, NO_TURBO) else name.rpartition("/")[2])


def _differing(tree: Tree, files: Mapping[str, str]) -> set[str]:
    return {name for name, value in files.items() if tree.read(name) != value}


def _failure(tree: Tree, name: str, value: str, reason: str) -> str:
    """One sentence on a file that could not be given back."""
    now = tree.read(name)
    if now is None:
        why = "it cannot be read: its CPUs are offline, or its driver has gone"
    else:
        why = f"it holds {now}" + (f" ({reason})" if reason else "")
    return f"{tree.root / name} could not be set back to {value}: {why}."
