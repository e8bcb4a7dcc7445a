# SPDX-License-Identifier: Apache-2.0
"""Both steps as benchmarks of asv; the kind comes in SAMPLING_KIND.

Built at import: with a setup function asv would time single calls.
"""

from __future__ import annotations

import os

from steps import DEPTH, both

FIRST, SECOND = both(os.environ["SAMPLING_KIND"])


def time_first() -> None:
    """The smaller step."""
    FIRST(DEPTH)


def time_second() -> None:
    """The larger step."""
    SECOND(DEPTH)
