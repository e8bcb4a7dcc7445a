# SPDX-License-Identifier: Apache-2.0
"""A clock that is asked for, and what became of it: the records that the controller makes and the store keeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Clock:
    """One clock that is asked for.

    Attributes:
        hertz: in Hz.
        turbo: whether turbo stays on for it. Without turbo, turbo is switched off first where there is a switch.
    """

    hertz: int
    turbo: bool = False


@dataclass(frozen=True, slots=True)
class PolicyClock:
    """What became of one clock in one policy. Frequencies are in Hz.

    Attributes:
        policy: name of the policy.
        cpus: that it rules.
        requested: what was asked for.
        read_back: what the kernel says is set; None where it says nothing, or still leaves a range.
        note: what stood in the way, empty where nothing did.
        measured: by the clock meter, which whoever runs the work adds (dataclasses.replace); None until then.
    """

    policy: str
    cpus: tuple[int, ...]
    requested: int
    read_back: int | None
    note: str = ""
    measured: float | None = None
