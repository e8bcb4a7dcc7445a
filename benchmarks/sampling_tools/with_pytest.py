# SPDX-License-Identifier: Apache-2.0
"""Both steps with pytest-benchmark's fixture; the kind comes in SAMPLING_KIND."""

from __future__ import annotations

import os
from typing import Any

from steps import DEPTH, both

FIRST, SECOND = both(os.environ["SAMPLING_KIND"])


def test_first(benchmark: Any) -> None:
    """The smaller step."""
    benchmark(FIRST, DEPTH)


def test_second(benchmark: Any) -> None:
    """The larger step."""
    benchmark(SECOND, DEPTH)
