# SPDX-License-Identifier: Apache-2.0
"""The text outlets of a made-up run, as they are kept in golden/. What changed on purpose is written anew by

.venv/bin/python tests/reports/golden.py
"""

from __future__ import annotations

import json as standard_json
import sys
from array import array
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import made

from serialprof.model import analyse
from serialprof.records import StepTicks
from serialprof_reports.chrometrace import chrome_trace
from serialprof_reports.markdown import markdown
from serialprof_reports.tables import csv, json
from serialprof_reports.terminal import terminal

if TYPE_CHECKING:
    from serialprof.records import StoredRun, Visit

FOLDER = Path(__file__).parent / "golden"


def ticked(visit: Visit) -> Visit:
    """The visit with three steps of 20, 21 and 25 microseconds, in nanoseconds."""
    steps = array("q", [20_000, 21_000, 25_000])
    if sys.byteorder != "little":
        steps.byteswap()
    return replace(visit, readings=replace(visit.readings, ticks=StepTicks(1e-9, steps.tobytes())))


def short(run: StoredRun) -> StoredRun:
    """Its first block, with single steps at every point that was measured."""
    visits = [visit for visit in run.visits if visit.block == 0]
    return replace(run, visits=tuple(ticked(visit) if visit.samples else visit for visit in visits))


def rounded(text: str) -> str:
    """A JSON document with numbers to five digits, for libraries of linear algebra differ in the last ones.

    What lies within 1e-13 of 0 is 0.
    """

    def number(digits: str) -> float:
        value = float(digits)
        return float(f"{value:.5g}") if abs(value) > 1e-13 else 0.0

    return standard_json.dumps(standard_json.loads(text, parse_float=number), indent=1) + "\n"


def documents() -> dict[str, str]:
    """Every golden file by its name."""
    run = made.stored_run()
    found = made.analysis(run)
    lstm = made.stored_run((made.LSTM,))
    failed = made.stored_run((made.LSTM,), all_fail=True)
    nothing = analyse(failed)
    return {
        "terminal.txt": terminal(made.view(run, found)),
        "markdown.md": markdown(made.view(run, found)),
        "analysis.json": rounded(json(made.view(lstm, made.analysis(lstm, (made.LSTM,))))),
        "samples.csv": csv(made.view(short(lstm), found)),
        "steps.trace.json": chrome_trace(made.view(short(lstm), made.analysis(lstm, (made.LSTM,)))),
        "failed-terminal.txt": terminal(made.view(failed, nothing)),
        "failed-markdown.md": markdown(made.view(failed, nothing)),
        "failed.trace.json": chrome_trace(made.view(failed, nothing)),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_bytes(text.encode())
