# SPDX-License-Identifier: Apache-2.0
"""`serialprof.run`: what the command line does, called from a program or a notebook."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from serialprof import handover
from serialprof.asking import Asked, Counts, Words, Workloads, beside_resume, references_of, request_of
from serialprof.errors import InterruptedRunError, UsageError
from serialprof.files import check_creatable
from serialprof.planning import Plan
from serialprof.preparation import Prepared, prepare
from serialprof.progress import Quiet, fitting
from serialprof.session import default_path, measure
from serialprof.session import resume as go_on
from serialprof.setting import CPU, ParameterValue
from serialprof.store import read_run
from serialprof.view import Run

#: What may be given beside `resume`.
_BESIDE_RESUME: Final = frozenset({"workloads", "resume", "force"})


def run(
    workloads: Workloads = (),
    *,
    program: Sequence[str] = (),
    quick: bool = False,
    widths: Counts = None,
    threads: Counts = None,
    depth: int | None = None,
    device: str = CPU,
    modes: Words = None,
    dtypes: Words = None,
    parameters: Mapping[str, ParameterValue] | None = None,
    clock: str | None = None,
    turbo: bool = False,
    gpu_clock: str | None = None,
    budget: float | str | None = None,
    precision: float | str = 0.02,
    seed: int = 0,
    output: str | Path | None = None,
    meter: bool = True,
    stand_ins: bool = True,
    dilate: bool = False,
    resume: str | Path | None = None,
    force: bool = False,
) -> Run:
    """Profiles workloads on this machine, as `serialprof run` does; every option of it is a keyword here.

    Progress is shown in a notebook and on a terminal, and nowhere else. The page of a run is `Run.render("html")`.

    Args:
        workloads: names, FILE.py:NAME references, or functions, decorated or not, of a file or a notebook; by default
            the built-in ones of the device.
        program: a command to measure instead, such as ["./sim", "--threads", "{threads}"].
        quick: the short form: four widths, at most 25 s of sampling.
        widths: independent lanes per step, such as [1, 4, 16] or "1,4,64Ki"; None leaves a knob to the workload and the
            machine.
        threads: thread counts, likewise.
        depth: dependent steps in one run.
        device: that workloads run on: "cpu", "cuda", or "cuda:1" for the second one.
        modes: execution modes, such as ["eager", "graph"] or "eager,graph".
        dtypes: element types: "fp32", "bf16", "fp16"; None leaves them to the workload.
        parameters: workload parameters, for every workload that has them.
        clock: the clocks to set in turn: "1.2GHz,2.4GHz", "all"; None leaves clocks alone.
        turbo: with `clock`: clocks above the base as well.
        gpu_clock: that all GPUs are locked at for the whole run, such as "1410MHz"; None leaves them alone.
        budget: most seconds of sampling, or "90s", "2m"; None is 120 s, or 25 s in the quick form.
        precision: relative half-width of the step time at which sampling stops early, or "2%".
        seed: of the drawn order and of the workloads.
        output: the run file to create; by default a new one in the working folder.
        meter: read the clock meter beside every sample.
        stand_ins: inject delays after sampling, out of a tenth of the budget.
        dilate: dilate the host's time by a real-time thread too, out of another tenth (needs root).
        resume: an interrupted run to go on with. Its workloads are known where this process has run them before;
            functions of a notebook that was restarted are given again as `workloads`.
        force: with `resume`: even on another machine or with other code.

    Raises:
        InterruptedRunError: Ctrl-C, or a kernel's interrupt; the run file keeps what was measured, and can be resumed.
        SerialprofError: whatever the command line would refuse, in the same words; and as `prepare` and `measure` say.
    """
    asked = {**locals(), "workloads": references_of(workloads)}
    if resume is not None:
        _check_beside_resume(asked)
        return _resumed(Path(resume), asked)
    if force:
        raise UsageError("--force goes with --resume alone", "leave it out")
    request = request_of(asked)
    path = default_path() if output is None else Path(output)
    check_creatable(path)
    with fitting() as shown:
        prepared = prepare(request, warn=shown.warn)
        _tell_skipped(prepared, shown)
        try:
            return measure(prepared, path, shown.report, shown.stage, _call(asked), warn=shown.warn)
        except InterruptedRunError as error:
            raise _interrupted(error, path) from None


def plan(workloads: Workloads = (), **asked: Any) -> Plan:
    """What `run` would do with the same arguments, measuring nothing, as `serialprof run --dry-run` shows it.

    Args:
        workloads: as in `run`.
        asked: the keywords of `run`.

    Raises:
        SerialprofError: as `run` would.
    """
    bound = inspect.signature(run).bind(workloads, **asked)
    bound.apply_defaults()
    return prepare(request_of(bound.arguments), dry_run=True).plan


def _given(asked: Asked) -> dict[str, Any]:
    """What is not left at its default, by the names of the keywords."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()}
    return {
        name: asked[name]
        for name, default in defaults.items()
        if type(asked[name]) is not type(default) or asked[name] != default
    }


def _call(asked: Asked) -> tuple[str, ...]:
    """The call, for the record: its name, and every argument that was given."""
    given = {name: str(value) if isinstance(value, Path) else value for name, value in _given(asked).items()}
    return "serialprof.run", *(f"{name}={value!r}" for name, value in given.items())


def _check_beside_resume(asked: Asked) -> None:
    """Raises a UsageError for whatever would change the plan of a run that is resumed."""
    for name in _given(asked):
        if name not in _BESIDE_RESUME:
            raise beside_resume(name)


def _resumed(path: Path, asked: Asked) -> Run:
    """The run of a file, carried on; with workloads that stand in no file handed over anew."""
    planned = {description.reference for description in read_run(path).plan.descriptions}
    for reference in asked["workloads"]:
        if reference not in planned or not handover.is_handed(reference):
            raise beside_resume(f"workload {reference!r}", "leave out what is no function of this notebook")
    with fitting() as shown:
        try:
            return go_on(path, shown.report, shown.stage, _call(asked), force=bool(asked["force"]), warn=shown.warn)
        except InterruptedRunError as error:
            raise _interrupted(error, path) from None


def _tell_skipped(prepared: Prepared, shown: Quiet) -> None:
    for name, reason in prepared.skipped.items():
        shown.note(f"skipped: {name} {reason}")


def _interrupted(error: InterruptedRunError, path: Path) -> InterruptedRunError:
    """The same, with the call that goes on with the run."""
    if not path.exists():
        return error
    name = str(path)
    return InterruptedRunError(
        error.message, f"go on with serialprof.run(resume={name!r}), or look at it with serialprof.load({name!r})"
    )
