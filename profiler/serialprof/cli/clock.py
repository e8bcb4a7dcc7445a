# SPDX-License-Identifier: Apache-2.0
"""`serialprof clock restore`: gives back what a run left behind that was killed together with its guardian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from serialprof.errors import SerialprofError, UsageError

if TYPE_CHECKING:
    from serialprof.clock.recovery import Recovery


@click.group()
def command() -> None:
    """Clocks that a run has set (docs/clocks.md)."""


@command.command()
def restore() -> None:
    """Give back the clocks that a killed run had set, from the journal that it kept.

    Ends with 0 where there is nothing to give back. While the run that wrote the journal lives, it is refused.
    """
    from serialprof.clock.journal import ROOT_FOLDER, default_folder
    from serialprof.clock.recovery import pending, recover

    recovery = recover()
    if recovery is not None:
        click.echo(told(recovery))
        if recovery.restoration.failed:
            raise SerialprofError(
                " ".join(recovery.restoration.failed), "once that is mended, serialprof clock restore tries again"
            )
    roots = pending(ROOT_FOLDER) if default_folder() != ROOT_FOLDER else None
    if roots is not None:
        raise UsageError(f"root is setting clocks, or left them changed ({roots})", "sudo serialprof clock restore")
    if recovery is None:
        click.echo("There is nothing to give back: no run has left its clocks.")


def told(recovery: Recovery) -> str:
    """What was done with a journal, for people."""
    if recovery.restarted:
        return (
            f"The machine was restarted since process {recovery.pid} set its clocks, which undid them; "
            "the journal was removed."
        )
    changed = recovery.restoration.changed
    if not changed and not recovery.restoration.failed:
        return f"Process {recovery.pid} was killed before it changed anything; the journal was removed."
    lines = [f"Given back what process {recovery.pid} had changed:", *(f"  {name}" for name in changed)]
    return "\n".join(lines if changed else ["Nothing could be given back."])
