# SPDX-License-Identifier: Apache-2.0
"""Made observations and evidence of a workload that has no defect, to be changed in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from serialprof.catalog import Affine, Description, Work
from serialprof.checking.evidence import Evidence, Peaks, WidthTime
from serialprof.checking.judging import judge
from serialprof.measure.observation import Aftermath, Conduct, DepthTime, Effort, Observation, State, Tally
from serialprof.setting import Setting

STRETCHES = 12
LEVEL = tuple(1e-3 + 1e-6 * (index % 3) for index in range(STRETCHES))

OBSERVATION = Observation(
    steps=64,
    step_function=False,
    reads=("seed", "width"),
    single=(),
    again=(State({"lanes": "a"}), State({"lanes": "b"}), State({"lanes": "b"})),
    aftermath=Aftermath(waited=0.15, busy=1e-4, runs=0.05),
    conduct=Conduct(),
    early_seconds=1.2e-3,
    warm_seconds=1e-3,
    series=LEVEL,
    tallies=tuple(Tally(30 << 20, 90_000, 6) for _ in range(STRETCHES + 1)),
    runs=10,
    depths=(DepthTime(8, 1.25e-4), DepthTime(64, 1e-3)),
    effort=Effort(seconds=0.12, process=0.12, threads=(0.12, 0.0)),
    resident=30 << 20,
    taken=1 << 20,
)

WORK = Work(
    serial_ops=10,
    flops=Affine(per_lane=100),
    bytes=Affine(per_lane=16),
    footprint=Affine(per_lane=16),
    lanes=Affine(per_lane=1),
)

EVIDENCE = Evidence(
    description=Description("toys.py:toy", "toy", widths=(1, 16, 256)),
    setting=Setting(width=16, depth=64),
    work=WORK,
    observations=(OBSERVATION, OBSERVATION),
    widths=(WidthTime(1, 5e-4), WidthTime(16, 1e-3), WidthTime(256, 5e-3)),
    spread=OBSERVATION,
    spread_setting=Setting(width=256, threads=2, cpus=(0, 1)),
    spread_work=WORK,
    peaks=Peaks(flops=1e11, bandwidth=1e11, far=5e10, operation=3e-10),
)


def seen(**changes: Any) -> Evidence:
    """Evidence of which every observation is changed."""
    changed = replace(OBSERVATION, **changes)
    return replace(EVIDENCE, observations=(changed, changed))


def once(**changes: Any) -> Evidence:
    """Evidence of which one observation of two is changed."""
    return replace(EVIDENCE, observations=(replace(OBSERVATION, **changes), OBSERVATION))


def named(evidence: Evidence) -> dict[str, str]:
    """The severities of the findings, by their names."""
    return {finding.name: finding.severity for finding in judge(evidence)}
