# SPDX-License-Identifier: Apache-2.0
"""A step with pyperf's Runner, as a script of its documentation; kind and slow-down come in the environment."""

from __future__ import annotations

import pyperf
from gated import DEPTH, from_environment

runner = pyperf.Runner()
run, steps = from_environment()
runner.bench_func("step", run, steps, inner_loops=DEPTH)
