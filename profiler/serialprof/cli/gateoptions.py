# SPDX-License-Identifier: Apache-2.0
"""What `gate` and `gate save` are both told: the knobs of workloads that are named, and how long a hang lasts."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final, TypeVar

import click

from serialprof.cli.options import DURATION, PARAMETER
from serialprof.errors import UsageError
from serialprof.gating.contestants import check_timeout
from serialprof.gating.records import METRIC_NAMES, Knobs, Metric
from serialprof.setting import CPU

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--width", type=click.IntRange(1), metavar="N", help="Width of the named workloads."),
    click.option("--depth", type=click.IntRange(1, 2**31), metavar="N", help="Steps in one of their runs."),
    click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads that share a step."),
    click.option("--device", default=CPU, show_default=True, metavar="NAME", help="cpu, or cuda:N."),
    click.option("--mode", metavar="NAME", help="How steps are executed."),
    click.option("--dtype", metavar="NAME", help="Element type."),
    click.option("--param", "parameters", type=PARAMETER, multiple=True, metavar="K=V", help="A workload parameter."),
    click.option(
        "--metric",
        "metrics",
        type=click.Choice(list(METRIC_NAMES)),
        multiple=True,
        help="Beside the time of a step; may be repeated.",
    ),
)


def _checked(_context: click.Context, _option: click.Parameter, timeout: float) -> float:
    check_timeout(timeout, "--timeout")
    return timeout


timeout_option: Final = click.option(
    "--timeout",
    type=DURATION,
    default="60s",
    show_default=True,
    callback=_checked,
    metavar="TIME",
    help="Until a step is loaded and warm.",
)


def knob_options(command: _Command) -> _Command:
    """Adds the options of `knobs_of` to a command."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


def knobs_of(*, named: bool, **given: Any) -> Knobs:
    """The knobs that were given.

    Args:
        named: whether there are workloads that they are for.
        given: what the options of `knob_options` give.

    Raises:
        UsageError: there are none.
    """
    metrics: tuple[Metric, ...] = tuple(dict.fromkeys(("step", *given.pop("metrics"))))
    knobs = Knobs(**given | {"parameters": dict(given["parameters"]), "metrics": metrics})
    if knobs != Knobs() and not named:
        raise UsageError(
            "--width, --depth and other knobs go with workloads that are named here",
            "name one, or set them in the configuration",
        )
    return knobs
