# SPDX-License-Identifier: Apache-2.0
"""From a stored run to everything that is said about it."""

from __future__ import annotations

import numpy as np

from serialprof.catalog import Description
from serialprof.model.advice import next_step
from serialprof.model.attribution import attribute
from serialprof.model.curves import RefusedFitError
from serialprof.model.fit import Fitted, fit_family
from serialprof.model.fitrecord import fit_record
from serialprof.model.memory import Memory
from serialprof.model.results import Analysis, DeclaredWork, FamilyAnalysis, Verdict
from serialprof.model.steptimes import FamilyTimes, collect
from serialprof.model.tradeoff import crossovers, depth_costs, tradeoffs
from serialprof.model.verdict import Findings, grade_reason, sentence
from serialprof.store import StoredRun


def analyse(run: StoredRun) -> Analysis:
    """Everything that a run says, one entry per family, in the order of the plan.

    A pure function of the run: no clock, no hardware, no file. It raises on no run that could be read: what cannot be
    said carries the reason instead.
    """
    memory = Memory.of(run.limits, run.machine.cache_bytes(2))
    return Analysis(tuple(_family(run, times, memory) for times in collect(run)))


def _family(run: StoredRun, times: FamilyTimes, memory: Memory) -> FamilyAnalysis:
    fitted, refusal = _fit(times, memory)
    attributions = attribute(fitted, times.summaries, times.family.mode) if fitted else ()
    findings = Findings(
        description=_description(run, times),
        points=times.summaries,
        refusal=refusal,
        attributions=attributions,
        tradeoffs=tradeoffs(times, attributions, memory),
        crossovers=crossovers(times),
        depth_costs=depth_costs(times),
        within_process=len({visit.process for visit in run.visits if visit.status == "ok"}) < 2,
    )
    serial = [point for point in times.points if point.setting.form == "serial"] or times.points
    return FamilyAnalysis(
        family=times.family,
        description=findings.description,
        depth=max(point.setting.depth for point in serial),
        points=times.summaries,
        fit=fit_record(fitted) if fitted else None,
        refusal=refusal,
        attributions=attributions,
        tradeoffs=findings.tradeoffs,
        crossovers=findings.crossovers,
        depth_costs=findings.depth_costs,
        declared=_declared(times),
        verdict=Verdict(
            sentence(findings),
            "C",
            grade_reason([point.setting.clock for point in times.points], _disturbed(times), counted=_counted(run)),
            findings.description.hatch,
            next_step(findings, run.machine.usable),
        ),
    )


def _fit(times: FamilyTimes, memory: Memory) -> tuple[Fitted | None, str]:
    """The fit, or why there is none."""
    try:
        return fit_family(times, memory), ""
    except RefusedFitError as refused:
        return None, str(refused)
    except (RuntimeError, np.linalg.LinAlgError) as broken:
        return None, f"no fit: the least squares did not converge ({broken})"


def _disturbed(times: FamilyTimes) -> float:
    """Share of a family's samples that were disturbed, 0 where there are none."""
    disturbed = sum(summary.disturbed for summary in times.summaries)
    kept = sum(summary.samples for summary in times.summaries)
    return disturbed / (disturbed + kept) if disturbed else 0.0


def _counted(run: StoredRun) -> bool:
    """Whether the hardware's counters were read beside the samples."""
    return any(sample.cycles is not None for visit in run.visits for sample in visit.samples[:1])


def _declared(times: FamilyTimes) -> DeclaredWork | None:
    """Declared work and depth of one run(D) at the widest measured point of the serial form that declares work."""
    declaring = [
        (point.setting.width, point.setting.depth, point.work)
        for point, summary in zip(times.points, times.summaries, strict=True)
        if summary.units and point.setting.form == "serial" and point.work is not None and point.work.serial_ops > 0
    ]
    if not declaring:
        return None
    width, depth, work = max(declaring, key=lambda item: item[0])
    return DeclaredWork(width, work.flops.at(width) * depth, work.serial_ops * depth)


def _description(run: StoredRun, times: FamilyTimes) -> Description:
    """The workload's description; a bare one where the plan holds none."""
    reference = times.family.workload
    described = (item for item in run.plan.descriptions if item.reference == reference)
    return next(described, Description(reference=reference, name=reference))
