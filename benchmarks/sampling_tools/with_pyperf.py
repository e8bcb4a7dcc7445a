# SPDX-License-Identifier: Apache-2.0
"""Both steps with pyperf's Runner, as a script of its documentation; `--kind` goes on to the workers."""

from __future__ import annotations

import pyperf
from steps import DEPTH, WIDTHS, both

runner = pyperf.Runner(add_cmdline_args=lambda command, arguments: command.extend(("--kind", arguments.kind)))
runner.argparser.add_argument("--kind", choices=WIDTHS)
for name, run in zip(("first", "second"), both(runner.parse_args().kind), strict=True):
    runner.bench_func(name, run, DEPTH, inner_loops=DEPTH)
