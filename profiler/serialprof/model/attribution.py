# SPDX-License-Identifier: Apache-2.0
"""Where the time of a step goes, cause by cause, at every fitted operating point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from serialprof.estimate import Estimate
from serialprof.model.family import LATENCY, OPERATIONS, Cell
from serialprof.model.fit import MEASURED_APART, Fitted
from serialprof.model.results import (
    COMPUTE,
    LAUNCH,
    MEMORY,
    SERIAL,
    SYNCHRONISATION,
    UNATTRIBUTED,
    Attribution,
    Part,
    PointSummary,
)
from serialprof.model.statistics import LEVEL

_DISPATCH = "launch or dispatch is not measured apart, so it is in here"


def attribute(fitted: Fitted, summaries: Sequence[PointSummary], mode: str) -> tuple[Attribution, ...]:
    """Attributions of the fitted points, ascending in threads, then width.

    Args:
        fitted: the family's fit.
        summaries: what was measured at the family's points.
        mode: how steps were executed; only "native" is known to launch nothing.
    """
    steps = {summary.point.id: summary.step for summary in summaries}
    parts = {cause: tuple(map(Part, [cause] * len(fitted.curves.cells), fitted.seconds(cause), fitted.shares(cause)))
             for cause in (SERIAL, SYNCHRONISATION, COMPUTE, MEMORY)}  # fmt: skip
    serial_hidden, width_hidden = fitted.hidden(LATENCY), fitted.hidden(OPERATIONS)
    leftovers = fitted.unattributed()
    attributions = []
    for index, (cell, point) in enumerate(zip(fitted.curves.cells, fitted.curves.points, strict=True)):
        serial = parts[SERIAL][index]
        if mode != "native":
            serial = _because(serial, _DISPATCH)
        if serial_hidden[index]:
            serial = _because(serial, "hidden behind the width work")
        compute, memory = parts[COMPUTE][index], _memory(fitted, cell, parts[MEMORY][index])
        if width_hidden[index]:
            compute, memory = (_because(part, "hidden behind the serial chain") for part in (compute, memory))
        if missing := fitted.memory.unknown(cell):
            compute = _because(compute, missing)
        rest = leftovers[index]
        attributions.append(
            Attribution(
                int(cell.width),
                cell.threads,
                steps[point.id],
                (
                    serial,
                    _launch(mode),
                    _synchronisation(fitted, cell, parts[SYNCHRONISATION][index]),
                    compute,
                    memory,
                    Part(UNATTRIBUTED, rest.scaled(float(fitted.curves.mean[index]), "s"), rest),
                ),
            )
        )
    return tuple(sorted(attributions, key=lambda item: (item.threads, item.width)))


def _launch(mode: str) -> Part:
    if mode == "native":
        return _nothing(LAUNCH, "native kernels have no launch")
    return _unknown(LAUNCH, f"launch or dispatch of {mode} steps was not measured apart")


def _synchronisation(fitted: Fitted, cell: Cell, part: Part) -> Part:
    if cell.threads == 1:
        return _nothing(SYNCHRONISATION, "one thread passes no barrier")
    if fitted.winner.model.barriers is None:
        return part
    return Part(
        part.cause,
        Estimate(part.seconds.value, unit="s", reason=MEASURED_APART),
        Estimate(part.share.value, reason=MEASURED_APART),
    )


def _memory(fitted: Fitted, cell: Cell, part: Part) -> Part:
    if missing := fitted.memory.unknown(cell):
        return _unknown(MEMORY, missing)
    return _nothing(MEMORY, "the footprint fits L2") if fitted.memory.fits(cell) else part


def _nothing(cause: str, reason: str) -> Part:
    """A part that is zero by definition, not by measurement."""
    return Part(cause, Estimate(0.0, 0.0, 0.0, "s", LEVEL, reason), Estimate(0.0, 0.0, 0.0, "1", LEVEL, reason))


def _unknown(cause: str, reason: str) -> Part:
    return Part(cause, Estimate.unknown(reason, "s"), Estimate.unknown(reason))


def _because(part: Part, reason: str) -> Part:
    """The part with one more reason."""
    seconds, share = (
        replace(estimate, reason="; ".join(filter(None, (estimate.reason, reason))))
        for estimate in (part.seconds, part.share)
    )
    return Part(part.cause, seconds, share)
