# SPDX-License-Identifier: Apache-2.0
"""Sessions of a console in the documentation: commands after "$ ", and what they print; "..." stands for any lines.

`python -m tests.consoles docs/questions.md` says what commands print now where that is not what stands there.
"""

import difflib
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

from tests.cli.calling import processed

ROOT = Path(__file__).parents[1]


class Exchange(NamedTuple):
    """A command without its "$ ", and the lines under it."""

    command: str
    shown: str


def fences(page: Path, language: str) -> Iterator[str]:
    """The fenced blocks of a page in one language; "" for those that name none."""
    for token in MarkdownIt().parse(page.read_text()):
        if token.type == "fence" and token.info == language:
            yield token.content


def exchanges(page: Path) -> Iterator[Exchange]:
    """What is typed and printed in the console blocks of a page."""
    for block in fences(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield Exchange(command, shown.rstrip())


def printed(command: str) -> str:
    """What a serialprof command prints from the root of the repository, with trailing spaces taken off."""
    name, *arguments = shlex.split(command)
    assert name == "serialprof", f"{command}: only serialprof is run"
    done = processed(*arguments, cwd=ROOT)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).rstrip()


def agrees(shown: str, text: str) -> bool:
    """Whether a text is the one shown, line by line; a line "..." stands for any lines, or none."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^\.\.\.$", shown, flags=re.MULTILINE)]
    return (
        re.fullmatch(r"(?:.*\n)?".join(rf"{part}\n" if part else "" for part in parts), f"{text}\n", re.DOTALL)
        is not None
    )


def main() -> None:
    """Prints the difference of each exchange that is not up to date."""
    for name in sys.argv[1:]:
        for command, shown in exchanges(Path(name)):
            text = printed(command)
            if not agrees(shown, text):
                difference = difflib.ndiff(shown.splitlines(), text.splitlines())
                sys.stdout.write("\n".join([f"{name}: $ {command}", *difference, ""]))


if __name__ == "__main__":
    main()
