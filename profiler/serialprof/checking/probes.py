# SPDX-License-Identifier: Apache-2.0
"""What a check runs, each in a fresh worker, so that whatever a workload does costs it its answer and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Final, TypeVar

from serialprof.catalog import Description, Work
from serialprof.checking.evidence import Evidence, Failure, Peaks, WideForm, WidthTime, peaks_of
from serialprof.errors import CannotMeasureError, WorkloadError
from serialprof.limitcache import recall
from serialprof.limits import PART_NAMES, Limits, Part
from serialprof.loading import check_name
from serialprof.machine import Machine
from serialprof.measure import protocol
from serialprof.measure.effort import Effort
from serialprof.measure.introspection import Introspector, probe_device, probe_limits
from serialprof.measure.observation import DepthTime, Observation
from serialprof.measure.observing import DEEPER, went_on
from serialprof.measure.process import WorkerLostError, WorkerProcess
from serialprof.planning import Point, Request
from serialprof.setting import ParameterValue, Setting
from serialprof.sweep import check_parameters, fits, settings_of

SECONDS: Final = 10.0
"""What the runs of a check take together by default; starting processes and importing come on top."""

#: Processes that look at the same setting: what a busy machine could feign counts only if all have shown it.
_OBSERVATIONS: Final = 2
_PATIENCE: Final = 60.0  # seconds for importing, building and one-time work
_WIDEST: Final = 0.1  # share of the seconds, what a run at the greatest width may take
#: The parts of the limits that declarations are held against, and how long they may take on a busy machine.
_PEAKS: Final = Effort(quick=True, bound=20.0, seconds={"chains": 0.2, "fma": 0.2, "stream": 1.2})
_PART_OF: Final[dict[str, Part]] = {"flops": "fma", "bandwidth": "stream", "far": "stream", "operation": "chains"}
_DEVICE_SECONDS: Final = 1.0

_Reply = TypeVar("_Reply", bound=protocol.Reply)
Tell = Callable[[str], None]


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


class _FailedError(Exception):
    """A question that got no answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


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
                except _FailedError as error:
                    return replace(evidence, failure=error.failure)
                evidence = replace(evidence, observations=(*evidence.observations, seen))
                if number + 1 == _OBSERVATIONS:
                    evidence = self._answers(evidence, worker)
        if evidence.failure is not None or not evidence.widths:
            return evidence
        if evidence.work is not None:
            self._tell("measuring what this machine can do at best")
            evidence = self._peaks(evidence)
        return self._spread(evidence)

    def _observed(self, worker: WorkerProcess, setting: Setting, seconds: float) -> Observation:
        return _ask(worker, protocol.Observe(setting, seconds), protocol.Observed, self._limit).observation

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
            _ask(worker, protocol.Check(setting), protocol.Checked, self._limit)
        except _FailedError as error:
            return replace(evidence, wrong=error.failure.reason)
        try:
            self._tell("timing its widths")
            evidence = replace(evidence, widths=tuple(self._width_times(worker, setting)))
            if "wide" in evidence.description.forms:
                self._tell("timing its wide form")
                evidence = replace(evidence, wide=self._wide(worker, setting))
        except _FailedError as error:
            if error.failure.exhausted:  # the end of a sweep, not a defect
                return replace(evidence, gaps=(*evidence.gaps, f"widths and forms, to the end: {error}"))
            return replace(evidence, failure=error.failure)
        return evidence

    def _width_times(self, worker: WorkerProcess, setting: Setting) -> Iterator[WidthTime]:
        """Times of the least width, of the one that was watched, and of the greatest that can be afforded."""
        narrow = min(self._settings)
        for width in sorted({narrow, setting.width}):
            latest = WidthTime(width, self._run_seconds(worker, replace(setting, width=width)))
            yield latest
        most = latest.seconds * self._widest(latest, setting) / latest.width
        if (broad := self._widest(latest, setting)) > latest.width and most < self._limit:
            yield WidthTime(broad, self._run_seconds(worker, replace(setting, width=broad)))

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

    def _run_seconds(self, worker: WorkerProcess, setting: Setting) -> float:
        try:
            return _ask(worker, protocol.Calibrate(setting), protocol.Calibrated, self._limit).seconds
        except _FailedError as error:
            place = f"width {setting.width}, {setting.form} form"
            raise _FailedError(replace(error.failure, reason=f"{error.failure.reason} ({place})")) from None

    def _wide(self, worker: WorkerProcess, setting: Setting) -> WideForm:
        wide = replace(setting, form="wide")
        shallow = max(1, setting.depth // DEEPER)
        times = {
            depth: DepthTime(depth, self._run_seconds(worker, replace(wide, depth=depth)))
            for depth in (shallow, setting.depth)
        }
        serial = DepthTime(setting.depth, self._run_seconds(worker, setting))
        return WideForm(serial, times[shallow], times[setting.depth])

    def _peaks(self, evidence: Evidence) -> Evidence:
        setting, work = evidence.setting, evidence.work
        assert work is not None
        footprint = work.footprint.at(setting.width)
        try:
            if setting.on_cuda:
                return replace(evidence, peaks=self._device_peaks(setting, footprint))
            limits = self._limits(setting.threads)
        except CannotMeasureError as error:
            return replace(evidence, gaps=(*evidence.gaps, f"declared work: {error.message}"))
        peaks = peaks_of(limits, setting, footprint)
        lacking = [name for name, value in asdict(peaks).items() if value is None]
        gaps = [f"declared work, without the {PART_NAMES[_PART_OF[name]]} of this machine" for name in lacking]
        return replace(evidence, peaks=peaks, gaps=(*evidence.gaps, *dict.fromkeys(gaps)))

    def _limits(self, threads: int) -> Limits:
        """The limits that were measured here before, or those of a few seconds."""
        entry = recall(self._machine)
        if entry is not None and threads in entry.threads:
            return entry.limits
        return probe_limits(
            self._machine.cpus, {1, threads}, effort=_PEAKS, parts=("chains", "fma", "stream"), tell=self._tell
        )

    def _device_peaks(self, setting: Setting, footprint: float) -> Peaks:
        limits = probe_device(setting.cpus, setting.device, (setting.dtype,), _DEVICE_SECONDS)
        return Peaks(
            flops=limits.flops.get(setting.dtype),
            bandwidth=max((rung.bandwidth for rung in limits.bandwidth), default=None),
            far=limits.bandwidth_at(footprint),
        )

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
        except _FailedError as error:
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


def _ask(worker: WorkerProcess, request: protocol.Request, kind: type[_Reply], limit: float) -> _Reply:
    """The answer of the kind that belongs to a request.

    Raises:
        _FailedError: there is none, and why.
    """
    try:
        reply = worker.ask(request, limit)
    except WorkerLostError as error:
        raise _FailedError(Failure(str(error), hung=error.hung)) from None
    if isinstance(reply, kind):
        return reply
    reason = getattr(reply, "reason", f"its worker answered {type(reply).__name__}")
    raise _FailedError(Failure(reason, exhausted=isinstance(reply, protocol.Exhausted)))
