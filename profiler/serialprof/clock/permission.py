# SPDX-License-Identifier: Apache-2.0
"""Who may set clocks here, told before anything is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from serialprof.clock.policies import Policy
from serialprof.clock.request import NO_CPUFREQ
from serialprof.clock.sysfs import GOVERNOR, HIGH, LOW, SPEED, Tree
from serialprof.errors import CannotMeasureError

BY_SUDO: Final = "run it with sudo, or let a group write these files by the udev rule in docs/clocks.md"


def needed(policies: Iterable[Policy], *, turbo_off: bool = True) -> tuple[str, ...]:
    """Names of the files that setting these policies may write, each once.

    Args:
        policies: that are to be set.
        turbo_off: whether turbo is to be switched off where it is on.
    """
    names: dict[str, None] = {}
    for policy in policies:
        kinds = (GOVERNOR, SPEED, LOW, HIGH) if policy.takes_speed else (LOW, HIGH)
        names.update(dict.fromkeys(policy.file(kind) for kind in kinds))
        if turbo_off and policy.turbo:
            names[policy.switch] = None
    return tuple(names)


def check_permission(policies: Iterable[Policy], tree: Tree | None = None, *, turbo_off: bool = True) -> None:
    """Says before anything is written whether this process may set these policies.

    Raises:
        CannotMeasureError: it may not, with what would grant it; or there is no policy.
    """
    tree = Tree() if tree is None else tree
    policies = tuple(policies)
    if not policies:
        raise CannotMeasureError(f"clocks cannot be set: {NO_CPUFREQ}", "leave out --clock")
    denied = [name for name in needed(policies, turbo_off=turbo_off) if not tree.writable(name)]
    if not denied:
        return
    path = tree.root / denied[0]
    more = f" and {len(denied) - 1} more" if len(denied) > 1 else ""
    remedy = hindrance(tree, denied[0]) or BY_SUDO
    raise CannotMeasureError(f"clocks cannot be set: {path}{more} may not be written here", remedy)


def hindrance(tree: Tree, name: str) -> str:
    """What keeps even root from writing the file; empty where root could."""
    path = tree.root / name
    with suppress(OSError):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return (
                "/sys is mounted read-only, as in a container: run it on the host, or start the container with "
                "docker run --privileged"
            )
    with suppress(OSError):
        if not path.stat().st_mode & 0o222:
            return "this kernel's driver takes no value there"
    if os.geteuid() == 0:
        return "this root is without the capability CAP_DAC_OVERRIDE, or a security module forbids it"
    return ""


def writers(tree: Tree, name: str) -> str:
    """Who may write the file by its owner and mode: "root", "root and group clocks", "everyone", "nobody"."""
    try:
        about = (tree.root / name).stat()
    except OSError:
        return "nobody"
    if about.st_mode & stat.S_IWOTH:
        return "everyone"
    who = []
    if about.st_mode & stat.S_IWUSR:
        who.append(_user(about.st_uid))
    if about.st_mode & stat.S_IWGRP:
        who.append(f"group {_group(about.st_gid)}")
    return " and ".join(who) or "nobody"


def _user(number: int) -> str:
    import pwd  # lazily: it exists on POSIX alone

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _group(number: int) -> str:
    import grp  # lazily: it exists on POSIX alone

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
