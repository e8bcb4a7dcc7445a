# SPDX-License-Identifier: Apache-2.0
"""Gates the last commit against its parent: native serial cores, and what the engine takes to call into a step.

    .ci/gate.py PYTHON WHEEL     this commit's wheel, and the interpreter of an environment that it is installed in

The serialprof.toml beside this file says what is gated and what is waived. Exit code 1 only where something is slower
than the tolerance, a second run in fresh processes confirms it, and no waiver names it; everything else is advice.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click

from serialprof.errors import ExitCode
from serialprof.gating.configuration import Configuration, read_configuration
from serialprof.gating.contest import Side
from serialprof.gating.environments import Recipe, open_environments
from serialprof.gating.expecting import waived
from serialprof.gating.interpreters import look_at
from serialprof.gating.records import Benchmark, Outcome
from serialprof.gating.repository import UnavailableError, open_repository
from serialprof.gating.running import Effort, run_gate
from serialprof.machine.reading import read_machine

ROOT = Path(__file__).parents[1]
CONFIGURATION = ".ci"
PARENT = "HEAD~1"
#: What is compiled, or says how, and all that can make the gated steps slower.
COMPILED = ("native", "CMakeLists.txt", "constraints.txt", "pyproject.toml")
CODE = (*COMPILED, "profiler", "workloads")
#: Lets the parent find, after everything of its own, what this commit's environment has: to install it once more would
#: take longer than all else. Not before the install command, which would take this serialprof for the parent's own.
LEND = """echo {packages} >"$(python -P -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/lent.pth"
"""
#: Puts the packages of a checkout in the place of those of the wheel that was installed.
OVERLAY = """cp -R profiler/serialprof workloads/serialprof_workloads reports/serialprof_reports \\
  "$(python -P -c 'import serialprof; print(serialprof.__path__[0])')/.."
"""
#: Seconds of pairs per benchmark after which no further ones are taken.
BUDGET = 20.0

#: Gates benchmarks, in orders drawn from a seed.
Run = Callable[[Sequence[Benchmark], int], Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class Decision:
    """How CI takes it.

    Attributes:
        code: of the exit.
        lines: for people.
    """

    code: ExitCode
    lines: tuple[str, ...]


def decide(configuration: Configuration, run: Run, today: date) -> Decision:
    """Runs the gate, and what failed a second time."""
    first = waived(run(configuration.benchmarks, 0), configuration.waivers, today)
    lines = [_line(outcome) for outcome in first]
    suspects = [outcome.benchmark for outcome in first if outcome.verdict == "fail" and not outcome.waiver]
    if not suspects:
        return Decision(ExitCode.OK, tuple(lines))
    second = waived(run(suspects, 1), configuration.waivers, today)
    lines += [f"again: {_line(outcome)}" for outcome in second]
    if any(outcome.verdict == "fail" and not outcome.waiver for outcome in second):
        return Decision(ExitCode.REGRESSION, (*lines, "slower than the parent, twice: mend it, or waive it"))
    return Decision(ExitCode.OK, (*lines, "a second run does not confirm it: advice alone"))


def recipe(configuration: Configuration, wheel: Path, packages: Path) -> Recipe:
    """How the parent is installed: without a change of what is compiled, as this commit's wheel with its own Python.

    Args:
        configuration: says how a checkout is installed that has to be compiled, without what it requires.
        wheel: of this commit.
        packages: the folder of this commit's environment that holds what either requires.
    """
    lend = LEND.format(packages=shlex.quote(str(packages)))
    if _changed(*COMPILED):
        return Recipe(f"set -e\n{configuration.install}\n{lend}")
    return Recipe(f"set -e\npip install --no-deps {shlex.quote(str(wheel.resolve()))}\n{lend}{OVERLAY}")


def gate(python: str, wheel: Path) -> Decision:
    """Gates this commit, which is installed in the environment of an interpreter, against its parent.

    Args:
        python: the interpreter.
        wheel: from which it was installed.
    """
    if _git("rev-parse", "--verify", "--quiet", PARENT) is None:
        return Decision(ExitCode.OK, (f"no baseline: there is no {PARENT}",))
    if not _changed(*CODE):
        return Decision(ExitCode.OK, ("nothing that the gate could see has changed since the parent: nothing to gate",))
    configuration, machine = read_configuration(ROOT / CONFIGURATION), read_machine()
    with tempfile.TemporaryDirectory() as cache:
        try:
            repository = open_repository(ROOT)
            commit = repository.commit(PARENT)
            how = recipe(configuration, wheel, look_at(Path(python)).packages)
            built = open_environments(repository, Path(cache)).get(commit, how)
        except UnavailableError as reason:
            return Decision(ExitCode.OK, (f"no baseline: {reason}",))
        base = Side("base", str(built.python), built.folder, commit)
        head = Side("head", python, ROOT)

        def run(benchmarks: Sequence[Benchmark], seed: int) -> Sequence[Outcome]:
            return run_gate(benchmarks, base, head, machine, Effort(BUDGET, seed))

        return decide(configuration, run, date.today())


def _line(outcome: Outcome) -> str:
    return f"{outcome.verdict}: {outcome.sentence}{f' ({outcome.waiver})' if outcome.waiver else ''}"


def _changed(*paths: str) -> bool:
    """Whether this commit and its parent differ there."""
    return _git("diff", "--name-only", PARENT, "HEAD", "--", *paths) != ""


def _git(*arguments: str) -> str | None:
    """What git prints, None where it refuses."""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def main() -> None:
    """Gates, says what was found, and exits."""
    began = time.monotonic()
    python, wheel = sys.argv[1:]
    decision = gate(python, Path(wheel))
    click.echo("\n".join(decision.lines))
    click.echo(f"{time.monotonic() - began:.0f} s")
    sys.exit(decision.code)


if __name__ == "__main__":
    main()
