# SPDX-License-Identifier: Apache-2.0
"""Gates that come one by one, as tests of a project do: one base for all of them, and one report in the end.

Each is judged when it comes, so how many there will be has to be known beforehand: a failure has to survive all of
them (Bonferroni's inequality), where a gate that decides at the end lets later ones off more easily (Holm).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Final

from serialprof.errors import BaselineError, SerialprofError, UsageError
from serialprof.gating.baseline import Baseline, read
from serialprof.gating.baselining import ADVISORY, compare
from serialprof.gating.configuration import Configuration, read_configuration
from serialprof.gating.contest import Side
from serialprof.gating.expecting import waived
from serialprof.gating.interpreters import look_at
from serialprof.gating.records import Benchmark, GateReport, Outcome, SideFacts
from serialprof.gating.request import pinned
from serialprof.gating.running import Effort, Rebuilds, run_gate
from serialprof.gating.sides import built_sides, given_sides
from serialprof.gating.telling import error_sentence
from serialprof.machine import Machine

#: Base and head where they cannot be had.
_UNKNOWN: Final = (SideFacts("base", "", ""), SideFacts("head", "", ""))


@dataclass(frozen=True, slots=True)
class BaseOptions:
    """Where the base is: one of an interpreter, a commit, and a stored baseline.

    Attributes:
        python: the base's interpreter.
        ref: the base's commit.
        install: shell command that installs a checkout, empty where the configuration says it.
        allow_dirty: whether changes that are not committed may be in the head.
        baseline: a file, None where there is none.
        enforce: whether failures against it count.
    """

    python: str = ""
    ref: str = ""
    install: str = ""
    allow_dirty: bool = False
    baseline: Path | None = None
    enforce: bool = False

    @property
    def ways(self) -> int:
        """In how many ways the base is named."""
        return sum(map(bool, (self.python, self.ref, self.baseline)))


@dataclass(frozen=True, slots=True)
class _Sides:
    """What the gates of a session have in common."""

    base: Side | None
    head: Side
    machine: Machine
    rebuilds: Rebuilds | None = None


@dataclass
class GateSession:
    """Gates that come one by one.

    Attributes:
        options: where the base is.
        look: reads this computer.
        folder: in which files of workloads are found.
        strict: whether an inconclusive outcome counts as a failure.
        planned: hypotheses of every gate that will come, by its name for people.
        outcomes: of those that came, by the same names.
        warnings: that people should read.
        began: seconds since the epoch.
    """

    options: BaseOptions
    look: Callable[[], Machine]
    folder: Path
    strict: bool = False
    planned: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)

    @cached_property
    def configuration(self) -> Configuration:
        """What the folder's own configuration says."""
        return read_configuration(self.folder)

    @cached_property
    def baseline(self) -> Baseline | None:
        """The stored baseline, None where the base is a side."""
        return read(self.options.baseline) if self.options.baseline else None

    @property
    def sides(self) -> _Sides:
        """The sides and this machine, made ready on first use; what failed once is not tried again.

        Raises:
            BaselineError: the base cannot be had.
            UsageError: the head cannot be had, or the base is not named in exactly one way.
            CannotMeasureError: this machine cannot be looked at.
        """
        if isinstance(self._opened, SerialprofError):
            raise self._opened
        return self._opened

    @cached_property
    def _opened(self) -> _Sides | SerialprofError:
        try:
            return self._open()
        except SerialprofError as error:
            return error

    def _open(self) -> _Sides:
        if self.options.ways != 1:
            raise UsageError("the base is not named in exactly one way", "give one of python, ref and baseline")
        if self.options.ref:
            install = self.options.install or self.configuration.install
            if not install:
                raise UsageError(
                    "a base that is a commit needs the command that installs it",
                    "give --serialprof-install CMD, or install = in the gate's configuration",
                )
            built = built_sides(self.options.ref, install, self.folder, allow_dirty=self.options.allow_dirty)
            return _Sides(built.base, built.head, self.look(), built.rebuilds if self.configuration.layouts else None)
        if self.baseline:
            return _Sides(None, Side("head", sys.executable, self.folder.resolve()), self.look())
        base, head = given_sides(self.options.python, sys.executable, self.folder)
        return _Sides(base, head, self.look())

    def gate(self, name: str, benchmark: Benchmark, effort: Effort) -> Outcome:
        """Gates one benchmark, and keeps what comes of it.

        Args:
            name: under which it was planned.
            benchmark: which; its name is unique in the session.
            effort: how far the gate goes.

        Raises:
            UsageError: another gate has the benchmark's name.
            SerialprofError: base, head or this machine cannot be had.
        """
        if any(outcome.benchmark.name == benchmark.name for outcome in self.outcomes.values()):
            raise UsageError(f"two benchmarks are called {benchmark.name!r}", "give one of them another name")
        elsewhere = sum(self.planned.values()) - self.planned.get(name, 0)
        (outcome,) = waived(self._outcomes(benchmark, effort, elsewhere), self.configuration.waivers, date.today())
        self.outcomes[name] = outcome
        return outcome

    def _outcomes(self, benchmark: Benchmark, effort: Effort, elsewhere: int) -> Sequence[Outcome]:
        sides = self.sides
        if sides.base is not None:
            return run_gate(
                [benchmark],
                sides.base,
                sides.head,
                sides.machine,
                effort,
                elsewhere=elsewhere,
                rebuilds=sides.rebuilds,
            )
        assert self.baseline is not None
        compared = compare(
            self.baseline, [benchmark], sides.head, sides.machine, elsewhere=elsewhere, timeout=effort.timeout
        )
        self.warnings += compared.warnings
        return compared.outcomes

    @property
    def advisory(self) -> str:
        """Why failures do not count, empty where they do."""
        return ADVISORY if self.options.baseline and not self.options.enforce else ""

    def report(self, command: Sequence[str]) -> GateReport:
        """Everything that came, and an error for each gate that was planned and did not.

        Args:
            command: the words that repeat it.
        """
        opened = self._opened
        base, head = _UNKNOWN
        if not isinstance(opened, SerialprofError):
            base = self.baseline.side if self.baseline else _facts(opened.base or opened.head)
            head = _facts(opened.head)
        return GateReport(
            outcomes=tuple(self.outcomes.get(name) or self._missed(name) for name in {**self.planned, **self.outcomes}),
            base=base,
            head=head,
            machine=self.look() if isinstance(opened, SerialprofError) else opened.machine,
            started=self.began,
            seconds=time.time() - self.began,
            version=version("serialprof"),
            command=pinned(command, "--serialprof-base-ref", base.commit if self.options.ref else ""),
            strict=self.strict,
            advisory=self.advisory,
            warnings=tuple(self.warnings),
        )

    def _missed(self, name: str) -> Outcome:
        """What is said of a gate that was planned and did not come."""
        benchmark, failed = Benchmark(name, ""), self._opened
        if isinstance(failed, BaselineError):
            return Outcome(benchmark, "no baseline", error_sentence(benchmark, str(failed)))
        reason = str(failed) if isinstance(failed, SerialprofError) else "its test ended before it was gated"
        return Outcome(benchmark, "error", error_sentence(benchmark, reason))


def _facts(side: Side) -> SideFacts:
    return SideFacts(side.label, side.commit, look_at(Path(side.python)).version, side.command)
