# SPDX-License-Identifier: Apache-2.0
"""What is shown while a run goes on, on standard error: a bar with ETA on a terminal, else a line per stage."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import click

from serialprof.setting import CPU, DTYPES
from serialprof.units import format_count, format_seconds

if TYPE_CHECKING:
    from serialprof.measure.roles import Progress
    from serialprof.preparation import Prepared
    from serialprof.setting import Setting


_FRESH: Final = "fresh workers in every block, unless they start too slowly for that"


class Display:
    """Shows stages and progress until the block that it manages ends. Redraws only when told, between visits."""

    def __init__(self) -> None:
        self._stage = ""
        self._live = sys.stderr.isatty() and not os.environ.get("CI")

    def __enter__(self) -> Self:
        if self._live:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[left]}"),
                console=Console(stderr=True),
                auto_refresh=False,  # a refreshing thread would run beside the measurement
                transient=True,
            )
            self._task = self._bar.add_task("", total=None, left="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._bar.stop()

    def stage(self, text: str) -> None:
        """Says in a few words what begins."""
        if self._live:
            self._bar.update(self._task, description=text, refresh=True)
        else:
            click.echo(f"{text} ...", err=True)

    def warn(self, text: str) -> None:
        """Says something about clocks that stays on the screen."""
        if self._live:
            self._bar.console.print(f"clocks: {text}", markup=False, highlight=False, soft_wrap=True)
        else:
            tell_clocks(text)

    def report(self, progress: Progress) -> None:
        """Says what is measured next and how much is left."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            if not self._live:
                amount = (
                    f"{progress.total:.0f} points" if progress.remaining is None else format_seconds(progress.total)
                )
                click.echo(f"{progress.stage} {amount} ...", err=True)
        if self._live:
            setting = progress.point.setting
            how = f"{setting.mode} {setting.dtype}" if setting.on_cuda else f"p={setting.threads} {setting.form}"
            what = f"{progress.point.workload} W={format_count(setting.width)} {how}"
            left = f"{progress.done:.0f}/{progress.total:.0f}"
            if progress.remaining is not None:
                left = f"at most {max(0.0, progress.remaining):.0f} s left"
            self._bar.update(
                self._task,
                description=f"{progress.stage} {what[-40:]:<40}",
                completed=progress.done,
                total=progress.total,
                left=left,
                refresh=True,
            )


def tell_clocks(text: str) -> None:
    """Says something about the clocks of a run on standard error."""
    click.echo(f"clocks: {text}", err=True)


def plan_json(prepared: Prepared) -> str:
    """What a run would do, as JSON: the plan with every point, and what is skipped."""
    import msgspec

    document = {"plan": prepared.plan, "skipped": prepared.skipped}
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode()


def plan_text(prepared: Prepared) -> str:
    """What a run would do, for --dry-run."""
    plan, machine = prepared.plan, prepared.machine
    cpus = ", ".join(map(str, machine.cpus))
    lines = [
        f"points:     {len(plan.points)}, in {plan.blocks} randomized blocks at most, seed {plan.seed}",
        f"processes:  {_FRESH if plan.blocks_per_process == 1 else 'the same workers in all'}",
        f"sampling:   at most {format_seconds(plan.budget)}, less where {plan.precision:.1%} precision comes earlier;",
        "            limits, building and calibration come on top",
        f"cores:      {machine.usable} usable; threads are placed on CPUs {cpus} in this order",
        *_clock_lines(prepared),
        "",
    ]
    for description in plan.descriptions:
        settings = [point.setting for point in plan.points if point.workload == description.reference]
        widths = ", ".join(format_count(width) for width in sorted({setting.width for setting in settings}))
        threads = ", ".join(str(count) for count in sorted({setting.threads for setting in settings}))
        forms = " and ".join(Counter(setting.form for setting in settings))
        lines.append(
            f"{description.name}: {description.width_name} {widths}; threads {threads}; {forms}; "
            f"{max(setting.depth for setting in settings)} {description.depth_name} a run"
        )
        lines += _device_lines(settings, description.modes[:1], ends=description.reference in plan.open_ended)
    return "\n".join(lines)


def _device_lines(settings: Sequence[Setting], default: Sequence[str], *, ends: bool) -> Iterator[str]:
    """On what and how a workload's steps are executed, where that is not its default; and where its sweep ends."""
    devices, modes, dtypes = (
        list(dict.fromkeys(getattr(setting, name) for setting in settings)) for name in ("device", "mode", "dtype")
    )
    if devices != [CPU] or modes != list(default) or dtypes != [DTYPES[0]]:
        yield f"  on {', '.join(devices)}; modes {', '.join(modes)}; {', '.join(dtypes)}"
    if ends:
        yield "  it ends before the widest where memory does, or one octave past the knee"


def _clock_lines(prepared: Prepared) -> Iterator[str]:
    """Which clocks would be set, one at a time, and locked."""
    if prepared.gpus is not None:
        from serialprof.clock.policies import format_hertz

        names = ", ".join(f"gpu{index}" for index in prepared.gpus.gpus)
        yield f"GPU clock:  {format_hertz(prepared.gpus.hertz)}, {names}; free again when the run ends"
    if prepared.clocks is None:
        return
    from serialprof.clocksetup import clock_words

    names = ", ".join(policy.name for policy in prepared.clocks.policies)
    yield f"clocks:     {', '.join(map(clock_words, prepared.plan.clocks))}, each of {names};"
    yield "            set before a point is measured, and given back when the run ends"
