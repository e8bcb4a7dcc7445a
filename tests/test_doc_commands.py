# SPDX-License-Identifier: Apache-2.0
"""Commands in the documentation print what is shown there, and those of which nothing is shown are understood."""

import re
import shlex
from pathlib import Path

import click
import pytest

from serialprof.cli import group
from tests.consoles import ROOT, Exchange, agrees, exchanges, fences, printed

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
EXCHANGES = [exchange for page in PAGES for exchange in exchanges(page)]
#: Of a shell, a console, and of the files that continuous integration reads.
LANGUAGES = ("", "sh", "console", "yaml")


def commands(page: Path) -> list[str]:
    """The serialprof commands in a page's blocks, each in one line."""
    blocks = "\n".join(block for language in LANGUAGES for block in fences(page, language))
    lines = re.sub(r"\\\n\s*", "", blocks).splitlines()
    found = [re.fullmatch(r"(?:\$ | *- (?:run: )?)?serialprof ((?:[a-z]|--).*)", line) for line in lines]
    return [match[1] for match in found if match]


COMMANDS = sorted({command for page in PAGES for command in commands(page)})


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.command)
def test_a_console_shows_what_is_printed(exchange: Exchange) -> None:
    assert agrees(exchange.shown, printed(exchange.command)), "python -m tests.consoles PAGE shows the difference"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str) -> None:
    """Its options are there and take what they are given; nothing is run."""
    found: click.Command = group
    arguments = shlex.split(command, comments=True)
    while isinstance(found, click.Group) and arguments and found.get_command(click.Context(found), arguments[0]):
        found = found.get_command(click.Context(found), arguments.pop(0)) or found
    found.make_context(command, arguments)


def test_there_is_something_to_look_at() -> None:
    assert len(EXCHANGES) >= 5
    assert len(COMMANDS) >= 25


@pytest.mark.parametrize(
    ("shown", "text", "same"),
    [
        ("a\nb", "a\nb", True),
        ("a\nb", "a\nb\nc", False),
        ("a\n...\nc", "a\nb\nbb\nc", True),
        ("a\n...\nc", "a\nc", True),
        ("...\nb\n...", "a\nb\nc", True),
        ("...\nb\n...", "a\nbb\nc", False),
        ("a\n...", "a", True),
        ("a.\n...", "ab\nc", False),
    ],
)
def test_dots_stand_for_lines(shown: str, text: str, same: bool) -> None:
    assert agrees(shown, text) is same
