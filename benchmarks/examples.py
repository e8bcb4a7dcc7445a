# SPDX-License-Identifier: Apache-2.0
"""Runs the examples of docs/examples as their own files say, and writes docs/examples/README.md from what they said.

    python -m benchmarks.examples                          all whose packages are there, about ten minutes
    python -m benchmarks.examples numba_life --budget 90s  one of them again; of the others the last result is kept
    python -m benchmarks.examples --page                   the page alone, from the last results

Each is a process of its own, `serialprof run`, with the command that its file shows first and a budget. An example
whose packages are not installed is not run, and a run of which more was disturbed than not is not kept; where there is
an older result, that stays.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import importlib.util
import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.recording import RESULTS, machine_name, record
from serialprof.model.refusals import TOO_DISTURBED, disturbed_share
from serialprof.model.results import FamilyAnalysis
from serialprof.preparation import look_at_machine
from serialprof.view import Run, load

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs/examples"
PAGE: Final = FOLDER / "README.md"
NAME: Final = "examples"
MAIN: Final = "from serialprof.cli import main; main()"
SECONDS: Final = 900  # that one example may take, its start-ups included
#: What they import that comes with serialprof.
INCLUDED: Final = frozenset({"serialprof", "numpy", "scipy"})
INTRODUCTION: Final = """\
# Examples

Code that was not written for serialprof. Each file is short enough to copy, and shows how to ask about a loop of your
own. Under each stands what serialprof said of it on a virtual machine with 2 CPUs (AMD EPYC, no clock control, no GPU).
`python -m benchmarks.examples` runs them and writes this page; no figure on it was typed by hand.

