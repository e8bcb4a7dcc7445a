# SPDX-License-Identifier: Apache-2.0
"""A whole gate, from what was asked for to its report: sides, expected set, pairs, waivers."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

from serialprof.errors import UsageError
from serialprof.gating.configuration import Configuration, checked, default_name, read_configuration
from serialprof.gating.contest import Side
from serialprof.gating.expecting import missing, waived
from serialprof.gating.interpreters import look_at
from serialprof.gating.records import Benchmark, Criteria, GateReport, Metric, SideFacts
from serialprof.gating.running import Effort, Tell, run_gate
from serialprof.gating.sides import built_sides, given_sides
from serialprof.machine import Machine
from serialprof.program import command_reference
from serialprof.setting import CPU, ParameterValue

_SAME: Final = "both sides are the same environment and folder: this is a null, and tells whether this machine can gate"


@dataclass(frozen=True, slots=True)
class Knobs:
    """What benchmarks that are named on the command line are run at; None leaves it to the workload."""

    width: int | None = None
    depth: int | None = None
    threads: int | None = None
    mode: str | None = None
    dtype: str | None = None
    device: str = CPU
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ("step",)


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What was asked for.

    Attributes:
        workloads: references; none for the expected set of the configuration.
        knobs: at which the named ones run.
        tolerance, mde, least_seconds: None leaves them to the configuration.
        base_ref, install: a commit to compare with, and the shell command that installs a checkout.
        base_python, head_python: interpreters of environments that are there already.
        base_command, head_command: whole programs in place of workloads.
        dirty: whether changes that are not committed may be in the head.
        layouts: whether a failure has to exceed what rebuilding the base alone does.
        strict: whether an inconclusive outcome is one for the exit code.
        effort: how far it goes.
        folder: in which it is asked.
        command: the words that repeat it.
    """

    workloads: tuple[str, ...] = ()
    knobs: Knobs = field(default_factory=Knobs)
    tolerance: float | None = None
    mde: float | None = None
    least_seconds: float | None = None
    base_ref: str = ""
    install: str = ""
    base_python: str = ""
    head_python: str = ""
    base_command: str = ""
    head_command: str = ""
    dirty: bool = False
    layouts: bool = False
    strict: bool = False
    effort: Effort = field(default_factory=Effort)
    folder: Path = field(default_factory=Path.cwd)
    command: tuple[str, ...] = ()


def benchmarks_of(request: GateRequest, configuration: Configuration) -> tuple[Benchmark, ...]:
    """The expected set of a gate: what is named on the command line, or else in the configuration.

    Raises:
        UsageError: neither names anything, or the criteria leave no room.
    """
    asked = {
        name: value for name in ("tolerance", "mde", "least_seconds") if (value := getattr(request, name)) is not None
    }
    if request.head_command:
        command = command_reference(shlex.split(request.head_command))
        named: Sequence[Benchmark] = [_named(command, "command", request.knobs, configuration.criteria)]
    elif request.workloads:
        named = [_named(item, default_name(item), request.knobs, configuration.criteria) for item in request.workloads]
    else:
        named = configuration.benchmarks
    if not named:
        raise UsageError(
            "there is nothing to gate",
            "name a workload, or list benchmarks under [tool.serialprof.gate] in pyproject.toml (docs/gate.md)",
        )
    names = [benchmark.name for benchmark in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two benchmarks are called {twice!r}", "name one of them in the configuration")
    return tuple(replace(item, criteria=checked(replace(item.criteria, **asked))) for item in named)


def _named(reference: str, name: str, knobs: Knobs, criteria: Criteria) -> Benchmark:
    return Benchmark(
        name,
        reference,
        width=knobs.width,
        depth=knobs.depth,
        threads=knobs.threads,
        mode=knobs.mode,
        dtype=knobs.dtype,
        parameters=knobs.parameters,
        criteria=criteria,
        device=knobs.device,
        metrics=knobs.metrics,
    )


def gate(request: GateRequest, machine: Machine, tell: Tell = lambda what: None) -> GateReport:
    """Carries a gate out.

    Args:
        request: what was asked for.
        machine: this computer.
        tell: told in a few words what begins.

    Raises:
        UsageError: it cannot be carried out as asked for.
        BaselineError: the base cannot be had.
    """
    began, clock = time.time(), time.monotonic()
    configuration = read_configuration(request.folder)
    expected = benchmarks_of(request, configuration)
    base, head, _rebuilds = _sides(request, configuration, tell)
    gone = () if _named_on_command_line(request) else missing(read_configuration(base.folder), configuration)
    outcomes = run_gate(expected, base, head, machine, request.effort, tell)  # REBUILDS
    return GateReport(
        outcomes=(*waived(outcomes, configuration.waivers, date.today()), *gone),
        base=_facts(base),
        head=_facts(head),
        machine=machine,
        started=began,
        seconds=time.monotonic() - clock,
        version=version("serialprof"),
        command=request.command,
        strict=request.strict,
        warnings=(_SAME,) if base == replace(head, label=base.label) else (),
    )


def _sides(
    request: GateRequest, configuration: Configuration, tell: Tell
) -> tuple[Side, Side, Callable[[], Sequence[Side]] | None]:
    """Base, head, and what builds the base again where that is wanted."""
    _check_one_base(request)
    if request.base_ref:
        install = request.install or configuration.install
        if not install:
            raise UsageError(
                "--base-ref needs --install", 'write --install "pip install .", or install = in pyproject.toml'
            )
        built = built_sides(request.base_ref, install, request.folder, allow_dirty=request.dirty, tell=tell)
        return built.base, built.head, built.rebuilds if request.layouts else None
    if request.base_command:
        words = (("base", request.base_command), ("head", request.head_command))
        base, head = (
            Side(label, sys.executable, request.folder, command=command_reference(shlex.split(command)))
            for label, command in words
        )
        return base, head, None
    return *given_sides(request.base_python, request.head_python or sys.executable, request.folder), None


def _check_one_base(request: GateRequest) -> None:
    """Raises a UsageError where the base is not named in exactly one way, or something does not go with that way."""
    ways = [name for name in ("base_ref", "base_python", "base_command") if getattr(request, name)]
    if len(ways) != 1:
        raise UsageError(
            "there is no base to compare with" if not ways else "the base is named in more than one way",
            "give one of --base-ref REF, --base-python FILE, --base-cmd CMD with --head-cmd CMD, --baseline FILE",
        )
    if bool(request.base_command) != bool(request.head_command):
        raise UsageError("--base-cmd and --head-cmd go together", "give both")
    if request.head_python and not request.base_python:
        raise UsageError("--head-python goes with --base-python alone", "leave it out, or give --base-python")
    for given, option in (
        (request.install, "--install"),
        (request.dirty, "--allow-dirty"),
        (request.layouts, "--layout-floor"),
    ):
        if given and not request.base_ref:
            raise UsageError(f"{option} goes with --base-ref alone: nothing is built here", "leave it out")
    if request.base_command and request.workloads:
        raise UsageError("programs are timed in place of workloads", "leave the workloads out")


def _facts(side: Side) -> SideFacts:
    return SideFacts(side.label, side.commit, look_at(Path(side.python)).version, side.command)


def _named_on_command_line(request: GateRequest) -> bool:
    return bool(request.workloads or request.base_command or request.head_command)
