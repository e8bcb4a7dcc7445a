# SPDX-License-Identifier: Apache-2.0
"""Plans of the serial form alone: what a fit uses, in half of the time."""

from __future__ import annotations

from dataclasses import replace

from serialprof.planning import Plan


def serial_only(plan: Plan) -> Plan:
    """A plan without its wide forms; the points that stay keep their order, and are numbered anew from 0."""
    kept = [point for point in plan.points if point.setting.form == "serial"]
    return replace(plan, points=tuple(replace(point, id=number) for number, point in enumerate(kept)))
