# SPDX-License-Identifier: Apache-2.0
"""`serialprof clock restore`: gives back what a run left behind that was killed together with its guardian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from serialprof.errors import SerialprofError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from serialprof.clock.recovery import Recovery


@click.group()
def command() -> None:
    """Clocks that a run has set (docs/clocks.md)."""


@command.command()
def restore() -> None:
    """Give back the clocks of CPUs and GPUs that a killed run had set, from the journals that it kept.

    Ends with 0 where there is nothing to give back. While the run that wrote the journal lives, it is refused.
    """
    from serialprof.clock.gpurestoring import gpus_pending, recover_gpus
    from serialprof.clock.journal import ROOT_FOLDER, default_folder
    from serialprof.clock.recovery import pending, recover

    given = [_given_back(recover), _given_back(recover_gpus)]  # whatever one of them says, the other one is tried
    errors = [error for _, error in given if error is not None]
    for error in errors[1:]:
        click.echo(f"serialprof: {error}", err=True)
    if errors:
        raise errors[0]
    roots = pending(ROOT_FOLDER) or gpus_pending(ROOT_FOLDER) if default_folder() != ROOT_FOLDER else None
    if roots is not None:
        raise UsageError(f"root is setting clocks, or left them changed ({roots})", "sudo serialprof clock restore")
    if not any(found for found, _ in given):
        click.echo("There is nothing to give back: no run has left its clocks.")


def _given_back(recover: Callable[[], Recovery | None]) -> tuple[bool, SerialprofError | None]:
    """Whether there was something to give back, which is told, and what stood in the way."""
    try:
        recovery = recover()
    except SerialprofError as error:
        return True, error
    if recovery is None:
        return False, None
    click.echo(told(recovery))
    failed = " ".join(recovery.restoration.failed)
    if not failed:
        return True, None
    return True, SerialprofError(failed, "once that is mended, serialprof clock restore tries again")


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
