# SPDX-License-Identifier: Apache-2.0
"""Where the time of a step goes, cause by cause, at every fitted operating point."""

from __future__ import annotations

from dataclasses import replace

from serialprof.estimate import Estimate
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.family import LATENCY, LOADS, OPERATIONS, SERIAL_LOADS, STREAM, TRAFFIC
from serialprof.model.fitting.fitrecord import MEASURED_APART, measured_apart
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.forecast.conditions import DISPATCH, LADDERS
from serialprof.model.results import (
    BEYOND_L2,
    COMPUTE,
    LAUNCH,
    MEMORY,
    NOT_SCALING,
    SCALING,
    SERIAL,
    SYNCHRONISATION,
    UNATTRIBUTED,
    Attribution,
    Part,
)
from serialprof.model.statistics import LEVEL

_SPLIT_REMEDY = "runs at two clocks, or declared serial_loads"
_DISPATCH = "launch or dispatch is not measured apart, so it is in here"


def attribute(fitted: Fitted, mode: str) -> tuple[Attribution, ...]:
    """Attributions of the fitted points at the highest clock, ascending in threads, then width.

    Args:
        fitted: the family's fit.
        mode: how steps were executed; only "native" is known to launch nothing.
    """
    parts = {cause: tuple(map(Part, [cause] * len(fitted.curves.cells), fitted.seconds(cause), fitted.shares(cause)))
             for cause in (SERIAL, SYNCHRONISATION, COMPUTE, MEMORY)}  # fmt: skip
    serial_hidden, width_hidden = fitted.hidden(LATENCY), fitted.hidden(OPERATIONS)
    leftovers = fitted.unattributed()
    if fitted.clocked:
        chains, loads = (fitted.shares_by_clock(LATENCY, SERIAL_LOADS, scales=side) for side in (True, False))
    else:
        chains, loads = fitted.shares_of(LATENCY), fitted.shares_of(SERIAL_LOADS)
    beyond = fitted.shares_of(TRAFFIC, LOADS)
    attributions = []
    for index, cell in enumerate(fitted.curves.cells):
        if cell.lowered:
            continue
        serial, launch = _launch(parts[SERIAL][index], mode)
        if serial_hidden[index]:
            serial = serial.because("hidden behind the width work")
        compute, memory = parts[COMPUTE][index], _memory(fitted, cell, parts[MEMORY][index])
        if width_hidden[index]:
            compute, memory = (part.because("hidden behind the serial chain") for part in (compute, memory))
        if missing := fitted.memory.unknown(cell):
            compute = compute.because(missing)
        chain, opaque = chains[index], "" if mode == "native" else _DISPATCH
        rest = leftovers[index]
        step = float(fitted.steps[index])
        attributions.append(
            Attribution(
                int(cell.width),
                cell.threads,
                fitted.curves.step(index),
                (
                    serial,
                    launch,
                    _synchronisation(fitted, cell, parts[SYNCHRONISATION][index]),
                    compute,
                    memory,
                    Part(UNATTRIBUTED, rest.scaled(step, "s"), rest),
                ),
                tuple(
                    Part(cause, share.scaled(step, "s"), share)
                    for cause, share in zip(
                        (SCALING, NOT_SCALING, BEYOND_L2),
                        (*_split(fitted, cell, chain, loads[index], opaque), beyond[index]),
                        strict=True,
                    )
                ),
            )
        )
    return tuple(sorted(attributions, key=lambda item: (item.threads, item.width)))


def _launch(serial: Part, mode: str) -> tuple[Part, Part]:
    """The serial part as fitted, and the launch, which is in it where there is one."""
    if mode == "native":
        return serial, Part.nothing(LAUNCH, "native kernels have no launch")
    reason = f"launch or dispatch of {mode} steps was not measured apart"
    return serial.because(_DISPATCH), Part.unknown(LAUNCH, reason, DISPATCH)


def _synchronisation(fitted: Fitted, cell: Cell, part: Part) -> Part:
    if cell.threads == 1:
        return Part.nothing(SYNCHRONISATION, "one thread passes no barrier")
    return part.because(MEASURED_APART) if measured_apart(fitted) else part


def _split(fitted: Fitted, cell: Cell, chain: Estimate, loads: Estimate, opaque: str) -> tuple[Estimate, Estimate]:
    """Shares of the step that are serial and scale with the clock, and that are serial and do not.

    Where clocks were measured the fit has told; else by what is known of the machine, unless the steps are `opaque`:
    the reason why what is known of it does not tell.
    """
    nothing = Estimate(0.0, 0.0, 0.0, level=LEVEL)
    if fitted.clocked:
        return chain, loads
    if opaque:
        return _any_part(chain, opaque), _any_part(chain, opaque)
    if fitted.memory.fits(cell):
        return chain, replace(nothing, reason="the footprint fits L2")
    if cell.work is not None and cell.work.serial_loads > 0 and not fitted.memory.unknown(cell):
        return chain, loads
    waits = "the footprint lies beyond L2, or is not declared, so the chain may wait for memory"
    return _any_part(chain, waits), _any_part(chain, waits)


def _any_part(share: Estimate, reason: str) -> Estimate:
    """Anything from nothing to the whole of a share."""
    if share.high is None:
        return replace(share, value=None, low=None, reason=reason, remedy=_SPLIT_REMEDY)
    return Estimate.bracket(0.0, share.high, reason, remedy=_SPLIT_REMEDY)


def _memory(fitted: Fitted, cell: Cell, part: Part) -> Part:
    if missing := fitted.memory.unknown(cell):
        return Part.unknown(MEMORY, missing, LADDERS)
    if fitted.memory.fits(cell) and not fitted.winner.model.of(STREAM).any():
        return Part.nothing(MEMORY, "the footprint fits L2")
    return part
