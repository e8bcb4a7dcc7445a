# SPDX-License-Identifier: Apache-2.0
"""Does a killed run lose more than the visit under way? Runs are killed by SIGKILL at random moments and resumed.

    python benchmarks/durability.py                 300 kills, about 10 minutes
    python benchmarks/durability.py --kills 20      a quick look

A run tells this program, over a pipe, whenever a visit begins. After each kill the file must be readable (or not be
there yet), hold every visit but the one under way, and these in the drawn order without a gap. Then it is resumed, and
killed again, until it is complete; the next one begins.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from recording import record

from serialprof.errors import SerialprofError
from serialprof.limits import Limits
from serialprof.machine.reading import read_machine
from serialprof.planning import Request
from serialprof.preparation import prepare
from serialprof.records import StoredRun
from serialprof.session import measure, resume
from serialprof.store import read_run

BUDGET = 2.0
#: Three kills of four come so many seconds after the first visit began, at most; the others after the start.
LATEST_KILL = 1.5


def child(path: Path, pipe: int, seed: int) -> None:
    """Measures into `path`, or resumes it; writes a byte whenever a visit begins."""

    def tell(progress: object) -> None:
        if getattr(progress, "stage", "") == "sampling":
            os.write(pipe, b"v")

    if path.exists():
        resume(path, tell)
        return
    request = Request(("planted",), widths=(1, 16), threads=(1,), budget=BUDGET, precision=1e-6, seed=seed)
    measure(prepare(request), path, tell, limits=Limits(clock=1.0))


def killed(path: Path, after: float, seed: int, *, sampling: bool) -> tuple[int, bool]:
    """One run that is killed: visits that it began, and whether it had ended before.

    Args:
        path: its file.
        after: seconds after its start, or after its first visit began where `sampling`.
        seed: of its plan.
        sampling: what `after` counts from.
    """
    reader, writer = os.pipe()
    command = [sys.executable, __file__, "--child", str(path), "--pipe", str(writer), "--seed", str(seed)]
    process = subprocess.Popen(command, pass_fds=(writer,), stderr=subprocess.DEVNULL)
    os.close(writer)
    begun = len(os.read(reader, 1)) if sampling else 0
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    code = process.wait()
    while chunk := os.read(reader, 1 << 16):
        begun += len(chunk)
    os.close(reader)
    return begun, code == 0


def problem(run: StoredRun, before: int, begun: int) -> str:
    """What a killed run lost or mixed up, empty where it lost the visit under way at most."""
    if (stored := len(run.visits) - before) < begun - 1:
        return f"{begun} visits were begun and {stored} stored"
    made = [(visit.block, visit.position) for visit in run.visits]
    drawn = [(block, position) for block in sorted(run.draws) for position in range(len(run.draws[block]))]
    if sorted(set(made)) != drawn[: len(set(made))] or made != sorted(made):
        return "visits are not in the drawn order"
    return ""


def main() -> None:
    """Kills runs, prints what became of them, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pipe", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.pipe, arguments.seed)
        return
    draw = random.Random(arguments.seed)
    outcomes: Counter[str] = Counter()
    began, kills, runs = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while kills < arguments.kills:
            path, before, done = Path(folder) / f"{runs}.serialprof", 0, False
            while not done and kills < arguments.kills:
                begun, done = killed(path, draw.uniform(0, LATEST_KILL), runs, sampling=draw.random() < 0.75)
                kills += not done
                try:
                    stored = read_run(path) if path.exists() else None
                    wrong = problem(stored, before, begun) if stored else ("visits without a file" if begun > 1 else "")
                    before = len(stored.visits) if stored else 0
                except SerialprofError as error:
                    wrong = str(error)
                if done and (stored is None or stored.status != "complete"):
                    wrong = wrong or "it ended without being complete"
                outcomes[wrong or ("completed" if done else "killed and sound")] += 1
                if wrong:
                    path.unlink(missing_ok=True)
                    break
            runs += 1
    for outcome, count in outcomes.most_common():
        print(f"{count:5d}  {outcome}")
    print(f"{kills} kills over {runs} runs in {time.monotonic() - began:.0f} s")
    result = {"kills": kills, "runs": runs, "outcomes": dict(outcomes), "seed": arguments.seed}
    print(f"written: {record('durability', read_machine(), result)}")


if __name__ == "__main__":
    main()
