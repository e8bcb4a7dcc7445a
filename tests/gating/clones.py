# SPDX-License-Identifier: Apache-2.0
"""Small real repositories, and an install command that needs neither network nor pip."""

import subprocess
from pathlib import Path

#: Copies the package, and leaves a line in the file that COUNT names.
INSTALL = 'cp -r mine "$VIRTUAL_ENV"/lib/python*/site-packages/ && echo built >> "$COUNT"'

BENCH = """
import mine

def step_of(setting):
    return mine.step
"""

_SETTINGS = {"user.name": "t", "user.email": "t@t", "commit.gpgsign": "false", "init.defaultBranch": "main"}


def git(folder: Path, *arguments: str) -> str:
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = ["git", *settings, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    """Writes files and commits them; the commit's name."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", *files)
    git(folder, "commit", "-m", "a change")
    return git(folder, "rev-parse", "HEAD")


def two_commits(folder: Path) -> tuple[str, str]:
    """A repository of a package `mine` whose VALUE is 1 and then 2."""
    folder.mkdir()
    git(folder, "init")
    package = "VALUE = {}\n\n\ndef step():\n    pass\n"
    first = commit(folder, {"mine/__init__.py": package.format(1), "bench.py": BENCH})
    return first, commit(folder, {"mine/__init__.py": package.format(2)})


def worktrees(folder: Path) -> list[str]:
    """What git knows as work trees of a repository."""
    return git(folder, "worktree", "list").splitlines()
