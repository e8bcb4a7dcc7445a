# SPDX-License-Identifier: Apache-2.0
"""From a stored run to everything that is said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from serialprof.estimate import Estimate
from serialprof.model.advice import next_step
from serialprof.model.answers import Frontier
from serialprof.model.attribution import attribute
from serialprof.model.busy import with_busy
from serialprof.model.counting import count, disagreements, standing
from serialprof.model.crosscheck import contradictions
from serialprof.model.device.analysis import device_analysis, dissected
from serialprof.model.dissected import ON_DEVICE, DeviceAnalysis
from serialprof.model.evidence import grade
from serialprof.model.examination import Examined, examine
from serialprof.model.fitting.fitrecord import fit_record
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.frontier import frontier
from serialprof.model.limitshares import limit_shares
from serialprof.model.refusals import disturbed_share, refusals
from serialprof.model.results import Analysis, DeclaredWork, FamilyAnalysis, Fit, Tradeoff, Verdict
from serialprof.model.standins import stand_ins
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.sweep import at_reference
from serialprof.model.tradeoff import crossovers, depth_costs, futility, tradeoffs
from serialprof.model.undeclared import assumptions
from serialprof.model.verdict import TOO_DISTURBED, Findings, sentence
from serialprof.setting import on_cuda
from serialprof.store import StoredRun


def analyse(run: StoredRun, families: Sequence[Examined] = ()) -> Analysis:
    """Everything that a run says, one entry per family, in the order of the plan.

    Args:
        run: the stored run.
        families: its families where they were examined already.

    A pure function of the run: no clock, no hardware, no file. It raises on no run that could be read: what cannot be
    said carries the reason instead.
    """
    return Analysis(tuple(_family(run, examined) for examined in families or examine(run)))


def _family(run: StoredRun, examined: Examined) -> FamilyAnalysis:
    times, fitted = examined.times, examined.fitted
    anatomy = dissected(run, times)
    attributions = attribute(fitted, times.family.mode) if fitted and not anatomy else ()
    found = with_busy(run, times, tradeoffs(times, examined.outlook))
    gains = _judged(found, disturbed_share(times.summaries))
    plane = frontier(times, examined.outlook, gains, run.machine)
    if on_cuda(times.family.device):  # one thread drives it, and its cycles are not those of the steps
        plane = Frontier(best=plane.best)
    counted = () if on_cuda(times.family.device) else count(run, times, plane.sensitivities)
    standing_in = stand_ins(run, times.points, attributions, counted)
    device = device_analysis(run, times, anatomy, standing_in.delays) if anatomy else None
    findings = Findings(
        description=examined.description,
        points=times.summaries,
        refusal=examined.refusal,
        attributions=attributions,
        tradeoffs=gains,
        crossovers=crossovers(times),
        depth_costs=depth_costs(times),
        within_process=len({visit.process for visit in run.visits if visit.status == "ok"}) < 2,
        contradictions=(*contradictions(run, times, attributions), *disagreements(counted)),
        disturbed=disturbed_share(times.summaries),
        device=device,
        assumptions=assumptions(run, times),
    )
    serial = [point for point in times.points if point.setting.form == "serial"] or times.points
    family = FamilyAnalysis(
        family=times.family,
        description=findings.description,
        depth=max(point.setting.depth for point in serial),
        points=times.summaries,
        fit=_fit(fitted, device) if fitted else None,
        refusal=examined.refusal,
        attributions=attributions,
        tradeoffs=findings.tradeoffs,
        crossovers=findings.crossovers,
        depth_costs=findings.depth_costs,
        declared=_declared(times),
        verdict=_verdict(run, times, findings, standing(run, counted)),
        frontier=plane,
        contradictions=findings.contradictions,
        counted=counted,
        stand_ins=standing_in,
        device=device,
        limit_shares=limit_shares(at_reference(times.summaries), run.limits),
    )
    return replace(family, refusals=refusals(family, run.limits))


def _fit(fitted: Fitted, device: DeviceAnalysis | None) -> Fit:
    """The fit; without knees beside the one over batch of steps on a device."""
    found = fit_record(fitted)
    if device is None:
        return found
    return replace(found, knees={threads: Estimate.unknown(ON_DEVICE) for threads in found.knees})


def _verdict(run: StoredRun, times: FamilyTimes, findings: Findings, counters: tuple[bool, str]) -> Verdict:
    return Verdict(
        sentence(findings),
        *grade(times, findings.disturbed, counters=counters, contradictions=findings.contradictions),
        findings.description.hatch,
        next_step(findings, run.machine.usable),
    )


def _judged(found: Sequence[Tradeoff], disturbed: float) -> tuple[Tradeoff, ...]:
    """The trade-offs with what is futile; without that and winners where more samples were disturbed than not."""
    if disturbed > TOO_DISTURBED:
        return tuple(replace(item, winner="unknown") for item in found)
    return tuple(replace(item, futile=futility(item)) for item in found)


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
