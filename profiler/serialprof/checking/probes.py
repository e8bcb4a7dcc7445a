# SPDX-License-Identifier: Apache-2.0
"""What a check runs, each in a fresh worker, so that whatever a workload does costs it its answer and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from serialprof.catalog import Description, Work
from serialprof.checking.asking import FailedError, ask, run_seconds
from serialprof.checking.evidence import Evidence, WideForm, WidthTime
from serialprof.checking.peaks import find_peaks
from serialprof.errors import CannotMeasureError, WorkloadError
from serialprof.loading import check_name
from serialprof.machine import Machine
from serialprof.measure import protocol
from serialprof.measure.introspection import Introspector
from serialprof.measure.observation import DepthTime, Observation
from serialprof.measure.observing import DEEPER, went_on
from serialprof.measure.process import WorkerProcess
from serialprof.planning import Point, Request
from serialprof.setting import ParameterValue, Setting
from serialprof.sweep import check_parameters, fits, settings_of

SECONDS: Final = 10.0
"""What the runs of a check take together by default; starting processes and importing come on top."""

#: Processes that look at the same setting: what a busy machine could feign counts only if all have shown it.
_OBSERVATIONS: Final = 2
_PATIENCE: Final = 60.0  # seconds for importing, building and one-time work
_WIDEST: Final = 0.1  # share of the seconds, what a run at the greatest width may take

Tell: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What is to be checked; None leaves a knob to the workload.

    Attributes:
        workload: its reference.
        widths: among which it is looked at; most is looked at at the second one.
        threads: that it is given; the fewest that it works with by default.
        device: "cpu" or "cuda:N".
        parameters: its own knobs.
        seconds: of running.
    """

    workload: str
    widths: tuple[int, ...] | None = None
    threads: int | None = None
    device: str = "cpu"
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    seconds: float = SECONDS


def gather(request: CheckRequest, machine: Machine, tell: Tell = lambda text: None) -> Evidence:
    """Everything that a check looks at.

    Args:
        request: what is to be checked.
        machine: this computer.
        tell: told in a few words what begins.

    Raises:
        CannotMeasureError: there is no such device.
        UsageError: a knob that the workload or this machine does not have.
        WorkloadError: the workload cannot be found or loaded, or needs what is not installed.
    """
    check_name(request.workload)
    tell("loading")
    with closing(Introspector(request.workload, machine.cpus[0])) as introspector:
        description, _ = introspector.describe()
        if description.missing:
            raise WorkloadError(f"{description.name} {description.missing}", "install it, or check another workload")
        setting, others = _settings(request, description, machine)
        declared = dict(zip(others, introspector.declare(list(others.values())), strict=True))
    evidence = Evidence(description, setting, work=declared[setting.width])
    return _Checker(request, machine, others, declared, tell).run(evidence)


def _settings(request: CheckRequest, description: Description, machine: Machine) -> tuple[Setting, dict[int, Setting]]:
    """The setting at which most is looked at, and that of each width, ascending."""
    threads = request.threads or description.min_threads
    asked = Request(
        workloads=(request.workload,),
        widths=request.widths,
        threads=(threads,),
        device=request.device,
        parameters=request.parameters,
    )
    check_parameters(asked, [description])
    serial = [each for each in settings_of(asked, description, machine) if each.form == "serial"]
    by_width = {each.width: each for each in sorted(serial, key=lambda each: each.width)}
    if not by_width:
        raise CannotMeasureError(f"{description.name} needs {description.min_threads} threads, this machine has fewer")
    widths = list(by_width)
    return by_width[widths[min(1, len(widths) - 1)]], by_width


