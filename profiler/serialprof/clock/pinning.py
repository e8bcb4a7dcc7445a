# SPDX-License-Identifier: Apache-2.0
"""Setting one policy to one clock, in the order that its driver needs, and reading back what came of it.

Kernels round (a speed up to the next state, an upper limit down), clamp silently, and accept limits that cross; so what
was asked is never taken for what is set.
"""

from __future__ import annotations

import errno
import time
from typing import Final

from serialprof.clock.policies import Policy, format_hertz
from serialprof.clock.sysfs import GOVERNOR, HIGH, LOW, NO_TURBO, SPEED, Tree
from serialprof.errors import CannotMeasureError
from serialprof.policyclock import Clock, PolicyClock

USERSPACE: Final = "userspace"
#: Seconds after which limits and what turbo does to them are in force and in the files: the kernel takes them from the
#: writer, and applies them in a work queue of its own.
IN_FORCE: Final = 0.05
_PAUSE: Final = 0.001
#: What the kernel answers where a policy has lost its CPUs since it was read.
_GONE: Final = (errno.ENOENT, errno.EBUSY, errno.ENODEV, errno.ENXIO)


def turn_turbo(tree: Tree, switch: str, *, on: bool) -> None:
    """Switches turbo; writes nothing where it stands so already, or where the switch is that of a policy without CPUs.

    Raises:
        CannotMeasureError: the kernel refuses.
    """
    value = turbo_value(switch, on=on)
    if tree.read(switch) != value:
        try:
            tree.write(switch, value)
        except OSError as error:
            if error.errno not in _GONE:  # else `pin` says so
                raise refused(switch, error) from error


def turbo_value(switch: str, *, on: bool) -> str:
    """What the switch holds where turbo is on or off: no_turbo says it the other way round."""
    return "1" if on != (switch == NO_TURBO) else "0"


def pin(tree: Tree, policy: Policy, clock: Clock) -> PolicyClock:
    """Sets one policy to one clock and reads it back; turbo is the caller's.

    Raises:
        CannotMeasureError: the kernel refuses for another reason than that the policy has lost its CPUs.
    """
    kilohertz = round(clock.hertz / 1000)
    try:
        if policy.takes_speed and _userspace(tree, policy):
            return _by_speed(tree, policy, clock, kilohertz)
        return _by_limits(tree, policy, clock, kilohertz)
    except OSError as error:
        if error.errno in _GONE:
            return PolicyClock(policy.name, policy.cpus, clock.hertz, None, f"{policy.name} has no CPU online any more")
        raise refused(policy.file(""), error) from error


def set_limits(tree: Tree, policy: str, low: int, high: int) -> None:
    """Both limits of a policy, in kHz, never crossing on the way: raising, the upper first; lowering, the lower first.

    Both are written whatever is read: what is read may not be in force yet, and a lower limit that an upper one has
    dragged down comes back with it. Then they are given the time to come into force.

    Raises:
        OSError: the kernel refuses.
    """
    lower, upper = (f"cpufreq/{policy}/{LOW}", low), (f"cpufreq/{policy}/{HIGH}", high)
    raising = high > _kilohertz(tree.read(upper[0]))
    for name, value in (upper, lower) if raising else (lower, upper):
        tree.write(name, str(value))
    until = time.monotonic() + IN_FORCE
    while any(_kilohertz(tree.read(name)) != value for name, value in (lower, upper)) and time.monotonic() < until:
        time.sleep(_PAUSE)


def refused(name: str, error: OSError) -> CannotMeasureError:
    """What is said where the kernel refuses a write."""
    return CannotMeasureError(f"the kernel refuses to set {name.rstrip('/')}: {error.strerror}")


def _userspace(tree: Tree, policy: Policy) -> bool:
    """Whether the policy is, or now became, one whose speed is set; asking for the governor loads its module."""
    name = policy.file(GOVERNOR)
    if tree.read(name) != USERSPACE:
        try:
            tree.write(name, USERSPACE)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return False  # this kernel has no such governor
    return tree.read(name) == USERSPACE


def _by_speed(tree: Tree, policy: Policy, clock: Clock, kilohertz: int) -> PolicyClock:
    """By the userspace governor, after limits that would clamp the speed were widened."""
    low, high = (_kilohertz(tree.read(policy.file(kind))) for kind in (LOW, HIGH))
    if not low <= kilohertz <= high:  # to the ends of the range: a limit between two states would be rounded
        lower = policy.low // 1000 if kilohertz < low else low
        upper = policy.high // 1000 if kilohertz > high else high
        set_limits(tree, policy.name, lower, upper)
    tree.write(policy.file(SPEED), str(kilohertz))
    back = _kilohertz(tree.read(policy.file(SPEED)))
    return PolicyClock(policy.name, policy.cpus, clock.hertz, 1000 * back or None, _note(clock.hertz, 1000 * back))


def _by_limits(tree: Tree, policy: Policy, clock: Clock, kilohertz: int) -> PolicyClock:
    """By both limits at the same frequency, whatever the governor."""
    set_limits(tree, policy.name, kilohertz, kilohertz)
    low, high = (1000 * _kilohertz(tree.read(policy.file(kind))) for kind in (LOW, HIGH))
    if low != high:
        note = f"the kernel keeps a range, {format_hertz(low)} to {format_hertz(high)}"
        return PolicyClock(policy.name, policy.cpus, clock.hertz, None, note)
    return PolicyClock(policy.name, policy.cpus, clock.hertz, high or None, _note(clock.hertz, high))


def _note(requested: int, back: int) -> str:
    if not back:
        return "the kernel does not say what is set"
    return "" if back == 1000 * round(requested / 1000) else f"the kernel made it {format_hertz(back)}"


def _kilohertz(text: str | None) -> int:
    """A whole number of kHz, 0 where there is none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0
