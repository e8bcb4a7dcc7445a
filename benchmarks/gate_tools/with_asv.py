# SPDX-License-Identifier: Apache-2.0
"""A step as a benchmark of asv; kind and slow-down come in the environment.

Built at import: with a setup function asv would time single calls.
"""

from __future__ import annotations

from gated import from_environment

RUN, STEPS = from_environment()


def time_step() -> None:
    """The step, so many times."""
    RUN(STEPS)
