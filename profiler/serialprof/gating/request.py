# SPDX-License-Identifier: Apache-2.0
"""What a gate is asked for: which benchmarks at which knobs, by which criteria, and what the base is."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from serialprof.errors import UsageError
from serialprof.gating.configuration import Configuration, checked, default_name
from serialprof.gating.records import Benchmark, Criteria, Knobs, knobs_in
from serialprof.gating.running import Effort
from serialprof.program import command_reference


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What was asked for.

    Attributes:
        workloads: references; none for the expected set of the configuration.
        knobs: at which these are gated.
        tolerance, mde, least_seconds: None leaves them to the configuration.
        base_ref, install: a commit to compare with, and the shell command that installs a checkout.
        base_python, head_python: interpreters of environments that are there already.
        base_command, head_command: whole programs in place of workloads.
        baseline: a file that the head is compared with in place of a base.
        enforce: whether failures against that file count.
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
    baseline: Path | None = None
    enforce: bool = False
    dirty: bool = False
    layouts: bool = False
    strict: bool = False
    effort: Effort = field(default_factory=Effort)
    folder: Path = field(default_factory=Path.cwd)
    command: tuple[str, ...] = ()

    @property
    def names_benchmarks(self) -> bool:
        """Whether it names what is gated, instead of leaving that to the configuration."""
        return bool(self.workloads or self.head_command)


def benchmarks_of(request: GateRequest, configuration: Configuration) -> tuple[Benchmark, ...]:
    """The expected set of a gate: what is named on the command line, or else in the configuration.

    Raises:
        UsageError: neither names anything, or the criteria leave no room.
    """
    asked = {
        name: value for name in ("tolerance", "mde", "least_seconds") if (value := getattr(request, name)) is not None
    }
    if request.head_command:
        command = command_of("--head-cmd", request.head_command)
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


def command_of(option: str, text: str) -> str:
    """The reference of a whole program that is given in one word, quoted as for a shell.

    Raises:
        UsageError: it is empty, or a quote is not closed; the message names the option.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {str(error).lower()}", "close it") from None
    if not words:
        raise UsageError(f"{option} is empty", 'write it like "./program --steps {depth}"')
    return command_reference(words)


def _named(reference: str, name: str, knobs: Knobs, criteria: Criteria) -> Benchmark:
    return Benchmark(name, reference, criteria, **knobs_in(knobs))


def pinned(words: Sequence[str], option: str, commit: str) -> tuple[str, ...]:
    """A command that repeats a gate, with the commit in place of a name that may stand for another one by then.

    Args:
        words: of the command.
        option: that gives the name.
        commit: that it stood for; nothing is changed where it is empty.
    """
    if not commit:
        return tuple(words)
    return tuple(
        commit if before == option else f"{option}={commit}" if word.startswith(f"{option}=") else word
        for before, word in pairwise(("", *words))
    )


def check_alone(request: GateRequest) -> None:
    """Raises a UsageError where something is asked for that does not go with a head alone, which is its own base."""
    for given, option in (
        (request.base_ref, "--base-ref"),
        (request.install, "--install"),
        (request.base_python, "--base-python"),
        (request.base_command, "--base-cmd"),
        (request.head_command, "--head-cmd"),
        (request.baseline, "--baseline"),
        (request.enforce, "--enforce"),
        (request.dirty, "--allow-dirty"),
        (request.layouts, "--layout-floor"),
        (request.strict, "--on-inconclusive"),
    ):
        if given:
            raise UsageError(f"--self-test compares the head with itself, without {option}", "leave that out")


def check_base(request: GateRequest) -> None:
    """Raises a UsageError where the base is not named in exactly one way, or something does not go with that way."""
    ways = [name for name in ("base_ref", "base_python", "base_command", "baseline") if getattr(request, name)]
    if len(ways) != 1:
        raise UsageError(
            "there is no base to compare with" if not ways else "the base is named in more than one way",
            "give one of --base-ref REF, --base-python FILE, --base-cmd CMD with --head-cmd CMD, --baseline FILE",
        )
    if bool(request.base_command) != bool(request.head_command):
        raise UsageError("--base-cmd and --head-cmd go together", "give both")
    if request.head_python and not (request.base_python or request.baseline):
        raise UsageError("--head-python goes with --base-python or --baseline", "leave it out, or give one of them")
    if request.enforce and not request.baseline:
        raise UsageError("--enforce goes with --baseline alone: other failures count anyway", "leave it out")
    for given, option in (
        (request.install, "--install"),
        (request.dirty, "--allow-dirty"),
        (request.layouts, "--layout-floor"),
    ):
        if given and not request.base_ref:
            raise UsageError(f"{option} goes with --base-ref alone: nothing is built here", "leave it out")
    if request.base_command and request.workloads:
        raise UsageError("programs are timed in place of workloads", "leave the workloads out")
