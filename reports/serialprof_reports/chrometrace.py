# SPDX-License-Identifier: Apache-2.0
"""Single steps as a Chrome trace, for Perfetto and chrome://tracing."""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise
from sys import byteorder
from typing import TYPE_CHECKING, Any, Final

from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.planning import Point
    from serialprof.records import StepTicks
    from serialprof.store import StoredRun, Visit
    from serialprof.view import Run

#: Steps that a trace holds at most, about 20 MB of it: every visit keeps its first ones.
MOST_STEPS: Final = 200_000
_MICRO: Final = 1e6
_LAID: Final = (
    "the steps of a visit are laid end to end from its start: their lengths were recorded, and not the resets and "
    "warm-up between them"
)


def chrome_trace(run: Run) -> str:
    """The recorded steps in the JSON object form of Chrome's trace event format; `ts` and `dur` in microseconds.

    A workload is a process, a point a thread; a visit spans the steps of it that are shown. `otherData` holds how many
    steps were recorded, are shown and are left out, and the failed points.
    """
    import msgspec

    stored = run.stored
    lengths = [_lengths(visit.readings.ticks) for visit in stored.visits]
    most = level([len(each) for each in lengths], MOST_STEPS)
    recorded = sum(map(len, lengths))
    shown = sum(min(most, len(each)) for each in lengths)
    failed = [{"point": place, "reason": reason} for place, reason in wording.failures(run.analysis)]
    processes = _processes(stored)
    events = [_remark(_summary(stored, recorded, shown)), *_names(stored, processes)]
    for visit, steps in zip(stored.visits, lengths, strict=True):
        if steps and most:
            events += _visit(stored.point(visit.point), processes, visit, steps[:most], len(steps))
    document = {
        "displayTimeUnit": "ns",
        "otherData": {
            "run": stored.run_id,
            "host": stored.machine.host,
            "steps_recorded": recorded,
            "steps_shown": shown,
            "steps_left_out": recorded - shown,
            "note": _LAID,
            "failures": failed,
        },
        "traceEvents": events,
    }
    return msgspec.json.encode(document).decode() + "\n"


def level(lengths: Sequence[int], most: int) -> int:
    """The largest number of steps that every visit may keep so that all of them keep at most so many together."""
    left = most
    ascending = sorted(length for length in lengths if length)
    for index, length in enumerate(ascending):
        share = left // (len(ascending) - index)
        if length > share:
            return share
        left -= length
    return max(ascending, default=0)


def _lengths(ticks: StepTicks | None) -> list[float]:
    """Microseconds of every step of a visit."""
    if ticks is None:
        return []
    steps = array("q", ticks.steps)
    if byteorder != "little":
        steps.byteswap()
    return [tick * ticks.seconds_per_tick * _MICRO for tick in steps]


def _summary(run: StoredRun, recorded: int, shown: int) -> str:
    if run.visits and all(visit.status == "failed" for visit in run.visits):
        return "every point failed: nothing was measured"
    if not recorded:
        return "no single steps were recorded in this run"
    left_out = recorded - shown
    return f"{left_out} of {recorded} recorded steps are left out" if left_out else f"all {recorded} recorded steps"


def _remark(text: str) -> dict[str, Any]:
    """An instant of the whole trace, with what has to be said of it."""
    return {"ph": "i", "s": "g", "name": text, "ts": 0, "pid": 0, "tid": 0, "args": {"note": _LAID}}


def _processes(run: StoredRun) -> dict[str, int]:
    """The number of every workload, from 1."""
    names = dict.fromkeys(point.workload for point in run.plan.points)
    return {name: number for number, name in enumerate(names, 1)}


def _names(run: StoredRun, numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The names of workloads and points, as a trace tells them."""
    yield _name("process_name", 0, 0, f"serialprof {run.version}")
    for workload, number in numbers.items():
        yield _name("process_name", number, 0, workload)
    for point in run.plan.points:
        yield _name("thread_name", numbers[point.workload], point.id + 1, wording.place(point))


def _name(kind: str, process: int, thread: int, text: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": process, "tid": thread, "args": {"name": wording.plain(text)}}


def _visit(
    point: Point, processes: dict[str, int], visit: Visit, kept: list[float], recorded: int
) -> Iterator[dict[str, Any]]:
    """A visit and the steps of it that are kept."""
    place = {"ph": "X", "pid": processes[point.workload], "tid": point.id + 1}
    starts = list(accumulate(kept, initial=visit.started * _MICRO))
    told = {"block": visit.block, "turn": visit.turn, "steps": recorded, "left_out": recorded - len(kept)}
    yield place | {"name": f"block {visit.block}", "cat": "visit", **_span(starts[0], starts[-1]), "args": told}
    for index, (start, end) in enumerate(pairwise(starts)):
        yield place | {"name": "step", "cat": "step", **_span(start, end), "args": {"index": index}}


def _span(start: float, end: float) -> dict[str, float]:
    """Start and length to the picosecond: no step sticks out of its visit."""
    first, last = round(start, 6), round(end, 6)
    return {"ts": first, "dur": round(last - first, 6)}
