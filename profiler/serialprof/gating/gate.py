# SPDX-License-Identifier: Apache-2.0
"""A whole gate, from what was asked for to its report: sides, expected set, pairs or a baseline, waivers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

from serialprof.errors import BaselineError, HeadError, SerialprofError, UsageError
from serialprof.gating.baseline import read
from serialprof.gating.baselining import compare
from serialprof.gating.configuration import Configuration, read_configuration
from serialprof.gating.contest import Side
from serialprof.gating.expecting import missing, waived
from serialprof.gating.interpreters import look_at
from serialprof.gating.records import Benchmark, GateReport, Outcome, SideFacts, Verdict
from serialprof.gating.request import GateRequest, benchmarks_of, check_base, command_of, pinned
from serialprof.gating.running import Tell, fails_in_time, run_gate
from serialprof.gating.sides import built_sides, given_side, given_sides
from serialprof.gating.telling import error_sentence
from serialprof.machine import Machine

_SAME: Final = "both sides are the same environment and folder: this is a null, and tells whether this machine can gate"


def gate(request: GateRequest, machine: Machine, tell: Tell = lambda what: None) -> GateReport:
    """Carries a gate out; where base or head cannot be had, the report says so of every benchmark.

    Args:
        request: what was asked for.
        machine: this computer.
        tell: told in a few words what begins.

    Raises:
        UsageError: it cannot be carried out as asked for.
    """
    clock = time.monotonic()
    check_base(request)
    configuration = read_configuration(request.folder)
    expected = benchmarks_of(request, configuration)
    blank = GateReport(
        outcomes=(),
        base=SideFacts("base", "", ""),
        head=SideFacts("head", "", ""),
        machine=machine,
        started=time.time(),
        seconds=0.0,
        version=version("serialprof"),
        command=request.command,
        strict=request.strict,
    )
    carry_out = _paired if request.baseline is None else _against_baseline
    try:
        report = carry_out(blank, request, configuration, expected, tell)
    except BaselineError as error:
        report = _without_side(blank, expected, "no baseline", error)
    except HeadError as error:
        report = _without_side(blank, expected, "error", error)
    outcomes = waived(report.outcomes, configuration.waivers, date.today())
    return replace(report, outcomes=outcomes, seconds=time.monotonic() - clock)


def head_alone(request: GateRequest) -> Side:
    """The head where there is no base beside it.

    Raises:
        HeadError: its interpreter is missing, does not start, or has no serialprof that can take part.
    """
    return given_side("head", request.head_python or sys.executable, request.folder)


def _paired(
    report: GateReport,
    request: GateRequest,
    configuration: Configuration,
    expected: Sequence[Benchmark],
    tell: Tell,
) -> GateReport:
    base, head, rebuilds = _sides(request, configuration, tell)
    gone = () if request.names_benchmarks else missing(_expected_by(base), configuration)
    outcomes = run_gate(expected, base, head, report.machine, request.effort, tell, rebuilds=rebuilds)
    same = base == replace(head, label=base.label)
    return replace(
        report,
        outcomes=(*outcomes, *gone),
        base=_facts(base),
        head=_facts(head),
        command=pinned(report.command, "--base-ref", base.commit),
        warnings=((_SAME,) if same else ()) + (_unweighed(outcomes) if rebuilds else ()),
    )


def _unweighed(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Which failures no rebuild of the base was there to be weighed against."""
    slower = [item for item in outcomes if item.floor is None and fails_in_time(item.judgements)]
    names = ", ".join(outcome.benchmark.name for outcome in slower)
    return (f"{names}: no rebuild of the base differs and runs, so no layout was weighed",) if names else ()


def _expected_by(base: Side) -> Configuration:
    """What the base says about its gate.

    Raises:
        BaselineError: that is not understood.
    """
    try:
        return read_configuration(base.folder)
    except UsageError as error:
        told = error.message.replace(f"{base.folder}/", "")
        raise BaselineError(f"base: {told}", "name what is gated here, until the base is mended") from None


def _against_baseline(
    report: GateReport,
    request: GateRequest,
    configuration: Configuration,
    expected: Sequence[Benchmark],
    tell: Tell,
) -> GateReport:
    assert request.baseline is not None
    stored = read(request.baseline)
    head = head_alone(request)
    found = compare(
        stored, expected, head, report.machine, tell, enforce=request.enforce, timeout=request.effort.timeout
    )
    saved = Configuration(benchmarks=tuple(entry.benchmark for entry in stored.entries))
    gone = () if request.names_benchmarks else missing(saved, configuration)
    return replace(
        report,
        outcomes=(*found.outcomes, *gone),
        base=stored.side,
        head=_facts(head),
        advisory=found.advisory,
        warnings=found.warnings,
    )


def _without_side(
    report: GateReport, expected: Sequence[Benchmark], verdict: Verdict, error: SerialprofError
) -> GateReport:
    """Why there is nothing to compare: of each benchmark in a line, and once in full."""
    reason = error.message.partition("\n")[0]
    outcomes = tuple(Outcome(item, verdict, error_sentence(item, reason)) for item in expected)
    return replace(report, outcomes=outcomes, warnings=(" ".join(str(error).split()),))


def _sides(
    request: GateRequest, configuration: Configuration, tell: Tell
) -> tuple[Side, Side, Callable[[], Sequence[Side]] | None]:
    """Base, head, and what builds the base again where that is wanted."""
    if request.base_ref:
        install = request.install or configuration.install
        if not install:
            raise UsageError(
                "--base-ref needs --install", 'write --install "pip install .", or install = in pyproject.toml'
            )
        built = built_sides(request.base_ref, install, request.folder, allow_dirty=request.dirty, tell=tell)
        return built.base, built.head, built.rebuilds if request.layouts or configuration.layouts else None
    if request.base_command:
        words = (("base", request.base_command), ("head", request.head_command))
        base, head = (
            Side(label, sys.executable, request.folder, command=command_of(f"--{label}-cmd", command))
            for label, command in words
        )
        return base, head, None
    return *given_sides(request.base_python, request.head_python or sys.executable, request.folder), None


def _facts(side: Side) -> SideFacts:
    return SideFacts(side.label, side.commit, look_at(Path(side.python)).version, side.command)
