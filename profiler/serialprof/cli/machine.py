# SPDX-License-Identifier: Apache-2.0
"""`serialprof machine`: what this computer is, and what it can do at best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from serialprof.files import check_creatable, write_new
from serialprof.units import format_bytes, format_si

if TYPE_CHECKING:
    from serialprof.limits import Limits
    from serialprof.machine import Machine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
def command(as_json: bool, output: Path | None) -> None:
    """Show what this machine is and measure its limits, in their quick form."""
    import msgspec

    from serialprof.measure.introspection import probe_limits
    from serialprof.planning import Request, thread_counts
    from serialprof.preparation import look_at_machine

    if output is not None:
        check_creatable(output)
    machine = look_at_machine()
    limits = probe_limits(machine.cpus, thread_counts(Request(), machine), quick=True)
    if as_json:
        document = msgspec.json.format(msgspec.json.encode({"machine": machine, "limits": limits}), indent=2)
        text = document.decode()
    else:
        text = "\n".join([*_machine_lines(machine), "", *_limit_lines(limits)])
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
    return [f"{name:<10} {value}" for name, value in facts.items()]


def _limit_lines(limits: Limits) -> list[str]:
    lines = ["limits, measured now:"]
    if limits.clock is not None:
        lines.append(f"  core clock by the meter   {format_si(limits.clock, 'Hz')}")
    lines += [f"  dependent {name:<14}  {format_si(seconds, 's')}" for name, seconds in limits.chains.items()]
    lines += [
        f"  dependent load {format_bytes(rung.footprint):>9}  {format_si(rung.seconds, 's')}" for rung in limits.chase
    ]
    lines += [
        f"  read {format_bytes(rung.footprint):>9}, {rung.threads} threads   {format_si(rung.bandwidth, 'B/s')}"
        for rung in limits.stream
    ]
    if limits.fma is not None:
        lines.append(f"  fp32 FMA peak, 1 thread   {format_si(limits.fma, 'FLOP/s')}")
    lines += [
        f"  barrier, {count} threads        {format_si(seconds, 's')}" for count, seconds in limits.barrier.items()
    ]
    return lines
