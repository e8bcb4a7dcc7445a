# SPDX-License-Identifier: Apache-2.0
"""`serialprof machine`: what this computer is, and what it can do at best."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from serialprof.files import check_creatable, write_new
from serialprof.units import format_bytes, format_json, format_seconds

if TYPE_CHECKING:
    from serialprof.machine import Machine

_WIDTH: Final = 80
_NAME: Final = 11  # columns of a fact's name


@click.command()
@click.option("--quick", is_flag=True, help="Measure for ten seconds at most, with fewer footprints and grains.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
def command(quick: bool, as_json: bool, output: Path | None) -> None:
    """Show what this machine is and measure its limits, in two minutes at most.

    The limits are kept, for the next runs on this machine to take.
    """
    from serialprof.cli.limits import limit_lines
    from serialprof.cli.progress import Display
    from serialprof.limitcache import remember
    from serialprof.measure.introspection import probe_limits
    from serialprof.planning import Request
    from serialprof.preparation import look_at_machine
    from serialprof.sweep import thread_counts

    if output is not None:
        check_creatable(output)
    started = time.monotonic()
    with Display() as display:
        machine = look_at_machine()
        threads = thread_counts(Request(quick=quick), machine)
        limits = probe_limits(machine.cpus, threads, quick, tell=display.stage)
    unkept = remember(machine, threads, limits)
    if as_json:
        text = format_json({"machine": machine, "limits": limits})
    else:
        form = "quick" if quick else "full"
        head = f"limits, measured now in {format_seconds(time.monotonic() - started)} ({form} form), "
        head += f"not kept: {unkept}" if unkept else "kept for the next runs"
        text = "\n".join([*_machine_lines(machine), "", *textwrap.wrap(head, _WIDTH), "", *limit_lines(limits, _WIDTH)])
    if output is None:
        click.echo(text)
    else:
        write_new(output, text + "\n")


def _machine_lines(machine: Machine) -> list[str]:
    caches = ", ".join(f"L{cache.level} {cache.kind.lower()} {format_bytes(cache.bytes)}" for cache in machine.caches)
    if machine.clock_driver:
        rights = "may be set" if machine.clock_writable else "may not be set by this user"
        clock = f"{machine.clock_driver}, governor {machine.clock_governor}, {rights}"
    else:
        clock = "no clock control (no cpufreq)"
    torch = machine.packages.get("torch", "absent: torch workloads are skipped; pip install serialprof[torch]")
    gpus = ", ".join(f"{gpu.name} ({format_bytes(gpu.memory)})" for gpu in machine.gpus) or "none"
    facts = {
        "host": machine.host,
        "processor": f"{machine.processor} ({machine.architecture}, {machine.instruction_set})",
        "system": f"{machine.system} {machine.kernel}" + (f", {machine.hypervisor}" if machine.hypervisor else ""),
        "cores": f"{machine.usable} usable, CPUs {', '.join(map(str, machine.cpus))} in placement order"
        + "".join(f", {first} and {second} share a core" for first, second in machine.hidden_siblings)
        + ("" if machine.quota is None else f", cgroup quota {machine.quota:g}"),
        "caches": caches or "unknown",
        "memory": format_bytes(machine.memory),
        "clock": clock,
        "GPU": gpus,
        "Python": machine.python,
        "torch": torch,
    }
    lines = []
    for name, value in facts.items():
        lines += textwrap.wrap(f"{name:<{_NAME}}{value}", _WIDTH, subsequent_indent=" " * _NAME, break_on_hyphens=False)
    return lines
