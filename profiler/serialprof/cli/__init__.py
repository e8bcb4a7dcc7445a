# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per command, each imported only when it is called."""

from __future__ import annotations

import errno
import sys
import traceback
from importlib import import_module
from typing import Final

import click

from serialprof.cli.delivery import drop_output
from serialprof.errors import ExitCode, SerialprofError

_COMMANDS: Final = {
    "run": "Profile workloads on this machine.",
    "list": "List the workloads.",
    "workload": "Write a workload of your own, and check what it would measure.",
    "machine": "Show what this machine is and what its limits are.",
    "doctor": "Say what on this machine spoils measurements, and what mends it.",
    "validate": "Plant known truths, and see whether the estimates contain them.",
    "report": "Show a stored run, or a recording of live loops.",
    "compare": "Show stored runs against one another.",
    "gate": "Compare base and head on this machine, and fail where the head is slower.",
    "whatif": "Say what a stored run's step times would be under other conditions.",
    "clock": "Give back clocks that a killed run had set.",
    "export": "Write a stored run as JSON, CSV, Parquet or a Chrome trace.",
}

#: Numbers of errors that say that there is no room left where output goes.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class _LazyGroup(click.Group):
    """Knows its commands by name, and imports a command's file only to run it."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{name}").command
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="serialprof")
def group() -> None:
    """Tells whether your time goes to serial depth or to parallel width.

    Runs serial cores, built-in or your own, over widths and threads, and says where clock speed beats more cores on
    this machine.
    """


def main() -> None:
    """Entry point of the console script; turns errors into one sentence and an exit code (docs/architecture.md)."""
    try:
        code = group(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"serialprof: {error.format_message()}", err=True)
        sys.exit(ExitCode.USAGE)
    except SerialprofError as error:
        click.echo(f"serialprof: {error}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("serialprof: interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except SystemExit as error:
        # click ends with 1 where the reader of a pipe has gone; 1 is a regression's, and this is none.
        sys.exit(ExitCode.OK if error.code == 1 else error.code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            click.echo(f"serialprof: {error.strerror}: make room, or write elsewhere", err=True)
            drop_output()
            sys.exit(ExitCode.USAGE)
        traceback.print_exc()
        click.echo("serialprof: this is a bug; please report it with the lines above", err=True)
        sys.exit(ExitCode.USAGE)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)
