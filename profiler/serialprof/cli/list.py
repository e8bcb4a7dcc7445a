# SPDX-License-Identifier: Apache-2.0
"""`serialprof list`: the workloads that are installed."""

from __future__ import annotations

from contextlib import closing

import click


@click.command()
def command() -> None:
    """List the workloads: built-in ones and those of installed packages."""
    from serialprof.errors import WorkloadError
    from serialprof.loading import registered
    from serialprof.machine.topology import allowed_cpus
    from serialprof.measure.introspection import Introspector

    cpu = allowed_cpus()[0]
    names = sorted(registered())
    column = max(map(len, names), default=0)
    for name in names:
        with closing(Introspector(name, cpu)) as introspector:
            try:
                description, _ = introspector.describe()
            except WorkloadError as error:
                click.echo(f"{name:<{column}} does not load: {error}")
                continue
        click.echo(f"{name:<{column}} {description.summary}")
        knobs = ", ".join(f"{key}={value}" for key, value in description.parameters.items())
        click.echo(
            f"{'':<{column}} depth = {description.depth_name}, width = {description.width_name}, "
            f"forms {' and '.join(description.forms)}" + (f"; {knobs}" if knobs else "")
        )
        if description.on_torch:
            click.echo(
                f"{'':<{column}} modes {', '.join(description.modes)}; on {' and '.join(description.devices)}; "
                f"{', '.join(description.dtypes)}"
            )
        if description.missing:
            click.echo(f"{'':<{column}} skipped here: {description.missing}")
