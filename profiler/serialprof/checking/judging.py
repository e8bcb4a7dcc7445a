# SPDX-License-Identifier: Apache-2.0
"""All findings on a workload, the worst first: pure functions of what was seen."""

from __future__ import annotations

from typing import Final

from serialprof.checking import behaviour, declarations, timing
from serialprof.checking.evidence import Evidence
from serialprof.checking.finding import SEVERITIES, Finding

_JUDGES: Final = (
    behaviour.failures,
    timing.synchronisation,
    timing.feedback,
    timing.trend,
    behaviour.repeatability,
    behaviour.memory,
    behaviour.threads,
    behaviour.conduct,
    declarations.width,
    declarations.work,
    declarations.lanes,
    declarations.wide_form,
)


def judge(evidence: Evidence) -> tuple[Finding, ...]:
    """What was found, the worst first."""
    found = [finding for judge in _JUDGES for finding in judge(evidence)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