class _Checker:
    """Asks fresh workers one question after the other, and keeps what they answer."""

    def __init__(
        self,
        request: CheckRequest,
        machine: Machine,
        settings: dict[int, Setting],
        declared: dict[int, Work | None],
        tell: Tell,
    ) -> None:
        self._request = request
        self._machine = machine
        self._settings = settings
        self._declared = declared
        self._tell = tell
        self._share = request.seconds / (2 * _OBSERVATIONS)  # of one observation

    def run(self, evidence: Evidence) -> Evidence:
        """The evidence, filled in as far as the workload gets through."""
        for number in range(_OBSERVATIONS):
            self._tell(f"watching its steps, process {number + 1} of {_OBSERVATIONS}")
            with closing(self._worker(evidence.setting)) as worker:
                try:
                    seen = self._observed(worker, evidence.setting, self._share)
                except FailedError as error:
                    return replace(evidence, failure=error.failure)
                evidence = replace(evidence, observations=(*evidence.observations, seen))
                if number + 1 == _OBSERVATIONS:
                    evidence = self._answers(evidence, worker)
        if evidence.failure is not None or not evidence.widths:
            return evidence
        if evidence.work is not None:
            self._tell("measuring what this machine can do at best")
            footprint = evidence.work.footprint.at(evidence.setting.width)
            peaks, gaps = find_peaks(self._machine, evidence.setting, footprint, self._tell)
            evidence = replace(evidence, peaks=peaks, gaps=(*evidence.gaps, *gaps))
        return self._spread(evidence)

    def _observed(self, worker: WorkerProcess, setting: Setting, seconds: float) -> Observation:
        return ask(worker, protocol.Observe(setting, seconds), protocol.Observed, self._limit).observation

    def _worker(self, setting: Setting) -> WorkerProcess:
        return WorkerProcess(self._request.workload, setting.cpus)

    @property
    def _limit(self) -> float:
        return _PATIENCE + 10 * self._share

    def _answers(self, evidence: Evidence, worker: WorkerProcess) -> Evidence:
        """Its known answer, times over width, and those of the wide form."""
        if reason := _unfit(evidence.observations[-1]):
            return replace(evidence, gaps=(f"width, declarations and forms: {reason}",))
        setting = replace(evidence.setting, depth=evidence.observations[0].steps)
        self._tell("comparing its known answer")
        try:
            ask(worker, protocol.Check(setting), protocol.Checked, self._limit)
        except FailedError as error:
            return replace(evidence, wrong=error.failure.reason)
        try:
            self._tell("timing its widths")
            evidence = replace(evidence, widths=self._width_times(worker, setting))
            if "wide" in evidence.description.forms:
                self._tell("timing its wide form")
                evidence = replace(evidence, wide=self._wide(worker, setting))
        except FailedError as error:
            if error.failure.exhausted:  # the end of a sweep, not a defect
                return replace(evidence, gaps=(*evidence.gaps, f"widths and forms, to the end: {error}"))
            return replace(evidence, failure=error.failure)
        return evidence

    def _width_times(self, worker: WorkerProcess, setting: Setting) -> tuple[WidthTime, ...]:
        """Times of the least width, of the one that was watched, and of the greatest that can be afforded."""
        widths = sorted({min(self._settings), setting.width})
        times = self._run_seconds(worker, [replace(setting, width=width) for width in widths])
        broad = self._widest(WidthTime(widths[-1], times[-1]), setting)
        if broad > widths[-1]:
            widths.append(broad)
            times += self._run_seconds(worker, [replace(setting, width=broad)])
        return tuple(map(WidthTime, widths, times))

    def _widest(self, known: WidthTime, setting: Setting) -> int:
        """The greatest width at which a run cannot take much longer than its share, and that fits this machine."""
        most = max(known.width, known.width * _WIDEST * self._request.seconds / known.seconds)
        fitting = [
            width
            for width, each in self._settings.items()
            if width <= most
            and fits(
                Point(0, self._request.workload, replace(each, depth=setting.depth), self._declared[width]),
                self._machine,
            )
        ]
        return max(fitting, default=known.width)

    def _run_seconds(self, worker: WorkerProcess, settings: Sequence[Setting]) -> list[float]:
        return run_seconds(worker, settings, self._limit)

    def _wide(self, worker: WorkerProcess, setting: Setting) -> WideForm:
        wide, shallow = replace(setting, form="wide"), max(1, setting.depth // DEEPER)
        times = self._run_seconds(worker, [setting, replace(wide, depth=shallow), wide])
        return WideForm(*map(DepthTime, (setting.depth, shallow, setting.depth), times))

    def _spread(self, evidence: Evidence) -> Evidence:
        """Once more at the greatest width, with two threads where the machine has them."""
        base, widths = evidence.setting, evidence.widths
        if not widths:
            return evidence
        threads = base.threads if base.on_cuda else max(base.threads, min(2, self._machine.usable))
        at = replace(base, width=widths[-1].width, threads=threads, cpus=self._machine.cpus[:threads])
        if at == base:
            return evidence
        self._tell("watching it with two threads" if threads > base.threads else "watching it at its greatest width")
        try:
            with closing(self._worker(at)) as worker:
                seen = self._observed(worker, at, self._share / 2)
        except FailedError as error:
            return replace(evidence, gaps=(*evidence.gaps, f"threads: {error.failure.reason}"))
        if not seen.series:
            return replace(evidence, gaps=(*evidence.gaps, "threads: its work goes on once a run has returned"))
        return replace(evidence, spread=seen, spread_setting=at, spread_work=self._declared[at.width])


def _unfit(seen: Observation) -> str:
    """Why nothing else can be measured of a workload, empty where it can."""
    if went_on(seen.aftermath):
        return "what is timed would not be its steps"
    if seen.conduct.folder or seen.conduct.cpus:
        return "it changes the process that it would be measured in"
    return ""