`pip install 'serialprof[torch,examples]'` brings what they need, except for vLLM: it is large, and asks for versions of
its own, so give it an environment of its own.\
"""


@dataclass(frozen=True)
class Example:
    """One file of docs/examples, by what stands in it.

    Attributes:
        path: the file.
    """

    path: Path

    @cached_property
    def words(self) -> str:
        """The docstring of the module, or the first comment of a C program."""
        text = self.path.read_text()
        if self.path.suffix == ".py":
            return ast.get_docstring(ast.parse(text), clean=False) or ""
        comment = text[text.index("/*") + 2 : text.index("*/")]
        lines = [line.strip().removeprefix("*").removeprefix(" ") for line in comment.splitlines()]
        return "\n".join(lines[1:]).strip()  # the first line is the licence

    @property
    def summary(self) -> str:
        """What it shows: the first paragraph, as one line."""
        return " ".join(self.words.partition("\n\n")[0].split())

    @property
    def commands(self) -> list[str]:
        """The command lines that the file shows, each on one line."""
        shown = re.sub(r"\\\n\s*", "", self.words)
        return [line.strip() for line in shown.splitlines() if line.startswith("    ")]

    @property
    def preparation(self) -> list[str]:
        """What is to be done before it is profiled: the commands that are not serialprof's."""
        return [command for command in self.commands if not command.startswith("serialprof ")]

    @property
    def runs(self) -> list[str]:
        """Those that profile it."""
        return [command for command in self.commands if command.startswith("serialprof run ")]

    @property
    def command(self) -> str:
        """The first of these."""
        return self.runs[0]

    @property
    def needs(self) -> list[str]:
        """The packages that it imports besides Python's own, serialprof, and what comes with it."""
        if self.path.suffix != ".py":
            return []
        found = set()
        for node in ast.walk(ast.parse(self.path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
        return sorted(found - set(sys.stdlib_module_names) - INCLUDED)

    @property
    def missing(self) -> list[str]:
        """What of that is not installed here."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def examples() -> dict[str, Example]:
    """All examples, by name: the files that say how they are profiled."""
    paths = sorted(path for suffix in ("py", "c") for path in FOLDER.glob(f"*.{suffix}"))
    found = {path.stem: Example(path) for path in paths}
    return {name: example for name, example in found.items() if example.runs}


@dataclass(frozen=True)
class Result:
    """What a run of an example said.

    Attributes:
        command: the command line.
        date: of the run.
        packages: the versions of what it needs, by distribution.
        answered: whether it ends in a verdict (see `answered`).
        disturbed: share of its samples that were disturbed and left out.
        report: the part of its report that the terminal shows of the workload.
    """

    command: str
    date: str
    packages: dict[str, str]
    answered: bool
    disturbed: float
    report: str


def measured(example: Example, budget: str) -> Result:
    """Runs an example, in the root folder of the sources.

    Raises:
        subprocess.CalledProcessError: a command of it failed and left no run.
    """
    command = example.command.replace("serialprof run ", f"serialprof run --budget {budget} ", 1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "example.serialprof"
        for line in example.preparation:
            subprocess.run(in_folder(line, folder), cwd=ROOT, check=True)
        _, run, *arguments = in_folder(command, folder)
        words = [sys.executable, "-c", MAIN, run, "--no-html", "-o", str(file), *arguments]
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=SECONDS, check=False)
        if not file.exists():
            raise subprocess.CalledProcessError(done.returncode, words)
        return _result(example, command, load(file))


def in_folder(command: str, folder: str) -> list[str]:
    """The words of a shown command, with a program that it makes, or starts as ./NAME, in a folder of its own."""
    words = shlex.split(command)
    made = {after for word, after in pairwise(words) if word == "-o"} | {word for word in words if word[:2] == "./"}
    return [f"{folder}/{word.removeprefix('./')}" if word in made else word for word in words]


def _result(example: Example, command: str, run: Run) -> Result:
    (family,) = run.analysis.families
    return Result(
        command=command,
        date=time.strftime("%Y-%m-%d", time.gmtime(run.stored.started)),
        packages={name: importlib.metadata.version(name) for name in distributions(example.needs)},
        answered=answered(family),
        disturbed=disturbed_share(family.points),
        report=reported(run.render("terminal")),
    )


def answered(family: FamilyAnalysis) -> bool:
    """Whether something is told to win, surely to lose, or to be the best move; else the run refuses."""
    told = any(item.winner != "unknown" or item.futile for item in family.tradeoffs)
    return told or (family.device is not None and family.device.best is not None)


def distributions(modules: Sequence[str]) -> list[str]:
    """What is installed for some modules, by the names that pip knows."""
    known = importlib.metadata.packages_distributions()
    return sorted({name for module in modules for name in known.get(module, [])})


def reported(text: str) -> str:
    """What the terminal shows of the one workload: neither the machine before it, nor the remarks on the run after."""
    _, _, after = text.partition("\n\n")
    return re.split(r"\n\n(?=winner:|no gain:|in the page|\d+ samples)", after)[0].rstrip()


def last_results(name: str) -> dict[str, Result]:
    """The results that were recorded last on a machine of this name, none where there are none."""
    path = RESULTS / f"{NAME}-{name}.json"
    if not path.exists():
        return {}
    return msgspec.convert(json.loads(path.read_text())["result"]["examples"], dict[str, Result])


def page(found: Mapping[str, Example], results: Mapping[str, Result]) -> str:
    """docs/examples/README.md: every example with what it said."""
    rows = [
        f"| [{name}](#{name.replace('_', '-')}) | {example.summary} | {_needed(example)} |"
        for name, example in found.items()
    ]
    parts = [INTRODUCTION, "\n".join(["| example | what it is | needs |", "|---|---|---|", *rows])]
    for name, example in found.items():
        parts += _section(example, results.get(name))
    return "\n\n".join(parts) + "\n"


def _section(example: Example, result: Result | None) -> list[str]:
    """One example: its command, and what it said."""
    title = [f"## {example.path.stem.replace('_', '-')}", f"[{example.path.name}]({example.path.name})"]
    if result is None:
        return [
            *title,
            f"No undisturbed run is recorded yet. It needs {_needed(example)}.",
            _block([*example.preparation, example.command]),
        ]
    versions = ", ".join(f"{package} {version}" for package, version in result.packages.items())
    told = f"Run on {result.date}{', with ' * bool(versions)}{versions}."
    return [*title, told, _block([*example.preparation, result.command, "", result.report])]


def _needed(example: Example) -> str:
    return ", ".join(example.needs) or ("a C compiler" if example.path.suffix == ".c" else "nothing more")


def _block(lines: list[str]) -> str:
    return "\n".join(["```", *lines, "```"])


def main() -> None:
    """Reads the command line, runs, records, and writes the page."""
    found = examples()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(found)}")
    parser.add_argument("--budget", default="45s", help="sampling time of one example (%(default)s)")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(found):
        parser.error(f"there is no example {', '.join(sorted(unknown))}")
    machine = look_at_machine()
    results = last_results(machine_name(machine))
    for name in [] if chosen.page else chosen.names or found:
        if found[name].missing:
            print(f"{name}: not run, since {', '.join(found[name].missing)} is not installed")
            continue
        result = measured(found[name], chosen.budget)
        print(f"{name}\n{result.report}\n", flush=True)
        if result.disturbed > TOO_DISTURBED:
            print(f"{name}: not kept, since more samples were disturbed than not: the machine was busy", flush=True)
            continue
        results[name] = result
        record(NAME, machine, {"examples": results})
    answered = sum(result.answered for result in results.values())
    print(f"{answered} of {len(results)} end in a verdict")
    PAGE.write_text(page(found, results))


if __name__ == "__main__":
    main()
