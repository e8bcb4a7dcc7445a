# SPDX-License-Identifier: Apache-2.0
"""Family, fit, attribution, trade-offs and verdict: pure functions of a stored run."""

from __future__ import annotations

from serialprof.model.analysis import analyse
from serialprof.model.results import (
    CAUSES,
    COMPUTE,
    LAUNCH,
    MEMORY,
    SERIAL,
    SYNCHRONISATION,
    UNATTRIBUTED,
    Analysis,
    Attribution,
    Crossover,
    Curve,
    DeclaredWork,
    DepthCost,
    FamilyAnalysis,
    Fit,
    Grade,
    Part,
    PointSummary,
    Tradeoff,
    Verdict,
    Winner,
)

__all__ = [
    "CAUSES",
    "COMPUTE",
    "LAUNCH",
    "MEMORY",
    "SERIAL",
    "SYNCHRONISATION",
    "UNATTRIBUTED",
    "Analysis",
    "Attribution",
    "Crossover",
    "Curve",
    "DeclaredWork",
    "DepthCost",
    "FamilyAnalysis",
    "Fit",
    "Grade",
    "Part",
    "PointSummary",
    "Tradeoff",
    "Verdict",
    "Winner",
    "analyse",
]
