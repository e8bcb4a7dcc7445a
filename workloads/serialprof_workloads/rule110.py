# SPDX-License-Identifier: Apache-2.0
"""Rule 110: an elementary cellular automaton whose prediction is P-complete (Neary and Woods, ICALP 2006)."""

from __future__ import annotations

from typing import Final

from serialprof.catalog import Work, workload
from serialprof.setting import Setting
from serialprof_workloads.automaton import AutomatonStepper, declared

RULE: Final = 110


def work(setting: Setting) -> Work:
    """Declared work of one generation, in word operations: 3 per 64 cells, the longest chain 2.

    Raises:
        ValueError: the width is no positive multiple of 64.
    """
    return declared(setting, RULE)


@workload(
    depth="generations",
    width="cells",
    widths=(32768, 262144, 2097152, 16777216, 134217728),
    quick_widths=(32768, 262144, 2097152, 16777216),
    default_depth=64,
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="HashLife remembers blocks that recur; it helps as far as the pattern repeats itself",
)
def rule110(setting: Setting) -> AutomatonStepper:
    """Rule 110 on a ring, 64 cells to a word."""
    return AutomatonStepper(setting, RULE)
