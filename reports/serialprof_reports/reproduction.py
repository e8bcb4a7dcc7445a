# SPDX-License-Identifier: Apache-2.0
"""What it takes to make a run again, what of it failed or was disturbed, and its analysis as a download."""

from __future__ import annotations

import base64
import gzip
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serialprof.units import format_count, format_seconds, format_si
from serialprof_reports import tables, wording
from serialprof_reports.pageparts import Facts, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from serialprof.model.results import Analysis
    from serialprof.planning import Family, Point
    from serialprof.store import StoredRun
    from serialprof.view import Run


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The last section of the page.

    Attributes:
        command: that made the run.
        facts: versions, seed, hashes, plan.
        samples: how many were taken and left out, in a sentence.
        tables: the configuration as resolved; failed and ended points and disturbed samples, counted by reason.
        failures: (place, reason) of every failed point.
        file: name of the download.
        data: the analysis as a `data:` address of gzipped JSON.
    """

    command: str
    facts: Facts
    samples: str
    tables: tuple[Table, ...]
    failures: tuple[tuple[str, str], ...]
    file: str
    data: str


def reproduction(run: Run) -> Reproduction:
    """Everything that the section says of a run."""
    stored, analysis = run.stored, run.analysis
    taken, disturbed = wording.sample_counts(stored)
    return Reproduction(
        command=wording.command_line(stored),
        facts=tuple(_facts(stored)),
        samples=f"{taken} samples, {disturbed} of them disturbed and left out.",
        tables=(_configuration(stored), *_counts(stored, analysis)),
        failures=tuple(wording.failures(analysis)),
        file=f"serialprof-{stored.run_id[:12]}.json.gz",
        data=f"data:application/gzip;base64,{packed(tables.json(run))}",
    )


def packed(text: str) -> str:
    """JSON without white space, gzipped without a date, so that a page is the same when it is made again."""
    import msgspec

    return base64.b64encode(gzip.compress(msgspec.json.format(text.encode(), indent=-1), mtime=0)).decode()


def _facts(run: StoredRun) -> Iterator[tuple[str, str]]:
    plan = run.plan
    yield "serialprof", run.version
    yield "code hash", run.code
    yield "run id", run.run_id
    if resumed := "; ".join(f"{wording.date(item.started)} on {item.machine.host}" for item in run.resumptions):
        yield "resumed", resumed
    yield "seed", str(plan.seed)
    processes = "fresh processes in every block" if _fresh(run) else "the same processes in all"
    yield "plan", f"{len(plan.points)} points, {plan.blocks} blocks, {processes}"
    precision = f"{plan.precision:.3g} relative half-width"
    yield "budget", f"{format_seconds(plan.budget)} of sampling, stopping early at {precision}"
    yield "clock meter", "read beside every sample" if plan.meter else "switched off"
    if plan.stand_ins:
        yield "stand-ins", ", ".join(plan.stand_ins)
    yield "Python", run.machine.python
    packages = ", ".join(f"{name} {version}" for name, version in sorted(run.machine.packages.items()))
    yield "packages", packages or "none recorded"


def _fresh(run: StoredRun) -> bool:
    """Whether every block had processes of its own; a short run may have kept those of the first, to afford enough."""
    blocks, processes = ({getattr(visit, name) for visit in run.visits} for name in ("block", "process"))
    return run.plan.blocks_per_process == 1 and (len(processes) > 1 or len(blocks) < 2)


def _configuration(run: StoredRun) -> Table:
    families: dict[Family, list[Point]] = {}
    for point in run.plan.points:
        families.setdefault(point.family, []).append(point)
    columns = (
        "workload", "runs as", "depth", "forms", "widths", "threads", "clocks", "seeds", "parameters",
    )  # fmt: skip
    rows = tuple(_configured(family, points) for family, points in families.items())
    return Table("Configuration as resolved", columns, rows, ends_in_words=True)


def _configured(family: Family, points: Sequence[Point]) -> tuple[str, ...]:
    settings = [point.setting for point in points]
    clocks = sorted({each.clock for each in settings if each.clock is not None})
    return (
        family.workload,
        f"{family.mode}, {family.device}, {family.dtype}",
        _listed({each.depth for each in settings if each.form == "serial"}),
        ", ".join(sorted({each.form for each in settings})),
        _listed({each.width for each in settings}),
        _listed({each.threads for each in settings}),
        ", ".join(format_si(clock, "Hz") for clock in clocks) or "left alone",
        ", ".join(map(str, sorted({each.seed for each in settings}))),
        ", ".join(f"{name}={value}" for name, value in family.parameters) or wording.MISSING,
    )


def _listed(counts: Iterable[int]) -> str:
    return ", ".join(map(format_count, sorted(counts)))


def _counts(run: StoredRun, analysis: Analysis) -> Iterator[Table]:
    summaries = [summary for family in analysis.families for summary in family.points]
    reasons = [
        *(("failed points", item.failed) for item in summaries if item.failed),
        *(("ended sweeps", item.ended) for item in summaries if item.ended),
        *(("disturbed samples", reason) for visit in run.visits for reason in visit.samples.disturbed if reason),
    ]
    if reasons:
        counted = Counter(reasons).most_common()
        rows = tuple((what, str(count), reason) for (what, reason), count in counted)
        yield Table("Failed and disturbed, by reason", ("what", "how many", "reason"), rows, ends_in_words=True)
