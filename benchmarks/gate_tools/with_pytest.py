# SPDX-License-Identifier: Apache-2.0
"""A step with pytest-benchmark's fixture; kind and slow-down come in the environment."""

from __future__ import annotations

from typing import Any

from gated import from_environment

RUN, STEPS = from_environment()


def test_step(benchmark: Any) -> None:
    """The step, so many times."""
    benchmark(RUN, STEPS)
