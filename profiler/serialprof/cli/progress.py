# SPDX-License-Identifier: Apache-2.0
"""What the command line shows of a run before and while it goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final

from serialprof.progress import Bar, Lines, Quiet, on_terminal
from serialprof.setting import CPU, DTYPES
from serialprof.units import format_count, format_json, format_seconds

if TYPE_CHECKING:
    from serialprof.preparation import Prepared
    from serialprof.setting import Setting

_FRESH: Final = "fresh workers in every block, unless they start too slowly for that"


class Display:
    """Shows stages and progress of the block that it manages: a bar on a terminal, else a line per stage."""

    def __enter__(self) -> Quiet:
        self._shown = Bar() if on_terminal() else Lines()
        return self._shown.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.__exit__(kind, error, trace)


def plan_json(prepared: Prepared) -> str:
    """What a run would do, as JSON: the plan with every point, and what is skipped."""
    document = {"plan": prepared.plan, "skipped": prepared.skipped}
    return format_json(document, indent=1)


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
