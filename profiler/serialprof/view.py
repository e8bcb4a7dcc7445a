# SPDX-License-Identifier: Apache-2.0
"""A stored run as Python sees it: analysis, tables, documents."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from serialprof.errors import UsageError
from serialprof.rendering import renderer
from serialprof.store import StoredRun, Visit, read_run

if TYPE_CHECKING:
    import pandas as pd

    from serialprof.estimate import Estimate
    from serialprof.model import Analysis, Attribution, FamilyAnalysis, Verdict
    from serialprof.model.examination import Examined
    from serialprof.model.whatif import Answer
    from serialprof.question import Question
    from serialprof.setting import Form

REPORTS: Final = "serialprof.reports"


@dataclass(frozen=True)
class Run:
    """A run with its analysis, its tables and its reports.

    Attributes:
        stored: everything that was measured.
        path: its file.
    """

    stored: StoredRun
    path: Path

    @cached_property
    def examined(self) -> tuple[Examined, ...]:
        """Step times of every family, and their fits, which are made when they are first asked for."""
        from serialprof.model.examination import examine

        return examine(self.stored)

    @cached_property
    def analysis(self) -> Analysis:
        """Fits, attributions and verdicts, computed from the stored samples alone."""
        from serialprof.model import analyse

        return analyse(self.stored, self.examined)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row per sample: the columns of the point, the visit and the sample."""
        return _sample_table(self.stored)

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per point: its setting, seconds per step with interval, units, disturbed samples, failure.

        And the start-up that was taken off a whole program's run, quantiles of single steps, and the clock that was
        requested, read back and measured in Hz, where these are known.
        """
        return _point_table(self.analysis, self.stored)

    def verdict(self, workload: str) -> Verdict:
        """The verdict of a workload.

        Raises:
            UsageError: the run has no such workload.
        """
        return self._family(workload).verdict

    def attribution(self, workload: str, width: int, threads: int = 1) -> Attribution:
        """Where the time of a step goes at an operating point.

        Raises:
            UsageError: the run has no such workload or point, or no fit for it; or its steps are told by their parts on
                a device.
        """
        from serialprof.model.dissected import ON_DEVICE

        family = self._family(workload)
        for attribution in family.attributions:
            if (attribution.width, attribution.threads) == (width, threads):
                return attribution
        have = ", ".join(f"({item.width}, {item.threads})" for item in family.attributions)
        raise UsageError(
            f"{workload} has no attribution at width {width}, threads {threads}",
            f"there is one at (width, threads) {have}" if have else family.refusal or ON_DEVICE,
        )

    def ratio(self, workload: str, first: tuple[int, int], second: tuple[int, int], form: Form = "serial") -> Estimate:
        """T_first / T_second per step, with its interval: compared turn by turn, so that what hits both cancels.

        Args:
            workload: its name or reference.
            first: (width, threads) of a measured point.
            second: those of another one.
            form: of both.

        Raises:
            UsageError: the run has no such workload.
        """
        from serialprof.model.statistics import log_interval
        from serialprof.model.steptimes import paired

        times = self._examined(workload)[0].times
        return log_interval(paired(times.column(*first, form), times.column(*second, form)))

    def whatif(
        self, workload: str | None = None, *, question: Question | None = None, **asked: float | str
    ) -> tuple[Answer, ...]:
        """What the step times would be under other conditions, as `serialprof whatif` says it.

        Args:
            workload: its name or reference; all where it is left out.
            question: a whole question, instead of `asked`.
            asked: by the names of the options: clock, barrier, dispatch, memory_latency and bandwidth are factors (1.1,
                "+10%", "x2"), threads and width counts or factors (4, "x2"), price and watts "BASE+PER_THREAD".

        Returns:
            One answer per family, in the order of the plan.

        Raises:
            UsageError: the run has no such workload, or something is no factor, count or cost.
        """
        from serialprof.model.whatif import ask
        from serialprof.question import question_of

        families = self.examined if workload is None else self._examined(workload)
        return ask(self.stored, question or question_of(asked), families)

    def render(self, format: str, **options: object) -> str:  # noqa: A002 - the word that the command line uses
        """The run as a document of a registered format.

        Args:
            format: its name: "html", "terminal", "markdown", "json", "csv", "parquet" (bytes), "chrome-trace".
            options: what that format takes besides: `width` and `color` of "terminal", `price` and `watts` of "html".

        Raises:
            UsageError: no such format is registered.
        """
        document: str = renderer(REPORTS, format)(self, **options)
        return document

    @property
    def failed(self) -> tuple[str, ...]:
        """Why points failed, each reason once with its workload."""
        reasons = {
            f"{summary.point.workload}: {summary.failed}": None
            for family in self.analysis.families
            for summary in family.points
            if summary.failed
        }
        return tuple(reasons)

    def _family(self, workload: str) -> FamilyAnalysis:
        family = self._examined(workload)[0].times.family
        return next(item for item in self.analysis.families if item.family == family)

    def _examined(self, workload: str) -> tuple[Examined, ...]:
        """The families of a workload, by its name or reference; a UsageError where there are none."""
        known = [(item, (item.description.name, item.description.reference)) for item in self.examined]
        if found := tuple(item for item, names in known if workload in names):
            return found
        names = ", ".join(dict.fromkeys(item.name for item in self.stored.plan.descriptions))
        raise UsageError(f"the run has no workload {workload!r}", f"it has {names}" if names else "")


def load(path: str | Path) -> Run:
    """Reads a run file.

    Raises:
        StoreError: it is absent, damaged, foreign, or of a newer schema.
    """
    return Run(read_run(Path(path)), Path(path))


def _sample_table(run: StoredRun) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for visit in run.visits:
        point = run.point(visit.point)
        setting = point.setting
        shared = {
            "workload": point.workload,
            "form": setting.form,
            "mode": setting.mode,
            "device": setting.device,
            "dtype": setting.dtype,
            "width": setting.width,
            "depth": setting.depth,
            "threads": setting.threads,
            "block": visit.block,
            "turn": visit.turn,
            "process": visit.process,
            "clock_requested": setting.clock,
        }
        steps = visit.runs * setting.depth
        rows.extend({**shared, **asdict(sample), "step_seconds": sample.seconds / steps} for sample in visit.samples)
    return pd.DataFrame(rows)


def _point_table(analysis: Analysis, run: StoredRun) -> pd.DataFrame:
    import pandas as pd

    from serialprof.model.reached import clock_of

    visits: dict[int, list[Visit]] = defaultdict(list)
    for visit in run.visits:
        visits[visit.point].append(visit)
    names = ("clock_requested", "clock_read_back", "clock_measured")
    return pd.DataFrame(
        {
            "workload": family.description.name,
            "form": summary.point.setting.form,
            "mode": summary.point.setting.mode,
            "device": summary.point.setting.device,
            "dtype": summary.point.setting.dtype,
            "width": summary.point.setting.width,
            "depth": summary.point.setting.depth,
            "threads": summary.point.setting.threads,
            "step_seconds": summary.step.value,
            "low": summary.step.low,
            "high": summary.step.high,
            "units": summary.units,
            "disturbed": summary.disturbed,
            "failed": summary.failed,
            "startup": summary.startup.value if summary.startup else None,
            "p50": summary.latency.p50.value if summary.latency else None,
            "p95": summary.latency.p95.value if summary.latency else None,
            "p99": summary.latency.p99.value if summary.latency else None,
            "longest": summary.latency.worst if summary.latency else None,
            **dict(zip(names, clock_of(summary.point.setting.cpus, visits[summary.point.id]), strict=True)),
        }
        for family in analysis.families
        for summary in family.points
    )
