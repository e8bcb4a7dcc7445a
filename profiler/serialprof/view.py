# SPDX-License-Identifier: Apache-2.0
"""A stored run as Python sees it: analysis, tables, documents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from serialprof.errors import UsageError
from serialprof.rendering import in_notebook, renderer
from serialprof.store import StoredRun, read_run
from serialprof.tables import found, sampled, surroundings

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
        """One row per sample: its point, its visit, and what was measured; see `serialprof.samples.Sample`.

        `seconds` is the sample's wall time, `step_seconds` that of one step; clocks are in hertz.
        """
        return sampled.samples(self.stored)

    @cached_property
    def visits(self) -> pd.DataFrame:
        """One row per visit: its point, block and process, how it went, and how many of its samples were disturbed.

        `started_seconds` counts from the start of the run; `steal_seconds` is what the hypervisor took.
        """
        return sampled.visits(self.stored)

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per point: its setting, seconds per step with interval, units, disturbed samples, failure.

        And the start-up that was taken off a whole program's run, quantiles of single steps, and the clock that was
        requested, read back and measured in hertz, where these are known.
        """
        return sampled.points(self.stored, self.analysis)

    @cached_property
    def tails(self) -> pd.DataFrame:
        """One row per point whose single steps were told apart: p50, p95, p99 with intervals, and the longest step.

        All in seconds.
        """
        return sampled.tails(self.analysis)

    @cached_property
    def failures(self) -> pd.DataFrame:
        """One row per failed point: where it stands, and the reason."""
        return sampled.failures(self.analysis)

    @cached_property
    def fits(self) -> pd.DataFrame:
        """One row per family: form and relative residual of its fit, or why there is none.

        `latency_seconds` is the serial part per step, `compute_seconds` one declared operation of the width part,
        `memory_multiple` the time beyond L2 in multiples of bytes / ladder bandwidth; see `serialprof.model.Fit`.
        """
        return found.fits(self.analysis)

    @cached_property
    def knees(self) -> pd.DataFrame:
        """One row per family and thread count: the width at which the width's work takes as long as the chain."""
        return found.knees(self.analysis)

    @cached_property
    def attributions(self) -> pd.DataFrame:
        """One row per family, width, thread count and cause: seconds and share of a step, with intervals.

        Rows that are `finer` are part of another one. Steps on a device have the parts that were measured there.
        """
        return found.attributions(self.analysis)

    @cached_property
    def tradeoffs(self) -> pd.DataFrame:
        """One row per family and width: clock against cores, as elasticities and as gains (a speed-up minus 1)."""
        return found.tradeoffs(self.analysis)

    @cached_property
    def limit_shares(self) -> pd.DataFrame:
        """One row per family, width and thread count of the serial form that declares work.

        `share` is the longest floor over the time of the step, `limit` says whose floor that is, and every limit has
        its own, in seconds; see `serialprof.model.LimitShare`.
        """
        return found.limit_shares(self.analysis)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per family: the sentence, its evidence, the known way round the chain, and what to do next."""
        return found.verdicts(self.analysis)

    @cached_property
    def refusals(self) -> pd.DataFrame:
        """One row per family and quantity that the data do not tell: why, and what would."""
        return found.refusals(self.analysis)

    @cached_property
    def limits(self) -> pd.DataFrame:
        """One row per measured limit of the machine and of its devices; each says the unit of its value."""
        return surroundings.limits(self.stored)

    @cached_property
    def machine(self) -> pd.DataFrame:
        """One row per fact about the machine; memory and caches in bytes."""
        return surroundings.machine(self.stored.machine)

    @cached_property
    def findings(self) -> pd.DataFrame:
        """One row for everything that the doctor looked at: what spoilt or limited the run, and what mends it."""
        return surroundings.findings(self.stored)

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

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(item.name for item in self.stored.plan.descriptions))
        points = len(self.stored.plan.points)
        return f"<serialprof.Run of {names}: {points} points, {self.stored.status}, in {self.path}>"

    def __str__(self) -> str:
        """The run as a terminal shows it, without colours."""
        return self.render("terminal", width=100, color=False)

    def _repr_html_(self) -> str:
        """The run as a notebook shows it."""
        return in_notebook("run", self)

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
