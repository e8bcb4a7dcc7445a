# SPDX-License-Identifier: Apache-2.0
"""A check from its request to its report: what was seen, judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from serialprof.checking.evidence import Evidence
from serialprof.checking.finding import Finding
from serialprof.checking.judging import judge
from serialprof.checking.probes import CheckRequest, gather
from serialprof.errors import ExitCode
from serialprof.setting import Setting


@dataclass(frozen=True, slots=True)
class Report:
    """What a check came to.

    Attributes:
        workload: how the user named it.
        name: of the workload.
        depth_name, width_name: what its steps and lanes are, for people to read.
        setting: at which most was looked at.
        step_seconds: of one step there, None where none was timed.
        findings: the worst first.
        gaps: what was not looked at, and why.
    """

    workload: str
    name: str
    depth_name: str
    width_name: str
    setting: Setting
    step_seconds: float | None
    findings: tuple[Finding, ...]
    gaps: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """A workload error where a measurement would be wrong, else ok."""
        wrong = any(finding.severity == "error" for finding in self.findings)
        return ExitCode.USAGE if wrong else ExitCode.OK


def report_of(reference: str, evidence: Evidence) -> Report:
    """The report on what was seen of a workload."""
    description = evidence.description
    return Report(
        workload=reference,
        name=description.name,
        depth_name=description.depth_name,
        width_name=description.width_name,
        setting=evidence.setting,
        step_seconds=evidence.step_seconds,
        findings=judge(evidence),
        gaps=evidence.gaps,
    )


def check_workload(request: CheckRequest, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Runs a workload for some seconds and says what would spoil its measurement; raises as `probes.gather`.

    Args:
        request: what is to be checked.
        tell: told in a few words what begins.
    """
    from serialprof.machine.reading import read_machine  # reads hardware

    return report_of(request.workload, gather(request, read_machine(), tell))
