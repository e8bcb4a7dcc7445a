# SPDX-License-Identifier: Apache-2.0
"""The tutorial, from its first file to its last command, as a newcomer goes through it."""

import re
import shlex
from pathlib import Path

from tests.cli.calling import processed
from tests.consoles import ROOT, fences

PAGE = ROOT / "docs/tutorial.md"
#: Comes last and wins: what the tutorial says takes a minute.
SHORT = {"run": ("--budget", "4s"), "workload": ("--seconds", "3s")}


def test_every_command_does_what_the_next_one_needs(tmp_path: Path) -> None:
    (source,) = fences(PAGE, "python")
    assert source == (ROOT / "docs/examples/oscillators.py").read_text()
    (tmp_path / "oscillators.py").write_text(source)
    lines = [line for block in fences(PAGE, "") for line in block.splitlines() if line.startswith("serialprof ")]
    said = {}
    for line in lines:
        _, *arguments = shlex.split(line)
        arguments += SHORT.get(arguments[0], ())
        done = processed(*arguments, cwd=tmp_path)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        said[line] = done.stdout
    check, run, *_ = said.values()
    found = re.findall(r"^(error|warning|note) +(.*)$", check, re.MULTILINE)
    assert ("note", "undeclared") in found
    assert {severity for severity, _ in found} == {"note"}
    assert "\noscillators\n" in run
    assert {path.name for path in tmp_path.glob("oscillators.*")} == {
        f"oscillators.{end}" for end in ("py", "html", "serialprof")
    }
